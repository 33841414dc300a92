use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::append::error::{AppendError, PoisonCause};

/// The tasks that wait for one thing.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    /// How often all were taken.
    round: u64,
    wakers: Vec<Waker>,
}

/// Where the waker of one task that waits is kept: the round, and the place in it.
#[derive(Debug, Default)]
pub(crate) struct Wait(Option<(u64, usize)>);

impl Wakers {
    /// Keeps one waker for each `wait`, the last one.
    pub(crate) fn keep(&mut self, waker: &Waker, wait: &mut Wait) {
        let at = wait.0.filter(|(round, _)| *round == self.round).map(|(_, at)| at);
        if let Some(known) = at.and_then(|at| self.wakers.get_mut(at)) {
            known.clone_from(waker);
        } else {
            wait.0 = Some((self.round, self.wakers.len()));
            self.wakers.push(waker.clone());
        }
    }

    /// All of them, to be woken without a lock.
    pub(crate) fn take(&mut self) -> Vec<Waker> {
        self.round += 1;
        std::mem::take(&mut self.wakers)
    }

    /// Takes one waker; it is no longer kept.
    fn take_one(&mut self) -> Option<Waker> {
        self.wakers.pop()
    }
}

/// Wakes all of them; one that panics harms neither the others nor who wakes.
pub(crate) fn wake(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        let _ended = catch_unwind(AssertUnwindSafe(|| waker.wake()));
    }
}

/// How far a group has come: what its callers wait for, and nothing else, so that being told does
/// not make them queue for one lock.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    stage: Stage,
    /// Threads that wait, or are about to.
    threads: usize,
    wakers: Wakers,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Waiting,
    /// One of the threads that wait is to write the group.
    Next,
    Durable,
    Failed(Arc<PoisonCause>),
}

impl Stage {
    fn end(&self) -> Option<Result<(), AppendError>> {
        match self {
            Self::Waiting | Self::Next => None,
            Self::Durable => Some(Ok(())),
            Self::Failed(cause) => Some(Err(AppendError::Poisoned { cause: Arc::clone(cause) })),
        }
    }
}

impl Outcome {
    /// One more thread is going to wait until the end, so that it can be called to write.
    pub(crate) fn begin_to_wait(&self) {
        self.lock().threads += 1;
    }

    /// Returns true if there is a thread that can be called.
    pub(crate) fn has_waiting_thread(&self) -> bool {
        self.lock().threads > 0
    }

    /// The end, if it has come.
    pub(crate) fn end(&self) -> Option<Result<(), AppendError>> {
        self.lock().stage.end()
    }

    /// Waits for the end; returns early, and to one thread alone, if that is to write the group.
    pub(crate) fn wait(&self) -> Option<Result<(), AppendError>> {
        let mut inner = self.lock();
        loop {
            if let Some(end) = inner.stage.end() {
                return Some(end);
            }
            if matches!(inner.stage, Stage::Next) {
                inner.stage = Stage::Waiting;
                return None;
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// As [`wait`](Self::wait), of a task, which never writes. `wait` is kept for the next call.
    pub(crate) fn poll(
        &self,
        context: &Context<'_>,
        wait: &mut Wait,
    ) -> Poll<Result<(), AppendError>> {
        let mut inner = self.lock();
        if let Some(end) = inner.stage.end() {
            let others = inner.wakers.take();
            drop(inner);
            wake(others);
            return Poll::Ready(end);
        }
        inner.wakers.keep(context.waker(), wait);
        Poll::Pending
    }

    /// Tells all threads and one task, which tells the others when it runs: waking every task from a thread
    /// outside its executor is expensive. That task may never run, so call
    /// [`tell_others`](Self::tell_others) soon afterwards.
    pub(crate) fn succeed(&self) {
        let one = {
            let mut inner = self.lock();
            inner.stage = Stage::Durable;
            inner.wakers.take_one()
        };
        self.changed.notify_all();
        wake(one);
    }

    /// Tells all tasks that were not told yet.
    pub(crate) fn tell_others(&self) {
        let others = self.lock().wakers.take();
        wake(others);
    }

    pub(crate) fn fail(&self, cause: &Arc<PoisonCause>) {
        self.lock().stage = Stage::Failed(Arc::clone(cause));
        self.changed.notify_all();
        self.tell_others();
    }

    /// Asks one waiting thread (there must be one) to write the group. Does nothing if the group was given
    /// up; its waiters still learn of that.
    pub(crate) fn call(&self) {
        let mut inner = self.lock();
        if matches!(inner.stage, Stage::Waiting) {
            inner.stage = Stage::Next;
            drop(inner);
            self.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Even if a thread panicked here, the stage is right.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
