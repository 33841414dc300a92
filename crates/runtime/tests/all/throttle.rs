//! A consumer that is denied again and again fills no log and no memory.

use dataspace_ledger::Replayed;
use dataspace_primitives::Signed;
use dataspace_runtime::{Access, AccessError, replay_decisions};
use dataspace_tlog::{Event, Record};
use dataspace_usage_contract::{AccessRequest, ContractId, profile::DENIALS_PER_MINUTE};

use crate::support::{
    Node, authority, codes, consumer, counted, denied, name, rival, signed_profile, terms,
};

const RECORDED: u64 = DENIALS_PER_MINUTE as u64;

/// A node with a contract of the consumer that has ended.
fn ended() -> (Node, ContractId) {
    let node = Node::new();
    let contract = node.contract(counted(3));
    node.space.end_contract(contract, name("over")).unwrap();
    (node, contract)
}

/// Whether the denial was recorded.
fn is_recorded(node: &Node, request: Signed<AccessRequest>) -> bool {
    match node.space.access(request) {
        Ok(Access::Denied(_)) => true,
        Err(AccessError::TooManyDenials { reasons, per_minute, retry_at }) => {
            assert_eq!(per_minute, DENIALS_PER_MINUTE);
            assert_eq!(reasons[0].code(), "contract-terminated");
            assert!(retry_at > node.now() && retry_at.since(node.now()).as_secs() <= 1);
            false
        }
        other => panic!("{other:?}"),
    }
}

fn ask(node: &Node, contract: ContractId, times: u64) -> u64 {
    (0..times).map(|_| u64::from(is_recorded(node, node.request(contract)))).sum()
}

/// The numbers of denials in the log.
fn sums(node: &Node) -> Vec<u64> {
    let count = |record: Record| match record.event {
        Event::Denials { consumer: of, from, until, count } => {
            assert!(of == *consumer().did() && from <= until && until <= record.time);
            Some(count)
        }
        _ => None,
    };
    node.records().into_iter().filter_map(count).collect()
}

fn replayed(node: &Node) -> Replayed {
    let replayed = replay_decisions(node.space.log(), authority().did(), None).unwrap();
    assert!(replayed.is_sound(), "{:?}", replayed.first);
    replayed
}

#[test]
fn more_denials_than_the_profile_says_are_counted_and_told() {
    let (node, contract) = ended();
    let before = node.len();
    assert_eq!(ask(&node, contract, 1_000), RECORDED);
    assert_eq!(node.len(), before + RECORDED);
    // Others are not slowed down by it, nor is the same consumer where it may.
    let theirs = node.conclude(&node.offer(terms()), &rival()).unwrap();
    node.space.end_contract(theirs, name("over")).unwrap();
    assert_eq!(codes(&node.denied(theirs)), ["contract-terminated"]);
    assert_eq!(node.released(node.contract(terms())).uses(), 1);

    assert!(sums(&node).is_empty());
    node.space.tend().unwrap();
    node.space.tend().unwrap();
    assert_eq!(sums(&node), [1_000 - RECORDED]);
    let replayed = replayed(&node);
    assert_eq!((replayed.denials, replayed.counted_denials), (RECORDED + 1, 1_000 - RECORDED));
    let told = replayed.findings().iter().any(|one| one.to_string().contains("880 denial(s)"));
    assert!(told, "{:?}", replayed.findings());
}

#[test]
fn a_flood_of_ten_minutes_leaves_a_number_a_minute() {
    let (node, contract) = ended();
    let before = node.len();
    let mut recorded = 0;
    for _ in 0..200 {
        recorded += ask(&node, contract, 20);
        node.advance(3);
    }
    let (sums, left) = (sums(&node), node.len() - before - recorded);
    assert!((5..=11).contains(&sums.len()) && left == sums.len() as u64, "{sums:?}");
    assert!((RECORDED * 10..=RECORDED * 11).contains(&recorded), "{recorded}");
    let files = node.close();
    let node = files.reopen();
    let all: u64 = self::sums(&node).iter().sum();
    assert_eq!(all + recorded, 4_000);
    assert_eq!(replayed(&node).counted_denials, all);
}

#[test]
fn a_request_that_was_only_counted_may_come_again() {
    let (node, contract) = ended();
    ask(&node, contract, RECORDED);
    let request = node.request(contract);
    for _ in 0..3 {
        assert!(!is_recorded(&node, request.clone()));
    }
    node.advance(1);
    assert!(is_recorded(&node, request.clone()));
    let again = node.space.access(request);
    assert!(matches!(again, Err(AccessError::Replayed)));
}

#[test]
fn threads_that_ask_at_once_share_one_rate() {
    let (node, contract) = ended();
    let recorded: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| ask(&node, contract, 50))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(recorded, RECORDED);
    let files = node.close();
    assert_eq!(sums(&files.reopen()), [400 - RECORDED]);
}

#[test]
fn a_profile_sets_the_rate_at_once() {
    let (node, contract) = ended();
    let tighter = signed_profile(|profile| {
        (profile.version, profile.parameters.denials_per_minute) = (2, 1);
    });
    node.space.publish(tighter).unwrap();
    let _first = denied(node.space.access(node.request(contract)).unwrap());
    for _ in 0..3 {
        let counted = node.space.access(node.request(contract));
        assert!(matches!(counted, Err(AccessError::TooManyDenials { per_minute: 1, .. })));
        node.advance(10);
    }
    node.advance(30);
    let _next = denied(node.space.access(node.request(contract)).unwrap());
}
