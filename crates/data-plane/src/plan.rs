//! The duties of one contract, checked against one table and ready to run.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema, SchemaRef};
use dataspace_policy::Duty;
use dataspace_primitives::{Name, Secrets};

use crate::aggregate::{self, Aggregation};
use crate::chunk::Chunk;
use crate::filter::Filter;
use crate::leaving::{Leaving, pick};
use crate::mask::{Masks, Output};
use crate::persons::{OfSomebody, PersonsOf};
use crate::plan_error::{ApplyError, PartError, PlanError};
use crate::pseudonym::PseudonymKeys;
use crate::recipient::Recipient;
use crate::render::escape;
use crate::rows::RowDuty;
use crate::run_error::RunError;
use crate::sample::Sampling;
use crate::subjects::{SubjectColumn, carried};
use crate::tree::Tree;
use crate::watermark::Marker;

/// The duties of one contract, checked against the columns of one table.
pub struct Plan {
    source: Vec<(String, DataType)>,
    tree: Arc<Tree>,
    rows: Vec<Box<dyn RowDuty>>,
    leaving: Leaving,
    /// Chooses rows, once it has its key.
    sample: Option<Sampling>,
    /// At most so many rows leave.
    limit: Option<u64>,
    /// What leaves of the masked columns, if that is not all.
    shown: Option<Leaving>,
    /// If figures leave instead of them.
    aggregation: Option<Aggregation>,
    /// Persons, if no more than a number of them may leave.
    persons: Option<PersonsOf>,
    /// Whom the rows are about, if a duty names a column that says so. Groups have a column of their own.
    subjects: Option<SubjectColumn>,
    /// Kept only while some column is masked: for pseudonyms and for the order of the rows.
    keys: Option<PseudonymKeys>,
}

impl Plan {
    /// Checks every duty against the columns of the table. What this accepts, [`Plan::apply`]
    /// carries out in full: row filters on the values as they are in the table, then masks.
    ///
    /// A secret is derived only where a duty needs one: that of the recipient's contract for pseudonyms,
    /// and for the order of the rows where a column is masked; that of its consumer for pseudonyms
    /// that can be joined beyond the contract.
    ///
    /// # Errors
    /// [`PlanError`] with the first duty that cannot be carried out here. None is ever skipped.
    pub fn compile(
        duties: &[Duty],
        schema: &Schema,
        secrets: &dyn Secrets,
        recipient: Recipient<'_>,
    ) -> Result<Self, PlanError> {
        let (mut plan, is_masked) = Self::fit(duties, schema)?;
        let no_secret = |source| PlanError::Secret { source };
        if let Some(sample) = plan.sample.take() {
            let sample = sample.keyed(secrets, recipient).map_err(no_secret)?;
            plan.subjects = sample.subjects().filter(|_| plan.aggregation.is_none());
            plan.rows.push(Box::new(sample));
        }
        if let Some(persons) = &plan.persons {
            plan.subjects = Some(persons.keyed(secrets).map_err(no_secret)?);
        }
        for output in plan.leaving.outputs_mut() {
            let column = output.released.name().clone();
            if let Some(marker) = output.marker() {
                marker.keyed(secrets, recipient, &column).map_err(no_secret)?;
            }
        }
        if is_masked {
            let joined = plan.leaving.outputs().iter().filter_map(Output::joined);
            let keys = PseudonymKeys::derive(secrets, recipient, joined);
            plan.keys = Some(keys.map_err(no_secret)?);
        }
        Ok(plan)
    }

    /// Checks every duty as [`compile`](Self::compile) does, without secrets.
    ///
    /// # Errors
    /// [`PlanError`] with the first duty that cannot be carried out.
    pub fn check(duties: &[Duty], schema: &Schema) -> Result<(), PlanError> {
        Self::fit(duties, schema).map(drop)
    }

    /// The plan without its key, and whether it needs one.
    fn fit(duties: &[Duty], schema: &Schema) -> Result<(Self, bool), PlanError> {
        check_names(schema)?;
        let source = schema.fields().iter();
        let source = source.map(|one| (one.name().clone(), one.data_type().clone())).collect();
        let tree = Arc::new(Tree::of(schema)?);
        // From here on, of leaves.
        let schema = tree.schema().as_ref();
        let mut rows: Vec<Box<dyn RowDuty>> = Vec::new();
        let mut masks = Masks::of(&tree);
        let (mut sample, mut limit, mut watermarks) = (None, None, Vec::new());
        let mut persons: Option<(usize, PersonsOf)> = None;
        for (clause, duty) in duties.iter().enumerate() {
            duty.check().map_err(|source| PlanError::Duty { clause, source })?;
            look_for(duty, clause, &tree)?;
            match duty {
                Duty::Mark(_) => return Err(PlanError::Unmarked { clause }),
                Duty::Filter(filter) => {
                    rows.push(Box::new(Filter::compile(filter, clause, schema)?));
                }
                Duty::Mask(mask) => masks.compile(mask, clause, &tree)?,
                Duty::Sample(one) => {
                    let one = Sampling::compile(one, clause, schema)?;
                    if let Some((first, _)) = sample.replace((clause, one)) {
                        return Err(PlanError::SecondDuty { clause, first });
                    }
                }
                Duty::Limit(one) => {
                    if let Some((first, _)) = limit.replace((clause, one.rows)) {
                        return Err(PlanError::SecondDuty { clause, first });
                    }
                }
                Duty::Watermark(one) => {
                    watermarks.push((clause, Marker::compile(one, clause, schema)?));
                }
                Duty::Persons(one) => {
                    let one = PersonsOf::compile(one, clause, schema)?;
                    rows.push(Box::new(OfSomebody(one.place)));
                    if let Some((first, _)) = persons.replace((clause, one)) {
                        return Err(PlanError::SecondDuty { clause, first });
                    }
                }
                // Once the masks are known.
                Duty::Keep(_) | Duty::Aggregate(_) => {}
            }
        }
        let (mut kept, mut figures) = (None, None);
        for (clause, duty) in duties.iter().enumerate() {
            let columns = match duty {
                Duty::Keep(keep) => keep.columns.clone(),
                Duty::Aggregate(aggregate) => {
                    figures = Some((clause, aggregate));
                    aggregate::columns(aggregate)
                }
                _ => continue,
            };
            if let Some(first) = kept.replace(clause) {
                return Err(PlanError::SecondKeep { clause, first });
            }
            masks.keep(&columns, clause, &tree, figures.is_some())?;
        }
        let is_masked = masks.are_any();
        let mut outputs = masks.outputs(&tree)?;
        let of_rows =
            watermarks.iter().map(|(clause, _)| *clause).chain(limit.map(|(clause, _)| clause));
        if let Some(clause) = of_rows.min().filter(|_| figures.is_some()) {
            return Err(PlanError::OfRows { clause });
        }
        for (clause, (place, marker)) in watermarks {
            let column = schema.field(place).name().clone();
            let Some(output) = outputs.iter_mut().find(|output| output.source == place) else {
                return Err(PlanError::MaskNotKept { clause, column });
            };
            if !output.mark(marker) {
                let first = duties.iter().position(|duty| changes(duty, &column));
                let first = first.unwrap_or_default();
                return Err(PlanError::SecondMask { clause, first, column });
            }
        }
        if outputs.is_empty() && figures.is_none() {
            return Err(PlanError::NothingLeft);
        }
        // Groups are made of leaves.
        let make = if figures.is_some() { Leaving::flat } else { Leaving::new };
        let leaving = make(Arc::clone(&tree), outputs);
        let aggregation = figures.map(|(clause, duty)| {
            Aggregation::compile(duty, clause, (leaving.schema().as_ref(), schema))
        });
        let plan = Self {
            aggregation: aggregation.transpose()?,
            source,
            rows,
            sample: sample.map(|(_, sample)| sample),
            limit: limit.map(|(_, rows)| rows),
            leaving,
            shown: None,
            persons: persons.map(|(_, persons)| persons),
            subjects: None,
            keys: None,
            tree: Arc::clone(&tree),
        };
        Ok((plan, is_masked))
    }

    /// The columns of what [`Plan::run`] gives: without the source's metadata, texts always as `Utf8`, and
    /// those of the table nullable.
    #[must_use]
    pub fn output_schema(&self) -> SchemaRef {
        match (&self.aggregation, &self.shown) {
            (Some(aggregation), _) => aggregation.schema(),
            (None, Some(shown)) => Arc::clone(shown.schema()),
            (None, None) => self.masked_schema(),
        }
    }

    /// All masked columns.
    pub(crate) fn masked_schema(&self) -> SchemaRef {
        Arc::clone(self.leaving.schema())
    }

    /// All masked columns, and the marks of subjects behind them if those are counted.
    pub(crate) fn carried_schema(&self) -> SchemaRef {
        match &self.subjects {
            Some(_) => carried(self.leaving.schema()),
            None => self.masked_schema(),
        }
    }

    /// Whom the rows are about, where they carry marks.
    pub(crate) fn subjects(&self) -> Option<&SubjectColumn> {
        self.subjects.as_ref()
    }

    /// Whom to count before anything leaves.
    pub(crate) fn persons(&self) -> Option<&PersonsOf> {
        self.persons.as_ref()
    }

    /// The columns that it takes to count them.
    pub(crate) fn wanted_to_count(&self) -> Vec<bool> {
        let rows = self.rows.iter().flat_map(|duty| duty.columns());
        self.places(rows)
    }

    /// Returns true if a duty names whom or what a row is about.
    pub(crate) fn counts_subjects(&self) -> bool {
        self.subjects.is_some() || self.aggregation.is_some()
    }

    /// The columns that leave, of those that are masked.
    pub(crate) fn shown(&self, batch: RecordBatch) -> Result<RecordBatch, RunError> {
        match &self.shown {
            None => Ok(batch),
            Some(shown) => Ok(pick(shown, &batch, 0..batch.num_rows())?),
        }
    }

    /// The most rows that leave.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// What makes figures of the masked rows, if those leave alone.
    pub(crate) fn aggregation(&self) -> Option<&Aggregation> {
        self.aggregation.as_ref()
    }

    /// Returns true if the rows of [`Plan::run`] come in the order of the contract and not in the
    /// table's: exactly if a column is masked or left out.
    // WHY every mask: a column that is coarsened, emptied or left out may be the one that the
    // table is sorted by, or that it has in common with another table of the same order.
    #[must_use]
    pub fn reorders(&self) -> bool {
        self.order_key().is_some()
    }

    /// Releases these columns, or parts of them, alone, and so reads no others but those of filters. The rows that stay, and
    /// whether they come in an order of the contract, follow from the duties as before.
    pub(crate) fn restrict(&mut self, columns: &BTreeSet<Name>) -> Result<(), PartError> {
        if self.aggregation.is_some() {
            return Err(PartError::Kind { asked: "columns by themselves; ask for all figures" });
        }
        let masked = Tree::of(self.leaving.schema()).ok();
        let find = |column: &Name| masked.as_ref()?.find(column.as_str());
        let behind = self.leaving.behind();
        let mut leaves = vec![false; behind.len()];
        for column in columns {
            let unknown = || PartError::Column { column: column.to_string() };
            let part = find(column).ok_or_else(unknown)?;
            leaves.get_mut(part.leaves.clone()).ok_or_else(unknown)?.fill(true);
        }
        // WHY: the first rows are the first by all of their values, whatever is asked for. Otherwise each
        // choice of columns would give other rows.
        if self.limit.is_some() && self.reorders() {
            let is_wanted = |leaf: usize| leaves.get(leaf) == Some(&true);
            let shown = Leaving::copies(self.leaving.schema(), is_wanted);
            self.shown =
                Some(shown.map_err(|_| PartError::Kind { asked: "columns by themselves" })?);
            return Ok(());
        }
        let wanted = behind.iter().zip(&leaves).filter(|(_, wanted)| **wanted);
        let wanted: BTreeSet<usize> = wanted.flat_map(|(outputs, _)| outputs).copied().collect();
        self.leaving.retain(|output| wanted.contains(&output));
        Ok(())
    }

    /// What the order is made with, if there is one. Groups have that of their columns.
    pub(crate) fn order_key(&self) -> Option<&PseudonymKeys> {
        self.keys.as_ref().filter(|_| self.aggregation.is_none())
    }

    /// The rows and values of `batch` that may leave, in their order. Nothing in the result shares
    /// memory with `batch`.
    ///
    /// # Errors
    /// [`ApplyError`] if `batch` has other columns than the plan was compiled for, or if figures of whole
    /// tables leave and no rows, or a number of their rows.
    pub fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, ApplyError> {
        let fields = batch.schema_ref().fields();
        let same = fields.len() == self.source.len()
            && fields.iter().zip(&self.source).all(|(field, (name, data_type))| {
                field.name() == name && field.data_type() == data_type
            });
        if !same {
            return Err(ApplyError::OtherSchema);
        }
        if self.aggregation.is_some() {
            return Err(ApplyError::Aggregated);
        }
        if self.persons.is_some() {
            return Err(ApplyError::Counted);
        }
        if self.limit.is_some() {
            return Err(ApplyError::Limited);
        }
        let chunk = Chunk::of(batch);
        let rows = self.keep(&self.leaves(&chunk))?;
        self.mask(&chunk, &rows)
    }

    /// The leaves of the table that [`Plan::keep`] and [`Plan::mask`] look at.
    pub(crate) fn wanted(&self) -> Vec<bool> {
        let outputs = self.leaving.outputs().iter().filter(|output| output.reads());
        let rows = self.rows.iter().flat_map(|duty| duty.columns());
        let subject = self.aggregation.iter().map(|aggregation| aggregation.subject);
        self.places(outputs.map(|output| output.source).chain(rows).chain(subject))
    }

    fn places(&self, indices: impl Iterator<Item = usize>) -> Vec<bool> {
        let mut wanted = vec![false; self.tree.schema().fields().len()];
        for index in indices {
            if let Some(wanted) = wanted.get_mut(index) {
                *wanted = true;
            }
        }
        wanted
    }

    /// The leaves that duties about rows look at, as columns.
    pub(crate) fn leaves<'a>(&self, chunk: &'a Chunk) -> Cow<'a, Chunk> {
        if self.tree.is_flat() {
            return Cow::Borrowed(chunk);
        }
        let rows = self.rows.iter().flat_map(|duty| duty.columns());
        let subject = self.aggregation.iter().map(|aggregation| aggregation.subject);
        Cow::Owned(self.tree.flat(chunk, rows.chain(subject)))
    }

    /// The rows that stay, by their [`leaves`](Self::leaves).
    pub(crate) fn keep(&self, leaves: &Chunk) -> Result<Vec<usize>, ApplyError> {
        let mut rows = (0..leaves.rows).collect();
        for duty in &self.rows {
            duty.apply(leaves, &mut rows).ok_or(ApplyError::OtherSchema)?;
        }
        Ok(rows)
    }

    /// Bytes that so many rows of the chunk take at most once they are masked; `None` if only their values can tell.
    pub(crate) fn most(&self, chunk: &Chunk, rows: usize) -> Option<usize> {
        self.leaving.most(&chunk.columns, rows)
    }

    /// Bytes that each of `rows` takes at most once it is masked.
    pub(crate) fn lens(&self, chunk: &Chunk, rows: &[usize]) -> Vec<usize> {
        self.leaving.lens(&chunk.columns, rows)
    }

    /// What leaves of `rows`, with the marks of their subjects behind.
    pub(crate) fn mask_carrying(
        &self,
        (chunk, leaves): (&Chunk, &Chunk),
        rows: &[usize],
    ) -> Result<RecordBatch, RunError> {
        let masked = self.mask(chunk, rows)?;
        match &self.subjects {
            Some(subjects) => subjects.add((leaves, rows), &masked),
            None => Ok(masked),
        }
    }

    /// What leaves of `rows`.
    pub(crate) fn mask(&self, chunk: &Chunk, rows: &[usize]) -> Result<RecordBatch, ApplyError> {
        self.leaving.batch(&chunk.columns, rows, self.keys.as_ref())
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("rows", &self.rows)
            .field("outputs", &self.leaving.outputs())
            .finish_non_exhaustive()
    }
}

/// Returns true if the duty changes values of the column.
fn changes(duty: &Duty, column: &str) -> bool {
    let is_change = matches!(duty, Duty::Mask(_) | Duty::Watermark(_));
    is_change && duty.column().is_some_and(|one| one.as_str() == column)
}

/// Checks that what a duty looks for has one value in each row.
fn look_for(duty: &Duty, clause: usize, tree: &Tree) -> Result<(), PlanError> {
    let is_one = |name: &Name| tree.is_one(clause, name.as_str());
    match duty {
        // Of parts of lists and maps too.
        Duty::Mask(_) | Duty::Keep(_) => Ok(()),
        Duty::Aggregate(aggregate) => {
            is_one(&aggregate.subject)?;
            aggregate::columns(aggregate).iter().try_for_each(is_one)
        }
        Duty::Persons(persons) => is_one(&persons.column),
        Duty::Sample(sample) => {
            if let Some(subject) = &sample.subject {
                return is_one(subject);
            }
            let mut leaves = tree.schema().fields().iter().enumerate();
            match leaves.find(|(leaf, _)| tree.is_repeated(*leaf)) {
                None => Ok(()),
                Some((_, leaf)) => Err(PlanError::Repeated { clause, column: leaf.name().clone() }),
            }
        }
        _ => duty.column().map_or(Ok(()), is_one),
    }
}

/// Every column has a name that a duty can name, and no other one has it.
fn check_names(schema: &Schema) -> Result<(), PlanError> {
    let mut names = BTreeSet::new();
    for (index, field) in schema.fields().iter().enumerate() {
        if field.name().parse::<Name>().is_err() {
            return Err(PlanError::ColumnName { index, shown: escape(field.name()) });
        }
        if !names.insert(field.name()) {
            return Err(PlanError::DuplicateColumn { column: field.name().clone() });
        }
    }
    Ok(())
}
