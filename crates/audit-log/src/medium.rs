//! Where a log lies: its files, their formats, and the directory around them.

pub(crate) mod file_storage;
pub(crate) mod hashes;
pub(crate) mod mark;
pub(crate) mod read_only;
pub(crate) mod segment;
pub(crate) mod signed_sizes;
pub(crate) mod storage;

pub use self::storage::{SEGMENT_LEN_MAX, StoredFile};
