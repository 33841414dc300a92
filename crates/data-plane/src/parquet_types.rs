//! Types of Parquet columns that the decoder would fold into another without a word.
//!
//! It keeps the low bits of a number that its column's type cannot hold, and of instants of type
//! INT96 that nanoseconds of 64 bits cannot. So such columns are read as they are stored and
//! converted here, exactly or not at all.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Int8Type, Int16Type, Int32Type, TimestampMicrosecondType, TimestampNanosecondType, UInt8Type,
    UInt16Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType};
use arrow_schema::{DataType, Schema, TimeUnit};
use parquet::basic::Type as Physical;
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};
use thiserror::Error;

use crate::column::{numbers, value};
use crate::nest::{plain_type, with_leaf_types};
use crate::options::TableOptions;
use crate::table_error::Cause;

/// Bytes that a value of fixed length may have.
const FIXED_LEN_MAX: i32 = 64 * 1024;

/// A value that its column's type cannot hold.
#[derive(Debug, Error)]
#[error("column `{column}`, row {row}{or_later}: {what}")]
struct Unfit {
    column: String,
    row: u64,
    /// Of lists.
    or_later: &'static str,
    what: &'static str,
}

const NARROW: &str = "the number is not in the range of the column's type";
const NANOS: &str = "the instant (INT96) is not between 1677 and 2262, which nanoseconds can hold; \
    open the table with `TableOptions::int96_in_microseconds`";
const MICROS: &str = "the instant (INT96) is not a whole number of microseconds";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    AsIs,
    /// As INT32; the type holds a part of its range.
    Narrow,
    /// As 12 bytes: nanoseconds of the day and the Julian day.
    Int96,
}

/// The type of a leaf, and how it lies in the file.
#[derive(Clone, Debug)]
pub(crate) struct StoredAs {
    data_type: DataType,
    how: How,
}

/// The columns of a file.
pub(crate) struct Stored {
    /// Each with its name and type.
    pub(crate) columns: Vec<(String, DataType)>,
    /// The columns of Parquet, which are leaves.
    pub(crate) leaves: Vec<StoredAs>,
    /// As they are to be read.
    pub(crate) schema: SchemaDescriptor,
}

/// Looks over the columns of a file.
pub(crate) fn stored(
    schema: &SchemaDescriptor,
    arrow: &Schema,
    options: &TableOptions,
) -> Result<Stored> {
    let roots = schema.root_schema().get_fields();
    if roots.len() != arrow.fields().len() {
        return Err(ParquetError::General("columns without a type".to_owned()));
    }
    let (mut columns, mut leaves) = (Vec::new(), Vec::new());
    for field in arrow.fields() {
        let data_type = with_leaf_types(field.data_type(), &mut |data_type| {
            let column = schema.columns().get(leaves.len());
            let physical = column.map(|column| column.physical_type());
            let (mut data_type, how) = match (data_type, physical) {
                (DataType::Timestamp(TimeUnit::Nanosecond, None), Some(Physical::INT96)) => {
                    let micros = options.int96_micros;
                    let unit = if micros { TimeUnit::Microsecond } else { TimeUnit::Nanosecond };
                    (DataType::Timestamp(unit, None), How::Int96)
                }
                (
                    narrow
                    @ (DataType::Int8 | DataType::Int16 | DataType::UInt8 | DataType::UInt16),
                    Some(Physical::INT32),
                ) => (narrow.clone(), How::Narrow),
                (data_type, _) => (data_type.clone(), How::AsIs),
            };
            if data_type == DataType::Utf8 {
                data_type = DataType::Utf8View;
            }
            leaves.push(StoredAs { data_type: data_type.clone(), how });
            data_type
        });
        columns.push((field.name().clone(), plain_type(&data_type)));
    }
    if leaves.len() != schema.num_columns() {
        return Err(ParquetError::General("columns without a type".to_owned()));
    }
    let mut hows = leaves.iter().map(|leaf| leaf.how);
    let types = roots.iter().map(|root| as_read(root, &mut hows));
    let types = types.collect::<Result<Vec<_>>>()?;
    for column in schema.columns() {
        if column.physical_type() == Physical::FIXED_LEN_BYTE_ARRAY
            && !(1..=FIXED_LEN_MAX).contains(&column.type_length())
        {
            return Err(ParquetError::General(format!(
                "values of {} bytes; 1 to {FIXED_LEN_MAX} are possible",
                column.type_length()
            )));
        }
    }
    let root = Type::group_type_builder(schema.root_schema().name()).with_fields(types).build()?;
    Ok(Stored { columns, leaves, schema: SchemaDescriptor::new(Arc::new(root)) })
}

/// The type of the column without what the decoder would make of its leaves.
// WHY recursion: a footer has at most so many groups in each other as `parquet_pages` lets pass.
fn as_read(part: &TypePtr, hows: &mut dyn Iterator<Item = How>) -> Result<TypePtr> {
    let info = part.get_basic_info();
    if part.is_group() {
        let fields = part.get_fields().iter().map(|field| as_read(field, hows));
        let fields = fields.collect::<Result<Vec<_>>>()?;
        if fields.iter().zip(part.get_fields()).all(|(new, old)| Arc::ptr_eq(new, old)) {
            return Ok(Arc::clone(part));
        }
        return Type::group_type_builder(part.name())
            .with_repetition(info.repetition())
            .with_converted_type(info.converted_type())
            .with_logical_type(info.logical_type_ref().cloned())
            .with_fields(fields)
            .build()
            .map(Arc::new);
    }
    let plain = |physical, len| {
        Type::primitive_type_builder(part.name(), physical)
            .with_repetition(info.repetition())
            .with_length(len)
            .build()
            .map(Arc::new)
    };
    match hows.next().unwrap_or(How::AsIs) {
        How::AsIs => Ok(Arc::clone(part)),
        How::Narrow => plain(Physical::INT32, -1),
        How::Int96 => plain(Physical::FIXED_LEN_BYTE_ARRAY, 12),
    }
}

impl StoredAs {
    /// Returns true if its values are read as they are meant.
    pub(crate) fn is_as_is(&self) -> bool {
        self.how == How::AsIs
    }

    /// The leaf as it is meant; `first` is the row of the file with which the array begins.
    pub(crate) fn convert(
        &self,
        (column, is_repeated): (&str, bool),
        array: ArrayRef,
        first: u64,
    ) -> Result<ArrayRef, Cause> {
        let unfit = |place: usize, what| -> Cause {
            let column = column.to_owned();
            let exact = first.saturating_add(place as u64);
            let (row, or_later) = if is_repeated { (first, " or later") } else { (exact, "") };
            Unfit { column, row, or_later, what }.into()
        };
        macro_rules! narrow {
            ($t:ty) => {{
                let source = array.as_primitive_opt::<Int32Type>();
                let source = source.ok_or_else(|| unfit(0, NARROW))?;
                each::<$t>(&self.data_type, source.len(), |row| match value(source, row) {
                    Some(wide) => wide.try_into().map(Some).map_err(|_| unfit(row, NARROW)),
                    None => Ok(None),
                })
            }};
        }
        macro_rules! instants {
            ($t:ty, $unit:expr, $what:expr) => {{
                let source = array.as_fixed_size_binary_opt();
                let source = source.ok_or_else(|| unfit(0, $what))?;
                each::<$t>(&self.data_type, source.len(), |row| {
                    let bytes = source.is_valid(row).then(|| source.value(row));
                    let instant = bytes.map(|bytes| instant(bytes, $unit));
                    instant.map(|instant| instant.ok_or_else(|| unfit(row, $what))).transpose()
                })
            }};
        }
        match (self.how, &self.data_type) {
            (How::Narrow, DataType::Int8) => narrow!(Int8Type),
            (How::Narrow, DataType::Int16) => narrow!(Int16Type),
            (How::Narrow, DataType::UInt8) => narrow!(UInt8Type),
            (How::Narrow, _) => narrow!(UInt16Type),
            (How::Int96, DataType::Timestamp(TimeUnit::Microsecond, _)) => {
                instants!(TimestampMicrosecondType, 1000, MICROS)
            }
            (How::Int96, _) => instants!(TimestampNanosecondType, 1, NANOS),
            (How::AsIs, _) => Ok(array),
        }
    }
}

fn each<T: ArrowPrimitiveType>(
    data_type: &DataType,
    rows: usize,
    get: impl Fn(usize) -> Result<Option<T::Native>, Cause>,
) -> Result<ArrayRef, Cause> {
    let values = (0..rows).map(get).collect::<Result<Vec<_>, _>>()?;
    Ok(numbers::<T>(data_type, values.into_iter()))
}

/// The Julian day of 1 January 1970.
const EPOCH: i128 = 2_440_588;

const DAY_NANOS: i128 = 86_400_000_000_000;

/// An instant in units of `nanos` nanoseconds since 1970.
fn instant(bytes: &[u8], nanos: i128) -> Option<i64> {
    let (of_day, day) = bytes.split_first_chunk::<8>()?;
    let day = i32::from_le_bytes(*day.first_chunk::<4>()?);
    let total = (i128::from(day) - EPOCH) * DAY_NANOS + i128::from(i64::from_le_bytes(*of_day));
    (total % nanos == 0).then(|| i64::try_from(total / nanos).ok()).flatten()
}
