//! Why records are not appended.

use std::io;
use std::sync::Arc;

use dataspace_tlog::record::RecordError;
use thiserror::Error;

use crate::medium::segment::GROUP_BODY_LEN_MAX;

/// Most bytes of records in one batch, with 4 bytes more for each record.
pub const BATCH_LEN_MAX: usize = GROUP_BODY_LEN_MAX;

/// Why nothing more is written until the log is opened again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PoisonCause {
    /// A write failed; any part of it may be there.
    #[error("a write failed")]
    Write(#[source] io::Error),
    /// A sync failed; nothing is known about what was written, and asking again would lie.
    #[error("a sync failed")]
    Sync(#[source] io::Error),
    /// The log's directory or its last segment was moved, removed or replaced, or the process was
    /// forked: what is written here may not be what is found where the log should be.
    #[error("the log is no longer where it was opened")]
    Moved(#[source] io::Error),
    /// A thread panicked while it wrote for the others.
    #[error("a thread panicked while it was writing")]
    Panic,
}

/// Why a record is not recorded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The record breaks a rule; nothing was written.
    #[error("the record cannot be written")]
    Record(#[from] RecordError),
    /// The batch is longer than [`BATCH_LEN_MAX`]; nothing was written.
    #[error("a batch has at most {BATCH_LEN_MAX} bytes, this one has {len}")]
    BatchLen {
        /// Bytes of the batch.
        len: usize,
    },
    /// The thread that writes for tasks cannot be started. Records that were submitted before are
    /// written by the next thread that waits for one.
    #[error(
        "cannot start the thread that writes the log; what was submitted is written all the same"
    )]
    Thread(#[source] io::Error),
    /// A write or sync failed, for this record or an earlier one. Whether the record is in the
    /// log is known only after the log was opened again.
    #[error("the log is poisoned until it is opened again")]
    Poisoned {
        /// The first failure.
        #[source]
        cause: Arc<PoisonCause>,
    },
}
