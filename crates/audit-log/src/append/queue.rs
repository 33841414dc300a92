//! The queue of records to write. A group forms while the one before it is written, by one of the waiting
//! threads, or by the log's own thread once tasks wait too. Submitting a record writes
//! nothing: the first thread that waits does.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use dataspace_tlog::engine::to_u64;
use dataspace_tlog::record::RECORD_LEN_MAX;

use crate::append::batch::Batch;
use crate::append::error::{AppendError, PoisonCause};
use crate::append::outcome::{self, Outcome, Wait, Wakers};
use crate::medium::segment::{GROUP_BODY_LEN_MAX, RECORD_PREFIX_LEN};

/// Most records that wait to be written, or have room; more callers wait until there is room.
pub const QUEUE_RECORDS_MAX: usize = 16_384;
/// Most bytes that wait to be written, or have room; more callers wait until there is room.
pub const QUEUE_BYTES_MAX: usize = 16 << 20;

/// Bytes for which a record has room before it is made.
const ROOM_BYTES: usize = RECORD_PREFIX_LEN + RECORD_LEN_MAX;

/// How long the log's own thread waits at most for as many batches as it wrote the last time: less
/// than most disks need for a sync, which makes later callers wait.
const GATHER_TIME: Duration = Duration::from_micros(100);

/// What is written by one write and made durable by one sync.
#[derive(Debug)]
pub(crate) struct Group {
    /// The batches of all its callers, joined.
    pub(crate) batch: Batch,
    callers: usize,
    pub(crate) outcome: Arc<Outcome>,
}

/// All groups that wait. A record's index is settled when it is queued.
#[derive(Debug)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    /// Signalled when a group is taken, or all are given up.
    room: Condvar,
    /// Signalled when the log's own thread has something to do.
    work: Condvar,
}

#[derive(Debug)]
struct Inner {
    /// Few: of two that follow each other one is large, or both have more bytes than one may.
    pending: VecDeque<Group>,
    /// Of the last group that was begun; all before it end earlier.
    last: Option<Arc<Outcome>>,
    /// Index of the next record to be queued.
    next: u64,
    /// Records that have room and are not here yet.
    expected: usize,
    /// True if some thread is writing that waits for its own batch too, or was called to.
    caller_leads: bool,
    /// True if the log is dropped: the last writer then empties the queue.
    closes: bool,
    thread: OwnThread,
    /// Tasks that wait for room.
    room: Wakers,
    poison: Option<Arc<PoisonCause>>,
}

/// The log's own thread. Once it is there, it is its turn whenever no caller leads.
#[derive(Debug, Default)]
struct OwnThread {
    is_there: bool,
    /// Callers for which it wants to be woken; none while it writes.
    wanted: Option<usize>,
    /// Callers of the group that was written last.
    last: usize,
    /// True if it is to end when nothing waits.
    ends: bool,
}

/// Groups that will never be written, with the cause to report to their callers.
#[must_use]
pub(crate) struct GivenUp {
    cause: Arc<PoisonCause>,
    groups: VecDeque<Group>,
}

/// Work for the log's own thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Something waits to be written.
    IsHere,
    /// As that, but only just: others may follow.
    Came,
    /// No more work: the thread ends.
    End,
}

/// A batch that was queued.
pub(crate) struct Queued {
    /// The index of its first record.
    pub(crate) first: u64,
    pub(crate) outcome: Arc<Outcome>,
}

/// How a thread that waits for room goes on.
pub(crate) enum Turn {
    /// There was room, and it is taken.
    Room,
    /// Nobody writes, so that there will never be room: write the next group.
    Lead,
}

impl Queue {
    pub(crate) fn new(next: u64) -> Self {
        let inner = Inner {
            pending: VecDeque::new(),
            last: None,
            next,
            expected: 0,
            caller_leads: false,
            closes: false,
            thread: OwnThread::default(),
            room: Wakers::default(),
            poison: None,
        };
        Self { inner: Mutex::new(inner), room: Condvar::new(), work: Condvar::new() }
    }

    /// Waits for room for one record of any length, or until it is the caller's turn to write.
    pub(crate) fn wait_for_room(&self) -> Result<Turn, AppendError> {
        let inner = self.lock();
        let (mut inner, turn) = self.wait_for(inner, (1, ROOM_BYTES))?;
        inner.expected += usize::from(matches!(turn, Turn::Room));
        Ok(turn)
    }

    /// As [`wait_for_room`](Self::wait_for_room), for a task, which never leads: the log's own thread
    /// must be there.
    pub(crate) fn poll_room(
        &self,
        context: &Context<'_>,
        wait: &mut Wait,
    ) -> Poll<Result<(), AppendError>> {
        let mut inner = self.lock();
        inner.check()?;
        if !inner.has_room((1, ROOM_BYTES)) {
            inner.room.keep(context.waker(), wait);
            return Poll::Pending;
        }
        inner.expected += 1;
        Poll::Ready(Ok(()))
    }

    /// Gives room back that was taken for one record.
    pub(crate) fn give_room(&self) {
        let mut inner = self.lock();
        inner.expected = inner.expected.saturating_sub(1);
        drop(inner);
        self.tell_of_room();
    }

    /// Queues a record for which there is room, without waiting for anything.
    pub(crate) fn push_into_room(&self, batch: Batch) -> Result<Queued, AppendError> {
        let mut inner = self.lock();
        inner.expected = inner.expected.saturating_sub(1);
        let queued = self.push_into(inner, batch);
        // Most records are much shorter than what they have room for. WHY threads alone: the caller may
        // hold locks, and wakers do anything; tasks are told when this is written.
        self.room.notify_all();
        queued
    }

    /// Queues a batch without room: for the few callers who must not wait.
    pub(crate) fn push_at_once(&self, batch: Batch) -> Result<Queued, AppendError> {
        self.push_into(self.lock(), batch)
    }

    /// Queues the batch of a thread; waits for room, or gives it back when it is the caller's turn to
    /// write.
    pub(crate) fn push(&self, batch: Batch) -> Result<Result<Queued, Batch>, AppendError> {
        let need = (batch.leaves.len(), batch.body().len());
        match self.wait_for(self.lock(), need)? {
            (inner, Turn::Room) => self.push_into(inner, batch).map(Ok),
            (_, Turn::Lead) => Ok(Err(batch)),
        }
    }

    fn wait_for<'q>(
        &'q self,
        mut inner: MutexGuard<'q, Inner>,
        need: (usize, usize),
    ) -> Result<(MutexGuard<'q, Inner>, Turn), AppendError> {
        loop {
            inner.check()?;
            if inner.has_room(need) {
                return Ok((inner, Turn::Room));
            }
            if inner.takes_lead() {
                return Ok((inner, Turn::Lead));
            }
            inner = self.room.wait(inner).unwrap_or_else(poisoned);
        }
    }

    fn push_into(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        batch: Batch,
    ) -> Result<Queued, AppendError> {
        inner.check()?;
        let (first, outcome) = inner.push(batch);
        let is_wanted = inner.thread.wanted.is_some_and(|wanted| inner.callers() >= wanted);
        drop(inner);
        if is_wanted {
            self.work.notify_one();
        }
        Ok(Queued { first, outcome })
    }

    /// Returns true if the caller is to write the next group now, since nobody does.
    pub(crate) fn takes_lead(&self) -> bool {
        self.lock().takes_lead()
    }

    /// Returns true if the log is dropped, and the caller is to write what is still here.
    pub(crate) fn takes_last_lead(&self) -> bool {
        let mut inner = self.lock();
        inner.closes && inner.takes_lead()
    }

    /// Of the last group that was begun, if there was one.
    pub(crate) fn last(&self) -> Result<Option<Arc<Outcome>>, AppendError> {
        let inner = self.lock();
        inner.check()?;
        Ok(inner.last.clone())
    }

    /// The log is dropped.
    pub(crate) fn close(&self) {
        self.lock().closes = true;
    }

    /// The first failure, if there was one.
    pub(crate) fn check(&self) -> Result<(), AppendError> {
        self.lock().check()
    }

    /// Takes the group that is to be written next.
    pub(crate) fn take(&self) -> Option<Group> {
        let mut inner = self.lock();
        let group = inner.pending.pop_front()?;
        inner.thread.last = group.callers;
        Some(group)
    }

    /// Tells those who wait for room that a group was taken.
    pub(crate) fn tell_of_room(&self) {
        let wakers = self.lock().room.take();
        self.room.notify_all();
        outcome::wake(wakers);
    }

    /// Ends the turn of the writer: next is the log's own thread, or a caller whose batch waits.
    pub(crate) fn hand_over(&self) {
        let mut inner = self.lock();
        if inner.thread.is_there {
            inner.caller_leads = false;
            drop(inner);
            self.work.notify_one();
            return;
        }
        // A caller that waits for a later group writes those before it.
        let next = inner.pending.iter().find(|group| group.outcome.has_waiting_thread());
        let next = next.map(|group| Arc::clone(&group.outcome));
        inner.caller_leads = next.is_some();
        drop(inner);
        match next {
            Some(next) => next.call(),
            // For those who wait for room: nobody writes now.
            None => self.room.notify_all(),
        }
    }

    /// From now on the log's own thread writes.
    pub(crate) fn begin_thread(&self) {
        self.lock().thread.is_there = true;
    }

    /// What the log's own thread does between two groups: waits a little for as many callers as the
    /// last one had. Those who were told come back at about the same time.
    pub(crate) fn gather(&self) {
        let mut inner = self.lock();
        let wanted = inner.thread.last;
        inner.thread.wanted = Some(wanted);
        let is_short = |inner: &mut Inner| {
            inner.callers() < wanted && inner.poison.is_none() && !inner.thread.ends
        };
        let gathered = self.work.wait_timeout_while(inner, GATHER_TIME, is_short);
        // If another thread panicked, the queue says so when it is locked next.
        let (mut inner, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        inner.thread.wanted = None;
    }

    /// Waits until it is the turn of the log's own thread, and something is there to write.
    pub(crate) fn wait_for_work(&self) -> Work {
        let mut inner = self.lock();
        let mut work = Work::IsHere;
        loop {
            if inner.poison.is_some() {
                drop(inner);
                self.poison(PoisonCause::Panic);
                return Work::End;
            }
            let is_next = !inner.caller_leads;
            if is_next && !inner.pending.is_empty() {
                inner.thread.wanted = None;
                return work;
            }
            if is_next && inner.thread.ends {
                return Work::End;
            }
            inner.thread.wanted = is_next.then_some(1);
            inner = self.work.wait(inner).unwrap_or_else(poisoned);
            work = Work::Came;
        }
    }

    /// Tells the log's own thread to end when nothing waits.
    pub(crate) fn end_thread(&self) {
        self.lock().thread.ends = true;
        self.work.notify_one();
    }

    /// Gives up: everybody who waits is told, and nothing more is written. Returns the first cause.
    pub(crate) fn poison(&self, cause: PoisonCause) -> Arc<PoisonCause> {
        let given_up = self.give_up(cause);
        self.tell(given_up)
    }

    /// As [`poison`](Self::poison), but tells nobody yet: wakers may do anything, and so are called
    /// without a lock.
    pub(crate) fn give_up(&self, cause: PoisonCause) -> GivenUp {
        let mut inner = self.lock();
        let cause = Arc::clone(inner.poison.get_or_insert_with(|| Arc::new(cause)));
        GivenUp { cause, groups: std::mem::take(&mut inner.pending) }
    }

    /// Tells everybody of what was given up. Returns the first cause.
    pub(crate) fn tell(&self, given_up: GivenUp) -> Arc<PoisonCause> {
        self.work.notify_all();
        for group in given_up.groups {
            group.outcome.fail(&given_up.cause);
        }
        self.tell_of_room();
        given_up.cause
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

    fn callers(&self) -> usize {
        self.pending.iter().map(|group| group.callers).sum()
    }

    /// Returns true if this many more records of this many bytes can wait. A batch longer than the whole
    /// queue waits alone.
    fn has_room(&self, (records, bytes): (usize, usize)) -> bool {
        let here = self.pending.iter().map(|group| group.batch.body().len());
        let bytes = bytes + here.sum::<usize>() + self.expected * ROOM_BYTES;
        let here = self.pending.iter().map(|group| group.batch.leaves.len());
        let records = records + here.sum::<usize>() + self.expected;
        (self.pending.is_empty() && self.expected == 0)
            || (bytes <= QUEUE_BYTES_MAX && records <= QUEUE_RECORDS_MAX)
    }

    fn takes_lead(&mut self) -> bool {
        let takes = !self.thread.is_there && !self.caller_leads && !self.pending.is_empty();
        self.caller_leads |= takes;
        takes
    }

    fn push(&mut self, batch: Batch) -> (u64, Arc<Outcome>) {
        let first = self.next;
        self.next += to_u64(batch.leaves.len());
        let len = batch.body().len();
        let fits = |group: &Group| {
            !batch.is_large()
                && !group.batch.is_large()
                && group.batch.body().len() + len <= GROUP_BODY_LEN_MAX
        };
        if let Some(group) = self.pending.back_mut()
            && fits(group)
        {
            group.batch.append(&batch);
            group.callers += 1;
            return (first, Arc::clone(&group.outcome));
        }
        let outcome = Arc::<Outcome>::default();
        self.last = Some(Arc::clone(&outcome));
        self.pending.push_back(Group { batch, callers: 1, outcome: Arc::clone(&outcome) });
        (first, outcome)
    }
}

/// A thread panicked while it held the queue: nothing in it is trusted now.
fn poisoned(poisoned: PoisonError<MutexGuard<'_, Inner>>) -> MutexGuard<'_, Inner> {
    let mut inner = poisoned.into_inner();
    inner.poison.get_or_insert_with(|| Arc::new(PoisonCause::Panic));
    inner
}
