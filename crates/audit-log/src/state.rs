use std::io;

use dataspace_primitives::Digest;

use crate::hashes::{Edge, FullTiles, Stored, offset_at};
use crate::mark::Mark;
use crate::segment::SegmentHeader;
use crate::storage::{Storage, StoredFile};
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
    /// Bytes for which the segment that grows has room, as far as is known.
    pub(crate) room: u64,
    /// Up to where tiles and offsets are durable.
    pub(crate) mark: Mark,
    /// The group that was written last, while it is not entered into all of this.
    pub(crate) behind: Option<Written>,
}

/// A group that is durable.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) leaves: Vec<Digest>,
    /// The tree with these leaves, if it is known already.
    pub(crate) tree: Option<Extended>,
    /// Where its records begin in the segment, as the file of offsets says it.
    pub(crate) offsets: Vec<u8>,
    pub(crate) end: u64,
    pub(crate) room: u64,
    /// The segment that began with it.
    pub(crate) new: Option<SegmentHeader>,
}

/// The tree with a group's leaves.
#[derive(Debug)]
pub(crate) struct Extended {
    edge: Edge,
    full: Vec<FullTiles>,
}

impl Extended {
    pub(crate) fn new(mut edge: Edge, leaves: &[Digest]) -> Self {
        let full = edge.extend(leaves);
        Self { edge, full }
    }

    /// Writes what can be made from the segments, and so need not be durable. Returns the root.
    fn write(&self, storage: &dyn Storage, first: u64, offsets: &[u8]) -> io::Result<Digest> {
        storage.write_at(StoredFile::Offsets, offset_at(first), offsets)?;
        for tiles in &self.full {
            storage.write_at(tiles.file, tiles.offset, &tiles.bytes)?;
        }
        self.edge.root(storage)
    }
}

impl State {
    /// Enters the group that was written last. After an error, everything is as before.
    pub(crate) fn catch_up(&mut self, storage: &dyn Storage) -> io::Result<()> {
        let Some(written) = &mut self.behind else { return Ok(()) };
        let extended = || Extended::new(self.edge.clone(), &written.leaves);
        let tree = written.tree.take().unwrap_or_else(extended);
        let root = tree.write(storage, self.edge.size().as_u64(), &written.offsets)?;
        (self.edge, self.root) = (tree.edge, root);
        (self.end, self.room) = (written.end, written.room);
        if let Some(segment) = written.new.take() {
            self.segments.push(segment.first);
            self.segment = segment;
        }
        self.behind = None;
        Ok(())
    }

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
