//! Group commit without a thread of its own: whoever finds nobody writing writes for all that
//! wait.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use dataspace_primitives::Digest;
use thiserror::Error;

use crate::hashes::{Edge, offset_at, offset_bytes};
use crate::origin::Origin;
use crate::record::{EncodedRecord, RecordError};
use crate::segment::{
    GROUP_BODY_LEN_MAX, GROUP_HEADER_LEN, RECORD_PREFIX_LEN, SegmentHeader, group_bytes,
    push_record, to_u64,
};
use crate::state::State;
use crate::storage::{Storage, StoredFile};
use crate::tree::{LeafIndex, leaf_hash};

/// Most records that wait to be written; more callers block until there is room.
pub const QUEUE_RECORDS_MAX: usize = 16_384;
/// Most bytes that wait to be written; more callers block until there is room.
pub const QUEUE_BYTES_MAX: usize = 16 << 20;
/// Most bytes of records in one batch, with 4 bytes more for each record.
pub const BATCH_LEN_MAX: usize = GROUP_BODY_LEN_MAX;

/// Bytes of a segment for which room is taken at once.
const RESERVE_LEN: u64 = 4 << 20;

/// Why nothing more is written until the log is opened again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PoisonCause {
    /// A write failed; any part of it may be there.
    #[error("a write failed")]
    Write(#[source] io::Error),
    /// A sync failed; nothing is known about what was written, and asking again would lie.
    #[error("a sync failed")]
    Sync(#[source] io::Error),
    /// A thread panicked while it wrote for the others.
    #[error("a thread panicked while it was writing")]
    Panic,
}

/// Why a record is not recorded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The record breaks a rule; nothing was written.
    #[error("the record cannot be written")]
    Record(#[from] RecordError),
    /// The batch is longer than [`BATCH_LEN_MAX`]; nothing was written.
    #[error("a batch has at most {BATCH_LEN_MAX} bytes, this one has {len}")]
    BatchLen {
        /// Bytes of the batch.
        len: usize,
    },
    /// A write or sync failed, for this record or an earlier one. Whether the record is in the
    /// log is known only after the log was opened again.
    #[error("the log is poisoned until it is opened again")]
    Poisoned {
        /// The first failure.
        #[source]
        cause: Arc<PoisonCause>,
    },
}

/// Records that are written together or not at all.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    body: Vec<u8>,
    leaves: Vec<Digest>,
    /// Offsets within the body.
    starts: Vec<u64>,
}

impl Batch {
    pub(crate) fn new(records: &[EncodedRecord]) -> Result<Self, AppendError> {
        let mut batch = Self::default();
        for record in records {
            let record = record.as_bytes();
            let len = batch.body.len() + RECORD_PREFIX_LEN + record.len();
            if len > BATCH_LEN_MAX {
                return Err(AppendError::BatchLen { len });
            }
            batch.leaves.push(leaf_hash(record));
            batch.starts.push(to_u64(batch.body.len()));
            push_record(&mut batch.body, record);
        }
        Ok(batch)
    }

    pub(crate) fn leaves(&self) -> &[Digest] {
        &self.leaves
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }
}

/// What waits, and how far the log has come. A record's index is settled when it is queued, so
/// "is it durable" is one comparison and nobody can miss the answer.
#[derive(Debug)]
struct Queue {
    pending: VecDeque<Arc<Batch>>,
    records: usize,
    bytes: usize,
    /// Index of the next record to be queued.
    next: u64,
    /// Records that are durable.
    durable: u64,
    /// Whether some thread is writing.
    leading: bool,
    poison: Option<Arc<PoisonCause>>,
}

impl Queue {
    fn check(&self) -> Result<(), AppendError> {
        match &self.poison {
            Some(cause) => Err(AppendError::Poisoned { cause: Arc::clone(cause) }),
            None => Ok(()),
        }
    }

    fn has_room(&self, batch: &Batch) -> bool {
        self.pending.is_empty()
            || (self.bytes + batch.body.len() <= QUEUE_BYTES_MAX
                && self.records + batch.leaves.len() <= QUEUE_RECORDS_MAX)
    }

    /// Queues the batch; returns the index of its first record.
    fn push(&mut self, batch: Arc<Batch>) -> u64 {
        let first = self.next;
        self.next += to_u64(batch.leaves.len());
        self.records += batch.leaves.len();
        self.bytes += batch.body.len();
        self.pending.push_back(batch);
        first
    }

    /// Takes as many batches as one group may hold: at least one, if there is one.
    fn take_group(&mut self) -> Vec<Arc<Batch>> {
        let (mut group, mut body_len) = (Vec::new(), 0);
        while let Some(batch) = self.pending.pop_front() {
            body_len += batch.body.len();
            if body_len > GROUP_BODY_LEN_MAX && !group.is_empty() {
                self.pending.push_front(batch);
                break;
            }
            self.bytes -= batch.body.len();
            self.records -= batch.leaves.len();
            group.push(batch);
        }
        group
    }

    fn poison(&mut self, cause: PoisonCause) {
        self.poison.get_or_insert_with(|| Arc::new(cause));
        // Their callers are told; nothing is written any more.
        self.pending.clear();
        (self.records, self.bytes) = (0, 0);
    }
}

/// The one writer of a log, shared by all threads that append.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) storage: Box<dyn Storage>,
    pub(crate) origin: Origin,
    queue: Mutex<Queue>,
    /// Signalled whenever a group is done or the log is poisoned.
    changed: Condvar,
    /// INVARIANT: holds only what is durable; changed by the leader alone.
    pub(crate) state: RwLock<State>,
}

impl Writer {
    pub(crate) fn new(storage: Box<dyn Storage>, origin: Origin, state: State) -> Self {
        let durable = state.edge.size().as_u64();
        let queue = Queue {
            pending: VecDeque::new(),
            records: 0,
            bytes: 0,
            next: durable,
            durable,
            leading: false,
            poison: None,
        };
        let (queue, changed, state) = (Mutex::new(queue), Condvar::new(), RwLock::new(state));
        Self { storage, origin, queue, changed, state }
    }

    /// Returns the index of the first record, when all of the batch is durable.
    pub(crate) fn append(&self, batch: &Arc<Batch>) -> Result<u64, AppendError> {
        let mut queue = self.lock();
        while queue.poison.is_none() && !queue.has_room(batch) {
            // INVARIANT: what fills the queue has callers, one of whom is writing and will
            // signal.
            queue = self.wait(queue);
        }
        queue.check()?;
        let first = queue.push(Arc::clone(batch));
        let end = queue.next;
        loop {
            // Durable comes first: a later failure does not take it back.
            if queue.durable >= end {
                return Ok(first);
            }
            queue.check()?;
            queue = if queue.leading { self.wait(queue) } else { self.lead(queue) };
        }
    }

    /// The first failure, if there was one.
    pub(crate) fn check(&self) -> Result<(), AppendError> {
        self.lock().check()
    }

    /// Writes one group for all that wait.
    fn lead<'a>(&'a self, mut queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        let group = queue.take_group();
        queue.leading = true;
        drop(queue);
        let mut lead = Lead { writer: self, done: false };
        let outcome = self.commit(&group);
        let mut queue = self.lock();
        lead.done = true;
        queue.leading = false;
        match outcome {
            Ok(durable) => queue.durable = durable,
            Err(cause) => queue.poison(cause),
        }
        self.changed.notify_all();
        queue
    }

    /// One write, one sync, and then the tree. Returns the number of durable records.
    fn commit(&self, group: &[Arc<Batch>]) -> Result<u64, PoisonCause> {
        let leaves: Vec<Digest> =
            group.iter().flat_map(|batch| batch.leaves.iter().copied()).collect();
        let Next { first, segment, mut end, mut edge } = self.next(group)?;
        let is_new = end == 0;
        let mut bytes = if is_new { segment.bytes.clone() } else { Vec::new() };
        let mut body_at = end + to_u64(bytes.len() + GROUP_HEADER_LEN);
        let bodies = group.iter().map(|batch| batch.body.as_slice());
        bytes.extend(group_bytes(&segment, first, bodies, &leaves));
        self.write_durably(segment.file(), end, &bytes)?;
        end += to_u64(bytes.len());

        // What can be made from the segments need not be durable.
        let mut starts = Vec::with_capacity(leaves.len());
        for batch in group {
            starts.extend(batch.starts.iter().map(|at| body_at + at));
            body_at += to_u64(batch.body.len());
        }
        let starts = offset_bytes(starts.into_iter());
        let full = edge.extend(&leaves);
        let write = |file, offset, bytes: &[u8]| {
            self.storage.write_at(file, offset, bytes).map_err(PoisonCause::Write)
        };
        write(StoredFile::Offsets, offset_at(first), &starts)?;
        full.iter().try_for_each(|tile| write(tile.file, tile.offset, &tile.bytes))?;
        let root = edge.root(&*self.storage).map_err(PoisonCause::Write)?;

        let mut state = self.state.write().map_err(|_| PoisonCause::Panic)?;
        let durable = edge.size().as_u64();
        if is_new {
            state.segments.push(segment.first);
            state.segment = segment;
        }
        (state.edge, state.root, state.end) = (edge, root, end);
        Ok(durable)
    }

    /// Where the next group goes: behind the last one, or to the beginning of a new segment.
    fn next(&self, group: &[Arc<Batch>]) -> Result<Next, PoisonCause> {
        let state = self.state.read().map_err(|_| PoisonCause::Panic)?;
        let (edge, first) = (state.edge.clone(), state.edge.size().as_u64());
        let body_len: usize = group.iter().map(|batch| batch.body.len()).sum();
        let len = to_u64(GROUP_HEADER_LEN + body_len + Digest::LEN);
        let is_full = state.end + len > self.storage.segment_len_max();
        if is_full && state.segment.first.as_u64() < first {
            let segment = SegmentHeader::new(&self.origin, LeafIndex::new(first), &state.root);
            return Ok(Next { first, segment, end: 0, edge });
        }
        Ok(Next { first, segment: state.segment.clone(), end: state.end, edge })
    }

    fn write_durably(&self, file: StoredFile, at: u64, bytes: &[u8]) -> Result<(), PoisonCause> {
        let end = at + to_u64(bytes.len());
        if end > self.storage.len(file).map_err(PoisonCause::Write)? {
            // A segment holds one group beyond its length at most.
            let len = (end + RESERVE_LEN).min(self.storage.segment_len_max()).max(end);
            self.storage.reserve(file, len).map_err(PoisonCause::Write)?;
        }
        self.storage.write_at(file, at, bytes).map_err(PoisonCause::Write)?;
        self.storage.sync_data(file).map_err(PoisonCause::Sync)
    }

    /// Makes durable what was made from the segments, up to this edge of the tree.
    ///
    /// # Errors
    /// The log is poisoned then.
    pub(crate) fn settle(&self, edge: &Edge) -> Result<(), Arc<PoisonCause>> {
        self.try_settle(edge).map_err(|cause| {
            let mut queue = self.lock();
            queue.poison(cause);
            self.changed.notify_all();
            queue.poison.clone().unwrap_or_else(|| Arc::new(PoisonCause::Panic))
        })
    }

    fn try_settle(&self, edge: &Edge) -> Result<(), PoisonCause> {
        for (file, offset, bytes) in edge.rests() {
            // Who writes a full tile meanwhile, begins it with the same bytes.
            self.storage.write_at(file, offset, &bytes).map_err(PoisonCause::Write)?;
            self.storage.sync_data(file).map_err(PoisonCause::Sync)?;
        }
        self.storage.sync_data(StoredFile::Offsets).map_err(PoisonCause::Sync)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(Self::poisoned)
    }

    fn wait<'a>(&self, queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        self.changed.wait(queue).unwrap_or_else(Self::poisoned)
    }

    /// A thread panicked while it held the queue: nothing in it is believed any more.
    fn poisoned(poisoned: PoisonError<MutexGuard<'_, Queue>>) -> MutexGuard<'_, Queue> {
        let mut queue = poisoned.into_inner();
        queue.poison(PoisonCause::Panic);
        queue
    }
}

/// Where a group is written, and the tree before it.
struct Next {
    first: u64,
    segment: SegmentHeader,
    /// 0 if the segment is to begin with this group.
    end: u64,
    edge: Edge,
}

/// Makes sure that a leader which does not come to its end leaves nobody waiting.
struct Lead<'a> {
    writer: &'a Writer,
    done: bool,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if !self.done {
            let mut queue = self.writer.lock();
            queue.leading = false;
            queue.poison(PoisonCause::Panic);
            self.writer.changed.notify_all();
        }
    }
}
