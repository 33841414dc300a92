//! The latest checkpoints of other people's logs: what finds forks and rollbacks.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, RwLock};

use dataspace_identity::Origin;
use dataspace_primitives::Digest;
use thiserror::Error;

use crate::note::checkpoint::{Checkpoint, CheckpointError};
use crate::tree::hash::{TreeSize, empty_root};
use crate::tree::proof::{ConsistencyProof, ProofError};
use crate::witness::fork::{ForkError, ForkProof};
use crate::witness::seen_store::SeenStore;

/// The latest checkpoint that was seen of each log that is followed. It is replaced only by one
/// that is proved to extend it, and durably so; what is kept never becomes smaller.
///
/// Participants keep each other's checkpoints with it, and a [`Witness`](crate::Witness) is built
/// on it. Shared by reference between threads; calls for one log wait for each other.
#[derive(Debug)]
pub struct Seen {
    store: Box<dyn SeenStore>,
    logs: RwLock<BTreeMap<String, Arc<Mutex<Slot>>>>,
}

/// One log.
#[derive(Debug)]
struct Slot {
    held: Option<Checkpoint>,
    /// INVARIANT: true from before a write until it has succeeded; then nobody knows what a crash
    /// would leave, so nothing more is said about this log.
    failed: bool,
}

/// Relation of a checkpoint to the one that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Taken {
    /// The first of this log. It is believed as it is, and held from now on.
    First,
    /// It extends the one that was held, and has taken its place.
    Newer {
        /// Records under the one that was held.
        from: TreeSize,
    },
    /// The same tree. What is held stays.
    Same,
    /// A past state of the held one, which stays. Showing it as the newest state means a rollback or an old
    /// copy; no signature tells which.
    Older {
        /// Records under the one that is held.
        held: TreeSize,
    },
}

/// Why a checkpoint does not take the place of the one that is held.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The proof starts at a larger tree than the checkpoint's.
    #[error("the proof starts at {old} records, the checkpoint has {new}")]
    OldSize {
        /// Where the proof starts.
        old: TreeSize,
        /// Records under the checkpoint.
        new: TreeSize,
    },
    /// The proof does not start at the checkpoint that is held.
    #[error("the proof starts at {old} records, the latest checkpoint that was seen has {held}")]
    Stale {
        /// Where the proof starts.
        old: TreeSize,
        /// Records under the one that is held; 0 if none is.
        held: TreeSize,
    },
    /// A checkpoint of no record with another root than the empty tree's (RFC 9162 §2.1.1).
    #[error("the checkpoint has no record, and not the root of the empty tree")]
    EmptyRoot,
    /// The proof does not show that one extends the other.
    #[error("the checkpoint is not shown to extend the one that was seen before")]
    Inconsistent(#[from] ProofError),
}

/// The proof that an operator signed two histories, as it was found.
#[derive(Debug)]
pub struct FoundFork {
    /// The proof. Show it to others.
    pub proof: ForkProof,
    /// Why the store does not have it, if keeping it failed: then keep it elsewhere.
    pub unsaved: Option<io::Error>,
}

/// A checkpoint that was refused, and what that proves, if it proves something.
struct Refused {
    reason: Refusal,
    fork: Option<Box<ForkProof>>,
}

/// Why a log is not followed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FollowError {
    /// The medium failed.
    #[error("what was seen of the log cannot be read")]
    Io(#[from] io::Error),
    /// What was kept does not verify. It is not taken for nothing: that would be a rollback.
    #[error("what was seen of the log `{origin}` is damaged; restore the newest good copy of it")]
    Damaged {
        /// The log.
        origin: Origin,
        /// The problem.
        #[source]
        source: CheckpointError,
    },
    /// A thread panicked.
    #[error("what was seen is unknown until it is opened again")]
    Poisoned,
}

/// Why a checkpoint is not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TakeError {
    /// A log that is not followed.
    #[error("the log `{origin}` is not followed here")]
    Unfollowed {
        /// The log.
        origin: Origin,
    },
    /// The operator signed two histories.
    #[error("the log's operator signed two histories that contradict each other")]
    Fork(Box<FoundFork>),
    /// Neither the one nor the other is shown.
    #[error("the checkpoint is not shown to fit the one that is held")]
    Unproved(#[source] Refusal),
    /// The medium failed; nothing is known of this log until what was seen is opened again.
    #[error("the checkpoint cannot be stored")]
    Io(#[from] io::Error),
    /// An earlier write failed, or a thread panicked.
    #[error("what was seen of the log is unknown until it is opened again")]
    Poisoned,
}

/// Why [`Seen::advance`] did not.
pub(crate) enum AdvanceError<E> {
    Unfollowed,
    Refused(Refusal, Option<Box<FoundFork>>),
    /// The caller's own reason.
    Caller(E),
    Io(io::Error),
    Poisoned,
}

impl Seen {
    /// Follows no log yet.
    #[must_use]
    pub fn new(store: Box<dyn SeenStore>) -> Self {
        Self { store, logs: RwLock::default() }
    }

    /// Follows the log `origin` from now on, beginning with what was kept of it.
    ///
    /// # Errors
    /// [`FollowError`] if what was kept cannot be read.
    pub fn follow(&self, origin: &Origin) -> Result<(), FollowError> {
        let mut logs = self.logs.write().map_err(|_| FollowError::Poisoned)?;
        if logs.contains_key(origin.as_str()) {
            return Ok(());
        }
        let damaged = |source| FollowError::Damaged { origin: origin.clone(), source };
        let held = match self.store.read(origin)? {
            Some(note) => {
                let note = String::from_utf8(note).map_err(|_| damaged(CheckpointError::Form))?;
                Some(Checkpoint::verify(&note, origin).map_err(damaged)?)
            }
            None => None,
        };
        let slot = Slot { held, failed: false };
        logs.insert(origin.as_str().to_owned(), Arc::new(Mutex::new(slot)));
        Ok(())
    }

    /// The latest checkpoint that was seen of `origin`, if one was.
    ///
    /// # Errors
    /// [`TakeError::Unfollowed`] or [`TakeError::Poisoned`].
    pub fn latest(&self, origin: &Origin) -> Result<Option<Checkpoint>, TakeError> {
        let unfollowed = || TakeError::Unfollowed { origin: origin.clone() };
        let slot = self.slot(origin).map_err(|()| TakeError::Poisoned)?.ok_or_else(unfollowed)?;
        let slot = slot.lock().map_err(|_| TakeError::Poisoned)?;
        if slot.failed { Err(TakeError::Poisoned) } else { Ok(slot.held.clone()) }
    }

    /// The first proof that the operator of `origin` forked its log, if one was kept.
    ///
    /// # Errors
    /// [`TakeError::Io`] if it cannot be read.
    pub fn fork(&self, origin: &Origin) -> Result<Option<ForkProof>, TakeError> {
        let Some(bytes) = self.store.read_fork(origin)? else { return Ok(None) };
        let invalid = |error: ForkError| io::Error::new(io::ErrorKind::InvalidData, error);
        let proof = ForkProof::from_bytes(&bytes).map_err(invalid)?;
        proof.verify(origin).map_err(invalid)?;
        Ok(Some(proof))
    }

    /// Takes a checkpoint that somebody shows. `path` is the consistency proof from the smaller
    /// of the two trees, this one's and the one that is held, to the larger; empty for the first
    /// checkpoint and for one of the same size.
    ///
    /// # Errors
    /// [`TakeError::Fork`] if it contradicts the one that is held, and that can be proved; else
    /// [`TakeError`] if it is not shown to fit. What is held stays.
    pub fn take(&self, checkpoint: &Checkpoint, path: &[Digest]) -> Result<Taken, TakeError> {
        let origin = checkpoint.origin();
        let unfollowed = || TakeError::Unfollowed { origin: origin.clone() };
        let slot = self.slot(origin).map_err(|()| TakeError::Poisoned)?.ok_or_else(unfollowed)?;
        let mut slot = slot.lock().map_err(|_| TakeError::Poisoned)?;
        if slot.failed {
            return Err(TakeError::Poisoned);
        }
        let judged = match &slot.held {
            Some(held) if checkpoint.size() < held.size() => {
                follows(checkpoint, held, path).map(|()| Taken::Older { held: held.size() })
            }
            held => slot.judge(checkpoint, size_of(held.as_ref()), path).map(|()| match held {
                None => Taken::First,
                Some(held) if held.size() == checkpoint.size() => Taken::Same,
                Some(held) => Taken::Newer { from: held.size() },
            }),
        };
        match judged {
            Ok(taken @ (Taken::First | Taken::Newer { .. })) => {
                slot.write(&*self.store, checkpoint.clone())?;
                Ok(taken)
            }
            Ok(taken @ (Taken::Same | Taken::Older { .. })) => Ok(taken),
            Err(Refused { reason, fork: None }) => Err(TakeError::Unproved(reason)),
            Err(Refused { fork: Some(fork), .. }) => {
                Err(TakeError::Fork(Box::new(self.keep_fork(origin, *fork))))
            }
        }
    }

    /// Replaces the held checkpoint by what `keep` makes of the new one, if `path` proves that it
    /// extends the held one, whose size the caller knows as `old`. `keep` sees the one held
    /// before. On return it is durable, and no other call for this log came between.
    pub(crate) fn advance<E>(
        &self,
        new: &Checkpoint,
        (old, path): (TreeSize, &[Digest]),
        keep: impl FnOnce(Option<&Checkpoint>) -> Result<Checkpoint, E>,
    ) -> Result<(), AdvanceError<E>> {
        let slot = self.slot(new.origin()).map_err(|()| AdvanceError::Poisoned)?;
        let slot = slot.ok_or(AdvanceError::Unfollowed)?;
        let mut slot = slot.lock().map_err(|_| AdvanceError::Poisoned)?;
        if slot.failed {
            return Err(AdvanceError::Poisoned);
        }
        if let Err(Refused { reason, fork }) = slot.judge(new, old, path) {
            let fork = fork.map(|fork| Box::new(self.keep_fork(new.origin(), *fork)));
            return Err(AdvanceError::Refused(reason, fork));
        }
        let kept = keep(slot.held.as_ref()).map_err(AdvanceError::Caller)?;
        slot.write(&*self.store, kept).map_err(AdvanceError::Io)
    }

    fn slot(&self, origin: &Origin) -> Result<Option<Arc<Mutex<Slot>>>, ()> {
        Ok(self.logs.read().map_err(|_| ())?.get(origin.as_str()).cloned())
    }

    /// Keeps the first proof: one is enough, and a peer must not be able to fill the disk.
    fn keep_fork(&self, origin: &Origin, proof: ForkProof) -> FoundFork {
        let keep = || {
            if self.store.read_fork(origin)?.is_some() {
                return Ok(());
            }
            self.store.write_fork(origin, &proof.to_bytes().map_err(io::Error::other)?)
        };
        let unsaved = keep().err();
        FoundFork { proof, unsaved }
    }
}

impl Slot {
    /// Checks that `new` extends the held one (C2SP tlog-witness, "add-checkpoint").
    fn judge(&self, new: &Checkpoint, old: TreeSize, path: &[Digest]) -> Result<(), Refused> {
        let refused = |reason, fork| Err(Refused { reason, fork });
        if old > new.size() {
            return refused(Refusal::OldSize { old, new: new.size() }, None);
        }
        let held = size_of(self.held.as_ref());
        if old != held {
            // Two roots of one size contradict each other, whatever was asked.
            let fork = self.held.as_ref().and_then(|held| ForkProof::of_one_size(held, new).ok());
            return refused(Refusal::Stale { old, held }, fork.map(Box::new));
        }
        if new.size() == TreeSize::EMPTY && new.root() != empty_root() {
            return refused(Refusal::EmptyRoot, None);
        }
        if let Some(held) = &self.held {
            return follows(held, new, path);
        }
        let (from, to, path) = (TreeSize::EMPTY, new.size(), path.to_vec());
        let verified = ConsistencyProof { from, to, path }.verify(&empty_root(), &new.root());
        verified.map_err(|error| Refused { reason: error.into(), fork: None })
    }

    fn write(&mut self, store: &dyn SeenStore, new: Checkpoint) -> io::Result<()> {
        if new.size() < size_of(self.held.as_ref()) {
            return Err(io::Error::other("a smaller checkpoint would replace a larger one"));
        }
        self.failed = true;
        store.write(new.origin(), new.as_note().as_bytes())?;
        self.failed = false;
        self.held = Some(new);
        Ok(())
    }
}

/// Checks that `path` proves that the tree of `later` extends the one of `earlier`.
fn follows(earlier: &Checkpoint, later: &Checkpoint, path: &[Digest]) -> Result<(), Refused> {
    let (from, to) = (earlier.size(), later.size());
    let proof = ConsistencyProof { from, to, path: path.to_vec() };
    proof.verify(&earlier.root(), &later.root()).map_err(|error| {
        let fork = ForkProof::of_path(earlier, later, path);
        Refused { reason: error.into(), fork: fork.map(Box::new) }
    })
}

fn size_of(held: Option<&Checkpoint>) -> TreeSize {
    held.map_or(TreeSize::EMPTY, Checkpoint::size)
}
