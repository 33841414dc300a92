//! Requests that get no decision. Nothing of them is recorded, so that strangers cannot fill the
//! log.

use std::time::Duration;

use dataspace_data_plane::Table;
use dataspace_policy::Action;
use dataspace_primitives::{Digest, Signed};
use dataspace_runtime::{
    Access, AccessError,
    access::{Decision, NotSubmitted},
};
use dataspace_usage_contract::{AccessRequest, ContractId, Statements};
use serde_bytes::ByteArray;

use crate::support::{
    Node, at, codes, consumer, counted, name, provider, released, rival, stranger, terms,
};

fn request(node: &Node, contract: ContractId) -> AccessRequest {
    AccessRequest {
        contract,
        log: node.space.log().origin().clone(),
        consumer: consumer().did().clone(),
        action: Action::Read,
        purpose: name("research"),
        statements: Statements::default(),
        part: None,
        seal_for: None,
        requested_at: at(0),
        nonce: ByteArray::new([7; 16]),
    }
}

fn assert_unrecorded(
    node: &Node,
    request: Signed<AccessRequest>,
    expected: impl Fn(&AccessError) -> bool,
) {
    let before = node.len();
    let error = node.space.access(request).unwrap_err();
    assert!(expected(&error), "{error:?}");
    assert_eq!(node.len(), before);
}

#[test]
fn a_request_by_another_key_in_the_consumers_name_is_not_taken() {
    let node = Node::new();
    let contract = node.contract(terms());
    for forger in [stranger(), rival(), provider()] {
        let forged = Signed::sign(&request(&node, contract), &forger).unwrap();
        assert_unrecorded(&node, forged, |error| matches!(error, AccessError::Signature));
    }
}

#[test]
fn another_member_cannot_use_the_consumers_contract() {
    let node = Node::new();
    let contract = node.contract(terms());
    let mut request = request(&node, contract);
    request.consumer = rival().did().clone();
    let signed = Signed::sign(&request, &rival()).unwrap();
    assert_unrecorded(&node, signed, |error| matches!(error, AccessError::Signature));
}

#[test]
fn no_bit_of_a_request_can_be_changed() {
    let node = Node::new();
    let contract = node.contract(terms());
    let bytes = Signed::sign(&request(&node, contract), &consumer()).unwrap().as_bytes().to_vec();
    let before = node.len();
    for bit in (0..bytes.len() * 8).step_by(5) {
        let mut forged = bytes.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let Ok(forged) = Signed::<AccessRequest>::from_bytes(forged) else { continue };
        assert!(node.space.access(forged).is_err(), "bit {bit}");
    }
    assert_eq!(node.len(), before);
    let signed = Signed::from_bytes(bytes).unwrap();
    drop(released(node.space.access(signed).unwrap()));
}

#[test]
fn a_request_under_an_unknown_contract_is_not_taken() {
    let node = Node::new();
    let unknown = ContractId::from_digest(Digest::of(b"no contract"));
    let signed = Signed::sign(&request(&node, unknown), &consumer()).unwrap();
    let is_unknown = |error: &AccessError| matches!(error, AccessError::UnknownContract { contract } if *contract == unknown);
    assert_unrecorded(&node, signed, is_unknown);
}

#[test]
fn a_request_is_answered_once() {
    let node = Node::new();
    let contract = node.contract(terms());
    let request = node.request(contract);
    drop(released(node.space.access(request.clone()).unwrap()));
    for _ in 0..3 {
        let replayed = |error: &AccessError| matches!(error, AccessError::Replayed);
        assert_unrecorded(&node, request.clone(), replayed);
    }
    assert_eq!(node.space.uses(contract), Some((1, None)));
}

#[test]
fn a_denied_request_is_not_answered_again_either() {
    let node = Node::new();
    let contract = node.contract(terms());
    let request = node.request_for(contract, Action::Train, "research");
    let _denied = crate::support::denied(node.space.access(request.clone()).unwrap());
    assert_unrecorded(&node, request, |error| matches!(error, AccessError::Replayed));
}

#[test]
fn a_request_is_not_answered_again_after_a_restart() {
    let node = Node::new();
    let contract = node.contract(terms());
    let (permitted, denied) =
        (node.request(contract), node.request_for(contract, Action::Train, "research"));
    drop(released(node.space.access(permitted.clone()).unwrap()));
    drop(crate::support::denied(node.space.access(denied.clone()).unwrap()));
    let node = node.close().reopen();
    for request in [permitted, denied] {
        assert_unrecorded(&node, request, |error| matches!(error, AccessError::Replayed));
    }
}

#[test]
fn sixteen_threads_with_one_request_get_one_answer() {
    let node = Node::new();
    let contract = node.contract(terms());
    let request = node.request(contract);
    let answers: usize = std::thread::scope(|scope| {
        let access = || usize::from(node.space.access(request.clone()).is_ok());
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(access)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((answers, node.space.uses(contract)), (1, Some((1, None))));
}

#[test]
fn a_request_is_taken_within_its_time_and_not_a_millisecond_longer() {
    let node = Node::new();
    let contract = node.contract(terms());
    let requests = [node.request(contract), node.request(contract)];
    let [in_time, too_late] = requests;
    node.advance(300);
    drop(released(node.space.access(in_time).unwrap()));
    node.files.clock.advance(Duration::from_millis(1));
    let not_fresh =
        |error: &AccessError| matches!(error, AccessError::NotFresh { age_secs_max: 300, .. });
    assert_unrecorded(&node, too_late, not_fresh);
}

#[test]
fn a_request_from_the_future_is_not_taken() {
    let node = Node::new();
    let contract = node.contract(terms());
    let mut early = request(&node, contract);
    early.requested_at = at(60).checked_add(Duration::from_millis(1)).unwrap();
    let signed = Signed::sign(&early, &consumer()).unwrap();
    assert_unrecorded(&node, signed, |error| matches!(error, AccessError::NotFresh { .. }));
    early.requested_at = at(60);
    drop(released(node.space.access(Signed::sign(&early, &consumer()).unwrap()).unwrap()));
}

#[test]
fn a_request_dated_ahead_is_no_longer_fresh_when_its_replay_is_forgotten() {
    // The longest life of a request: a minute ahead, an hour old.
    let node = Node::new();
    let slow = crate::support::signed_profile(|profile| {
        profile.version = 2;
        profile.parameters.request_age_secs_max = 3600;
    });
    node.space.publish(slow).unwrap();
    let contract = node.contract(terms());
    let mut ahead = request(&node, contract);
    ahead.requested_at = at(60);
    let signed = Signed::sign(&ahead, &consumer()).unwrap();
    drop(released(node.space.access(signed.clone()).unwrap()));
    for secs in [1, 3600, 3660, 3661, 3720, 3721, 8000] {
        node.files.clock.set(at(secs));
        let refused = |error: &AccessError| {
            matches!(error, AccessError::Replayed | AccessError::NotFresh { .. })
        };
        assert_unrecorded(&node, signed.clone(), refused);
    }
}

#[test]
fn without_a_table_the_denial_is_recorded_and_costs_no_use() {
    let node = Node::new();
    let contract = node.contract(counted(3));
    let files = node.close();
    let node = Node { space: files.open().unwrap(), files };
    assert_eq!(codes(&node.denied(contract)), ["unavailable"]);
    assert_eq!(node.space.uses(contract), Some((0, Some(3))));
}

#[test]
fn a_table_whose_columns_were_exchanged_under_us_is_not_released() {
    let files = tempfile::tempdir().unwrap();
    let csv = files.path().join("alloys.csv");
    std::fs::write(&csv, "alloy,strength\nS235,235\n").unwrap();
    let node = Node::with_table(Table::open(&csv).unwrap());
    let contract = node.contract(terms());
    std::fs::write(&csv, "strength,alloy\n235,S235\n").unwrap();
    let outcome = node.space.access(node.request(contract));
    let failed = match outcome {
        Ok(Access::Released(mut release)) => release.any(|batch| batch.is_err()),
        Ok(Access::Denied(denied)) => codes(&denied) == ["unavailable"],
        Err(_) => false,
    };
    assert!(failed);
}

#[test]
fn a_request_taken_in_by_one_node_is_not_decided_by_another() {
    let (one, other) = (Node::new(), Node::new());
    let contract = one.contract(crate::support::counted(1));
    let monitor = one.space.enter();
    let [first, second] = [one.verified(contract), one.verified(contract)].map(|request| {
        match monitor.receive(request).unwrap().decide().unwrap() {
            Decision::Permit(permit) => permit,
            Decision::Denial(_) => panic!("denied"),
        }
    });
    drop(first.submit().unwrap());
    let NotSubmitted::Conflict(conflict) = second.submit().unwrap_err() else { panic!() };
    let error = other.space.enter().again(conflict).unwrap_err();
    assert!(matches!(error, AccessError::UnknownContract { .. }));
}

/// Whether it was built with sealed delivery or not, and then the key is none: what was asked for sealed does not leave.
#[test]
fn a_file_that_cannot_be_sealed_is_refused() {
    let node = Node::new();
    let contract = node.contract(terms());
    let mut request = request(&node, contract);
    request.seal_for = Some(ByteArray::new([0; 32]));
    let signed = Signed::sign(&request, &consumer()).unwrap();
    assert_unrecorded(&node, signed, |error| matches!(error, AccessError::Seal { .. }));
    // Of strangers' keys nothing is said.
    let signed = Signed::sign(&request, &rival()).unwrap();
    assert_unrecorded(&node, signed, |error| matches!(error, AccessError::Signature));
}
