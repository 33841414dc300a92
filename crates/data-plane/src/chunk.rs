//! The parts in which tables are read.

use arrow_array::{ArrayRef, RecordBatch};

/// Most rows in a batch.
pub const BATCH_ROWS: usize = 4096;

/// Bytes after which a batch of long rows ends early.
pub const BATCH_LEN_MAX: usize = 16 * 1024 * 1024;

/// Most columns in a table.
pub const COLUMNS_MAX: usize = 4096;

/// Some rows of a table, with the values of the columns that are wanted.
#[derive(Clone)]
pub(crate) struct Chunk {
    pub(crate) columns: Vec<Option<ArrayRef>>,
    pub(crate) rows: usize,
}

impl Chunk {
    pub(crate) fn of(batch: &RecordBatch) -> Self {
        let columns = batch.columns().iter().cloned().map(Some).collect();
        Self { columns, rows: batch.num_rows() }
    }

    pub(crate) fn column(&self, index: usize) -> Option<&ArrayRef> {
        self.columns.get(index)?.as_ref()
    }
}
