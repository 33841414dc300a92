use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLockReadGuard};

use dataspace_primitives::{Digest, Signer};
use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::origin::Origin;
use crate::proof::{ConsistencyProof, InclusionProof};
use crate::record::{RECORD_LEN_MAX, Record};
use crate::recovery::{OpenError, Recovery, record_at, recover};
use crate::segment::{Group, GroupRead, HeaderRead, SegmentHeader, read_group};
use crate::state::State;
use crate::storage::{FileStorage, Storage};
use crate::tree::{LeafIndex, TreeError, TreeSize, leaf_hash};
use crate::writer::{AppendError, Batch, PoisonCause, Writer};

/// An append-only log of [`Record`]s. Shared by reference between threads.
#[derive(Debug)]
pub struct Log {
    origin: Origin,
    writer: Writer,
    /// Keeps a checkpoint from replacing a later one.
    checkpointing: Mutex<()>,
}

/// The proof that a record is durable in the log. Only the log makes it, and it cannot be copied.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Appended {
    index: LeafIndex,
    leaf: Digest,
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

/// Why a log is not created.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The medium failed, or another process holds the directory.
    #[error("the log cannot be created")]
    Io(#[from] io::Error),
    /// There is something already; it is left alone.
    #[error("there is a log or a checkpoint already")]
    Exists,
}

/// Why a record cannot be read back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The medium failed.
    #[error("the log cannot be read")]
    Io(#[from] io::Error),
    /// There is no such record.
    #[error("there is no record {index}; the log has {size}")]
    Index {
        /// The record asked for.
        index: LeafIndex,
        /// Records in the log.
        size: TreeSize,
    },
    /// The bytes on the medium are no longer those that were written.
    #[error("record {index} is no longer the one that was written")]
    Corrupt {
        /// The record, or the first of its group.
        index: LeafIndex,
    },
    /// A thread panicked while it changed the tree; open the log again.
    #[error("the log is poisoned until it is opened again")]
    Poisoned,
}

/// Why a proof is not given.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The tree has no such root or proof.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why a checkpoint was not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignCheckpointError {
    /// The log is poisoned, so it vouches for nothing.
    #[error("the log is poisoned until it is opened again")]
    Poisoned {
        /// The first failure.
        #[source]
        cause: Arc<PoisonCause>,
    },
    /// The signer does not hold the operator's key.
    #[error("the checkpoint cannot be signed")]
    Sign(#[from] CheckpointError),
    /// The checkpoint was signed and may not be stored.
    #[error("the checkpoint cannot be stored")]
    Io(#[from] io::Error),
}

/// Why the log is not the one that an outside checkpoint was made of.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExtendsError {
    /// The checkpoint is of another log.
    #[error("the checkpoint is of the log `{found}`")]
    Origin {
        /// The log of the checkpoint.
        found: Origin,
    },
    /// The log has fewer records than the operator signed once: it was rolled back.
    #[error("the operator signed {signed} records, the log has {found}: it was rolled back")]
    RolledBack {
        /// Records under the checkpoint.
        signed: TreeSize,
        /// Records in the log.
        found: TreeSize,
    },
    /// The log's records are not those that the operator signed once: it was forked or rewritten.
    #[error("the first {signed} records are not those that the operator signed")]
    Forked {
        /// Records under the checkpoint.
        signed: TreeSize,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Log {
    /// Creates an empty log in `dir`, which is made if it is not there; a creation that a crash
    /// cut short is begun again.
    ///
    /// # Errors
    /// [`CreateError`] if there is a log already, or the file system refuses.
    pub fn create(dir: &Path, origin: Origin) -> Result<Self, CreateError> {
        Self::create_on(Box::new(FileStorage::create(dir)?), origin)
    }

    /// Creates an empty log on any storage.
    ///
    /// # Errors
    /// [`CreateError`] if there is a log already, or the storage fails.
    pub fn create_on(storage: Box<dyn Storage>, origin: Origin) -> Result<Self, CreateError> {
        let segment = SegmentHeader::new(&origin);
        let empty = matches!(segment.compare(&*storage)?, HeaderRead::Unfinished);
        if !empty || storage.read_checkpoint()?.is_some() {
            return Err(CreateError::Exists);
        }
        storage.truncate(0)?;
        storage.write_at(0, &segment.bytes)?;
        storage.sync_data()?;
        let state = State::new(segment.len());
        Ok(Self::new(storage, segment, state, origin))
    }

    /// Opens the log in `dir`: reads every record, holds them against the stored checkpoint, and
    /// cuts off what a crash left of a last write.
    ///
    /// # Errors
    /// [`OpenError`] if the log is damaged, shortened or rewritten, or is another one.
    pub fn open(dir: &Path, origin: Origin) -> Result<(Self, Recovery), OpenError> {
        Self::open_on(Box::new(FileStorage::open(dir)?), origin)
    }

    /// Opens the log on any storage.
    ///
    /// # Errors
    /// [`OpenError`] if the log is damaged, shortened or rewritten, or is another one.
    pub fn open_on(
        storage: Box<dyn Storage>,
        origin: Origin,
    ) -> Result<(Self, Recovery), OpenError> {
        let segment = SegmentHeader::new(&origin);
        let (state, recovery) = recover(&*storage, &segment, &origin)?;
        Ok((Self::new(storage, segment, state, origin), recovery))
    }

    fn new(
        storage: Box<dyn Storage>,
        segment: SegmentHeader,
        state: State,
        origin: Origin,
    ) -> Self {
        let writer = Writer::new(storage, segment, state);
        Self { origin, writer, checkpointing: Mutex::new(()) }
    }

    /// Which log this is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Appends `record` and waits until it is durable. Threads that wait at the same time share
    /// one write and one sync; the order of the log is the order in which they came.
    ///
    /// # Errors
    /// [`AppendError`]. After [`AppendError::Poisoned`], every later call fails too.
    pub fn append(&self, record: &Record) -> Result<Appended, AppendError> {
        let batch = Arc::new(Batch::new(std::slice::from_ref(record))?);
        let first = self.writer.append(&batch)?;
        let leaf = batch.leaves().first().copied().unwrap_or_else(crate::tree::empty_root);
        Ok(Appended { index: LeafIndex::new(first), leaf })
    }

    /// Appends all of `records`, next to each other; after a crash either all of them are in the
    /// log or none.
    ///
    /// # Errors
    /// [`AppendError`]. After [`AppendError::Poisoned`], every later call fails too.
    pub fn append_batch(&self, records: &[Record]) -> Result<Vec<Appended>, AppendError> {
        let batch = Arc::new(Batch::new(records)?);
        if batch.is_empty() {
            self.writer.check()?;
            return Ok(Vec::new());
        }
        let first = self.writer.append(&batch)?;
        let indices = (first..).map(LeafIndex::new);
        let appended = indices.zip(batch.leaves());
        Ok(appended.map(|(index, leaf)| Appended { index, leaf: *leaf }).collect())
    }

    /// Whether the log still takes records.
    ///
    /// # Errors
    /// [`AppendError::Poisoned`] with the first cause, if it does not.
    pub fn check(&self) -> Result<(), AppendError> {
        self.writer.check()
    }

    /// Durable records in the log.
    ///
    /// # Errors
    /// [`ReadError::Poisoned`].
    pub fn size(&self) -> Result<TreeSize, ReadError> {
        Ok(self.state()?.tree.size())
    }

    /// The root over the first `size` records.
    ///
    /// # Errors
    /// [`ProveError`] if there are fewer records.
    pub fn root_at(&self, size: TreeSize) -> Result<Digest, ProveError> {
        Ok(self.state()?.tree.root_at(size)?)
    }

    /// The proof that the record at `index` is among the first `size`.
    ///
    /// # Errors
    /// [`ProveError`] if it is not.
    pub fn inclusion_proof(
        &self,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<InclusionProof, ProveError> {
        Ok(self.state()?.tree.inclusion_proof(index, size)?)
    }

    /// The proof that the log of `to` records extends the one of `from`.
    ///
    /// # Errors
    /// [`ProveError`] if there are fewer records, or `from` is larger than `to`.
    pub fn consistency_proof(
        &self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, ProveError> {
        Ok(self.state()?.tree.consistency_proof(from, to)?)
    }

    /// The bytes of the record at `index`, checked against the tree.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read(&self, index: LeafIndex) -> Result<Vec<u8>, ReadError> {
        let located = {
            let state = self.state()?;
            state.locate(index).ok_or(ReadError::Index { index, size: state.tree.size() })
        };
        let (start, leaf) = located?;
        let corrupt = ReadError::Corrupt { index };
        let mut len = [0; 4];
        self.writer.storage.read_at(start, &mut len)?;
        let len = usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX);
        if len > RECORD_LEN_MAX {
            return Err(corrupt);
        }
        let mut record = vec![0; len];
        match self.writer.storage.read_at(record_at(start), &mut record) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(corrupt),
            done => done?,
        }
        if leaf_hash(&record) == leaf { Ok(record) } else { Err(corrupt) }
    }

    /// Hands every record to `visit`, in order, reading the segment once; records appended
    /// meanwhile are left out. Each is checked against the tree.
    ///
    /// # Errors
    /// The first error of `visit`, or [`ReadError`] made into one.
    pub fn replay<E: From<ReadError>>(
        &self,
        mut visit: impl FnMut(LeafIndex, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (end, size) = {
            let state = self.state()?;
            (state.end, state.tree.size().as_u64())
        };
        let Writer { storage, segment, .. } = &self.writer;
        let (mut offset, mut first) = (segment.len(), 0);
        let mut group = Group::default();
        while first < size {
            let index = LeafIndex::new(first);
            let read = read_group(&**storage, segment, (offset, end), first, &mut group);
            let GroupRead::Whole { next } = read.map_err(ReadError::Io)? else {
                return Err(ReadError::Corrupt { index }.into());
            };
            let indices = (first..).map(LeafIndex::new);
            for ((index, leaf), (_, record)) in indices.zip(&group.leaves).zip(group.records()) {
                // WHY: somebody may have rewritten the file, checksums and all, since it was read.
                if self.state()?.tree.leaf(index) != Some(leaf) {
                    return Err(ReadError::Corrupt { index }.into());
                }
                visit(index, record)?;
                first = index.as_u64() + 1;
            }
            offset = next;
        }
        Ok(())
    }

    /// Signs the durable log as it is and stores the checkpoint. Give it to others: only a
    /// checkpoint held elsewhere shows a rollback.
    ///
    /// # Errors
    /// [`SignCheckpointError`] if `signer` is not the operator, or storing fails.
    pub fn checkpoint(&self, signer: &dyn Signer) -> Result<Checkpoint, SignCheckpointError> {
        let poisoned = |cause| SignCheckpointError::Poisoned { cause };
        let _one_at_a_time =
            self.checkpointing.lock().map_err(|_| poisoned(Arc::new(PoisonCause::Panic)))?;
        if let Err(AppendError::Poisoned { cause }) = self.writer.check() {
            return Err(poisoned(cause));
        }
        let (size, root) = {
            let state = self.state().map_err(|_| poisoned(Arc::new(PoisonCause::Panic)))?;
            (state.tree.size(), state.tree.root())
        };
        let checkpoint = Checkpoint::sign(&self.origin, size, root, signer)?;
        self.writer.storage.write_checkpoint(checkpoint.as_note().as_bytes())?;
        Ok(checkpoint)
    }

    /// Checks that this log still holds all that the operator signed in `outside`, a checkpoint
    /// that somebody else has kept. This, and nothing inside the log's own directory, finds a
    /// rollback of the whole directory.
    ///
    /// # Errors
    /// [`ExtendsError`] if it does not.
    pub fn verify_extends(&self, outside: &Checkpoint) -> Result<(), ExtendsError> {
        if *outside.origin() != self.origin {
            return Err(ExtendsError::Origin { found: outside.origin().clone() });
        }
        let (signed, state) = (outside.size(), self.state()?);
        match state.tree.root_at(signed) {
            Err(_) => Err(ExtendsError::RolledBack { signed, found: state.tree.size() }),
            Ok(root) if root != outside.root() => Err(ExtendsError::Forked { signed }),
            Ok(_) => Ok(()),
        }
    }

    fn state(&self) -> Result<RwLockReadGuard<'_, State>, ReadError> {
        self.writer.state.read().map_err(|_| ReadError::Poisoned)
    }
}
