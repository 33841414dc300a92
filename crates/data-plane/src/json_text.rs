//! Values of released columns as JSON.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field};

use crate::items::Items;
use crate::tree::{KEY, VALUE};
use crate::value_text::Column;

/// A column whose values have a text in JSON: numbers and booleans stand without quotes as far as JSON has
/// them, structures are objects, lists are lists, and maps are lists of their entries.
pub(crate) enum JsonColumn<'a> {
    /// True if it may stand without quotes.
    Plain(Column<'a>, bool),
    Struct(Option<&'a NullBuffer>, Vec<(String, JsonColumn<'a>)>),
    List(Items<'a>, Box<JsonColumn<'a>>),
}

impl<'a> JsonColumn<'a> {
    /// `None` if its type has no text.
    pub(crate) fn of(array: &'a ArrayRef) -> Option<Self> {
        let parts = |names: Vec<&str>, columns: &'a [ArrayRef]| {
            let parts = names
                .into_iter()
                .zip(columns)
                .map(|(name, column)| Some((serde_json::to_string(name).ok()?, Self::of(column)?)));
            parts.collect::<Option<Vec<_>>>()
        };
        match array.data_type() {
            DataType::Struct(fields) => {
                let array = array.as_struct_opt()?;
                let names = fields.iter().map(|field| field.name().as_str()).collect();
                Some(Self::Struct(array.nulls(), parts(names, array.columns())?))
            }
            DataType::Map(_, _) => {
                let entries = array.as_map_opt()?.entries();
                let entries = Self::Struct(None, parts(vec![KEY, VALUE], entries.columns())?);
                Some(Self::List(Items::of(array)?, Box::new(entries)))
            }
            data_type => {
                if let Some(items) = Items::of(array) {
                    let item = Self::of(items.values())?;
                    return Some(Self::List(items, Box::new(item)));
                }
                // Without the spelling of its source: `True` is no JSON.
                let bare = Field::new("", data_type.clone(), true);
                let is_bare = data_type.is_numeric() || *data_type == DataType::Boolean;
                Column::plain(array.as_ref(), &bare).map(|column| Self::Plain(column, is_bare))
            }
        }
    }

    /// Puts the value behind what the text has, `null` if it is missing.
    pub(crate) fn push(&self, row: usize, to: &mut String) {
        match self {
            Self::Plain(column, is_bare) => {
                let start = to.len();
                if column.push(row, to).is_none() {
                    to.push_str("null");
                    return;
                }
                let text = to.get(start..).unwrap_or_default();
                if *is_bare && !matches!(text, "NaN" | "inf" | "-inf") {
                    return;
                }
                // A text has one in JSON.
                let quoted = serde_json::to_string(text).unwrap_or_else(|_| "null".to_owned());
                to.truncate(start);
                to.push_str(&quoted);
            }
            Self::Struct(nulls, _) if nulls.is_some_and(|nulls| nulls.is_null(row)) => {
                to.push_str("null");
            }
            Self::Struct(_, parts) => {
                push_object(parts.iter().map(|(key, part)| (key.as_str(), part)), row, to);
            }
            Self::List(items, item) => match items.range(row) {
                None => to.push_str("null"),
                Some((from, end)) => {
                    to.push('[');
                    for at in from..end {
                        if at > from {
                            to.push(',');
                        }
                        item.push(at, to);
                    }
                    to.push(']');
                }
            },
        }
    }
}

/// Puts an object behind what the text has; each key is written as JSON already.
pub(crate) fn push_object<'a>(
    parts: impl Iterator<Item = (&'a str, &'a JsonColumn<'a>)>,
    row: usize,
    to: &mut String,
) {
    let mut before = '{';
    for (key, part) in parts {
        to.push(before);
        before = ',';
        to.push_str(key);
        to.push(':');
        part.push(row, to);
    }
    to.push('}');
}
