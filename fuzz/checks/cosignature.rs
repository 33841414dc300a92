//! A cosignature counts only if the witness made it, and for what it made it.
//!
//! The input is taken as a note, as a witness's answer, as a key, and as instructions to change
//! a good note.

use std::sync::LazyLock;

use dataspace_tlog::{Checkpoint, note::WitnessKey, witness::WitnessPolicy};

use crate::changed::changed;
use crate::forked_log::WORLD;
use crate::vault::Vault;
use crate::witness_world::{WITNESS, open, request, time};

/// The first three checkpoints of the first branch, and two cosignatures under each of them.
static GOOD: LazyLock<Vec<Checkpoint>> = LazyLock::new(|| {
    let witness = open(&Vault::default());
    let keys = [WITNESS.clone()];
    let cosign = |from: u64, to: u64, n: u64| {
        let first = request(0, from, to);
        let cosigned = witness.add_checkpoint(first.as_bytes(), time(n));
        cosigned.expect("a cosignature").as_line().to_owned()
    };
    let checkpoints = WORLD.branches[0].checkpoints.iter().zip(0_u64..).take(3);
    checkpoints
        .map(|(checkpoint, n)| {
            let lines = [cosign(n.saturating_sub(1), n, 2 * n), cosign(n, n, 2 * n + 1)].concat();
            checkpoint.with_cosignatures(&lines, &keys).expect("a cosigned checkpoint")
        })
        .collect()
});

pub(crate) fn check(bytes: &[u8]) {
    let [zero, one, two] = [0, 1, 2].map(|n| GOOD[n].as_note().as_bytes());
    for note in [bytes, &changed(one, two, bytes), &changed(two, zero, bytes)] {
        let Ok(note) = str::from_utf8(note) else { continue };
        let Ok(checkpoint) = Checkpoint::verify(note, &WORLD.origin) else { continue };
        assert_counts_only_if_made(&checkpoint);
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(parsed) = text.parse::<WitnessKey>() {
        assert_eq!(parsed.to_string(), text, "a second spelling");
    }
    // As an answer of the witness: all of it or nothing.
    let bare = &WORLD.branches[0].checkpoints[1];
    if let Ok(cosigned) = bare.with_cosignatures(text, std::slice::from_ref(&*WITNESS)) {
        assert_counts_only_if_made(&cosigned);
        assert_eq!(cosigned.to_bare().as_ref(), Ok(bare));
    }
}

fn assert_counts_only_if_made(checkpoint: &Checkpoint) {
    let found = WITNESS.find(checkpoint);
    let policy = WitnessPolicy::new(1, vec![WITNESS.clone()]).expect("a policy");
    let is_witnessed = policy.require(checkpoint.clone()).is_ok();
    assert_eq!(is_witnessed, matches!(found, Ok(Some(_))));
    if let Ok(Some(found)) = found {
        let made = GOOD.iter().find(|one| one.text() == checkpoint.text());
        let made = made.is_some_and(|one| one.as_note().contains(found.as_line()));
        assert!(made, "counts what was not made");
    }
}
