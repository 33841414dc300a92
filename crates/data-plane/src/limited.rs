//! No more rows than were asked for.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_select::interleave::interleave_record_batch;

use crate::plan::Plan;
use crate::run::Masked;
use crate::run_error::RunError;

pub(crate) struct Limited {
    rows: Masked<Arc<Plan>>,
    /// Rows that may still come; `None` for all.
    left: Option<u64>,
}

impl Limited {
    pub(crate) fn new(rows: Masked<Arc<Plan>>, rows_max: Option<u64>) -> Self {
        Self { rows, left: rows_max }
    }

    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, RunError> {
        if self.left == Some(0) {
            return Ok(None);
        }
        let Some(batch) = self.rows.next().transpose()? else { return Ok(None) };
        let Some(left) = self.left else { return Ok(Some(batch)) };
        let rows = u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        if rows <= left {
            self.left = Some(left.saturating_sub(rows));
            return Ok(Some(batch));
        }
        self.left = Some(0);
        // WHY not a slice: its buffers would hold the rows that are left out.
        let first: Vec<_> =
            (0..usize::try_from(left).unwrap_or_default()).map(|row| (0, row)).collect();
        interleave_record_batch(&[&batch], &first).map(Some).map_err(RunError::Assemble)
    }
}
