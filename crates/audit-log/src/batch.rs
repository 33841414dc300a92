use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::thread;

use dataspace_primitives::Digest;

use crate::queue::AppendError;
use crate::record::EncodedRecord;
use crate::segment::{GROUP_BODY_LEN_MAX, RECORD_PREFIX_LEN, push_record, to_u64};
use crate::tree::leaf_hash;

/// Most bytes of records in one batch, with 4 bytes more for each record.
pub const BATCH_LEN_MAX: usize = GROUP_BODY_LEN_MAX;

/// Records that are written together or not at all.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) body: Vec<u8>,
    pub(crate) leaves: Vec<Digest>,
    /// Offsets within the body.
    pub(crate) starts: Vec<u64>,
}

impl Batch {
    pub(crate) fn new(records: &[EncodedRecord]) -> Result<Self, AppendError> {
        let lens = records.iter().map(|record| RECORD_PREFIX_LEN + record.as_bytes().len());
        let len = lens.fold(0, usize::saturating_add);
        if len > BATCH_LEN_MAX {
            return Err(AppendError::BatchLen { len });
        }
        let (mut body, mut starts) = (Vec::with_capacity(len), Vec::with_capacity(records.len()));
        for record in records {
            starts.push(to_u64(body.len()));
            push_record(&mut body, record.as_bytes());
        }
        Ok(Self { body, leaves: leaf_hashes(records), starts })
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
