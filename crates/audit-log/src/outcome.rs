use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::queue::{AppendError, PoisonCause};

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
}

/// Wakes all of them; one that panics harms neither the others nor who writes.
pub(crate) fn wake(wakers: Vec<Waker>) {
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
            return Poll::Ready(end);
        }
        inner.wakers.keep(context.waker(), wait);
        Poll::Pending
    }

    pub(crate) fn succeed(&self) {
        self.end(Stage::Durable);
    }

    pub(crate) fn fail(&self, cause: &Arc<PoisonCause>) {
        self.end(Stage::Failed(Arc::clone(cause)));
    }

    /// Calls one of the threads that wait, of which there must be one, to write the group; not if
    /// it was given up meanwhile, which they still have to be told.
    pub(crate) fn call(&self) {
        let mut inner = self.lock();
        if matches!(inner.stage, Stage::Waiting) {
            inner.stage = Stage::Next;
            drop(inner);
            self.changed.notify_one();
        }
    }

    fn end(&self, end: Stage) {
        let wakers = {
            let mut inner = self.lock();
            inner.stage = end;
            inner.wakers.take()
        };
        self.changed.notify_all();
        wake(wakers);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Whoever panicked here, the stage says what is true.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
