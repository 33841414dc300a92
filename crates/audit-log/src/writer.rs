//! Group commit without a thread of its own: whoever finds nobody writing writes for all that
//! wait, and then calls one of those who came meanwhile.

use std::borrow::Cow;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, RwLock};
use std::thread;

use dataspace_primitives::Digest;

use crate::batch::{BESIDE_MIN, Batch};
use crate::hashes::{Edge, FullTiles, offset_at, push_offset, settle};
use crate::origin::Origin;
use crate::outcome::{Outcome, Wait};
use crate::queue::{AppendError, Group, PoisonCause, Queue};
use crate::segment::{GROUP_HEADER_LEN, SegmentHeader, frame_group, to_u64};
use crate::state::State;
use crate::storage::{Storage, StoredFile};
use crate::tree::LeafIndex;

/// Bytes of a segment for which room is taken at once.
const RESERVE_LEN: u64 = 4 << 20;
/// Groups of so many bytes take no room beyond their own: writing zeros before them would cost more
/// than the change of the file's length that it saves.
const LARGE: usize = 256 << 10;
/// The one writer of a log, shared by all threads that append.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) storage: Box<dyn Storage>,
    pub(crate) origin: Origin,
    pub(crate) queue: Queue,
    /// INVARIANT: holds only what is durable; records are added by the leader alone. Locked before
    /// the queue, if both are.
    pub(crate) state: RwLock<State>,
}

impl Writer {
    pub(crate) fn new(storage: Box<dyn Storage>, origin: Origin, state: State) -> Self {
        let queue = Queue::new(state.edge.size().as_u64());
        Self { storage, origin, queue, state: RwLock::new(state) }
    }

    /// Returns the index of the first record, when all of the batch is durable.
    pub(crate) fn append(&self, batch: &Arc<Batch>) -> Result<u64, AppendError> {
        let queued = self.queue.push(batch)?;
        let mut leads = queued.leads;
        loop {
            if leads {
                self.lead();
            }
            match queued.outcome.wait() {
                Some(outcome) => return outcome.map(|()| queued.first),
                None => leads = true,
            }
        }
    }

    /// As [`append`](Self::append), for a task: the log's own thread writes, which must be there.
    pub(crate) async fn append_async(&self, batch: &Arc<Batch>) -> Result<u64, AppendError> {
        let mut wait = Wait::default();
        let queued = poll_fn(|context| self.queue.poll_push(batch, context, &mut wait)).await?;
        let mut wait = Wait::default();
        poll_fn(|context| queued.outcome.poll(context, &mut wait)).await?;
        Ok(queued.first)
    }

    /// What the log's own thread does, until the log is dropped or given up.
    pub(crate) fn run(&self) {
        let mut lead = Lead { queue: &self.queue, outcome: None, is_done: false };
        self.queue.begin_thread();
        while self.queue.wait_for_work() {
            self.lead();
        }
        lead.is_done = true;
    }

    /// Writes the next group, and tells its callers.
    fn lead(&self) {
        // Who led before is still entering its group into the tree, perhaps.
        let Ok(state) = self.state.read() else {
            self.queue.poison(PoisonCause::Panic);
            return;
        };
        // There is none if the log was given up meanwhile.
        let Some(group) = self.queue.take() else { return };
        let outcome = Some(&*group.outcome);
        let mut lead = Lead { queue: &self.queue, outcome, is_done: false };
        let place = self.place(&state, &group);
        let edge = state.edge.clone();
        drop(state);
        self.queue.tell_of_room();
        let written = self.write(&group, place, edge).map_err(|cause| self.queue.poison(cause));
        let done = written.and_then(|written| self.enter(&group, written));
        lead.is_done = true;
        match done {
            Ok(()) => group.outcome.succeed(),
            Err(cause) => group.outcome.fail(&cause),
        }
    }

    /// Writes and syncs; extends the tree, which is not durable before, meanwhile.
    fn write(&self, group: &Group, place: Place, edge: Edge) -> Result<Written, PoisonCause> {
        let leaves = match &*group.batches {
            [only] => Cow::Borrowed(&*only.leaves),
            all => Cow::Owned(all.iter().flat_map(|batch| batch.leaves.iter().copied()).collect()),
        };
        let Place { first, segment, end: at } = place;
        let file = segment.file();
        let (header, trailer) = frame_group(&segment, first, group.body_len, &leaves);
        let is_new = at == 0;
        let begin = if is_new { segment.bytes.as_slice() } else { &[] };
        let body_at = at + to_u64(begin.len() + header.len());
        let end = body_at + to_u64(group.body_len + Digest::LEN);
        let bodies = group.batches.iter().map(|batch| batch.body.as_slice());
        let parts: Vec<_> =
            [begin, &header].into_iter().chain(bodies).chain([&trailer.as_bytes()[..]]).collect();
        self.write_at(file, at, &parts.concat()).map_err(PoisonCause::Write)?;
        let sync = || self.storage.sync_data(file).map_err(PoisonCause::Sync);
        let tree = if leaves.len() < BESIDE_MIN {
            sync()?;
            Extended::new(edge, &leaves)
        } else {
            let extended = || Extended::new(edge.clone(), &leaves);
            thread::scope(|scope| {
                let beside = thread::Builder::new().spawn_scoped(scope, extended);
                sync()?;
                let tree = beside.ok().and_then(|beside| beside.join().ok());
                Ok(tree.unwrap_or_else(extended))
            })?
        };
        Ok(Written { first, tree, body_at, end, new: is_new.then_some(segment) })
    }

    /// Writes, taking room before if that pays.
    fn write_at(&self, file: StoredFile, at: u64, bytes: &[u8]) -> io::Result<()> {
        let end = at + to_u64(bytes.len());
        if bytes.len() < LARGE && end > self.storage.len(file)? {
            // A segment holds one group beyond its length at most.
            let len = (end + RESERVE_LEN).min(self.storage.segment_len_max()).max(end);
            self.storage.reserve(file, len)?;
        }
        self.storage.write_at(file, at, bytes)
    }

    /// Enters into the tree what is durable.
    fn enter(&self, group: &Group, written: Written) -> Result<(), Arc<PoisonCause>> {
        let Ok(mut state) = self.state.write() else {
            return Err(self.queue.poison(PoisonCause::Panic));
        };
        // Who is called waits for the state, and finds nothing to write if this fails.
        self.queue.hand_over();
        let Written { first, tree, mut body_at, end, new } = written;
        let mut offsets = Vec::new();
        for batch in &group.batches {
            batch.starts.iter().for_each(|at| push_offset(&mut offsets, body_at + at));
            body_at += to_u64(batch.body.len());
        }
        let root = match self.make(first, &tree, &offsets) {
            Ok(root) => root,
            Err(error) => {
                // While the state is locked, so that nobody goes on from it.
                let given_up = self.queue.give_up(PoisonCause::Write(error));
                drop(state);
                return Err(self.queue.tell(given_up));
            }
        };
        if let Some(segment) = new {
            state.segments.push(segment.first);
            state.segment = segment;
        }
        (state.edge, state.root, state.end) = (tree.edge, root, end);
        Ok(())
    }

    /// Writes what can be made from the segments, and so need not be durable.
    fn make(&self, first: u64, tree: &Extended, offsets: &[u8]) -> io::Result<Digest> {
        self.storage.write_at(StoredFile::Offsets, offset_at(first), offsets)?;
        for tiles in &tree.full {
            self.storage.write_at(tiles.file, tiles.offset, &tiles.bytes)?;
        }
        tree.edge.root(&*self.storage)
    }

    /// Where the group goes: behind the last one, or to the beginning of a new segment.
    fn place(&self, state: &State, group: &Group) -> Place {
        let first = state.edge.size().as_u64();
        let len = to_u64(GROUP_HEADER_LEN + group.body_len + Digest::LEN);
        let is_full = state.end + len > self.storage.segment_len_max();
        if is_full && state.segment.first.as_u64() < first {
            let (at, nonce) = (LeafIndex::new(first), state.segment.nonce);
            let segment = SegmentHeader::new(&self.origin, at, &state.root, nonce);
            return Place { first, segment, end: 0 };
        }
        Place { first, segment: state.segment.clone(), end: state.end }
    }

    /// Makes durable what was made from the segments, up to this edge of the tree.
    ///
    /// # Errors
    /// The log is poisoned then.
    pub(crate) fn settle(&self, edge: &Edge) -> Result<(), Arc<PoisonCause>> {
        // Who writes a full tile meanwhile, begins it with the same bytes.
        let settled = settle(&*self.storage, edge, PoisonCause::Write, PoisonCause::Sync);
        settled.map_err(|cause| self.queue.poison(cause))
    }
}

/// Where a group is written.
struct Place {
    first: u64,
    segment: SegmentHeader,
    /// 0 if the segment is to begin with this group.
    end: u64,
}

/// A group that is durable.
struct Written {
    first: u64,
    tree: Extended,
    /// Where the first body begins in the segment.
    body_at: u64,
    end: u64,
    /// The segment that began with it.
    new: Option<SegmentHeader>,
}

/// The tree with a group's leaves.
struct Extended {
    edge: Edge,
    full: Vec<FullTiles>,
}

impl Extended {
    fn new(mut edge: Edge, leaves: &[Digest]) -> Self {
        let full = edge.extend(leaves);
        Self { edge, full }
    }
}

/// Makes sure that a leader which does not come to its end leaves nobody waiting.
struct Lead<'a> {
    queue: &'a Queue,
    outcome: Option<&'a Outcome>,
    is_done: bool,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            let cause = self.queue.poison(PoisonCause::Panic);
            if let Some(outcome) = self.outcome {
                outcome.fail(&cause);
            }
        }
    }
}
