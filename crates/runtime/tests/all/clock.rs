//! A clock that somebody sets.

use std::time::Duration;

use dataspace_runtime::{AccessError, ChangeError, WriteError};

use crate::support::{DAY, Node, at, codes, consumer, name, revocation, terms};

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
    assert!(matches!(error, AccessError::Clock(clock) if clock.high_water == at(10 * DAY)));
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

#[test]
fn a_leap_that_was_recorded_stops_the_node_for_good() {
    // Documented: the operator has to found the node anew, or wait.
    let node = Node::new();
    let contract = node.contract(terms());
    node.files.clock.set(at(3650 * DAY));
    drop(node.denied(contract));
    node.files.clock.set(at(1));
    let node = node.close().reopen();
    assert!(matches!(node.space.access(node.request(contract)), Err(AccessError::Clock(_))));
}
