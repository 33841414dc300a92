//! A record between its place in the log and the disk.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use dataspace_primitives::Digest;
use dataspace_tlog::{LeafIndex, record::EncodedRecord, tree::empty_root};

use crate::append::batch::Batch;
use crate::append::error::AppendError;
use crate::append::outcome::Wait;
use crate::append::queue::Queued;
use crate::append::writer::Writer;
use crate::append::writer_thread::WriterThread;

/// The proof that a record is durable in the log. Only the log makes it, and it cannot be copied.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Appended {
    pub(crate) index: LeafIndex,
    pub(crate) leaf: Digest,
}

impl Appended {
    /// The record's place in the log.
    #[must_use]
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// The record's leaf hash (RFC 9162 §2.1.1).
    #[must_use]
    pub fn leaf(&self) -> Digest {
        self.leaf
    }
}

/// Room for one record among those that wait to be written, so that submitting it waits for nothing:
/// taken before a lock, used under it. Given back when it is dropped.
#[must_use]
pub struct Room<'l> {
    writer: &'l Arc<Writer>,
    thread: &'l Arc<WriterThread>,
    is_used: bool,
}

impl<'l> Room<'l> {
    /// Of room that was taken.
    pub(crate) fn new(writer: &'l Arc<Writer>, thread: &'l Arc<WriterThread>) -> Self {
        Self { writer, thread, is_used: false }
    }

    /// Gives the record its place in the log, behind all that were submitted before. It is durable when
    /// the answer says so, and then all before it are, too.
    ///
    /// # Errors
    /// [`AppendError`]; the record is not in the log, and gets no place in it.
    pub fn submit(mut self, record: &EncodedRecord) -> Result<Pending, AppendError> {
        let batch = Batch::new(std::slice::from_ref(record))?;
        self.is_used = true;
        let push = |batch| self.writer.queue.push_into_room(batch);
        Pending::of(self.writer, self.thread, batch, push)
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        if !self.is_used {
            self.writer.queue.give_room();
        }
    }
}

impl fmt::Debug for Room<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").finish_non_exhaustive()
    }
}

/// A record that has its place in the log, and may not be durable yet: nothing may be done on it
/// before [`wait`](Pending::wait) or the future's end says that it is. A task of any executor polls it.
///
/// Dropping it does not take the record back: it is written with the next one that somebody waits for,
/// or at the latest when the log is dropped. The first poll of any of these starts a thread, which
/// writes from then on, until the log is dropped.
///
/// A [`Waker`](std::task::Waker) must neither append to the log itself nor block. The writing thread may
/// call it, and no record is written meanwhile; so may another task that waited for the same sync, or
/// a reader or signer that finds the log poisoned.
#[must_use = "nothing may be done on a record before it is durable"]
pub struct Pending {
    // Weak, since a dropped log must leave its directory.
    writer: Weak<Writer>,
    thread: Weak<WriterThread>,
    queued: Queued,
    leaf: Digest,
    wait: Wait,
}

impl Pending {
    pub(crate) fn of(
        writer: &Arc<Writer>,
        thread: &Arc<WriterThread>,
        batch: Batch,
        push: impl FnOnce(Batch) -> Result<Queued, AppendError>,
    ) -> Result<Self, AppendError> {
        let leaf = batch.leaves.first().copied().unwrap_or_else(empty_root);
        let queued = push(batch)?;
        let (writer, thread) = (Arc::downgrade(writer), Arc::downgrade(thread));
        Ok(Self { writer, thread, queued, leaf, wait: Wait::default() })
    }

    /// The record's place in the log, if it ever gets there.
    #[must_use]
    pub fn index(&self) -> LeafIndex {
        LeafIndex::new(self.queued.first)
    }

    /// Waits until the record is durable. Threads that wait at the same time share one write and one
    /// sync, which one of them makes.
    ///
    /// # Errors
    /// [`AppendError::Poisoned`]: the record may be in the log, which opening it again tells.
    pub fn wait(self) -> Result<Appended, AppendError> {
        match (self.queued.outcome.end(), self.writer.upgrade()) {
            (Some(end), _) => end?,
            (None, Some(writer)) => writer.wait(&self.queued.outcome)?,
            // The log wrote all when it was dropped.
            (None, None) => self.queued.outcome.wait().unwrap_or(Ok(()))?,
        }
        Ok(self.appended())
    }

    fn appended(&self) -> Appended {
        Appended { index: self.index(), leaf: self.leaf }
    }
}

impl Future for Pending {
    type Output = Result<Appended, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(thread) = self.thread.upgrade() {
            thread.start().map_err(AppendError::Thread)?;
        }
        let this = &mut *self;
        match this.queued.outcome.poll(context, &mut this.wait) {
            Poll::Ready(end) => Poll::Ready(end.map(|()| this.appended())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("index", &self.index()).finish_non_exhaustive()
    }
}
