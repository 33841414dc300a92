//! Why tables are not opened or read.

use std::io;

use dataspace_primitives::name::InvalidName;
use thiserror::Error;

use crate::chunk::COLUMNS_MAX;
use crate::file::FileError;
use crate::row_error::RowError;

/// A cause that only the provider's operator should see.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a table cannot be opened. The texts hold no path and no value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be read.
    #[error("the table cannot be read")]
    Io(#[from] io::Error),
    /// A directory, a pipe or a device.
    #[error("the table is not a regular file; give a CSV, JSON lines or Parquet file")]
    NotRegular,
    /// Neither Parquet nor CSV nor JSON lines.
    #[error(
        "the table is neither Parquet (it would begin with `PAR1`) nor CSV (with a header row, in \
         a file named .csv, .tsv or .txt) nor JSON lines (an object on each line, in a file named \
         .jsonl or .ndjson)"
    )]
    Format,
    /// A Parquet file that is damaged or beyond what can be read.
    #[error("the Parquet file cannot be read")]
    Parquet(#[source] Cause),
    /// A row of a CSV file or of JSON lines.
    #[error(transparent)]
    Row(#[from] RowError),
    /// All rows agree on more than one separator.
    #[error(
        "the rows could be separated by commas, semicolons or tabs; state which with \
         `TableOptions::delimiter`"
    )]
    AmbiguousDelimiter,
    /// A stated separator that cannot be one.
    #[error("the separator must be an ASCII character other than a quote or a line end")]
    Delimiter,
    /// A type is stated for a column that the table does not have, or that has its own.
    #[error("a type is stated for column `{column}`, which is no column of this CSV file")]
    StatedColumn {
        /// The name.
        column: String,
    },
    /// What is stated of a nested column does not fit together, or the file can have none.
    #[error("column `{column}` is stated to be nested, but {what}")]
    StatedNested {
        /// The column, or a part of it.
        column: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A decimal type that is stated with more digits than there are.
    #[error(
        "column `{column}` is stated to have {precision} digits, {scale} of them behind the point; \
         1 to 38 are possible, and 0 to 37 of them behind the point"
    )]
    StatedDigits {
        /// The column.
        column: String,
        /// Digits in all.
        precision: u8,
        /// Digits behind the point.
        scale: u8,
    },
    /// Instants that are stated with more digits than there are.
    #[error(
        "column `{column}` is stated to have seconds with {digits} decimals; 0 to 9 are possible"
    )]
    StatedFraction {
        /// The column.
        column: String,
        /// Digits behind the second's point.
        digits: u8,
    },
    /// A character set that is not known.
    #[error("there is no character set `{shown}`; names are those of the Encoding Standard")]
    Charset {
        /// Its name as stated, cut and with escapes for what would not be seen.
        shown: String,
    },
    /// Something is stated that does not concern a file of this kind.
    #[error("{what} cannot be stated for a Parquet file, which says it itself")]
    Stated {
        /// What is stated.
        what: &'static str,
    },
    /// Two columns have one name.
    #[error("the table has two columns `{column}`")]
    DuplicateColumn {
        /// The name.
        column: String,
    },
    /// A column without a name: no duty could name it.
    #[error("column {index} of the table has no name")]
    UnnamedColumn {
        /// Its position, from 0.
        index: usize,
    },
    /// A column whose name no duty could name.
    #[error("no duty can name column {index} of the table, `{shown}`; rename it")]
    ColumnName {
        /// Its position, from 0.
        index: usize,
        /// The name, cut and with escapes for what would not be seen.
        shown: String,
        /// What is wrong with it.
        source: InvalidName,
    },
    /// No column, or more than [`COLUMNS_MAX`].
    #[error("the table has {found} columns; 1 to {} are possible", COLUMNS_MAX)]
    ColumnCount {
        /// Columns found.
        found: usize,
    },
    /// A batch with other columns than the table.
    #[error("batch {index} does not have the columns of the table")]
    BatchSchema {
        /// Its position, from 0.
        index: usize,
    },
}

/// Why reading a table ends early. The texts hold no path and no value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read.
    #[error("the table cannot be read")]
    Io(#[from] io::Error),
    /// A directory, a pipe or a device by now.
    #[error("the table is no longer a regular file")]
    NotRegular,
    /// A Parquet file that is damaged or beyond what can be read.
    #[error("the Parquet file cannot be read")]
    Parquet(#[source] Cause),
    /// A row of a CSV file or of JSON lines.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The file is not the one that was opened: it has other columns or types by now.
    #[error("the table has other columns than when it was opened; open and register it again")]
    Changed,
    /// The file was changed, and was read since: it does not fit what was found when it was opened.
    #[error("{why}")]
    Unfit {
        /// What was wrong when it was read.
        why: String,
    },
    /// The file was changed a moment ago, and nobody has read it to its end since.
    #[error("the table changed while it was opened; ask again")]
    NotLookedOver,
}

/// An error and its causes, in one line.
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

impl From<FileError> for OpenError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io(error) => Self::Io(error),
            FileError::NotRegular => Self::NotRegular,
        }
    }
}

impl From<FileError> for ReadError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io(error) => Self::Io(error),
            FileError::NotRegular => Self::NotRegular,
        }
    }
}
