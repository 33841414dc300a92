//! A node's own log, read as any other.

use std::ops::{ControlFlow, Range};

use dataspace_identity::Origin;
use dataspace_primitives::Digest;
use dataspace_tlog::{
    Checkpoint, Fault, LeafIndex, LogReader, TreeSize,
    log_reader::LogReaderError,
    note::CheckpointError,
    tree::{ConsistencyProof, InclusionProof, TreeError},
};

use crate::log::Log;
use crate::reader::{ProveError, ReadError};

impl LogReader for Log {
    fn origin(&self) -> &Origin {
        self.origin()
    }

    fn latest_checkpoint(&self) -> Result<Option<Checkpoint>, LogReaderError> {
        let damaged = |error: CheckpointError| LogReaderError::new(Fault::Evidence, error);
        let note = self.writer.storage.read_checkpoint().map_err(ReadError::Io)?;
        let Some(note) = note else { return Ok(None) };
        let note = str::from_utf8(&note).map_err(|_| damaged(CheckpointError::Form))?;
        Checkpoint::verify(note, self.origin()).map(Some).map_err(damaged)
    }

    fn size(&self) -> Result<TreeSize, LogReaderError> {
        Ok(self.size()?)
    }

    fn first(&self) -> Result<LeafIndex, LogReaderError> {
        Ok(self.first()?)
    }

    fn record(&self, index: LeafIndex) -> Result<Vec<u8>, LogReaderError> {
        Ok(self.read(index)?)
    }

    fn visit(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(LeafIndex, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), LogReaderError> {
        let (first, end) = (LeafIndex::new(range.start), TreeSize::new(range.end));
        let leaves = self.size()?;
        if end > leaves {
            return Err(ProveError::Tree(TreeError::Size { size: end, leaves }).into());
        }
        let visited = self.replay_range((first, end), |index, record| match visit(index, record) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(None),
        });
        match visited {
            Err(Some(error)) => Err(ReadError::into(error)),
            Ok(()) | Err(None) => Ok(()),
        }
    }

    fn root_at(&self, size: TreeSize) -> Result<Digest, LogReaderError> {
        Ok(self.root_at(size)?)
    }

    fn inclusion_proof(
        &self,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<InclusionProof, LogReaderError> {
        Ok(self.inclusion_proof(index, size)?)
    }

    fn consistency_proof(
        &self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, LogReaderError> {
        Ok(self.consistency_proof(from, to)?)
    }
}

impl From<ReadError> for LogReaderError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Archived { index } => Self::Archived { index },
            error => Self::new(error.fault(), error),
        }
    }
}

impl From<ProveError> for LogReaderError {
    fn from(error: ProveError) -> Self {
        match error {
            ProveError::Read(error) => error.into(),
            error => Self::new(error.fault(), error),
        }
    }
}
