//! Parquet files, behind a wall: the decoder panics on some damaged files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field, Fields, Schema};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
};
use parquet::arrow::{ProjectionMask, parquet_to_arrow_field_levels, parquet_to_arrow_schema};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::schema::types::SchemaDescriptor;
use thiserror::Error;

use crate::chunk::{BATCH_LEN_MAX, BATCH_ROWS, Chunk};
use crate::column::{released_type, width};
use crate::file::{self, FileError, Stamp};
use crate::nest::{with_leaf_types, with_leaves};
use crate::options::TableOptions;
use crate::parquet_pages::{Bounded, Budget, Pages};
use crate::parquet_types::{Stored, StoredAs, stored};
use crate::table_error::{Cause, OpenError, ReadError};
use crate::tree::{Node, Tree};

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
    /// Each column: its name and its type.
    columns: Vec<(String, DataType)>,
    /// How the columns of Parquet lie in the file, which are leaves.
    leaves: Vec<StoredAs>,
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
            let Stored { columns, leaves, schema } =
                stored(metadata.file_metadata().schema_descr(), footer.schema(), options)?;
            let groups = metadata.row_groups().iter();
            let rows = groups.map(|group| u64::try_from(group.num_rows()).unwrap_or(u64::MAX));
            let row_count = rows.fold(0, u64::saturating_add);
            Ok(Self { file, footer, columns, leaves, schema, row_count, stamp })
        })
        .map_err(ParquetError::Footer)
    }

    pub(crate) fn fields(&self) -> Vec<Field> {
        let columns = self.columns.iter();
        columns.map(|(name, data_type)| Field::new(name, data_type.clone(), true)).collect()
    }

    /// Rows as the row groups say.
    pub(crate) fn row_count(&self) -> u64 {
        self.row_count
    }

    /// The state of the file.
    pub(crate) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// The rows, with the values of wanted leaves as far as their type leaves from here at all.
    pub(crate) fn into_batches(self, wanted: &[bool]) -> Result<ParquetBatches, Cause> {
        let (tree, _) = Tree::grow(&Schema::new(self.fields()));
        let Self { file, footer, columns, leaves, schema, row_count, stamp: _ } = self;
        let chosen = Chosen::of(&tree, wanted);
        let mut read = Vec::new();
        let mut row_len = 0_usize;
        for (leaf, place) in chosen.places(&tree) {
            let (Some(field), Some(stored)) = (tree.schema().fields().get(leaf), leaves.get(place))
            else {
                continue;
            };
            let len = width(field.data_type()).max(16);
            let items = if tree.is_repeated(leaf) { items(footer.metadata(), place) } else { 1 };
            row_len = row_len.saturating_add(len.saturating_mul(items));
            read.push(Read {
                root: tree.root_of(leaf).unwrap_or_default(),
                place,
                name: field.name().clone(),
                is_repeated: tree.is_repeated(leaf),
                stored: stored.clone(),
            });
        }
        let batch_rows = (BATCH_LEN_MAX / row_len.max(1)).clamp(1, BATCH_ROWS);

        let budget = Arc::new(Budget::default());
        let pages = Pages::new(file, Arc::clone(footer.metadata()), Arc::clone(&budget));
        let places: Vec<usize> = read.iter().map(|read| read.place).collect();
        let reader = contain(move || {
            let all = parquet_to_arrow_schema(&schema, None)?;
            // WHY views: they share a dictionary's value, which may stand in every row.
            let hint = all.fields().iter().map(|field| {
                let data_type = with_leaf_types(field.data_type(), &mut |leaf| match leaf {
                    DataType::Utf8 => DataType::Utf8View,
                    other => other.clone(),
                });
                Arc::new(field.as_ref().clone().with_data_type(data_type))
            });
            let hint: Fields = hint.collect();
            let mask = ProjectionMask::leaves(&schema, places);
            let levels = parquet_to_arrow_field_levels(&schema, mask, Some(&hint))?;
            Ok(ParquetRecordBatchReader::try_new_with_row_groups(
                &levels, &pages, batch_rows, None,
            )?)
        })?;
        Ok(ParquetBatches {
            reader: Some(Box::new(reader)),
            columns: columns.len(),
            read,
            budget,
            row_count,
            found: 0,
        })
    }
}

/// How many values a row has in a leaf, about, as the row groups say.
fn items(footer: &ParquetMetaData, place: usize) -> usize {
    let (mut rows, mut values) = (0_i64, 0_i64);
    for group in footer.row_groups() {
        rows = rows.saturating_add(group.num_rows());
        let chunk = group.columns().get(place);
        values = values.saturating_add(chunk.map_or(0, ColumnChunkMetaData::num_values));
    }
    usize::try_from(values.checked_div(rows).unwrap_or(0)).unwrap_or(0).saturating_add(1)
}

/// The leaves that are read.
struct Chosen(Vec<bool>);

impl Chosen {
    fn of(tree: &Tree, wanted: &[bool]) -> Self {
        let fields = tree.schema().fields();
        let readable: Vec<bool> =
            fields.iter().map(|field| released_type(field.data_type()).is_some()).collect();
        let both = readable.iter().zip(wanted).map(|(readable, wanted)| *readable && *wanted);
        let mut chosen = Self(both.collect());
        if !chosen.0.contains(&true) {
            // Rows are counted by what is in the file, not by what the footer says.
            let leaves = || readable.iter().enumerate().filter(|(_, readable)| **readable);
            let one =
                leaves().find(|(leaf, _)| !tree.is_repeated(*leaf)).or_else(|| leaves().next());
            if let Some((leaf, _)) = one {
                chosen.add(leaf);
            }
        }
        tree.roots().iter().for_each(|root| chosen.close(root, &readable));
        chosen
    }

    fn add(&mut self, leaf: usize) {
        self.0.resize(self.0.len().max(leaf.saturating_add(1)), false);
        if let Some(slot) = self.0.get_mut(leaf) {
            *slot = true;
        }
    }

    fn has(&self, node: &Node) -> bool {
        let mut has = false;
        node.each(&mut |leaf| has |= self.0.get(leaf) == Some(&true));
        has
    }

    /// Adds what the decoder needs beside: of a map, something of the keys and of the values.
    fn close(&mut self, node: &Node, readable: &[bool]) {
        match node {
            Node::Leaf(_) => {}
            Node::Struct(parts) => parts.iter().for_each(|(_, part)| self.close(part, readable)),
            Node::List(item) => self.close(item, readable),
            Node::Map(key, value) => {
                if self.has(node) {
                    for part in [key, value] {
                        if self.has(part) {
                            continue;
                        }
                        let mut first = None;
                        part.each(&mut |leaf| {
                            if readable.get(leaf) == Some(&true) {
                                first.get_or_insert(leaf);
                            }
                        });
                        if let Some(first) = first {
                            self.add(first);
                        }
                    }
                }
                self.close(key, readable);
                self.close(value, readable);
            }
        }
    }

    /// The leaves, each with its place among the columns of Parquet.
    fn places(&self, tree: &Tree) -> Vec<(usize, usize)> {
        let (mut places, mut place) = (Vec::new(), 0_usize);
        for (leaf, field) in tree.schema().fields().iter().enumerate() {
            if self.0.get(leaf) == Some(&true) {
                places.push((leaf, place));
            }
            // What is not looked into may be several columns of Parquet.
            let mut count = 0_usize;
            with_leaf_types(field.data_type(), &mut |leaf| {
                count = count.saturating_add(1);
                leaf.clone()
            });
            place = place.saturating_add(count);
        }
        places
    }
}

/// A leaf that is read.
struct Read {
    root: usize,
    /// Among the columns of Parquet.
    place: usize,
    name: String,
    is_repeated: bool,
    stored: StoredAs,
}

/// The rows. Ends after the first error.
pub(crate) struct ParquetBatches {
    reader: Option<Box<ParquetRecordBatchReader>>,
    /// How many columns there are.
    columns: usize,
    /// The leaves that are read, in the order of the file.
    read: Vec<Read>,
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
        let mut columns = vec![None; self.columns];
        let of_roots = self.read.chunk_by(|a, b| a.root == b.root);
        for (leaves, array) in of_roots.zip(batch.columns()) {
            let root = leaves.first().map_or(0, |leaf| leaf.root);
            if let Some(slot) = columns.get_mut(root) {
                *slot = Some(self.meant(leaves, array)?);
            }
        }
        self.reader = Some(reader);
        self.found = self.found.saturating_add(batch.num_rows() as u64);
        Ok(Some(Chunk { columns, rows: batch.num_rows() }))
    }

    /// The column with its leaves as they are meant.
    fn meant(&self, leaves: &[Read], array: &ArrayRef) -> Result<ArrayRef, Cause> {
        if leaves.iter().all(|leaf| leaf.stored.is_as_is()) {
            return Ok(Arc::clone(array));
        }
        let mut leaves = leaves.iter();
        with_leaves(array, &mut |values| match leaves.next() {
            Some(leaf) => {
                let Read { name, is_repeated, stored, .. } = leaf;
                stored.convert((name, *is_repeated), Arc::clone(values), self.found)
            }
            None => Err(Panicked.into()),
        })
    }
}
