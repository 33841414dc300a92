//! Up to where what is made from the segments is durable, so that opening a log need not read more
//! than what came after.
//!
//! ```text
//! mark = "dslgmark" size:u64 segment:u64 end:u64 archive:u64 list:u64
//!        first 16 bytes of SHA-256(all before)
//! ```
//! Nothing in it is trusted: what it leads to is checked against the signed checkpoint.

use std::io;

use dataspace_primitives::Digest;
use dataspace_tlog::LeafIndex;
use dataspace_tlog::engine::to_u64;

use crate::medium::storage::{Storage, StoredFile};

/// After so many records, hashes and offsets are made durable with the next checkpoint; fewer are
/// read again at open.
pub(crate) const SETTLE_EVERY: u64 = 4_096;

const MAGIC: &[u8; 8] = b"dslgmark";
const FIELDS_LEN: usize = 48;
const MARK_LEN: usize = FIELDS_LEN + 16;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Records whose hashes and offsets are durable.
    pub(crate) size: u64,
    /// The segment of the record after them.
    pub(crate) segment: u64,
    /// Where in the segment the group after them begins; 0 for its first.
    pub(crate) end: u64,
    /// The record that says that older segments were archived.
    pub(crate) archive: Option<LeafIndex>,
    /// Which segments there were up to that one ([`list_sum`]).
    pub(crate) list: u64,
}

impl Mark {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MARK_LEN);
        bytes.extend_from_slice(MAGIC);
        let archive = self.archive.map_or(u64::MAX, LeafIndex::as_u64);
        for number in [self.size, self.segment, self.end, archive, self.list] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        let check = Digest::of(&bytes);
        bytes.extend(check.as_bytes().iter().take(MARK_LEN - FIELDS_LEN));
        bytes
    }

    pub(crate) fn write(&self, storage: &dyn Storage) -> io::Result<()> {
        storage.write_at(StoredFile::Mark, 0, &self.to_bytes())?;
        storage.sync_data(StoredFile::Mark)
    }

    /// `None` if there is none, or a crash tore it.
    pub(crate) fn read(storage: &dyn Storage) -> io::Result<Option<Self>> {
        let mut bytes = [0; MARK_LEN];
        if storage.len(StoredFile::Mark)? != to_u64(MARK_LEN) {
            return Ok(None);
        }
        storage.read_at(StoredFile::Mark, 0, &mut bytes)?;
        let (fields, check) = bytes.split_at(FIELDS_LEN);
        let Some(numbers) = fields.strip_prefix(MAGIC) else { return Ok(None) };
        let numbers = numbers.as_chunks::<8>().0;
        let Ok(numbers) = <[_; 5]>::try_from(numbers) else { return Ok(None) };
        let [size, segment, end, archive, list] = numbers.map(u64::from_be_bytes);
        let archive = (archive != u64::MAX).then_some(LeafIndex::new(archive));
        let is_whole = Digest::of(fields).as_bytes().starts_with(check);
        Ok(is_whole.then_some(Self { size, segment, end, archive, list }))
    }

    /// Returns true if there is no mark, and nothing but what a crash may leave of the first one.
    pub(crate) fn is_blank(storage: &dyn Storage) -> io::Result<bool> {
        let len = usize::try_from(storage.len(StoredFile::Mark)?).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len.min(MARK_LEN)];
        if !bytes.is_empty() {
            storage.read_at(StoredFile::Mark, 0, &mut bytes)?;
        }
        Ok(len <= MARK_LEN && bytes.iter().all(|byte| *byte == 0))
    }
}

/// A sum over a list of segments: the first 8 bytes of the SHA-256 over their first records.
pub(crate) fn list_sum(segments: &[LeafIndex]) -> u64 {
    let firsts: Vec<u8> = segments.iter().flat_map(|first| first.as_u64().to_be_bytes()).collect();
    Digest::of(&firsts).as_bytes().first_chunk().map_or(0, |sum| u64::from_be_bytes(*sum))
}
