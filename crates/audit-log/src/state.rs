use dataspace_primitives::Digest;

use crate::hashes::{Edge, Stored};
use crate::mark::Mark;
use crate::segment::SegmentHeader;
use crate::storage::Storage;
use crate::tree::LeafIndex;

/// What is durable: the tree's right edge, and where the segments end.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) edge: Edge,
    /// The root over all records.
    pub(crate) root: Digest,
    /// The first records of the segments, in ascending order.
    pub(crate) segments: Vec<LeafIndex>,
    /// The segment that grows.
    pub(crate) segment: SegmentHeader,
    /// Offset after the last whole group.
    pub(crate) end: u64,
    /// Up to where tiles and offsets are durable.
    pub(crate) mark: Mark,
}

impl State {
    /// The segment in which the record stands; `None` if that was archived.
    pub(crate) fn segment_of(&self, index: LeafIndex) -> Option<LeafIndex> {
        segment_of(&self.segments, index)
    }

    pub(crate) fn tree<'a>(&'a self, storage: &'a dyn Storage) -> Stored<'a> {
        Stored { edge: &self.edge, storage }
    }

    /// The mark of all there is.
    pub(crate) fn next_mark(&self) -> Mark {
        let (size, segment) = (self.edge.size().as_u64(), self.segment.first.as_u64());
        Mark { size, segment, end: self.end, ..self.mark }
    }
}

/// Of segments in ascending order of their first records, the one in which the record stands.
pub(crate) fn segment_of(segments: &[LeafIndex], index: LeafIndex) -> Option<LeafIndex> {
    let after = segments.partition_point(|first| *first <= index);
    segments.get(after.checked_sub(1)?).copied()
}
