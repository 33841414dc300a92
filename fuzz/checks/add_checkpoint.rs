//! A witness cosigns only what the operator signed and what extends all that it cosigned before;
//! what it takes for a fork is one.
//!
//! The input is taken as a request, and as instructions to change a good one.

use std::sync::LazyLock;

use dataspace_tlog::witness::{AddCheckpoint, AddCheckpointError, origin_hash};

use crate::changed::changed;
use crate::forked_log::WORLD;
use crate::vault::Vault;
use crate::witness_world::{WITNESS, open, request, time};

/// What is kept of a witness that has cosigned three records of the first branch.
static THREE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let vault = Vault::default();
    let first = request(0, 0, 3);
    open(&vault).add_checkpoint(first.as_bytes(), time(1)).expect("a cosignature");
    vault.get().note.clone().expect("a checkpoint")
});

pub(crate) fn check(bytes: &[u8]) {
    let good = [(0, 3, 5), (0, 3, 3), (1, 3, 5), (1, 3, 3), (0, 2, 4)]
        .map(|(branch, from, to)| request(branch, from, to));
    assert_cosigned_only_if_consistent(bytes);
    let (first, steps) = bytes.split_first().unwrap_or((&0, &[]));
    let [one, other] = [usize::from(first % 5), usize::from(first / 5 % 5)];
    let changed = changed(good[one].as_bytes(), good[other].as_bytes(), steps);
    assert_cosigned_only_if_consistent(&changed);
}

fn assert_cosigned_only_if_consistent(request: &[u8]) {
    let vault = Vault::default();
    vault.get().note = Some(THREE.clone());
    let witness = open(&vault);
    let answer = witness.add_checkpoint(request, time(2));
    let kept = witness.checkpoint(&origin_hash(&WORLD.origin)).expect("a checkpoint");
    let fork = witness.seen().fork(&WORLD.origin).expect("a good proof or none");
    match answer {
        Ok(cosignature) => {
            let parsed = AddCheckpoint::parse(request).expect("a request");
            assert!(parsed.note().starts_with(kept.text()), "cosigned what was not asked");
            assert_eq!(WITNESS.find(&kept), Ok(Some(cosignature)));
            let one = WORLD.branches[0].checkpoints.iter().find(|one| one.text() == kept.text());
            assert!(one.is_some_and(|one| one.size().as_u64() >= 3), "cosigned a fork");
            assert!(fork.is_none());
        }
        Err(error) => {
            assert_eq!(kept.as_note().as_bytes(), *THREE, "changed without an answer");
            assert!([400, 403, 404, 409, 422].contains(&error.status()), "{error}");
            assert!(error.status() != 409 || error.body() == "3\n");
            let AddCheckpointError::Refused { fork: found, .. } = error else {
                assert!(fork.is_none());
                return;
            };
            let found = found.map(|found| found.proof);
            assert!(found.as_ref().is_none_or(|proof| proof.verify(&WORLD.origin).is_ok()));
            assert_eq!(found, fork);
        }
    }
}
