//! The pages of a Parquet file, each checked before the decoder sees it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Type;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use crate::thrift::{self, Fault};

/// Bytes that a page may have once it is decompressed. Writers aim at one mebibyte; those that put
/// a whole row group in one page stay far below.
const PAGE_MAX: i64 = 256 << 20;

/// Bytes that a page header may have; most have some dozens, and statistics add two values.
const HEADER_MAX: u64 = 1 << 20;

/// The footer's length and `PAR1`, at the end of a file.
const TAIL_LEN: usize = 8;

/// All row groups of a file.
pub(crate) struct Pages {
    file: Arc<Bounded>,
    footer: Arc<ParquetMetaData>,
}

impl Pages {
    pub(crate) fn new(file: Bounded, footer: Arc<ParquetMetaData>) -> Self {
        Self { file: Arc::new(file), footer }
    }
}

impl RowGroups for Pages {
    fn num_rows(&self) -> usize {
        usize::try_from(self.footer.file_metadata().num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        let (file, footer) = (Arc::clone(&self.file), Arc::clone(&self.footer));
        Ok(Box::new(Chunks { file, footer, column, row_group: 0 }))
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
        Ok(Box::new(Checked { pages, width: narrowest(chunk)? }))
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
        let Some(footer) = tail.checked_sub(footer_len.into()).filter(|_| magic == b"PAR1") else {
            return Err(ParquetError::General("the file does not end in a footer".to_owned()));
        };
        let footer = file.get_bytes(footer, usize::try_from(footer_len)?)?;
        // `FileMetaData.schema` is field 2, `SchemaElement.num_children` field 5 (`parquet.thrift`).
        let fits =
            &mut |path: &[i16], value| path != [2, 5] || (0..=footer_len.into()).contains(&value);
        match thrift::walk(&footer, fits) {
            Ok(()) => Ok(Self(file)),
            Err(Fault::Refused(count)) => Err(ParquetError::General(format!(
                "the footer of {footer_len} bytes counts {count} columns in one group"
            ))),
            Err(Fault::Short | Fault::Malformed) => {
                Err(ParquetError::General("the footer is malformed".to_owned()))
            }
        }
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
            Err(Fault::Refused(len)) => Err(ParquetError::General(format!(
                "the page at byte {start} claims {len} bytes; at most {PAGE_MAX} are read"
            ))),
            Err(Fault::Short | Fault::Malformed) => {
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
    thrift::walk(head, &mut |path, value| path != [2] || (0..=PAGE_MAX).contains(&value))
}

/// Pages of one chunk whose dictionary is as long as its header says.
struct Checked {
    pages: SerializedPageReader<Bounded>,
    width: usize,
}

// WHY: parquet 60.1 allocates a dictionary's values by the count in the page's header before it
// reads one, so that a file of 900 bytes asked for 8 GiB.
impl Checked {
    fn check(&self, page: &Page) -> Result<()> {
        let Page::DictionaryPage { buf, num_values, .. } = page else {
            return Ok(());
        };
        let needed = u64::from(*num_values).saturating_mul(self.width as u64);
        if needed > buf.len() as u64 {
            return Err(ParquetError::General(format!(
                "a dictionary of {} bytes cannot hold the {num_values} values that its header counts",
                buf.len()
            )));
        }
        Ok(())
    }
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        if let Some(page) = &page {
            self.check(page)?;
        }
        Ok(page)
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
