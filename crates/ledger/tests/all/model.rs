//! The fold beside the naive model.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::dice::Dice;
use crate::ledger_model::{Counts, check, check_one};
use crate::replay::replay;

#[test]
fn the_fold_does_what_the_naive_model_does() {
    let number = |name, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (first, sequences): (u64, u64) =
        (number("LEDGER_SEED", 1), number("LEDGER_SEQUENCES", 1_000));
    let mut counts = Counts::default();
    for seed in first..first + sequences {
        let run = || check_one(&mut Dice::seeded(seed), &mut counts);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            println!("LEDGER_SEED={seed} LEDGER_SEQUENCES=1 shows it");
            resume_unwind(panic);
        }
    }
    println!("{counts:#?}");
    let denials = counts.accesses - counts.permits;
    assert!(counts.permits * 10 >= counts.accesses * 3, "three in ten are permitted: {counts:?}");
    assert!(denials * 10 >= counts.accesses * 3, "three in ten are denied: {counts:?}");
    assert!(counts.accepted * 2 >= counts.changes, "half of the changes are accepted: {counts:?}");
}

#[test]
fn the_corpus_breaks_nothing() {
    replay("ledger_model", check);
}
