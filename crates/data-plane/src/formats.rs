//! Released rows as files of other programs: CSV, JSON lines, Parquet and Arrow IPC.
//!
//! ```
//! use dataspace_data_plane::{Table, formats::{Format, write}};
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("oxides.csv");
//! std::fs::write(&path, "formula,seebeck\nFe2O3,646.823\nFeO,\n")?;
//! let table = Table::open(&path)?;
//! let mut out = Vec::new();
//! let rows = write(Format::JsonLines, &table.schema(), table.read()?, &mut out)?;
//! assert_eq!(rows, 2);
//! let line = "{\"formula\":\"Fe2O3\",\"seebeck\":646.823}\n{\"formula\":\"FeO\",\"seebeck\":null}\n";
//! assert_eq!(String::from_utf8(out)?, line);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::borrow::Borrow;
use std::io;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date64Type, TimestampMillisecondType, TimestampSecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::column::{numbers, released_type, value};
use crate::nest::{filled, plain_type, with_leaf_types, with_leaves};
use crate::product::{Delivery, Piece};
use crate::render::{self, LINES_LEN, WriteError, json_row, json_texts};
use crate::table_error::Cause;
use crate::tree::Tree;

/// Bytes after which a row group of a Parquet file ends.
pub const ROW_GROUP_LEN: usize = 32 * 1024 * 1024;

/// Rows after which a row group of a Parquet file ends.
pub const ROW_GROUP_ROWS: usize = 1024 * 1024;

/// A format in which rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// RFC 4180 with a header, in UTF-8, as by [`write_csv`](crate::write_csv), with the columns of
    /// [`csv_columns`](crate::render::csv_columns).
    Csv,
    /// One JSON object a line, with every column in each and `null` for a missing value.
    ///
    /// Whole numbers and decimals have all of their digits. Floats that JSON cannot tell are the
    /// texts `"NaN"`, `"inf"` and `"-inf"`; days and instants are texts as in CSV. Structures are objects,
    /// lists are lists, and maps are lists of objects with a `key` and a `value`.
    JsonLines,
    /// Arrow's streaming format, not compressed.
    ArrowIpc,
    /// Parquet, compressed by Snappy. It knows neither seconds nor days as milliseconds: both are
    /// written as timestamps in milliseconds.
    Parquet,
}

/// Writes the rows of `batches`, which have the columns of `schema`; returns their number. Holds a
/// batch at a time, for Parquet a row group ([`ROW_GROUP_LEN`]).
///
/// The file tells the columns' names and types and the rows, and nothing about their source.
///
/// # Errors
/// [`WriteError`] if `out` fails, the rows end early, or a batch does not have the columns of
/// `schema`. What is written by then is not a whole file: a Parquet file has no footer and no
/// reader takes it, but of the other formats a part looks like a shorter file. Do not keep it.
pub fn write<B: Borrow<RecordBatch>, E: Into<Cause>>(
    format: Format,
    schema: &Schema,
    batches: impl IntoIterator<Item = Result<B, E>>,
    out: impl io::Write + Send,
) -> Result<u64, WriteError> {
    for field in Tree::grow(schema).0.schema().fields() {
        if released_type(field.data_type()).is_none() {
            return Err(WriteError::ColumnType { column: field.name().clone() });
        }
    }
    match format {
        Format::Csv => render::csv(out, schema, batches),
        Format::JsonLines => json_lines(schema, batches, out),
        Format::ArrowIpc => arrow_ipc(schema, batches, out),
        Format::Parquet => parquet(schema, batches, out),
    }
}

/// Writes what a [`Delivery`] of rows gives out, as [`write()`] does.
///
/// # Errors
/// As [`write()`], and [`WriteError::NotRows`] if the product is not a table.
pub fn write_delivery(
    format: Format,
    delivery: &mut dyn Delivery,
    out: impl io::Write + Send,
) -> Result<u64, WriteError> {
    let schema = delivery.schema().ok_or(WriteError::NotRows)?;
    let batches = std::iter::from_fn(|| match delivery.next() {
        Ok(Some(Piece::Rows(batch))) => Some(Ok(batch)),
        Ok(Some(Piece::Bytes { .. })) => Some(Err(Cause::from(WriteError::NotRows))),
        Ok(None) => None,
        Err(error) => Some(Err(error.into())),
    });
    write(format, &schema, batches, out)
}

fn json_lines<B: Borrow<RecordBatch>, E: Into<Cause>>(
    schema: &Schema,
    batches: impl IntoIterator<Item = Result<B, E>>,
    mut out: impl io::Write,
) -> Result<u64, WriteError> {
    let mut lines = String::new();
    let mut keys = Vec::new();
    for field in schema.fields() {
        keys.push(serde_json::to_string(field.name()).map_err(|error| encoding(error.into()))?);
    }
    let rows = render::each(schema, batches, |batch| {
        let columns = json_texts(batch)?;
        for row in 0..batch.num_rows() {
            json_row(&mut lines, &keys, &columns, row);
            if lines.len() >= LINES_LEN {
                out.write_all(lines.as_bytes())?;
                lines.clear();
            }
        }
        Ok(())
    })?;
    out.write_all(lines.as_bytes())?;
    out.flush()?;
    Ok(rows)
}

fn arrow_ipc<B: Borrow<RecordBatch>, E: Into<Cause>>(
    schema: &Schema,
    batches: impl IntoIterator<Item = Result<B, E>>,
    out: impl io::Write,
) -> Result<u64, WriteError> {
    let fields = schema.fields().iter();
    let bare = fields.map(|field| Field::new(field.name(), plain_type(field.data_type()), true));
    let bare: SchemaRef = Arc::new(Schema::new(bare.collect::<Vec<_>>()));
    let mut writer = StreamWriter::try_new_buffered(out, &bare).map_err(arrow)?;
    let rows = render::each(schema, batches, |batch| {
        let columns = batch.columns().iter().map(plain).collect::<Result<Vec<_>, _>>()?;
        let batch = with_schema(&bare, columns, batch.num_rows())?;
        writer.write(&batch).map_err(arrow)
    })?;
    writer.finish().map_err(arrow)?;
    Ok(rows)
}

fn parquet<B: Borrow<RecordBatch>, E: Into<Cause>>(
    schema: &Schema,
    batches: impl IntoIterator<Item = Result<B, E>>,
    out: impl io::Write + Send,
) -> Result<u64, WriteError> {
    let fields = schema.fields().iter();
    let stored = fields.map(|field| Field::new(field.name(), as_stored(field.data_type()), true));
    let stored: SchemaRef = Arc::new(Schema::new(stored.collect::<Vec<_>>()));
    let properties = WriterProperties::builder()
        .set_created_by("dataspace".to_owned())
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_bytes(Some(ROW_GROUP_LEN))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let writer = ArrowWriter::try_new(out, Arc::clone(&stored), Some(properties));
    let mut writer = writer.map_err(of_parquet)?;
    let rows = render::each(schema, batches, |batch| {
        let fields = schema.fields().iter();
        let columns = fields.zip(batch.columns()).map(|(field, array)| {
            let range = || WriteError::Range { column: field.name().clone() };
            store(&plain(array)?).ok_or_else(range)
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let batch = with_schema(&stored, columns, batch.num_rows())?;
        writer.write(&batch).map_err(of_parquet)
    })?;
    writer.close().map_err(of_parquet)?;
    Ok(rows)
}

/// The array without names and notes of what lies in it: they may tell of its source.
fn plain(array: &ArrayRef) -> Result<ArrayRef, WriteError> {
    let data_type = plain_type(array.data_type());
    filled(Some(array), &data_type, array.len()).ok_or(WriteError::OtherSchema)
}

/// The type as which a Parquet file holds a type.
fn as_stored(data_type: &DataType) -> DataType {
    with_leaf_types(&plain_type(data_type), &mut leaf_as_stored)
}

fn leaf_as_stored(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Date64 => DataType::Timestamp(TimeUnit::Millisecond, None),
        DataType::Timestamp(TimeUnit::Second, zone) => {
            DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
        }
        other => other.clone(),
    }
}

/// The array as [`as_stored`] has it; `None` if milliseconds cannot hold one of its instants.
fn store(array: &ArrayRef) -> Option<ArrayRef> {
    let range = || ArrowError::ComputeError("an instant".to_owned());
    with_leaves(array, &mut |leaf| store_leaf(leaf).ok_or_else(range)).ok()
}

fn store_leaf(array: &ArrayRef) -> Option<ArrayRef> {
    let stored = leaf_as_stored(array.data_type());
    match array.data_type() {
        DataType::Date64 => {
            let days = array.as_primitive_opt::<Date64Type>()?;
            let millis = (0..days.len()).map(|row| value(days, row));
            Some(numbers::<TimestampMillisecondType>(&stored, millis))
        }
        DataType::Timestamp(TimeUnit::Second, _) => {
            let seconds = array.as_primitive_opt::<TimestampSecondType>()?;
            let millis = (0..seconds.len()).map(|row| match value(seconds, row) {
                Some(seconds) => seconds.checked_mul(1000).map(Some),
                None => Some(None),
            });
            let millis = millis.collect::<Option<Vec<_>>>()?;
            Some(numbers::<TimestampMillisecondType>(&stored, millis.into_iter()))
        }
        _ => Some(Arc::clone(array)),
    }
}

fn with_schema(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch, WriteError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(arrow)
}

fn encoding(cause: Cause) -> WriteError {
    WriteError::Encoding(cause)
}

fn arrow(error: ArrowError) -> WriteError {
    match error {
        ArrowError::IoError(_, error) => WriteError::Io(error),
        other => encoding(other.into()),
    }
}

fn of_parquet(error: ParquetError) -> WriteError {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(error) => WriteError::Io(*error),
            Err(cause) => encoding(cause),
        },
        other => encoding(other.into()),
    }
}
