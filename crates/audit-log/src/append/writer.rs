//! Group commit: the first thread to arrive becomes the leader. It writes for everyone waiting, then hands
//! leadership to one that arrived meanwhile; once tasks wait too, a thread of the log's own writes.
//!
//! Callers are told as soon as their group is durable. It enters the tree afterwards; a caller that looks at
//! the tree earlier enters it in the writer's place.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard};
use std::thread;

use dataspace_identity::Origin;
use dataspace_primitives::Digest;
use dataspace_tlog::LeafIndex;
use dataspace_tlog::engine::to_u64;

use crate::append::batch::{BESIDE_MIN, Batch, LARGE};
use crate::append::error::{AppendError, PoisonCause};
use crate::append::outcome::Outcome;
use crate::append::queue::{Group, Queue, Queued, Turn, Work};
use crate::medium::hashes::{Edge, SettleError, settle};
use crate::medium::segment::{GROUP_HEADER_LEN, SegmentHeader};
use crate::medium::storage::{Storage, StoredFile};
use crate::reader::ReadError;
use crate::state::{Extended, State, Written};

/// Bytes of a segment for which room is taken at once.
const RESERVE_LEN: u64 = 4 << 20;

/// The one writer of a log, shared by all threads that append.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) storage: Box<dyn Storage>,
    pub(crate) origin: Origin,
    pub(crate) queue: Queue,
    /// INVARIANT: holds only what is durable; records are added by the leader alone. Locked before
    /// the queue, if both are.
    pub(crate) state: RwLock<State>,
    /// True if hashes and offsets that were not durable may be lost. Until the log is opened again
    /// no mark says that they are there.
    is_unsettled: AtomicBool,
}

impl Writer {
    pub(crate) fn new(storage: Box<dyn Storage>, origin: Origin, state: State) -> Self {
        let queue = Queue::new(state.edge.size().as_u64());
        Self {
            storage,
            origin,
            queue,
            state: RwLock::new(state),
            is_unsettled: AtomicBool::new(false),
        }
    }

    /// Takes room for one record of any length; waits for it.
    pub(crate) fn take_room(&self) -> Result<(), AppendError> {
        while let Turn::Lead = self.queue.wait_for_room()? {
            drop(self.lead());
        }
        Ok(())
    }

    /// Queues a batch; waits for room.
    pub(crate) fn push(&self, mut batch: Batch) -> Result<Queued, AppendError> {
        loop {
            match self.queue.push(batch)? {
                Ok(queued) => return Ok(queued),
                Err(back) => batch = back,
            }
            drop(self.lead());
        }
    }

    /// Waits until what was queued is durable, and writes if nobody else does.
    pub(crate) fn wait(&self, outcome: &Outcome) -> Result<(), AppendError> {
        // INVARIANT: before the look at who leads. So a leader that sees nobody wait has not ended yet, or
        // this one leads.
        outcome.begin_to_wait();
        let mut leads = self.queue.takes_lead();
        let end = loop {
            if leads {
                drop(self.lead());
            }
            if let Some(end) = outcome.end() {
                break end;
            }
            leads = self.queue.takes_lead();
            if !leads {
                match outcome.wait() {
                    Some(end) => break end,
                    None => leads = true,
                }
            }
        };
        self.finish();
        end
    }

    /// Writes what nobody waits for, if the log is dropped.
    pub(crate) fn finish(&self) {
        while self.queue.takes_last_lead() {
            drop(self.lead());
        }
    }

    /// What the log's own thread does, until the log is dropped or given up.
    pub(crate) fn run(&self) {
        let mut lead = Lead { queue: &self.queue, outcome: None, is_done: false };
        self.queue.begin_thread();
        let mut told = None;
        loop {
            self.queue.gather();
            drop(told.take());
            match self.queue.wait_for_work() {
                Work::IsHere => told = self.lead(),
                Work::Came => {}
                Work::End => break,
            }
        }
        lead.is_done = true;
    }

    /// Everything that is durable, with all that was made from it in its files.
    pub(crate) fn readable(&self) -> Result<RwLockReadGuard<'_, State>, ReadError> {
        loop {
            let state = self.state()?;
            if state.unwritten.is_empty() {
                return Ok(state);
            }
            drop(state);
            let Ok(mut state) = self.state.write() else { return Err(self.panicked()) };
            state.unwritten.write(&*self.storage)?;
        }
    }

    /// Everything that is durable.
    pub(crate) fn state(&self) -> Result<RwLockReadGuard<'_, State>, ReadError> {
        loop {
            let Ok(state) = self.state.read() else { return Err(self.panicked()) };
            if state.behind.is_none() {
                return Ok(state);
            }
            drop(state);
            self.catch_up()?;
        }
    }

    /// Enters into the state the group that was written last, unless somebody else did.
    fn catch_up(&self) -> Result<(), ReadError> {
        let Ok(mut state) = self.state.write() else { return Err(self.panicked()) };
        let Err(error) = state.catch_up(&*self.storage) else { return Ok(()) };
        let told = io::Error::new(error.kind(), error.to_string());
        // While the state is locked, so that nobody goes on from it.
        let given_up = self.queue.give_up(PoisonCause::Write(error));
        drop(state);
        self.queue.tell(given_up);
        Err(ReadError::Io(told))
    }

    /// A thread panicked while it had the state. Tells those who wait, whose wakers may look at the
    /// log; so nobody may call this who has the lock, be it in the error that locking gave.
    fn panicked(&self) -> ReadError {
        self.queue.poison(PoisonCause::Panic);
        ReadError::Poisoned
    }

    /// Writes the next group, and tells its callers.
    fn lead(&self) -> Option<Told> {
        // Before the state, so that its lock is free when this tells of a panic.
        let mut lead = Lead { queue: &self.queue, outcome: None, is_done: false };
        let state = self.state().ok()?;
        // There is none if the log was given up meanwhile.
        let Group { batch, outcome, .. } = self.queue.take()?;
        lead.outcome = Some(Arc::clone(&outcome));
        let place = self.place(&state, &batch);
        let edge = (batch.leaves.len() >= BESIDE_MIN).then(|| state.edge.clone());
        drop(state);
        self.queue.tell_of_room();
        let written = self.write(batch, place, edge).map_err(|cause| self.queue.poison(cause));
        let kept = written.and_then(|written| self.keep(written));
        // First, since a waker may take its time.
        self.queue.hand_over();
        let told = Told(outcome);
        match kept {
            Ok(()) => told.0.succeed(),
            Err(cause) => told.0.fail(&cause),
        }
        // What comes next does not concern those who were told.
        lead.outcome = None;
        let _entered_or_poisoned = self.catch_up();
        lead.is_done = true;
        Some(told)
    }

    /// Keeps what is durable, for the next look at the state to enter it.
    fn keep(&self, written: Written) -> Result<(), Arc<PoisonCause>> {
        let Ok(mut state) = self.state.write() else {
            return Err(self.queue.poison(PoisonCause::Panic));
        };
        state.behind = Some(written);
        Ok(())
    }

    /// Writes and syncs; extends this edge of the tree, if there is one, meanwhile.
    fn write(
        &self,
        batch: Batch,
        place: Place,
        edge: Option<Edge>,
    ) -> Result<Written, PoisonCause> {
        let Place { first, segment, growing, end: at, room } = place;
        let (file, is_new) = (segment.file(), at == 0);
        if is_new {
            self.storage.check_place(growing).map_err(|error| match error.kind() {
                io::ErrorKind::StaleNetworkFileHandle => PoisonCause::Moved(error),
                _ => PoisonCause::Write(error),
            })?;
        }
        let begin = if is_new { segment.bytes.as_slice() } else { &[] };
        let body_at = at + to_u64(begin.len() + GROUP_HEADER_LEN);
        let offsets = batch.offsets(body_at);
        let (mut bytes, leaves) = batch.frame(&segment, first);
        if is_new {
            bytes = [begin, &bytes].concat();
        }
        let end = at + to_u64(bytes.len());
        let room = self.write_at(file, at, &bytes, room).map_err(PoisonCause::Write)?;
        let tree = thread::scope(|scope| {
            let extend =
                |edge| thread::Builder::new().spawn_scoped(scope, || Extended::new(edge, &leaves));
            let beside = edge.and_then(|edge| extend(edge).ok());
            self.storage.sync_data(file).map_err(PoisonCause::Sync)?;
            Ok(beside.and_then(|beside| beside.join().ok()))
        })?;
        let new = is_new.then_some(segment);
        Ok(Written { leaves, tree, offsets, end, room, new })
    }

    /// Writes, taking room before if that pays. Returns the room there is now.
    ///
    /// WHY the room is kept in mind, not asked for: Linux keeps the time of the next change exactly
    /// once somebody has asked about the file, and the sync then writes that too.
    fn write_at(&self, file: StoredFile, at: u64, bytes: &[u8], mut room: u64) -> io::Result<u64> {
        let end = at + to_u64(bytes.len());
        // For a large group, writing zeros before it would cost more than the change of the file's
        // length that it saves.
        if bytes.len() < LARGE && end > room {
            // A segment holds one group beyond its length at most.
            room = (end + RESERVE_LEN).min(self.storage.segment_len_max()).max(end);
            self.storage.reserve(file, room)?;
        }
        self.storage.write_at(file, at, bytes)?;
        Ok(room.max(end))
    }

    /// Where the group goes: behind the last one, or to the beginning of a new segment.
    fn place(&self, state: &State, batch: &Batch) -> Place {
        let (first, growing) = (state.edge.size().as_u64(), state.segment.file());
        let len = to_u64(GROUP_HEADER_LEN + batch.body().len() + Digest::LEN);
        let is_full = state.end + len > self.storage.segment_len_max();
        if is_full && state.segment.first.as_u64() < first {
            let (at, nonce) = (LeafIndex::new(first), state.segment.nonce);
            let segment = SegmentHeader::new(&self.origin, at, &state.root, nonce);
            return Place { first, segment, growing, end: 0, room: 0 };
        }
        Place { first, segment: state.segment.clone(), growing, end: state.end, room: state.room }
    }

    /// Makes durable what was made from the segments, up to this edge of the tree.
    ///
    /// # Errors
    /// It is not. The log goes on: all of it can be made again.
    pub(crate) fn settle(&self, edge: &Edge) -> io::Result<()> {
        let is_lost = || io::Error::other("an earlier sync of hashes and offsets failed");
        if self.is_unsettled.load(Ordering::Acquire) {
            return Err(is_lost());
        }
        // Who writes a full tile meanwhile, begins it with the same bytes.
        settle(&*self.storage, edge).map_err(|error| {
            if let SettleError::Sync(_) = error {
                self.is_unsettled.store(true, Ordering::Release);
            }
            error.into()
        })
    }
}

/// Where a group is written.
struct Place {
    first: u64,
    segment: SegmentHeader,
    /// The segment that grew until now.
    growing: StoredFile,
    /// 0 if the segment is to begin with this group.
    end: u64,
    room: u64,
}

/// A group whose callers were told, all but some tasks perhaps, which are when this is dropped.
struct Told(Arc<Outcome>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.tell_others();
    }
}

/// Makes sure that a leader which does not come to its end leaves nobody waiting.
struct Lead<'a> {
    queue: &'a Queue,
    outcome: Option<Arc<Outcome>>,
    is_done: bool,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            let cause = self.queue.poison(PoisonCause::Panic);
            if let Some(outcome) = &self.outcome {
                outcome.fail(&cause);
            }
        }
    }
}
