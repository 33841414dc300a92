//! Roots and proofs (RFC 9162 §2.1) from the hashes of complete subtrees, wherever those are.

use dataspace_primitives::Digest;

use crate::tree::hash::{LeafIndex, TreeError, TreeSize, empty_root, node_hash, split};
use crate::tree::proof::{ConsistencyProof, InclusionProof};

/// Where the hashes of complete subtrees come from.
pub trait Nodes {
    /// Why a hash is not known.
    type Error;

    /// The hash over the leaves `index·2^height .. (index+1)·2^height`.
    ///
    /// # Errors
    /// It is not known.
    fn node(&mut self, height: u32, index: u64) -> Result<Digest, Self::Error>;
}

/// The root over the first `size` leaves.
fn root<N: Nodes>(nodes: &mut N, size: u64) -> Result<Digest, N::Error> {
    if size == 0 { Ok(empty_root()) } else { range(nodes, 0, size) }
}

/// The path of an inclusion proof (RFC 9162 §2.1.3.1). The index is below the size.
fn inclusion_path<N: Nodes>(nodes: &mut N, index: u64, size: u64) -> Result<Vec<Digest>, N::Error> {
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range(nodes, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The path of a consistency proof (RFC 9162 §2.1.4.1). `from` is not larger than `to`.
fn consistency_path<N: Nodes>(nodes: &mut N, from: u64, to: u64) -> Result<Vec<Digest>, N::Error> {
    let mut path = Vec::new();
    let (mut start, mut end) = (0, to);
    let mut known = true;
    while from != end && from != 0 {
        let middle = start + split(end - start);
        if from <= middle {
            path.push(range(nodes, middle, end)?);
            end = middle;
        } else {
            path.push(range(nodes, start, middle)?);
            start = middle;
            known = false;
        }
    }
    if !known {
        path.push(range(nodes, start, end)?);
    }
    path.reverse();
    Ok(path)
}

/// The root over the first `size` of so many leaves.
///
/// # Errors
/// There are fewer leaves, or hashes are not known.
pub fn root_at<N: Nodes<Error: From<TreeError>>>(
    nodes: &mut N,
    leaves: TreeSize,
    size: TreeSize,
) -> Result<Digest, N::Error> {
    check(leaves, size)?;
    root(nodes, size.as_u64())
}

/// The proof of inclusion in a tree of some of so many leaves.
///
/// # Errors
/// There are fewer leaves, no such leaf, or hashes are not known.
pub fn inclusion_proof<N: Nodes<Error: From<TreeError>>>(
    nodes: &mut N,
    leaves: TreeSize,
    (index, size): (LeafIndex, TreeSize),
) -> Result<InclusionProof, N::Error> {
    check(leaves, size)?;
    if !size.contains(index) {
        return Err(TreeError::Index { index, size }.into());
    }
    let path = inclusion_path(nodes, index.as_u64(), size.as_u64())?;
    Ok(InclusionProof { index, size, path })
}

/// The proof of consistency between two trees of some of so many leaves.
///
/// # Errors
/// There are fewer leaves, `from` is larger than `to`, or hashes are not known.
pub fn consistency_proof<N: Nodes<Error: From<TreeError>>>(
    nodes: &mut N,
    leaves: TreeSize,
    (from, to): (TreeSize, TreeSize),
) -> Result<ConsistencyProof, N::Error> {
    check(leaves, to)?;
    if from > to {
        return Err(TreeError::Order { from, to }.into());
    }
    let path = consistency_path(nodes, from.as_u64(), to.as_u64())?;
    Ok(ConsistencyProof { from, to, path })
}

/// Checks that a tree of this many leaves begins with one of this size.
pub(crate) fn check(leaves: TreeSize, size: TreeSize) -> Result<(), TreeError> {
    if size > leaves { Err(TreeError::Size { size, leaves }) } else { Ok(()) }
}

/// The hash over the leaves `start .. end`: not empty, and `start` a multiple of the least power
/// of two that is not smaller than the length.
fn range<N: Nodes>(nodes: &mut N, start: u64, end: u64) -> Result<Digest, N::Error> {
    let len = end - start;
    if len.is_power_of_two() {
        return nodes.node(len.trailing_zeros(), start / len);
    }
    // The left half is complete, so this recurses once for each level at most.
    let middle = start + split(len);
    let left = range(nodes, start, middle)?;
    Ok(node_hash(&left, &range(nodes, middle, end)?))
}
