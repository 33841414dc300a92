//! Columns from our Arrow into the engine's, and back.
//!
//! The engine is built against the major version of Arrow before ours. Both lay columns out alike, so
//! their buffers are shared, not copied: each side owns the other's by reference count. What is built from
//! them is checked in full, texts for UTF-8 too.

use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use datafusion::arrow::array as theirs;
use datafusion::arrow::buffer as their_buffer;
use datafusion::arrow::datatypes as their_types;
use theirs::Array as _;

/// A column or schema that does not pass: a defect here, or a type that is not released.
#[derive(Debug, thiserror::Error)]
#[error("a column cannot be passed between two versions of Arrow")]
pub(crate) struct NotPassed;

struct Owner(their_buffer::Buffer);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// One mapping of types, in both directions.
macro_rules! types {
    ($($plain:ident)*) => {
        /// The engine's type for one that is released.
        pub(crate) fn their_type(data_type: &DataType) -> Option<their_types::DataType> {
            Some(match data_type {
                $(DataType::$plain => their_types::DataType::$plain,)*
                DataType::Decimal128(precision, scale) => {
                    their_types::DataType::Decimal128(*precision, *scale)
                }
                DataType::Decimal256(precision, scale) => {
                    their_types::DataType::Decimal256(*precision, *scale)
                }
                DataType::Timestamp(unit, zone) => {
                    let unit = match unit {
                        TimeUnit::Second => their_types::TimeUnit::Second,
                        TimeUnit::Millisecond => their_types::TimeUnit::Millisecond,
                        TimeUnit::Microsecond => their_types::TimeUnit::Microsecond,
                        TimeUnit::Nanosecond => their_types::TimeUnit::Nanosecond,
                    };
                    their_types::DataType::Timestamp(unit, zone.clone())
                }
                _ => return None,
            })
        }

        /// Our type for one of the engine's, if it is one that leaves.
        pub(crate) fn our_type(data_type: &their_types::DataType) -> Option<DataType> {
            Some(match data_type {
                $(their_types::DataType::$plain => DataType::$plain,)*
                their_types::DataType::Decimal128(precision, scale) => {
                    DataType::Decimal128(*precision, *scale)
                }
                their_types::DataType::Decimal256(precision, scale) => {
                    DataType::Decimal256(*precision, *scale)
                }
                their_types::DataType::Timestamp(unit, zone) => {
                    let unit = match unit {
                        their_types::TimeUnit::Second => TimeUnit::Second,
                        their_types::TimeUnit::Millisecond => TimeUnit::Millisecond,
                        their_types::TimeUnit::Microsecond => TimeUnit::Microsecond,
                        their_types::TimeUnit::Nanosecond => TimeUnit::Nanosecond,
                    };
                    DataType::Timestamp(unit, zone.clone())
                }
                _ => return None,
            })
        }
    };
}

types! {
    Boolean Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float32 Float64 Utf8 Date32 Date64
}

/// The engine's schema for released columns, every one nullable.
pub(crate) fn their_schema(schema: &Schema) -> Option<their_types::SchemaRef> {
    let fields = schema.fields().iter().map(|field| {
        Some(their_types::Field::new(field.name(), their_type(field.data_type())?, true))
    });
    Some(Arc::new(their_types::Schema::new(fields.collect::<Option<Vec<_>>>()?)))
}

/// Our schema for a result; otherwise the position, from 1, of the first column that does not leave.
pub(crate) fn our_schema(schema: &their_types::Schema) -> Result<SchemaRef, usize> {
    let fields = schema.fields().iter().enumerate().map(|(index, field)| {
        let data_type = our_type(field.data_type()).ok_or(index + 1)?;
        Ok::<_, usize>(Field::new(field.name(), data_type, true))
    });
    Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>, _>>()?)))
}

/// One column into the engine.
pub(crate) fn into_theirs(array: &ArrayRef) -> Result<theirs::ArrayRef, NotPassed> {
    let data = array.to_data();
    let data_type = their_type(data.data_type()).ok_or(NotPassed)?;
    let pass = |buffer: &arrow_buffer::Buffer| {
        their_buffer::Buffer::from(Bytes::from_owner(buffer.clone()))
    };
    let nulls = data.nulls().map(|nulls| {
        let bits = nulls.inner();
        let bits = their_buffer::BooleanBuffer::new(pass(bits.inner()), bits.offset(), bits.len());
        their_buffer::NullBuffer::new(bits)
    });
    let data = theirs::ArrayData::builder(data_type)
        .len(data.len())
        .offset(data.offset())
        .nulls(nulls)
        .buffers(data.buffers().iter().map(pass).collect())
        .align_buffers(true)
        .build()
        .map_err(|_| NotPassed)?;
    Ok(theirs::make_array(data))
}

/// One column out of the engine.
fn into_ours(array: &theirs::ArrayRef) -> Result<ArrayRef, NotPassed> {
    let data = array.to_data();
    let data_type = our_type(data.data_type()).ok_or(NotPassed)?;
    let pass = |buffer: &their_buffer::Buffer| {
        arrow_buffer::Buffer::from(Bytes::from_owner(Owner(buffer.clone())))
    };
    let nulls = data.nulls().map(|nulls| {
        let bits = nulls.inner();
        let bits = arrow_buffer::BooleanBuffer::new(pass(bits.inner()), bits.offset(), bits.len());
        arrow_buffer::NullBuffer::new(bits)
    });
    let data = arrow_data::ArrayData::builder(data_type)
        .len(data.len())
        .offset(data.offset())
        .nulls(nulls)
        .buffers(data.buffers().iter().map(pass).collect())
        .align_buffers(true)
        .build()
        .map_err(|_| NotPassed)?;
    Ok(arrow_array::make_array(data))
}

/// Rows of a result out of the engine.
pub(crate) fn rows_into_ours(
    schema: &SchemaRef,
    batch: &theirs::RecordBatch,
) -> Result<RecordBatch, NotPassed> {
    let columns = batch.columns().iter().map(into_ours).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(|_| NotPassed)
}
