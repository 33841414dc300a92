//! The node's index: what the log amounts to up to a place, so that opening a node reads only the
//! records after it. Made of the log, checked against it, and never needed as long as the log has
//! its beginning.
//!
//! It holds every record but those of accesses, contracts and terminations; of each contract a small
//! row with its place in the log, its uses and what ended it; and the requests that could still be
//! replayed. Documents of contracts stay in the log. It is a fold over the log's records; of the node's
//! state it takes only what never changes of a contract.

pub(crate) mod error;
pub(crate) mod file;
mod format;
pub(crate) mod rows;
pub(crate) mod snapshots;
mod statement;

pub use self::error::{IndexError, Unusable};
pub use self::snapshots::{DirectorySnapshots, MemorySnapshots, Snapshots};

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dataspace_audit_log::{Log, reader::ReadError};
use dataspace_primitives::Signer;
use dataspace_tlog::{LeafIndex, Record, TreeSize, record::RecordError};
use thiserror::Error;

use crate::index::file::Known;
use crate::index::rows::{Base, Row, Tail};

use crate::index::statement::Statement;

/// How a node was opened: by its index or by reading the log.
#[derive(Debug)]
pub enum IndexState {
    /// It was: only the records after it were read.
    Used {
        /// Records of the log that it covers.
        size: TreeSize,
        /// Records read after those.
        replayed: u64,
    },
    /// It was not; the whole log was read, and the index rebuilt.
    Rebuilt {
        /// Why.
        why: Unusable,
        /// Records read: all of them.
        replayed: u64,
    },
}

impl IndexState {
    /// Records of the log that were read to open the node.
    #[must_use]
    pub fn replayed(&self) -> u64 {
        match self {
            Self::Used { replayed, .. } | Self::Rebuilt { replayed, .. } => *replayed,
        }
    }
}

/// Fewer records than this are not worth a new index.
const RECORDS_MIN: u64 = 4_096;

/// The index of an open node.
pub(crate) struct Index {
    snapshots: Box<dyn Snapshots>,
    base: Mutex<Base>,
    /// What the last attempt may have stored although it failed: its sync did, after the rename.
    unsure: Mutex<Option<Base>>,
    /// The size of the log at which the index is written again.
    due_at: AtomicU64,
    /// Why the last attempt failed.
    error: Mutex<Option<Arc<IndexError>>>,
}

impl Index {
    /// The index in `snapshots`, as it was read or, if it was not, before it is written.
    pub(crate) fn new(snapshots: Box<dyn Snapshots>, base: Base) -> Self {
        let due_at = AtomicU64::new(due_after(&base));
        let (base, unsure, error) = (Mutex::new(base), Mutex::default(), Mutex::default());
        Self { snapshots, base, unsure, due_at, error }
    }

    /// Hands the rows of the index in `snapshots` to `visit`; what that made of them is right only if
    /// this returns `Ok`.
    pub(crate) fn read(
        snapshots: &dyn Snapshots,
        log: &Log,
        visit: &mut dyn FnMut(Row<'_>) -> Result<(), Unusable>,
    ) -> Result<Base, Unusable> {
        file::read(snapshots, log, visit)
    }

    /// Writes the index if the log of `size` records has grown enough since the last time. Meant
    /// for a moment without locks: it reads and writes files. One thread does it, the others go on. Up to
    /// where it was written; `None` if it was not due.
    pub(crate) fn write_if_due(
        &self,
        size: u64,
        (log, known): (&Log, &dyn Known),
        key: &dyn Signer,
    ) -> Option<Result<TreeSize, Arc<IndexError>>> {
        if size < self.due_at.load(Ordering::Acquire) {
            return None;
        }
        let mut base = self.base.try_lock().ok()?;
        // Another thread may have written it since.
        let is_due = size >= self.due_at.load(Ordering::Acquire);
        is_due.then(|| self.write_from(&mut base, None, (log, known), key))
    }

    /// Writes the index of the log as it is, from `tail` if that reaches to its end.
    pub(crate) fn write(
        &self,
        tail: Option<Tail>,
        (log, known): (&Log, &dyn Known),
        key: &dyn Signer,
    ) -> Result<TreeSize, Arc<IndexError>> {
        self.write_from(&mut self.base(), tail, (log, known), key)
    }

    fn write_from(
        &self,
        base: &mut Base,
        tail: Option<Tail>,
        (log, known): (&Log, &dyn Known),
        key: &dyn Signer,
    ) -> Result<TreeSize, Arc<IndexError>> {
        let done = self.bring_up(base, tail, (log, known), key).map_err(Arc::new);
        let due_at = match &done {
            Ok(()) => due_after(base),
            // Not at once again: what is in the way may stay for a while.
            Err(_) => log.size().map_or(u64::MAX, |size| size.as_u64().saturating_add(RECORDS_MIN)),
        };
        self.due_at.store(due_at, Ordering::Release);
        let error = done.as_ref().err().cloned();
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = error;
        done.map(|()| TreeSize::new(base.size))
    }

    fn bring_up(
        &self,
        base: &mut Base,
        tail: Option<Tail>,
        (log, known): (&Log, &dyn Known),
        key: &dyn Signer,
    ) -> Result<(), IndexError> {
        let mut must_write = false;
        if let Some(unsure) = self.unsure().take()
            && Self::read(&*self.snapshots, log, &mut |_| Ok(())).is_ok_and(|one| one == unsure)
        {
            *base = unsure;
            // It may not be durable.
            must_write = true;
        }
        // WHY first: so an index that is ahead of its log shows a rollback, not a crash.
        let checkpoint = log.checkpoint(key).map_err(IndexError::failed)?;
        let size = checkpoint.size().as_u64();
        if size <= base.size && !must_write {
            return Ok(());
        }
        if log.first().map_err(IndexError::failed)?.as_u64() > base.size {
            return Err(IndexError::Archived { size: TreeSize::new(base.size) });
        }
        let tail = match tail {
            Some(tail) if tail.size == size => tail,
            _ => read_tail(log, base, size)?,
        };
        let stated = (log.origin(), checkpoint.root());
        let sign = |new: &Base| {
            *self.unsure() = Some(*new);
            Ok(Statement::sign(stated, new, key)?)
        };
        *base = file::write(&*self.snapshots, log, (base, &tail), known, &sign)?;
        *self.unsure() = None;
        Ok(())
    }

    /// Checks that the index is there as it was written last. How many records it covers.
    pub(crate) fn check(&self, log: &Log) -> Result<TreeSize, IndexError> {
        let base = self.base();
        match Self::read(&*self.snapshots, log, &mut |_| Ok(())) {
            Ok(stored) if stored == *base || Some(stored) == *self.unsure() => {
                Ok(TreeSize::new(stored.size))
            }
            Ok(_) => Err(IndexError::Changed),
            Err(unusable) => Err(IndexError::failed(unusable)),
        }
    }

    /// Copies the index as it was written last.
    pub(crate) fn copy_to(&self, to: &dyn Snapshots) -> io::Result<()> {
        let _written_by_nobody = self.base();
        snapshots::copy(&*self.snapshots, to)
    }

    /// Why the last attempt to write failed, if it did.
    pub(crate) fn error(&self) -> Option<Arc<IndexError>> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn unsure(&self) -> MutexGuard<'_, Option<Base>> {
        self.unsure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn base(&self) -> MutexGuard<'_, Base> {
        // It is replaced as a whole.
        self.base.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The size of the log at which an index is worth writing again: all rows are read for that, so
/// that for each access it comes to a constant.
fn due_after(base: &Base) -> u64 {
    base.size.saturating_add(RECORDS_MIN.max(base.rows / 4))
}

/// What the records from `base` to `size` add.
fn read_tail(log: &Log, base: &Base, size: u64) -> Result<Tail, IndexError> {
    let mut tail = Tail::after(base);
    log.replay_from(LeafIndex::new(base.size), |index, bytes| {
        if index.as_u64() < size {
            tail.take(index, &Record::from_bytes(bytes)?, bytes);
        }
        Ok::<_, TailError>(())
    })
    .map_err(IndexError::failed)?;
    Ok(tail)
}

#[derive(Debug, Error)]
enum TailError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Record(#[from] RecordError),
}
