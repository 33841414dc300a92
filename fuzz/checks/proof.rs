//! A proof verifies only if it is the one that the tree itself gives.
//!
//! The input is two numbers and instructions: which proof, which leaf and roots it is held
//! against, and a path made of good hashes and foreign ones.

use std::sync::LazyLock;

use dataspace_primitives::Digest;
use dataspace_tlog::{
    LeafIndex, TreeSize,
    tree::{ConsistencyProof, InclusionProof, PATH_LEN_MAX, Tree, leaf_hash},
};

const LEAVES: u64 = 40;

static TREE: LazyLock<Tree> = LazyLock::new(|| {
    let mut tree = Tree::new();
    (0..LEAVES).for_each(|n| tree.push(leaf_hash(&n.to_be_bytes())));
    tree
});

fn root(size: u64) -> Digest {
    TREE.root_at(TreeSize::new(size % (LEAVES + 1))).expect("a size within the tree")
}

/// Small numbers as they are; the largest byte stands for the largest numbers.
fn number(bytes: [u8; 2]) -> u64 {
    match bytes {
        [byte, 0..=0xef] => u64::from(byte % 48),
        [byte, high] => u64::from(byte).wrapping_sub(1) << (high & 0x3f),
    }
}

/// The path after the changes that `steps` ask for, two bytes each: operation and place.
fn change(path: &mut Vec<Digest>, steps: &[u8]) {
    for step in steps.chunks_exact(2).take(80) {
        let [operation, place] = [step[0], step[1]];
        let at = usize::from(place) % (path.len() + 1);
        let size = u64::from(place) % (LEAVES + 1);
        match operation % 7 {
            0 if at < path.len() => drop(path.remove(at)),
            1 if at < path.len() => path.swap(0, at),
            2 => path.insert(at, leaf_hash(&size.to_be_bytes())),
            3 => path.push(root(size)),
            4 => path.push(Digest::from_bytes([place; Digest::LEN])),
            5 => path.truncate(at),
            _ => path.extend(path.clone().into_iter().take(PATH_LEN_MAX)),
        }
        path.truncate(2 * PATH_LEN_MAX);
    }
}

pub(crate) fn check(bytes: &[u8]) {
    let Some((head, steps)) = bytes.split_first_chunk::<9>() else { return };
    let [kind, a, a_high, b, b_high, base_a, base_b, root_a, root_b] = *head;
    let (a, b) = (number([a, a_high]), number([b, b_high]));
    let (base_a, base_b) = (u64::from(base_a) % (LEAVES + 1), u64::from(base_b) % (LEAVES + 1));
    let mut path =
        if kind & 1 == 0 { inclusion(base_a, base_b) } else { consistency(base_a, base_b) };
    change(&mut path, steps);
    if kind & 2 == 0 {
        let (leaf, tree) = (u64::from(root_a) % LEAVES, u64::from(root_b) % (LEAVES + 1));
        let proof = InclusionProof { index: LeafIndex::new(a), size: TreeSize::new(b), path };
        let is_believed = proof.verify(&leaf_hash(&leaf.to_be_bytes()), &root(tree)).is_ok();
        if b == tree {
            let real = TREE.inclusion_proof(proof.index, proof.size).ok();
            assert_eq!(is_believed, a == leaf && real.as_ref() == Some(&proof), "{proof:?}");
        } else {
            // A size that nobody signed together with this root; yet the leaf must be in the tree.
            assert!(!is_believed || leaf < tree, "{proof:?}");
        }
    } else {
        let [from, to] = [root_a, root_b].map(|size| u64::from(size) % (LEAVES + 1));
        let proof = ConsistencyProof { from: TreeSize::new(a), to: TreeSize::new(b), path };
        let is_believed = proof.verify(&root(from), &root(to)).is_ok();
        if (a, b) == (from, to) {
            let real = TREE.consistency_proof(proof.from, proof.to).ok();
            assert_eq!(is_believed, real.as_ref() == Some(&proof), "{proof:?}");
        } else {
            assert!(!is_believed || from <= to, "{proof:?}");
        }
    }
}

fn inclusion(index: u64, size: u64) -> Vec<Digest> {
    let proof = TREE.inclusion_proof(LeafIndex::new(index), TreeSize::new(size));
    proof.map(|proof| proof.path).unwrap_or_default()
}

fn consistency(from: u64, to: u64) -> Vec<Digest> {
    let proof = TREE.consistency_proof(TreeSize::new(from), TreeSize::new(to));
    proof.map(|proof| proof.path).unwrap_or_default()
}
