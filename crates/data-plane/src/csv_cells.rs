//! The types of CSV columns, and arrays of their cells.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    ArrayBuilder as _, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder,
    Int64Builder, StringBuilder,
};
use arrow_array::types::{
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_schema::{DataType, Field, TimeUnit};

use crate::column::{numbers, type_name};
use crate::moments;
use crate::options::{ColumnType, DateFormat};
use crate::spelling::{self, Booleans, Floats};

/// Most digits of the decimals that are read.
pub(crate) const PRECISION: u8 = 38;

/// Most digits behind the point of a second.
pub(crate) const FRACTION_DIGITS: u8 = 9;

/// Digits behind the point of a decimal: one at least, and one before it.
pub(crate) const SCALES: std::ops::RangeInclusive<u8> = 1..=PRECISION - 1;

/// A column's type, and how its cells are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellType {
    Boolean(Booleans),
    Integer,
    Float(Floats),
    Decimal(u8),
    Text,
    /// Stated: several spellings of one value may occur.
    AnyBoolean,
    AnyFloat,
    AnyDecimal(u8, u8),
    Date(DateFormat),
    Moment(Moment),
}

/// Days with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    date: DateFormat,
    fraction_digits: u8,
    /// With a zone.
    zoned: bool,
}

impl Moment {
    /// The unit that holds all digits, and its digits.
    fn unit(self) -> (TimeUnit, u32) {
        match self.fraction_digits {
            0 => (TimeUnit::Second, 0),
            1..=3 => (TimeUnit::Millisecond, 3),
            4..=6 => (TimeUnit::Microsecond, 6),
            _ => (TimeUnit::Nanosecond, 9),
        }
    }

    fn data_type(self) -> DataType {
        DataType::Timestamp(self.unit().0, self.zoned.then(|| "UTC".into()))
    }

    fn read(self, cell: &str) -> Option<i64> {
        let Self { date, fraction_digits, zoned } = self;
        moments::instant(cell, date, (fraction_digits, self.unit().1), zoned)
    }
}

impl CellType {
    pub(crate) fn stated(column_type: ColumnType) -> Self {
        match column_type {
            ColumnType::Boolean => Self::AnyBoolean,
            ColumnType::Integer => Self::Integer,
            ColumnType::Float => Self::AnyFloat,
            ColumnType::Decimal { precision, scale } => Self::AnyDecimal(precision, scale),
            ColumnType::Text => Self::Text,
            ColumnType::Date(date) => Self::Date(date),
            ColumnType::DateTime { date, fraction_digits } => {
                Self::Moment(Moment { date, fraction_digits, zoned: false })
            }
            ColumnType::Instant { date, fraction_digits } => {
                Self::Moment(Moment { date, fraction_digits, zoned: true })
            }
        }
    }

    /// Returns true if [`Cells::push`] takes the cell.
    pub(crate) fn takes(self, cell: &str, comma: bool) -> bool {
        let number = || pointed(cell, comma);
        match self {
            Self::Boolean(only) => boolean_of(cell, Some(only)).is_some(),
            Self::AnyBoolean => boolean_of(cell, None).is_some(),
            Self::Integer => integer(cell).is_some(),
            Self::Float(only) => number().and_then(|cell| float_of(&cell, Some(only))).is_some(),
            Self::AnyFloat => number().and_then(|cell| float_of(&cell, None)).is_some(),
            Self::Decimal(scale) => {
                number().and_then(|cell| decimal_of(&cell, PRECISION, scale, false)).is_some()
            }
            Self::AnyDecimal(precision, scale) => {
                number().and_then(|cell| decimal_of(&cell, precision, scale, true)).is_some()
            }
            Self::Text => true,
            Self::Date(date) => moments::day(cell, date).is_some(),
            Self::Moment(moment) => moment.read(cell).is_some(),
        }
    }

    /// The type in words, for an error.
    pub(crate) fn words(self) -> String {
        let name = type_name(&self.data_type());
        match self {
            Self::Date(date) => format!("{name} (written {date})"),
            Self::Moment(Moment { date, fraction_digits, zoned }) => {
                let zone = if zoned { " and a zone" } else { ", without a zone" };
                let digits = usize::from(fraction_digits);
                let fraction = if digits == 0 { "" } else { "." };
                format!("{name} (written {date} hh:mm:ss{fraction}{:f<digits$}{zone})", "")
            }
            _ => name,
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Boolean(_) | Self::AnyBoolean => DataType::Boolean,
            Self::Integer => DataType::Int64,
            Self::Float(_) | Self::AnyFloat => DataType::Float64,
            Self::Decimal(scale) => {
                DataType::Decimal128(PRECISION, i8::try_from(scale).unwrap_or(0))
            }
            Self::AnyDecimal(precision, scale) => {
                DataType::Decimal128(precision, i8::try_from(scale).unwrap_or(0))
            }
            Self::Text => DataType::Utf8,
            Self::Date(_) => DataType::Date32,
            Self::Moment(moment) => moment.data_type(),
        }
    }

    pub(crate) fn field(self, name: &str) -> Field {
        let word = match self {
            Self::Boolean(booleans) => booleans.word(),
            Self::Float(floats) => floats.word(),
            _ => None,
        };
        spelling::mark(Field::new(name, self.data_type(), true), word)
    }
}

/// The types that are still possible for a column, besides text.
#[derive(Debug)]
pub(crate) struct Guess {
    any: bool,
    booleans: Option<Booleans>,
    integer: bool,
    floats: Vec<Floats>,
    /// Digits behind the point, if all cells have as many.
    scale: Scale,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    Unknown,
    Known(u8),
    No,
}

impl Guess {
    pub(crate) fn new() -> Self {
        let floats = Floats::ALL.to_vec();
        Self { any: false, booleans: None, integer: true, floats, scale: Scale::Unknown }
    }

    /// Looks at a cell that is not missing.
    pub(crate) fn observe(&mut self, cell: &str, comma: bool) {
        let first = !std::mem::replace(&mut self.any, true);
        if first || self.booleans.is_some() {
            let booleans = boolean(cell).map(|(_, booleans)| booleans);
            self.booleans = booleans.filter(|_| first || self.booleans == booleans);
        }
        self.integer = self.integer && integer(cell).is_some();
        let number = pointed(cell, comma);
        let Some(cell) = number.as_deref() else {
            self.floats.clear();
            self.scale = Scale::No;
            return;
        };
        if !self.floats.is_empty() {
            match float(cell) {
                Some(value) => self.floats.retain(|floats| floats.spells(cell, value)),
                None => self.floats.clear(),
            }
        }
        if self.scale != Scale::No {
            self.scale = match (self.scale, own_scale(cell)) {
                (Scale::Unknown, Some(scale)) => Scale::Known(scale),
                (Scale::Known(known), Some(scale)) if known == scale => self.scale,
                _ => Scale::No,
            };
        }
    }

    pub(crate) fn into_type(self) -> CellType {
        let Self { any, booleans, integer, floats, scale } = self;
        match (booleans, floats.first(), scale) {
            _ if !any => CellType::Text,
            (Some(booleans), _, _) => CellType::Boolean(booleans),
            _ if integer => CellType::Integer,
            (_, Some(floats), _) => CellType::Float(*floats),
            (_, _, Scale::Known(scale)) => CellType::Decimal(scale),
            _ => CellType::Text,
        }
    }
}

/// What a cell is, for an error.
pub(crate) fn kind(cell: &str) -> &'static str {
    if boolean(cell).is_some() {
        "a boolean"
    } else if integer(cell).is_some() {
        "a whole number"
    } else if float(cell).is_some() {
        "a number that is not whole, or spelled differently"
    } else {
        "a text"
    }
}

fn boolean(cell: &str) -> Option<(bool, Booleans)> {
    Booleans::ALL.into_iter().find_map(|booleans| {
        let value = [true, false].into_iter().find(|value| booleans.write(*value) == cell)?;
        Some((value, booleans))
    })
}

/// The cell as a number would be written with a point; `None` if it is no number because of its
/// points.
fn pointed(cell: &str, comma: bool) -> Option<Cow<'_, str>> {
    match comma {
        true if cell.contains('.') => None,
        true if cell.contains(',') => Some(Cow::Owned(cell.replace(',', "."))),
        _ => Some(Cow::Borrowed(cell)),
    }
}

/// Digits behind a leading zero are a code, not a number.
fn is_code(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell).as_bytes();
    matches!(digits, [b'0', b'0'..=b'9', ..])
}

/// A whole number in its one spelling.
fn integer(cell: &str) -> Option<i64> {
    if is_code(cell) || cell.starts_with('+') || cell == "-0" {
        return None;
    }
    cell.parse().ok()
}

/// A number in any spelling.
fn float(cell: &str) -> Option<f64> {
    match cell {
        "NaN" => return Some(f64::NAN),
        "inf" => return Some(f64::INFINITY),
        "-inf" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    let plain =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E');
    if is_code(cell) || cell.starts_with('+') || !cell.bytes().all(plain) {
        return None;
    }
    let value: f64 = cell.parse().ok().filter(|value: &f64| value.is_finite())?;
    // WHY: long whole numbers are identifiers; as floats, different ones would become equal.
    let whole = cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    (!whole || value.abs() < 9_007_199_254_740_992.0).then_some(value)
}

/// The digits of a decimal before and behind the point.
fn decimal_parts(cell: &str) -> Option<(&str, &str)> {
    let unsigned = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = whole.len() + fraction.len() <= usize::from(PRECISION);
    let point_ends = fraction.is_empty() && unsigned.len() > whole.len();
    (!whole.is_empty() && digits(whole) && digits(fraction) && fits && !point_ends)
        .then_some((whole, fraction))
        .filter(|_| !is_code(cell))
}

/// A decimal times ten to the power of `scale`; `None` if that is not whole.
fn decimal(cell: &str, scale: u8) -> Option<i128> {
    let (whole, fraction) = decimal_parts(cell)?;
    let missing = usize::from(scale).checked_sub(fraction.len())?;
    let digits = format!("{whole}{fraction}{:0<missing$}", "");
    let value: i128 = digits.parse().ok()?;
    (value.unsigned_abs() < 10_u128.pow(u32::from(PRECISION))).then_some(())?;
    Some(if cell.starts_with('-') { -value } else { value })
}

/// Digits behind the point of a decimal that comes out as it is spelled.
fn own_scale(cell: &str) -> Option<u8> {
    let scale = u8::try_from(decimal_parts(cell)?.1.len()).ok()?;
    let negative_zero = cell.starts_with('-') && decimal(cell, scale)? == 0;
    (SCALES.contains(&scale) && !negative_zero).then_some(scale)
}

/// Returns true if a float holds the number without becoming equal to numbers next to it.
pub(crate) fn is_float(cell: &str) -> bool {
    float(cell).is_some()
}

fn boolean_of(cell: &str, only: Option<Booleans>) -> Option<bool> {
    let (value, booleans) = boolean(cell)?;
    only.is_none_or(|only| only == booleans).then_some(value)
}

fn float_of(cell: &str, only: Option<Floats>) -> Option<f64> {
    float(cell).filter(|value| only.is_none_or(|only| only.spells(cell, *value)))
}

fn decimal_of(cell: &str, precision: u8, scale: u8, any: bool) -> Option<i128> {
    let fits = any || own_scale(cell) == Some(scale);
    let most = 10_u128.checked_pow(u32::from(precision))?;
    fits.then(|| decimal(cell, scale)).flatten().filter(|value| value.unsigned_abs() < most)
}

/// Collects the cells of one column.
pub(crate) enum Cells {
    Boolean(BooleanBuilder, Option<Booleans>),
    Integer(Int64Builder),
    Float(Float64Builder, Option<Floats>),
    /// Its precision and scale, and whether a cell may have fewer digits.
    Decimal(Decimal128Builder, (u8, u8), bool),
    Text(StringBuilder),
    Date(Date32Builder, DateFormat),
    Moment(Vec<Option<i64>>, Moment),
}

impl Cells {
    pub(crate) fn new(cell_type: CellType) -> Self {
        let decimals = || Decimal128Builder::with_capacity(0).with_data_type(cell_type.data_type());
        match cell_type {
            CellType::Boolean(one) => Self::Boolean(BooleanBuilder::with_capacity(0), Some(one)),
            CellType::AnyBoolean => Self::Boolean(BooleanBuilder::with_capacity(0), None),
            CellType::Integer => Self::Integer(Int64Builder::with_capacity(0)),
            CellType::Float(one) => Self::Float(Float64Builder::with_capacity(0), Some(one)),
            CellType::AnyFloat => Self::Float(Float64Builder::with_capacity(0), None),
            CellType::Decimal(scale) => Self::Decimal(decimals(), (PRECISION, scale), false),
            CellType::AnyDecimal(precision, scale) => {
                Self::Decimal(decimals(), (precision, scale), true)
            }
            CellType::Text => Self::Text(StringBuilder::with_capacity(0, 0)),
            CellType::Date(date) => Self::Date(Date32Builder::with_capacity(0), date),
            CellType::Moment(moment) => Self::Moment(Vec::new(), moment),
        }
    }

    /// Adds a cell that is not missing; `None` if it is not of the column's type, or not spelled as
    /// all of its cells are.
    pub(crate) fn push(&mut self, cell: &str, comma: bool) -> Option<()> {
        match self {
            Self::Boolean(builder, only) => builder.append_value(boolean_of(cell, *only)?),
            Self::Integer(builder) => builder.append_value(integer(cell)?),
            Self::Float(builder, only) => {
                builder.append_value(float_of(&pointed(cell, comma)?, *only)?);
            }
            Self::Decimal(builder, (precision, scale), any) => {
                let cell = pointed(cell, comma)?;
                builder.append_value(decimal_of(&cell, *precision, *scale, *any)?);
            }
            Self::Text(builder) => builder.append_value(cell),
            Self::Date(builder, date) => builder.append_value(moments::day(cell, *date)?),
            Self::Moment(values, moment) => values.push(Some(moment.read(cell)?)),
        }
        Some(())
    }

    /// Adds missing cells up to this number of rows.
    pub(crate) fn pad(&mut self, rows: usize) {
        macro_rules! pad {
            ($builder:expr) => {
                $builder.append_nulls(rows.saturating_sub($builder.len()))
            };
        }
        match self {
            Self::Boolean(builder, _) => pad!(builder),
            Self::Integer(builder) => pad!(builder),
            Self::Float(builder, _) => pad!(builder),
            Self::Decimal(builder, ..) => pad!(builder),
            Self::Text(builder) => pad!(builder),
            Self::Date(builder, _) => pad!(builder),
            Self::Moment(values, _) => values.resize(rows.max(values.len()), None),
        }
    }

    pub(crate) fn finish(self) -> ArrayRef {
        match self {
            Self::Boolean(mut builder, _) => Arc::new(builder.finish()),
            Self::Integer(mut builder) => Arc::new(builder.finish()),
            Self::Float(mut builder, _) => Arc::new(builder.finish()),
            Self::Decimal(mut builder, ..) => Arc::new(builder.finish()),
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Date(mut builder, _) => Arc::new(builder.finish()),
            Self::Moment(values, moment) => {
                let (data_type, values) = (moment.data_type(), values.into_iter());
                match moment.unit().0 {
                    TimeUnit::Second => numbers::<TimestampSecondType>(&data_type, values),
                    TimeUnit::Millisecond => {
                        numbers::<TimestampMillisecondType>(&data_type, values)
                    }
                    TimeUnit::Microsecond => {
                        numbers::<TimestampMicrosecondType>(&data_type, values)
                    }
                    TimeUnit::Nanosecond => numbers::<TimestampNanosecondType>(&data_type, values),
                }
            }
        }
    }
}
