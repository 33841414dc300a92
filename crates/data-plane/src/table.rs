//! Tables: CSV and Parquet files, JSON lines, and batches in memory.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};
use dataspace_primitives::{Digest, Name};

use crate::chunk::{BATCH_ROWS, COLUMNS_MAX, Chunk};
use crate::column::{released_type, type_in_full};
use crate::csv_cells::{FRACTION_DIGITS, PRECISION, SCALES};
use crate::csv_source::{self, CsvBatches};
use crate::file::{self, Snapshot};
use crate::json_source::{self, JsonBatches};
use crate::nest::{filled, plain_type};
use crate::options::{ColumnType, TableOptions};
use crate::parquet_source::{ParquetBatches, ParquetFile};
use crate::render::escape;
use crate::seen::Seen;
use crate::table_error::{OpenError, ReadError};
use crate::tree::{Tree, Unclear};

enum Source {
    Csv { path: PathBuf, format: csv_source::Format, seen: Seen },
    Json { path: PathBuf, format: json_source::Format, seen: Seen },
    Parquet { path: PathBuf, options: TableOptions },
    Memory { batches: Vec<RecordBatch> },
}

/// A table of the provider: its columns are known, its rows are read when asked for.
pub struct Table {
    schema: SchemaRef,
    tree: Tree,
    row_count: Option<u64>,
    source: Source,
    /// What is stated besides the types.
    told: Vec<(String, String)>,
}

/// Checks a stated type by itself.
fn is_possible(column: &str, stated: ColumnType) -> Result<(), OpenError> {
    let column = || column.to_owned();
    match stated {
        ColumnType::Decimal { precision, scale }
            if !(1..=PRECISION).contains(&precision) || scale > precision.min(*SCALES.end()) =>
        {
            Err(OpenError::StatedDigits { column: column(), precision, scale })
        }
        ColumnType::DateTime { fraction_digits: digits, .. }
        | ColumnType::Instant { fraction_digits: digits, .. }
            if digits > FRACTION_DIGITS =>
        {
            Err(OpenError::StatedFraction { column: column(), digits })
        }
        _ => Ok(()),
    }
}

impl Table {
    /// Opens a Parquet file, a CSV file or JSON lines. The latter two are read once in full: a column
    /// gets a type that every one of its values has.
    ///
    /// # Errors
    /// [`OpenError`] if the file is of another format, damaged, ragged, not UTF-8, or has
    /// columns that cannot be told apart or named by a duty.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, &TableOptions::new())
    }

    /// As [`Table::open`], with what the provider states about the file.
    ///
    /// # Errors
    /// As [`Table::open`], and if what is stated does not fit the file.
    pub fn open_with(path: impl AsRef<Path>, options: &TableOptions) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let mut head = Vec::new();
        Snapshot::open(path)?.0.take(4).read_to_end(&mut head)?;
        if let Some(name) = &options.unknown_charset {
            return Err(OpenError::Charset { shown: escape(name) });
        }
        let is_json = |extension: &str| matches!(extension, "jsonl" | "ndjson");
        let extension = path.extension().and_then(|extension| extension.to_str());
        let extension = extension.unwrap_or_default().to_ascii_lowercase();
        if let Some((column, _)) = options.nests.first()
            && (head == b"PAR1" || !is_json(&extension))
        {
            let what = "only JSON lines can be so by what is stated";
            return Err(OpenError::StatedNested { column: column.clone(), what });
        }
        if head == b"PAR1" {
            if let Some((column, _)) = options.types.first() {
                return Err(OpenError::StatedColumn { column: column.clone() });
            }
            if let Some(what) = options.of_texts() {
                return Err(OpenError::Stated { what });
            }
            let file = ParquetFile::open(path, options)?;
            let source = Source::Parquet { path: path.to_owned(), options: options.clone() };
            return Self::new(file.fields(), Some(file.row_count()), source);
        }
        options.types.iter().try_for_each(|(column, stated)| is_possible(column, *stated))?;
        let path = path.to_owned();
        match extension.as_str() {
            "csv" | "tsv" | "txt" => {
                let (format, rows, stamp) = csv_source::infer(&path, options)?;
                let fields = format.fields();
                let seen = Seen::new(stamp);
                let source = Source::Csv { path, format, seen };
                Self::new(fields, Some(rows), source).map(|table| table.told(options))
            }
            json if is_json(json) => {
                let (format, rows, stamp) = json_source::infer(&path, options)?;
                let fields = format.fields();
                let seen = Seen::new(stamp);
                let source = Source::Json { path, format, seen };
                Self::new(fields, Some(rows), source).map(|table| table.told(options))
            }
            _ => Err(OpenError::Format),
        }
    }

    /// A table of batches in memory.
    ///
    /// # Errors
    /// [`OpenError`] if a batch has other columns than `schema`, two columns have one name, or no
    /// duty could name a column.
    pub fn from_batches(schema: &Schema, batches: Vec<RecordBatch>) -> Result<Self, OpenError> {
        let mut rows = 0_u64;
        for (index, batch) in batches.iter().enumerate() {
            if !same_columns(schema.fields(), batch.schema_ref().fields()) {
                return Err(OpenError::BatchSchema { index });
            }
            rows = rows.saturating_add(u64::try_from(batch.num_rows()).unwrap_or(u64::MAX));
        }
        // Without metadata, of the table as of the columns.
        let fields = schema.fields().iter();
        let fields =
            fields.map(|field| Field::new(field.name(), plain_type(field.data_type()), true));
        Self::new(fields.collect(), Some(rows), Source::Memory { batches })
    }

    fn new(fields: Vec<Field>, row_count: Option<u64>, source: Source) -> Result<Self, OpenError> {
        let found = fields.len();
        if found == 0 || found > COLUMNS_MAX {
            return Err(OpenError::ColumnCount { found });
        }
        let mut names = BTreeSet::new();
        for (index, field) in fields.iter().enumerate() {
            if field.name().is_empty() {
                return Err(OpenError::UnnamedColumn { index });
            }
            if let Err(source) = field.name().parse::<Name>() {
                let shown = escape(field.name());
                return Err(OpenError::ColumnName { index, shown, source });
            }
            if !names.insert(field.name()) {
                let column = field.name().clone();
                return Err(OpenError::DuplicateColumn { column });
            }
        }
        let schema = Arc::new(Schema::new(fields));
        let tree = Tree::of(&schema).map_err(|unclear| match unclear {
            Unclear::Twice(column) => OpenError::DuplicateColumn { column },
            Unclear::Count(found) => OpenError::ColumnCount { found },
        })?;
        Ok(Self { schema, tree, row_count, source, told: Vec::new() })
    }

    fn told(self, options: &TableOptions) -> Self {
        Self { told: options.told(), ..self }
    }

    /// The columns, without the metadata that the file may carry.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The columns, and parts of nested ones, of types that do not leave from here: a contract's duties must
    /// leave them out or empty them.
    #[must_use]
    pub fn unreleased(&self) -> Vec<String> {
        let fields = self.tree.schema().fields().iter();
        let unreleased = fields.filter(|field| released_type(field.data_type()).is_none());
        unreleased.map(|field| field.name().clone()).collect()
    }

    /// How many rows the table had when it was opened: for a Parquet file, how many its row groups
    /// are said to have.
    #[must_use]
    pub fn row_count(&self) -> Option<u64> {
        self.row_count
    }

    /// A digest over the names and types of the columns, in their order: the same for a CSV file, JSON
    /// lines, a Parquet file and batches in memory of the same columns, and for every version of arrow
    /// as far as the types can be released. It covers what is stated about the file and changes its
    /// values: formats of days, the decimal comma, words for missing values, the character set.
    #[must_use]
    pub fn descriptor_digest(&self) -> Digest {
        let mut bytes = b"dataspace/table-descriptor/v1\0".to_vec();
        let mut add = |text: &str| {
            let len = u64::try_from(text.len()).unwrap_or(u64::MAX);
            bytes.extend_from_slice(&len.to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        };
        for field in self.schema.fields() {
            add(field.name());
            add(&type_in_full(field.data_type()));
        }
        for (index, (name, value)) in self.told.iter().enumerate() {
            if index == 0 {
                // No column has this name.
                add("");
            }
            add(name);
            add(value);
        }
        Digest::of(&bytes)
    }

    /// The rows from the first one, in batches of at most [`BATCH_ROWS`]. Columns of a Parquet
    /// file whose type does not leave from here are not decoded: they come out as missing values.
    ///
    /// # Errors
    /// [`ReadError`] if the file is gone or has other columns by now.
    pub fn read(&self) -> Result<Batches, ReadError> {
        self.look_over()?;
        let wanted = vec![true; self.tree.schema().fields().len()];
        Ok(Batches { schema: self.schema(), chunks: Some(self.chunks(&wanted)?.0) })
    }

    /// Reads a CSV file, or JSON lines, that changed since it was last read to its end: once, however many ask. Does
    /// nothing for other tables.
    ///
    /// # Errors
    /// [`ReadError`] if it does not fit what was found when the table was opened.
    pub fn look_over(&self) -> Result<(), ReadError> {
        let everything = vec![true; self.schema.fields().len()];
        let stamp = |path: &Path| Ok(file::open(path)?.1);
        match &self.source {
            Source::Csv { path, format, seen } => seen.look_over(
                || stamp(path),
                || {
                    let (mut all, stamp) = CsvBatches::open(path, format, &everything)?;
                    Ok((stamp, to_end(|| all.read())))
                },
            ),
            Source::Json { path, format, seen } => seen.look_over(
                || stamp(path),
                || {
                    let (mut all, stamp) = JsonBatches::open(path, format, &everything)?;
                    Ok((stamp, to_end(|| all.read())))
                },
            ),
            Source::Parquet { .. } | Source::Memory { .. } => Ok(()),
        }
    }

    /// The rows, with the values of wanted leaves; and a digest over the state of the file that they are
    /// read from, which must be [looked over](Self::look_over).
    pub(crate) fn chunks(&self, wanted: &[bool]) -> Result<(Chunks, Option<Digest>), ReadError> {
        Ok(match &self.source {
            Source::Csv { path, format, seen } => {
                let (csv, stamp) = CsvBatches::open(path, format, wanted)?;
                seen.check(&stamp)?;
                (Chunks::Csv(Box::new(csv)), Some(stamp.digest()))
            }
            Source::Json { path, format, seen } => {
                let (json, stamp) = JsonBatches::open(path, format, &self.tree.roots_of(wanted))?;
                seen.check(&stamp)?;
                (Chunks::Json(Box::new(json)), Some(stamp.digest()))
            }
            Source::Parquet { path, options } => {
                let file = ParquetFile::open(path, options)?;
                let fields: Vec<_> = file.fields().into_iter().map(Arc::new).collect();
                if !same_columns(self.schema.fields(), &fields) {
                    return Err(ReadError::Changed);
                }
                let state = file.stamp().digest();
                let batches = file.into_batches(wanted).map_err(ReadError::Parquet)?;
                (Chunks::Parquet(Box::new(batches)), Some(state))
            }
            Source::Memory { batches } => {
                (Chunks::Memory { batches: batches.clone().into_iter(), rest: None }, None)
            }
        })
    }
}

fn to_end(mut read: impl FnMut() -> Result<Option<Chunk>, ReadError>) -> Result<(), ReadError> {
    while read()?.is_some() {}
    Ok(())
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("schema", &self.schema)
            .field("row_count", &self.row_count)
            .finish_non_exhaustive()
    }
}

fn same_columns(a: &[Arc<Field>], b: &[Arc<Field>]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| a.name() == b.name() && a.data_type() == b.data_type())
}

/// The rows of a table, in chunks of at most [`BATCH_ROWS`].
pub(crate) enum Chunks {
    Csv(Box<CsvBatches>),
    Json(Box<JsonBatches>),
    Parquet(Box<ParquetBatches>),
    Memory { batches: std::vec::IntoIter<RecordBatch>, rest: Option<RecordBatch> },
}

impl Chunks {
    pub(crate) fn read(&mut self) -> Result<Option<Chunk>, ReadError> {
        match self {
            Self::Csv(csv) => csv.read(),
            Self::Json(json) => json.read(),
            Self::Parquet(parquet) => parquet.read().map_err(ReadError::Parquet),
            Self::Memory { batches, rest } => {
                let Some(batch) = rest.take().or_else(|| batches.next()) else { return Ok(None) };
                let rows = batch.num_rows().min(BATCH_ROWS);
                if rows < batch.num_rows() {
                    *rest = Some(batch.slice(rows, batch.num_rows() - rows));
                }
                Ok(Some(Chunk::of(&batch.slice(0, rows))))
            }
        }
    }
}

/// The rows of a table in batches of at most [`BATCH_ROWS`]. Ends after the first error.
pub struct Batches {
    schema: SchemaRef,
    chunks: Option<Chunks>,
}

impl Batches {
    fn step(&mut self) -> Result<Option<RecordBatch>, ReadError> {
        let Some(chunks) = &mut self.chunks else { return Ok(None) };
        let Some(Chunk { columns, rows }) = chunks.read()? else { return Ok(None) };
        let fields = self.schema.fields().iter();
        let columns = fields.zip(columns).map(|(field, column)| {
            filled(column.as_ref(), field.data_type(), rows).ok_or(ReadError::Changed)
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map(Some)
            .map_err(|_| ReadError::Changed)
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if !matches!(step, Ok(Some(_))) {
            self.chunks = None;
        }
        step.transpose()
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").field("schema", &self.schema).finish_non_exhaustive()
    }
}
