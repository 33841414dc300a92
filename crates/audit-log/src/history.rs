//! A log as one side of a comparison.

use dataspace_primitives::Digest;
use dataspace_tlog::{ConsistencyProof, History, TreeSize};

use crate::log::Log;
use crate::reader::ProveError;

impl History for &Log {
    type Error = ProveError;

    fn root_at(&mut self, size: TreeSize) -> Result<Digest, ProveError> {
        Log::root_at(self, size)
    }

    fn consistency_proof(
        &mut self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, ProveError> {
        Log::consistency_proof(self, from, to)
    }
}
