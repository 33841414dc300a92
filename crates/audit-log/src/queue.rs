//! What waits to be written. A group is formed while the one before it is written; its callers wait
//! for its outcome alone, so that being told does not make them queue for one lock.

use std::collections::VecDeque;
use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use dataspace_primitives::Digest;
use thiserror::Error;

use crate::record::{EncodedRecord, RecordError};
use crate::segment::{GROUP_BODY_LEN_MAX, RECORD_PREFIX_LEN, push_record, to_u64};
use crate::tree::leaf_hash;

/// Most records that wait to be written; more callers block until there is room.
pub const QUEUE_RECORDS_MAX: usize = 16_384;
/// Most bytes that wait to be written; more callers block until there is room.
pub const QUEUE_BYTES_MAX: usize = 16 << 20;
/// Most bytes of records in one batch, with 4 bytes more for each record.
pub const BATCH_LEN_MAX: usize = GROUP_BODY_LEN_MAX;

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

/// Records from which on it pays to hash in a thread of their own.
const BESIDE_MIN: usize = 1_024;
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

/// Batches that are written by one write and made durable by one sync.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) batches: Vec<Arc<Batch>>,
    pub(crate) body_len: usize,
    records: usize,
    pub(crate) outcome: Arc<Outcome>,
}

/// How far a group has come: what its callers wait for.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    stage: Mutex<Stage>,
    changed: Condvar,
}

#[derive(Clone, Debug, Default)]
enum Stage {
    #[default]
    Waiting,
    /// One of its callers is to write it.
    Next,
    Durable,
    Failed(Arc<PoisonCause>),
}

impl Outcome {
    /// Waits for the end; returns early, and to one caller alone, if that is to write the group.
    pub(crate) fn wait(&self) -> Option<Result<(), AppendError>> {
        let mut stage = self.stage();
        loop {
            match &*stage {
                Stage::Waiting => {
                    let changed = self.changed.wait(stage);
                    stage = changed.unwrap_or_else(PoisonError::into_inner);
                }
                Stage::Next => {
                    *stage = Stage::Waiting;
                    return None;
                }
                Stage::Durable => return Some(Ok(())),
                Stage::Failed(cause) => {
                    return Some(Err(AppendError::Poisoned { cause: Arc::clone(cause) }));
                }
            }
        }
    }

    pub(crate) fn succeed(&self) {
        self.end(Stage::Durable);
    }

    pub(crate) fn fail(&self, cause: &Arc<PoisonCause>) {
        self.end(Stage::Failed(Arc::clone(cause)));
    }

    fn call_next(&self) {
        *self.stage() = Stage::Next;
        self.changed.notify_one();
    }

    /// Durable stays durable: a later failure does not take it back.
    fn end(&self, end: Stage) {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Waiting | Stage::Next) {
            *stage = end;
        }
        drop(stage);
        self.changed.notify_all();
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        // Nothing that can panic is done while it is locked.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All groups that wait. A record's index is settled when it is queued.
#[derive(Debug)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    /// Signalled when a group is taken, or all are given up.
    room: Condvar,
}

#[derive(Debug)]
struct Inner {
    pending: VecDeque<Group>,
    records: usize,
    bytes: usize,
    /// Index of the next record to be queued.
    next: u64,
    /// Whether some caller is writing, or was called to.
    leading: bool,
    poison: Option<Arc<PoisonCause>>,
}

/// A batch that was queued.
pub(crate) struct Queued {
    /// The index of its first record.
    pub(crate) first: u64,
    pub(crate) outcome: Arc<Outcome>,
    /// Whether its caller is to write, since nobody else does.
    pub(crate) leads: bool,
}

impl Queue {
    pub(crate) fn new(next: u64) -> Self {
        let pending = VecDeque::new();
        let inner = Inner { pending, records: 0, bytes: 0, next, leading: false, poison: None };
        Self { inner: Mutex::new(inner), room: Condvar::new() }
    }

    /// Waits for room.
    pub(crate) fn push(&self, batch: Arc<Batch>) -> Result<Queued, AppendError> {
        let mut inner = self.lock();
        while inner.poison.is_none() && !inner.has_room(&batch) {
            // INVARIANT: what fills the queue has callers, one of whom is writing and will take it.
            inner = self.room.wait(inner).unwrap_or_else(poisoned);
        }
        inner.check()?;
        let (first, outcome) = inner.push(batch);
        let leads = !std::mem::replace(&mut inner.leading, true);
        Ok(Queued { first, outcome, leads })
    }

    /// The first failure, if there was one.
    pub(crate) fn check(&self) -> Result<(), AppendError> {
        self.lock().check()
    }

    /// The group that is to be written next.
    pub(crate) fn take(&self) -> Option<Group> {
        let mut inner = self.lock();
        let group = inner.pending.pop_front()?;
        inner.bytes -= group.body_len;
        inner.records -= group.records;
        drop(inner);
        self.room.notify_all();
        Some(group)
    }

    /// Calls somebody to write the next group, if there is one.
    pub(crate) fn hand_over(&self) {
        let next = {
            let mut inner = self.lock();
            let next = inner.pending.front().map(|group| Arc::clone(&group.outcome));
            inner.leading = next.is_some();
            next
        };
        if let Some(next) = next {
            next.call_next();
        }
    }

    /// Gives up: everybody who waits is told; nothing is written any more. Returns the first cause.
    pub(crate) fn poison(&self, cause: PoisonCause) -> Arc<PoisonCause> {
        let mut inner = self.lock();
        let cause = Arc::clone(inner.poison.get_or_insert_with(|| Arc::new(cause)));
        let given_up = std::mem::take(&mut inner.pending);
        (inner.records, inner.bytes) = (0, 0);
        drop(inner);
        for group in given_up {
            group.outcome.fail(&cause);
        }
        self.room.notify_all();
        cause
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(poisoned)
    }
}

impl Inner {
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

    fn push(&mut self, batch: Arc<Batch>) -> (u64, Arc<Outcome>) {
        let (first, len, records) = (self.next, batch.body.len(), batch.leaves.len());
        self.next += to_u64(records);
        self.records += records;
        self.bytes += len;
        let fits = |group: &Group| group.body_len + len <= GROUP_BODY_LEN_MAX;
        if !self.pending.back().is_some_and(fits) {
            self.pending.push_back(Group::default());
        }
        let Some(group) = self.pending.back_mut() else { return (first, Arc::default()) };
        group.batches.push(batch);
        group.body_len += len;
        group.records += records;
        (first, Arc::clone(&group.outcome))
    }
}

/// A thread panicked while it held the queue: nothing in it is believed any more.
fn poisoned(poisoned: PoisonError<MutexGuard<'_, Inner>>) -> MutexGuard<'_, Inner> {
    let mut inner = poisoned.into_inner();
    inner.poison.get_or_insert_with(|| Arc::new(PoisonCause::Panic));
    inner
}
