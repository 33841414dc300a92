//! A log that is read, whichever form it has.

use std::error::Error;
use std::ops::{ControlFlow, Range};

use dataspace_identity::Origin;
use dataspace_primitives::Digest;
use thiserror::Error;

use crate::fault::Fault;
use crate::note::checkpoint::Checkpoint;
use crate::tree::hash::{LeafIndex, TreeSize};
use crate::tree::proof::{ConsistencyProof, InclusionProof};

/// A log that can be read: a published one ([`StaticLog`](crate::StaticLog)), or a node's own (`Log`
/// of `dataspace-audit-log`). Every record and every proof that it hands out leads to its root.
///
/// # Example
/// ```
/// use dataspace_tlog::{
///     Checkpoint, LeafIndex, LogReader, log_reader::{ExtendsError, LogReaderError},
/// };
///
/// /// Checks a log against the checkpoint that was kept last time; the one to keep now.
/// fn follow(log: &dyn LogReader, kept: &Checkpoint) -> Result<Checkpoint, ExtendsError> {
///     log.verify_extends(kept)?;
///     Ok(log.latest_checkpoint()?.unwrap_or_else(|| kept.clone()))
/// }
///
/// /// A record with the proof that it is in the log, for somebody else.
/// fn show(log: &dyn LogReader, index: LeafIndex) -> Result<(), LogReaderError> {
///     let (record, proof) = (log.record(index)?, log.inclusion_proof(index, log.size()?)?);
///     println!("{} bytes, {} hashes", record.len(), proof.path.len());
///     Ok(())
/// }
/// # let _ = (follow, show);
/// ```
pub trait LogReader {
    /// Which log this is.
    fn origin(&self) -> &Origin;

    /// The latest checkpoint that is stored or published, as its operator signed it.
    ///
    /// # Errors
    /// [`LogReaderError`], also if what is there does not verify.
    fn latest_checkpoint(&self) -> Result<Option<Checkpoint>, LogReaderError>;

    /// All records, also those that no checkpoint covers yet and those that were archived.
    ///
    /// # Errors
    /// [`LogReaderError`].
    fn size(&self) -> Result<TreeSize, LogReaderError>;

    /// The first record that can be read; those before it were archived.
    ///
    /// # Errors
    /// [`LogReaderError`].
    fn first(&self) -> Result<LeafIndex, LogReaderError>;

    /// The bytes of the record at `index`.
    ///
    /// # Errors
    /// [`LogReaderError`].
    fn record(&self, index: LeafIndex) -> Result<Vec<u8>, LogReaderError>;

    /// Hands the records of `range` to `visit`, in order, until that breaks.
    ///
    /// # Errors
    /// [`LogReaderError`], also if there are fewer; of a damaged record after those before it were
    /// handed over.
    fn visit(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(LeafIndex, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), LogReaderError>;

    /// The root over the first `size` records.
    ///
    /// # Errors
    /// [`LogReaderError`], also if there are fewer.
    fn root_at(&self, size: TreeSize) -> Result<Digest, LogReaderError>;

    /// The proof that the record at `index` is among the first `size` (RFC 9162 §2.1.3.1).
    ///
    /// # Errors
    /// [`LogReaderError`], also if it is not.
    fn inclusion_proof(
        &self,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<InclusionProof, LogReaderError>;

    /// The proof that the log of `to` records extends the one of `from` (RFC 9162 §2.1.4.1).
    ///
    /// # Errors
    /// [`LogReaderError`], also if there are fewer records, or `from` is larger than `to`.
    fn consistency_proof(
        &self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, LogReaderError>;

    /// Checks that this log still holds all that its operator signed in `kept`, a checkpoint that
    /// somebody else has kept. This, and nothing inside the log itself, finds a rollback.
    ///
    /// # Errors
    /// [`ExtendsError`] if it does not.
    fn verify_extends(&self, kept: &Checkpoint) -> Result<(), ExtendsError> {
        if kept.origin() != self.origin() {
            return Err(ExtendsError::Origin { found: kept.origin().clone() });
        }
        let (signed, found) = (kept.size(), self.size()?);
        if signed > found {
            return Err(ExtendsError::RolledBack { signed, found });
        }
        if self.root_at(signed)? == kept.root() {
            Ok(())
        } else {
            Err(ExtendsError::Forked { signed })
        }
    }
}

type Cause = Box<dyn Error + Send + Sync>;

/// Why a log does not answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogReaderError {
    /// The record was archived; what is left of it is its hash.
    #[error("record {index} was archived: its segment is no longer here")]
    Archived {
        /// The record asked for.
        index: LeafIndex,
    },
    /// The log has no such record, size or proof.
    #[error(transparent)]
    Missing(Cause),
    /// What is there is not what the operator signed.
    #[error(transparent)]
    Damaged(Cause),
    /// The log cannot be read, which says nothing about it.
    #[error(transparent)]
    Unavailable(Cause),
}

impl LogReaderError {
    /// What a reader of its own kind says.
    pub fn new(fault: Fault, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        match fault {
            Fault::Caller => Self::Missing(error.into()),
            Fault::Evidence => Self::Damaged(error.into()),
            Fault::Environment => Self::Unavailable(error.into()),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Archived { .. } | Self::Missing(_) => Fault::Caller,
            Self::Damaged(_) => Fault::Evidence,
            Self::Unavailable(_) => Fault::Environment,
        }
    }
}

/// Why a log is not the one that an outside checkpoint was made of.
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
    /// The log does not answer.
    #[error(transparent)]
    Read(#[from] LogReaderError),
}

impl ExtendsError {
    /// Whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Origin { .. } => Fault::Caller,
            Self::RolledBack { .. } | Self::Forked { .. } => Fault::Evidence,
            Self::Read(error) => error.fault(),
        }
    }
}
