use dataspace_primitives::Digest;
use thiserror::Error;

use crate::tree::hash::{LeafIndex, TreeSize, empty_root, node_hash};

/// Most hashes in a proof: the depth of the largest tree that has a size.
pub const PATH_LEN_MAX: usize = 64;

/// That a record is in the tree of a size (RFC 9162 §2.1.3). Says nothing until verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// The place of the record.
    pub index: LeafIndex,
    /// The size of the tree.
    pub size: TreeSize,
    /// The siblings on the way from the leaf to the root; at most [`PATH_LEN_MAX`].
    pub path: Vec<Digest>,
}

/// That a tree extends an earlier one (RFC 9162 §2.1.4). Says nothing until verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The size of the earlier tree.
    pub from: TreeSize,
    /// The size of the later tree.
    pub to: TreeSize,
    /// Subtrees that both trees are made of; at most [`PATH_LEN_MAX`].
    pub path: Vec<Digest>,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The leaf is not in a tree of that size.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    Index {
        /// The leaf of the proof.
        index: LeafIndex,
        /// The size of the tree.
        size: TreeSize,
    },
    /// The later tree is smaller.
    #[error("a tree of {to} leaves does not extend one of {from}")]
    Order {
        /// The size of the earlier tree.
        from: TreeSize,
        /// The size of the later tree.
        to: TreeSize,
    },
    /// Too many or too few hashes for these sizes.
    #[error("the proof has the wrong number of hashes ({len})")]
    PathLen {
        /// Hashes in the proof.
        len: usize,
    },
    /// The hashes do not lead to the root.
    #[error("the proof does not lead to the root")]
    Root,
}

impl InclusionProof {
    /// Checks that the record with this leaf hash is in the tree with this root (RFC 9162
    /// §2.1.3.2).
    ///
    /// # Errors
    /// [`ProofError`] if it is not shown to be.
    pub fn verify(&self, leaf: &Digest, root: &Digest) -> Result<(), ProofError> {
        if self.led_to(leaf)? == *root { Ok(()) } else { Err(ProofError::Root) }
    }

    /// The root that the proof leads to from this leaf hash, whichever it is.
    pub(crate) fn led_to(&self, leaf: &Digest) -> Result<Digest, ProofError> {
        let Self { index, size, path } = self;
        let len = path.len();
        if !size.contains(*index) {
            return Err(ProofError::Index { index: *index, size: *size });
        }
        let (mut node, mut last) = (index.as_u64(), size.as_u64() - 1);
        let mut hash = *leaf;
        for sibling in path {
            if last == 0 {
                return Err(ProofError::PathLen { len });
            }
            if node & 1 == 1 || node == last {
                hash = node_hash(sibling, &hash);
                skip_to_right_child(&mut node, &mut last);
            } else {
                hash = node_hash(&hash, sibling);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        if last == 0 { Ok(hash) } else { Err(ProofError::PathLen { len }) }
    }
}

impl ConsistencyProof {
    /// Checks that the tree with the root `to_root` begins with all of the tree with the root
    /// `from_root` (RFC 9162 §2.1.4.2). Every tree extends the empty one, and itself.
    ///
    /// # Errors
    /// [`ProofError`] if it is not shown to.
    pub fn verify(&self, from_root: &Digest, to_root: &Digest) -> Result<(), ProofError> {
        let Self { from, to, path } = self;
        let len = path.len();
        if from > to {
            return Err(ProofError::Order { from: *from, to: *to });
        }
        if from == to || *from == TreeSize::EMPTY {
            if len != 0 {
                return Err(ProofError::PathLen { len });
            }
            // The earlier root must still be the one of a tree of that size.
            let known = from != to || from_root == to_root;
            let empty = *from != TreeSize::EMPTY || *from_root == empty_root();
            return if known && empty { Ok(()) } else { Err(ProofError::Root) };
        }
        if self.led_to(from_root)? == *to_root { Ok(()) } else { Err(ProofError::Root) }
    }

    /// The root of the later tree that the proof leads to from the earlier one's, for an earlier
    /// tree that is neither empty nor the later one.
    pub(crate) fn led_to(&self, from_root: &Digest) -> Result<Digest, ProofError> {
        let Self { from, to, path } = self;
        let len = path.len();
        if *from == TreeSize::EMPTY || from >= to {
            return Err(ProofError::Order { from: *from, to: *to });
        }
        // A complete earlier tree is itself the first hash.
        let (first, hashes) = match path.as_slice() {
            hashes if from.as_u64().is_power_of_two() => (from_root, hashes),
            [first, hashes @ ..] => (first, hashes),
            [] => return Err(ProofError::PathLen { len }),
        };
        let (shown, led_to) = self.climb(*first, hashes)?;
        if shown == *from_root { Ok(led_to) } else { Err(ProofError::Root) }
    }

    /// The root that the tree with the root `to_root` has at the earlier size, if this path shows
    /// it. Where it is not the root that was expected, two trees contradict each other.
    ///
    /// `None` if the path does not lead to `to_root`, and for an earlier tree of 2^n leaves, whose
    /// root such a path leaves out.
    pub(crate) fn shown_from_root(&self, to_root: &Digest) -> Option<Digest> {
        let Self { from, to, path } = self;
        if from == to {
            return Some(*to_root);
        }
        if *from > *to || from.as_u64().is_power_of_two() || *from == TreeSize::EMPTY {
            return None;
        }
        let (first, hashes) = path.split_first()?;
        let (shown, led_to) = self.climb(*first, hashes).ok()?;
        (led_to == *to_root).then_some(shown)
    }

    /// The roots of the earlier and the later tree, for an earlier tree that is neither empty nor
    /// the later one.
    fn climb(&self, first: Digest, hashes: &[Digest]) -> Result<(Digest, Digest), ProofError> {
        let len = self.path.len();
        let (mut node, mut last) = (self.from.as_u64() - 1, self.to.as_u64() - 1);
        let ones = node.trailing_ones();
        (node, last) = (shift(node, ones), shift(last, ones));
        let (mut from_hash, mut to_hash) = (first, first);
        for hash in hashes {
            if last == 0 {
                return Err(ProofError::PathLen { len });
            }
            if node & 1 == 1 || node == last {
                from_hash = node_hash(hash, &from_hash);
                to_hash = node_hash(hash, &to_hash);
                skip_to_right_child(&mut node, &mut last);
            } else {
                to_hash = node_hash(&to_hash, hash);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        if last == 0 { Ok((from_hash, to_hash)) } else { Err(ProofError::PathLen { len }) }
    }
}

/// Climbs while the node is a left child without a sibling.
fn skip_to_right_child(node: &mut u64, last: &mut u64) {
    let zeros = if *node == 0 { 0 } else { node.trailing_zeros() };
    (*node, *last) = (shift(*node, zeros), shift(*last, zeros));
}

fn shift(value: u64, by: u32) -> u64 {
    value.checked_shr(by).unwrap_or(0)
}
