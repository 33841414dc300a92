//! One access under several contracts: all permit, or none is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use dataspace_identity::{DidKeys, SecretKey};
use dataspace_policy::Action;
use dataspace_primitives::Signed;
use dataspace_runtime::{
    AccessError, DataSpace, NewOffer, Release,
    access::{Denial, Recorded},
    replay_decisions, request_access,
    space::{AccessAll, AccessAllError, TOGETHER_MAX},
};
use dataspace_usage_contract::{Acceptance, AccessRequest, ContractId, Offer, contract_id};

use crate::support::{
    Files, Node, TestClock, authority, codes, consumer, counted, days, name, newcomer, permitted,
    provider, rival, rows, signed_credential, signed_profile, table, terms,
};

/// A contract of the consumer for a product of a node of `by`.
fn contract_for(
    space: &DataSpace,
    by: &SecretKey,
    product: &str,
    count: Option<u32>,
) -> ContractId {
    let validity = days(0, 30);
    let terms = count.map_or_else(terms, counted);
    let (product, expires_at) = (name(product), validity.until());
    let new = NewOffer { product, consumer: None, terms, validity, expires_at };
    let offer = space.offer(new).unwrap();
    let now = validity.from();
    let verified = Offer::verify(offer.clone(), by.did(), &DidKeys, now).unwrap();
    let acceptance = Acceptance::sign(&verified, &consumer(), now).unwrap();
    contract_id(&space.conclude(offer, acceptance).unwrap())
}

/// A node with two products, of five and seven rows, and a contract for each.
fn two(first: Option<u32>, second: Option<u32>) -> (Node, ContractId, ContractId) {
    let node = Node::with_table(table(5));
    node.space.register(name("ores"), name("test-results"), table(7)).unwrap();
    let alloys = contract_for(&node.space, &provider(), "alloys", first);
    let ores = contract_for(&node.space, &provider(), "ores", second);
    (node, alloys, ores)
}

fn ask(node: &Node, contracts: &[ContractId]) -> Result<AccessAll, AccessAllError> {
    let asks = contracts.iter().map(|contract| (&node.space, node.request(*contract)));
    DataSpace::access_all(asks.collect())
}

fn all(access: AccessAll) -> Vec<Release> {
    match access {
        AccessAll::Released(releases) => releases,
        AccessAll::Denied(denied) => panic!("{denied:?}"),
    }
}

fn none(access: AccessAll) -> Vec<Recorded<Denial<'static>>> {
    match access {
        AccessAll::Released(releases) => panic!("{releases:?}"),
        AccessAll::Denied(denied) => denied,
    }
}

fn used(node: &Node, contract: ContractId) -> u64 {
    node.space.uses(contract).unwrap().0
}

#[test]
fn where_all_permit_all_are_recorded_and_released_in_the_order_asked() {
    let (node, alloys, ores) = two(Some(3), None);
    let releases = all(ask(&node, &[ores, alloys]).unwrap());
    let places: Vec<u64> = releases.iter().map(|one| one.receipt().index.as_u64()).collect();
    assert_eq!(places[1], places[0] + 1);
    assert_eq!(releases.into_iter().map(rows).collect::<Vec<_>>(), [7, 5]);
    assert_eq!((used(&node, alloys), used(&node, ores)), (1, 1));
    assert_eq!(node.decisions().iter().filter_map(permitted).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn where_one_denies_none_is_used_and_the_log_says_why_of_each() {
    let (node, alloys, ores) = two(Some(1), Some(1));
    drop(node.released(ores));
    let denied = none(ask(&node, &[alloys, ores]).unwrap());
    assert_eq!(denied.iter().map(codes).collect::<Vec<_>>(), [["together"], ["unmet"]]);
    assert_eq!((used(&node, alloys), used(&node, ores)), (0, 1));
    // Its own contract would have permitted: it still does, by itself.
    let index = denied[0].receipt().index;
    drop(node.released(alloys));
    node.space.checkpoint().unwrap();
    let request = denied[0].receipt().request;
    let evidence = node.space.evidence_at(index, Some(&request)).unwrap();
    let evidence = evidence.verify(authority().did()).unwrap();
    assert!(format!("{evidence:?}").contains("together"), "{evidence:?}");
    let replayed = replay_decisions(node.space.log(), authority().did(), None).unwrap();
    assert_eq!((replayed.discrepancies, replayed.decisions), (0, 4), "{:#?}", replayed.first);
}

#[test]
fn what_is_no_access_is_refused_before_anything_is_recorded() {
    let (node, alloys, ores) = two(None, None);
    let len = node.len();
    assert!(matches!(ask(&node, &[]), Err(AccessAllError::Number { found: 0 })));
    let many = vec![alloys; TOGETHER_MAX + 1];
    assert!(matches!(ask(&node, &many), Err(AccessAllError::Number { .. })));
    let twice = ask(&node, &[alloys, ores, alloys]);
    assert!(matches!(twice, Err(AccessAllError::OneProduct { one, other }) if one == other));
    // Another contract of the same consumer for the same product.
    let again = contract_for(&node.space, &provider(), "alloys", Some(9));
    let shared = ask(&node, &[alloys, again]);
    assert!(matches!(shared, Err(AccessAllError::OneProduct { one, other })
        if (one, other) == (alloys, again)));
    let stranger = node.request(alloys);
    let pass = node.space.enter();
    let inside = DataSpace::access_all(vec![(&node.space, stranger)]);
    assert!(matches!(inside, Err(AccessAllError::InsidePass)));
    drop(pass);
    assert_eq!(node.len(), len + 1, "the contract, and nothing else");
    assert_eq!((used(&node, alloys), used(&node, ores)), (0, 0));
}

#[test]
fn a_request_that_was_answered_denies_the_access_and_spares_the_others() {
    let (node, alloys, ores) = two(None, Some(2));
    let (fresh, old) = (node.request(alloys), node.request(ores));
    drop(node.space.access(old.clone()).unwrap());
    let asks = || vec![(&node.space, fresh.clone()), (&node.space, old.clone())];
    for _ in 0..2 {
        let refused = DataSpace::access_all(asks()).unwrap_err();
        assert!(
            matches!(
                refused,
                AccessAllError::Access { position: 1, source: AccessError::Replayed }
            ),
            "{refused:?}"
        );
    }
    assert_eq!((used(&node, alloys), used(&node, ores)), (0, 1));
    // The other request was not answered, so it is as good as before; then it is not.
    let asks = vec![(&node.space, fresh.clone()), (&node.space, node.request(ores))];
    assert_eq!(all(DataSpace::access_all(asks).unwrap()).len(), 2);
    assert!(matches!(node.space.access(fresh), Err(AccessError::Replayed)));
}

#[test]
fn no_count_is_exceeded_and_no_use_is_lost_in_a_race() {
    let (node, alloys, ores) = two(Some(60), Some(40));
    let (pairs, singles) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for turned in [false, true, false, true] {
            let (node, pairs) = (&node, &pairs);
            scope.spawn(move || {
                let contracts = if turned { [ores, alloys] } else { [alloys, ores] };
                for _ in 0..22 {
                    if let AccessAll::Released(_) = ask(node, &contracts).unwrap() {
                        pairs.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let access = node.space.access(node.request(alloys)).unwrap();
                    if let dataspace_runtime::Access::Released(_) = access {
                        singles.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let (pairs, singles) = (pairs.into_inner(), singles.into_inner());
    assert_eq!((pairs, singles), (40, 20));
    assert_eq!((used(&node, alloys), used(&node, ores)), (60, 40));
    let replayed = replay_decisions(node.space.log(), authority().did(), None).unwrap();
    assert_eq!(replayed.discrepancies, 0, "{:#?}", replayed.first);
}

/// Another provider's node in the same space, with one contract of the consumer.
fn other_node() -> (DataSpace, Files, SecretKey, ContractId) {
    let (files, key) = (Files::new(), newcomer(1));
    let space = files.setup(newcomer(1)).create(signed_profile(|_| {})).unwrap();
    for member in [newcomer(1), consumer(), rival()] {
        space.admit(signed_credential(&member, |_| {})).unwrap();
    }
    space.register(name("tests"), name("test-results"), table(3)).unwrap();
    let contract = contract_for(&space, &key, "tests", Some(50));
    (space, files, key, contract)
}

fn request_to(space: &DataSpace, files: &Files, contract: ContractId) -> Signed<AccessRequest> {
    let agreement = space.agreement(contract).unwrap();
    let clock = TestClock(Arc::clone(&files.clock));
    request_access(&consumer(), &agreement, Action::Read, name("research"), &clock).unwrap()
}

#[test]
fn two_providers_data_are_released_together_or_not_at_all() {
    let node = Node::new();
    let alloys = contract_for(&node.space, &provider(), "alloys", Some(1));
    let (other, files, _, tests) = other_node();
    let asks =
        || vec![(&other, request_to(&other, &files, tests)), (&node.space, node.request(alloys))];
    let releases = all(DataSpace::access_all(asks()).unwrap());
    assert_eq!(releases.into_iter().map(rows).collect::<Vec<_>>(), [3, 10]);
    let denied = none(DataSpace::access_all(asks()).unwrap());
    assert_eq!(denied.iter().map(codes).collect::<Vec<_>>(), [["together"], ["unmet"]]);
    assert_eq!((other.uses(tests).unwrap().0, used(&node, alloys)), (1, 1));
    for log in [other.log(), node.space.log()] {
        let replayed = replay_decisions(log, authority().did(), None).unwrap();
        assert_eq!((replayed.discrepancies, replayed.decisions), (0, 2), "{:#?}", replayed.first);
    }
}

#[test]
fn threads_that_ask_two_nodes_in_both_orders_beside_changes_come_to_an_end() {
    let node = Node::new();
    let alloys = contract_for(&node.space, &provider(), "alloys", None);
    let (other, files, key, tests) = other_node();
    let released = AtomicU64::new(0);
    thread::scope(|scope| {
        for turned in [false, true, false, true] {
            let (node, other, files, released) = (&node, &other, &files, &released);
            scope.spawn(move || {
                for _ in 0..20 {
                    let mut asks = vec![
                        (other, request_to(other, files, tests)),
                        (&node.space, node.request(alloys)),
                    ];
                    if turned {
                        asks.reverse();
                    }
                    if let AccessAll::Released(both) = DataSpace::access_all(asks).unwrap() {
                        assert_eq!(both.len(), 2);
                        released.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        for (space, by) in [(&node.space, provider()), (&other, key)] {
            let product = if by.did() == provider().did() { "alloys" } else { "tests" };
            scope.spawn(move || {
                for count in 1..20 {
                    let _concluded = contract_for(space, &by, product, Some(count));
                }
            });
        }
    });
    assert_eq!(released.into_inner(), 50);
    assert_eq!((other.uses(tests).unwrap().0, used(&node, alloys)), (50, 50));
}

#[test]
fn a_contract_that_ends_while_several_are_read_ends_its_own_release() {
    let (node, alloys, ores) = two(None, None);
    let mut releases = all(ask(&node, &[alloys, ores]).unwrap());
    node.space.end_contract(ores, name("over")).unwrap();
    assert!(releases[1].next().unwrap().is_err());
    assert_eq!(releases[0].next().unwrap().unwrap().num_rows(), 5);
    let denied = none(ask(&node, &[alloys, ores]).unwrap());
    assert_eq!(
        denied.iter().map(codes).collect::<Vec<_>>(),
        [["together"], ["contract-terminated"]]
    );
}

#[test]
fn a_task_gets_the_same_answer() {
    let (node, alloys, ores) = two(Some(1), None);
    let asks = || vec![(&node.space, node.request(alloys)), (&node.space, node.request(ores))];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(all(runtime.block_on(DataSpace::access_all_async(asks())).unwrap()).len(), 2);
    let denied = none(runtime.block_on(DataSpace::access_all_async(asks())).unwrap());
    assert_eq!(denied.iter().map(codes).collect::<Vec<_>>(), [["unmet"], ["together"]]);
}

#[test]
fn where_the_decisions_cannot_be_recorded_nothing_is_released() {
    let (node, dial) = crate::waiting::node();
    node.space.register(name("ores"), name("test-results"), table(7)).unwrap();
    let alloys = contract_for(&node.space, &provider(), "alloys", None);
    let ores = contract_for(&node.space, &provider(), "ores", None);
    dial.fails.store(true, Ordering::Release);
    for _ in 0..2 {
        let failed = ask(&node, &[alloys, ores]).unwrap_err();
        assert!(matches!(failed, AccessAllError::Submit(AccessError::Append(_))), "{failed:?}");
    }
    let other = Node::new();
    let tests = contract_for(&other.space, &provider(), "alloys", None);
    let asks = vec![(&other.space, other.request(tests)), (&node.space, node.request(ores))];
    let failed = DataSpace::access_all(asks).unwrap_err();
    assert!(matches!(failed, AccessAllError::Submit(AccessError::Append(_))), "{failed:?}");
}

#[test]
fn a_log_that_takes_records_has_the_use_though_another_one_fails() {
    let (failing, dial) = crate::waiting::node();
    let ores = contract_for(&failing.space, &provider(), "alloys", None);
    let healthy = Node::new();
    let alloys = contract_for(&healthy.space, &provider(), "alloys", Some(2));
    dial.fails.store(true, Ordering::Release);
    for _ in 0..2 {
        let asks = vec![
            (&failing.space, failing.request(ores)),
            (&healthy.space, healthy.request(alloys)),
        ];
        DataSpace::access_all(asks).unwrap_err();
    }
    // It is durable with the next record that somebody waits for, and stands before it.
    assert_eq!(healthy.released(alloys).uses(), 2);
    let used = used(&healthy, alloys);
    let recorded = healthy.decisions().iter().filter_map(permitted).count();
    assert_eq!(used, u64::try_from(recorded).unwrap());
    let replayed = replay_decisions(healthy.space.log(), authority().did(), None).unwrap();
    assert_eq!(replayed.discrepancies, 0, "{:#?}", replayed.first);
}

#[test]
fn a_flood_of_single_accesses_ends_in_an_answer() {
    let (node, alloys, ores) = two(None, None);
    let is_over = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Acquire) {
                    drop(node.space.access(node.request(alloys)).unwrap());
                }
            });
        }
        for _ in 0..50 {
            let request = (node.request(alloys), node.request(ores));
            let asks = || vec![(&node.space, request.0.clone()), (&node.space, request.1.clone())];
            match DataSpace::access_all(asks()) {
                Ok(access) => assert_eq!(all(access).len(), 2),
                // Then neither was answered, and the same requests may come again.
                Err(AccessAllError::Busy) => drop(DataSpace::access_all(asks())),
                Err(error) => panic!("{error:?}"),
            }
        }
        is_over.store(true, Ordering::Release);
    });
    let replayed = replay_decisions(node.space.log(), authority().did(), None).unwrap();
    assert_eq!(replayed.discrepancies, 0, "{:#?}", replayed.first);
}
