//! A contract that keeps others out, and those that it keeps out.

use std::sync::Barrier;
use std::thread;

use dataspace_ledger::Refusal;
use dataspace_policy::{Constraint, Exclusive, Terms};
use dataspace_primitives::{Region, Validity};
use dataspace_runtime::{ChangeError, NewOffer, index::IndexState, replay_decisions};
use dataspace_tlog::Event;
use dataspace_usage_contract::ContractId;
use serde_bytes::ByteBuf;

use crate::support::{
    DAY, Files, Node, at, authority, consumer, days, name, read_only, research, rival, terms,
};

fn regions(all: &[&str]) -> std::collections::BTreeSet<Region> {
    all.iter().map(|one| Region::parse(one).unwrap()).collect()
}

/// Everybody else is kept out of these territories until so many days.
fn exclusive(territories: &[&str], until_day: u64) -> Terms {
    let one = Exclusive { territories: regions(territories), until: at(until_day * DAY) };
    Terms { exclusive: Some(one), ..terms() }
}

fn going_to(territories: &[&str]) -> Terms {
    Terms::new().permit(research().when(Constraint::RecipientRegion(regions(territories))))
}

fn conclude(
    node: &Node,
    (terms, validity): (Terms, Validity),
    by: &dataspace_identity::SecretKey,
) -> Result<ContractId, ChangeError> {
    let expires_at = validity.until();
    let new = NewOffer { validity, expires_at, ..Node::new_offer(terms) };
    let offer = node.space.offer(new).unwrap();
    node.conclude(&offer, by)
}

fn is_kept_out(outcome: Result<ContractId, ChangeError>) -> bool {
    match outcome {
        Ok(_) => false,
        Err(ChangeError::Refused(Refusal::KeptOut { .. } | Refusal::NotExclusive { .. })) => true,
        Err(error) => panic!("{error:?}"),
    }
}

fn is_sound(files: &Files) -> bool {
    replay_decisions(&files.log(), authority().did(), None).unwrap().is_sound()
}

#[test]
fn whoever_comes_second_is_refused_where_both_cannot_hold() {
    let month = days(0, 30);
    for (one, other, conflicts) in [
        ((exclusive(&[], 30), month), (terms(), month), true),
        ((exclusive(&["FR"], 30), month), (terms(), month), true),
        ((exclusive(&["FR"], 30), month), (going_to(&["FR", "DE"]), month), true),
        ((exclusive(&["FR"], 30), month), (going_to(&["DE"]), month), false),
        // One of two permissions does not say where.
        ((exclusive(&["FR"], 30), month), (going_to(&["DE"]).permit(read_only()), month), true),
        ((exclusive(&[], 10), month), (terms(), days(10, 30)), false),
        ((exclusive(&[], 10), month), (terms(), days(9, 30)), true),
        ((exclusive(&[], 30), days(20, 30)), (terms(), days(0, 20)), false),
        ((exclusive(&[], 30), days(20, 30)), (terms(), days(0, 21)), true),
        // A holdback goes on after the contract itself.
        ((exclusive(&[], 30), days(0, 5)), (terms(), days(20, 25)), true),
        ((exclusive(&["FR"], 30), month), (exclusive(&["DE"], 30), month), true),
    ] {
        for turned in [false, true] {
            let node = Node::new();
            let (first, second) = if turned { (&other, &one) } else { (&one, &other) };
            conclude(&node, first.clone(), &consumer()).unwrap();
            let found = is_kept_out(conclude(&node, second.clone(), &rival()));
            assert_eq!(found, conflicts, "{one:?} {other:?} {turned}");
            // The consumer itself may have both.
            let node = Node::new();
            conclude(&node, first.clone(), &consumer()).unwrap();
            conclude(&node, second.clone(), &consumer()).unwrap();
        }
    }
}

#[test]
fn what_has_ended_keeps_nobody_out() {
    let node = Node::new();
    let month = days(0, 30);
    let first = conclude(&node, (exclusive(&[], 20), month), &consumer()).unwrap();
    assert!(is_kept_out(conclude(&node, (terms(), month), &rival())));
    node.space.end_contract(first, name("over")).unwrap();
    let second = conclude(&node, (terms(), month), &rival()).unwrap();
    // And what ended is in nobody's way.
    assert!(is_kept_out(conclude(&node, (exclusive(&[], 20), days(0, 29)), &consumer())));
    node.space.end_contract(second, name("over")).unwrap();
    let again = days(0, 29);
    conclude(&node, (exclusive(&[], 20), again), &consumer()).unwrap();
    assert!(is_kept_out(conclude(&node, (terms(), again), &rival())));
    // Its time is over, though the other contract would have begun before.
    node.advance(20 * DAY);
    conclude(&node, (terms(), again), &rival()).unwrap();
    assert!(is_sound(&node.close()));
}

#[test]
fn what_was_in_the_way_is_not_when_it_has_ended() {
    let node = Node::new();
    let other = |until| conclude(&node, (terms(), days(0, until)), &rival()).unwrap();
    let others = [29, 30, 31].map(other);
    let offer = node.offer(exclusive(&[], 20));
    let tried = || is_kept_out(node.conclude(&offer, &consumer()));
    // In any order: one after the other is remembered, and ends.
    for other in others {
        assert!(tried() && tried());
        node.space.end_contract(other, name("over")).unwrap();
    }
    assert!(!tried());
}

#[test]
fn refusals_say_until_when_and_which() {
    let node = Node::new();
    conclude(&node, (exclusive(&[], 20), days(0, 30)), &consumer()).unwrap();
    let kept_out = conclude(&node, (terms(), days(0, 30)), &rival()).unwrap_err();
    assert!(
        matches!(&kept_out, ChangeError::Refused(Refusal::KeptOut { until, .. }) if *until == at(20 * DAY)),
        "{kept_out:?}"
    );
    let node = Node::new();
    let first = node.contract(terms());
    let late = conclude(&node, (exclusive(&[], 20), days(0, 30)), &rival()).unwrap_err();
    assert!(
        matches!(&late, ChangeError::Refused(Refusal::NotExclusive { contract, .. }) if *contract == first),
        "{late:?}"
    );
}

#[test]
fn it_is_known_after_reopening_by_log_and_by_index() {
    let node = Node::new();
    let month = days(0, 30);
    let ended = conclude(&node, (exclusive(&[], 20), month), &rival()).unwrap();
    node.space.end_contract(ended, name("over")).unwrap();
    conclude(&node, (exclusive(&["FR"], 20), month), &consumer()).unwrap();
    let files = node.close();
    let _there_is_none = std::fs::remove_file(files.path().join("index"));
    let node = files.reopen();
    assert!(is_kept_out(conclude(&node, (terms(), month), &rival())));
    node.space.write_index().unwrap();
    for _ in 0..2 {
        let files = node.files.copy();
        let node = files.reopen();
        assert!(matches!(node.space.index_state().unwrap(), IndexState::Used { .. }));
        assert!(is_kept_out(conclude(&node, (terms(), month), &rival())));
        conclude(&node, (going_to(&["DE"]), month), &rival()).unwrap();
        // The index is written again, over the old one.
        node.space.write_index().unwrap();
        let node = node.close().reopen();
        assert!(is_kept_out(conclude(&node, (terms(), month), &rival())));
        assert!(is_sound(&node.close()));
    }
}

#[test]
fn of_two_that_race_one_is_concluded() {
    for round in 0..6 {
        let node = Node::new();
        let month = days(0, 30);
        let both = [(exclusive(&[], 20), consumer()), (terms(), rival())];
        let offers = both.map(|(terms, by)| {
            let new = NewOffer { validity: month, ..Node::new_offer(terms) };
            (node.space.offer(new).unwrap(), by)
        });
        let start = Barrier::new(2);
        let (node, start) = (&node, &start);
        let concluded = thread::scope(|scope| {
            let all: Vec<_> = offers
                .iter()
                .map(|(offer, by)| {
                    scope.spawn(move || {
                        start.wait();
                        !is_kept_out(node.conclude(offer, by))
                    })
                })
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).filter(|is| *is).count()
        });
        assert_eq!(concluded, 1, "round {round}");
    }
}

#[test]
fn a_log_in_which_both_were_concluded_is_found_out() {
    // Two copies of one node each conclude one of them; somebody puts both into one log.
    for turned in [false, true] {
        let node = Node::new();
        let month = days(0, 30);
        let mut both = [(exclusive(&[], 20), consumer()), (terms(), rival())];
        if turned {
            both.reverse();
        }
        let [first, second] = both;
        let elsewhere = node.files.copy().reopen();
        conclude(&elsewhere, (second.0, month), &second.1).unwrap();
        let last = elsewhere.records().pop().unwrap();
        let Event::Concluded { contract, document } = last.event else { panic!("{last:?}") };
        conclude(&node, (first.0, month), &first.1).unwrap();
        let files = node.close();
        files.forge(Event::Concluded { contract, document: ByteBuf::from(document.into_vec()) });
        match replay_decisions(&files.log(), authority().did(), None) {
            Err(error) => {
                let told = format!("{error:?}");
                let expected = if turned { "NotExclusive" } else { "KeptOut" };
                assert!(told.contains(expected), "{told}");
            }
            Ok(replayed) => panic!("{replayed:?}"),
        }
    }
}
