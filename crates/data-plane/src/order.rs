//! Rows in an order of the contract's own.
//!
//! The rows leave sorted by an HMAC of what is released of them, under the contract's key. So the
//! order follows from the key and from the released rows alone: whatever order the table has, the
//! result is the same, and nobody without the key can tell which of two rows came first. Rows that
//! are added, removed or hidden change no other row's place among the rest.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::ops::Range;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{ArrowError, SchemaRef};

use crate::chunk::{BATCH_LEN_MAX, BATCH_ROWS};
use crate::keyed_hash::KeyedHash;
use crate::pseudonym::PseudonymKeys;
use crate::run_error::RunError;
use crate::subjects::{SubjectId, split, with_marks};

/// Bytes of rows that are sorted in memory; more are put aside in a temporary file.
pub(crate) const MEMORY_LEN: usize = 32 * 1024 * 1024;

/// Runs that are merged at once. Each has a buffer and a row in memory.
const RUNS: usize = 16;

/// Bytes that are read of a run at once.
const BUFFER_LEN: usize = 64 * 1024;

/// The beginning of the HMAC that rows are sorted by. Of different rows, equal ones are as good as never seen.
type Tag = u128;

/// What stands before a row in the file: its tag, and how long it is.
const HEAD_LEN: usize = size_of::<Tag>() + size_of::<u32>();

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

    fn push(&mut self, tag: Tag, row: &[u8], mark: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(row);
        self.bytes.extend_from_slice(mark);
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
    /// Of what leaves.
    schema: SchemaRef,
    converter: RowConverter,
    /// The rows have marks behind, which do not leave.
    carries: bool,
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
    /// `schema` is that of what leaves; if the rows carry marks, those come behind it.
    pub(crate) fn new(
        (schema, carries): (SchemaRef, bool),
        keys: &PseudonymKeys,
        memory_len: usize,
    ) -> Result<Self, ArrowError> {
        let fields = schema.fields().iter();
        let fields = fields.map(|field| SortField::new(field.data_type().clone())).collect();
        Ok(Self {
            converter: RowConverter::new(fields)?,
            schema,
            carries,
            key: keys.order(),
            heap: Heap::default(),
            memory_len,
            runs: VecDeque::new(),
            scratch: None,
        })
    }

    /// Takes rows that may leave.
    pub(crate) fn push(&mut self, batch: &RecordBatch) -> Result<(), RunError> {
        let (batch, marks) = if self.carries { split(batch)? } else { (batch.clone(), Vec::new()) };
        let rows = self.converter.convert_columns(batch.columns()).map_err(RunError::Assemble)?;
        for (place, row) in rows.iter().enumerate() {
            let bytes = row.data();
            // WHY without the mark: it does not leave, and must not show in the order.
            let mut tag = self.key.clone();
            tag.update(bytes);
            let tag = tag.finish().first_chunk().copied().map_or(0, Tag::from_be_bytes);
            self.heap.push(tag, bytes, marks.get(place).map_or(&[], |mark| mark.as_slice()));
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
            write_row(&mut out, entry.tag, heap.row(entry)).map_err(aside)?;
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
        let Self { schema, converter, carries, .. } = self;
        Ok(Ordered { schema, converter, carries, source })
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
                let row = merge.first();
                let is_end = row.is_none();
                if let Some((tag, row)) = row {
                    write_row(&mut block, tag, row).map_err(aside)?;
                    merge.step()?;
                }
                if block.len() >= BUFFER_LEN || is_end {
                    // The readers share the position.
                    file.seek(SeekFrom::Start(end)).map_err(aside)?;
                    file.write_all(&block).map_err(aside)?;
                    end = end.saturating_add(block.len() as u64);
                    block.clear();
                }
                if is_end {
                    break;
                }
            }
            self.runs.push_back(Run { start, end });
        }
        let runs: Vec<Run> = self.runs.drain(..).collect();
        Merge::new(file, &runs)
    }
}

fn write_row(out: &mut impl Write, tag: Tag, row: &[u8]) -> io::Result<()> {
    let len = u32::try_from(row.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    out.write_all(&tag.to_be_bytes())?;
    out.write_all(&len.to_be_bytes())?;
    out.write_all(row)
}

/// One run as it is read.
struct Reader {
    /// What is not read yet.
    run: Run,
    buffer: Vec<u8>,
    /// The tag of the row that comes next, and where that stands in the buffer.
    tag: Tag,
    row: Range<usize>,
}

impl Reader {
    fn new(run: Run) -> Self {
        Self { run, buffer: Vec::new(), tag: 0, row: 0..0 }
    }

    fn row(&self) -> &[u8] {
        self.buffer.get(self.row.clone()).unwrap_or_default()
    }

    /// Goes on to the next row; returns false if there is none.
    fn step(&mut self, file: &mut File) -> io::Result<bool> {
        let start = self.row.end;
        if start >= self.buffer.len() && self.run.start >= self.run.end {
            return Ok(false);
        }
        let head = self.have(start, HEAD_LEN, file)?;
        let found = self.buffer.get(head.clone()).and_then(|head| head.split_first_chunk());
        let (tag, len) = found.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.tag = Tag::from_be_bytes(*tag);
        let len = len.first_chunk().copied().map_or(0, u32::from_be_bytes);
        self.row = self.have(head.end, usize::try_from(len).unwrap_or(usize::MAX), file)?;
        Ok(true)
    }

    /// Where the buffer has `len` bytes that stood from `start` on; reads what is missing.
    fn have(&mut self, start: usize, len: usize, file: &mut File) -> io::Result<Range<usize>> {
        let end = start.saturating_add(len);
        if end <= self.buffer.len() {
            return Ok(start..end);
        }
        self.buffer.drain(..start);
        let had = self.buffer.len();
        let left = usize::try_from(self.run.end.saturating_sub(self.run.start));
        let more = left.unwrap_or(usize::MAX).min((len - had).max(BUFFER_LEN));
        if had + more < len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.buffer.resize(had + more, 0);
        // Others read the same file.
        file.seek(SeekFrom::Start(self.run.start))?;
        file.read_exact(self.buffer.get_mut(had..).unwrap_or_default())?;
        self.run.start = self.run.start.saturating_add(more as u64);
        Ok(0..len)
    }
}

/// Several runs as one.
struct Merge {
    file: File,
    /// Those that have a row.
    readers: Vec<Reader>,
    /// Which of them has the first one.
    first: usize,
}

impl Merge {
    fn new(mut file: File, runs: &[Run]) -> Result<Self, RunError> {
        let mut readers = Vec::with_capacity(runs.len());
        for run in runs {
            let mut reader = Reader::new(*run);
            if reader.step(&mut file).map_err(aside)? {
                readers.push(reader);
            }
        }
        let mut merge = Self { file, readers, first: 0 };
        merge.find();
        Ok(merge)
    }

    // They are few: to look at each is faster than to keep a heap.
    fn find(&mut self) {
        let readers = self.readers.iter().enumerate();
        let first =
            readers.min_by(|(_, a), (_, b)| a.tag.cmp(&b.tag).then_with(|| a.row().cmp(b.row())));
        self.first = first.map_or(0, |(place, _)| place);
    }

    fn first(&self) -> Option<(Tag, &[u8])> {
        self.readers.get(self.first).map(|reader| (reader.tag, reader.row()))
    }

    fn step(&mut self) -> Result<(), RunError> {
        if let Some(reader) = self.readers.get_mut(self.first)
            && !reader.step(&mut self.file).map_err(aside)?
        {
            self.readers.swap_remove(self.first);
        }
        self.find();
        Ok(())
    }
}

enum Sorted {
    Memory(Heap, usize),
    File(Merge),
}

impl Sorted {
    fn first(&self) -> Option<&[u8]> {
        match self {
            Self::Memory(heap, next) => heap.entries.get(*next).map(|entry| heap.row(entry)),
            Self::File(merge) => merge.first().map(|(_, row)| row),
        }
    }

    fn step(&mut self) -> Result<(), RunError> {
        match self {
            Self::Memory(_, next) => {
                *next += 1;
                Ok(())
            }
            Self::File(merge) => merge.step(),
        }
    }
}

/// The rows in the contract's order, in batches of at most [`BATCH_ROWS`] rows and
/// [`BATCH_LEN_MAX`] bytes.
pub(crate) struct Ordered {
    schema: SchemaRef,
    converter: RowConverter,
    carries: bool,
    source: Sorted,
}

impl Ordered {
    pub(crate) fn read(&mut self) -> Result<Option<RecordBatch>, RunError> {
        let mark_len = if self.carries { size_of::<SubjectId>() } else { 0 };
        let (mut bytes, mut ends, mut marks) = (Vec::new(), Vec::new(), Vec::new());
        while ends.len() < BATCH_ROWS
            && let Some(row) = self.source.first()
        {
            if bytes.len().saturating_add(row.len()) > BATCH_LEN_MAX && !ends.is_empty() {
                break;
            }
            let (row, mark) = row.split_at(row.len().saturating_sub(mark_len));
            bytes.extend_from_slice(row);
            ends.push(bytes.len());
            marks.extend(mark.first_chunk().copied());
            self.source.step()?;
        }
        if ends.is_empty() {
            return Ok(None);
        }
        let starts = std::iter::once(&0).chain(&ends);
        let parser = self.converter.parser();
        let rows = starts.zip(&ends).filter_map(|(start, end)| bytes.get(*start..*end));
        let parsed = rows.map(|row| parser.parse(row));
        let columns = self.converter.convert_rows(parsed).map_err(RunError::Assemble)?;
        let options = RecordBatchOptions::new().with_row_count(Some(ends.len()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)
            .map_err(RunError::Assemble)?;
        if self.carries { with_marks(&batch, &marks).map(Some) } else { Ok(Some(batch)) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{Array as _, ArrayRef, Int64Array, StringArray};
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
        let mut order = Order::new((batches[0].schema(), false), &keys, memory_len).unwrap();
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
    fn marks_stay_with_their_rows_and_change_no_order() {
        let recipient = Recipient { contract: b"contract", consumer: "did:key:z6Mk" };
        let keys = PseudonymKeys::derive(&Fives, recipient, std::iter::empty()).unwrap();
        let plain = ordered(&[rows(0, 3000)], MEMORY_LEN);
        let of = |batch: &RecordBatch, row: usize| {
            let number = batch.column(0).as_primitive_opt::<Int64Type>().unwrap();
            let number = if number.is_valid(row) { number.value(row) } else { -1 };
            i128::from(number).to_be_bytes()
        };
        for memory_len in [1, MEMORY_LEN] {
            let mut order = Order::new((plain[0].schema(), true), &keys, memory_len).unwrap();
            for part in 0..30 {
                let batch = rows(part * 100, part * 100 + 100);
                let marks: Vec<SubjectId> =
                    (0..batch.num_rows()).map(|row| of(&batch, row)).collect();
                order.push(&with_marks(&batch, &marks).unwrap()).unwrap();
            }
            let mut ordered = order.finish().unwrap();
            let (out, marks) = split(&ordered.read().unwrap().unwrap()).unwrap();
            assert_eq!(out, plain[0]);
            assert!((0..3000).all(|row| marks[row] == of(&out, row)));
            assert!(ordered.read().unwrap().is_none());
        }
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
