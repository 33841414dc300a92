//! Plain values of JSON lines.

use crate::csv_cells::{CellType, kind};
use crate::json_lines::{Line, Value};
use crate::options::Reading;
use crate::row_error::RowError;

/// What JSON tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Number,
    Text,
}

impl Kind {
    /// Returns true if numbers of this kind have a decimal comma: those of JSON itself have none.
    pub(crate) fn has_comma(self, reading: &Reading) -> bool {
        self == Self::Text && reading.decimal_comma
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a text",
        }
    }
}

/// The kind and the text of a plain value that is not missing.
pub(crate) fn cell<'a>(value: &'a Value<'_>, reading: &Reading) -> Option<(Kind, &'a str)> {
    match value {
        Value::Null | Value::Nested(_) => None,
        Value::Text(text) if reading.is_missing(text) => None,
        Value::Boolean(text) => Some((Kind::Boolean, text)),
        Value::Number(text) => Some((Kind::Number, text)),
        Value::Text(text) => Some((Kind::Text, text)),
    }
}

/// A value that its column's type does not take.
pub(crate) fn misfit(
    line: Line<'_>,
    name: &str,
    cell_type: CellType,
    found: Kind,
    text: &str,
) -> RowError {
    RowError::CellType {
        row: line.row,
        line: line.number,
        column: name.to_owned(),
        expected: cell_type.words(),
        found: if found == Kind::Text { "a text" } else { kind(text) },
    }
}
