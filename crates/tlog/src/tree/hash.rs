//! Places, sizes and hashes of the tree (RFC 9162 §2.1).

use std::fmt;

use dataspace_primitives::Digest;
use serde::{Deserialize, Serialize};
use thiserror::Error;

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

    /// Returns true if the tree holds the record at `index`.
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

/// The largest power of two smaller than `len`, which must be at least 2 (RFC 9162 §2.1.1).
pub(crate) fn split(len: u64) -> u64 {
    1 << (len.saturating_sub(1) | 1).ilog2()
}
