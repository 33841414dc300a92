//! Nested values of JSON lines, as they are stated.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, ListArray, MapArray, StructArray};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::csv_cells::{CellType, Cells};
use crate::json_cell::{cell, misfit};
use crate::json_lines::{Line, Value, scalar};
use crate::options::Reading;
use crate::outline::Outline;
use crate::row_error::RowError;
use crate::tree::{KEY, VALUE};

/// Values that a row may have in its nested columns, the missing ones among them.
// WHY: of an object with a thousand fields, `{}` has as many values.
const ROW_CELLS_MAX: usize = 4 << 20;

/// Collects the values of a nested column, or of a part of it.
pub(crate) enum Grown {
    Plain(CellType, Cells, usize),
    /// With the place of each field.
    Object(Vec<(String, Grown)>, BTreeMap<String, usize>, Presence),
    List(Box<Grown>, Ends),
    Map(Cells, Box<Grown>, Ends),
}

/// Which values are there.
#[derive(Default)]
pub(crate) struct Presence {
    are: Vec<bool>,
}

#[derive(Default)]
pub(crate) struct Ends {
    presence: Presence,
    ends: Vec<i32>,
}

impl Presence {
    fn finish(&self) -> Option<NullBuffer> {
        let mut bits = BooleanBufferBuilder::new(self.are.len());
        bits.append_slice(&self.are);
        Some(NullBuffer::new(bits.finish())).filter(|nulls| nulls.null_count() > 0)
    }
}

impl Ends {
    fn push(&mut self, is_there: bool, items: usize) -> Option<()> {
        self.presence.are.push(is_there);
        self.ends.push(i32::try_from(items).ok()?);
        Some(())
    }

    fn offsets(&self) -> OffsetBuffer<i32> {
        // INVARIANT: they begin at zero and do not fall.
        OffsetBuffer::new([0].into_iter().chain(self.ends.iter().copied()).collect())
    }
}

/// How a row is read.
pub(crate) struct RowRead<'a> {
    pub(crate) line: Line<'a>,
    pub(crate) reading: &'a Reading,
    /// Values of the row so far.
    pub(crate) cells: usize,
}

impl RowRead<'_> {
    fn one_more(&mut self) -> Result<(), RowError> {
        self.cells = self.cells.saturating_add(1);
        if self.cells > ROW_CELLS_MAX {
            return Err(RowError::TooLong { row: self.line.row, line: self.line.number });
        }
        Ok(())
    }

    fn other(&self, path: &str, expected: &str, found: &'static str) -> RowError {
        let (row, line, column) = (self.line.row, self.line.number, path.to_owned());
        RowError::CellType { row, line, column, expected: expected.to_owned(), found }
    }

    fn twice(&self, path: &str) -> RowError {
        let (row, line, column) = (self.line.row, self.line.number, path.to_owned());
        RowError::DuplicateKey { row, line, column }
    }
}

/// The type of a column that is stated so.
pub(crate) fn data_type(outline: &Outline) -> DataType {
    match outline {
        Outline::Plain(column_type) => CellType::stated(*column_type).field("").data_type().clone(),
        Outline::Object(fields) => DataType::Struct(struct_fields(fields)),
        Outline::List(item) => DataType::new_list(data_type(item), true),
        Outline::Map(value) => {
            let entries = DataType::Struct(entry_fields(&data_type(value)));
            DataType::Map(Arc::new(Field::new("entries", entries, false)), false)
        }
    }
}

fn struct_fields(fields: &[(String, Outline)]) -> Fields {
    fields.iter().map(|(name, outline)| Field::new(name, data_type(outline), true)).collect()
}

fn entry_fields(value: &DataType) -> Fields {
    vec![Field::new(KEY, DataType::Utf8, false), Field::new(VALUE, value.clone(), true)].into()
}

/// What a value is, in words.
fn word(value: &Value<'_>) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Boolean(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::Text(_) => "a text",
        Value::Nested(text) if text.starts_with('[') => "a list",
        Value::Nested(_) => "an object",
    }
}

impl Grown {
    pub(crate) fn new(outline: &Outline) -> Self {
        match outline {
            Outline::Plain(column_type) => {
                let cell_type = CellType::stated(*column_type);
                Self::Plain(cell_type, Cells::new(cell_type), 0)
            }
            Outline::Object(fields) => {
                let places = fields.iter().enumerate();
                let places = places.map(|(place, (name, _))| (name.clone(), place)).collect();
                let fields = fields.iter();
                let fields = fields.map(|(name, outline)| (name.clone(), Self::new(outline)));
                Self::Object(fields.collect(), places, Presence::default())
            }
            Outline::List(item) => Self::List(Box::new(Self::new(item)), Ends::default()),
            Outline::Map(value) => {
                let keys = Cells::new(CellType::Text);
                Self::Map(keys, Box::new(Self::new(value)), Ends::default())
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Plain(_, _, len) => *len,
            Self::Object(_, _, presence) => presence.are.len(),
            Self::List(_, ends) | Self::Map(_, _, ends) => ends.ends.len(),
        }
    }

    /// Adds a missing value.
    pub(crate) fn push_missing(&mut self, from: &mut RowRead<'_>) -> Result<(), RowError> {
        from.one_more()?;
        match self {
            Self::Plain(_, cells, len) => {
                *len = len.saturating_add(1);
                cells.pad(*len);
            }
            Self::Object(fields, _, presence) => {
                presence.are.push(false);
                for (_, field) in fields {
                    field.push_missing(from)?;
                }
            }
            Self::List(item, ends) => drop(ends.push(false, item.len())),
            Self::Map(_, value, ends) => drop(ends.push(false, value.len())),
        }
        Ok(())
    }

    /// Adds missing values up to this number of rows.
    pub(crate) fn pad(&mut self, rows: usize, from: &RowRead<'_>) -> Result<(), RowError> {
        while self.len() < rows {
            // They are of other rows.
            self.push_missing(&mut RowRead { cells: 0, ..*from })?;
        }
        Ok(())
    }

    /// Adds a value; `path` is its name.
    pub(crate) fn push(
        &mut self,
        path: &str,
        value: &Value<'_>,
        from: &mut RowRead<'_>,
    ) -> Result<(), RowError> {
        let is_missing = match value {
            Value::Null => true,
            Value::Text(text) => from.reading.is_missing(text),
            _ => false,
        };
        if is_missing {
            return self.push_missing(from);
        }
        let too_long = RowError::TooLong { row: from.line.row, line: from.line.number };
        match (self, value) {
            (Self::Plain(cell_type, cells, len), value) => {
                from.one_more()?;
                let expected = || cell_type.words();
                let Some((found, text)) = cell(value, from.reading) else {
                    return Err(from.other(path, &expected(), word(value)));
                };
                *len = len.saturating_add(1);
                let pushed = cells.push(text, found.has_comma(from.reading));
                pushed.ok_or_else(|| misfit(from.line, path, *cell_type, found, text))
            }
            (Self::Object(fields, places, presence), Value::Nested(text))
                if text.starts_with('{') =>
            {
                from.one_more()?;
                presence.are.push(true);
                let row = presence.are.len();
                for (key, value) in pairs(text, from, path)? {
                    from.one_more()?;
                    // What is not stated is no part of the table.
                    let place = places.get(&*key).copied();
                    let Some((_, field)) = place.and_then(|place| fields.get_mut(place)) else {
                        continue;
                    };
                    let path = format!("{path}.{key}");
                    if field.len() == row {
                        return Err(from.twice(&path));
                    }
                    let value = scalar(value.get(), from.line, || path.clone())?;
                    field.push(&path, &value, from)?;
                }
                for (_, field) in fields {
                    if field.len() < row {
                        field.push_missing(from)?;
                    }
                }
                Ok(())
            }
            (Self::List(item, ends), Value::Nested(text)) if text.starts_with('[') => {
                from.one_more()?;
                for value in items(text, from, path)? {
                    let value = scalar(value.get(), from.line, || path.to_owned())?;
                    item.push(path, &value, from)?;
                }
                ends.push(true, item.len()).ok_or(too_long)
            }
            (Self::Map(keys, of_values, ends), Value::Nested(text)) if text.starts_with('{') => {
                from.one_more()?;
                let path = format!("{path}.{VALUE}");
                let pairs = pairs(text, from, &path)?;
                let mut seen: Vec<&str> = pairs.iter().map(|(key, _)| &**key).collect();
                seen.sort_unstable();
                if seen.windows(2).any(|pair| pair.first() == pair.last()) {
                    return Err(from.twice(&path));
                }
                for (key, value) in &pairs {
                    from.one_more()?;
                    // A text takes every text.
                    let _pushed = keys.push(key, false);
                    let value = scalar(value.get(), from.line, || path.clone())?;
                    of_values.push(&path, &value, from)?;
                }
                ends.push(true, of_values.len()).ok_or(too_long)
            }
            (Self::List(..), value) => Err(from.other(path, "a list", word(value))),
            (Self::Object(..) | Self::Map(..), value) => {
                Err(from.other(path, "an object", word(value)))
            }
        }
    }

    pub(crate) fn finish(self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Plain(_, cells, _) => cells.finish(),
            Self::Object(fields, _, presence) => {
                let fields = fields.into_iter().map(|(name, field)| {
                    let array = field.finish()?;
                    Ok((Field::new(name, array.data_type().clone(), true), array))
                });
                let fields = fields.collect::<Result<Vec<_>, ArrowError>>()?;
                let (fields, columns): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
                Arc::new(StructArray::try_new(fields.into(), columns, presence.finish())?)
            }
            Self::List(item, ends) => {
                let items = item.finish()?;
                let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
                let nulls = ends.presence.finish();
                Arc::new(ListArray::try_new(field, ends.offsets(), items, nulls)?)
            }
            Self::Map(keys, values, ends) => {
                let (keys, values) = (keys.finish(), values.finish()?);
                let fields = entry_fields(values.data_type());
                let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
                let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
                let nulls = ends.presence.finish();
                Arc::new(MapArray::try_new(field, ends.offsets(), entries, nulls, false)?)
            }
        })
    }
}

/// The fields of an object.
type Pairs<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

fn pairs<'a>(text: &'a str, from: &RowRead<'_>, path: &str) -> Result<Pairs<'a>, RowError> {
    struct Visitor;

    impl<'de> serde::de::Visitor<'de> for Visitor {
        type Value = Pairs<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut map: A,
        ) -> Result<Self::Value, A::Error> {
            #[derive(Deserialize)]
            struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

            let mut pairs = Vec::new();
            while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                pairs.push((key, value));
            }
            Ok(pairs)
        }
    }

    let mut input = serde_json::Deserializer::from_str(text);
    let pairs = serde::Deserializer::deserialize_map(&mut input, Visitor);
    let pairs = pairs.map_err(|_| escape(from, path))?;
    if pairs.iter().any(|(key, _)| key.contains('\0')) {
        return Err(RowError::Nul { row: from.line.row, line: from.line.number });
    }
    Ok(pairs)
}

fn items<'a>(text: &'a str, from: &RowRead<'_>, path: &str) -> Result<Vec<&'a RawValue>, RowError> {
    serde_json::from_str(text).map_err(|_| escape(from, path))
}

/// All but this was looked at when the line was read.
fn escape(from: &RowRead<'_>, path: &str) -> RowError {
    let (row, line, column) = (from.line.row, from.line.number, path.to_owned());
    RowError::Escape { row, line, column }
}
