//! CSV files: RFC 4180 with a header row, and types that every value has.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use thiserror::Error;

use crate::table::{BATCH_ROWS, ReadError};

/// Longest row of a CSV file, in bytes (up to one read buffer more may pass). A quote that is
/// never closed makes the rest of a file one row.
pub const ROW_LEN_MAX: usize = 16 * 1024 * 1024;

/// Bytes after which a batch of long rows ends early.
const BATCH_LEN: usize = 16 * 1024 * 1024;

/// Why a row of a CSV file cannot be read. Row 0 is the header. The texts hold no value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RowError {
    /// The file cannot be read.
    #[error("the table cannot be read")]
    Io(#[source] io::Error),
    /// Longer than [`ROW_LEN_MAX`].
    #[error("row {row} is longer than {} bytes", ROW_LEN_MAX)]
    TooLong {
        /// The row.
        row: u64,
    },
    /// More or fewer fields than the header has.
    #[error("row {row} has {found} fields, the header has {expected}")]
    Ragged {
        /// The row.
        row: u64,
        /// Fields of the header.
        expected: u64,
        /// Fields of the row.
        found: u64,
    },
    /// Not UTF-8.
    #[error("row {row} is not UTF-8")]
    NotUtf8 {
        /// The row.
        row: u64,
    },
}

/// Gives out so many bytes and then fails, until it is allowed more.
struct Limited {
    file: File,
    left: usize,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(self.left);
        if len == 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.file.read(buffer.get_mut(..len).unwrap_or_default())?;
        self.left -= read;
        Ok(read)
    }
}

/// The rows as texts.
struct Records {
    reader: Reader<Limited>,
    record: StringRecord,
    row: u64,
}

impl Records {
    fn open(path: &Path, delimiter: u8) -> Result<Self, RowError> {
        let file = File::open(path).map_err(RowError::Io)?;
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .from_reader(Limited { file, left: 0 });
        Ok(Self { reader, record: StringRecord::new(), row: 0 })
    }

    /// The next row; `None` after the last.
    fn next(&mut self) -> Result<Option<&StringRecord>, RowError> {
        let row = self.row;
        self.reader.get_mut().left = ROW_LEN_MAX;
        match self.reader.read_record(&mut self.record) {
            Ok(true) => {
                self.row += 1;
                Ok(Some(&self.record))
            }
            Ok(false) => Ok(None),
            Err(error) => Err(match error.into_kind() {
                ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    RowError::TooLong { row }
                }
                ErrorKind::Io(error) => RowError::Io(error),
                ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    RowError::Ragged { row, expected: expected_len, found: len }
                }
                ErrorKind::Utf8 { .. } => RowError::NotUtf8 { row },
                _ => RowError::Io(io::ErrorKind::InvalidData.into()),
            }),
        }
    }
}

/// What separates the fields: a comma, unless the first line has none but has a semicolon or tab.
pub(crate) fn delimiter(head: &[u8]) -> u8 {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    [b',', b';', b'\t'].into_iter().find(|delimiter| line.contains(delimiter)).unwrap_or(b',')
}

/// The types that are still possible for a column, besides text.
struct Guess {
    any: bool,
    possible: Vec<DataType>,
}

impl Guess {
    fn new() -> Self {
        Self { any: false, possible: vec![DataType::Boolean, DataType::Int64, DataType::Float64] }
    }

    fn observe(&mut self, cell: &str) {
        if !cell.is_empty() {
            self.any = true;
            self.possible.retain(|data_type| match data_type {
                DataType::Boolean => boolean(cell).is_some(),
                DataType::Int64 => integer(cell).is_some(),
                _ => float(cell).is_some(),
            });
        }
    }

    fn into_data_type(self) -> DataType {
        let first = self.possible.into_iter().next();
        first.filter(|_| self.any).unwrap_or(DataType::Utf8)
    }
}

fn boolean(cell: &str) -> Option<bool> {
    match cell {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Digits in front of which there is a zero are a code, not a number.
fn is_code(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell).as_bytes();
    matches!(digits, [b'0', b'0'..=b'9', ..])
}

fn integer(cell: &str) -> Option<i64> {
    if is_code(cell) || cell.starts_with('+') || cell == "-0" {
        return None;
    }
    cell.parse().ok()
}

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

/// The columns, each with a type that all of its values have, and the number of rows.
pub(crate) fn infer(path: &Path, delimiter: u8) -> Result<(Schema, u64), RowError> {
    let mut records = Records::open(path, delimiter)?;
    let names: Vec<String> = match records.next()? {
        Some(header) => header.iter().map(str::to_owned).collect(),
        None => Vec::new(),
    };
    let mut guesses: Vec<_> = names.iter().map(|_| Guess::new()).collect();
    let mut rows = 0_u64;
    while let Some(record) = records.next()? {
        rows += 1;
        for (guess, cell) in guesses.iter_mut().zip(record) {
            guess.observe(cell);
        }
    }
    let fields: Vec<_> = names
        .into_iter()
        .zip(guesses)
        .map(|(name, guess)| Field::new(name, guess.into_data_type(), true))
        .collect();
    Ok((Schema::new(fields), rows))
}

/// Collects the values of one column.
enum Column {
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
}

impl Column {
    fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Boolean(BooleanBuilder::new()),
            DataType::Int64 => Self::Integer(Int64Builder::new()),
            DataType::Float64 => Self::Float(Float64Builder::new()),
            _ => Self::Text(StringBuilder::new()),
        }
    }

    /// `None` if the cell is not of the column's type.
    fn push(&mut self, cell: &str) -> Option<()> {
        let missing = cell.is_empty();
        match self {
            _ if missing => self.push_missing(),
            Self::Boolean(builder) => builder.append_value(boolean(cell)?),
            Self::Integer(builder) => builder.append_value(integer(cell)?),
            Self::Float(builder) => builder.append_value(float(cell)?),
            Self::Text(builder) => builder.append_value(cell),
        }
        Some(())
    }

    fn push_missing(&mut self) {
        match self {
            Self::Boolean(builder) => builder.append_null(),
            Self::Integer(builder) => builder.append_null(),
            Self::Float(builder) => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Boolean(mut builder) => Arc::new(builder.finish()),
            Self::Integer(mut builder) => Arc::new(builder.finish()),
            Self::Float(mut builder) => Arc::new(builder.finish()),
            Self::Text(mut builder) => Arc::new(builder.finish()),
        }
    }
}

/// The rows with the types that [`infer`] found.
pub(crate) struct CsvBatches {
    records: Records,
    schema: SchemaRef,
}

impl CsvBatches {
    pub(crate) fn open(path: &Path, delimiter: u8, schema: &SchemaRef) -> Result<Self, ReadError> {
        let mut records = Records::open(path, delimiter)?;
        let names = schema.fields().iter().map(|field| field.name().as_str());
        if !records.next()?.is_some_and(|header| header.iter().eq(names)) {
            return Err(ReadError::Changed);
        }
        Ok(Self { records, schema: Arc::clone(schema) })
    }

    pub(crate) fn read(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        let fields = self.schema.fields();
        let mut columns: Vec<_> = fields.iter().map(|f| Column::new(f.data_type())).collect();
        let (mut rows, mut len) = (0, 0);
        while rows < BATCH_ROWS && len < BATCH_LEN {
            let Some(record) = self.records.next()? else {
                break;
            };
            for (column, cell) in columns.iter_mut().zip(record) {
                column.push(cell).ok_or(ReadError::Changed)?;
            }
            rows += 1;
            len += record.as_slice().len();
        }
        if rows == 0 {
            return Ok(None);
        }
        let arrays = columns.into_iter().map(Column::finish).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            .map(Some)
            .map_err(|_| ReadError::Changed)
    }
}
