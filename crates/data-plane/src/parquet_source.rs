//! Parquet files, behind a wall: the decoder panics on some damaged files.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels};
use thiserror::Error;

use crate::parquet_pages::{Bounded, Pages};
use crate::table::BATCH_ROWS;

/// A cause that only the provider's operator should see.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The decoder gave up without an error.
#[derive(Debug, Error)]
#[error("the decoder panicked on a damaged file")]
struct Panicked;

/// Runs a step of the decoder; a panic of it becomes an error.
// WHY: parquet 60.1 panics in at least four places when a byte of a file is flipped (a negative
// column start, a missing dictionary, a division by zero, an offset out of bounds). A damaged
// file must refuse the release, not end the thread of the monitor that reads it.
// INVARIANT: sound to go on because every `step` owns the decoder and all that it touches, so
// that a panic drops it and nobody sees its broken state.
fn contain<T>(step: impl FnOnce() -> Result<T, Cause>) -> Result<T, Cause> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|_| Err(Panicked.into()))
}

/// A file whose footer is read.
pub(crate) struct ParquetFile {
    file: Bounded,
    footer: ArrowReaderMetadata,
}

impl ParquetFile {
    pub(crate) fn open(path: &Path) -> Result<Self, Cause> {
        let file = File::open(path)?;
        contain(|| {
            let file = Bounded::new(file)?;
            // Types come from the Parquet schema alone: the Arrow schema that a writer may have
            // put beside it is one more format to parse, and brings views and dictionaries.
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
            let footer = ArrowReaderMetadata::load(file.file(), options)?;
            Ok(Self { file, footer })
        })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        self.footer.schema()
    }

    /// Rows as the footer says.
    pub(crate) fn row_count(&self) -> Option<u64> {
        u64::try_from(self.footer.metadata().file_metadata().num_rows()).ok()
    }

    pub(crate) fn into_batches(self) -> Result<ParquetBatches, Cause> {
        let reader = contain(|| {
            let footer = Arc::clone(self.footer.metadata());
            let schema = footer.file_metadata().schema_descr();
            let levels = parquet_to_arrow_field_levels(schema, ProjectionMask::all(), None)?;
            let pages = Pages::new(self.file, footer);
            Ok(ParquetRecordBatchReader::try_new_with_row_groups(
                &levels, &pages, BATCH_ROWS, None,
            )?)
        })?;
        let reader = Some(Box::new(reader));
        Ok(ParquetBatches { reader })
    }
}

/// The rows. Ends after the first error.
pub(crate) struct ParquetBatches {
    reader: Option<Box<ParquetRecordBatchReader>>,
}

impl ParquetBatches {
    pub(crate) fn read(&mut self) -> Result<Option<RecordBatch>, Cause> {
        let Some(mut reader) = self.reader.take() else {
            return Ok(None);
        };
        let step = contain(move || {
            let batch = reader.next().transpose()?;
            Ok(batch.map(|batch| (batch, reader)))
        })?;
        Ok(step.map(|(batch, reader)| {
            self.reader = Some(reader);
            batch
        }))
    }
}
