//! The Merkle tree of RFC 9162 §2.1 over SHA-256.

pub(crate) mod edge;
pub(crate) mod hash;
pub(crate) mod hash_tile;
pub mod nodes;
pub(crate) mod proof;
pub(crate) mod tile;

pub use self::hash::{TreeError, empty_root, leaf_hash};
pub use self::proof::{ConsistencyProof, InclusionProof, PATH_LEN_MAX, ProofError};
pub use self::tile::{
    BundleId, ParseTilePathError, TILE_LEVEL_MAX, TILE_WIDTH, TileId, TileIdError,
};

use dataspace_primitives::Digest;

use crate::tree::hash::{LeafIndex, TreeSize, node_hash};
use crate::tree::nodes::Nodes;

/// The tree in memory: the hash of every complete subtree, 64 bytes for each leaf.
///
/// Appending costs two hashes on average; roots and proofs of any earlier size cost a number of
/// hashes in proportion to the depth.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// `levels[k][i]` is the hash over the leaves `i·2^k .. (i+1)·2^k`.
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    /// The tree over no record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves in the tree.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        let leaves = self.levels.first().map_or(0, Vec::len);
        // WHY: a vector in memory has fewer than 2^64 elements.
        TreeSize::new(u64::try_from(leaves).unwrap_or(u64::MAX))
    }

    /// Appends the record with this [`leaf_hash`].
    pub fn push(&mut self, leaf: Digest) {
        let mut carry = Some(leaf);
        let mut level = 0;
        while let Some(hash) = carry.take() {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            if let Some(row) = self.levels.get_mut(level) {
                row.push(hash);
                if row.len().is_multiple_of(2)
                    && let [.., left, right] = row.as_slice()
                {
                    carry = Some(node_hash(left, right));
                }
            }
            level += 1;
        }
    }

    /// The hash of the leaf at `index`, if there is one.
    #[must_use]
    pub fn leaf(&self, index: LeafIndex) -> Option<&Digest> {
        self.levels.first()?.get(usize::try_from(index.as_u64()).ok()?)
    }

    /// The root over all leaves.
    #[must_use]
    pub fn root(&self) -> Digest {
        // Every tree has a root of its own size.
        self.root_at(self.size()).unwrap_or_else(|_| empty_root())
    }

    /// The root over the first `size` leaves.
    ///
    /// # Errors
    /// [`TreeError::Size`] if there are fewer leaves.
    pub fn root_at(&self, size: TreeSize) -> Result<Digest, TreeError> {
        nodes::root_at(&mut &*self, self.size(), size)
    }

    /// The proof that the leaf at `index` is in the tree of `size` leaves (RFC 9162 §2.1.3.1).
    ///
    /// # Errors
    /// [`TreeError::Size`] or [`TreeError::Index`].
    pub fn inclusion_proof(
        &self,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<InclusionProof, TreeError> {
        nodes::inclusion_proof(&mut &*self, self.size(), (index, size))
    }

    /// The proof that the tree of `to` leaves extends the one of `from` (RFC 9162 §2.1.4.1).
    ///
    /// # Errors
    /// [`TreeError::Size`] or [`TreeError::Order`].
    pub fn consistency_proof(
        &self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, TreeError> {
        nodes::consistency_proof(&mut &*self, self.size(), (from, to))
    }

    /// The hashes of the complete subtrees of 2^`height` leaves.
    #[doc(hidden)]
    pub fn row(&self, height: u32) -> &[Digest] {
        let row = usize::try_from(height).ok().and_then(|height| self.levels.get(height));
        row.map_or(&[], Vec::as_slice)
    }
}

impl Nodes for &Tree {
    type Error = TreeError;

    fn node(&mut self, height: u32, index: u64) -> Result<Digest, TreeError> {
        let node = usize::try_from(index).ok().and_then(|index| self.row(height).get(index));
        let end = index.saturating_add(1).saturating_mul(1_u64.checked_shl(height).unwrap_or(0));
        node.copied().ok_or(TreeError::Size { size: TreeSize::new(end), leaves: self.size() })
    }
}
