//! Why rows of text files cannot be read.

use std::io;

use thiserror::Error;

use crate::charset::Malformed;

/// Longest row of a CSV file and longest line of a file of JSON lines, in bytes.
pub const ROW_LEN_MAX: usize = 16 * 1024 * 1024;

/// Why a row of a CSV file or of JSON lines cannot be read. Row 0 is the header of a CSV file, line 1
/// the first of the file. The texts hold no value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RowError {
    /// The file cannot be read.
    #[error("the table cannot be read")]
    Io(#[source] io::Error),
    /// Longer than [`ROW_LEN_MAX`].
    #[error("row {row} (line {line}) is longer than {} bytes", ROW_LEN_MAX)]
    TooLong {
        /// The row.
        row: u64,
        /// The line where it begins.
        line: u64,
    },
    /// More or fewer fields than the header has.
    #[error("row {row} (line {line}) has {found} fields, the header has {expected}")]
    Ragged {
        /// The row.
        row: u64,
        /// The line where it begins.
        line: u64,
        /// Fields of the header.
        expected: u64,
        /// Fields of the row.
        found: u64,
    },
    /// Not UTF-8, and no other character set is stated.
    #[error(
        "row {row} (line {line}) is not UTF-8{}; state its character set with \
         `TableOptions::charset`",
        perhaps(.looks_like.as_ref())
    )]
    NotUtf8 {
        /// The row.
        row: u64,
        /// The line where it begins.
        line: u64,
        /// The character set that it may be of.
        looks_like: Option<&'static str>,
    },
    /// Not of the character set that is stated.
    #[error(
        "row {row} (line {line}) is not {charset}; its character set is another, or it is damaged"
    )]
    NotCharset {
        /// The row.
        row: u64,
        /// The line where the first byte stands that means nothing.
        line: u64,
        /// The character set.
        charset: &'static str,
    },
    /// A NUL character, which no text has.
    #[error("row {row} (line {line}) holds a NUL character")]
    Nul {
        /// The row.
        row: u64,
        /// The line where it begins.
        line: u64,
    },
    /// The file ends inside a quoted cell.
    #[error("the quote in line {line} (row {row}) is never closed")]
    Unclosed {
        /// The row.
        row: u64,
        /// The line of the quote.
        line: u64,
    },
    /// Something follows a quoted cell before the next separator.
    #[error(
        "line {line} (row {row}) has text after a closing quote: a quote inside a quoted cell is \
         written twice, and the cell may have begun lines before"
    )]
    AfterQuote {
        /// The row.
        row: u64,
        /// The line of the closing quote.
        line: u64,
    },
    /// A line inside a quoted cell has as many fields as a row, so a quote may be missing.
    #[error(
        "line {line} lies inside a quoted cell of row {row} and looks like a row of its own: \
         close the quote before it, or open the table with `TableOptions::line_breaks`"
    )]
    LineInQuotes {
        /// The row.
        row: u64,
        /// The line.
        line: u64,
    },
    /// A cell that is not of its column's type.
    #[error(
        "row {row} (line {line}): column `{column}` is of type {expected}, the cell is {found}; \
         state a type that fits with `TableOptions::column`, or open the table again"
    )]
    CellType {
        /// The row.
        row: u64,
        /// The line where it begins.
        line: u64,
        /// The column.
        column: String,
        /// The column's type.
        expected: String,
        /// What the cell holds.
        found: &'static str,
    },
    /// A line that is not JSON.
    #[error("row {row} (line {line}) is not valid JSON at byte {byte}: {what}")]
    Json {
        /// The row, from 1.
        row: u64,
        /// The line.
        line: u64,
        /// The place in the line, from 1.
        byte: u64,
        /// What is wrong there.
        what: String,
    },
    /// JSON that is not an object.
    #[error(
        "row {row} (line {line}) is not a JSON object; JSON lines have one object on each line"
    )]
    NotObject {
        /// The row, from 1.
        row: u64,
        /// The line.
        line: u64,
    },
    /// A key that an object has twice.
    #[error("row {row} (line {line}) has the key `{column}` twice")]
    DuplicateKey {
        /// The row, from 1.
        row: u64,
        /// The line.
        line: u64,
        /// The column.
        column: String,
    },
    /// A key that is no column of the table.
    #[error(
        "row {row} (line {line}) has the key `{shown}`, which is no column of the table: open and \
         register it again"
    )]
    UnknownKey {
        /// The row, from 1.
        row: u64,
        /// The line.
        line: u64,
        /// The key, cut and with escapes for what would not be seen.
        shown: String,
    },
    /// A text with an escape that means no character.
    #[error(
        "row {row} (line {line}): column `{column}` holds an escape that means no character, such \
         as half of a pair (`\\ud800`)"
    )]
    Escape {
        /// The row, from 1.
        row: u64,
        /// The line.
        line: u64,
        /// The column.
        column: String,
    },
    /// A list or an object where a plain value should be.
    #[error(
        "row {row} (line {line}): column `{column}` holds a list or an object; state its parts with \
         `TableOptions::list`, `object` or `map`, or leave it out"
    )]
    Nested {
        /// The row, from 1.
        row: u64,
        /// The line.
        line: u64,
        /// The column.
        column: String,
    },
    /// Values of more than one kind in a column whose type is not stated.
    #[error(
        "row {row} (line {line}): column `{column}` holds {expected} in the rows before, and here \
         {found}; state the column's type with `TableOptions::column`"
    )]
    MixedTypes {
        /// The row, from 1.
        row: u64,
        /// The line.
        line: u64,
        /// The column.
        column: String,
        /// What its other values are.
        expected: &'static str,
        /// What this one is.
        found: &'static str,
    },
    /// A number that as a float would become equal to others, or infinite.
    #[error(
        "row {row} (line {line}): column `{column}` holds a number that a float cannot tell from \
         others; state the column as decimals or as texts with `TableOptions::column`"
    )]
    LongNumber {
        /// The row, from 1.
        row: u64,
        /// The line.
        line: u64,
        /// The column.
        column: String,
    },
}

impl RowError {
    /// The input ended with an error.
    pub(crate) fn input(error: io::Error, row: u64, line: u64) -> Self {
        match Malformed::of(&error) {
            Some(charset) => Self::NotCharset { row, line, charset },
            None => Self::Io(error),
        }
    }

    pub(crate) fn not_utf8(bytes: &[u8], row: u64, line: u64) -> Self {
        Self::NotUtf8 { row, line, looks_like: looks_like(bytes) }
    }
}

fn perhaps(charset: Option<&&'static str>) -> String {
    charset.map(|charset| format!(", it may be {charset}")).unwrap_or_default()
}

/// A byte order mark of UTF-16, or nothing but ASCII and pairs of GB 2312 with an ideograph among them.
fn looks_like(bytes: &[u8]) -> Option<&'static str> {
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = bytes {
        return Some("utf-16");
    }
    let (mut rest, mut ideographs) = (bytes, false);
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after) {
            (0..=0x7f, _) => after,
            (0xa1..=0xf7, [0xa1..=0xfe, after @ ..]) => {
                ideographs |= *first >= 0xb0;
                after
            }
            _ => return None,
        };
    }
    ideographs.then_some("gb18030")
}
