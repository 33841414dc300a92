use std::fmt;
use std::io;

use dataspace_identity::Origin;
use dataspace_tlog::{Checkpoint, Fault, LeafIndex, TreeSize, note::CheckpointError};
use thiserror::Error;

use crate::medium::hashes::NodeError;
use crate::medium::storage::StoredFile;

/// Result of opening a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    pub(crate) size: TreeSize,
    pub(crate) bytes_cut: u64,
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) is_remade: bool,
}

impl Recovery {
    /// Records in the log.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        self.size
    }

    /// Bytes of a write that a crash had torn, which were cut off. Nothing in them was ever
    /// acknowledged, unless the medium damaged the last group afterwards.
    #[must_use]
    pub fn bytes_cut(&self) -> u64 {
        self.bytes_cut
    }

    /// The stored checkpoint that the log was checked against. Without one, nothing shows that the
    /// log is the one that was written: only an outside checkpoint can
    /// ([`Log::verify_extends`](crate::Log::verify_extends)).
    #[must_use]
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    /// Records after the stored checkpoint, which no signature covers yet.
    #[must_use]
    pub fn unsigned(&self) -> u64 {
        let signed = self.checkpoint.as_ref().map_or(0, |one| one.size().as_u64());
        self.size.as_u64().saturating_sub(signed)
    }

    /// Returns true if hashes and offsets were shorter than they should be, or the mark was damaged, as in a
    /// copy that was made of the directory while the log grew; all records were read to rebuild them.
    #[must_use]
    pub fn is_remade(&self) -> bool {
        self.is_remade
    }

    /// Returns true if an operator should look: bytes were cut, or there are records and no checkpoint.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.bytes_cut > 0 || (self.checkpoint.is_none() && self.size > TreeSize::EMPTY)
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records", self.size)?;
        match &self.checkpoint {
            Some(one) => write!(f, ", {} of them under the stored checkpoint", one.size())?,
            None if self.size == TreeSize::EMPTY => {}
            None => f.write_str(", no stored checkpoint to check them against")?,
        }
        if self.is_remade {
            f.write_str(", hashes and offsets made again")?;
        }
        match self.bytes_cut {
            0 => Ok(()),
            cut => write!(f, ", {cut} bytes of a torn write cut off"),
        }
    }
}

/// Why a log is not opened. Unless the medium failed or is full, nothing was changed; if it did, no
/// record was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The medium failed, the log is not there, or another process holds it.
    #[error("the log cannot be read")]
    Io(#[source] io::Error),
    /// There is no room for what opening a log writes: what is made from the segments, and the last
    /// group once more. Nothing is lost. Until there is room, the log can be read with
    /// [`ReadOnlyStorage`](crate::ReadOnlyStorage), which keeps all that in memory.
    // WHY not opened for reading alone: a log is opened for writing in order to record, and nothing may
    // be released that is not recorded.
    #[error("the disk is full; nothing is lost: make room and open the log again")]
    Full(#[source] io::Error),
    /// The segment of another log.
    #[error("the log is `{found}`, not `{expected}`")]
    Origin {
        /// The log asked for.
        expected: Origin,
        /// The log found.
        found: Origin,
    },
    /// The log was never finished creating; create it again.
    #[error("the log was not created to the end; nothing was ever recorded in it")]
    Unfinished,
    /// The header of a segment is damaged, or of another place in the log.
    #[error("the header of `{file}` is damaged, or of another place in the log")]
    Header {
        /// The segment.
        file: StoredFile,
    },
    /// A segment in another version of the format, or damage to the number of the version.
    #[error("`{file}` has version {found} of the format, which this program does not know")]
    Version {
        /// The segment.
        file: StoredFile,
        /// The version in its header.
        found: u32,
    },
    /// Records are missing: there is no segment that begins with this one.
    #[error("`segment-{first:020}` is missing; restore it from a copy", first = first.as_u64())]
    Missing {
        /// The first record that is missing.
        first: LeafIndex,
    },
    /// Damage before the end of a segment, which no crash leaves behind.
    #[error(
        "`{file}` is damaged at byte {offset}, after {leaves} good records; restore it from a copy \
         (one that was copied while the node ran may look like this: `dataspace audit backup` makes \
         good ones)"
    )]
    Corrupt {
        /// The segment.
        file: StoredFile,
        /// Offset of the group that is damaged, or not the next one.
        offset: u64,
        /// Records before it.
        leaves: TreeSize,
    },
    /// A segment that is longer than any that a log writes.
    #[error("`{file}` has {len} bytes, more than any log writes; restore it from a copy")]
    TooLong {
        /// The segment.
        file: StoredFile,
        /// Its bytes, holes included.
        len: u64,
    },
    /// The stored checkpoint does not verify.
    #[error("the stored checkpoint does not verify")]
    Checkpoint(#[from] CheckpointError),
    /// Records that the stored checkpoint covers are gone.
    #[error(
        "the stored checkpoint covers {signed} records, the segments have {found}; restore the \
         segments from a copy (one that was copied while the node ran may look like this: \
         `dataspace audit backup` makes good ones)"
    )]
    Truncated {
        /// Records under the checkpoint.
        signed: TreeSize,
        /// Records found.
        found: TreeSize,
    },
    /// The records are not those that the stored checkpoint covers.
    #[error("the first {signed} records are not the ones that the stored checkpoint covers")]
    Tampered {
        /// Records under the checkpoint.
        signed: TreeSize,
    },
    /// The records are those of the stored checkpoint, but what was made from them is not.
    #[error(
        "`{file}` does not match the log's records; rebuild it with `Log::rebuild_on` (`dataspace audit fsck --rebuild`)"
    )]
    Derived {
        /// The file.
        file: StoredFile,
    },
}

impl OpenError {
    /// Whose fault it is. Something that is no file of a log counts as evidence, too.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Io(error) if error.kind() != io::ErrorKind::InvalidData => Fault::Environment,
            Self::Full(_) => Fault::Environment,
            _ => Fault::Evidence,
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(error),
            _ => Self::Io(error),
        }
    }
}

impl From<NodeError> for OpenError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Io(error) => error.into(),
            // A node that the tree does not have: the sizes in the mark do not fit together.
            NodeError::Tree(_) => Self::Derived { file: StoredFile::Mark },
        }
    }
}
