//! A node that is opened by its index is the node that the whole log makes.

use std::fs;

use dataspace_policy::{Action, Constraint, Terms};
use dataspace_primitives::{Digest, Signed};
use dataspace_runtime::{
    Access, AccessError, DataSpace,
    index::{IndexError, IndexState, Unusable},
    request_access,
    setup::SetupError,
};
use dataspace_tlog::{AccessRecord, Event, Fact, LeafIndex, Record, Verdict};
use dataspace_usage_contract::{AccessRequest, ContractId};

use crate::support::{
    DAY, Files, Node, TestClock, at, codes, consumer, counted, name, research, revocation, rival,
    signed_credential, signed_profile, terms,
};

/// A small generator: the same histories in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }
}

fn used(space: &DataSpace) -> (u64, u64) {
    match space.index_state().unwrap() {
        IndexState::Used { size, replayed } => (size.as_u64(), *replayed),
        IndexState::Rebuilt { why, .. } => panic!("rebuilt: {why:?}"),
    }
}

pub(crate) fn why(space: &DataSpace) -> &Unusable {
    match space.index_state().unwrap() {
        IndexState::Used { .. } => panic!("used"),
        IndexState::Rebuilt { why, .. } => why,
    }
}

/// One line for the answer to a request.
fn answer(space: &DataSpace, request: Signed<AccessRequest>) -> String {
    match space.access(request) {
        Ok(Access::Released(release)) => format!("released {}", release.uses()),
        Ok(Access::Denied(denied)) => format!("denied {:?} {denied}", codes(&denied)),
        Err(error) => format!("error {error}"),
    }
}

fn some_terms(random: &mut Random) -> Terms {
    let rule = research();
    let rule = match random.below(6) {
        0 => rule.when(Constraint::Count(3)),
        1 => rule.when(Constraint::DayCount(2)),
        2 => rule.when(Constraint::MonthCount(4)),
        3 => rule.when(Constraint::ConsumerCount(6)),
        _ => rule,
    };
    Terms::new().permit(rule)
}

/// One step of a history: requests that were answered come back for replays.
fn step(node: &Node, random: &mut Random, asked: &mut Vec<Signed<AccessRequest>>) {
    let contracts = {
        let mut contracts = node.space.contracts();
        contracts.sort_unstable();
        contracts
    };
    let place = usize::try_from(random.below(1 + contracts.len() as u64)).unwrap();
    match (random.below(40), contracts.get(place)) {
        (0..=3, _) | (_, None) => {
            let offer = node.offer(some_terms(random));
            let by = if random.below(4) == 0 { rival() } else { consumer() };
            let _a_member_may_be_revoked = node.conclude(&offer, &by);
        }
        (4, Some(contract)) => drop(node.space.end_contract(*contract, name("over"))),
        (5, _) => {
            let text = ["", r#"@id("x") forbid(principal, action, resource);"#];
            let text = text[usize::try_from(random.below(2)).unwrap()];
            node.space.set_policies(text).unwrap();
        }
        (6, _) => {
            let version = 2 + node.len();
            node.space.publish(signed_profile(|profile| profile.version = version)).unwrap();
        }
        (7, _) => {
            let from = node.now();
            let renewed = signed_credential(&consumer(), |one| {
                one.validity = dataspace_primitives::Validity::new(from, at(400 * DAY)).unwrap();
            });
            node.space.admit(renewed).unwrap();
        }
        (8, _) => drop(node.space.revoke(revocation(rival().did(), node.now()))),
        (9..=12, _) => node.advance(1 + random.below(DAY / 2)),
        (13..=15, _) => node.space.write_index().unwrap(),
        (_, Some(contract)) => {
            let request = node.request(*contract);
            asked.push(request.clone());
            let _any = answer(&node.space, request);
        }
    }
}

/// Everything that can be seen of a node, with the answers to the same questions in the same order.
fn seen(files: &Files, questions: &[Signed<AccessRequest>], is_by_index: bool) -> Vec<String> {
    let node = files.copy();
    if !is_by_index {
        fs::remove_file(node.path().join("index")).unwrap();
    }
    let node = node.reopen();
    match node.space.index_state().unwrap() {
        IndexState::Used { .. } => assert!(is_by_index),
        IndexState::Rebuilt { why, .. } => {
            assert!(!is_by_index && matches!(why, Unusable::Missing), "{why:?}");
        }
    }
    let mut contracts = node.space.contracts();
    contracts.sort_unstable();
    let mut seen = vec![format!("{} {}", node.len(), node.space.policies())];
    for contract in &contracts {
        let agreement = node.space.agreement(*contract).unwrap();
        seen.push(format!("{contract} {:?} {}", node.space.uses(*contract), agreement.digest()));
    }
    seen.extend(questions.iter().map(|question| answer(&node.space, question.clone())));
    let version = 2 + node.len();
    seen.push(format!("{:?}", node.space.publish(signed_profile(|one| one.version = version))));
    let back = node.space.admit(signed_credential(&rival(), |_| {}));
    seen.push(format!("{back:?}"));
    seen
}

#[test]
fn random_histories_end_in_the_same_state_with_and_without_the_index() {
    let (mut by_index, mut released) = (0, 0);
    for seed in 0..6 {
        let (node, mut random) = (Node::new(), Random(seed));
        node.space.write_index().unwrap();
        let mut asked = Vec::new();
        for turn in 0..120 {
            step(&node, &mut random, &mut asked);
            if turn % 40 != 39 {
                continue;
            }
            // Killed here: two ways back, and the same questions to both.
            let contracts = node.space.contracts();
            let mut questions: Vec<_> =
                contracts.iter().flat_map(|one| [node.request(*one), node.request(*one)]).collect();
            questions.extend(asked.iter().rev().take(20).cloned());
            let (with, without) =
                (seen(&node.files, &questions, true), seen(&node.files, &questions, false));
            assert_eq!(with, without, "seed {seed}, turn {turn}");
            by_index += 1;
            released += with.iter().filter(|line| line.starts_with("released")).count();
        }
    }
    assert!(by_index == 18 && released > 10, "{released} released");
}

#[test]
fn a_node_that_was_closed_reads_no_record_again() {
    let node = Node::new();
    let contract = node.contract(counted(9));
    for _ in 0..5 {
        drop(node.released(contract));
    }
    let asked = node.request(contract);
    drop(node.space.access(asked.clone()).unwrap());
    // With the report of the last release.
    let len = node.len() + 1;
    let files = node.close();
    for openings in 0..3 {
        let space = files.open().unwrap();
        // None but those of the openings before.
        assert_eq!(used(&space), (len, openings));
        assert_eq!(space.uses(contract), Some((6, Some(9))));
        let replayed = space.access(asked.clone());
        assert!(matches!(replayed, Err(AccessError::Replayed)));
        assert!(space.index_error().is_none());
    }
}

#[test]
fn only_the_records_after_the_index_are_read() {
    let node = Node::new();
    let contract = node.contract(counted(9));
    node.space.write_index().unwrap();
    let covered = node.len();
    for _ in 0..4 {
        drop(node.released(contract));
    }
    node.space.set_policies(r#"@id("x") forbid(principal, action, resource);"#).unwrap();
    let space = node.files.copy().open().unwrap();
    // The accesses, their ends and the policies.
    assert_eq!(used(&space), (covered, 9));
    assert_eq!(space.uses(contract), Some((4, Some(9))));
    assert!(!space.policies().is_empty());
}

#[test]
fn a_node_that_is_tended_writes_its_index_from_time_to_time() {
    let node = Node::new();
    let contract = node.contract(terms());
    let mut uses = 0;
    while node.len() < 4_150 {
        drop(node.released(contract));
        uses += 1;
        if uses % 25 == 0 {
            node.space.tend().unwrap();
        }
    }
    let space = node.files.copy().open().unwrap();
    let (size, replayed) = used(&space);
    assert!(size >= 4_096 && replayed <= 54, "{size} {replayed}");
    assert_eq!(space.uses(contract).unwrap().0, uses);
}

#[test]
fn the_clock_cannot_be_set_back_behind_the_index() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.advance(5 * DAY);
    drop(node.released(contract));
    let files = node.close();
    files.clock.set(at(4 * DAY));
    let space = files.open().unwrap();
    assert_eq!(used(&space).1, 0);
    assert!(space.now().is_err());
}

#[test]
fn requests_are_forgotten_when_they_are_no_longer_fresh() {
    let node = Node::new();
    let contract = node.contract(terms());
    drop(node.released(contract));
    node.space.write_index().unwrap();
    node.advance(2 * 3600);
    drop(node.released(contract));
    let files = node.close();
    let index = crate::index_files::Parts::read(&files);
    assert_eq!(index.requests.len(), 1);
    drop(files.open().unwrap());
}

/// A denial of `contract` that fills its record.
fn long_denial(program: Digest, contract: ContractId, number: u64) -> Event {
    let text = |place| (format!("fact-{place:03}"), Fact::Text("x".repeat(1_000)));
    Event::Access(AccessRecord {
        contract: *contract.as_digest(),
        program,
        profile: 1,
        request: Digest::of(&number.to_be_bytes()),
        part: None,
        facts: (0..60).map(text).collect(),
        verdict: Verdict::Deny { reasons: vec!["long".to_owned()] },
    })
}

/// Denials of `contract` until there is a second segment.
pub(crate) fn fill_segment(node: &Node, contract: ContractId) {
    let program = node.decisions()[0].program;
    for batch in 0..130_u64 {
        let event = |one| long_denial(program, contract, 10 * batch + one);
        let records: Vec<_> = (0..10).map(|one| Record::new(node.now(), event(one))).collect();
        node.space.log().append_batch(&records).unwrap();
    }
}

#[test]
fn an_archived_beginning_is_replaced_by_the_index_alone() {
    let node = Node::new();
    let contract = node.contract(counted(9));
    let ended = node.contract(terms());
    drop(node.released(contract));
    node.space.end_contract(ended, name("over")).unwrap();
    fill_segment(&node, contract);
    let last = LeafIndex::new(node.len() - 1);
    let kept = node.space.archive(last).unwrap();
    assert!(kept > LeafIndex::new(1_000), "{kept}");
    drop(node.released(contract));
    let files = node.close();
    assert!(!files.segment().exists());

    let space = files.open().unwrap();
    assert_eq!(used(&space).1, 0);
    assert_eq!(space.uses(contract), Some((2, Some(9))));
    drop(space);
    let node = files.copy().reopen();
    assert_eq!(codes(&node.denied(ended)), ["contract-terminated"]);
    assert_eq!(node.released(contract).uses(), 3);
    drop(node);

    fs::remove_file(files.path().join("index")).unwrap();
    let refused = files.open();
    let is_told = matches!(&refused,
        Err(SetupError::Archived { first, why: Some(Unusable::Missing) }) if *first == kept);
    assert!(is_told, "{refused:?}");
}

#[test]
fn an_index_that_cannot_be_written_stops_nothing_and_is_reported() {
    let node = Node::new();
    let contract = node.contract(counted(9));
    let in_the_way = node.files.path().join("index");
    fs::create_dir(&in_the_way).unwrap();
    let error = node.space.write_index().unwrap_err();
    assert!(matches!(*error, IndexError::Failed { .. }), "{error:?}");
    assert!(node.space.index_error().is_some());
    assert_eq!(node.released(contract).uses(), 1);
    fs::remove_dir(in_the_way).unwrap();
    node.space.write_index().unwrap();
    assert!(node.space.index_error().is_none());
    let files = node.close();
    assert_eq!(used(&files.open().unwrap()).1, 0);
}

#[test]
fn checkpoints_come_as_often_as_the_setup_says() {
    let files = Node::new().close();
    let space = files.setup(crate::support::provider()).checkpoint_every(3).open().unwrap();
    let node = Node { space, files };
    node.space.register(name("alloys"), name("test-results"), crate::support::table(10)).unwrap();
    let agreement = node.space.agreement(node.contract(terms())).unwrap();
    let signed = || {
        let node = node.files.copy();
        let space = node.open().unwrap();
        space.recovery().unwrap().checkpoint().unwrap().size().as_u64()
    };
    let (before, mut expected) = (signed(), 0);
    for uses in 1..=7 {
        let clock = TestClock(node.files.clock.clone());
        let request =
            request_access(&consumer(), &agreement, Action::Read, name("research"), &clock)
                .unwrap();
        assert_eq!(answer(&node.space, request), format!("released {uses}"));
        // The access, and what was durable before: the others and their ends.
        let recorded = 2 * uses - 1;
        expected = if recorded >= expected + 3 { recorded } else { expected };
        assert_eq!(signed(), before + expected);
    }
}
