//! Batches cut and put together by rows and bytes.

use std::collections::VecDeque;

use arrow_array::cast::AsArray;
use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, SchemaRef};
use arrow_select::concat::concat_batches;

use crate::chunk::{BATCH_LEN_MAX, BATCH_ROWS};
use crate::column::copy;

/// Bytes that a row takes in released columns: those of fixed width, and its texts.
pub(crate) struct RowLens<'a> {
    fixed: usize,
    texts: Vec<&'a [i32]>,
}

/// Bytes of a value, or of a text's place.
pub(crate) fn width(data_type: &DataType) -> usize {
    data_type.primitive_width().unwrap_or(8)
}

impl<'a> RowLens<'a> {
    fn of(batch: &'a RecordBatch) -> Self {
        let columns = || batch.columns().iter();
        Self {
            fixed: columns().map(|column| width(column.data_type())).sum(),
            texts: columns()
                .filter_map(|column| column.as_string_opt::<i32>())
                .map(|texts| &**texts.offsets())
                .collect(),
        }
    }

    /// Bytes of rows `from..to`.
    fn between(&self, from: usize, to: usize) -> usize {
        let texts = self.texts.iter().map(|offsets| {
            let (start, end) = (offsets.get(from), offsets.get(to));
            let len = end.copied().unwrap_or(0).saturating_sub(start.copied().unwrap_or(0));
            usize::try_from(len).unwrap_or(0)
        });
        texts.sum::<usize>().saturating_add(self.fixed.saturating_mul(to - from))
    }
}

/// Rows put together to batches of [`BATCH_ROWS`] rows, or fewer if the next row would make them
/// longer than [`BATCH_LEN_MAX`]. The borders follow from the rows alone, however they come.
pub(crate) struct Pieces {
    schema: SchemaRef,
    /// Parts of batches: from which row, how many.
    pending: Vec<(RecordBatch, usize, usize)>,
    rows: usize,
    len: usize,
    ready: VecDeque<RecordBatch>,
}

impl Pieces {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        Self { schema, pending: Vec::new(), rows: 0, len: 0, ready: VecDeque::new() }
    }

    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let (lens, total) = (RowLens::of(batch), batch.num_rows());
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
    pub(crate) fn finish(&mut self) -> Result<(), ArrowError> {
        let pending = std::mem::take(&mut self.pending);
        (self.rows, self.len) = (0, 0);
        let batch = match pending.as_slice() {
            [] => return Ok(()),
            [(batch, 0, rows)] if *rows == batch.num_rows() => batch.clone(),
            // Fresh, too: a batch shares no memory with one that may no longer leave.
            [(batch, from, rows)] => {
                let rows: Vec<usize> = (*from..from + rows).collect();
                let columns = batch.columns().iter().map(|column| copy(column.as_ref(), &rows));
                let columns = columns.map(|column| column.and_then(Result::ok));
                let columns: Option<Vec<_>> = columns.collect();
                let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
                let columns = columns.unwrap_or_default();
                RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?
            }
            several => {
                let parts: Vec<_> =
                    several.iter().map(|(batch, from, rows)| batch.slice(*from, *rows)).collect();
                concat_batches(&self.schema, &parts)?
            }
        };
        self.ready.push_back(batch);
        Ok(())
    }

    pub(crate) fn next(&mut self) -> Option<RecordBatch> {
        self.ready.pop_front()
    }
}
