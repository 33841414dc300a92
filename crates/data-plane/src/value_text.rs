//! Values of released columns as texts.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal256Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, TimeUnit};

use crate::calendar;
use crate::column::{Cells, boolean, value};
use crate::spelling;

/// A column whose values have a text. Gives it behind what a string has, or `None` where the value is missing.
pub(crate) struct Column<'a> {
    push: Box<Push<'a>>,
    /// Set if it may hold what CSV has to quote.
    pub(crate) is_text: bool,
}

type Push<'a> = dyn Fn(usize, &mut String) -> Option<()> + 'a;

impl<'a> Column<'a> {
    /// Of JSON, which CSV has to quote.
    pub(crate) fn of_json(push: impl Fn(usize, &mut String) -> Option<()> + 'a) -> Self {
        Self { push: Box::new(push), is_text: true }
    }

    /// The same, missing where one of these is.
    pub(crate) fn within(self, around: Vec<&'a NullBuffer>) -> Self {
        if around.is_empty() {
            return self;
        }
        let Self { push, is_text } = self;
        let push = move |row, to: &mut String| {
            around.iter().all(|nulls| nulls.is_valid(row)).then(|| push(row, to)).flatten()
        };
        Self { push: Box::new(push), is_text }
    }

    /// Of a type that is not nested.
    pub(crate) fn plain(array: &'a dyn Array, field: &Field) -> Option<Self> {
        macro_rules! temporal {
            ($t:ty, $write:expr) => {{
                let array = array.as_primitive_opt::<$t>()?;
                Box::new(move |row, to: &mut String| {
                    value(array, row).map(|raw| to.push_str(&$write(i64::from(raw))))
                })
            }};
        }
        let cells = Cells::of(array).filter(|cells| !matches!(cells, Cells::Instant(_)));
        if let Some(cells) = cells {
            let (floats, booleans) = (spelling::floats(field), spelling::booleans(field));
            let is_text = matches!(cells, Cells::Text(_));
            let push = Box::new(move |row, to: &mut String| {
                match &cells {
                    Cells::Boolean(array) => to.push_str(booleans.write(boolean(array, row)?)),
                    Cells::Integer(get) => {
                        let value = get(row)?;
                        // WHY: 64 bits are written much faster than 128.
                        match i64::try_from(value) {
                            Ok(value) => to.push_str(itoa::Buffer::new().format(value)),
                            Err(_) => to.push_str(itoa::Buffer::new().format(value)),
                        }
                    }
                    // Unless the source has another spelling, floats keep a point or an exponent, so
                    // that they are read as floats again.
                    Cells::Float32(array) => floats.push(value(array, row)?, to),
                    Cells::Float64(array) => floats.push(value(array, row)?, to),
                    Cells::Decimal(array) if array.is_valid(row) => {
                        to.push_str(&array.value_as_string(row));
                    }
                    Cells::Text(text) => to.push_str(text.get(row)?),
                    // Instants are written below, each in its own unit.
                    Cells::Decimal(_) | Cells::Instant(_) => return None,
                }
                Some(())
            });
            return Some(Self { push, is_text });
        }
        let push: Box<Push<'a>> = match array.data_type() {
            DataType::Null => Box::new(|_, _| None),
            DataType::Date32 => temporal!(Date32Type, calendar::day),
            DataType::Date64 => temporal!(Date64Type, calendar::day_of_millis),
            DataType::Timestamp(unit, zone) => {
                // With a zone, the instant is stored and shown in UTC.
                let suffix = if zone.is_some() { "Z" } else { "" };
                let write =
                    move |digits: u32| move |raw: i64| calendar::instant(raw, digits) + suffix;
                match unit {
                    TimeUnit::Second => temporal!(TimestampSecondType, write(0)),
                    TimeUnit::Millisecond => temporal!(TimestampMillisecondType, write(3)),
                    TimeUnit::Microsecond => temporal!(TimestampMicrosecondType, write(6)),
                    TimeUnit::Nanosecond => temporal!(TimestampNanosecondType, write(9)),
                }
            }
            DataType::Decimal256(_, _) => {
                let array = array.as_primitive_opt::<Decimal256Type>()?;
                Box::new(move |row, to: &mut String| {
                    array.is_valid(row).then(|| to.push_str(&array.value_as_string(row)))
                })
            }
            _ => return None,
        };
        Some(Self { push, is_text: false })
    }

    pub(crate) fn push(&self, row: usize, to: &mut String) -> Option<()> {
        (self.push)(row, to)
    }

    pub(crate) fn text(&self, row: usize) -> Option<String> {
        let mut text = String::new();
        self.push(row, &mut text).map(|()| text)
    }
}
