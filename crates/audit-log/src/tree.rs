//! The Merkle tree of RFC 9162 §2.1 over SHA-256.

use std::fmt;

use dataspace_primitives::Digest;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::nodes::{self, Nodes};
use crate::proof::{ConsistencyProof, InclusionProof};

/// The place of a record in the log, counted from 0.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct LeafIndex(u64);

/// A number of leaves: the tree over the first so many records.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct TreeSize(u64);

impl LeafIndex {
    /// The record after `index` others.
    #[must_use]
    pub const fn new(index: u64) -> Self {
        Self(index)
    }

    /// Records before this one.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl TreeSize {
    /// The tree over no record.
    pub const EMPTY: Self = Self(0);

    /// The tree over the first `leaves` records.
    #[must_use]
    pub const fn new(leaves: u64) -> Self {
        Self(leaves)
    }

    /// Records in the tree.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Whether the tree holds the record at `index`.
    #[must_use]
    pub const fn contains(self, index: LeafIndex) -> bool {
        index.0 < self.0
    }
}

impl fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// SHA-256 of 0x00 and the record (RFC 9162 §2.1.1).
#[must_use]
pub fn leaf_hash(record: &[u8]) -> Digest {
    Digest::of_parts(&[&[0], record])
}

/// SHA-256 of 0x01 and both children (RFC 9162 §2.1.1).
pub(crate) fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [1; 1 + 2 * Digest::LEN];
    let (_, children) = bytes.split_at_mut(1);
    let (to_left, to_right) = children.split_at_mut(Digest::LEN);
    to_left.copy_from_slice(left.as_bytes());
    to_right.copy_from_slice(right.as_bytes());
    Digest::of(&bytes)
}

/// The root over no record: the SHA-256 of nothing (RFC 9162 §2.1.1).
#[must_use]
pub fn empty_root() -> Digest {
    Digest::of(&[])
}

/// Why the tree has no such root or proof.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TreeError {
    /// The tree has fewer leaves.
    #[error("a tree of {size} leaves was asked for; there are {leaves}")]
    Size {
        /// The size asked for.
        size: TreeSize,
        /// The leaves there are.
        leaves: TreeSize,
    },
    /// The leaf is not in the tree of that size.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    Index {
        /// The leaf asked for.
        index: LeafIndex,
        /// The size of the tree.
        size: TreeSize,
    },
    /// A consistency proof goes from the smaller tree to the larger one.
    #[error("a tree of {to} leaves does not extend one of {from}")]
    Order {
        /// The size of the earlier tree.
        from: TreeSize,
        /// The size of the later tree.
        to: TreeSize,
    },
}

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
        TreeSize(u64::try_from(leaves).unwrap_or(u64::MAX))
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
        self.levels.first()?.get(usize::try_from(index.0).ok()?)
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
    pub(crate) fn row(&self, height: u32) -> &[Digest] {
        let row = usize::try_from(height).ok().and_then(|height| self.levels.get(height));
        row.map_or(&[], Vec::as_slice)
    }
}

impl Nodes for &Tree {
    type Error = TreeError;

    fn node(&mut self, height: u32, index: u64) -> Result<Digest, TreeError> {
        let node = usize::try_from(index).ok().and_then(|index| self.row(height).get(index));
        let end = index.saturating_add(1).saturating_mul(1_u64.checked_shl(height).unwrap_or(0));
        node.copied().ok_or(TreeError::Size { size: TreeSize(end), leaves: self.size() })
    }
}

/// The largest power of two smaller than `len`, which must be at least 2 (RFC 9162 §2.1.1).
pub(crate) fn split(len: u64) -> u64 {
    1 << (len.saturating_sub(1) | 1).ilog2()
}
