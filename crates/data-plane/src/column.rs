//! Values of one column, whatever array holds them, and fresh arrays made of some of them.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Float32Type, Float64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Decimal128Array, Float32Array, Float64Array,
    LargeStringArray, NullArray, PrimitiveArray, StringArray, StringViewArray, downcast_integer,
    downcast_primitive,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema, TimeUnit};

use crate::plan_error::PlanError;

/// The column that a duty names, and its place.
pub(crate) fn find<'a>(
    schema: &'a Schema,
    clause: usize,
    column: &str,
) -> Result<(usize, &'a Field), PlanError> {
    let unknown = || PlanError::UnknownColumn { clause, column: column.to_owned() };
    schema.column_with_name(column).ok_or_else(unknown)
}

/// What filters and masks tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Integer,
    Float32,
    Float64,
    Decimal {
        precision: u8,
        scale: i8,
    },
    /// A date, or a date and a time.
    Instant,
    Text,
}

impl Kind {
    /// Returns true if its values can be added up and rounded.
    pub(crate) fn is_number(self) -> bool {
        !matches!(self, Self::Boolean | Self::Text | Self::Instant)
    }

    /// `None` for types that no filter and no value-dependent mask takes.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Boolean => Some(Self::Boolean),
            DataType::Float32 => Some(Self::Float32),
            DataType::Float64 => Some(Self::Float64),
            DataType::Decimal128(precision, scale) => {
                Some(Self::Decimal { precision: *precision, scale: *scale })
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
            DataType::Dictionary(_, values) => match values.as_ref() {
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
                _ => None,
            },
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _) => Some(Self::Instant),
            integer if integer.is_integer() => Some(Self::Integer),
            _ => None,
        }
    }
}

/// The type in which a column leaves, `None` if columns of this type do not leave at all.
pub(crate) fn released_type(data_type: &DataType) -> Option<DataType> {
    match data_type {
        DataType::Null | DataType::Decimal256(_, _) => Some(data_type.clone()),
        _ => Kind::of(data_type).map(|kind| match kind {
            // WHY: one plain text type. Views and dictionaries share buffers with values of other
            // rows.
            Kind::Text => DataType::Utf8,
            _ => data_type.clone(),
        }),
    }
}

/// Bytes of a value, or of a text's place.
pub(crate) fn width(data_type: &DataType) -> usize {
    data_type.primitive_width().unwrap_or(8)
}

/// A name of the type that does not change with the version of arrow.
pub(crate) fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Timestamp(unit, zone) => {
            let unit = match unit {
                TimeUnit::Second => "s",
                TimeUnit::Millisecond => "ms",
                TimeUnit::Microsecond => "us",
                TimeUnit::Nanosecond => "ns",
            };
            format!("timestamp({unit},{})", zone.as_deref().unwrap_or(""))
        }
        DataType::Decimal128(precision, scale) => format!("decimal128({precision},{scale})"),
        DataType::Decimal256(precision, scale) => format!("decimal256({precision},{scale})"),
        _ if Kind::of(data_type) == Some(Kind::Text) => "text".to_owned(),
        DataType::Struct(_) => "struct".to_owned(),
        DataType::Map(_, _) => "map".to_owned(),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _) => {
            "list".to_owned()
        }
        _ => data_type.to_string().to_lowercase(),
    }
}

/// As [`type_name`], with the names and types of all that lies in it.
pub(crate) fn type_in_full(data_type: &DataType) -> String {
    match data_type {
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| {
                // In quotes, so that no name can end it.
                format!("{:?}:{}", field.name(), type_in_full(field.data_type()))
            });
            format!("struct({})", fields.collect::<Vec<_>>().join(","))
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            format!("list({})", type_in_full(item.data_type()))
        }
        DataType::Map(entries, _) => format!("map({})", type_in_full(entries.data_type())),
        _ => type_name(data_type),
    }
}

/// The values of a text column.
#[derive(Debug)]
pub(crate) enum Text<'a> {
    Utf8(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
    Dictionary { keys: &'a dyn Array, indices: Vec<usize>, values: Box<Text<'a>> },
}

impl<'a> Text<'a> {
    pub(crate) fn of(array: &'a dyn Array) -> Option<Self> {
        match array.data_type() {
            DataType::Utf8 => array.as_string_opt().map(Self::Utf8),
            DataType::LargeUtf8 => array.as_string_opt().map(Self::Large),
            DataType::Utf8View => array.as_string_view_opt().map(Self::View),
            DataType::Dictionary(_, _) => {
                let dictionary = array.as_any_dictionary_opt()?;
                let values = dictionary.values();
                if matches!(values.data_type(), DataType::Dictionary(_, _)) {
                    return None;
                }
                Some(Self::Dictionary {
                    keys: dictionary.keys(),
                    // With no values at all (every row is missing) it would panic.
                    indices: if values.is_empty() {
                        Vec::new()
                    } else {
                        dictionary.normalized_keys()
                    },
                    values: Box::new(Self::of(values.as_ref())?),
                })
            }
            _ => None,
        }
    }

    /// Bytes of a value, without a look at it.
    pub(crate) fn len(&self, row: usize) -> usize {
        self.get(row).map_or(0, str::len)
    }

    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Utf8(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Large(array) => array.is_valid(row).then(|| array.value(row)),
            Self::View(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Dictionary { keys, indices, values } if keys.is_valid(row) => {
                values.get(*indices.get(row)?)
            }
            Self::Dictionary { .. } => None,
        }
    }
}

/// The values of a column that filters and masks understand.
pub(crate) enum Cells<'a> {
    Boolean(&'a BooleanArray),
    Integer(Box<dyn Fn(usize) -> Option<i128> + 'a>),
    Float32(&'a Float32Array),
    Float64(&'a Float64Array),
    /// Each times ten to the power of the column's scale.
    Decimal(&'a Decimal128Array),
    /// Dates and instants, in nanoseconds since 1970, however wide they are stored.
    Instant(Box<dyn Fn(usize) -> Option<i128> + 'a>),
    Text(Text<'a>),
}

/// The value of a numeric array, none where it is missing.
pub(crate) fn value<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    row: usize,
) -> Option<T::Native> {
    array.is_valid(row).then(|| array.value(row))
}

/// The value of a boolean array, none where it is missing.
pub(crate) fn boolean(array: &BooleanArray, row: usize) -> Option<bool> {
    array.is_valid(row).then(|| array.value(row))
}

fn integers<T: ArrowPrimitiveType>(array: &dyn Array) -> Option<Cells<'_>>
where
    T::Native: Into<i128>,
{
    let array = array.as_primitive_opt::<T>()?;
    Some(Cells::Integer(Box::new(move |row| value(array, row).map(Into::into))))
}

fn instants<T: ArrowPrimitiveType>(array: &dyn Array, nanos: i128) -> Option<Cells<'_>>
where
    T::Native: Into<i128>,
{
    let array = array.as_primitive_opt::<T>()?;
    // Sixty-four bits times the nanoseconds of a day fit.
    Some(Cells::Instant(Box::new(move |row| value(array, row).map(|v| v.into() * nanos))))
}

impl<'a> Cells<'a> {
    /// `None` exactly where [`Kind::of`] is.
    pub(crate) fn of(array: &'a dyn Array) -> Option<Self> {
        macro_rules! integers {
            ($t:ty, $array:expr) => {
                integers::<$t>($array)
            };
        }
        downcast_integer! {
            array.data_type() => (integers, array),
            DataType::Boolean => array.as_boolean_opt().map(Self::Boolean),
            DataType::Float32 => array.as_primitive_opt::<Float32Type>().map(Self::Float32),
            DataType::Float64 => array.as_primitive_opt::<Float64Type>().map(Self::Float64),
            DataType::Decimal128(_, _) => array.as_primitive_opt().map(Self::Decimal),
            DataType::Date32 => instants::<Date32Type>(array, 86_400_000_000_000),
            DataType::Date64 => instants::<Date64Type>(array, 1_000_000),
            DataType::Timestamp(unit, _) => match unit {
                TimeUnit::Second => instants::<TimestampSecondType>(array, 1_000_000_000),
                TimeUnit::Millisecond => instants::<TimestampMillisecondType>(array, 1_000_000),
                TimeUnit::Microsecond => instants::<TimestampMicrosecondType>(array, 1_000),
                TimeUnit::Nanosecond => instants::<TimestampNanosecondType>(array, 1),
            },
            _ => Text::of(array).map(Self::Text),
        }
    }
}

/// More text in one batch than an array holds (2 GiB).
#[derive(Debug)]
pub(crate) struct TextTooLong;

/// A fresh text array.
pub(crate) fn texts<S: AsRef<str>>(
    values: impl Iterator<Item = Option<S>>,
) -> Result<ArrayRef, TextTooLong> {
    // WHY: the builder's own capacity is more than a few rows take.
    texts_of(0, values)
}

/// The same of values that have about `len` bytes together.
pub(crate) fn texts_of<S: AsRef<str>>(
    len: usize,
    values: impl Iterator<Item = Option<S>>,
) -> Result<ArrayRef, TextTooLong> {
    let builder = StringBuilder::with_capacity(values.size_hint().0, len);
    let (mut builder, mut len) = (builder, 0_usize);
    for value in values {
        if let Some(text) = &value {
            len = len.saturating_add(text.as_ref().len());
            // The builder would panic.
            if i32::try_from(len).is_err() {
                return Err(TextTooLong);
            }
        }
        builder.append_option(value);
    }
    Ok(Arc::new(builder.finish()))
}

/// Which of `rows` are there; `None` if all are.
pub(crate) fn chosen(nulls: Option<&NullBuffer>, rows: &[usize]) -> Option<NullBuffer> {
    let nulls = nulls.filter(|nulls| nulls.null_count() > 0)?;
    let is_valid = |row: &usize| *row < nulls.len() && nulls.is_valid(*row);
    let valid = BooleanBuffer::collect_bool(rows.len(), |at| rows.get(at).is_some_and(is_valid));
    Some(NullBuffer::new(valid))
}

/// The texts of `rows`, copied without a look at their letters; `None` if the column is no plain one, or they are
/// too long for an array.
fn plain_texts(array: &dyn Array, rows: &[usize]) -> Option<ArrayRef> {
    let source = array.as_string_opt::<i32>()?;
    let (offsets, bytes) = (source.offsets(), source.value_data());
    let place = |offset: i32| usize::try_from(offset).ok();
    if source.null_count() == 0 && is_all(rows, source.len()) {
        let (first, last) = (offsets.first(), offsets.last());
        let bytes = bytes.get(place(first)?..place(last)?)?;
        let ends: Vec<i32> = offsets.iter().map(|offset| offset - first).collect();
        let copied =
            StringArray::try_new(OffsetBuffer::new(ends.into()), Buffer::from(bytes), None);
        return Some(Arc::new(copied.ok()?));
    }
    let nulls = chosen(source.nulls(), rows);
    let (mut out, mut ends) = (Vec::new(), Vec::with_capacity(rows.len() + 1));
    ends.push(0);
    for (at, row) in rows.iter().enumerate() {
        // What lies under a missing value stays there.
        if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(at)) {
            let (start, end) = (*offsets.get(*row)?, *offsets.get(row + 1)?);
            out.extend_from_slice(bytes.get(place(start)?..place(end)?)?);
        }
        ends.push(i32::try_from(out.len()).ok()?);
    }
    let copied = StringArray::try_new(OffsetBuffer::new(ends.into()), Buffer::from(out), nulls);
    Some(Arc::new(copied.ok()?))
}

/// A fresh numeric array of the type `data_type`.
pub(crate) fn numbers<T: ArrowPrimitiveType>(
    data_type: &DataType,
    values: impl Iterator<Item = Option<T::Native>>,
) -> ArrayRef {
    let mut builder = PrimitiveBuilder::<T>::with_capacity(values.size_hint().0)
        .with_data_type(data_type.clone());
    values.for_each(|value| builder.append_option(value));
    Arc::new(builder.finish())
}

/// A fresh array of the array's type, of what becomes of the values of `rows`; missing ones stay
/// missing. `None` if the array is not of the type `T`.
pub(crate) fn mapped<T: ArrowPrimitiveType>(
    array: &dyn Array,
    rows: &[usize],
    map: impl Fn(T::Native) -> Option<T::Native>,
) -> Option<ArrayRef> {
    let source = array.as_primitive_opt::<T>()?;
    let mut builder =
        PrimitiveBuilder::<T>::with_capacity(rows.len()).with_data_type(array.data_type().clone());
    for row in rows {
        builder.append_option(value(source, *row).and_then(&map));
    }
    Some(Arc::new(builder.finish()))
}

/// Returns true if the rows are those from 0 to `len`, one after the other.
fn is_all(rows: &[usize], len: usize) -> bool {
    // WHY not `all`: without a way out, many are compared at a time.
    rows.len() == len && rows.iter().enumerate().fold(0, |any, (at, row)| any | (at ^ row)) == 0
}

/// As [`mapped_all`], one value at a time.
pub(crate) fn mapped_each<T: ArrowPrimitiveType>(
    array: &dyn Array,
    rows: &[usize],
    map: impl Fn(T::Native) -> T::Native,
) -> Option<ArrayRef> {
    mapped_all::<T>(array, rows, |all| all.iter_mut().for_each(|value| *value = map(*value)))
}

/// As [`mapped`], for what becomes of every value a value: whole columns at a time. Nothing stays of what
/// lies under missing values.
pub(crate) fn mapped_all<T: ArrowPrimitiveType>(
    array: &dyn Array,
    rows: &[usize],
    map: impl Fn(&mut [T::Native]),
) -> Option<ArrayRef> {
    let source = array.as_primitive_opt::<T>()?;
    let values: &[T::Native] = source.values();
    let missing = T::Native::default();
    let mut values = if is_all(rows, values.len()) {
        values.to_vec()
    } else {
        rows.iter().map(|row| values.get(*row).copied().unwrap_or(missing)).collect()
    };
    map(&mut values);
    let nulls = chosen(source.nulls(), rows);
    for (value, is_valid) in values.iter_mut().zip(nulls.iter().flatten()) {
        if !is_valid {
            *value = missing;
        }
    }
    let array = PrimitiveArray::<T>::new(values.into(), nulls);
    Some(Arc::new(array.with_data_type(source.data_type().clone())))
}

/// A fresh array with the values of `rows` and of no other row; `None` for a type that is not
/// released.
// WHY: not `filter` of arrow-select. It shares the data buffers of views and the values of
// dictionaries, returns the array itself if every row stays, and keeps what lies under nulls.
pub(crate) fn copy(array: &dyn Array, rows: &[usize]) -> Option<Result<ArrayRef, TextTooLong>> {
    macro_rules! copy {
        ($t:ty) => {
            mapped_all::<$t>(array, rows, |_| ()).map(Ok)
        };
    }
    released_type(array.data_type())?;
    downcast_primitive! {
        array.data_type() => (copy),
        DataType::Null => Some(Ok(Arc::new(NullArray::new(rows.len())))),
        DataType::Boolean => {
            let source = array.as_boolean_opt()?;
            let mut builder = BooleanBuilder::with_capacity(rows.len());
            for row in rows {
                builder.append_option(boolean(source, *row));
            }
            Some(Ok(Arc::new(builder.finish())))
        }
        _ => {
            if let Some(copied) = plain_texts(array, rows) {
                return Some(Ok(copied));
            }
            let source = Text::of(array)?;
            Some(texts(rows.iter().map(|row| source.get(*row))))
        }
    }
}
