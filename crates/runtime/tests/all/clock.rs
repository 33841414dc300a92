//! A clock that somebody sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dataspace_identity::Did;
use dataspace_ledger::{Evidence, Refusal, times::TimeError};
use dataspace_policy::{Constraint, Terms};
use dataspace_primitives::UnixMillis;
use dataspace_runtime::{
    AccessError, ChangeError, Clock, NewOffer, Setup, clock::ClockError, error::WriteError,
    index::IndexState, replay_decisions, setup::SetupError,
};
use dataspace_tlog::{Event, LeafIndex};

use crate::support::{
    DAY, Files, Node, TestClock, at, authority, codes, consumer, counted, days, keys, name,
    provider, read_only, revocation, signed_credential, signed_profile, table, terms,
};

#[test]
fn a_clock_set_back_ends_all_access_until_it_is_right() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.advance(3600);
    drop(node.released(contract));
    let before = node.len();
    node.files.clock.set(at(3600 - 3));
    let request = node.request(contract);
    let error = node.space.access(request.clone()).unwrap_err();
    assert!(matches!(error, AccessError::Clock(_)), "{error:?}");
    assert!(node.space.now().is_err());
    assert_eq!(node.len(), before);
    node.files.clock.set(at(3600));
    drop(crate::support::released(node.space.access(request).unwrap()));
}

#[test]
fn nothing_changes_either_while_the_clock_is_wrong() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.advance(3600);
    let _now = node.space.now().unwrap();
    node.files.clock.set(at(0));
    let ended = node.space.end_contract(contract, name("over"));
    assert!(matches!(ended, Err(ChangeError::Write(WriteError::Clock(_)))));
    let revoked = node.space.revoke(revocation(consumer().did(), at(1)));
    assert!(matches!(revoked, Err(ChangeError::Write(WriteError::Clock(_)))));
}

#[test]
fn within_the_tolerance_time_stands_still() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.advance(3600);
    drop(node.released(contract));
    node.files.clock.set(at(3600 - 2));
    drop(node.released(contract));
    assert_eq!(node.space.now().unwrap(), at(3600));
    assert_eq!(node.records().last().unwrap().time, at(3600));
    node.files.clock.set(at(3600 - 2).saturating_sub(Duration::from_millis(1)));
    assert!(node.space.now().is_err());
}

#[test]
fn small_steps_back_do_not_add_up() {
    let node = Node::new();
    node.advance(100);
    for step in 1..=2 {
        let _now = node.space.now().unwrap();
        node.files.clock.set(at(100 - step));
    }
    let _still = node.space.now().unwrap();
    node.files.clock.set(at(97));
    assert!(node.space.now().is_err());
}

#[test]
fn a_clock_set_back_during_a_restart_is_found_out_by_the_log() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.advance(10 * DAY);
    drop(node.released(contract));
    let files = node.close();
    files.clock.set(at(DAY));
    let node = files.reopen();
    let error = node.space.access(node.request(contract)).unwrap_err();
    assert!(
        matches!(error, AccessError::Clock(ClockError::Behind { high_water, .. }) if high_water == at(10 * DAY))
    );
}

#[test]
fn an_expired_contract_is_not_revived_by_the_clock() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.advance(30 * DAY);
    assert_eq!(codes(&node.denied(contract)), ["contract-over"]);
    node.files.clock.set(at(DAY));
    assert!(node.space.access(node.request(contract)).is_err());
    let node = node.close().reopen();
    assert!(node.space.access(node.request(contract)).is_err());
    node.files.clock.set(at(30 * DAY));
    assert_eq!(codes(&node.denied(contract)), ["contract-over"]);
}

#[test]
fn a_leap_into_the_far_future_and_back_stops_the_node_until_the_restart() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.files.clock.set(dataspace_primitives::UnixMillis::MAX);
    let _far = node.space.now().unwrap();
    node.files.clock.set(at(1));
    assert!(matches!(node.space.access(node.request(contract)), Err(AccessError::Clock(_))));
    // Nothing was recorded at that time, so the log does not know of it.
    let node = node.close().reopen();
    drop(node.released(contract));
}

/// A node with a contract, on which somebody decided ten years ahead, and what that left.
fn leapt(terms: Terms) -> (Files, dataspace_usage_contract::ContractId) {
    let node = Node::new();
    let contract = node.contract(terms);
    drop(node.released(contract));
    node.files.clock.set(at(3650 * DAY));
    assert!(codes(&node.denied(contract)).contains(&"contract-over"));
    node.files.clock.set(at(60));
    (node.close(), contract)
}

pub(crate) fn set_back(files: Files) -> Node {
    let space = files.setup(provider()).set_clock_back().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    Node { space, files }
}

/// Members again, by credentials that were issued later.
fn readmit(node: &Node) {
    for member in [provider(), consumer()] {
        let credential = signed_credential(&member, |one| {
            one.issued_at = node.now();
            one.serial = 7;
        });
        node.space.admit(credential).unwrap();
    }
}

/// Concluded now, until the day `until`: another contract than one of `node.contract`.
fn contract_of(node: &Node, terms: Terms, until: u64) -> dataspace_usage_contract::ContractId {
    let validity = days(0, until);
    let offer = NewOffer { validity, expires_at: validity.until(), ..Node::new_offer(terms) };
    node.conclude(&node.space.offer(offer).unwrap(), &consumer()).unwrap()
}

/// The denials in a log that replays without a discrepancy.
fn replayed(node: &Node) -> u64 {
    let replayed = replay_decisions(node.space.log(), authority().did(), None).unwrap();
    assert!(replayed.is_sound(), "{:?}", replayed.first);
    replayed.denials
}

#[test]
fn a_leap_that_was_recorded_stops_the_node_until_somebody_says_so() {
    let (files, contract) = leapt(terms());
    let node = files.reopen_as_it_is();
    let error = node.space.access(node.request(contract)).unwrap_err();
    assert!(matches!(error, AccessError::Clock(ClockError::Behind { .. })), "{error:?}");
    assert!(error.to_string().contains("set_clock_back"), "{error}");
    let node = set_back(node.close());
    assert_eq!(node.space.now().unwrap(), at(60));
    let told = node.records();
    let told = told.iter().filter(|record| matches!(record.event, Event::ClockSetBack { .. }));
    assert_eq!(told.map(|record| record.time).collect::<Vec<_>>(), [at(60)]);
}

#[test]
fn what_was_over_by_the_wrong_time_stays_over() {
    let (files, contract) = leapt(terms());
    let node = set_back(files);
    // The members' credentials were over in ten years, too.
    let refused = node.conclude(&node.offer(terms()), &consumer());
    assert!(
        matches!(refused, Err(ChangeError::Refused(Refusal::NotAMember { .. }))),
        "{refused:?}"
    );
    readmit(&node);
    let check = |node: &Node, new| {
        assert_eq!(codes(&node.denied(contract)), ["clock-set-back"]);
        drop(node.released(new));
        replayed(node)
    };
    let new = contract_of(&node, terms(), 20);
    assert_eq!(check(&node, new), 2);
    // The same by the index, by the log alone, and from a copy as a crash leaves it.
    let crashed = node.files.copy();
    node.space.write_index().unwrap();
    let node = node.close().reopen();
    assert!(matches!(node.space.index_state(), Some(IndexState::Used { replayed: 0, .. })));
    check(&node, new);
    let files = node.close();
    std::fs::remove_file(files.path().join("index")).unwrap();
    let node = files.reopen();
    assert!(matches!(node.space.index_state(), Some(IndexState::Rebuilt { .. })));
    check(&node, new);
    check(&crashed.reopen(), new);
}

#[test]
fn a_second_leap_is_set_back_like_the_first() {
    let (files, old) = leapt(terms());
    let node = set_back(files);
    readmit(&node);
    let new = contract_of(&node, terms(), 20);
    drop(node.released(new));
    // Less far: the memberships of a year go on.
    node.files.clock.set(at(40 * DAY));
    assert_eq!(codes(&node.denied(new)), ["contract-over"]);
    node.files.clock.set(at(120));
    let node = set_back(node.close());
    for contract in [old, new] {
        assert_eq!(codes(&node.denied(contract)), ["clock-set-back"]);
    }
    let last = contract_of(&node, terms(), 10);
    drop(node.released(last));
    replayed(&node);
    let node = node.close().reopen();
    drop(node.released(last));
    assert_eq!(codes(&node.denied(new)), ["clock-set-back"]);
}

#[test]
fn an_embargo_that_the_wrong_time_ended_holds_again() {
    let after = Constraint::Not(Box::new(Constraint::Elapsed(DAY)));
    let node = Node::new();
    let contract = node.contract(Terms::new().permit(read_only().when(after.clone())));
    node.files.clock.set(at(2 * DAY));
    drop(node.released(contract));
    node.files.clock.set(at(60));
    let node = set_back(node.close());
    assert!(codes(&node.denied(contract)).contains(&"clock-set-back"));
    let new = contract_of(&node, Terms::new().permit(read_only().when(after)), 20);
    assert_eq!(codes(&node.denied(new)), ["unmet"]);
    replayed(&node);
}

#[test]
fn neither_the_offer_nor_the_uses_come_back() {
    let node = Node::new();
    let offer = node.offer(counted(2));
    let contract = node.conclude(&offer, &consumer()).unwrap();
    drop(node.released(contract));
    drop(node.released(contract));
    node.files.clock.set(at(2 * DAY));
    assert_eq!(codes(&node.denied(contract)), ["unmet", "quota-exhausted"][..1]);
    node.files.clock.set(at(60));
    let node = set_back(node.close());
    let again = node.conclude(&offer, &consumer());
    assert!(
        matches!(again, Err(ChangeError::Refused(Refusal::AlreadyAccepted { .. }))),
        "{again:?}"
    );
    assert_eq!(node.space.uses(contract), Some((2, Some(2))));
}

#[test]
fn a_request_of_before_the_leap_gets_nothing_after_it() {
    let node = Node::new();
    let contract = node.contract(terms());
    let old = node.request(contract);
    drop(crate::support::released(node.space.access(old.clone()).unwrap()));
    node.files.clock.set(at(2 * DAY));
    drop(node.released(contract));
    node.files.clock.set(at(60));
    let node = set_back(node.close());
    let answer = crate::support::denied(node.space.access(old).unwrap());
    assert_eq!(codes(&answer), ["clock-set-back"]);
}

#[test]
fn evidence_shows_a_denial_of_after_the_leap() {
    let (files, contract) = leapt(terms());
    let node = set_back(files);
    let denied = node.denied(contract);
    let evidence = node.space.evidence(&denied.receipt()).unwrap();
    let bytes = evidence.to_bytes().unwrap();
    let evidence = Evidence::from_bytes(&bytes).unwrap().verify(authority().did()).unwrap();
    let told = evidence.findings().into_iter().map(|one| one.to_string());
    assert!(told.collect::<String>().contains("set its clock back"));
}

#[test]
fn there_is_nothing_to_set_back_on_a_node_whose_clock_is_right() {
    let node = Node::new();
    let len = node.len();
    let files = node.close();
    for behind in [0, 2] {
        files.clock.set(at(0).saturating_sub(Duration::from_secs(behind)));
        let refused = files.setup(provider()).set_clock_back();
        assert!(matches!(refused, Err(SetupError::ClockNotBehind { .. })), "{refused:?}");
    }
    assert_eq!(files.log().size().unwrap().as_u64(), len);
}

#[test]
fn a_forged_way_back_is_refused() {
    let forge = |from: UnixMillis, to: UnixMillis| {
        let node = Node::new();
        let contract = node.contract(terms());
        node.advance(DAY);
        drop(node.released(contract));
        let files = node.close();
        files.clock.set(to);
        files.forge(Event::ClockSetBack { from });
        files
    };
    for (from, to) in [(at(DAY + 1), at(60)), (at(DAY - 1), at(60)), (at(DAY), at(DAY))] {
        let files = forge(from, to);
        let refused = files.open();
        assert!(
            matches!(
                &refused,
                Err(SetupError::Record { source: Refusal::Time(TimeError::SetBack { .. }), .. })
            ),
            "{refused:?}"
        );
        let replay = replay_decisions(&files.log(), authority().did(), None);
        assert!(replay.is_err());
    }
    assert!(forge(at(DAY), at(60)).open().is_ok());
}

#[test]
fn records_that_go_back_in_time_are_found_out() {
    let node = Node::new();
    let contract = node.contract(terms());
    node.advance(DAY);
    drop(node.released(contract));
    let last = node.records().pop().unwrap();
    let files = node.close();
    // A change, put in by somebody who has the operator's key and no patience.
    files.clock.set(at(60));
    files.forge(Event::Opened { epoch: serde_bytes::ByteArray::new([1; 16]) });
    let refused = files.open();
    let is_time = |error: &Refusal| matches!(error, Refusal::Time(TimeError::Before { .. }));
    assert!(matches!(&refused, Err(SetupError::Record { source, .. }) if is_time(source)));
    assert!(replay_decisions(&files.log(), authority().did(), None).is_err());

    // An access before the last change.
    let node = Node::new();
    let contract = node.contract(terms());
    drop(node.released(contract));
    node.advance(DAY);
    node.space.end_contract(contract, name("over")).unwrap();
    let files = node.close();
    files.clock.set(at(60));
    files.forge(last.event);
    let refused = files.open();
    assert!(matches!(&refused, Err(SetupError::Record { .. })), "{refused:?}");
}

/// A clock and the time that passed, each set apart from the other.
#[derive(Clone)]
struct Watched(TestClock, Arc<AtomicU64>);

impl Clock for Watched {
    fn now(&self) -> UnixMillis {
        self.0.now()
    }

    fn passed(&self) -> Option<Duration> {
        Some(Duration::from_secs(self.1.load(Ordering::Relaxed)))
    }
}

#[test]
fn a_reading_that_leaps_ahead_of_the_time_that_passed_is_not_taken() {
    let files = Files::new();
    let passed = Arc::new(AtomicU64::new(1000));
    let setup = || {
        let clock = Watched(TestClock(Arc::clone(&files.clock)), Arc::clone(&passed));
        Setup::new(files.path(), keys(provider()), Did::clone(authority().did())).clock(clock)
    };
    let space = setup().create(signed_profile(|_| {})).unwrap();
    let go = |clock: u64, secs: u64| {
        files.clock.set(at(clock));
        passed.store(1000 + secs, Ordering::Relaxed);
    };
    // Both go on; the clock by up to a minute more, as when it is set right.
    go(DAY, DAY);
    assert_eq!(space.now().unwrap(), at(DAY));
    go(DAY + 60, DAY);
    assert_eq!(space.now().unwrap(), at(DAY + 60));
    go(DAY + 121, DAY);
    let refused = space.now();
    assert!(
        matches!(refused, Err(ClockError::Leapt { now, expected })
            if now == at(DAY + 121) && expected == at(DAY + 60)),
        "{refused:?}"
    );
    go(3650 * DAY, DAY + 10);
    assert!(space.admit(signed_credential(&consumer(), |_| {})).is_err());
    // It was not recorded, and once the clock is right again everything goes on.
    go(DAY + 80, DAY + 20);
    space.admit(signed_credential(&consumer(), |_| {})).unwrap();
    let last = LeafIndex::new(space.log().size().unwrap().as_u64() - 1);
    let record = dataspace_tlog::Record::from_bytes(&space.log().read(last).unwrap()).unwrap();
    assert_eq!(record.time, at(DAY + 80));
    // Or if the leap was right, after the node is opened again.
    drop(space);
    go(3 * DAY, DAY + 30);
    assert_eq!(setup().open().unwrap().now().unwrap(), at(3 * DAY));
}

#[test]
fn a_leap_is_not_taken_after_an_opening_a_little_behind_the_log() {
    let node = Node::new();
    node.advance(100);
    let _contract = node.contract(terms());
    let files = node.close();
    files.clock.set(at(99));
    let passed = Arc::new(AtomicU64::new(1000));
    let clock = Watched(TestClock(Arc::clone(&files.clock)), Arc::clone(&passed));
    let space = files.setup(provider()).clock(clock).open().unwrap();
    files.clock.set(at(3650 * DAY));
    passed.store(1001, Ordering::Relaxed);
    assert!(matches!(space.now(), Err(ClockError::Leapt { .. })));
}

#[test]
fn the_machine_s_own_clock_can_be_watched() {
    let (one, other) =
        (dataspace_runtime::SystemClock.passed(), dataspace_runtime::SystemClock.passed());
    assert!(one.is_some() && one <= other);
}
