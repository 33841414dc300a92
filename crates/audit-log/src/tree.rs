//! The Merkle tree of RFC 9162 §2.1 over SHA-256.

use std::fmt;

use dataspace_primitives::Digest;
use serde::{Deserialize, Serialize};
use thiserror::Error;

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
    Digest::of_parts(&[&[1], left.as_bytes(), right.as_bytes()])
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
        self.range(0, self.size().0).unwrap_or_else(empty_root)
    }

    /// The root over the first `size` leaves.
    ///
    /// # Errors
    /// [`TreeError::Size`] if there are fewer leaves.
    pub fn root_at(&self, size: TreeSize) -> Result<Digest, TreeError> {
        self.check(size)?;
        if size == TreeSize::EMPTY {
            return Ok(empty_root());
        }
        self.subtree(0, size.0)
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
        self.check(size)?;
        if !size.contains(index) {
            return Err(TreeError::Index { index, size });
        }
        let (mut start, mut end) = (0, size.0);
        let mut path = Vec::new();
        while end - start > 1 {
            let middle = start + split(end - start);
            if index.0 < middle {
                path.push(self.subtree(middle, end)?);
                end = middle;
            } else {
                path.push(self.subtree(start, middle)?);
                start = middle;
            }
        }
        path.reverse();
        Ok(InclusionProof { index, size, path })
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
        self.check(to)?;
        if from > to {
            return Err(TreeError::Order { from, to });
        }
        let mut path = Vec::new();
        let (mut start, mut end) = (0, to.0);
        let mut known = true;
        while from.0 != end && from.0 != 0 {
            let middle = start + split(end - start);
            if from.0 <= middle {
                path.push(self.subtree(middle, end)?);
                end = middle;
            } else {
                path.push(self.subtree(start, middle)?);
                start = middle;
                known = false;
            }
        }
        if !known {
            path.push(self.subtree(start, end)?);
        }
        path.reverse();
        Ok(ConsistencyProof { from, to, path })
    }

    fn check(&self, size: TreeSize) -> Result<(), TreeError> {
        let leaves = self.size();
        if size > leaves { Err(TreeError::Size { size, leaves }) } else { Ok(()) }
    }

    fn subtree(&self, start: u64, end: u64) -> Result<Digest, TreeError> {
        let missing = TreeError::Size { size: TreeSize(end), leaves: self.size() };
        self.range(start, end).ok_or(missing)
    }

    /// The hash over the leaves `start .. end`, where `start` is a multiple of the least power of
    /// two that is not smaller than the length; `None` for an empty range.
    fn range(&self, start: u64, end: u64) -> Option<Digest> {
        let len = end.checked_sub(start).filter(|len| *len > 0)?;
        if len.is_power_of_two() {
            let row = self.levels.get(usize::try_from(len.trailing_zeros()).ok()?)?;
            return row.get(usize::try_from(start / len).ok()?).copied();
        }
        // The left half is complete, so this recurses once for each level at most.
        let middle = start + split(len);
        Some(node_hash(&self.range(start, middle)?, &self.range(middle, end)?))
    }
}

/// The largest power of two smaller than `len`, which must be at least 2 (RFC 9162 §2.1.1).
pub(crate) fn split(len: u64) -> u64 {
    1 << (len.saturating_sub(1) | 1).ilog2()
}
