use std::fmt;
use std::io;

use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::origin::Origin;
use crate::segment::{
    GROUP_HEADER_LEN, Group, GroupHeader, GroupRead, HeaderRead, RECORD_PREFIX_LEN, SegmentHeader,
    read_group, to_u64,
};
use crate::state::State;
use crate::storage::Storage;
use crate::tree::TreeSize;

/// Bytes read at once while looking for groups after damage.
const SCAN_LEN: usize = 64 << 10;

/// What opening a log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    pub(crate) size: TreeSize,
    pub(crate) bytes_cut: u64,
    pub(crate) checkpoint: Option<Checkpoint>,
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

    /// The stored checkpoint that the log was held against. Without one, nothing shows that the
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

    /// Whether an operator should look: bytes were cut, or there are records and no checkpoint.
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
            None => f.write_str(", no stored checkpoint to hold them against")?,
        }
        match self.bytes_cut {
            0 => Ok(()),
            cut => write!(f, ", {cut} bytes of a torn write cut off"),
        }
    }
}

/// Why a log is not opened. Unless the medium failed, nothing was changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The medium failed, the log is not there, or another process holds it.
    #[error("the log cannot be read")]
    Io(#[from] io::Error),
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
    /// The header of the segment is damaged.
    #[error("the header of the segment is damaged")]
    Header,
    /// Damage before the end of the segment, which no crash leaves behind.
    #[error("the segment is damaged at byte {offset}, after {leaves} good records")]
    Corrupt {
        /// Offset of the group that is damaged, or not the next one.
        offset: u64,
        /// Records before it.
        leaves: TreeSize,
    },
    /// The stored checkpoint does not verify.
    #[error("the stored checkpoint does not verify")]
    Checkpoint(#[from] CheckpointError),
    /// Records that the stored checkpoint covers are gone.
    #[error("the stored checkpoint covers {signed} records, the segment has {found}")]
    Truncated {
        /// Records under the checkpoint.
        signed: TreeSize,
        /// Records found.
        found: TreeSize,
    },
    /// The records are not those that the stored checkpoint covers.
    #[error("the first {signed} records are not those of the stored checkpoint")]
    Tampered {
        /// Records under the checkpoint.
        signed: TreeSize,
    },
}

/// Reads the segment, checks it against the stored checkpoint, and only then cuts a torn tail.
pub(crate) fn recover(
    storage: &dyn Storage,
    segment: &SegmentHeader,
    origin: &Origin,
) -> Result<(State, Recovery), OpenError> {
    match segment.compare(storage)? {
        HeaderRead::Ours => {}
        HeaderRead::Unfinished if storage.read_checkpoint()?.is_none() => {
            return Err(OpenError::Unfinished);
        }
        HeaderRead::Unfinished | HeaderRead::Damaged => return Err(OpenError::Header),
        HeaderRead::Other(found) => {
            return Err(OpenError::Origin { expected: origin.clone(), found });
        }
    }
    let len = storage.len()?;
    let (state, last_group) = read_groups(storage, segment, len)?;
    let checkpoint = read_checkpoint(storage, origin)?;
    let size = state.tree.size();
    if let Some(checkpoint) = &checkpoint {
        let signed = checkpoint.size();
        match state.tree.root_at(signed) {
            Err(_) => return Err(OpenError::Truncated { signed, found: size }),
            Ok(root) if root != checkpoint.root() => return Err(OpenError::Tampered { signed }),
            Ok(_) => {}
        }
    }
    let bytes_cut = len.saturating_sub(state.end);
    if bytes_cut > 0 {
        storage.truncate(state.end)?;
    }
    write_again(storage, last_group, state.end)?;
    Ok((state, Recovery { size, bytes_cut, checkpoint }))
}

/// Makes durable what was read, before anybody relies on it.
// WHY: after a sync that failed, or a process that was killed before it, the operating system may
// hand out a last group that is in its memory alone; and once a sync has failed, the next one says
// nothing about the same pages unless they are written again.
fn write_again(storage: &dyn Storage, start: u64, end: u64) -> io::Result<()> {
    // At most one group (or the header), so the memory is bounded.
    let len = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
    let mut bytes = vec![0; len];
    storage.read_at(start, &mut bytes)?;
    storage.write_at(start, &bytes)?;
    storage.sync_data()
}

fn read_checkpoint(
    storage: &dyn Storage,
    origin: &Origin,
) -> Result<Option<Checkpoint>, OpenError> {
    let Some(note) = storage.read_checkpoint()? else { return Ok(None) };
    let note = String::from_utf8(note).map_err(|_| CheckpointError::Form)?;
    Ok(Some(Checkpoint::verify(&note, origin)?))
}

/// The durable state, and the offset of the last thing written: a group, or the header.
fn read_groups(
    storage: &dyn Storage,
    segment: &SegmentHeader,
    len: u64,
) -> Result<(State, u64), OpenError> {
    let mut state = State::new(segment.len());
    let mut last_group = 0;
    let mut group = Group::default();
    loop {
        let (offset, leaves) = (state.end, state.tree.size());
        let corrupt = || OpenError::Corrupt { offset, leaves };
        match read_group(storage, segment, (offset, len), leaves.as_u64(), &mut group)? {
            GroupRead::Whole { next } => {
                let body_at = offset + to_u64(GROUP_HEADER_LEN);
                let starts = group.records().map(|(at, _)| body_at + at);
                state.extend(starts, &group.leaves, next);
                last_group = offset;
            }
            GroupRead::NoHeader if later_group(storage, segment, (offset, len), leaves)? => {
                return Err(corrupt());
            }
            GroupRead::End | GroupRead::Torn | GroupRead::NoHeader => {
                return Ok((state, last_group));
            }
            GroupRead::Corrupt => return Err(corrupt()),
        }
    }
}

/// Whether the header of a later group stands anywhere after `offset`. Then the damage is not the
/// tail that a crash tears: a group is written only after the one before it was synced.
fn later_group(
    storage: &dyn Storage,
    segment: &SegmentHeader,
    (offset, len): (u64, u64),
    leaves: TreeSize,
) -> io::Result<bool> {
    let mut window = Vec::new();
    let mut at = offset;
    while at < len {
        let take = (len - at).min(to_u64(SCAN_LEN + GROUP_HEADER_LEN));
        window.resize(usize::try_from(take).unwrap_or(0), 0);
        storage.read_at(at, &mut window)?;
        let found = window.windows(GROUP_HEADER_LEN).any(|bytes| {
            GroupHeader::read(bytes, segment).is_some_and(|one| one.first > leaves.as_u64())
        });
        if found {
            return Ok(true);
        }
        at += to_u64(SCAN_LEN);
    }
    Ok(false)
}

/// Offset of a record within its length prefix.
pub(crate) const fn record_at(start: u64) -> u64 {
    // A constant of four bytes; `to_u64` is not const.
    start + RECORD_PREFIX_LEN as u64
}
