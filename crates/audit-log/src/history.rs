//! A log as one side of a comparison.

use dataspace_primitives::Digest;

use crate::compare::History;
use crate::log::Log;
use crate::reader::ProveError;
use crate::tree::hash::TreeSize;
use crate::tree::proof::ConsistencyProof;

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
