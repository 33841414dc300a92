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
    /// Intervals of no length.
    #[error("the mask on `{column}` has intervals of the width 0; 1 is the least")]
    Width {
        /// The column of the mask.
        column: Name,
    },
    /// No cells, or more than [`GRID_CELLS_MAX`](super::GRID_CELLS_MAX).
    #[error("the mask on `{column}` has {cells} cells in a degree; 1 to 3600 are possible")]
    Cells {
        /// The column of the mask.
        column: Name,
        /// Cells asked for.
        cells: u32,
    },
    /// Pseudonyms of one contract and of no domain, which [`Hash`](super::MaskMethod::Hash) gives.
    #[error(
        "the pseudonyms of `{column}` are of this contract alone; name a domain, or write hash"
    )]
    Domain {
        /// The column of the mask.
        column: Name,
    },
    /// No value, or more than [`BROADER_MAX`](super::BROADER_MAX).
    #[error("the mask on `{column}` has broader values for {found} values; 1 to 256 are possible")]
    Broader {
        /// The column of the mask.
        column: Name,
        /// Values named.
        found: usize,
    },
    /// A share that is no part of the whole.
    #[error("a sample of {found} in a million; 1 to 1000000 are possible")]
    PerMillion {
        /// What was asked for.
        found: u32,
    },
    /// No persons, or more than [`PERSONS_MAX`](super::PERSONS_MAX).
    #[error("at most {at_most} persons of a year; 1 to 4000000 are possible")]
    Persons {
        /// Persons asked for.
        at_most: u32,
    },
    /// Years of a time zone that the IANA database does not have.
    #[error("there is no time zone `{zone}`; write it as in Asia/Shanghai")]
    Zone {
        /// The zone.
        zone: Name,
    },
    /// At most no rows.
    #[error("at most 0 rows; 1 is the least")]
    NoRows,
    /// No tolerance, or more than [`RELATIVE_MAX`](super::RELATIVE_MAX).
    #[error("the watermark of `{column}` needs a tolerance above 0, or of 1 to 100000 millionths")]
    Tolerance {
        /// The column of the watermark.
        column: Name,
    },
    /// No column, or more than [`KEPT_COLUMNS_MAX`](super::KEPT_COLUMNS_MAX).
    #[error("{found} columns would leave; 1 to 1024 are possible")]
    KeptColumns {
        /// Columns named.
        found: usize,
    },
    /// Groups of one subject are no groups, and more than
    /// [`SUBJECTS_MAX`](super::SUBJECTS_MAX) are never there.
    #[error("groups of at least {least} subjects; 2 to 1000000 are possible")]
    Subjects {
        /// Subjects asked for.
        least: u32,
    },
    /// More columns than [`GROUP_COLUMNS_MAX`](super::GROUP_COLUMNS_MAX), or more figures than
    /// [`FIGURES_MAX`](super::FIGURES_MAX).
    #[error("groups are made by at most 8 columns, with at most 32 figures each")]
    Figures,
    /// Two figures would have one name, or the groups are made by their subjects.
    #[error("the columns that would leave have one name twice, or are the subjects themselves")]
    FigureNames,
}
