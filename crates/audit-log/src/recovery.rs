use std::fmt;
use std::io;

use dataspace_primitives::Digest;
use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hashes::{Edge, NodeError, Stored, offset_at, offset_bytes};
use crate::mark::Mark;
use crate::nodes::Nodes as _;
use crate::origin::Origin;
use crate::segment::{
    GROUP_HEADER_LEN, Group, GroupRead, HeaderRead, SegmentHeader, Tail, read_group, read_tail,
    to_u64,
};
use crate::state::State;
use crate::storage::{Storage, StoredFile};
use crate::tree::{LeafIndex, TreeSize};

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
    /// The header of a segment is damaged, or of another place in the log.
    #[error("the header of `{file}` is damaged, or of another place in the log")]
    Header {
        /// The segment.
        file: StoredFile,
    },
    /// Records are missing: there is no segment that begins with this one.
    #[error("`segment-{first:020}` is missing; restore it from a copy", first = first.as_u64())]
    Missing {
        /// The first record that is missing.
        first: LeafIndex,
    },
    /// Damage before the end of a segment, which no crash leaves behind.
    #[error("`{file}` is damaged at byte {offset}, after {leaves} good records")]
    Corrupt {
        /// The segment.
        file: StoredFile,
        /// Offset of the group that is damaged, or not the next one.
        offset: u64,
        /// Records before it.
        leaves: TreeSize,
    },
    /// The stored checkpoint does not verify.
    #[error("the stored checkpoint does not verify")]
    Checkpoint(#[from] CheckpointError),
    /// Records that the stored checkpoint covers are gone.
    #[error("the stored checkpoint covers {signed} records, the segments have {found}")]
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
    /// The records are those of the stored checkpoint, but what was made from them is not.
    #[error("`{file}` is not made of the log's records; make it anew with `Log::rebuild`")]
    Derived {
        /// The file.
        file: StoredFile,
    },
}

impl From<NodeError> for OpenError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Io(error) => Self::Io(error),
            // A node that the tree does not have: the sizes in the mark do not fit together.
            NodeError::Tree(_) => Self::Derived { file: StoredFile::Mark },
        }
    }
}

/// Where reading begins: after these records.
struct Base {
    edge: Edge,
    /// Place of the segment among all of them.
    segment: usize,
    /// Offset of the next group; 0 for the first of the segment.
    offset: u64,
}

/// What becomes of tiles and offsets while the segments are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    Dropped,
    Written,
    Compared,
}

/// The segments, read to their end.
struct Read {
    edge: Edge,
    segment: SegmentHeader,
    /// Offset after the last whole group.
    end: u64,
    /// Offset after the last byte that is not zero.
    rubbish_end: u64,
    /// Offset of the last thing written: a group, or the header.
    last: u64,
    /// The root over the records under the checkpoint.
    signed_root: Option<Digest>,
}

/// Reads what came after the mark, checks it against the stored checkpoint, and only then cuts a
/// torn tail.
pub(crate) fn recover(
    storage: &dyn Storage,
    origin: &Origin,
    use_mark: bool,
) -> Result<(State, Recovery), OpenError> {
    let segments = storage.segments()?;
    let checkpoint = read_checkpoint(storage, origin)?;
    let from = Opening { storage, origin, segments: &segments, checkpoint: checkpoint.as_ref() };
    if segments.is_empty() {
        let (signed, found) = (from.signed(), TreeSize::EMPTY);
        let lost = OpenError::Truncated { signed, found };
        return Err(if checkpoint.is_some() { lost } else { OpenError::Unfinished });
    }
    let stored = Mark::read(storage)?.unwrap_or_default();
    // What lies beyond the checkpoint is held against nothing.
    let is_usable = use_mark && stored.size > 0 && stored.size <= from.signed().as_u64();
    let mut mark = if is_usable { stored } else { Mark::default() };
    let read = if mark.size == 0 {
        from.read_twice(|| from.first_base())?
    } else {
        match from.read_twice(|| from.base_at(&mark)) {
            Ok(read) => read,
            Err(OpenError::Io(error)) if !is_short(&error) => return Err(error.into()),
            // WHY: what was made from the segments may be wrong, and not the segments. Reading all
            // of them tells which.
            Err(error) => return Err(from.diagnose(error)),
        }
    };
    mark.archive = stored.archive;
    let Read { edge, segment, end, rubbish_end, last, .. } = read;
    let bytes_cut = rubbish_end.saturating_sub(end);
    if bytes_cut > 0 {
        storage.truncate(segment.file(), end)?;
    }
    write_again(storage, segment.file(), last, end)?;
    let (size, root) = (edge.size(), edge.root(storage)?);
    let state = State { edge, root, segments, segment, end, mark };
    Ok((state, Recovery { size, bytes_cut, checkpoint }))
}

/// Whether a file has fewer bytes than it should.
fn is_short(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound)
}

/// Makes durable what was read, before anybody relies on it.
// WHY: after a sync that failed, or a process that was killed before it, the operating system may
// hand out a last group that is in its memory alone; and once a sync has failed, the next one says
// nothing about the same pages unless they are written again.
fn write_again(storage: &dyn Storage, file: StoredFile, start: u64, end: u64) -> io::Result<()> {
    // At most one group (or the header), so the memory is bounded.
    let len = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
    let mut bytes = vec![0; len];
    storage.read_at(file, start, &mut bytes)?;
    storage.write_at(file, start, &bytes)?;
    storage.sync_data(file)
}

fn read_checkpoint(
    storage: &dyn Storage,
    origin: &Origin,
) -> Result<Option<Checkpoint>, OpenError> {
    let Some(note) = storage.read_checkpoint()? else { return Ok(None) };
    let note = String::from_utf8(note).map_err(|_| CheckpointError::Form)?;
    Ok(Some(Checkpoint::verify(&note, origin)?))
}

/// A log that is being opened.
struct Opening<'a> {
    storage: &'a dyn Storage,
    origin: &'a Origin,
    segments: &'a [LeafIndex],
    checkpoint: Option<&'a Checkpoint>,
}

impl Opening<'_> {
    fn signed(&self) -> TreeSize {
        self.checkpoint.map_or(TreeSize::EMPTY, Checkpoint::size)
    }

    /// All records there are; what was archived before them is known by its hashes.
    fn first_base(&self) -> Result<Base, OpenError> {
        let first = self.segments.first().map_or(0, |first| first.as_u64());
        let edge = match Edge::load(self.storage, first) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(OpenError::Missing { first: LeafIndex::new(0) });
            }
            edge => edge?,
        };
        Ok(Base { edge, segment: 0, offset: 0 })
    }

    fn base_at(&self, mark: &Mark) -> Result<Base, OpenError> {
        let edge = Edge::load(self.storage, mark.size)?;
        let first = LeafIndex::new(mark.segment);
        let segment = self.segments.binary_search(&first);
        let segment = segment.map_err(|_| OpenError::Missing { first })?;
        Ok(Base { edge, segment, offset: mark.end })
    }

    /// Reads without changing anything, and if all is well again, to write what is made from the
    /// records.
    fn read_twice(&self, base: impl Fn() -> Result<Base, OpenError>) -> Result<Read, OpenError> {
        let read = self.read(base()?, Made::Dropped)?;
        self.check(&read)?;
        self.read(base()?, Made::Written)
    }

    fn check(&self, read: &Read) -> Result<(), OpenError> {
        let Some(checkpoint) = self.checkpoint else { return Ok(()) };
        let signed = checkpoint.size();
        match read.signed_root {
            None => Err(OpenError::Truncated { signed, found: read.edge.size() }),
            Some(root) if root != checkpoint.root() => Err(OpenError::Tampered { signed }),
            Some(_) => Ok(()),
        }
    }

    /// What is wrong with a log that cannot be opened at its mark.
    fn diagnose(&self, error: OpenError) -> OpenError {
        let all = || {
            let read = self.read(self.first_base()?, Made::Dropped)?;
            self.check(&read)?;
            self.read(self.first_base()?, Made::Compared)?;
            // The records are good, and what is made from them: then the mark is wrong.
            Ok(())
        };
        match all() {
            Ok(()) if matches!(error, OpenError::Missing { .. }) => error,
            Ok(()) => OpenError::Derived { file: StoredFile::Mark },
            Err(found) => found,
        }
    }

    fn read(&self, base: Base, made: Made) -> Result<Read, OpenError> {
        let Base { mut edge, segment: mut number, offset } = base;
        let signed = self.signed();
        let mut signed_root = None;
        if edge.size() == signed {
            signed_root = Some(edge.root(self.storage)?);
        }
        let mut group = Group::default();
        let mut segment = self.header(&edge, number)?;
        let (mut end, mut last) = match offset {
            0 => (segment.len(), 0),
            offset => (offset, offset),
        };
        loop {
            let (file, leaves) = (segment.file(), edge.size());
            let corrupt = || OpenError::Corrupt { file, offset: end, leaves };
            let len = self.storage.len(file)?;
            let next = leaves.as_u64();
            let read = read_group(self.storage, &segment, (end, len), next, &mut group)?;
            let rubbish_end = match read {
                GroupRead::Whole { next } => {
                    self.make_offsets(&edge, &group, end, made)?;
                    let until = signed.as_u64().checked_sub(leaves.as_u64());
                    let until = until.and_then(|until| usize::try_from(until).ok());
                    let split = until.and_then(|until| group.leaves.split_at_checked(until));
                    let (before, after) = split.unwrap_or((&group.leaves, &[]));
                    self.make_tiles(&mut edge, before, made)?;
                    if edge.size() == signed {
                        signed_root = Some(edge.root(self.storage)?);
                    }
                    self.make_tiles(&mut edge, after, made)?;
                    (last, end) = (end, next);
                    continue;
                }
                GroupRead::Corrupt => return Err(corrupt()),
                GroupRead::End => end,
                GroupRead::NoHeader => match read_tail(self.storage, &segment, (end, len), next)? {
                    Tail::Torn { end } => end,
                    Tail::Later => return Err(corrupt()),
                },
                // Behind a group that a crash tore stand zeros alone.
                GroupRead::Torn { next: after } => {
                    match read_tail(self.storage, &segment, (after, len), next)? {
                        Tail::Torn { end } if end == after => after.min(len),
                        Tail::Torn { .. } | Tail::Later => return Err(corrupt()),
                    }
                }
            };
            let Some(later) = self.segments.get(number + 1) else {
                return Ok(Read { edge, segment, end, rubbish_end, last, signed_root });
            };
            if rubbish_end > end || later.as_u64() < next {
                return Err(corrupt());
            }
            if later.as_u64() > next {
                return Err(OpenError::Missing { first: LeafIndex::new(next) });
            }
            number += 1;
            segment = self.header(&edge, number)?;
            (last, end) = (0, segment.len());
        }
    }

    /// The header of a segment, which must be the one that belongs here.
    fn header(&self, edge: &Edge, number: usize) -> Result<SegmentHeader, OpenError> {
        let first = self.segments.get(number).copied().unwrap_or_default();
        let root = Stored { edge, storage: self.storage }.root_at(TreeSize::new(first.as_u64()));
        let root = root.map_err(OpenError::from)?;
        let header = SegmentHeader::new(self.origin, first, &root);
        let file = header.file();
        match header.compare(self.storage)? {
            HeaderRead::Ours => Ok(header),
            HeaderRead::Other(found) => {
                Err(OpenError::Origin { expected: self.origin.clone(), found })
            }
            HeaderRead::Unfinished if number == 0 && first == LeafIndex::default() => {
                let lost = OpenError::Header { file };
                Err(if self.checkpoint.is_some() { lost } else { OpenError::Unfinished })
            }
            HeaderRead::Unfinished | HeaderRead::Elsewhere | HeaderRead::Damaged => {
                Err(OpenError::Header { file })
            }
        }
    }

    fn make_offsets(
        &self,
        edge: &Edge,
        group: &Group,
        group_at: u64,
        made: Made,
    ) -> Result<(), OpenError> {
        if made == Made::Dropped {
            return Ok(());
        }
        let body_at = group_at + to_u64(GROUP_HEADER_LEN);
        let bytes = offset_bytes(group.records().map(|(at, _)| body_at + at));
        self.make(StoredFile::Offsets, offset_at(edge.size().as_u64()), &bytes, made)
    }

    fn make_tiles(&self, edge: &mut Edge, leaves: &[Digest], made: Made) -> Result<(), OpenError> {
        let full = edge.extend(leaves);
        let mut full = full.iter().filter(|_| made != Made::Dropped);
        full.try_for_each(|tile| self.make(tile.file, tile.offset, &tile.bytes, made))
    }

    fn make(
        &self,
        file: StoredFile,
        offset: u64,
        bytes: &[u8],
        made: Made,
    ) -> Result<(), OpenError> {
        if made == Made::Written {
            return Ok(self.storage.write_at(file, offset, bytes)?);
        }
        let mut found = vec![0; bytes.len()];
        match self.storage.read_at(file, offset, &mut found) {
            Err(error) if is_short(&error) => return Err(OpenError::Derived { file }),
            done => done?,
        }
        if found == bytes { Ok(()) } else { Err(OpenError::Derived { file }) }
    }
}
