//! Writing records: many callers, one write and one sync at a time.

pub(crate) mod batch;
pub(crate) mod error;
pub(crate) mod outcome;
pub(crate) mod pending;
pub(crate) mod queue;
pub(crate) mod writer;
pub(crate) mod writer_thread;
