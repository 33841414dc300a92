//! Rows in an order of the contract's own.
//!
//! The rows leave sorted by an HMAC of what is released of them, under the contract's key. So the
//! order follows from the key and from the released rows alone: whatever order the table has, the
//! result is the same, and nobody without the key can tell which of two rows came first. Rows that
//! are added, removed or hidden change no other row's place among the rest.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{ArrowError, SchemaRef};

use crate::chunk::{BATCH_LEN_MAX, BATCH_ROWS};
use crate::keyed_hash::KeyedHash;
use crate::pseudonym::PseudonymKeys;
use crate::run_error::RunError;

/// Bytes of rows that are sorted in memory; more are put aside in a temporary file.
pub(crate) const MEMORY_LEN: usize = 32 * 1024 * 1024;

/// Runs that are merged at once. Each has a buffer and a row in memory.
const RUNS: usize = 16;

/// Bytes that are read of a run at once.
const BUFFER_LEN: usize = 64 * 1024;

/// Bytes of the HMAC that rows are sorted by. Equal ones are as good as never seen.
const TAG_LEN: usize = 16;

type Tag = [u8; TAG_LEN];

/// What a row takes besides its bytes: its entry in the list that is sorted.
const ENTRY_LEN: usize = size_of::<Entry>();

#[derive(Clone, Copy)]
struct Entry {
    tag: Tag,
    start: usize,
    end: usize,
}

/// Rows in memory.
#[derive(Default)]
struct Heap {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

impl Heap {
    fn len(&self) -> usize {
        self.bytes.len().saturating_add(self.entries.len().saturating_mul(ENTRY_LEN))
    }

    fn push(&mut self, tag: Tag, row: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(row);
        self.entries.push(Entry { tag, start, end: self.bytes.len() });
    }

    fn row(&self, entry: &Entry) -> &[u8] {
        self.bytes.get(entry.start..entry.end).unwrap_or_default()
    }

    fn sort(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        entries
            .sort_unstable_by(|a, b| a.tag.cmp(&b.tag).then_with(|| self.row(a).cmp(self.row(b))));
        self.entries = entries;
    }
}

/// A sorted part of the temporary file.
#[derive(Clone, Copy)]
struct Run {
    start: u64,
    end: u64,
}

/// Collects rows, and gives them out in the contract's order.
pub(crate) struct Order {
    schema: SchemaRef,
    converter: RowConverter,
    key: KeyedHash,
    heap: Heap,
    memory_len: usize,
    runs: VecDeque<Run>,
    scratch: Option<File>,
}

fn aside(error: io::Error) -> RunError {
    RunError::Scratch(error)
}

impl Order {
    pub(crate) fn new(
        schema: SchemaRef,
        keys: &PseudonymKeys,
        memory_len: usize,
    ) -> Result<Self, ArrowError> {
        let fields = schema.fields().iter();
        let fields = fields.map(|field| SortField::new(field.data_type().clone())).collect();
        Ok(Self {
            converter: RowConverter::new(fields)?,
            schema,
            key: keys.order(),
            heap: Heap::default(),
            memory_len,
            runs: VecDeque::new(),
            scratch: None,
        })
    }

    /// Takes rows that may leave.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), RunError> {
        let rows = self.converter.convert_columns(batch.columns()).map_err(RunError::Assemble)?;
        for row in &rows {
            let bytes = row.data();
            let mut tag = self.key.clone();
            tag.update(bytes);
            let tag = tag.finish().first_chunk().copied().unwrap_or_default();
            self.heap.push(tag, bytes);
        }
        if self.heap.len() >= self.memory_len { self.put_aside() } else { Ok(()) }
    }

    fn scratch(&mut self) -> Result<&mut File, RunError> {
        match &mut self.scratch {
            Some(file) => Ok(file),
            none => Ok(none.insert(tempfile::tempfile().map_err(aside)?)),
        }
    }

    /// Writes the rows in memory, sorted, behind what is in the file.
    fn put_aside(&mut self) -> Result<(), RunError> {
        let mut heap = std::mem::take(&mut self.heap);
        heap.sort();
        let file = self.scratch()?;
        let start = file.seek(SeekFrom::End(0)).map_err(aside)?;
        let mut out = BufWriter::with_capacity(BUFFER_LEN, &mut *file);
        for entry in &heap.entries {
            write_row(&mut out, &entry.tag, heap.row(entry)).map_err(aside)?;
        }
        out.flush().map_err(aside)?;
        drop(out);
        let end = file.stream_position().map_err(aside)?;
        self.runs.push_back(Run { start, end });
        // WHY: the memory stays for the next rows.
        heap.bytes.clear();
        heap.entries.clear();
        self.heap = heap;
        Ok(())
    }

    /// All rows are there: gives them out.
    pub(crate) fn finish(mut self) -> Result<Ordered, RunError> {
        let source = if self.runs.is_empty() {
            self.heap.sort();
            Sorted::Memory(std::mem::take(&mut self.heap), 0)
        } else {
            self.put_aside()?;
            self.heap = Heap::default();
            Sorted::File(self.merge_down()?)
        };
        Ok(Ordered { schema: self.schema, converter: self.converter, source, next: None })
    }

    /// Merges until few enough runs are left to be merged while they leave.
    fn merge_down(&mut self) -> Result<Merge, RunError> {
        let file = self.scratch.take();
        let mut file = file.ok_or_else(|| aside(io::ErrorKind::NotFound.into()))?;
        while self.runs.len() > RUNS {
            let some: Vec<Run> = self.runs.drain(..RUNS).collect();
            let start = file.seek(SeekFrom::End(0)).map_err(aside)?;
            let mut merge = Merge::new(file.try_clone().map_err(aside)?, &some)?;
            let mut end = start;
            let mut block = Vec::with_capacity(BUFFER_LEN);
            loop {
                let row = merge.next()?;
                if let Some((tag, row)) = &row {
                    write_row(&mut block, tag, row).map_err(aside)?;
                }
                if block.len() >= BUFFER_LEN || row.is_none() {
                    // The readers share the position.
                    file.seek(SeekFrom::Start(end)).map_err(aside)?;
                    file.write_all(&block).map_err(aside)?;
                    end = end.saturating_add(block.len() as u64);
                    block.clear();
                }
                if row.is_none() {
                    break;
                }
            }
            self.runs.push_back(Run { start, end });
        }
        let runs: Vec<Run> = self.runs.drain(..).collect();
        Merge::new(file, &runs)
    }
}

fn write_row(out: &mut impl Write, tag: &Tag, row: &[u8]) -> io::Result<()> {
    let len = u32::try_from(row.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    out.write_all(tag)?;
    out.write_all(&len.to_be_bytes())?;
    out.write_all(row)
}

/// One run as it is read.
struct Reader {
    /// What is not read yet.
    run: Run,
    buffer: io::Cursor<Vec<u8>>,
}

impl Reader {
    fn new(run: Run) -> Self {
        Self { run, buffer: io::Cursor::default() }
    }

    fn take(&mut self, file: &mut File, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        let have = self.buffer.read(&mut bytes)?;
        if let Some(rest) = bytes.get_mut(have..).filter(|rest| !rest.is_empty()) {
            let left = usize::try_from(self.run.end.saturating_sub(self.run.start));
            let mut next = vec![0; left.unwrap_or(usize::MAX).min(rest.len().max(BUFFER_LEN))];
            // Others read the same file.
            file.seek(SeekFrom::Start(self.run.start))?;
            file.read_exact(&mut next)?;
            self.run.start = self.run.start.saturating_add(next.len() as u64);
            self.buffer = io::Cursor::new(next);
            self.buffer.read_exact(rest)?;
        }
        Ok(bytes)
    }

    fn next(&mut self, file: &mut File) -> io::Result<Option<(Tag, Vec<u8>)>> {
        let buffered = self.buffer.get_ref().len() as u64 > self.buffer.position();
        if !buffered && self.run.start >= self.run.end {
            return Ok(None);
        }
        let tag = self.take(file, TAG_LEN)?.first_chunk().copied().unwrap_or_default();
        let len = self.take(file, 4)?.first_chunk().copied().unwrap_or_default();
        let len = usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX);
        Ok(Some((tag, self.take(file, len)?)))
    }
}

/// Several runs as one.
struct Merge {
    file: File,
    readers: Vec<Reader>,
    first: BinaryHeap<Reverse<(Tag, Vec<u8>, usize)>>,
}

impl Merge {
    fn new(mut file: File, runs: &[Run]) -> Result<Self, RunError> {
        let mut readers: Vec<Reader> = runs.iter().map(|run| Reader::new(*run)).collect();
        let mut first = BinaryHeap::new();
        for (index, reader) in readers.iter_mut().enumerate() {
            if let Some((tag, row)) = reader.next(&mut file).map_err(aside)? {
                first.push(Reverse((tag, row, index)));
            }
        }
        Ok(Self { file, readers, first })
    }

    fn next(&mut self) -> Result<Option<(Tag, Vec<u8>)>, RunError> {
        let Some(Reverse((tag, row, index))) = self.first.pop() else { return Ok(None) };
        if let Some(reader) = self.readers.get_mut(index)
            && let Some((tag, row)) = reader.next(&mut self.file).map_err(aside)?
        {
            self.first.push(Reverse((tag, row, index)));
        }
        Ok(Some((tag, row)))
    }
}

enum Sorted {
    Memory(Heap, usize),
    File(Merge),
}

impl Sorted {
    fn next(&mut self) -> Result<Option<Vec<u8>>, RunError> {
        match self {
            Self::Memory(heap, next) => {
                let row = heap.entries.get(*next).map(|entry| heap.row(entry).to_vec());
                *next += 1;
                Ok(row)
            }
            Self::File(merge) => Ok(merge.next()?.map(|(_, row)| row)),
        }
    }
}

/// The rows in the contract's order, in batches of at most [`BATCH_ROWS`] rows and
/// [`BATCH_LEN_MAX`] bytes.
pub(crate) struct Ordered {
    schema: SchemaRef,
    converter: RowConverter,
    source: Sorted,
    /// The row that did not fit the batch before.
    next: Option<Vec<u8>>,
}

impl Ordered {
    pub(crate) fn read(&mut self) -> Result<Option<RecordBatch>, RunError> {
        let (mut rows, mut len) = (Vec::new(), 0_usize);
        while rows.len() < BATCH_ROWS {
            let Some(row) = self.next.take().map_or_else(|| self.source.next(), |r| Ok(Some(r)))?
            else {
                break;
            };
            len = len.saturating_add(row.len());
            if len > BATCH_LEN_MAX && !rows.is_empty() {
                self.next = Some(row);
                break;
            }
            rows.push(row);
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let parser = self.converter.parser();
        let parsed = rows.iter().map(|row| parser.parse(row));
        let columns = self.converter.convert_rows(parsed).map_err(RunError::Assemble)?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map(Some)
            .map_err(RunError::Assemble)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};
    use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};

    use super::*;
    use crate::product::Recipient;

    fn rows(from: i64, to: i64) -> RecordBatch {
        let numbers: Int64Array = (from..to).map(|n| (n % 7 != 0).then_some(n / 2)).collect();
        let texts: StringArray =
            (from..to).map(|n| (n % 5 != 0).then(|| format!("row {}", n / 3))).collect();
        let columns: [(&str, ArrayRef); 2] = [("n", Arc::new(numbers)), ("t", Arc::new(texts))];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    struct Fives;

    impl Secrets for Fives {
        fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
            Ok(Zeroizing::new([5; 32]))
        }
    }

    fn ordered(batches: &[RecordBatch], memory_len: usize) -> Vec<RecordBatch> {
        let recipient = Recipient { contract: b"contract", consumer: "did:key:z6Mk" };
        let keys = PseudonymKeys::derive(&Fives, recipient, std::iter::empty()).unwrap();
        let mut order = Order::new(batches[0].schema(), &keys, memory_len).unwrap();
        for batch in batches {
            order.push(batch).unwrap();
        }
        let mut ordered = order.finish().unwrap();
        std::iter::from_fn(|| ordered.read().unwrap()).collect()
    }

    #[test]
    fn what_is_put_aside_comes_back_in_the_same_order() {
        let all = [rows(0, 6000)];
        let parts: Vec<_> = (0..300).map(|part| rows(part * 20, part * 20 + 20)).collect();
        let expected = ordered(&all, MEMORY_LEN);
        assert_eq!(expected.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [4096, 1904]);
        // 300 runs of 20 rows, merged in rounds; about 6 runs; one run.
        for memory_len in [1, 64 * 1024, MEMORY_LEN] {
            assert_eq!(ordered(&parts, memory_len), expected);
        }
        let backwards: Vec<_> = parts.into_iter().rev().collect();
        assert_eq!(ordered(&backwards, 1), expected);
    }

    #[test]
    fn long_rows_end_a_batch_early() {
        let text = "x".repeat(5 << 20);
        let texts: ArrayRef = Arc::new(StringArray::from(vec![text.as_str(); 5]));
        let batch = RecordBatch::try_from_iter([("t", texts)]).unwrap();
        for memory_len in [1, MEMORY_LEN] {
            let lens: Vec<_> = ordered(std::slice::from_ref(&batch), memory_len)
                .iter()
                .map(RecordBatch::num_rows)
                .collect();
            assert_eq!(lens, [3, 2]);
        }
    }
}
