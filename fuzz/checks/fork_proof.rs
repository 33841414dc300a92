//! A fork proof verifies only if the operator forked its log, and only as it was made.
//!
//! The input is taken as a file, and as instructions to change a good one, or one that accuses an
//! operator of nothing.

use std::sync::LazyLock;

use dataspace_primitives::cbor;
use dataspace_tlog::{
    ForkProof, TreeSize,
    tree::{Tree, leaf_hash},
};
use serde::{Deserialize, Serialize};

use crate::changed::changed;
use crate::forked_log::{Branch, WORLD};

#[derive(Debug, Serialize, Deserialize)]
struct Wire {
    v: u8,
    earlier: String,
    later: String,
    root: dataspace_primitives::Digest,
    path: Vec<dataspace_primitives::Digest>,
}

fn tree(branch: &Branch) -> Tree {
    let mut tree = Tree::new();
    branch
        .log
        .replay(|_, record| {
            tree.push(leaf_hash(record));
            Ok::<(), dataspace_audit_log::reader::ReadError>(())
        })
        .expect("a log");
    tree
}

/// Every fork of the two branches, for one choice of the earlier one, and of one size.
static GOOD: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let [one, other] = &WORLD.branches;
    let mut good = Vec::new();
    for (a, b) in [(one, other), (other, one)] {
        let tree = tree(b);
        for earlier in &a.checkpoints[3..] {
            for later in b.checkpoints.iter().filter(|later| later.size() > earlier.size()) {
                good.push(ForkProof::of_tree(earlier, later, &tree).expect("a fork"));
            }
        }
    }
    for (a, b) in one.checkpoints.iter().zip(&other.checkpoints).skip(3) {
        good.push(ForkProof::of_one_size(a, b).expect("a fork"));
    }
    good.iter().map(|proof| proof.to_bytes().expect("bytes")).collect()
});

/// Accusations of an honest operator, one for each pair of sizes of one branch.
static HONEST: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let branch = &WORLD.branches[0];
    let mut honest = Vec::new();
    for earlier in &branch.checkpoints {
        for later in &branch.checkpoints {
            let size = |n| TreeSize::new(n);
            let (from, to) = (earlier.size().as_u64(), later.size().as_u64());
            let proof = branch.log.consistency_proof(size(from), size(to));
            let wire = Wire {
                v: 1,
                earlier: earlier.as_note().to_owned(),
                later: later.as_note().to_owned(),
                root: earlier.root(),
                path: proof.map(|proof| proof.path).unwrap_or_default(),
            };
            honest.push(cbor::to_canonical(&wire).expect("bytes"));
        }
    }
    honest
});

pub(crate) fn check(bytes: &[u8]) {
    assert_verifies_only_if_good(bytes);
    let (first, steps) = bytes.split_first().unwrap_or((&0, &[]));
    let pick = |all: &'static [Vec<u8>], by: u8| &all[usize::from(by) % all.len()];
    let (good, honest) = (pick(&GOOD, *first), pick(&HONEST, *first));
    assert_verifies_only_if_good(&changed(good, pick(&GOOD, first.wrapping_add(1)), steps));
    assert_verifies_only_if_good(&changed(honest, good, steps));
}

fn assert_verifies_only_if_good(bytes: &[u8]) {
    let is_good = GOOD.iter().any(|good| good == bytes);
    let Ok(proof) = ForkProof::from_bytes(bytes) else {
        assert!(!is_good, "a good proof is refused");
        return;
    };
    assert_eq!(proof.to_bytes().ok().as_deref(), Some(bytes), "a second encoding");
    let _claim = proof.claimed_origin();
    let verified = proof.verify(&WORLD.origin);
    assert_eq!(verified.is_ok(), is_good, "verified: {}", verified.is_ok());
    if let Ok(fork) = verified {
        assert_eq!(fork.findings().len(), 7);
    }
}
