//! The end of a contract while accesses and releases are under way.

use std::sync::atomic::{AtomicBool, Ordering};

use dataspace_policy::{Constraint, Terms};
use dataspace_primitives::Validity;
use dataspace_runtime::{Access, Release, access::ReleaseError};
use dataspace_tlog::Event;

use crate::support::{
    DAY, Node, at, consumer, counted, name, permitted, research, revocation, rows, signed_profile,
    table, terms,
};

/// A release of four batches, the first of which is out.
fn started(terms: Terms) -> (Node, dataspace_usage_contract::ContractId, Release) {
    let node = Node::with_table(table(4 * 4096));
    let contract = node.contract(terms);
    let mut release = node.released(contract);
    assert_eq!(release.next().unwrap().unwrap().num_rows(), 4096);
    (node, contract, release)
}

fn assert_stopped(mut release: Release, text: &str) {
    match release.next() {
        Some(Err(ReleaseError::Stopped { reason })) => assert!(reason.contains(text), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert!(release.next().is_none());
}

#[test]
fn a_release_runs_to_its_end_when_nothing_happens() {
    let (_node, _, release) = started(terms());
    assert_eq!(rows(release), 3 * 4096);
}

#[test]
fn a_release_stops_when_the_contract_is_terminated() {
    let (node, contract, release) = started(terms());
    node.space.end_contract(contract, name("breach")).unwrap();
    assert_stopped(release, "breach");
}

#[test]
fn a_release_stops_when_the_member_is_revoked() {
    let (node, _, release) = started(terms());
    node.space.revoke(revocation(consumer().did(), at(1))).unwrap();
    assert_stopped(release, "revoked");
}

#[test]
fn a_release_stops_when_the_contract_ends() {
    let (node, _, release) = started(terms());
    node.advance(30 * DAY);
    assert_stopped(release, "the contract expired");
}

#[test]
fn a_release_stops_when_the_membership_ends() {
    let node = Node::with_table(table(4 * 4096));
    node.space
        .admit(crate::support::signed_credential(&consumer(), |one| {
            one.validity = crate::support::days(0, 10);
        }))
        .unwrap();
    let mut release = node.released(node.contract(terms()));
    release.next().unwrap().unwrap();
    node.advance(10 * DAY);
    assert_stopped(release, "membership");
}

#[test]
fn a_release_stops_when_the_clause_that_permits_it_ends_before_the_contract() {
    let hour = Validity::new(at(0), at(3600)).unwrap();
    let (node, _, release) = started(Terms::new().permit(research().when(Constraint::Time(hour))));
    node.advance(3600);
    assert_stopped(release, "permission-1");
}

#[test]
fn a_release_stops_when_the_space_forbids_it_from_now_on() {
    let (node, _, release) = started(terms());
    let profile = signed_profile(|profile| {
        profile.version = 2;
        profile.policies = "@id(\"none\") forbid (principal, action, resource);".to_owned();
    });
    node.space.publish(profile).unwrap();
    assert_stopped(release, "none");
}

#[test]
fn a_release_stops_when_its_purpose_is_no_longer_one_of_the_space() {
    let (node, _, release) = started(terms());
    let profile = signed_profile(|profile| {
        profile.version = 2;
        // With those that are part of it.
        let research = name("research");
        profile.scenarios.retain(|one, scenario| {
            *one != research && scenario.broader.as_ref() != Some(&research)
        });
    });
    node.space.publish(profile).unwrap();
    assert_stopped(release, "scenario");
}

#[test]
fn a_release_stops_when_the_clock_is_set_back() {
    let (node, _, mut release) = started(terms());
    node.advance(DAY);
    release.next().unwrap().unwrap();
    node.files.clock.set(at(0));
    assert!(matches!(release.next(), Some(Err(ReleaseError::Clock(_)))));
    assert!(release.next().is_none());
}

#[test]
fn a_release_goes_on_when_later_uses_exhaust_the_count() {
    let (node, contract, release) = started(counted(2));
    drop(node.released(contract));
    let _denied = node.denied(contract);
    assert_eq!(rows(release), 3 * 4096);
}

/// Eight threads read as fast as they can; `end` ends it; the log must agree.
fn hammer(end: impl FnOnce(&Node, dataspace_usage_contract::ContractId)) {
    let node = Node::new();
    let contract = node.contract(terms());
    let over = AtomicBool::new(false);
    let (node, over) = (&node, &over);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(move || {
                loop {
                    let was_over = over.load(Ordering::SeqCst);
                    match node.space.access(node.request(contract)).unwrap() {
                        Access::Released(mut release) => {
                            assert!(!was_over, "released after the end");
                            // The end may have come since.
                            let _batch = release.next();
                        }
                        Access::Denied(_) => break,
                    }
                }
            });
        }
        while node.space.uses(contract).unwrap().0 < 40 {
            std::thread::yield_now();
        }
        end(node, contract);
        over.store(true, Ordering::SeqCst);
    });
    let records = node.records();
    let is_end =
        |event: &Event| matches!(event, Event::Terminated { .. } | Event::MembershipRevoked { .. });
    let end = records.iter().position(|record| is_end(&record.event)).unwrap();
    let permits = |records: &[dataspace_tlog::Record]| {
        let decisions = records.iter().cloned().filter_map(crate::support::decision);
        decisions.filter(|one| permitted(one).is_some()).count()
    };
    assert!(permits(&records[..end]) >= 40);
    assert_eq!(permits(&records[end..]), 0);
}

#[test]
fn no_permit_follows_a_termination_in_the_log() {
    for _ in 0..3 {
        hammer(|node, contract| node.space.end_contract(contract, name("over")).unwrap());
    }
}

#[test]
fn no_permit_follows_a_revocation_in_the_log() {
    for _ in 0..3 {
        hammer(|node, _| {
            node.space.revoke(revocation(consumer().did(), at(1))).unwrap();
        });
    }
}
