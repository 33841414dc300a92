//! A segment that is missing between others. Opening reads none of those before the mark, so this
//! is asked of a few records.

use dataspace_tlog::engine::to_u64;
use dataspace_tlog::{
    LeafIndex,
    tree::{empty_root, leaf_hash},
};

use crate::medium::hashes::{Edge, NodeError, Stored, offset_at};
use crate::medium::mark::list_sum;
use crate::medium::segment::{GROUP_HEADER_LEN, NONCE_LEN, SegmentHeader, segment_of};
use crate::medium::storage::StoredFile;
use crate::open::opening::{Opening, is_short};
use crate::open::recovery::OpenError;
use crate::reader::read_record;

impl Opening<'_> {
    /// Finds a segment that is missing between others, up to the one of the mark. Reads nothing
    /// if the mark was made of these segments, and otherwise (some were archived
    /// since then, or put back) one record for each.
    // WHY one is enough: the record before a segment stands at the end of the one before that,
    // unless there was another one between them. Nothing here need be proved: a record that was
    // changed is found when it is read.
    pub(crate) fn check_list(&self) -> Result<(), OpenError> {
        let is_before = |first: &LeafIndex| first.as_u64() <= self.mark.segment;
        let known = self.segments.get(..self.segments.partition_point(is_before));
        let known = known.unwrap_or_default();
        if list_sum(known) == self.mark.list {
            return Ok(());
        }
        let edge = Edge::load(self.storage, self.mark.size)?;
        let tree = Stored { edge: &edge, storage: self.storage };
        for (segment, next) in known.iter().zip(known.iter().skip(1)) {
            let Some(last) = next.as_u64().checked_sub(1) else { continue };
            if self.stands_in(tree, *segment, last)? {
                continue;
            }
            // The first record is there, if anything is.
            let (mut there, mut gone) = (segment.as_u64(), last);
            while gone.saturating_sub(there) > 1 {
                let middle = there + (gone - there) / 2;
                let is_there = self.stands_in(tree, *segment, middle)?;
                *(if is_there { &mut there } else { &mut gone }) = middle;
            }
            // Anything else is damage, and not for opening to find.
            if gone > segment.as_u64() && self.begins_segment(gone)? {
                return Err(OpenError::Missing { first: LeafIndex::new(gone) });
            }
        }
        Ok(())
    }

    /// Returns true if the last record before the mark is here, if it was not archived. It is not in a copy
    /// whose segment is older than its mark: there stands room that was taken in advance.
    pub(crate) fn is_last_there(&self) -> Result<bool, OpenError> {
        let Some(last) = self.mark.size.checked_sub(1) else { return Ok(true) };
        let Some(segment) = segment_of(&self.segments, LeafIndex::new(last)) else {
            return Ok(true);
        };
        let edge = Edge::load(self.storage, self.mark.size)?;
        self.stands_in(Stored { edge: &edge, storage: self.storage }, segment, last)
    }

    /// Returns true if the record is the one in this segment, as far as hashes and offsets say.
    fn stands_in(&self, tree: Stored<'_>, segment: LeafIndex, at: u64) -> Result<bool, OpenError> {
        let index = LeafIndex::new(at);
        let record = match read_record(self.storage, segment, index) {
            Err(error) if is_short(&error) => return Ok(false),
            record => record?,
        };
        match tree.leaf(index) {
            Err(NodeError::Io(error)) if !is_short(&error) => Err(error.into()),
            leaf => Ok(leaf.is_ok_and(|leaf| leaf == leaf_hash(&record))),
        }
    }

    /// Returns true if the record stands where the first one of a segment does, and no other.
    fn begins_segment(&self, at: u64) -> Result<bool, OpenError> {
        let header =
            SegmentHeader::new(self.origin, LeafIndex::new(at), &empty_root(), [0; NONCE_LEN]);
        let mut start = [0; 8];
        match self.storage.read_at(StoredFile::Offsets, offset_at(at), &mut start) {
            Err(error) if is_short(&error) => return Ok(false),
            done => done?,
        }
        let first = header.len() + to_u64(GROUP_HEADER_LEN);
        Ok(u64::from_be_bytes(start) == first)
    }
}
