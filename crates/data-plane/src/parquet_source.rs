//! Parquet files, behind a wall: the decoder panics on some damaged files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels, parquet_to_arrow_schema};
use parquet::schema::types::SchemaDescriptor;
use thiserror::Error;

use crate::chunk::{BATCH_LEN_MAX, BATCH_ROWS, Chunk};
use crate::column::released_type;
use crate::file::{self, FileError, Stamp};
use crate::options::TableOptions;
use crate::parquet_pages::{Bounded, Budget, Pages};
use crate::parquet_types::{Stored, StoredAs, stored};
use crate::pieces::width;
use crate::table_error::{Cause, OpenError, ReadError};

/// The decoder gave up without an error.
#[derive(Debug, Error)]
#[error("the decoder panicked on a damaged file")]
struct Panicked;

/// The columns end sooner or later than the footer says.
#[derive(Debug, Error)]
#[error("the columns hold {found} rows, the row groups are said to have {counted}")]
struct RowCount {
    found: u64,
    counted: u64,
}

/// Runs a step of the decoder; a panic of it becomes an error.
// WHY: parquet 60.1 panics in at least four places when a byte of a file is flipped (a negative
// column start, a missing dictionary, a division by zero, an offset out of bounds). A damaged
// file must refuse the release, not end the thread of the monitor that reads it.
// INVARIANT: sound to go on because every `step` owns the decoder and all that it touches, so
// that a panic drops it and nobody sees its broken state.
fn contain<T>(step: impl FnOnce() -> Result<T, Cause>) -> Result<T, Cause> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| Err(Panicked.into()))
}

/// Why a Parquet file is not opened.
pub(crate) enum ParquetError {
    File(FileError),
    Footer(Cause),
}

impl From<ParquetError> for OpenError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::File(error) => error.into(),
            ParquetError::Footer(cause) => Self::Parquet(cause),
        }
    }
}

impl From<ParquetError> for ReadError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::File(error) => error.into(),
            ParquetError::Footer(cause) => Self::Parquet(cause),
        }
    }
}

/// A file whose footer is read.
pub(crate) struct ParquetFile {
    file: Bounded,
    footer: ArrowReaderMetadata,
    /// Each column: its name, its type, and how it lies in the file.
    columns: Vec<(String, StoredAs)>,
    /// The columns as they are read.
    schema: SchemaDescriptor,
    row_count: u64,
    stamp: Stamp,
}

impl ParquetFile {
    pub(crate) fn open(path: &Path, options: &TableOptions) -> Result<Self, ParquetError> {
        let (file, stamp) = file::open(path).map_err(ParquetError::File)?;
        contain(|| {
            let file = Bounded::new(file)?;
            // Types come from the Parquet schema alone: the Arrow schema that a writer may have
            // put beside it is one more format to parse, and brings views and dictionaries.
            let reader = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
            let footer = ArrowReaderMetadata::load(file.file(), reader)?;
            let metadata = footer.metadata();
            let Stored { columns, schema } =
                stored(metadata.file_metadata().schema_descr(), footer.schema(), options)?;
            let groups = metadata.row_groups().iter();
            let rows = groups.map(|group| u64::try_from(group.num_rows()).unwrap_or(u64::MAX));
            let row_count = rows.fold(0, u64::saturating_add);
            Ok(Self { file, footer, columns, schema, row_count, stamp })
        })
        .map_err(ParquetError::Footer)
    }

    pub(crate) fn fields(&self) -> Vec<Field> {
        let columns = self.columns.iter();
        columns.map(|(name, stored)| Field::new(name, stored.data_type.clone(), true)).collect()
    }

    /// Rows as the row groups say.
    pub(crate) fn row_count(&self) -> u64 {
        self.row_count
    }

    /// The state of the file.
    pub(crate) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// The rows, with the values of wanted columns as far as their type leaves from here at all.
    pub(crate) fn into_batches(self, wanted: &[bool]) -> Result<ParquetBatches, Cause> {
        let Self { file, footer, columns, schema, row_count, stamp: _ } = self;
        let readable = |index: &usize| {
            let column = columns.get(*index);
            column.is_some_and(|(_, stored)| released_type(&stored.data_type).is_some())
        };
        let indices = || (0..columns.len()).filter(readable);
        let mut read: Vec<usize> =
            indices().filter(|index| wanted.get(*index) == Some(&true)).collect();
        if read.is_empty() {
            // Rows are counted by what is in the file, not by what the footer says.
            read.extend(indices().next());
        }
        let row_len = read.iter().filter_map(|index| columns.get(*index));
        let row_len: usize = row_len.map(|(_, stored)| width(&stored.data_type).max(16)).sum();
        let batch_rows = (BATCH_LEN_MAX / row_len.max(1)).clamp(1, BATCH_ROWS);

        let budget = Arc::new(Budget::default());
        let pages = Pages::new(file, Arc::clone(footer.metadata()), Arc::clone(&budget));
        let roots = read.clone();
        let reader = contain(move || {
            let all = parquet_to_arrow_schema(&schema, None)?;
            // WHY views: they share a dictionary's value, which may stand in every row.
            let hint = all.fields().iter().map(|field| match field.data_type() {
                DataType::Utf8 => {
                    Arc::new(Field::new(field.name(), DataType::Utf8View, field.is_nullable()))
                }
                _ => Arc::clone(field),
            });
            let hint: Fields = hint.collect();
            let mask = ProjectionMask::roots(&schema, roots);
            let levels = parquet_to_arrow_field_levels(&schema, mask, Some(&hint))?;
            Ok(ParquetRecordBatchReader::try_new_with_row_groups(
                &levels, &pages, batch_rows, None,
            )?)
        })?;
        Ok(ParquetBatches {
            reader: Some(Box::new(reader)),
            columns,
            read,
            budget,
            row_count,
            found: 0,
        })
    }
}

/// The rows. Ends after the first error.
pub(crate) struct ParquetBatches {
    reader: Option<Box<ParquetRecordBatchReader>>,
    columns: Vec<(String, StoredAs)>,
    /// The columns that are read, by position.
    read: Vec<usize>,
    budget: Arc<Budget>,
    row_count: u64,
    found: u64,
}

impl ParquetBatches {
    pub(crate) fn read(&mut self) -> Result<Option<Chunk>, Cause> {
        let Some(mut reader) = self.reader.take() else {
            return Ok(None);
        };
        self.budget.begin();
        let step = contain(move || {
            let batch = reader.next().transpose()?;
            Ok(batch.map(|batch| (batch, reader)))
        })?;
        let Some((batch, reader)) = step else {
            let (found, counted) = (self.found, self.row_count);
            return if found == counted {
                Ok(None)
            } else {
                Err(RowCount { found, counted }.into())
            };
        };
        let mut columns = vec![None; self.columns.len()];
        for (index, array) in self.read.iter().zip(batch.columns()) {
            if let (Some(slot), Some((name, stored))) =
                (columns.get_mut(*index), self.columns.get(*index))
            {
                *slot = Some(stored.convert(name, Arc::clone(array), self.found)?);
            }
        }
        self.reader = Some(reader);
        self.found = self.found.saturating_add(batch.num_rows() as u64);
        Ok(Some(Chunk { columns, rows: batch.num_rows() }))
    }
}
