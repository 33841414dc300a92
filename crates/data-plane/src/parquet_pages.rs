//! The pages of a Parquet file, each checked before the decoder sees it.

use std::fs::File;
use std::sync::Arc;

use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Type;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

/// All row groups of a file.
pub(crate) struct Pages {
    pub(crate) file: Arc<File>,
    pub(crate) footer: Arc<ParquetMetaData>,
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
    file: Arc<File>,
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

/// Pages of one chunk whose dictionary is as long as its header says.
struct Checked {
    pages: SerializedPageReader<File>,
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
