//! Roots and proofs of RFC 9162 §2.1 from the hashes of complete subtrees, wherever those are.

use dataspace_primitives::Digest;

use crate::proof::{ConsistencyProof, InclusionProof};
use crate::tree::{LeafIndex, TreeError, TreeSize, empty_root, node_hash, split};

/// The hashes of complete subtrees of a tree.
pub(crate) trait Nodes {
    type Error: From<TreeError>;

    /// Leaves in the tree.
    fn size(&self) -> TreeSize;

    /// The hash over the leaves `index·2^height .. (index+1)·2^height`, which are all in the tree.
    fn node(&self, height: u32, index: u64) -> Result<Digest, Self::Error>;

    /// The root over the first `size` leaves.
    fn root_at(&self, size: TreeSize) -> Result<Digest, Self::Error> {
        self.check(size)?;
        if size == TreeSize::EMPTY {
            return Ok(empty_root());
        }
        self.range(0, size.as_u64())
    }

    /// RFC 9162 §2.1.3.1.
    fn inclusion_proof(
        &self,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<InclusionProof, Self::Error> {
        self.check(size)?;
        if !size.contains(index) {
            return Err(TreeError::Index { index, size }.into());
        }
        let (mut start, mut end) = (0, size.as_u64());
        let mut path = Vec::with_capacity(32);
        while end - start > 1 {
            let middle = start + split(end - start);
            if index.as_u64() < middle {
                path.push(self.range(middle, end)?);
                end = middle;
            } else {
                path.push(self.range(start, middle)?);
                start = middle;
            }
        }
        path.reverse();
        Ok(InclusionProof { index, size, path })
    }

    /// RFC 9162 §2.1.4.1.
    fn consistency_proof(
        &self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, Self::Error> {
        self.check(to)?;
        if from > to {
            return Err(TreeError::Order { from, to }.into());
        }
        let mut path = Vec::with_capacity(32);
        let (from_len, mut start, mut end) = (from.as_u64(), 0, to.as_u64());
        let mut known = true;
        while from_len != end && from_len != 0 {
            let middle = start + split(end - start);
            if from_len <= middle {
                path.push(self.range(middle, end)?);
                end = middle;
            } else {
                path.push(self.range(start, middle)?);
                start = middle;
                known = false;
            }
        }
        if !known {
            path.push(self.range(start, end)?);
        }
        path.reverse();
        Ok(ConsistencyProof { from, to, path })
    }

    fn check(&self, size: TreeSize) -> Result<(), TreeError> {
        let leaves = self.size();
        if size > leaves { Err(TreeError::Size { size, leaves }) } else { Ok(()) }
    }

    /// The hash over the leaves `start .. end`, not none, where `start` is a multiple of the least
    /// power of two that is not smaller than the length.
    fn range(&self, start: u64, end: u64) -> Result<Digest, Self::Error> {
        let len = end.saturating_sub(start).max(1);
        if len.is_power_of_two() {
            return self.node(len.trailing_zeros(), start / len);
        }
        // The left half is complete, so this recurses once for each level at most.
        let middle = start + split(len);
        Ok(node_hash(&self.range(start, middle)?, &self.range(middle, end)?))
    }
}
