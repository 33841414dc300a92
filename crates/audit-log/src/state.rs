use std::collections::VecDeque;
use std::io;

use dataspace_primitives::Digest;
use dataspace_tlog::LeafIndex;

use crate::medium::hashes::{Edge, FullTiles, Stored, offset_at};
use crate::medium::mark::Mark;
use crate::medium::segment::{SegmentHeader, segment_of};
use crate::medium::storage::{Storage, StoredFile};

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
    pub(crate) unwritten: Unwritten,
}

/// Bytes made from the segments that could not be written yet. At most so many, and one group's.
const UNWRITTEN_LEN_MAX: usize = 16 << 20;

/// What was made from the segments and could not be written to its files yet. It can be made again,
/// so that its loss is no harm.
#[derive(Debug, Default)]
pub(crate) struct Unwritten {
    parts: VecDeque<(StoredFile, u64, Vec<u8>)>,
    len: usize,
}

impl Unwritten {
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    fn push(&mut self, file: StoredFile, offset: u64, bytes: Vec<u8>) {
        self.len += bytes.len();
        self.parts.push_back((file, offset, bytes));
    }

    /// Writes all of it. After an error, what is left is tried again at the next call.
    pub(crate) fn write(&mut self, storage: &dyn Storage) -> io::Result<()> {
        while let Some((file, offset, bytes)) = self.parts.front() {
            storage.write_at(*file, *offset, bytes)?;
            self.len -= bytes.len();
            self.parts.pop_front();
        }
        Ok(())
    }
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
}

impl State {
    /// Enters the group that was written last. What is made from it is written if that can be done
    /// now.
    ///
    /// # Errors
    /// It could not be done for so long that no more can be kept.
    pub(crate) fn catch_up(&mut self, storage: &dyn Storage) -> io::Result<()> {
        let Some(mut written) = self.behind.take() else { return Ok(()) };
        let extended = || Extended::new(self.edge.clone(), &written.leaves);
        let Extended { edge, full } = written.tree.take().unwrap_or_else(extended);
        let first = self.edge.size().as_u64();
        self.root = edge.root(storage)?;
        self.edge = edge;
        (self.end, self.room) = (written.end, written.room);
        if let Some(segment) = written.new.take() {
            self.segments.push(segment.first);
            self.segment = segment;
        }
        self.unwritten.push(StoredFile::Offsets, offset_at(first), written.offsets);
        for tiles in full {
            self.unwritten.push(tiles.file, tiles.offset, tiles.bytes);
        }
        match self.unwritten.write(storage) {
            Err(error) if self.unwritten.len > UNWRITTEN_LEN_MAX => Err(error),
            _written_or_kept => Ok(()),
        }
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
