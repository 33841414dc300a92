//! Why a log does not do what it was asked to.

use std::io;
use std::sync::Arc;

use dataspace_identity::Origin;
use dataspace_tlog::{CheckpointError, TreeSize};
use thiserror::Error;

use crate::append::error::{AppendError, PoisonCause};
use crate::reader::ReadError;

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
