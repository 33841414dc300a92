//! Bytes of a segment file: a header, then groups, then perhaps zeros.
//!
//! ```text
//! segment = "dslogseg" version:u32 firstIndex:u64 root:32 originLen:u16 origin nonce:16
//!           SHA-256(all before) group* 0*
//! group   = "DSGR" bodyLen:u32 count:u32 firstIndex:u64 check:8  body  trailer:32
//! body    = (recordLen:u32 record)*
//! check   = first 8 bytes of SHA-256(segment header's SHA-256 || group header before check)
//! trailer = SHA-256(group header || leaf hash*)
//! ```
//! Integers are big-endian. The root is the one of the tree before the segment. A group is written
//! by one write and made durable by one sync. The check makes the length of a group trustworthy
//! before its body is read, and ties a group to its log.
//!
//! The nonce is drawn when the log is created, and is the same in all of its segments. Everything
//! else that the check depends on is public. Without a nonce, anyone who gets bytes into a record
//! could put the header of a later group there; a crash that tears the record's group would
//! leave what looks like damage, and the log would not be opened. The nonce is neither
//! published nor signed. Anyone who can read the directory knows it.

use std::io;

use dataspace_identity::{Did, Origin};
use dataspace_primitives::Digest;
use dataspace_tlog::engine::to_u64;
use dataspace_tlog::{LeafIndex, record::RECORD_LEN_MAX, tree::leaf_hash};

use crate::medium::storage::{SEGMENT_LEN_MAX, Storage, StoredFile};

const SEGMENT_MAGIC: &[u8; 8] = b"dslogseg";
const SEGMENT_VERSION: u32 = 3;
const GROUP_MAGIC: [u8; 4] = *b"DSGR";
const CHECK_LEN: usize = 8;
/// Bytes before the check.
const FIELDS_LEN: usize = 20;

/// Bytes that are drawn for each log.
pub(crate) const NONCE_LEN: usize = 16;
/// Bytes in the header of a group.
pub(crate) const GROUP_HEADER_LEN: usize = FIELDS_LEN + CHECK_LEN;
/// Bytes before each record.
pub(crate) const RECORD_PREFIX_LEN: usize = 4;
/// Longest body of a group, in bytes, length prefixes included.
pub(crate) const GROUP_BODY_LEN_MAX: usize = 4 << 20;
/// Longest segment header that any origin needs.
pub(crate) const SEGMENT_HEADER_LEN_MAX: u64 = 512;

/// Bytes that a segment has at most, where a new one is begun after so many: one group more.
pub(crate) const fn segment_len_bound(segment_len_max: u64) -> u64 {
    let shortest =
        if segment_len_max < SEGMENT_LEN_MAX { SEGMENT_LEN_MAX } else { segment_len_max };
    // No platform has a `usize` wider than 64 bits.
    shortest + SEGMENT_HEADER_LEN_MAX + 2 * GROUP_BODY_LEN_MAX as u64
}

/// The header of a segment.
#[derive(Clone, Debug)]
pub(crate) struct SegmentHeader {
    pub(crate) first: LeafIndex,
    pub(crate) bytes: Vec<u8>,
    /// The one of the log.
    pub(crate) nonce: [u8; NONCE_LEN],
    /// Ties groups to this segment.
    salt: Digest,
}

/// What the first bytes of a segment are.
pub(crate) enum HeaderRead {
    /// The header of this log.
    Ours,
    /// Fewer bytes than the header: its log was never finished.
    Unfinished,
    /// A whole header of another log.
    Other(Origin),
    /// A header of this log and this place, after other records or with another nonce.
    OtherRoot,
    /// A header of this log, in another place.
    Elsewhere,
    /// A header of another version of the format.
    Version(u32),
    /// None of them.
    Damaged,
}

impl SegmentHeader {
    /// The header of the segment that begins with `first`, after a tree with this root.
    pub(crate) fn new(
        origin: &Origin,
        first: LeafIndex,
        root: &Digest,
        nonce: [u8; NONCE_LEN],
    ) -> Self {
        let origin = origin.as_str().as_bytes();
        // An origin has at most 129 bytes.
        let len = u16::try_from(origin.len()).unwrap_or(u16::MAX);
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(SEGMENT_MAGIC);
        bytes.extend_from_slice(&SEGMENT_VERSION.to_be_bytes());
        bytes.extend_from_slice(&first.as_u64().to_be_bytes());
        bytes.extend_from_slice(root.as_bytes());
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(origin);
        bytes.extend_from_slice(&nonce);
        let salt = Digest::of(&bytes);
        bytes.extend_from_slice(salt.as_bytes());
        Self { first, bytes, nonce, salt }
    }

    /// As [`new`](Self::new), with the nonce that stands in the file, if the file is of this log;
    /// with zeros for what is missing of it.
    pub(crate) fn with_stored_nonce(
        storage: &dyn Storage,
        origin: &Origin,
        first: LeafIndex,
        root: &Digest,
    ) -> io::Result<Self> {
        let mut nonce = [0; NONCE_LEN];
        let found = read_start(storage, StoredFile::Segment(first))?;
        let stored = found.iter().skip(ORIGIN_AT + origin.as_str().len());
        nonce.iter_mut().zip(stored).for_each(|(byte, found)| *byte = *found);
        Ok(Self::new(origin, first, root, nonce))
    }

    pub(crate) fn file(&self) -> StoredFile {
        StoredFile::Segment(self.first)
    }

    pub(crate) fn len(&self) -> u64 {
        to_u64(self.bytes.len())
    }

    pub(crate) fn compare(&self, storage: &dyn Storage) -> io::Result<HeaderRead> {
        let found = read_start(storage, self.file())?;
        if found.starts_with(&self.bytes) {
            return Ok(HeaderRead::Ours);
        }
        // A crash while the header was written leaves a part of it, and zeros.
        let written = found.iter().zip(&self.bytes).take_while(|(found, byte)| found == byte);
        if found.iter().skip(written.count()).all(|byte| *byte == 0) {
            return Ok(HeaderRead::Unfinished);
        }
        if let Some(version) = other_version(&found) {
            return Ok(HeaderRead::Version(version));
        }
        Ok(match read_header(&found) {
            None => HeaderRead::Damaged,
            Some((origin, first)) if self.origin() == Some(origin.as_str().as_bytes()) => {
                if first == self.first { HeaderRead::OtherRoot } else { HeaderRead::Elsewhere }
            }
            Some((origin, _)) => HeaderRead::Other(origin),
        })
    }

    /// Returns true if nothing stands behind the header. That is as the creation of a log leaves it, be it
    /// whole or torn.
    pub(crate) fn is_alone(&self, storage: &dyn Storage) -> io::Result<bool> {
        let behind = (self.len(), storage.len(self.file())?);
        let tail = read_tail(storage, self, behind, self.first.as_u64())?;
        Ok(tail == Tail::Torn { end: self.len() })
    }

    /// Returns true if this header's file holds less than a whole header, of whichever log of this
    /// operator, and nothing else: what a crash leaves of a creation.
    pub(crate) fn is_cut_short(&self, storage: &dyn Storage, operator: &Did) -> io::Result<bool> {
        if storage.len(self.file())? > SEGMENT_HEADER_LEN_MAX {
            return Ok(false);
        }
        let found = read_start(storage, self.file())?;
        let written = found.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let (before, named) =
            found.get(..written).unwrap_or_default().split_at(written.min(ORIGIN_AT));
        // The two bytes before the origin are its length, which tells the name's.
        let (fixed, _len) = before.split_at(before.len().min(ORIGIN_AT - 2));
        let is_ours = self.bytes.starts_with(fixed)
            && named.iter().zip(operator.as_str().as_bytes()).all(|(found, byte)| found == byte);
        Ok(is_ours && read_header(&found).is_none())
    }

    fn origin(&self) -> Option<&[u8]> {
        let before = self.bytes.len().checked_sub(NONCE_LEN + Digest::LEN)?;
        self.bytes.get(ORIGIN_AT..before)
    }
}

/// As much of a segment as a header can take.
fn read_start(storage: &dyn Storage, file: StoredFile) -> io::Result<Vec<u8>> {
    let len = storage.len(file)?.min(SEGMENT_HEADER_LEN_MAX);
    let mut found = vec![0; usize::try_from(len).unwrap_or(0)];
    storage.read_at(file, 0, &mut found)?;
    Ok(found)
}

/// The log that a segment claims to belong to.
pub(crate) fn claimed_origin(
    storage: &dyn Storage,
    first: LeafIndex,
) -> io::Result<Option<Origin>> {
    let found = read_start(storage, StoredFile::Segment(first))?;
    Ok(read_header(&found).map(|(origin, _)| origin))
}

/// The version of the format, if it is not ours.
fn other_version(found: &[u8]) -> Option<u32> {
    let (version, _) = found.strip_prefix(SEGMENT_MAGIC)?.split_first_chunk()?;
    Some(u32::from_be_bytes(*version)).filter(|version| *version != SEGMENT_VERSION)
}

/// Where the origin begins in a header.
const ORIGIN_AT: usize = 8 + 4 + 8 + Digest::LEN + 2;

/// The origin and first record in a header, if the header is whole.
fn read_header(found: &[u8]) -> Option<(Origin, LeafIndex)> {
    let rest = found.strip_prefix(SEGMENT_MAGIC)?.strip_prefix(&SEGMENT_VERSION.to_be_bytes())?;
    let (first, rest) = rest.split_first_chunk()?;
    let (root, rest) = rest.split_first_chunk()?;
    let (len, rest) = rest.split_first_chunk::<2>()?;
    let (origin, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
    let nonce = rest.first_chunk()?;
    let origin: Origin = str::from_utf8(origin).ok()?.parse().ok()?;
    let first = LeafIndex::new(u64::from_be_bytes(*first));
    let header = SegmentHeader::new(&origin, first, &Digest::from_bytes(*root), *nonce);
    found.starts_with(&header.bytes).then_some((origin, first))
}

/// The header of a group whose check is right.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupHeader {
    pub(crate) body_len: u32,
    pub(crate) count: u32,
    pub(crate) first: u64,
}

impl GroupHeader {
    fn write(&self, segment: &SegmentHeader) -> [u8; GROUP_HEADER_LEN] {
        let mut bytes = [0; GROUP_HEADER_LEN];
        let (fields, check) = bytes.split_at_mut(FIELDS_LEN);
        let parts: [&[u8]; 4] = [
            &GROUP_MAGIC,
            &self.body_len.to_be_bytes(),
            &self.count.to_be_bytes(),
            &self.first.to_be_bytes(),
        ];
        fields.copy_from_slice(&parts.concat());
        let digest = Digest::of_parts(&[segment.salt.as_bytes(), fields]);
        for (to, from) in check.iter_mut().zip(digest.as_bytes()) {
            *to = *from;
        }
        bytes
    }

    /// `None` unless the bytes begin with a header of this segment that is whole.
    pub(crate) fn read(bytes: &[u8], segment: &SegmentHeader) -> Option<Self> {
        let rest = bytes.strip_prefix(&GROUP_MAGIC)?;
        let (body_len, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (first, _) = rest.split_first_chunk()?;
        let header = Self {
            body_len: u32::from_be_bytes(*body_len),
            count: u32::from_be_bytes(*count),
            first: u64::from_be_bytes(*first),
        };
        bytes.starts_with(&header.write(segment)).then_some(header)
    }

    /// Body and trailer.
    fn rest_len(&self) -> u64 {
        u64::from(self.body_len) + to_u64(Digest::LEN)
    }

    /// Returns true if we would have written such a group.
    fn is_within_caps(&self) -> bool {
        let body_len = u64::from(self.body_len);
        let count = u64::from(self.count);
        let shortest = count * (to_u64(RECORD_PREFIX_LEN) + 1);
        count > 0 && shortest <= body_len && body_len <= to_u64(GROUP_BODY_LEN_MAX)
    }
}

/// Appends a record to the body of a group. The record has at most [`RECORD_LEN_MAX`] bytes.
pub(crate) fn push_record(body: &mut Vec<u8>, record: &[u8]) {
    let len = u32::try_from(record.len()).unwrap_or(u32::MAX);
    body.extend_from_slice(&len.to_be_bytes());
    body.extend_from_slice(record);
}

/// What stands before and behind the body of a group.
pub(crate) fn frame_group(
    segment: &SegmentHeader,
    first: u64,
    body_len: usize,
    leaves: &[Digest],
) -> ([u8; GROUP_HEADER_LEN], Digest) {
    let header = GroupHeader {
        body_len: u32::try_from(body_len).unwrap_or(u32::MAX),
        count: u32::try_from(leaves.len()).unwrap_or(u32::MAX),
        first,
    };
    let header = header.write(segment);
    let trailer = trailer(&header, leaves);
    (header, trailer)
}

fn trailer(header: &[u8], leaves: &[Digest]) -> Digest {
    let mut hashed = Vec::with_capacity(header.len() + leaves.len() * Digest::LEN);
    hashed.extend_from_slice(header);
    for leaf in leaves {
        hashed.extend_from_slice(leaf.as_bytes());
    }
    Digest::of(&hashed)
}

/// One whole group as read: its records, still packed, and their leaf hashes.
#[derive(Debug, Default)]
pub(crate) struct Group {
    body: Vec<u8>,
    pub(crate) leaves: Vec<Digest>,
}

impl Group {
    /// The records, each with the offset of its length within the body.
    pub(crate) fn records(&self) -> impl Iterator<Item = (u64, &[u8])> {
        records(&self.body)
    }
}

/// The records of a body, each with the offset of its length within it.
pub(crate) fn records(body: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let offset = to_u64(body.len() - rest.len());
        let (record, after) = split_record(rest)?;
        rest = after;
        Some((offset, record))
    })
}

/// `None` at the end of the body, and where it is not a record.
pub(crate) fn split_record(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = body.split_first_chunk()?;
    let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
    if len == 0 || len > RECORD_LEN_MAX {
        return None;
    }
    rest.split_at_checked(len)
}

/// What stands at an offset of the segment.
#[derive(Debug)]
pub(crate) enum GroupRead {
    /// A whole group, now in the buffer; the next one begins here.
    Whole {
        /// Offset after the group.
        next: u64,
    },
    /// Nothing: the segment ends.
    End,
    /// A group that is not whole, as a crash may leave it; or damage.
    Torn {
        /// Offset of its declared end.
        next: u64,
    },
    /// No group header: zeros that were reserved, a torn write, or damage.
    NoHeader,
    /// Damage that no crash leaves behind.
    Corrupt,
}

/// Reads the group at `offset` of a segment of `len` bytes into `group`, whose memory is bounded
/// by [`GROUP_BODY_LEN_MAX`] whatever the bytes declare.
pub(crate) fn read_group(
    storage: &dyn Storage,
    segment: &SegmentHeader,
    (offset, len): (u64, u64),
    first: u64,
    group: &mut Group,
) -> io::Result<GroupRead> {
    let left = len.saturating_sub(offset);
    if left == 0 {
        return Ok(GroupRead::End);
    }
    let mut header_bytes = [0; GROUP_HEADER_LEN];
    let Some(left) = left.checked_sub(to_u64(GROUP_HEADER_LEN)) else {
        return Ok(GroupRead::NoHeader);
    };
    storage.read_at(segment.file(), offset, &mut header_bytes)?;
    let Some(header) = GroupHeader::read(&header_bytes, segment) else {
        return Ok(GroupRead::NoHeader);
    };
    if !header.is_within_caps() || header.first != first {
        return Ok(GroupRead::Corrupt);
    }
    let next = offset + to_u64(GROUP_HEADER_LEN) + header.rest_len();
    if left < header.rest_len() {
        return Ok(GroupRead::Torn { next });
    }
    // INVARIANT: within_caps bounds this.
    group.body.resize(usize::try_from(header.body_len).unwrap_or(0), 0);
    let body_at = offset + to_u64(GROUP_HEADER_LEN);
    storage.read_at(segment.file(), body_at, &mut group.body)?;
    let mut found = [0; Digest::LEN];
    storage.read_at(segment.file(), body_at + u64::from(header.body_len), &mut found)?;
    let (mut leaves, mut used) = (std::mem::take(&mut group.leaves), 0);
    leaves.clear();
    for (_, record) in group.records() {
        leaves.push(leaf_hash(record));
        used += RECORD_PREFIX_LEN + record.len();
    }
    group.leaves = leaves;
    let whole = used == group.body.len()
        && to_u64(group.leaves.len()) == u64::from(header.count)
        && trailer(&header_bytes, &group.leaves).as_bytes() == &found;
    Ok(if whole { GroupRead::Whole { next } } else { GroupRead::Torn { next } })
}

/// What stands behind the last whole group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Bytes up to this offset that a torn write left, zeros after them.
    Torn { end: u64 },
    /// The header of a later group. Then the damage before it is none that a crash leaves: a group
    /// is written only after the one before it was synced.
    Later,
}

/// Bytes read at once while looking at what stands behind damage.
const SCAN_LEN: usize = 64 << 10;

/// Looks at the bytes `offset .. len` of the segment, behind the record before `next`.
pub(crate) fn read_tail(
    storage: &dyn Storage,
    segment: &SegmentHeader,
    (offset, len): (u64, u64),
    next: u64,
) -> io::Result<Tail> {
    let mut window = Vec::new();
    let (mut at, mut end) = (offset, offset);
    while at < len {
        let take = (len - at).min(to_u64(SCAN_LEN + GROUP_HEADER_LEN));
        window.resize(usize::try_from(take).unwrap_or(0), 0);
        storage.read_at(segment.file(), at, &mut window)?;
        if let Some(last) = window.iter().rposition(|byte| *byte != 0) {
            end = end.max(at + to_u64(last) + 1);
            let found = window
                .windows(GROUP_HEADER_LEN)
                .any(|bytes| GroupHeader::read(bytes, segment).is_some_and(|one| one.first > next));
            if found {
                return Ok(Tail::Later);
            }
        }
        at += to_u64(SCAN_LEN);
    }
    Ok(Tail::Torn { end })
}

/// Of segments in ascending order of their first records, the one in which the record stands.
pub(crate) fn segment_of(segments: &[LeafIndex], index: LeafIndex) -> Option<LeafIndex> {
    let after = segments.partition_point(|first| *first <= index);
    segments.get(after.checked_sub(1)?).copied()
}
