use dataspace_primitives::Digest;
use dataspace_tlog::{
    LeafIndex, TreeSize,
    tree::{
        ConsistencyProof, InclusionProof, PATH_LEN_MAX, ProofError, Tree, TreeError, empty_root,
        leaf_hash,
    },
};
use proptest::prelude::*;

/// Sizes that are tried one by one.
const SIZES: usize = 130;

/// The leaves and roots of the reference implementation's tests
/// (transparency-dev/merkle, testonly/constants.go).
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// RFC 9162 §2.1 as it is written, slow and plain.
mod naive {
    use dataspace_primitives::Digest;

    fn split(n: usize) -> usize {
        let mut k = 1;
        while k * 2 < n {
            k *= 2;
        }
        k
    }

    fn node(left: Digest, right: Digest) -> Digest {
        Digest::of(&[&[1][..], left.as_bytes(), right.as_bytes()].concat())
    }

    pub(crate) fn root(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest::of(b""),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len()));
                node(root(left), root(right))
            }
        }
    }

    pub(crate) fn path(m: usize, leaves: &[Digest]) -> Vec<Digest> {
        if leaves.len() == 1 {
            return vec![];
        }
        let k = split(leaves.len());
        let (left, right) = leaves.split_at(k);
        if m < k {
            [path(m, left), vec![root(right)]].concat()
        } else {
            [path(m - k, right), vec![root(left)]].concat()
        }
    }

    pub(crate) fn subproof(m: usize, leaves: &[Digest], whole: bool) -> Vec<Digest> {
        if m == leaves.len() {
            return if whole { vec![] } else { vec![root(leaves)] };
        }
        let k = split(leaves.len());
        let (left, right) = leaves.split_at(k);
        if m <= k {
            [subproof(m, left, whole), vec![root(right)]].concat()
        } else {
            [subproof(m - k, right, false), vec![root(left)]].concat()
        }
    }
}

fn size(n: usize) -> TreeSize {
    TreeSize::new(u64::try_from(n).unwrap())
}

fn index(n: usize) -> LeafIndex {
    LeafIndex::new(u64::try_from(n).unwrap())
}

fn leaves(n: usize) -> Vec<Digest> {
    (0..n).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

fn tree(leaves: &[Digest]) -> Tree {
    let mut tree = Tree::new();
    for leaf in leaves {
        tree.push(*leaf);
    }
    tree
}

#[test]
fn the_roots_are_those_of_the_reference_implementation() {
    let mut tree = Tree::new();
    assert_eq!(tree.root(), empty_root());
    for (n, expected) in ROOTS.iter().enumerate() {
        assert_eq!(tree.root().to_string(), format!("sha256:{expected}"), "size {n}");
        if let Some(leaf) = LEAVES.get(n) {
            tree.push(leaf_hash(leaf));
        }
    }
}

#[test]
fn a_leaf_does_not_hash_like_a_node() {
    let (left, right) = (leaf_hash(b"l"), leaf_hash(b"r"));
    let forged = [left.as_bytes().as_slice(), right.as_bytes()].concat();
    assert_ne!(leaf_hash(&forged), tree(&[left, right]).root());
}

#[test]
fn every_root_is_the_naive_one() {
    let leaves = leaves(SIZES);
    let whole = tree(&leaves);
    for n in 0..=SIZES {
        let expected = naive::root(&leaves[..n]);
        assert_eq!(whole.root_at(size(n)).unwrap(), expected);
        assert_eq!(tree(&leaves[..n]).root(), expected);
    }
}

#[test]
fn every_inclusion_proof_is_the_naive_one_and_verifies() {
    let leaves = leaves(SIZES);
    let tree = tree(&leaves);
    for n in 1..=SIZES {
        let root = naive::root(&leaves[..n]);
        for (m, leaf) in leaves[..n].iter().enumerate() {
            let proof = tree.inclusion_proof(index(m), size(n)).unwrap();
            assert_eq!(proof.path, naive::path(m, &leaves[..n]), "{m} in {n}");
            proof.verify(leaf, &root).unwrap();
        }
    }
}

#[test]
fn every_consistency_proof_is_the_naive_one_and_verifies() {
    let leaves = leaves(SIZES);
    let tree = tree(&leaves);
    let roots: Vec<_> = (0..=SIZES).map(|n| naive::root(&leaves[..n])).collect();
    for n in 1..=SIZES {
        for m in 1..=n {
            let proof = tree.consistency_proof(size(m), size(n)).unwrap();
            assert_eq!(proof.path, naive::subproof(m, &leaves[..n], true), "{m} to {n}");
            proof.verify(&roots[m], &roots[n]).unwrap();
        }
    }
}

#[test]
fn every_tree_extends_the_empty_one() {
    let leaves = leaves(9);
    let tree = tree(&leaves);
    for n in 0..=9 {
        let proof = tree.consistency_proof(TreeSize::EMPTY, size(n)).unwrap();
        proof.verify(&empty_root(), &tree.root_at(size(n)).unwrap()).unwrap();
        assert!(proof.verify(&leaves[0], &tree.root_at(size(n)).unwrap()).is_err());
    }
}

#[test]
fn every_bit_flip_of_an_inclusion_proof_is_refused() {
    for n in 1..=20 {
        let leaves = leaves(n);
        let (tree, root) = (tree(&leaves), naive::root(&leaves));
        for (m, leaf) in leaves.iter().enumerate() {
            let proof = tree.inclusion_proof(index(m), size(n)).unwrap();
            for at in 0..proof.path.len() {
                for bit in 0..256 {
                    let mut changed = proof.clone();
                    changed.path[at] = flip(&changed.path[at], bit);
                    assert_eq!(changed.verify(leaf, &root), Err(ProofError::Root));
                }
            }
            for bit in 0..256 {
                assert!(proof.verify(&flip(leaf, bit), &root).is_err());
                assert!(proof.verify(leaf, &flip(&root, bit)).is_err());
            }
        }
    }
}

#[test]
fn every_bit_flip_of_a_consistency_proof_is_refused() {
    for n in 1..=20 {
        let leaves = leaves(n);
        let (tree, root) = (tree(&leaves), naive::root(&leaves));
        for m in 1..=n {
            let from = naive::root(&leaves[..m]);
            let proof = tree.consistency_proof(size(m), size(n)).unwrap();
            for at in 0..proof.path.len() {
                for bit in (0..256).step_by(5) {
                    let mut changed = proof.clone();
                    changed.path[at] = flip(&changed.path[at], bit);
                    assert_eq!(changed.verify(&from, &root), Err(ProofError::Root));
                }
            }
            for bit in 0..256 {
                assert!(proof.verify(&flip(&from, bit), &root).is_err());
                assert!(proof.verify(&from, &flip(&root, bit)).is_err());
            }
        }
    }
}

fn flip(digest: &Digest, bit: usize) -> Digest {
    let mut bytes = *digest.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Digest::from_bytes(bytes)
}

#[test]
fn a_proof_for_one_leaf_does_not_pass_for_another_place() {
    let leaves = leaves(33);
    let (tree, root) = (tree(&leaves), naive::root(&leaves));
    for (m, leaf) in leaves.iter().enumerate() {
        let proof = tree.inclusion_proof(index(m), size(33)).unwrap();
        for other in (0..40).filter(|other| *other != m) {
            let moved = InclusionProof { index: index(other), ..proof.clone() };
            assert!(moved.verify(leaf, &root).is_err(), "{m} as {other}");
        }
    }
}

#[test]
fn a_proof_with_a_hash_more_or_less_is_refused() {
    let leaves = leaves(21);
    let (tree, root) = (tree(&leaves), naive::root(&leaves));
    for (m, leaf) in leaves.iter().enumerate() {
        let proof = tree.inclusion_proof(index(m), size(21)).unwrap();
        let mut longer = proof.clone();
        longer.path.push(leaves[0]);
        assert!(matches!(longer.verify(leaf, &root), Err(ProofError::PathLen { .. })));
        let mut shorter = proof;
        shorter.path.pop();
        assert!(matches!(shorter.verify(leaf, &root), Err(ProofError::PathLen { .. })));
    }
    for m in 1..21 {
        let from = naive::root(&leaves[..m]);
        let proof = tree.consistency_proof(size(m), size(21)).unwrap();
        let mut longer = proof.clone();
        longer.path.push(leaves[0]);
        assert!(longer.verify(&from, &root).is_err());
        let mut shorter = proof;
        shorter.path.pop();
        assert!(shorter.verify(&from, &root).is_err());
    }
}

#[test]
fn an_empty_consistency_proof_between_different_sizes_is_refused() {
    let root = leaf_hash(b"x");
    for (from, to) in [(1, 2), (2, 4), (3, 4), (4, 8)] {
        let proof = ConsistencyProof { from: size(from), to: size(to), path: vec![] };
        assert!(matches!(proof.verify(&root, &root), Err(ProofError::PathLen { .. })));
    }
}

#[test]
fn a_tree_of_the_same_size_must_have_the_same_root() {
    let proof = ConsistencyProof { from: size(4), to: size(4), path: vec![] };
    let (one, other) = (leaf_hash(b"1"), leaf_hash(b"2"));
    assert_eq!(proof.verify(&one, &one), Ok(()));
    assert_eq!(proof.verify(&one, &other), Err(ProofError::Root));
}

#[test]
fn a_smaller_tree_does_not_extend_a_larger_one() {
    let leaves = leaves(8);
    let tree = tree(&leaves);
    let (from, to) = (size(5), size(3));
    assert_eq!(tree.consistency_proof(from, to), Err(TreeError::Order { from, to }));
    let proof = ConsistencyProof { from, to, path: vec![] };
    assert!(matches!(proof.verify(&leaves[0], &leaves[0]), Err(ProofError::Order { .. })));
}

#[test]
fn what_the_tree_does_not_have_is_an_error() {
    let tree = tree(&leaves(5));
    assert!(matches!(tree.root_at(size(6)), Err(TreeError::Size { .. })));
    assert!(matches!(tree.inclusion_proof(index(5), size(5)), Err(TreeError::Index { .. })));
    assert!(matches!(tree.inclusion_proof(index(0), size(0)), Err(TreeError::Index { .. })));
    assert!(matches!(tree.inclusion_proof(index(0), size(6)), Err(TreeError::Size { .. })));
    assert!(matches!(tree.consistency_proof(size(1), size(6)), Err(TreeError::Size { .. })));
    assert_eq!(tree.leaf(index(5)), None);
}

#[test]
fn the_largest_sizes_are_checked_without_overflow() {
    let (leaf, root) = (leaf_hash(b"x"), leaf_hash(b"y"));
    for path_len in [0, 1, PATH_LEN_MAX, PATH_LEN_MAX + 1, 1000] {
        for at in [0, 1, u64::MAX - 1, u64::MAX] {
            let path = vec![leaf; path_len];
            let (index, size) = (LeafIndex::new(at), TreeSize::new(u64::MAX));
            assert!(
                InclusionProof { index, size, path: path.clone() }.verify(&leaf, &root).is_err()
            );
            let (from, to) = (TreeSize::new(at), TreeSize::new(u64::MAX));
            assert!(ConsistencyProof { from, to, path }.verify(&leaf, &root).is_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_tree_agrees_with_the_naive_one(
        records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..8), 1..400),
        a in any::<proptest::sample::Index>(),
        b in any::<proptest::sample::Index>(),
    ) {
        let leaves: Vec<_> = records.iter().map(|record| leaf_hash(record)).collect();
        let tree = tree(&leaves);
        let n = b.index(leaves.len()) + 1;
        let m = a.index(n);
        let root = naive::root(&leaves[..n]);
        prop_assert_eq!(tree.root_at(size(n)).unwrap(), root);
        let proof = tree.inclusion_proof(index(m), size(n)).unwrap();
        prop_assert_eq!(&proof.path, &naive::path(m, &leaves[..n]));
        prop_assert_eq!(proof.verify(&leaves[m], &root), Ok(()));
        let proof = tree.consistency_proof(size(m), size(n)).unwrap();
        prop_assert_eq!(proof.verify(&naive::root(&leaves[..m]), &root), Ok(()));
    }

    #[test]
    fn a_proof_made_of_anything_is_refused(
        at in any::<u64>(), of in any::<u64>(),
        path in proptest::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let path: Vec<_> = path.into_iter().map(Digest::from_bytes).collect();
        let (leaf, root) = (leaf_hash(b"x"), leaf_hash(b"y"));
        let (index, size) = (LeafIndex::new(at), TreeSize::new(of));
        let proof = InclusionProof { index, size, path: path.clone() };
        prop_assert!(proof.verify(&leaf, &root).is_err());
        let (from, to) = (TreeSize::new(at), TreeSize::new(of));
        let proof = ConsistencyProof { from, to, path };
        prop_assert!(proof.verify(&leaf, &root).is_err());
    }
}
