//! Why a log does not do what it was asked to.

use std::io;
use std::sync::Arc;

use thiserror::Error;

use crate::checkpoint::CheckpointError;
use crate::origin::Origin;
use crate::queue::{AppendError, PoisonCause};
use crate::storage::StoredFile;
use crate::tree::{LeafIndex, TreeError, TreeSize};

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
    #[error(
        "`{file}` is damaged; make it anew with `Log::rebuild_on` (`dataspace audit fsck --rebuild`)"
    )]
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

/// Why segments are not archived.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// There is no such record, or a segment cannot be removed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// That segments are archived cannot be recorded.
    #[error("that segments are archived cannot be recorded")]
    Append(#[from] AppendError),
    /// The record cannot be covered by a checkpoint.
    #[error("that segments are archived cannot be signed")]
    Sign(#[from] SignCheckpointError),
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
