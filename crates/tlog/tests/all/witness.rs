use std::sync::Barrier;

use dataspace_identity::Origin;
use dataspace_primitives::Digest;
use dataspace_tlog::{
    Checkpoint, TreeSize, Witness,
    note::{Cosignature, WitnessKey, note_key},
    tree::ConsistencyProof,
    witness::{
        AddCheckpoint, AddCheckpointError, OpenWitnessError, REQUEST_LEN_MAX, Refusal, origin_hash,
    },
};

use crate::support::{Branch, key, origin, time};
use crate::vault::Vault;

const SECOND: u64 = 1000;

fn witness_key(seed: u8) -> WitnessKey {
    WitnessKey::new("witness.example/w1", key(seed).did().public_key().unwrap()).unwrap()
}

fn open(vault: &Vault) -> Result<Witness, OpenWitnessError> {
    let store = Box::new(vault.clone());
    Witness::open(witness_key(21), Box::new(key(21)), &[origin()], store)
}

fn body(old: u64, path: &[Digest], checkpoint: &Checkpoint) -> String {
    let (from, path) = (TreeSize::new(old), path.to_vec());
    AddCheckpoint::body(&ConsistencyProof { from, to: checkpoint.size(), path }, checkpoint)
}

fn add(
    witness: &Witness,
    branch: &Branch,
    old: u64,
    new: u64,
) -> Result<Cosignature, AddCheckpointError> {
    let body = body(old, &branch.path(old, new), &branch.checkpoint(new));
    witness.add_checkpoint(body.as_bytes(), time(new * SECOND))
}

fn status(answer: Result<Cosignature, AddCheckpointError>) -> u16 {
    answer.map_or_else(|error| error.status(), |_| 200)
}

/// The size in a 409 answer.
fn conflict(answer: Result<Cosignature, AddCheckpointError>) -> u64 {
    let error = answer.unwrap_err();
    assert_eq!((error.status(), error.content_type()), (409, "text/x.tlog.size"));
    error.body().strip_suffix('\n').unwrap().parse().unwrap()
}

#[test]
fn a_witness_cosigns_what_extends_the_last_one() {
    let (branch, vault) = (Branch::new(20, 1), Vault::default());
    let witness = open(&vault).unwrap();
    let mut old = 0_u64;
    for new in [0, 1, 2, 2, 7, 8, 16, 20, 20] {
        let cosignature = add(&witness, &branch, old, new).unwrap();
        let checkpoint = branch.checkpoint(new);
        let cosigned =
            checkpoint.with_cosignatures(cosignature.as_line(), &[witness_key(21)]).unwrap();
        assert_eq!(witness_key(21).find(&cosigned).unwrap(), Some(cosignature));
        assert_eq!(witness.checkpoint(&origin_hash(&origin())), Some(cosigned.clone()));
        assert_eq!(vault.get().note.as_deref(), Some(cosigned.as_note().as_bytes()));
        old = new;
    }
    assert_eq!(witness.checkpoint("00"), None);
}

#[test]
fn each_rule_of_the_protocol_has_its_status() {
    let (branch, other) = (Branch::new(20, 1), Branch::new(4, 2));
    let witness = open(&Vault::default()).unwrap();
    assert_eq!(conflict(add(&witness, &branch, 3, 5)), 0);
    add(&witness, &branch, 0, 7).unwrap();
    let ask = |old, path: &[Digest], checkpoint: &Checkpoint| {
        let body = body(old, path, checkpoint);
        witness.add_checkpoint(body.as_bytes(), time(30 * SECOND))
    };
    // A proof where none is needed, none where one is, and a wrong one.
    assert_eq!(status(ask(7, &[Digest::of(b"x")], &branch.checkpoint(7))), 422);
    assert_eq!(status(ask(7, &[], &branch.checkpoint(9))), 422);
    assert_eq!(status(ask(7, &branch.path(6, 9), &branch.checkpoint(9))), 422);
    let reversed: Vec<_> = branch.path(7, 9).into_iter().rev().collect();
    assert_eq!(status(ask(7, &reversed, &branch.checkpoint(9))), 422);
    // The same size with another root.
    assert_eq!(status(ask(7, &[], &other.checkpoint(7))), 422);
    // Not where the witness stands, and backwards.
    for old in [0, 6, 8] {
        assert_eq!(conflict(ask(old, &branch.path(old, 9), &branch.checkpoint(9))), 7);
    }
    assert_eq!(conflict(ask(3, &branch.path(3, 6), &branch.checkpoint(6))), 7);
    assert_eq!(status(ask(7, &[], &branch.checkpoint(6))), 400);
    assert_eq!(status(ask(8, &[], &branch.checkpoint(7))), 400);
    // Somebody else's log, and this one signed by somebody else.
    let sister = Origin::named(key(1).did(), "node-2").unwrap();
    let text = branch.checkpoint(9).text().replace(origin().as_str(), sister.as_str());
    let note = note_key(&sister).unwrap().sign(&text, &key(1)).unwrap();
    let raw = |note: &str| witness.add_checkpoint(format!("old 7\n\n{note}").as_bytes(), time(1));
    assert_eq!(status(raw(&note)), 404);
    let stranger = note_key(&Origin::new(key(2).did()).unwrap()).unwrap();
    assert_eq!(status(raw(&stranger.sign(branch.checkpoint(9).text(), &key(2)).unwrap())), 403);
    let good = branch.checkpoint(9).as_note().to_owned();
    assert_eq!(status(raw(&good.replace("\n9\n", "\n10\n"))), 403);
    // Under a good signature, one that says it is the log's, and is not.
    let bad = branch.checkpoint(8);
    let bad = bad.as_note().lines().last().unwrap();
    assert_eq!(status(raw(&format!("{good}{bad}\n"))), 403);
    // Whatever strangers signed besides.
    let decorated = format!("{good}\u{2014} someone AAAAAAA=\n");
    let path: String = body(7, &branch.path(7, 9), &branch.checkpoint(9));
    let decorated = path.replace(&good, &decorated);
    assert_eq!(status(witness.add_checkpoint(decorated.as_bytes(), time(40 * SECOND))), 200);
    let kept = witness.checkpoint(&origin_hash(&origin())).unwrap();
    assert!(!kept.as_note().contains("someone"));
}

#[test]
fn an_empty_tree_with_another_root_is_refused() {
    let text = format!("{}\n0\n{}=\n", origin(), "A".repeat(43));
    let note = note_key(&origin()).unwrap().sign(&text, &key(1)).unwrap();
    let witness = open(&Vault::default()).unwrap();
    let answer = witness.add_checkpoint(format!("old 0\n\n{note}").as_bytes(), time(1));
    let refused =
        matches!(&answer, Err(AddCheckpointError::Refused { reason: Refusal::EmptyRoot, .. }));
    assert!(refused);
    assert_eq!(status(answer), 422);
}

#[test]
fn malformed_requests_are_refused() {
    let branch = Branch::new(20, 1);
    let witness = open(&Vault::default()).unwrap();
    let good = body(0, &[], &branch.checkpoint(5));
    let hash = "A".repeat(43) + "=";
    let bodies = [
        String::new(),
        "old 0".to_owned(),
        "old 0\n".to_owned(),
        "old 0\n\n".to_owned(),
        good.replacen("old 0", "old 00", 1),
        good.replacen("old 0", "old -0", 1),
        good.replacen("old 0", "old  0", 1),
        good.replacen("old 0", "old 0 ", 1),
        good.replacen("old 0", "Old 0", 1),
        good.replacen("old 0", "old 18446744073709551616", 1),
        good.replacen("old 0\n", "old 0\r\n", 1),
        good.replacen("old 0\n", "", 1),
        good.replacen("\n\n", "\nnot base64\n\n", 1),
        good.replacen("\n\n", &format!("\n{hash} \n\n"), 1),
        good.replacen("\n\n", &format!("\n{}\n\n", "A".repeat(44)), 1),
        good.replacen("\n\n", &format!("\n{}\n", format!("{hash}\n").repeat(64)), 1),
        good.trim_end().to_owned(),
        format!("{good}{}", "x".repeat(REQUEST_LEN_MAX)),
        format!("{good}more"),
    ];
    for body in bodies {
        let answer = witness.add_checkpoint(body.as_bytes(), time(1));
        assert_eq!(status(answer), 400, "{body:?}");
    }
    let binary = [b"old 0\n\n\xff", good.as_bytes()].concat();
    assert_eq!(status(witness.add_checkpoint(&binary, time(1))), 400);
    // An origin of no characters is an unknown log.
    let empty_origin = good.replacen("\n\n", "\n\n\n", 1);
    assert_eq!(status(witness.add_checkpoint(empty_origin.as_bytes(), time(1))), 404);
    for cut in 0..good.len() {
        let Some(part) = good.get(..cut) else { continue };
        assert_ne!(status(witness.add_checkpoint(part.as_bytes(), time(1))), 200, "{cut}");
    }
    // As many hashes as are allowed are a matter of proof, not of form.
    let most = good.replacen("\n\n", &format!("\n{}\n", format!("{hash}\n").repeat(63)), 1);
    assert_eq!(status(witness.add_checkpoint(most.as_bytes(), time(1))), 422);
    assert_eq!(status(witness.add_checkpoint(good.as_bytes(), time(1))), 200);
}

#[test]
fn two_histories_are_refused_and_proved() {
    let (one, other) = (Branch::new(4, 1), Branch::new(4, 2));
    let ask = |old, path: &[Digest], checkpoint: &Checkpoint| {
        let witness = open(&Vault::default()).unwrap();
        add(&witness, &one, 0, 7).unwrap();
        let body = body(old, path, checkpoint);
        let answer = witness.add_checkpoint(body.as_bytes(), time(30 * SECOND)).unwrap_err();
        let status = answer.status();
        let AddCheckpointError::Refused { fork, .. } = answer else { panic!("{answer}") };
        let kept = witness.seen().fork(&origin()).unwrap();
        assert_eq!(kept.as_ref(), fork.as_ref().map(|found| &found.proof));
        assert!(kept.as_ref().is_none_or(|proof| proof.verify(&origin()).is_ok()));
        (status, kept.is_some())
    };
    assert_eq!(ask(7, &[], &other.checkpoint(7)), (422, true));
    assert_eq!(ask(3, &other.path(3, 7), &other.checkpoint(7)), (409, true));
    assert_eq!(ask(7, &other.path(7, 9), &other.checkpoint(9)), (422, true));
    // These show nothing: no proof, and honest mistakes.
    assert_eq!(ask(7, &[], &other.checkpoint(9)), (422, false));
    assert_eq!(ask(7, &[], &one.checkpoint(9)), (422, false));
    assert_eq!(ask(6, &one.path(6, 9), &one.checkpoint(9)), (409, false));
}

#[test]
fn a_crash_between_storing_and_answering_loses_the_answer_and_not_the_state() {
    let branch = Branch::new(20, 1);
    for durable in [false, true] {
        let vault = Vault::default();
        let witness = open(&vault).unwrap();
        add(&witness, &branch, 0, 5).unwrap();
        (vault.get().fail_before, vault.get().fail_after) = (!durable, durable);
        let failed = add(&witness, &branch, 5, 9).unwrap_err();
        assert_eq!((failed.status(), failed.body().contains("planned")), (500, false));
        // Not even the old size is told any more.
        assert_eq!(status(add(&witness, &branch, 5, 9)), 500);
        assert_eq!(witness.checkpoint(&origin_hash(&origin())), None);
        drop(witness);
        vault.restart();
        let witness = open(&vault).unwrap();
        if durable {
            assert_eq!(conflict(add(&witness, &branch, 5, 9)), 9);
            add(&witness, &branch, 9, 9).unwrap();
        } else {
            add(&witness, &branch, 5, 9).unwrap();
        }
    }
}

#[test]
fn a_panic_while_storing_leaves_no_cosignature_and_no_state() {
    let (branch, vault) = (Branch::new(20, 1), Vault::default());
    let witness = open(&vault).unwrap();
    vault.get().panic = true;
    let panicked =
        std::thread::scope(|scope| scope.spawn(|| add(&witness, &branch, 0, 5)).join().is_err());
    assert!(panicked);
    vault.restart();
    assert!(matches!(add(&witness, &branch, 0, 5), Err(AddCheckpointError::Poisoned)));
    assert!(add(&open(&vault).unwrap(), &branch, 0, 5).is_ok());
}

#[test]
fn whoever_comes_first_wins_and_the_state_never_goes_back() {
    let (branch, vault) = (Branch::new(20, 1), Vault::default());
    let witness = open(&vault).unwrap();
    let mut old = 0_u64;
    while old < 20 {
        let barrier = Barrier::new(4);
        let answers: Vec<_> = std::thread::scope(|scope| {
            let ask = |ahead: u64| {
                let (witness, branch, barrier) = (&witness, &branch, &barrier);
                scope.spawn(move || {
                    let new = (old + ahead).min(20);
                    let path = branch.path(old, new);
                    let body = body(old, &path, &branch.checkpoint(new));
                    barrier.wait();
                    (new, witness.add_checkpoint(body.as_bytes(), time(100 * SECOND)).is_ok())
                })
            };
            let threads: Vec<_> = (1..=4).map(ask).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        // Of those that ask for different sizes from one start, one alone is cosigned.
        let cosigned: Vec<_> = answers.iter().filter(|(_, ok)| *ok).map(|(new, _)| *new).collect();
        assert!(!cosigned.is_empty() && cosigned.iter().all(|new| *new == cosigned[0]));
        let kept = witness.checkpoint(&origin_hash(&origin())).unwrap();
        assert_eq!(kept.size().as_u64(), cosigned[0]);
        old = cosigned[0];
    }
    let sizes = &vault.get().sizes;
    assert!(sizes.is_sorted() && !sizes.is_empty(), "{sizes:?}");
}

#[test]
fn a_clock_that_goes_back_cosigns_nothing() {
    let (branch, vault) = (Branch::new(20, 1), Vault::default());
    add(&open(&vault).unwrap(), &branch, 0, 9).unwrap();
    let witness = open(&vault).unwrap();
    let body = body(9, &branch.path(9, 10), &branch.checkpoint(10));
    let answer = witness.add_checkpoint(body.as_bytes(), time(8 * SECOND)).unwrap_err();
    assert!(matches!(answer, AddCheckpointError::Clock { .. }), "{answer}");
    assert!(witness.add_checkpoint(body.as_bytes(), time(9 * SECOND)).is_ok());
}

#[test]
fn a_clock_that_is_wrong_once_keeps_no_witness_silent() {
    const YEAR: u64 = 365 * 24 * 3_600 * SECOND;
    let (branch, vault) = (Branch::new(20, 1), Vault::default());
    let ask = |witness: &Witness, old: u64, new: u64, at: u64| {
        let body = body(old, &branch.path(old, new), &branch.checkpoint(new));
        witness.add_checkpoint(body.as_bytes(), time(at))
    };
    let witness = open(&vault).unwrap();
    ask(&witness, 0, 5, SECOND).unwrap();
    // Ten years ahead: refused, and nothing is spoilt by it, in this process or the next.
    for witness in [&witness, &open(&vault).unwrap()] {
        let error = ask(witness, 5, 6, 10 * YEAR).unwrap_err();
        assert!(matches!(error, AddCheckpointError::ClockJump { .. }), "{error}");
        assert_eq!((error.status(), error.body().contains("2036")), (500, false));
    }
    ask(&witness, 5, 6, 2 * SECOND).unwrap();
    // A year of silence is none of that, and for a longer one the operator vouches.
    ask(&witness, 6, 7, YEAR).unwrap();
    assert!(ask(&witness, 7, 8, 9 * YEAR).is_err());
    let trusting = open(&vault).unwrap().trust_times_until(time(9 * YEAR));
    assert!(ask(&trusting, 7, 8, 9 * YEAR + SECOND).is_err());
    ask(&trusting, 7, 8, 9 * YEAR).unwrap();
    // If that was wrong: what was seen stays, only its time does not count.
    let witness = open(&vault).unwrap();
    let error = ask(&witness, 8, 9, 2 * YEAR).unwrap_err();
    assert!(matches!(error, AddCheckpointError::Clock { .. }), "{error}");
    let mended = open(&vault).unwrap().disregard_times_from(time(2 * YEAR + SECOND));
    assert!(matches!(
        ask(&mended, 7, 9, 2 * YEAR).unwrap_err(),
        AddCheckpointError::Refused { .. }
    ));
    ask(&mended, 8, 9, 2 * YEAR).unwrap();
    // From then on it needs no more help.
    let witness = open(&vault).unwrap();
    assert!(ask(&witness, 9, 10, 2 * YEAR - SECOND).is_err());
    ask(&witness, 9, 10, 2 * YEAR + SECOND).unwrap();
}

#[test]
fn a_witness_is_opened_with_its_own_key_state_and_other_peoples_logs_alone() {
    let (branch, vault) = (Branch::new(5, 1), Vault::default());
    add(&open(&vault).unwrap(), &branch, 0, 5).unwrap();
    let open = |seed: u8, signer: u8, log: &Origin, vault: &Vault| {
        let signer = Box::new(key(signer));
        Witness::open(witness_key(seed), signer, std::slice::from_ref(log), Box::new(vault.clone()))
    };
    let other = open(22, 22, &origin(), &vault).unwrap_err();
    assert!(matches!(other, OpenWitnessError::OtherWitness { .. }), "{other}");
    let signer = open(21, 22, &origin(), &vault).unwrap_err();
    assert!(matches!(signer, OpenWitnessError::Signer { .. }), "{signer}");
    let own = open(21, 21, &Origin::new(key(21).did()).unwrap(), &Vault::default()).unwrap_err();
    assert!(matches!(own, OpenWitnessError::OwnLog { .. }), "{own}");
}

#[test]
fn no_key_shows_in_debug() {
    let text = format!("{:?}", open(&Vault::default()).unwrap());
    assert!(text.contains("witness.example/w1") && !text.contains("signer"));
}
