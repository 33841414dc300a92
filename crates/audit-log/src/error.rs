//! Why a log does not do what it was asked to.

use std::io;
use std::sync::Arc;

use dataspace_tlog::note::CheckpointError;
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
