//! Why a query gives no rows.

use std::error::Error;

use dataspace_primitives::shown;
use thiserror::Error;

use crate::limits::{COLUMNS_MAX, ROW_LEN_MAX};

/// Any error as a source.
type Source = Box<dyn Error + Send + Sync>;

/// Why a query gives no rows, or no more. The texts are for the consumer: they hold no value of the data
/// and nothing that the engine says, at most names that stand in the query. The sources, and `Debug`, are
/// for the provider's operator.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The query names a view that is not there.
    #[error("there is no view `{}`", shown(.view).at_most(64))]
    NoView {
        /// The name in the query.
        view: String,
    },
    /// The query names a column that its views do not have.
    #[error("there is no column `{}`", shown(.column).at_most(64))]
    NoColumn {
        /// The name in the query.
        column: String,
    },
    /// The query does not fit the columns of its views: types, names that could mean two columns, columns
    /// beside aggregates that are not grouped by.
    #[error("the query does not fit the columns of its views; compare names and types")]
    Plan {
        /// What the engine says.
        source: Source,
    },
    /// A step of the query has more columns than [`COLUMNS_MAX`].
    #[error("a step of the query has more than {COLUMNS_MAX} columns; name those that are needed")]
    Columns,
    /// A column of the result has a type that does not leave: intervals, times of day, nothing but NULL.
    #[error("column {index} of the result has a type that does not leave; cast it to another")]
    ResultType {
        /// Its position, from 1.
        index: usize,
    },
    /// A view cannot be opened, so that none is read.
    #[error("the view `{}` cannot be opened", shown(.view).at_most(64))]
    Open {
        /// Its name.
        view: String,
        /// Why not.
        source: Source,
    },
    /// A view cannot be read to its end.
    #[error("the view `{}` cannot be read to its end", shown(.view).at_most(64))]
    Read {
        /// Its name.
        view: String,
        /// Why not.
        source: Source,
    },
    /// A released row is longer than [`ROW_LEN_MAX`].
    #[error("the view `{}` has a row longer than {ROW_LEN_MAX} bytes", shown(.view).at_most(64))]
    RowLen {
        /// Its name.
        view: String,
    },
    /// A step of the query has a row longer than [`ROW_LEN_MAX`].
    #[error(
        "a step of the query has a row longer than {ROW_LEN_MAX} bytes; name the columns that are needed"
    )]
    StepLen,
    /// A value cannot be computed.
    #[error(
        "a value cannot be computed: a division by zero, a number out of its type's range, or a text \
         that is none of the type it is cast to; TRY_CAST gives NULL for the last"
    )]
    Value {
        /// What the engine says.
        source: Source,
    },
    /// More memory is needed than [`Limits::memory_max`](crate::Limits::memory_max).
    #[error("the query needs more memory than it may have; ask for less at once")]
    Memory,
    /// The result has more rows than [`Limits::rows_max`](crate::Limits::rows_max).
    #[error("the result has more than {max} rows; add a LIMIT, or ask for less")]
    Rows {
        /// The limit.
        max: u64,
    },
    /// The result has more bytes than [`Limits::bytes_max`](crate::Limits::bytes_max).
    #[error("the result has more than {max} bytes; ask for less")]
    Bytes {
        /// The limit.
        max: u64,
    },
    /// The caller ended it: its time is up, or the permit is no longer good.
    #[error("the query was ended before it was done")]
    Over,
    /// The engine failed: a defect in it or here.
    #[error("the query failed within the engine")]
    Engine {
        /// What the engine says.
        source: Source,
    },
}
