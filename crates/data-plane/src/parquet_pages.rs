//! The pages of a Parquet file, each checked before the decoder sees it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Type;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

/// Bytes that a page may have once it is decompressed. Writers aim at one mebibyte; those that put
/// a whole row group in one page stay far below.
const PAGE_MAX: i64 = 256 << 20;

/// All row groups of a file.
pub(crate) struct Pages {
    file: Arc<Bounded>,
    footer: Arc<ParquetMetaData>,
}

impl Pages {
    pub(crate) fn new(file: File, footer: Arc<ParquetMetaData>) -> Self {
        Self { file: Arc::new(Bounded(file)), footer }
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

/// A file that hands out no page header which claims too much, and no bytes that it has not.
// WHY: parquet 60.1 allocates a page by the sizes in its header, up to 2 GiB for each, before it
// looks whether the file has as much, or decompresses to as much.
struct Bounded(File);

impl Length for Bounded {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Bounded {
    type T = Header;

    /// Called for the headers of pages, and for nothing else.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut read = self.0.get_read(start)?;
        match decompressed_len(read.fill_buf()?) {
            Some(0..=PAGE_MAX) => Ok(Header(read)),
            Some(len) => Err(ParquetError::General(format!(
                "the page at byte {start} claims {len} bytes; at most {PAGE_MAX} are read"
            ))),
            None => Err(ParquetError::General(format!("no page header at byte {start}"))),
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

/// A page header to read, whose end of file is an error.
// WHY: parquet 60.1 skips fields that it does not know without a look at how much it skipped, so
// that a list of two milliards of bytes in a file of 500 kept it at the end of the file for minutes.
struct Header(BufReader<File>);

impl Read for Header {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.0.read(bytes)? {
            0 if !bytes.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
            len => Ok(len),
        }
    }
}

/// `uncompressed_page_size` of a page header: the second field of `PageHeader`, an `i32` as the
/// first (Parquet, `parquet.thrift`; Thrift compact protocol, where fields follow in order).
fn decompressed_len(head: &[u8]) -> Option<i64> {
    const NEXT_FIELD_I32: u8 = 0x15;
    let (_page_type, head) = varint(head.strip_prefix(&[NEXT_FIELD_I32])?)?;
    let (len, _) = varint(head.strip_prefix(&[NEXT_FIELD_I32])?)?;
    Some(len)
}

/// A zigzag variable-length integer of 32 bits, and what follows it.
fn varint(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut value = 0_i64;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        value |= i64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some(((value >> 1) ^ -(value & 1), bytes.get(at + 1..)?));
        }
    }
    None
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
