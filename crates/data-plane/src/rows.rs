//! Duties about rows.

use std::fmt;

use crate::chunk::Chunk;

/// A duty that leaves rows out, compiled for a table.
pub(crate) trait RowDuty: fmt::Debug + Send + Sync {
    /// The columns of the table that it looks at.
    fn columns(&self) -> Vec<usize>;

    /// Leaves the rows that stay; `None` if a column is not of its type.
    fn apply(&self, chunk: &Chunk, rows: &mut Vec<usize>) -> Option<()>;
}
