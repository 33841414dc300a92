//! Tables: CSV and Parquet files, and batches in memory.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};
use dataspace_primitives::Digest;
use thiserror::Error;

use crate::column::type_name;
use crate::csv_source::{self, CsvBatches, RowError};
use crate::parquet_source::{Cause, ParquetBatches, ParquetFile};

/// Most rows in a batch.
pub const BATCH_ROWS: usize = 4096;

/// Most columns in a table.
pub const COLUMNS_MAX: usize = 4096;

/// Why a table cannot be opened. The texts hold no path and no value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be read.
    #[error("the table cannot be read")]
    Io(#[from] io::Error),
    /// Neither Parquet nor CSV.
    #[error(
        "the table is neither Parquet (it would begin with `PAR1`) nor CSV (UTF-8, with a header \
         row, in a file named .csv, .tsv or .txt)"
    )]
    Format,
    /// A Parquet file that is damaged or beyond what can be read.
    #[error("the Parquet file cannot be read")]
    Parquet(#[source] Cause),
    /// A row of a CSV file.
    #[error(transparent)]
    Row(#[from] RowError),
    /// Two columns have one name.
    #[error("the table has two columns `{column}`")]
    DuplicateColumn {
        /// The name.
        column: String,
    },
    /// A column without a name: no duty could name it.
    #[error("column {index} of the table has no name")]
    UnnamedColumn {
        /// Its position, from 0.
        index: usize,
    },
    /// No column, or more than [`COLUMNS_MAX`].
    #[error("the table has {found} columns; 1 to {} are possible", COLUMNS_MAX)]
    ColumnCount {
        /// Columns found.
        found: usize,
    },
    /// A batch with other columns than the table.
    #[error("batch {index} does not have the columns of the table")]
    BatchSchema {
        /// Its position, from 0.
        index: usize,
    },
}

/// Why reading a table ends early. The texts hold no path and no value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read.
    #[error("the table cannot be read")]
    Io(#[from] io::Error),
    /// A Parquet file that is damaged or beyond what can be read.
    #[error("the Parquet file cannot be read")]
    Parquet(#[source] Cause),
    /// A row of a CSV file.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The file is not the one that was opened: it has other columns or types by now.
    #[error("the table has changed since it was opened")]
    Changed,
}

enum Source {
    Csv { path: PathBuf, delimiter: u8 },
    Parquet { path: PathBuf },
    Memory { batches: Vec<RecordBatch> },
}

/// A table of the provider: its columns are known, its rows are read when asked for.
pub struct Table {
    schema: SchemaRef,
    row_count: Option<u64>,
    source: Source,
}

impl Table {
    /// Opens a Parquet or CSV file. A CSV file is read once in full: a column gets a type that
    /// every one of its values has.
    ///
    /// # Errors
    /// [`OpenError`] if the file is of another format, damaged, ragged, not UTF-8, or has
    /// columns that cannot be told apart.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let mut head = Vec::new();
        File::open(path)?.take(8192).read_to_end(&mut head)?;
        if head.starts_with(b"PAR1") {
            let file = ParquetFile::open(path).map_err(OpenError::Parquet)?;
            let source = Source::Parquet { path: path.to_owned() };
            return Self::new(file.schema(), file.row_count(), source);
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        let extension = extension.unwrap_or_default().to_ascii_lowercase();
        if !matches!(extension.as_str(), "csv" | "tsv" | "txt") || head.contains(&0) {
            return Err(OpenError::Format);
        }
        let delimiter = csv_source::delimiter(&head);
        let (schema, rows) = csv_source::infer(path, delimiter)?;
        let source = Source::Csv { path: path.to_owned(), delimiter };
        Self::new(&schema, Some(rows), source)
    }

    /// A table of batches in memory.
    ///
    /// # Errors
    /// [`OpenError`] if a batch has other columns than `schema`, or two columns one name.
    pub fn from_batches(schema: &Schema, batches: Vec<RecordBatch>) -> Result<Self, OpenError> {
        let mut rows = 0_u64;
        for (index, batch) in batches.iter().enumerate() {
            if !same_columns(schema, batch.schema_ref()) {
                return Err(OpenError::BatchSchema { index });
            }
            rows = rows.saturating_add(u64::try_from(batch.num_rows()).unwrap_or(u64::MAX));
        }
        Self::new(schema, Some(rows), Source::Memory { batches })
    }

    fn new(schema: &Schema, row_count: Option<u64>, source: Source) -> Result<Self, OpenError> {
        let found = schema.fields().len();
        if found == 0 || found > COLUMNS_MAX {
            return Err(OpenError::ColumnCount { found });
        }
        let mut names = BTreeSet::new();
        for (index, field) in schema.fields().iter().enumerate() {
            if field.name().is_empty() {
                return Err(OpenError::UnnamedColumn { index });
            }
            if !names.insert(field.name()) {
                let column = field.name().clone();
                return Err(OpenError::DuplicateColumn { column });
            }
        }
        // Without metadata, of the table as of the columns.
        let fields: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| Field::new(field.name(), field.data_type().clone(), true))
            .collect();
        Ok(Self { schema: Arc::new(Schema::new(fields)), row_count, source })
    }

    /// The columns, without the metadata that the file may carry.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// How many rows the table has: for a Parquet file, how many it says it has.
    #[must_use]
    pub fn row_count(&self) -> Option<u64> {
        self.row_count
    }

    /// A digest over the names and types of the columns, in their order: the same for a CSV file,
    /// a Parquet file and batches in memory of the same columns, and for every version of arrow
    /// as far as the types can be released.
    #[must_use]
    pub fn descriptor_digest(&self) -> Digest {
        let mut bytes = b"dataspace/table-descriptor/v1\0".to_vec();
        for field in self.schema.fields() {
            for text in [field.name(), &type_name(field.data_type())] {
                let len = u64::try_from(text.len()).unwrap_or(u64::MAX);
                bytes.extend_from_slice(&len.to_be_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
        }
        Digest::of(&bytes)
    }

    /// The rows from the first one, in batches of at most [`BATCH_ROWS`].
    ///
    /// # Errors
    /// [`ReadError`] if the file is gone or has other columns by now.
    pub fn read(&self) -> Result<Batches, ReadError> {
        let rows = match &self.source {
            Source::Csv { path, delimiter } => {
                Rows::Csv(Box::new(CsvBatches::open(path, *delimiter, &self.schema)?))
            }
            Source::Parquet { path } => {
                let file = ParquetFile::open(path).map_err(ReadError::Parquet)?;
                if !same_columns(&self.schema, file.schema()) {
                    return Err(ReadError::Changed);
                }
                Rows::Parquet(file.into_batches().map_err(ReadError::Parquet)?)
            }
            Source::Memory { batches } => {
                Rows::Memory { batches: batches.clone().into_iter(), rest: None }
            }
        };
        Ok(Batches { schema: self.schema(), rows: Some(rows) })
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("schema", &self.schema)
            .field("row_count", &self.row_count)
            .finish_non_exhaustive()
    }
}

fn same_columns(a: &Schema, b: &Schema) -> bool {
    let columns = |schema: &Schema| -> Vec<_> {
        let fields = schema.fields().iter();
        fields.map(|field| (field.name().clone(), field.data_type().clone())).collect()
    };
    columns(a) == columns(b)
}

enum Rows {
    Csv(Box<CsvBatches>),
    Parquet(ParquetBatches),
    Memory { batches: std::vec::IntoIter<RecordBatch>, rest: Option<RecordBatch> },
}

/// The rows of a table in batches of at most [`BATCH_ROWS`]. Ends after the first error.
pub struct Batches {
    schema: SchemaRef,
    rows: Option<Rows>,
}

impl Batches {
    fn step(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        let batch = match &mut self.rows {
            None => None,
            Some(Rows::Csv(csv)) => csv.read()?,
            Some(Rows::Parquet(parquet)) => parquet.read().map_err(ReadError::Parquet)?,
            Some(Rows::Memory { batches, rest }) => {
                let whole = rest.take().or_else(|| batches.next());
                if let Some(whole) = &whole
                    && whole.num_rows() > BATCH_ROWS
                {
                    *rest = Some(whole.slice(BATCH_ROWS, whole.num_rows() - BATCH_ROWS));
                    Some(whole.slice(0, BATCH_ROWS))
                } else {
                    whole
                }
            }
        };
        let Some(batch) = batch else { return Ok(None) };
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let (schema, columns) = (Arc::clone(&self.schema), batch.columns().to_vec());
        RecordBatch::try_new_with_options(schema, columns, &options)
            .map(Some)
            .map_err(|_| ReadError::Changed)
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if !matches!(step, Ok(Some(_))) {
            self.rows = None;
        }
        step.transpose()
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("schema", &self.schema).finish_non_exhaustive()
    }
}
