use dataspace_identity::Origin;
use dataspace_primitives::{Digest, cbor};
use dataspace_tlog::{
    Checkpoint, Finding, ForkProof, TreeSize,
    note::note_key,
    tree::Tree,
    witness::{FORK_LEN_MAX, ForkError},
};
use serde::{Deserialize, Serialize};

use crate::support::{Branch, key, origin, signed};

/// The file as an attacker would write it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Wire {
    v: u8,
    earlier: String,
    later: String,
    root: Digest,
    path: Vec<Digest>,
}

fn wire(proof: &ForkProof) -> Wire {
    cbor::from_canonical(&proof.to_bytes().unwrap(), FORK_LEN_MAX).unwrap()
}

fn verify(wire: &Wire) -> Result<(), ForkError> {
    let proof = ForkProof::from_bytes(&cbor::to_canonical(wire).unwrap())?;
    proof.verify(&origin()).map(|_| ())
}

/// Two histories with `common` records in common.
fn branches(common: u64) -> (Branch, Branch) {
    (Branch::new(common, 1), Branch::new(common, 2))
}

#[test]
fn two_roots_of_one_size_are_a_fork() {
    for common in 0..6 {
        let (one, other) = branches(common);
        let (a, b) = (one.checkpoint(common + 1), other.checkpoint(common + 1));
        let proof = ForkProof::of_one_size(&a, &b).unwrap();
        assert_eq!(ForkProof::of_one_size(&b, &a).unwrap(), proof, "one form");
        let read = ForkProof::from_bytes(&proof.to_bytes().unwrap()).unwrap();
        let fork = read.verify(&origin()).unwrap();
        assert_eq!(fork.earlier().size(), fork.later().size());
        assert_eq!(read.claimed_origin().unwrap(), origin());
    }
}

#[test]
fn a_later_tree_that_does_not_begin_with_the_earlier_one_is_a_fork() {
    for common in 0..9 {
        let (one, other) = branches(common);
        for from in common + 1..common + 8 {
            for to in from + 1..common + 9 {
                let (earlier, later) = (one.checkpoint(from), other.checkpoint(to));
                let proof = ForkProof::of_tree(&earlier, &later, other.tree()).unwrap();
                let fork = proof.verify(&origin()).unwrap();
                assert_eq!((fork.earlier(), fork.later()), (&earlier, &later));
                // The other branch's own proof shows as much, but for 2^n records.
                let path = other.path(from, to);
                let found = ForkProof::of_path(&earlier, &later, &path);
                assert_eq!(found.is_none(), from.is_power_of_two(), "{common} {from} {to}");
                assert!(found.is_none_or(|found| found == proof));
            }
        }
    }
}

#[test]
fn an_honest_operator_cannot_be_accused() {
    let branch = Branch::new(8, 1);
    for from in 0..=8 {
        for to in from..=8 {
            let (earlier, later) = (branch.checkpoint(from), branch.checkpoint(to));
            let of_tree = ForkProof::of_tree(&earlier, &later, branch.tree());
            assert!(matches!(of_tree, Err(ForkError::Consistent)));
            // Whatever path and root somebody thinks of.
            for (a, b) in (0..=8).flat_map(|a| (a..=8).map(move |b| (a, b))) {
                let path = branch.path(a, b);
                assert_eq!(ForkProof::of_path(&earlier, &later, &path), None);
                for root in [branch.root(a), branch.root(b), Digest::of(b"another")] {
                    let wire = Wire {
                        v: 1,
                        earlier: earlier.as_note().to_owned(),
                        later: later.as_note().to_owned(),
                        root,
                        path: path.clone(),
                    };
                    assert!(verify(&wire).is_err(), "{from} {to}, path {a} {b}");
                }
            }
        }
    }
}

#[test]
fn a_smaller_checkpoint_of_the_same_history_is_no_fork() {
    let branch = Branch::new(9, 1);
    let (old, new) = (branch.checkpoint(5), branch.checkpoint(9));
    assert!(ForkProof::of_one_size(&old, &new).is_err());
    assert!(ForkProof::of_tree(&old, &new, branch.tree()).is_err());
    assert!(ForkProof::of_tree(&new, &old, branch.tree()).is_err());
}

#[test]
fn checkpoints_that_differ_in_extension_lines_alone_are_no_fork() {
    let plain = Branch::new(5, 1).checkpoint(5);
    let text = format!("{}extension\n", plain.text());
    let note = note_key(&origin()).unwrap().sign(&text, &key(1)).unwrap();
    let extended = Checkpoint::verify(&note, &origin()).unwrap();
    let proof = ForkProof::of_one_size(&plain, &extended);
    assert!(matches!(proof, Err(ForkError::Consistent)));
}

#[test]
fn an_empty_tree_with_a_root_of_its_own_contradicts_every_log() {
    let branch = Branch::new(5, 1);
    let bad = signed(&origin(), 0, &Digest::of(b"not nothing"));
    assert!(ForkProof::of_tree(&bad, &branch.checkpoint(5), branch.tree()).is_ok());
    assert!(ForkProof::of_one_size(&bad, &branch.checkpoint(0)).is_ok());
}

#[test]
fn a_tree_that_is_not_the_later_ones_shows_nothing() {
    let (one, other) = branches(3);
    let (earlier, later) = (one.checkpoint(5), other.checkpoint(7));
    let wrong = ForkProof::of_tree(&earlier, &later, one.tree());
    assert!(matches!(wrong, Err(ForkError::Consistent | ForkError::Proof(_))));
    let small = ForkProof::of_tree(&earlier, &later, &Tree::new());
    assert!(matches!(small, Err(ForkError::Tree(_))));
}

#[test]
fn every_bit_flip_and_every_cut_of_a_fork_proof_is_refused() {
    let (one, other) = branches(3);
    let proof = ForkProof::of_tree(&one.checkpoint(5), &other.checkpoint(7), other.tree());
    let bytes = proof.unwrap().to_bytes().unwrap();
    let check = |bytes: &[u8]| ForkProof::from_bytes(bytes)?.verify(&origin());
    check(&bytes).unwrap();
    for at in 0..bytes.len() {
        assert!(check(&bytes[..at]).is_err());
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            assert!(check(&changed).is_err(), "byte {at}, bit {bit}");
        }
    }
    assert!(check(&[&bytes[..], b"\0"].concat()).is_err());
    assert!(check(&vec![0; FORK_LEN_MAX + 1]).is_err());
}

#[test]
fn forged_reordered_foreign_and_decorated_proofs_are_refused() {
    let (one, other) = branches(3);
    let good = ForkProof::of_tree(&one.checkpoint(5), &other.checkpoint(7), other.tree());
    let good = wire(&good.unwrap());
    verify(&good).unwrap();
    let change = |change: &dyn Fn(&mut Wire)| {
        let mut wire = good.clone();
        change(&mut wire);
        verify(&wire).unwrap_err()
    };
    let swapped = change(&|wire| std::mem::swap(&mut wire.earlier, &mut wire.later));
    assert!(matches!(swapped, ForkError::Order), "{swapped}");
    let same = change(&|wire| wire.later = wire.earlier.clone());
    assert!(matches!(same, ForkError::Consistent), "{same}");
    let decorated = change(&|wire| wire.later.push_str("\u{2014} someone AAAAAAA=\n"));
    assert!(matches!(decorated, ForkError::Order), "{decorated}");
    let root = change(&|wire| wire.root = Digest::of(b"x"));
    assert!(matches!(root, ForkError::Proof(_)), "{root}");
    let path = change(&|wire| wire.path.push(Digest::of(b"x")));
    assert!(matches!(path, ForkError::Proof(_)), "{path}");
    let many = change(&|wire| wire.path = vec![Digest::of(b"x"); 65]);
    assert!(matches!(many, ForkError::TooMany), "{many}");
    let version = change(&|wire| wire.v = 2);
    assert!(matches!(version, ForkError::Version { found: 2 }), "{version}");
    // Somebody else's log, under this one's name.
    let strangers = Origin::new(key(2).did()).unwrap();
    let text =
        Branch::new(0, 3).checkpoint(7).text().replace(origin().as_str(), strangers.as_str());
    let note = note_key(&strangers).unwrap().sign(&text, &key(2)).unwrap();
    let renamed = note.replace(key(2).did().as_str(), key(1).did().as_str());
    for note in [note, renamed] {
        let foreign = change(&|wire| wire.later = note.clone());
        assert!(matches!(foreign, ForkError::Checkpoint(_)), "{foreign}");
    }
}

#[test]
fn the_findings_say_what_a_fork_proves_and_what_not() {
    let (one, other) = branches(3);
    let size = TreeSize::new(7);
    let proof = ForkProof::of_tree(&one.checkpoint(5), &other.checkpoint(7), other.tree());
    let findings = proof.unwrap().verify(&origin()).unwrap().findings();
    let proved = findings.iter().filter(|one| matches!(one, Finding::Proved(_))).count();
    assert_eq!((proved, findings.len()), (3, 7));
    let text = findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for part in ["does not begin with the one of 5", &format!("a tree of {size} records"), "time"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}
