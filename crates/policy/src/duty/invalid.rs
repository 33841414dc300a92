//! Why duties cannot be carried out.

use dataspace_primitives::Name;
use thiserror::Error;

/// Why a duty cannot be carried out, whatever the table looks like.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidDuty {
    /// A filter without a value, or with more than its operator takes.
    #[error("the filter on `{column}` needs {expected}, it has {found} values")]
    ValueCount {
        /// The column of the filter.
        column: Name,
        /// What the operator takes.
        expected: &'static str,
        /// Values found.
        found: usize,
    },
    /// More digits than [`DECIMALS_MAX`](super::DECIMALS_MAX) on either side.
    #[error("the mask on `{column}` rounds to {decimals} decimals; −18 to 18 are possible")]
    Decimals {
        /// The column of the mask.
        column: Name,
        /// Digits asked for.
        decimals: i8,
    },
}
