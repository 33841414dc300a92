//! No more rows than were asked for, or agreed.

use std::sync::Arc;

use arrow_array::RecordBatch;

use crate::plan::Plan;
use crate::run::{Masked, first};
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
        let Some(left) = &mut self.left else { return Ok(Some(batch)) };
        let batch = first(batch, *left)?;
        *left = left.saturating_sub(u64::try_from(batch.num_rows()).unwrap_or(u64::MAX));
        Ok(Some(batch))
    }
}
