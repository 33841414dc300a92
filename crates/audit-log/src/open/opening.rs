//! From the files of a log to its state.

use std::io;

use dataspace_identity::Origin;
use dataspace_primitives::Digest;
use dataspace_tlog::engine::to_u64;
use dataspace_tlog::{Checkpoint, LeafIndex, TreeSize, note::CheckpointError, tree::empty_root};

use crate::medium::hashes::{Edge, Stored, damaged_tile, lens, offset_at, push_offset, settle};
use crate::medium::mark::{Mark, SETTLE_EVERY, list_sum};
use crate::medium::segment::{
    GROUP_HEADER_LEN, Group, GroupRead, HeaderRead, NONCE_LEN, SegmentHeader, Tail, read_group,
    read_tail, segment_len_bound,
};
use crate::medium::storage::{Storage, StoredFile};
use crate::open::recovery::{OpenError, Recovery};
use crate::state::{State, Unwritten};

/// More records than any log has: what can be said of them still fits into a file.
const RECORDS_MAX: u64 = 1 << 48;

/// Where reading begins: after these records.
pub(crate) struct Base {
    edge: Edge,
    /// Place of the segment among all of them.
    segment: usize,
    /// Offset of the next group; 0 for the first of the segment.
    offset: u64,
}

/// How tiles and offsets are treated while the segments are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    Dropped,
    Written,
    Compared,
}

/// The segments, read to their end.
pub(crate) struct Read {
    pub(crate) edge: Edge,
    segment: SegmentHeader,
    /// Offset after the last whole group.
    pub(crate) end: u64,
    /// Offset after the last byte that is not zero.
    pub(crate) rubbish_end: u64,
    /// Offset of the last thing written: a group, or the header.
    last: u64,
    /// The last place between groups that the checkpoint covers; empty if there is none.
    covered: Mark,
    /// The root over the records under the checkpoint.
    signed_root: Option<Digest>,
    /// The first record found that says that what is missing at the beginning was archived.
    pub(crate) archive: Option<LeafIndex>,
    /// A segment after this one that a crash left without a header.
    unfinished: Option<StoredFile>,
}

/// How a log is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Open {
    /// What came after the mark is read.
    AtMark,
    /// All records are read, and hashes and offsets rebuilt.
    Rebuild,
}

/// Reads what came after the mark, checks it against the stored checkpoint, and only then cuts a
/// torn tail.
pub(crate) fn recover(
    storage: &dyn Storage,
    origin: &Origin,
    how: Open,
    progress: &dyn Fn(TreeSize),
) -> Result<(State, Recovery), OpenError> {
    let opening = Opening::new(storage, origin, progress)?;
    let first = opening.first();
    // WHY not an error: a copy of the directory that was made while the log grew may have hashes and
    // offsets that are older than its mark. All records are read then, and checked against the
    // checkpoint.
    let is_usable = how == Open::AtMark && opening.mark.size > 0 && !opening.is_cut()?;
    let is_remade =
        how == Open::AtMark && !is_usable && (opening.mark.size > 0 || opening.is_mark_damaged);
    let archive = match opening.verify(is_usable) {
        Err(OpenError::Io(error)) if !is_short(&error) => return Err(error.into()),
        // WHY: what was made from the segments may be wrong, and not the segments. Reading all of
        // them tells which.
        Err(error) if is_usable => return Err(opening.check_all().err().unwrap_or(error)),
        verified => verified?.1,
    };
    if is_usable {
        opening.check_list()?;
    }
    let mut mark = Mark { archive, ..if is_usable { opening.mark } else { Mark::default() } };
    let is_kept = is_usable || storage.len(StoredFile::Mark)? == 0;
    if !is_kept && Mark::read(storage)? != Some(mark) {
        // Rebuilt hashes are not durable yet, and who wrote this mark is not known.
        storage.remove(StoredFile::Mark)?;
        mark.write(storage)?;
    }
    let read = opening.read(opening.base(is_usable)?, Made::Written)?;
    let Read { edge, segment, end, rubbish_end, last, covered, unfinished, .. } = read;
    let (Opening { mut segments, checkpoint, .. }, size) = (opening, edge.size());
    if let Some(file) = unfinished {
        storage.remove(file)?;
        segments.pop();
    }
    let bytes_cut = rubbish_end.saturating_sub(end);
    if bytes_cut > 0 {
        storage.truncate(segment.file(), end)?;
    }
    // What was reserved is still there, and a full disk gives no more.
    let reserved = storage.len(segment.file())?;
    write_again(storage, segment.file(), last, end)?;
    // The next opening need not rebuild them again.
    let made = covered.size.saturating_sub(first.as_u64());
    if made > 0 && !is_usable && (how == Open::Rebuild || made >= SETTLE_EVERY) {
        settle(storage, &edge).map_err(io::Error::from)?;
        let known = segments.partition_point(|first| first.as_u64() <= covered.segment);
        let list = list_sum(segments.get(..known).unwrap_or_default());
        mark = Mark { archive, list, ..covered };
        mark.write(storage)?;
    }
    let root = edge.root(storage)?;
    let state = State {
        edge,
        root,
        segments,
        segment,
        end,
        room: reserved,
        mark,
        behind: None,
        unwritten: Unwritten::default(),
    };
    Ok((state, Recovery { size, bytes_cut, checkpoint, is_remade }))
}

/// Returns true if a file has fewer bytes than it should.
pub(crate) fn is_short(error: &io::Error) -> bool {
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
    segments: &[LeafIndex],
) -> Result<Option<Checkpoint>, OpenError> {
    let Some(note) = storage.read_checkpoint()? else { return Ok(None) };
    let note = String::from_utf8(note).map_err(|_| CheckpointError::Form);
    match note.and_then(|note| Checkpoint::verify(&note, origin)) {
        Ok(checkpoint) => Ok(Some(checkpoint)),
        Err(error) => Err(other_log(storage, origin, segments)?.unwrap_or(error.into())),
    }
}

/// The checkpoint of another log only does not verify; whose log it is, its first segment says.
fn other_log(
    storage: &dyn Storage,
    origin: &Origin,
    segments: &[LeafIndex],
) -> Result<Option<OpenError>, OpenError> {
    let Some(first) = segments.first().copied() else { return Ok(None) };
    // Root and nonce do not matter here.
    let expected = SegmentHeader::new(origin, first, &empty_root(), [0; NONCE_LEN]);
    match expected.compare(storage)? {
        HeaderRead::Other(found) => Ok(Some(OpenError::Origin { expected: origin.clone(), found })),
        _ => Ok(None),
    }
}

/// A log that is being opened.
pub(crate) struct Opening<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) origin: &'a Origin,
    pub(crate) segments: Vec<LeafIndex>,
    pub(crate) checkpoint: Option<Checkpoint>,
    /// Empty if there is none of use.
    pub(crate) mark: Mark,
    /// True if there is a mark that no crash leaves behind.
    pub(crate) is_mark_damaged: bool,
    /// Told of how many records were read.
    progress: &'a dyn Fn(TreeSize),
}

impl<'a> Opening<'a> {
    pub(crate) fn new(
        storage: &'a dyn Storage,
        origin: &'a Origin,
        progress: &'a dyn Fn(TreeSize),
    ) -> Result<Self, OpenError> {
        let segments = storage.segments()?;
        let checkpoint = read_checkpoint(storage, origin, &segments)?;
        let mark = Mark::read(storage)?;
        let is_torn = mark.is_none() && !Mark::is_blank(storage)?;
        if let Some(last) = segments.last().copied().filter(|last| last.as_u64() > RECORDS_MAX) {
            return Err(OpenError::Header { file: StoredFile::Segment(last) });
        }
        let mark = mark.filter(|mark| mark.size <= RECORDS_MAX);
        let mark = mark.unwrap_or_default();
        let signed = checkpoint.as_ref().map_or(TreeSize::EMPTY, Checkpoint::size);
        if segments.is_empty() {
            let lost = OpenError::Truncated { signed, found: TreeSize::EMPTY };
            return Err(if checkpoint.is_some() { lost } else { OpenError::Unfinished });
        }
        // Nothing vouches for what lies beyond the checkpoint; the checkpoint came first.
        let is_covered = mark.size <= signed.as_u64();
        let is_mark_damaged = is_torn || !is_covered;
        let mark =
            if is_covered { mark } else { Mark { archive: mark.archive, ..Mark::default() } };
        Ok(Self { storage, origin, segments, checkpoint, mark, is_mark_damaged, progress })
    }

    fn signed(&self) -> TreeSize {
        self.checkpoint.as_ref().map_or(TreeSize::EMPTY, Checkpoint::size)
    }

    /// Returns true if hashes or offsets end before the mark.
    fn is_cut(&self) -> io::Result<bool> {
        let offsets = (StoredFile::Offsets, offset_at(self.mark.size));
        for (file, len) in lens(self.mark.size).chain([offsets]) {
            if self.storage.len(file)? < len {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The first record of the first segment.
    pub(crate) fn first(&self) -> LeafIndex {
        self.segments.first().copied().unwrap_or_default()
    }

    pub(crate) fn base(&self, is_at_mark: bool) -> Result<Base, OpenError> {
        if is_at_mark { self.base_at_mark() } else { self.first_base() }
    }

    /// All records there are; what was archived before them is known by its hashes.
    pub(crate) fn first_base(&self) -> Result<Base, OpenError> {
        let first = self.first().as_u64();
        let edge = match Edge::load(self.storage, first) {
            Err(error) if is_short(&error) => {
                // Up to the mark, hashes are there, whether the records are or not.
                let short = Edge::short(self.storage, first)?.filter(|_| self.mark.size >= first);
                let missing = OpenError::Missing { first: LeafIndex::default() };
                return Err(short.map_or(missing, |file| OpenError::Derived { file }));
            }
            edge => edge?,
        };
        Ok(Base { edge, segment: 0, offset: 0 })
    }

    pub(crate) fn base_at_mark(&self) -> Result<Base, OpenError> {
        let edge = Edge::load(self.storage, self.mark.size)?;
        let first = LeafIndex::new(self.mark.segment);
        let segment = self.segments.binary_search(&first);
        let segment = segment.map_err(|_| OpenError::Missing { first })?;
        let (file, leaves) = (StoredFile::Segment(first), edge.size());
        let len = self.storage.len(file)?;
        if len < self.mark.end {
            return Err(OpenError::Corrupt { file, offset: len, leaves });
        }
        Ok(Base { edge, segment, offset: self.mark.end })
    }

    pub(crate) fn check(&self, read: &Read) -> Result<(), OpenError> {
        let Some(checkpoint) = &self.checkpoint else { return Ok(()) };
        let signed = checkpoint.size();
        match read.signed_root {
            None => Err(OpenError::Truncated { signed, found: read.edge.size() }),
            Some(root) if root != checkpoint.root() => Err(OpenError::Tampered { signed }),
            Some(_) => Ok(()),
        }
    }

    pub(crate) fn read(&self, base: Base, made: Made) -> Result<Read, OpenError> {
        let Base { mut edge, segment: mut number, offset } = base;
        let signed = self.signed();
        let (mut signed_root, mut archive, mut covered) = (None, None, Mark::default());
        if edge.size() == signed {
            signed_root = Some(edge.root(self.storage)?);
        }
        let mut group = Group::default();
        let mut segment = self.header(&edge, number, None)?;
        let (mut end, mut last) = match offset {
            0 => (segment.len(), 0),
            offset => (offset, offset),
        };
        let (rubbish_end, unfinished) = loop {
            let (file, leaves) = (segment.file(), edge.size());
            let made = self.durably(&edge, made)?;
            let corrupt = || OpenError::Corrupt { file, offset: end, leaves };
            let len = self.storage.len(file)?;
            // A file with a hole may say that it has more bytes than anybody can look at.
            if len > segment_len_bound(self.storage.segment_len_max()) {
                return Err(OpenError::TooLong { file, len });
            }
            let next = leaves.as_u64();
            let read = read_group(self.storage, &segment, (end, len), next, &mut group)?;
            let rubbish_end = match read {
                GroupRead::Whole { next } => {
                    self.make_offsets(&edge, &group, end, made)?;
                    archive = archive.or_else(|| self.find_archive(&edge, &group));
                    let until = signed.as_u64().checked_sub(leaves.as_u64());
                    let until = until.and_then(|until| usize::try_from(until).ok());
                    let split = until.and_then(|until| group.leaves.split_at_checked(until));
                    let (before, after) = split.unwrap_or((&group.leaves, &[]));
                    self.make_tiles(&mut edge, before, made)?;
                    if edge.size() == signed {
                        signed_root = Some(edge.root(self.storage)?);
                    }
                    self.make_tiles(&mut edge, after, made)?;
                    // The header was written together with the first group.
                    let is_first = segment.first.as_u64() == leaves.as_u64();
                    (last, end) = (if is_first { 0 } else { end }, next);
                    if edge.size() <= signed {
                        let (size, segment) = (edge.size().as_u64(), segment.first.as_u64());
                        covered = Mark { size, segment, end, ..covered };
                    }
                    (self.progress)(edge.size());
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
            let Some(later) = self.segments.get(number + 1) else { break (rubbish_end, None) };
            if rubbish_end > end || later.as_u64() < next {
                return Err(corrupt());
            }
            if later.as_u64() > next {
                return Err(OpenError::Missing { first: LeafIndex::new(next) });
            }
            number += 1;
            let after = self.header(&edge, number, Some(segment.nonce));
            if let Err(OpenError::Unfinished) = after {
                break (end, Some(StoredFile::Segment(*later)));
            }
            segment = after?;
            (last, end) = (0, segment.len());
        };
        Ok(Read {
            edge,
            segment,
            end,
            rubbish_end,
            last,
            covered,
            signed_root,
            archive,
            unfinished,
        })
    }

    /// What is not durable yet need not be right; at the mark, the edge must be.
    fn durably(&self, edge: &Edge, made: Made) -> Result<Made, OpenError> {
        if made != Made::Compared || edge.size().as_u64() < self.mark.size {
            return Ok(made);
        }
        if edge.size().as_u64() == self.mark.size {
            let mut rests = edge.rests();
            rests.try_for_each(|(file, offset, bytes)| self.make(file, offset, &bytes, made))?;
        }
        Ok(Made::Dropped)
    }

    /// The header of a segment, which must be the one that belongs here. The nonce is known from
    /// the segment before it, if that was read.
    fn header(
        &self,
        edge: &Edge,
        number: usize,
        nonce: Option<[u8; NONCE_LEN]>,
    ) -> Result<SegmentHeader, OpenError> {
        let first = self.segments.get(number).copied().unwrap_or_default();
        let root = Stored { edge, storage: self.storage }.root_at(TreeSize::new(first.as_u64()));
        let root = root.map_err(OpenError::from)?;
        let header = match nonce {
            Some(nonce) => SegmentHeader::new(self.origin, first, &root, nonce),
            None => SegmentHeader::with_stored_nonce(self.storage, self.origin, first, &root)?,
        };
        let file = header.file();
        match header.compare(self.storage)? {
            HeaderRead::Ours => Ok(header),
            HeaderRead::Other(found) => {
                Err(OpenError::Origin { expected: self.origin.clone(), found })
            }
            // A crash while a new segment was begun.
            HeaderRead::Unfinished if self.is_begun(&header, number, nonce.is_some())? => {
                Err(OpenError::Unfinished)
            }
            HeaderRead::Version(found) => Err(OpenError::Version { file, found }),
            // The root before the first segment there is comes from hashes alone.
            HeaderRead::OtherRoot if number == 0 && edge.size().as_u64() == first.as_u64() => {
                let damaged = damaged_tile(self.storage, first.as_u64())?;
                Err(OpenError::Derived { file: damaged.unwrap_or(StoredFile::Hashes(0)) })
            }
            HeaderRead::Unfinished
            | HeaderRead::OtherRoot
            | HeaderRead::Elsewhere
            | HeaderRead::Damaged => Err(OpenError::Header { file }),
        }
    }

    /// Returns true if a crash may have kept the segment from being begun: the last one, without any
    /// group but perhaps a first one, which nobody was told of.
    fn is_begun(
        &self,
        header: &SegmentHeader,
        number: usize,
        is_nonce_known: bool,
    ) -> Result<bool, OpenError> {
        let first = header.first.as_u64();
        if number + 1 < self.segments.len() || self.signed().as_u64() > first {
            return Ok(false);
        }
        if number == 0 && self.checkpoint.is_some() {
            return Ok(false);
        }
        if !is_nonce_known {
            // WHY: what a later group would be cannot be told; but the first header of a log is
            // written alone, and there is none where reading begins at a mark.
            return Ok(header.is_alone(self.storage)?);
        }
        let len = self.storage.len(header.file())?;
        Ok(read_tail(self.storage, header, (0, len), first)? != Tail::Later)
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
        let mut bytes = Vec::with_capacity(group.leaves.len() * size_of::<u64>());
        group.records().for_each(|(at, _)| push_offset(&mut bytes, body_at + at));
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
