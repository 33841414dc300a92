use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::thread;

use dataspace_primitives::Digest;
use dataspace_tlog::{record::EncodedRecord, tree::leaf_hash};

use crate::append::error::{AppendError, BATCH_LEN_MAX};
use crate::medium::hashes::push_offset;
use crate::medium::segment::{
    GROUP_HEADER_LEN, RECORD_PREFIX_LEN, SegmentHeader, frame_group, push_record, records,
};

/// Bytes from which on a batch is large: worth writing for itself, and not worth copying.
pub(crate) const LARGE: usize = 256 << 10;

/// Records that are written together or not at all.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Room for the header of a group, then the records.
    bytes: Vec<u8>,
    pub(crate) leaves: Vec<Digest>,
}

impl Batch {
    pub(crate) fn new(records: &[EncodedRecord]) -> Result<Self, AppendError> {
        let lens = records.iter().map(|record| RECORD_PREFIX_LEN + record.as_bytes().len());
        let len = lens.fold(0, usize::saturating_add);
        if len > BATCH_LEN_MAX {
            return Err(AppendError::BatchLen { len });
        }
        let mut bytes = Vec::with_capacity(GROUP_HEADER_LEN + len + Digest::LEN);
        bytes.resize(GROUP_HEADER_LEN, 0);
        for record in records {
            push_record(&mut bytes, record.as_bytes());
        }
        Ok(Self { bytes, leaves: leaf_hashes(records) })
    }

    /// The records, each behind its length.
    pub(crate) fn body(&self) -> &[u8] {
        self.bytes.get(GROUP_HEADER_LEN..).unwrap_or_default()
    }

    pub(crate) fn is_large(&self) -> bool {
        self.body().len() >= LARGE
    }

    /// Puts the records of another behind those that are here.
    pub(crate) fn append(&mut self, other: &Self) {
        self.bytes.extend_from_slice(other.body());
        self.leaves.extend_from_slice(&other.leaves);
    }

    /// Where each record begins, if the body begins at `body_at`; as the file of offsets says it.
    pub(crate) fn offsets(&self, body_at: u64) -> Vec<u8> {
        let mut offsets = Vec::with_capacity(self.leaves.len() * size_of::<u64>());
        records(self.body()).for_each(|(at, _)| push_offset(&mut offsets, body_at + at));
        offsets
    }

    /// The bytes of a group of these records, and their leaf hashes.
    pub(crate) fn frame(mut self, segment: &SegmentHeader, first: u64) -> (Vec<u8>, Vec<Digest>) {
        let (header, trailer) = frame_group(segment, first, self.body().len(), &self.leaves);
        for (to, from) in self.bytes.iter_mut().zip(header) {
            *to = from;
        }
        self.bytes.extend_from_slice(trailer.as_bytes());
        (self.bytes, self.leaves)
    }
}

/// Records from which on it pays to hash them, or the tree over them, in a thread of their own.
pub(crate) const BESIDE_MIN: usize = 1_024;
/// Asked for once: the answer is read from files.
static PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| thread::available_parallelism().map_or(1, NonZeroUsize::get));

/// The leaf hashes, in order; those of a large batch by all processors.
fn leaf_hashes(records: &[EncodedRecord]) -> Vec<Digest> {
    fn hash(records: &[EncodedRecord]) -> Vec<Digest> {
        records.iter().map(|record| leaf_hash(record.as_bytes())).collect()
    }
    if records.len() < 2 * BESIDE_MIN {
        return hash(records);
    }
    let each = records.len().div_ceil(*PROCESSORS).max(BESIDE_MIN);
    let (own, others) = records.split_at(each.min(records.len()));
    thread::scope(|scope| {
        let others = others.chunks(each).map(|part| {
            (part, thread::Builder::new().spawn_scoped(scope, move || hash(part)).ok())
        });
        let others: Vec<_> = others.collect();
        let mut leaves = hash(own);
        for (part, beside) in others {
            let hashed = beside.and_then(|beside| beside.join().ok());
            leaves.extend(hashed.unwrap_or_else(|| hash(part)));
        }
        leaves
    })
}
