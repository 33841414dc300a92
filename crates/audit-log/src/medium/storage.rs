use std::fmt;
use std::io;

use dataspace_tlog::LeafIndex;

/// One file of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoredFile {
    /// The records from this one on: a header, then groups.
    Segment(LeafIndex),
    /// Hashes of the tree, 16 KiB for each full tile of this level: made from the segments.
    Hashes(u8),
    /// Where each record stands in its segment, 8 bytes for each: made from the segments.
    Offsets,
    /// Up to where hashes and offsets are durable.
    Mark,
    /// At which sizes checkpoints were signed, of late: needed to publish the log, and nothing else.
    Signed,
}

impl fmt::Display for StoredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment(first) => write!(f, "segment-{:020}", first.as_u64()),
            Self::Hashes(level) => write!(f, "hashes-{level}"),
            Self::Offsets => f.write_str("offsets"),
            Self::Mark => f.write_str("mark"),
            Self::Signed => f.write_str("signed"),
        }
    }
}

/// Where a log lives: segments with its records, files made from them, and one small checkpoint.
///
/// One log owns it alone, and may assume that nobody else writes.
pub trait Storage: Send + Sync + fmt::Debug {
    /// The first records of the segments there are, in ascending order.
    ///
    /// # Errors
    /// Whatever the medium says.
    fn segments(&self) -> io::Result<Vec<LeafIndex>>;

    /// Bytes in a file; 0 if it is not there.
    ///
    /// # Errors
    /// Whatever the medium says.
    fn len(&self, file: StoredFile) -> io::Result<u64>;

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if there are fewer; whatever else the medium says.
    fn read_at(&self, file: StoredFile, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`, without making them durable; a file that is not there is
    /// made. After an error any part of them may have been written.
    ///
    /// # Errors
    /// Whatever the medium says.
    fn write_at(&self, file: StoredFile, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Takes room for the file to have `len` bytes, so that a sync after a write within them has
    /// nothing else to write. The new bytes read as zeros. Does nothing where that does not help.
    ///
    /// # Errors
    /// Whatever the medium says; it is full, for example.
    fn reserve(&self, _file: StoredFile, _len: u64) -> io::Result<()> {
        Ok(())
    }

    /// Makes everything that was written to the file durable, and its length with it.
    ///
    /// # Errors
    /// Whatever the medium says; then nothing is known about what was written.
    fn sync_data(&self, file: StoredFile) -> io::Result<()>;

    /// Cuts a file to `len` bytes; durable on return.
    ///
    /// # Errors
    /// Whatever the medium says.
    fn truncate(&self, file: StoredFile, len: u64) -> io::Result<()>;

    /// Removes a file if it is there; durable on return.
    ///
    /// # Errors
    /// Whatever the medium says.
    fn remove(&self, file: StoredFile) -> io::Result<()>;

    /// The stored checkpoint, if there is one.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if it is longer than a note can be; whatever else the
    /// medium says.
    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>>;

    /// Replaces the checkpoint, whole or not at all; durable on return.
    ///
    /// # Errors
    /// Whatever the medium says; then either checkpoint may be there.
    fn write_checkpoint(&self, note: &[u8]) -> io::Result<()>;

    /// 16 unpredictable bytes, new for each call. A log asks for them once, when it is created; anyone who
    /// can guess them and get text into a record can make a log that a crash tore look damaged.
    ///
    /// # Errors
    /// The medium takes no new log, or the system gives no randomness.
    fn nonce(&self) -> io::Result<[u8; 16]>;

    /// Checks that the log is still where it was opened, and that the segment that grows is still one
    /// of its files. Asked before a segment is begun and before a checkpoint is signed.
    ///
    /// # Errors
    /// [`io::ErrorKind::StaleNetworkFileHandle`] if it is not; whatever else the medium says.
    fn check_place(&self, _growing: StoredFile) -> io::Result<()> {
        Ok(())
    }

    /// Bytes after which a new segment is begun.
    fn segment_len_max(&self) -> u64 {
        SEGMENT_LEN_MAX
    }
}

/// Bytes after which a new segment is begun, unless a storage says otherwise.
pub const SEGMENT_LEN_MAX: u64 = 64 << 20;
