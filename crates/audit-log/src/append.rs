//! Writing records: many callers, one write and one sync at a time.

pub(crate) mod batch;
pub(crate) mod error;
pub(crate) mod outcome;
pub(crate) mod pending;
pub(crate) mod queue;
pub(crate) mod writer;
pub(crate) mod writer_thread;

pub use self::error::{AppendError, BATCH_LEN_MAX, PoisonCause};
pub use self::queue::{QUEUE_BYTES_MAX, QUEUE_RECORDS_MAX};
