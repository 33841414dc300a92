use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLockReadGuard};

use dataspace_primitives::{Digest, Signer};
use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::file_storage::FileStorage;
use crate::hashes::Edge;
use crate::mark::Mark;
use crate::origin::Origin;
use crate::proof::{ConsistencyProof, InclusionProof};
use crate::reader;
use crate::record::Record;
use crate::recovery::{OpenError, Recovery, recover};
use crate::segment::{HeaderRead, SegmentHeader};
use crate::state::State;
use crate::storage::{Storage, StoredFile};
use crate::tree::{LeafIndex, TreeError, TreeSize, empty_root};
use crate::writer::{AppendError, Batch, PoisonCause, Writer};

/// After so many records, hashes and offsets are made durable with the next checkpoint; fewer are
/// read again at open.
const SETTLE_EVERY: u64 = 4_096;

/// An append-only log of [`Record`]s. Shared by reference between threads.
#[derive(Debug)]
pub struct Log {
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
        /// The record.
        index: LeafIndex,
    },
    /// The record was archived; what is left of it is its hash.
    #[error("record {index} was archived: its segment is no longer here")]
    Archived {
        /// The record asked for.
        index: LeafIndex,
    },
    /// What was made from the records is no longer what it was.
    #[error("`{file}` is damaged; make it anew with `Log::rebuild`")]
    Derived {
        /// The file.
        file: StoredFile,
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
        let segment = SegmentHeader::new(&origin, LeafIndex::default(), &empty_root());
        let known = storage.segments()?;
        let is_ours = known.iter().all(|first| *first == segment.first);
        let is_begun =
            !known.is_empty() && !matches!(segment.compare(&*storage)?, HeaderRead::Unfinished);
        if !is_ours || is_begun || storage.read_checkpoint()?.is_some() {
            return Err(CreateError::Exists);
        }
        for file in [segment.file(), StoredFile::Mark] {
            storage.remove(file)?;
        }
        storage.write_at(segment.file(), 0, &segment.bytes)?;
        storage.sync_data(segment.file())?;
        let end = segment.len();
        let state = State {
            edge: Edge::default(),
            root: empty_root(),
            segments: vec![segment.first],
            segment,
            end,
            mark: Mark::default(),
        };
        Ok(Self::new(storage, state, origin))
    }

    /// Opens the log in `dir`: reads what came after the last checkpoints, holds it against the
    /// stored one, and cuts off what a crash left of a last write. How long that takes does not
    /// depend on how long the log is.
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
        let (state, recovery) = recover(&*storage, &origin, true)?;
        Ok((Self::new(storage, state, origin), recovery))
    }

    /// As [`open`](Self::open), but reads every record, and makes hashes and offsets anew.
    ///
    /// # Errors
    /// [`OpenError`] if the records are damaged, shortened or rewritten, or of another log.
    pub fn rebuild(dir: &Path, origin: Origin) -> Result<(Self, Recovery), OpenError> {
        let storage = FileStorage::open(dir)?;
        let (state, recovery) = recover(&storage, &origin, false)?;
        Ok((Self::new(Box::new(storage), state, origin), recovery))
    }

    fn new(storage: Box<dyn Storage>, state: State, origin: Origin) -> Self {
        let writer = Writer::new(storage, origin, state);
        Self { writer, checkpointing: Mutex::new(()) }
    }

    /// Which log this is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.writer.origin
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
        Ok(self.state()?.edge.size())
    }

    /// The first record that is still here; those before it were archived.
    ///
    /// # Errors
    /// [`ReadError::Poisoned`].
    pub fn first(&self) -> Result<LeafIndex, ReadError> {
        Ok(self.state()?.segments.first().copied().unwrap_or_default())
    }

    /// The root over the first `size` records.
    ///
    /// # Errors
    /// [`ProveError`] if there are fewer records, or the hashes on the medium are damaged.
    pub fn root_at(&self, size: TreeSize) -> Result<Digest, ProveError> {
        self.tree(|tree| tree.root_at(size))
    }

    /// The proof that the record at `index` is among the first `size`. Made from the hashes on the
    /// medium, and verified before it is handed out.
    ///
    /// # Errors
    /// [`ProveError`] if it is not, or the hashes on the medium are damaged.
    pub fn inclusion_proof(
        &self,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<InclusionProof, ProveError> {
        self.tree(|tree| tree.inclusion_proof(index, size))
    }

    /// The proof that the log of `to` records extends the one of `from`. Verified before it is
    /// handed out.
    ///
    /// # Errors
    /// [`ProveError`] if there are fewer records, `from` is larger than `to`, or the hashes on the
    /// medium are damaged.
    pub fn consistency_proof(
        &self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, ProveError> {
        self.tree(|tree| tree.consistency_proof(from, to))
    }

    /// The bytes of the record at `index`, checked against the tree.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read(&self, index: LeafIndex) -> Result<Vec<u8>, ReadError> {
        let state = self.state()?;
        reader::record(&state, &*self.writer.storage, index)
    }

    /// Hands every record to `visit`, in order; records appended meanwhile are left out. Each is
    /// checked against the tree.
    ///
    /// # Errors
    /// The first error of `visit`, or [`ReadError`] made into one.
    pub fn replay<E: From<ReadError>>(
        &self,
        visit: impl FnMut(LeafIndex, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.replay_from(LeafIndex::default(), visit)
    }

    /// As [`replay`](Self::replay), from the record at `first` on.
    ///
    /// # Errors
    /// The first error of `visit`, or [`ReadError`] made into one.
    pub fn replay_from<E: From<ReadError>>(
        &self,
        first: LeafIndex,
        visit: impl FnMut(LeafIndex, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let records = {
            let state = self.state()?;
            reader::Records::of(&state, &*self.writer.storage)
        };
        records.visit(first, visit)
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
        let (size, root, unsettled) = {
            let state = self.state().map_err(|_| poisoned(Arc::new(PoisonCause::Panic)))?;
            let size = state.edge.size();
            let is_due = size.as_u64().saturating_sub(state.mark.size) >= SETTLE_EVERY;
            (size, state.root, is_due.then(|| (state.edge.clone(), state.next_mark())))
        };
        let checkpoint = Checkpoint::sign(self.origin(), size, root, signer)?;
        if let Some((edge, _)) = &unsettled {
            self.writer.settle(edge).map_err(poisoned)?;
        }
        self.writer.storage.write_checkpoint(checkpoint.as_note().as_bytes())?;
        // A mark that the stored checkpoint does not cover would be of no use.
        if let Some((_, mark)) = unsettled {
            mark.write(&*self.writer.storage)?;
            if let Ok(mut state) = self.writer.state.write() {
                state.mark = mark;
            }
        }
        Ok(checkpoint)
    }

    /// Checks that this log still holds all that the operator signed in `outside`, a checkpoint
    /// that somebody else has kept. This, and nothing inside the log's own directory, finds a
    /// rollback of the whole directory.
    ///
    /// # Errors
    /// [`ExtendsError`] if it does not.
    pub fn verify_extends(&self, outside: &Checkpoint) -> Result<(), ExtendsError> {
        if outside.origin() != self.origin() {
            return Err(ExtendsError::Origin { found: outside.origin().clone() });
        }
        let signed = outside.size();
        match self.root_at(signed) {
            Err(ProveError::Tree(_)) => {
                Err(ExtendsError::RolledBack { signed, found: self.size()? })
            }
            Err(ProveError::Read(error)) => Err(error.into()),
            Ok(root) if root != outside.root() => Err(ExtendsError::Forked { signed }),
            Ok(_) => Ok(()),
        }
    }

    /// What the tree answers, if the hashes that it is made of lead to the root.
    fn tree<T>(
        &self,
        ask: impl FnOnce(&reader::Verified<'_>) -> Result<T, ProveError>,
    ) -> Result<T, ProveError> {
        let state = self.state()?;
        ask(&reader::Verified { tree: state.tree(&*self.writer.storage), root: &state.root })
    }

    fn state(&self) -> Result<RwLockReadGuard<'_, State>, ReadError> {
        self.writer.state.read().map_err(|_| ReadError::Poisoned)
    }
}
