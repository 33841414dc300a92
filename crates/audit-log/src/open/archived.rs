//! A log without its beginning: one of its records must say that this was archived.

use dataspace_tlog::{Event, LeafIndex, Record, TreeSize};

use crate::medium::hashes::Edge;
use crate::medium::segment::Group;
use crate::medium::storage::StoredFile;
use crate::open::opening::{Made, Opening, Read, is_short};
use crate::open::recovery::OpenError;
use crate::reader::{ReadError, Records};

impl Opening<'_> {
    /// Reads without changing anything. With what was read comes the record that says that what is
    /// missing at the beginning was archived.
    pub(crate) fn verify(&self, is_at_mark: bool) -> Result<(Read, Option<LeafIndex>), OpenError> {
        let read = self.read(self.base(is_at_mark)?, Made::Dropped)?;
        self.check(&read)?;
        if is_at_mark && !self.is_last_there()? {
            let (file, offset) = (StoredFile::Segment(self.first()), self.mark.end);
            return Err(OpenError::Corrupt { file, offset, leaves: TreeSize::EMPTY });
        }
        let known = self.mark.archive;
        if self.first() == LeafIndex::default() {
            return Ok((read, known));
        }
        let mut archive = read.archive;
        if is_at_mark && archive.is_none() {
            archive = match known {
                Some(known) if self.is_archived_by(known)? => Some(known),
                // The mark may be older than what it should lead to.
                _ => self.verify(false)?.1,
            };
        }
        if archive.is_none() {
            return Err(OpenError::Missing { first: LeafIndex::default() });
        }
        Ok((read, archive))
    }

    /// Returns true if this record, one before the mark, says that what is missing was archived.
    fn is_archived_by(&self, index: LeafIndex) -> Result<bool, OpenError> {
        let edge = Edge::load(self.storage, self.mark.size)?;
        let (root, segments) = (edge.root(self.storage)?, self.segments.clone());
        let records = Records { storage: self.storage, edge, root, segments };
        let (mut is_found, after) = (false, TreeSize::new(index.as_u64().saturating_add(1)));
        let read = records.visit(
            (index, after),
            |_| false,
            |_, bytes| {
                is_found = self.is_archive(bytes);
                Ok(())
            },
        );
        match read {
            Err(ReadError::Io(error)) if !is_short(&error) => Err(error.into()),
            _ => Ok(is_found),
        }
    }

    /// Returns true if the record says that what is missing at the beginning was archived.
    fn is_archive(&self, record: &[u8]) -> bool {
        let event = Record::from_bytes(record).map(|record| record.event);
        matches!(event, Ok(Event::Archived { before }) if before >= self.first())
    }

    /// The first record of the group that says so.
    pub(crate) fn find_archive(&self, edge: &Edge, group: &Group) -> Option<LeafIndex> {
        if self.first() == LeafIndex::default() {
            return None;
        }
        let mut records = (edge.size().as_u64()..).zip(group.records());
        records.find(|(_, (_, record))| self.is_archive(record)).map(|(at, _)| LeafIndex::new(at))
    }
}
