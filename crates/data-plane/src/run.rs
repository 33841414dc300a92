//! A plan over a whole table.

use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;

use arrow_array::{RecordBatch, RecordBatchOptions};
use dataspace_primitives::Digest;

use crate::aggregate::Groups;
use crate::chunk::{BATCH_LEN_MAX, COLUMNS_MAX, Chunk};
use crate::leaving::{Leaving, pick};
use crate::order::{MEMORY_LEN, Order, Ordered};
use crate::pieces::Pieces;
use crate::plan::Plan;
use crate::row_error::ROW_LEN_MAX;
use crate::run_error::RunError;
use crate::subjects::{SubjectId, Subjects, split};
use crate::table::{Chunks, Table};

/// Bytes that a row may have: the longest of a CSV file, and what its columns take besides.
const RELEASED_ROW_MAX: usize = ROW_LEN_MAX + 64 * COLUMNS_MAX;

enum Stage {
    /// Rows in the order of the table.
    Through {
        chunks: Option<Chunks>,
        pieces: Pieces,
    },
    /// Rows that are still collected for the contract's own order.
    Collecting {
        chunks: Chunks,
        order: Box<Order>,
    },
    Ordered(Box<Ordered>),
    /// Rows that become figures.
    Grouping {
        chunks: Chunks,
        groups: Box<Groups>,
    },
    Grouped(std::vec::IntoIter<RecordBatch>),
    Ended,
}

/// What may leave of a table, in batches of [`BATCH_ROWS`](crate::chunk::BATCH_ROWS) rows, the last one
/// with fewer, and a batch of long rows with as many as fit [`BATCH_LEN_MAX`]. The borders of the
/// batches follow from the rows that stay, so they tell nothing about hidden rows. Ends after the
/// first error.
///
/// If a column is masked or left out ([`Plan::reorders`]), the rows come in an order of the
/// contract: they are sorted by an HMAC of what is released of them. The first batch then comes
/// when the whole table is read. Up to 32 MiB of rows are sorted in memory; more go to an unnamed
/// file in the system's directory for temporary files. A release of n bytes takes up to
/// 2n, or 3n beyond 8 GiB.
pub struct Masked<P> {
    plan: P,
    stage: Stage,
    /// Rows that may still leave.
    left: Option<u64>,
    version: Option<Digest>,
    subjects: Subjects,
    /// The persons who may leave, once they were counted.
    admitted: Option<HashSet<SubjectId>>,
    /// True if it is read to count them, and not to release anything.
    is_count: bool,
    /// Subjects of figures, once they were made; and whether any left.
    of_groups: (u64, bool),
}

impl Plan {
    /// Reads `table` and carries the duties out on it.
    ///
    /// # Errors
    /// [`RunError::Read`] if the table cannot be opened again.
    pub fn run(&self, table: &Table) -> Result<Masked<&Self>, RunError> {
        Masked::open(self, table)
    }

    /// What leaves of the rows, in parts of at most about [`BATCH_LEN_MAX`] bytes.
    // WHY: a value that a dictionary holds once may stand in every row.
    fn mask_in_parts(
        &self,
        chunk: &Chunk,
        mut take: impl FnMut((&Chunk, &[usize]), &RecordBatch) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let leaves = &*self.leaves(chunk);
        let rows = self.keep(leaves)?;
        let (mut from, mut len) = (0, 0_usize);
        let mut part = |from, to| match rows.get(from..to) {
            None | Some([]) => Ok(()),
            Some(rows) => take((leaves, rows), &self.mask_carrying((chunk, leaves), rows)?),
        };
        // All of them are one part, as most are: no need to look at each.
        if self.most(chunk, rows.len()).is_some_and(|most| most <= BATCH_LEN_MAX) {
            return part(0, rows.len());
        }
        for (row, row_len) in self.lens(chunk, &rows).into_iter().enumerate() {
            if row_len > RELEASED_ROW_MAX {
                return Err(RunError::RowTooLong);
            }
            if len.saturating_add(row_len) > BATCH_LEN_MAX {
                part(from, row)?;
                (from, len) = (row, 0);
            }
            len = len.saturating_add(row_len);
        }
        part(from, rows.len())
    }
}

impl<P: Deref<Target = Plan>> Masked<P> {
    /// Reads `table` and carries the duties of `plan`, borrowed or shared, out on it.
    ///
    /// Does all that can fail early: the file is there, regular, and has the columns and types that
    /// it had when the table was opened. A CSV file that has changed since is read once in full for
    /// this.
    ///
    /// # Errors
    /// [`RunError::Read`] if the table cannot be opened again.
    pub fn open(plan: P, table: &Table) -> Result<Self, RunError> {
        table.look_over()?;
        Self::open_seen(plan, table)
    }

    /// The same of a table that was [looked over](Table::look_over): reads no more than the beginning of the file.
    pub(crate) fn open_seen(plan: P, table: &Table) -> Result<Self, RunError> {
        let (chunks, version) = table.chunks(&plan.wanted())?;
        let left = plan.limit();
        let (subjects, of_groups) = (Subjects::default(), (0, false));
        let (admitted, is_count) = (None, false);
        if let Some(aggregation) = plan.aggregation() {
            let groups = Box::new(Groups::new(aggregation).map_err(RunError::Assemble)?);
            let stage = Stage::Grouping { chunks, groups };
            return Ok(Self {
                plan,
                stage,
                left,
                version,
                subjects,
                admitted,
                is_count,
                of_groups,
            });
        }
        let carries = plan.subjects().is_some();
        let stage = if let Some(key) = plan.order_key() {
            let of_rows = (plan.masked_schema(), carries);
            let order = Order::new(of_rows, key, MEMORY_LEN).map_err(RunError::Assemble)?;
            Stage::Collecting { chunks, order: Box::new(order) }
        } else {
            let pieces = Pieces::new(&plan.carried_schema())?;
            Stage::Through { chunks: Some(chunks), pieces }
        };
        Ok(Self { plan, stage, left, version, subjects, admitted, is_count, of_groups })
    }

    /// Lets no more rows leave than this.
    pub(crate) fn at_most(mut self, rows: Option<u64>) -> Self {
        self.left = self.left.into_iter().chain(rows).min();
        self
    }

    /// Is read to find the persons, who are not counted yet.
    pub(crate) fn counting(mut self) -> Self {
        self.is_count = true;
        self
    }

    /// Those whom it was about.
    pub(crate) fn into_subjects(self) -> HashSet<SubjectId> {
        self.subjects.0
    }

    /// Lets rows about these persons leave, who were counted.
    pub(crate) fn admit(&mut self, persons: HashSet<SubjectId>) {
        self.admitted = Some(persons);
    }

    /// Those who may leave; `None` while they are not counted.
    pub(crate) fn admitted(&self) -> Option<&HashSet<SubjectId>> {
        self.admitted.as_ref()
    }

    /// Lets no more rows leave.
    pub(crate) fn withdraw(&mut self) {
        self.admitted = None;
    }

    /// Different subjects of what was given out so far; `None` if no duty names a column that says whom or what a
    /// row is about. Of figures, those of the rows behind all of them, once the first were given out.
    #[must_use]
    pub fn subjects(&self) -> Option<u64> {
        let of_figures = || if self.of_groups.1 { self.of_groups.0 } else { 0 };
        let all = || self.subjects.count().max(of_figures());
        self.plan.counts_subjects().then(all)
    }

    /// A digest over the state of the file that is read; `None` if it is none.
    pub(crate) fn version(&self) -> Option<Digest> {
        self.version
    }

    /// The next rows that leave, of the columns that do.
    fn leaving(&mut self) -> Result<Option<RecordBatch>, RunError> {
        if matches!(self.stage, Stage::Ended) {
            return Ok(None);
        }
        let is_counted = self.plan.persons().is_none() || self.admitted.is_some();
        if !is_counted && !self.is_count {
            return Err(RunError::Uncounted);
        }
        if self.left == Some(0) {
            return Ok(None);
        }
        let Some(mut batch) = self.step()? else { return Ok(None) };
        if let Some(left) = &mut self.left {
            batch = first(batch, *left)?;
            let rows = u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
            *left = left.saturating_sub(rows);
        }
        if self.plan.subjects().is_some() && self.plan.aggregation().is_none() {
            let (rows, marks) = split(&batch)?;
            check_admitted(self.admitted.as_ref(), &marks)?;
            self.subjects.add(marks)?;
            batch = rows;
        }
        self.of_groups.1 = true;
        self.plan.shown(batch).map(Some)
    }

    fn step(&mut self) -> Result<Option<RecordBatch>, RunError> {
        loop {
            match &mut self.stage {
                Stage::Through { chunks, pieces } => {
                    if let Some(batch) = pieces.next() {
                        return Ok(Some(batch));
                    }
                    let Some(some) = chunks else { return Ok(None) };
                    if let Some(chunk) = some.read()? {
                        self.plan.mask_in_parts(&chunk, |_, batch| pieces.push(batch))?;
                    } else {
                        *chunks = None;
                        pieces.finish()?;
                    }
                }
                Stage::Collecting { chunks, order } => {
                    if let Some(chunk) = chunks.read()? {
                        self.plan.mask_in_parts(&chunk, |_, batch| order.push(batch))?;
                    } else if let Stage::Collecting { order, .. } =
                        std::mem::replace(&mut self.stage, Stage::Ended)
                    {
                        self.stage = Stage::Ordered(Box::new(order.finish()?));
                    }
                }
                Stage::Ordered(rows) => return rows.read(),
                Stage::Grouping { chunks, groups } => {
                    let Some(aggregation) = self.plan.aggregation() else { return Ok(None) };
                    if let Some(chunk) = chunks.read()? {
                        self.plan.mask_in_parts(&chunk, |(leaves, rows), masked| {
                            if self.plan.persons().is_none() {
                                return groups.push(aggregation, (leaves, rows), masked);
                            }
                            let (masked, marks) = split(masked)?;
                            check_admitted(self.admitted.as_ref(), &marks)?;
                            groups.push(aggregation, (leaves, rows), &masked)
                        })?;
                    } else if let Stage::Grouping { groups, .. } =
                        std::mem::replace(&mut self.stage, Stage::Ended)
                    {
                        self.of_groups.0 = groups.subjects();
                        self.stage = Stage::Grouped(groups.finish(aggregation)?.into_iter());
                    }
                }
                Stage::Grouped(batches) => return Ok(batches.next()),
                Stage::Ended => return Ok(None),
            }
        }
    }
}

/// Checks that all persons were counted: the file may have changed since.
fn check_admitted(
    admitted: Option<&HashSet<SubjectId>>,
    ids: &[SubjectId],
) -> Result<(), RunError> {
    let is_admitted = |id| admitted.is_none_or(|all| all.contains(id));
    if ids.iter().all(is_admitted) { Ok(()) } else { Err(RunError::ChangedSinceCounted) }
}

/// The first `most` rows, without the others' values.
pub(crate) fn first(batch: RecordBatch, most: u64) -> Result<RecordBatch, RunError> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if batch.num_rows() <= most {
        return Ok(batch);
    }
    // WHY not a slice: its buffers would hold the rows that are left out.
    let copies = Leaving::copies(batch.schema_ref(), |_| true)?;
    let (_, columns, rows) = pick(&copies, &batch, 0..most)?.into_parts();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    // Figures of groups are never missing.
    RecordBatch::try_new_with_options(batch.schema(), columns, &options).map_err(RunError::Assemble)
}

impl<P: Deref<Target = Plan>> Iterator for Masked<P> {
    type Item = Result<RecordBatch, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.leaving();
        if !matches!(step, Ok(Some(_))) {
            // Neither what is buffered nor what would follow: an error is the end.
            self.stage = Stage::Ended;
        }
        step.transpose()
    }
}

impl<P: Deref<Target = Plan>> fmt::Debug for Masked<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masked").field("plan", &*self.plan).finish_non_exhaustive()
    }
}
