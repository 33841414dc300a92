//! Roots and proofs (RFC 9162 §2.1) from the hashes of complete subtrees, wherever those are.

use dataspace_primitives::Digest;

use crate::tree::{empty_root, node_hash, split};

/// Where the hashes of complete subtrees come from.
pub(crate) trait Nodes {
    type Error;

    /// The hash over the leaves `index·2^height .. (index+1)·2^height`.
    fn node(&mut self, height: u32, index: u64) -> Result<Digest, Self::Error>;
}

/// The root over the first `size` leaves.
pub(crate) fn root<N: Nodes>(nodes: &mut N, size: u64) -> Result<Digest, N::Error> {
    if size == 0 { Ok(empty_root()) } else { range(nodes, 0, size) }
}

/// The path of an inclusion proof (RFC 9162 §2.1.3.1). The index is below the size.
pub(crate) fn inclusion_path<N: Nodes>(
    nodes: &mut N,
    index: u64,
    size: u64,
) -> Result<Vec<Digest>, N::Error> {
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
pub(crate) fn consistency_path<N: Nodes>(
    nodes: &mut N,
    from: u64,
    to: u64,
) -> Result<Vec<Digest>, N::Error> {
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
