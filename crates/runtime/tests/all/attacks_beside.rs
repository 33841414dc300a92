//! Ways in which somebody broke what this crate promises beside decisions, each closed since.

use std::fs;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use dataspace_runtime::{
    AccessError, ChangeError, DataSpace, Observer,
    access::{Decision, NotSubmitted},
    error::WriteError,
    observer::Decided,
    space::NodeArchiveError,
};
use dataspace_tlog::{Event, LeafIndex};
use dataspace_usage_contract::profile::DENIALS_PER_MINUTE;

use crate::index::fill_segment;
use crate::support::{Node, at, counted, name, provider, released, revocation, rival, rows, table};
use crate::waiting;

/// So many denials that the next one is only counted.
fn deny_often(node: &Node, contract: dataspace_usage_contract::ContractId) {
    for _ in 0..DENIALS_PER_MINUTE {
        drop(node.denied(contract));
    }
}

/// Makes a change whenever a decision is told.
#[derive(Clone, Default)]
struct Changer(Arc<Mutex<Made>>);

/// The node to change, and what came of it.
type Made = (Option<DataSpace>, Vec<Result<(), ChangeError>>);

impl Observer for Changer {
    fn decided(&self, decided: &Decided<'_>) {
        let Some(space) = self.0.lock().unwrap().0.clone() else { return };
        if decided.index.is_none() {
            let changed = space.set_policies("");
            self.0.lock().unwrap().1.push(changed);
        }
    }
}

#[test]
fn whoever_hears_of_a_counted_denial_can_make_a_change() {
    let (files, changer) = (Node::new().close(), Changer::default());
    let space = files.setup(provider()).observer(changer.clone()).open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    let node = Node { space, files };
    let contract = node.contract(counted(1));
    node.space.end_contract(contract, name("over")).unwrap();
    deny_often(&node, contract);
    changer.0.lock().unwrap().0 = Some(node.space.clone());
    let counted = node.space.access(node.request(contract));
    assert!(matches!(counted, Err(AccessError::TooManyDenials { .. })));
    let (_node, made) = std::mem::take(&mut *changer.0.lock().unwrap());
    assert!(matches!(made[..], [Ok(())]), "{made:?}");
}

#[test]
fn a_denial_is_counted_on_another_thread_while_a_change_waits() {
    let node = Node::new();
    let contract = node.contract(counted(1));
    node.space.end_contract(contract, name("over")).unwrap();
    deny_often(&node, contract);
    waiting::in_time(move || {
        let request = node.verified(contract);
        let monitor = node.space.enter();
        let Decision::Denial(denial) = monitor.receive(request).unwrap().decide().unwrap() else {
            panic!("permitted");
        };
        let space = node.space.clone();
        let change = thread::spawn(move || space.revoke(revocation(rival().did(), at(1))));
        thread::sleep(Duration::from_millis(100));
        let submitted = thread::scope(|scope| scope.spawn(|| denial.submit()).join().unwrap());
        let is_counted =
            matches!(submitted, Err(NotSubmitted::Failed(AccessError::TooManyDenials { .. })));
        assert!(is_counted);
        drop(monitor);
        change.join().unwrap().unwrap();
    });
}

#[test]
fn an_old_request_in_the_hands_of_others_makes_a_node_read_nothing() {
    let node = Node::new();
    let contracts = [node.contract(counted(5)), node.contract(counted(6))];
    let (old, answered) = (node.request(contracts[0]), node.request(contracts[0]));
    drop(released(node.space.access(answered.clone()).unwrap()));
    let files = node.close();
    let open = || {
        let setup = files.setup(provider()).contracts_in_memory(1);
        let space = setup.open().unwrap();
        space.register(name("alloys"), name("test-results"), table(10)).unwrap();
        space
    };
    // Whatever is read from it shows.
    let segment = fs::read(files.segment()).unwrap();
    let cedar = segment.windows(8).position(|part| part == b"permit (").unwrap();
    let spoil = || {
        let mut spoilt = fs::read(files.segment()).unwrap();
        spoilt[cedar] ^= 1;
        fs::write(files.segment(), spoilt).unwrap();
    };
    let space = open();
    spoil();
    assert!(matches!(space.access(answered), Err(AccessError::Replayed)));
    files.clock.set(at(30 * 60));
    assert!(matches!(space.access(old), Err(AccessError::NotFresh { .. })));
    spoil();
}

#[test]
fn a_clock_that_is_wrong_does_not_keep_a_node_from_signing() {
    let node = Node::new();
    let contract = node.contract(counted(5));
    node.advance(1_000);
    drop(node.released(contract));
    node.space.end_contract(contract, name("over")).unwrap();
    deny_often(&node, contract);
    let counted = node.space.access(node.request(contract));
    assert!(matches!(counted, Err(AccessError::TooManyDenials { .. })));
    node.files.clock.set(at(1));
    assert!(node.space.now().is_err());
    node.space.tend().unwrap();
    let last = node.records().pop().unwrap();
    let is_sum = matches!(last.event, Event::Denials { count: 1, until, .. } if until <= last.time);
    assert!(is_sum && last.time == at(1_000), "{last:?}");
    let Node { space, files } = node;
    let checkpoint: Result<_, WriteError> = space.close();
    assert_eq!(checkpoint.unwrap().size().as_u64(), last_size(&files));
}

fn last_size(files: &crate::support::Files) -> u64 {
    files.log().size().unwrap().as_u64()
}

#[test]
fn nothing_is_archived_if_the_index_is_gone() {
    let node = Node::new();
    let contract = node.contract(counted(5));
    drop(node.released(contract));
    fill_segment(&node, contract);
    node.space.write_index().unwrap();
    let index = node.files.path().join("index");
    let good = fs::read(&index).unwrap();
    let spoilt = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    for bytes in [None, Some(spoilt(20)), Some(spoilt(good.len() - 1))] {
        match bytes {
            None => fs::remove_file(&index).unwrap(),
            Some(bytes) => fs::write(&index, bytes).unwrap(),
        }
        let archived = node.space.archive(LeafIndex::new(node.len() - 1));
        assert!(matches!(archived, Err(NodeArchiveError::Index(_))), "{archived:?}");
        assert!(node.files.segment().exists());
    }
    fs::write(&index, good).unwrap();
    assert!(node.space.archive(LeafIndex::new(node.len() - 1)).unwrap() > LeafIndex::new(0));
    assert_eq!(node.close().reopen().space.uses(contract), Some((1, Some(5))));
}

#[test]
fn two_that_archive_keep_all_contracts() {
    let (node, dial) = waiting::node();
    let contracts = [node.contract(counted(5)), node.contract(counted(6))];
    drop(node.released(contracts[0]));
    fill_segment(&node, contracts[0]);
    node.space.write_index().unwrap();
    let second =
        node.records().iter().rposition(|one| matches!(one.event, Event::Concluded { .. }));
    let (space, before) = (node.space.clone(), LeafIndex::new(second.unwrap() as u64));
    dial.reads_late.store(true, Ordering::Release);
    let fewer = thread::spawn(move || space.archive(before));
    while dial.reads_late.load(Ordering::Acquire) {
        thread::yield_now();
    }
    node.space.archive(LeafIndex::new(node.len() - 1)).unwrap();
    let _first_or_second = fewer.join().unwrap();
    drop(dial);
    let node = node.close().reopen();
    assert!(!node.files.segment().exists());
    for contract in contracts {
        assert_eq!(rows(node.released(contract)), 10);
    }
}
