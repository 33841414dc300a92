//! Batches cut and put together by rows and bytes.

use std::collections::VecDeque;

use arrow_array::cast::AsArray;
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::Schema;
use arrow_select::concat::concat_batches;

use crate::chunk::{BATCH_LEN_MAX, BATCH_ROWS};
use crate::column::width;
use crate::leaving::{Leaving, pick};
use crate::plan_error::ApplyError;
use crate::run_error::RunError;

/// Bytes that a row takes in released columns: those of fixed width, its texts, its lists.
#[derive(Default)]
pub(crate) struct RowLens<'a> {
    fixed: usize,
    texts: Vec<&'a [i32]>,
    lists: Vec<(&'a [i32], RowLens<'a>)>,
}

impl<'a> RowLens<'a> {
    fn of(columns: &'a [ArrayRef]) -> Self {
        let mut lens = Self::default();
        for column in columns {
            lens.add(column);
        }
        lens
    }

    fn add(&mut self, array: &'a ArrayRef) {
        self.fixed = self.fixed.saturating_add(width(array.data_type()));
        if let Some(texts) = array.as_string_opt::<i32>() {
            self.texts.push(texts.offsets());
        } else if let Some(parts) = array.as_struct_opt() {
            parts.columns().iter().for_each(|part| self.add(part));
        } else if let Some(lists) = array.as_list_opt::<i32>() {
            self.lists.push((lists.offsets(), Self::of(std::slice::from_ref(lists.values()))));
        } else if let Some(maps) = array.as_map_opt() {
            self.lists.push((maps.offsets(), Self::of(maps.entries().columns())));
        }
    }

    /// Bytes of rows `from..to`.
    fn between(&self, from: usize, to: usize) -> usize {
        let at = |offsets: &[i32], row: usize| {
            usize::try_from(offsets.get(row).copied().unwrap_or(0)).unwrap_or(0)
        };
        let texts = self.texts.iter();
        let texts = texts.map(|offsets| at(offsets, to).saturating_sub(at(offsets, from)));
        let lists = self.lists.iter();
        let lists = lists.map(|(offsets, items)| items.between(at(offsets, from), at(offsets, to)));
        let all = texts.chain(lists).fold(0, usize::saturating_add);
        all.saturating_add(self.fixed.saturating_mul(to.saturating_sub(from)))
    }
}

/// Rows put together to batches of [`BATCH_ROWS`] rows, or fewer if the next row would make them
/// longer than [`BATCH_LEN_MAX`]. The borders follow from the rows alone, however they come.
pub(crate) struct Pieces {
    copies: Leaving,
    /// Parts of batches: from which row, how many.
    pending: Vec<(RecordBatch, usize, usize)>,
    rows: usize,
    len: usize,
    ready: VecDeque<RecordBatch>,
}

impl Pieces {
    pub(crate) fn new(schema: &Schema) -> Result<Self, ApplyError> {
        let copies = Leaving::copies(schema, |_| true)?;
        Ok(Self { copies, pending: Vec::new(), rows: 0, len: 0, ready: VecDeque::new() })
    }

    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), RunError> {
        let (lens, total) = (RowLens::of(batch.columns()), batch.num_rows());
        let mut from = 0;
        while from < total {
            let most = total.min(from + (BATCH_ROWS - self.rows));
            let room = BATCH_LEN_MAX.saturating_sub(self.len);
            let mut to = most;
            if lens.between(from, most) > room {
                // The last row that fits: lengths grow with the rows.
                let fits: Vec<usize> = (from..=most).collect();
                let count = fits.partition_point(|end| lens.between(from, *end) <= room);
                to = from + count.saturating_sub(1);
                if to == from && self.rows == 0 {
                    // A row longer than a batch is one of its own.
                    to = from + 1;
                }
            }
            if to > from {
                self.pending.push((batch.clone(), from, to - from));
                self.rows += to - from;
                self.len = self.len.saturating_add(lens.between(from, to));
            }
            if self.rows == BATCH_ROWS || to < most {
                self.finish()?;
            }
            from = to;
        }
        Ok(())
    }

    /// What is there becomes a batch.
    pub(crate) fn finish(&mut self) -> Result<(), RunError> {
        let pending = std::mem::take(&mut self.pending);
        (self.rows, self.len) = (0, 0);
        let batch = match pending.as_slice() {
            [] => return Ok(()),
            [(batch, 0, rows)] if *rows == batch.num_rows() => batch.clone(),
            // Fresh, too: a batch shares no memory with one that may no longer leave.
            [(batch, from, rows)] => pick(&self.copies, batch, *from..from + rows)?,
            several => {
                let parts: Vec<_> =
                    several.iter().map(|(batch, from, rows)| batch.slice(*from, *rows)).collect();
                concat_batches(self.copies.schema(), &parts).map_err(RunError::Assemble)?
            }
        };
        self.ready.push_back(batch);
        Ok(())
    }

    pub(crate) fn next(&mut self) -> Option<RecordBatch> {
        self.ready.pop_front()
    }
}
