//! The pages of a Parquet file, each checked before the decoder sees it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Type;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::render::escape;
use crate::thrift::{self, BINARY, Fault, I32, I64, LIST, STRUCT, Seen};

/// Bytes that a page may have once it is decompressed. Writers aim at one mebibyte; those that put
/// a whole row group in one page stay below.
const PAGE_MAX: i64 = 64 << 20;

/// Bytes that the pages of all columns that are read may have at once.
const PAGES_MAX: usize = 512 << 20;

/// Bytes that a footer may have; in memory it becomes ten times as long.
const FOOTER_MAX: u32 = 16 << 20;

/// Bytes that a page header may have; most have some dozens, and statistics add two values.
const HEADER_MAX: u64 = 1 << 20;

/// The footer's length and `PAR1`, at the end of a file.
const TAIL_LEN: usize = 8;

/// Values that the pages of lists may have at once: most take some bytes, but a missing one takes none.
const VALUES_MAX: usize = 32 << 20;

/// How deep groups may lie in each other; a list and a map take two.
const GROUPS_DEPTH_MAX: usize = 32;

/// Counts the bytes of the pages in memory, of all columns together, and the values of lists.
// WHY: a few bytes may decompress to a page, and a file may have thousands of columns. A row may have
// any number of values in a list, and all of them are decoded at once.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    bytes: Count,
    values: Count,
}

#[derive(Debug, Default)]
struct Count {
    /// Of the present pages and dictionaries of all columns.
    present: AtomicUsize,
    /// Of pages that were present in this step: arrays may still share their memory.
    gone: AtomicUsize,
}

impl Count {
    fn exchange(&self, old: &mut usize, new: usize) -> usize {
        let leaving = std::mem::replace(old, new);
        self.present.fetch_add(new, Relaxed);
        self.leave(leaving);
        self.present.load(Relaxed).saturating_add(self.gone.load(Relaxed))
    }

    fn leave(&self, leaving: usize) {
        self.present.fetch_sub(leaving, Relaxed);
        self.gone.fetch_add(leaving, Relaxed);
    }
}

impl Budget {
    /// A new step: the arrays of the last one are built.
    pub(crate) fn begin(&self) {
        self.bytes.gone.store(0, Relaxed);
        self.values.gone.store(0, Relaxed);
    }

    fn exchange(&self, old: &mut usize, new: usize) -> Result<()> {
        if self.bytes.exchange(old, new) > PAGES_MAX {
            return Err(ParquetError::General(format!(
                "the pages of all columns take more than {PAGES_MAX} bytes at once; \
                 write the file with smaller pages"
            )));
        }
        Ok(())
    }

    fn exchange_values(&self, old: &mut usize, new: usize) -> Result<()> {
        if self.values.exchange(old, new) > VALUES_MAX {
            return Err(ParquetError::General(format!(
                "the pages of all lists have more than {VALUES_MAX} values at once; \
                 write the file with smaller pages"
            )));
        }
        Ok(())
    }
}

/// All row groups of a file.
pub(crate) struct Pages {
    file: Arc<Bounded>,
    footer: Arc<ParquetMetaData>,
    budget: Arc<Budget>,
}

impl Pages {
    pub(crate) fn new(file: Bounded, footer: Arc<ParquetMetaData>, budget: Arc<Budget>) -> Self {
        Self { file: Arc::new(file), footer, budget }
    }
}

impl RowGroups for Pages {
    fn num_rows(&self) -> usize {
        // WHY: not the file's own number, which may be another.
        let groups = self.footer.row_groups().iter();
        let rows = groups.map(|group| usize::try_from(group.num_rows()).unwrap_or(0));
        rows.fold(0, usize::saturating_add)
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let (file, footer) = (Arc::clone(&self.file), Arc::clone(&self.footer));
        let budget = Arc::clone(&self.budget);
        Ok(Box::new(Chunks { file, footer, budget, column, row_group: 0 }))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.footer.row_groups().iter())
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.footer
    }
}

/// One column's chunks, row group after row group.
struct Chunks {
    file: Arc<Bounded>,
    footer: Arc<ParquetMetaData>,
    budget: Arc<Budget>,
    column: usize,
    row_group: usize,
}

impl PageIterator for Chunks {}

impl Iterator for Chunks {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.footer.row_groups().get(self.row_group)?;
        self.row_group += 1;
        Some(self.chunk(group))
    }
}

impl Chunks {
    fn chunk(&self, group: &RowGroupMetaData) -> Result<Box<dyn PageReader>> {
        let Some(chunk) = group.columns().get(self.column) else {
            return Err(ParquetError::General("a row group lacks a column".to_owned()));
        };
        let row_count = usize::try_from(group.num_rows())?;
        let file = Arc::clone(&self.file);
        let pages = SerializedPageReader::new(file, chunk, row_count, None)?;
        let name = escape(&chunk.column_path().string());
        Ok(Box::new(Checked {
            pages,
            name,
            width: narrowest(chunk)?,
            is_repeated: chunk.column_descr().max_rep_level() > 0,
            budget: Arc::clone(&self.budget),
            dictionary: 0,
            page: 0,
            values: 0,
        }))
    }
}

/// Bytes that one value of a column takes at least in a PLAIN page (Parquet, Encodings).
fn narrowest(chunk: &ColumnChunkMetaData) -> Result<usize> {
    Ok(match chunk.column_type() {
        // Never dictionary-encoded: eight to the byte.
        Type::BOOLEAN => 1,
        // A byte array has its length before it.
        Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 4,
        Type::INT64 | Type::DOUBLE => 8,
        Type::INT96 => 12,
        Type::FIXED_LEN_BYTE_ARRAY => usize::try_from(chunk.column_descr().type_length())?.max(1),
    })
}

/// A file whose footer and page headers are looked over before the decoder sees them.
// WHY: parquet 60.1 allocates by the sizes in them, up to 16 GiB at once, before it looks whether
// the file has as much, or decompresses to as much.
pub(crate) struct Bounded(File);

impl Bounded {
    /// The file as it is, for its footer.
    pub(crate) fn file(&self) -> &File {
        &self.0
    }

    /// Refuses a footer that counts more columns than it has bytes.
    pub(crate) fn new(file: File) -> Result<Self> {
        let len = file.len();
        let Some(tail) = len.checked_sub(TAIL_LEN as u64) else {
            return Err(ParquetError::EOF(format!("{len} bytes are no Parquet file")));
        };
        let tail_bytes = file.get_bytes(tail, TAIL_LEN)?;
        let &[a, b, c, d, ref magic @ ..] = &tail_bytes[..] else {
            return Err(ParquetError::EOF("the end of the file".to_owned()));
        };
        let footer_len = u32::from_le_bytes([a, b, c, d]);
        if footer_len > FOOTER_MAX {
            return Err(ParquetError::General(format!(
                "a footer of {footer_len} bytes; at most {FOOTER_MAX} are read"
            )));
        }
        let Some(footer) = tail.checked_sub(footer_len.into()).filter(|_| magic == b"PAR1") else {
            return Err(ParquetError::General("the file does not end in a footer".to_owned()));
        };
        let footer = file.get_bytes(footer, usize::try_from(footer_len)?)?;
        // `FileMetaData.schema` is field 2, `SchemaElement.num_children` field 5 (`parquet.thrift`).
        let mut groups = Groups::default();
        let fits = &mut |path: &[i16], seen| match (path, seen) {
            ([2, 5], Seen::Integer(count)) => {
                groups.children = groups.children.max(count);
                (0..=footer_len.into()).contains(&count)
            }
            ([2], Seen::End) => groups.end(),
            (path, Seen::Field(kind)) => is_of_footer(path, kind),
            ([2], Seen::Items(kind)) => kind == STRUCT,
            _ => true,
        };
        match thrift::walk(&footer, fits) {
            Ok(()) => Ok(Self(file)),
            Err(Fault::Refused(Seen::Integer(count))) => Err(ParquetError::General(format!(
                "the footer of {footer_len} bytes counts {count} columns in one group"
            ))),
            Err(Fault::Refused(Seen::Field(_) | Seen::Items(_))) => {
                Err(ParquetError::General("a field of the footer has another type".to_owned()))
            }
            Err(Fault::Refused(Seen::End)) => Err(ParquetError::General(format!(
                "more than {GROUPS_DEPTH_MAX} groups of columns lie in each other"
            ))),
            Err(Fault::Short | Fault::Malformed) => {
                Err(ParquetError::General("the footer is malformed".to_owned()))
            }
        }
    }
}

/// Returns true if a field of the footer, up to the list of its columns, is of this kind in `parquet.thrift`.
// WHY: the decoder reads fields as what they ought to be. What was skipped here as a text would be
// a number to it.
fn is_of_footer(path: &[i16], kind: u8) -> bool {
    match path {
        // Of one number of `FileMetaData`, of two of `SchemaElement`.
        [1] | [2, 1 | 2 | 3 | 5..=9] => kind == I32,
        [2 | 4 | 5 | 7] => kind == LIST,
        [3] => kind == I64,
        [6 | 9] | [2, 4] => kind == BINARY,
        [8] | [2, 10] => kind == STRUCT,
        _ => true,
    }
}

/// Returns true if a field of a page's header is of this kind in `parquet.thrift`.
fn is_of_page(path: &[i16], kind: u8) -> bool {
    match path {
        // `PageHeader`.
        [1..=4] => kind == I32,
        [5..=8] => kind == STRUCT,
        _ => true,
    }
}

/// The groups of a footer that are not at their end.
// WHY: the decoder goes down by recursion, and runs out of stack in a footer of 100 kB.
#[derive(Default)]
struct Groups {
    /// Of the element that is read.
    children: i64,
    /// How many children are still to come.
    open: Vec<i64>,
}

impl Groups {
    /// An element ends; false if it lies too deep.
    fn end(&mut self) -> bool {
        if let Some(last) = self.open.last_mut() {
            *last -= 1;
        }
        let children = std::mem::take(&mut self.children);
        if children > 0 {
            self.open.push(children);
        }
        while self.open.last() == Some(&0) {
            self.open.pop();
        }
        self.open.len() <= GROUPS_DEPTH_MAX
    }
}

impl Length for Bounded {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Bounded {
    type T = BufReader<File>;

    /// Called for the headers of pages, and for nothing else.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut read = self.0.get_read(start)?;
        let mut seen = page_header(read.fill_buf()?);
        if matches!(seen, Err(Fault::Short)) {
            // Statistics can make it longer than what a reader has at hand.
            let len = self.len().saturating_sub(start).min(HEADER_MAX);
            seen = page_header(&self.0.get_bytes(start, usize::try_from(len)?)?);
            read = self.0.get_read(start)?;
        }
        match seen {
            Ok(()) => Ok(read),
            Err(Fault::Refused(Seen::Integer(len))) => Err(ParquetError::General(format!(
                "the page at byte {start} claims {len} bytes; at most {PAGE_MAX} are read"
            ))),
            Err(Fault::Short | Fault::Malformed | Fault::Refused(_)) => {
                Err(ParquetError::General(format!("no page header at byte {start}")))
            }
        }
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.len()) {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at byte {start} are past the end of the file"
            )));
        }
        self.0.get_bytes(start, length)
    }
}

fn page_header(head: &[u8]) -> Result<(), Fault> {
    // `PageHeader.uncompressed_page_size` is field 2 (`parquet.thrift`).
    thrift::walk(head, &mut |path, seen| match (path, seen) {
        ([2], Seen::Integer(len)) => (0..=PAGE_MAX).contains(&len),
        (path, Seen::Field(kind)) => is_of_page(path, kind),
        _ => true,
    })
}

/// Pages of one chunk whose dictionary is as long as its header says.
struct Checked {
    pages: SerializedPageReader<Bounded>,
    /// The column's, for errors.
    name: String,
    width: usize,
    is_repeated: bool,
    budget: Arc<Budget>,
    /// Bytes of the present ones.
    dictionary: usize,
    page: usize,
    /// Values of the present page, if they are those of lists.
    values: usize,
}

impl Checked {
    // WHY: parquet 60.1 allocates a dictionary's values by the count in the page's header before
    // it reads one, so that a file of 900 bytes asked for 8 GiB.
    fn check(&self, values: &[u8], count: u32) -> Result<()> {
        let needed = u64::from(count).saturating_mul(self.width as u64);
        if needed > values.len() as u64 {
            return Err(ParquetError::General(format!(
                "a dictionary of {} bytes cannot hold the {count} values that its header counts",
                values.len()
            )));
        }
        Ok(())
    }

    fn next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        match &page {
            Some(Page::DictionaryPage { buf, num_values, .. }) => {
                self.check(buf, *num_values)?;
                self.budget.exchange(&mut self.dictionary, buf.len())?;
            }
            Some(page) => {
                self.budget.exchange(&mut self.page, page.buffer().len())?;
                if self.is_repeated {
                    let values = usize::try_from(page.num_values())?;
                    self.budget.exchange_values(&mut self.values, values)?;
                }
            }
            None => {}
        }
        Ok(page)
    }
}

impl Drop for Checked {
    fn drop(&mut self) {
        self.budget.bytes.leave(self.dictionary);
        self.budget.bytes.leave(self.page);
        self.budget.values.leave(self.values);
    }
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.next_page();
        page.map_err(|error| match error {
            ParquetError::General(text) => {
                ParquetError::General(format!("column `{}`: {text}", self.name))
            }
            ParquetError::EOF(text) => ParquetError::EOF(format!("column `{}`: {text}", self.name)),
            other => other,
        })
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

impl Iterator for Checked {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
