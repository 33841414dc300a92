//! Attempts to open what is sealed: with other keys, files, clocks and copies.

use std::io::Write as _;
use std::path::PathBuf;

use dataspace_identity::{DidKeys, Resolver as _, RootSecret};
use dataspace_policy::Legal;
use dataspace_primitives::{Digest, Name};
use dataspace_runtime::{
    Call, Complaint, ConsumerSetup, NodeKeys, Transport as _,
    consumer::sealed::{Opening, StoreError},
};
use dataspace_sealed::{RecipientSecret, Seal};
use dataspace_tlog::{
    Event,
    record::{ConsumerEvent, ReceivedAnswer},
};
use dataspace_usage_contract::{ContractId, deletion::DeletionReason};
use serde_cbor::Value;

use crate::sealed::{codes, copy, opened, received, sealed, secret, text};
use crate::support::consumer::{Half, changing, direct, field, reading};
use crate::support::{DAY, Node, TestClock, at, authority, counted, records, terms};

fn file_path(half: &Half, file: &Digest) -> PathBuf {
    half.path().join("sealed").join(format!("{}.sealed", file.to_hex()))
}

fn key_path(half: &Half, contract: ContractId) -> PathBuf {
    half.path().join("sealed-keys").join(format!("{}.key", contract.as_digest().to_hex()))
}

/// Another contract of the same consumer, held, too.
fn another(node: &Node, consumer: &dataspace_runtime::ConsumerNode) -> ContractId {
    let way = direct(&node.space);
    node.space.publish_offer(node.offer(counted(7))).unwrap();
    let new = consumer.read_catalogue(&way).unwrap();
    consumer.conclude(&way, new[0]).unwrap()
}

/// A file sealed by somebody who knows all that is public.
fn sealed_by_hand(contract: Digest, product: Name, recipient: &RecipientSecret) -> Vec<u8> {
    let seal = Seal::new(contract, product).recipient(*recipient.recipient());
    let mut sealer = seal.begin(Vec::new(), &mut [5; Seal::SEED_LEN]).unwrap();
    sealer.write_all(b"something else").unwrap();
    sealer.finish().unwrap().to
}

#[test]
fn a_file_for_another_contract_or_recipient_is_not_kept() {
    let (node, half, consumer, contract) = sealed(terms());
    let store = consumer.sealed_store();
    let product = node.space.agreement(contract).unwrap().value().product.clone();
    let other = sealed_by_hand(Digest::of(b"another"), product.clone(), &secret(7));
    let for_others = sealed_by_hand(*contract.as_digest(), product.clone(), &secret(7));
    let text = b"name,price\n".to_vec();
    for file in [other, for_others, text] {
        let way = changing(&node.space, |mut frames| {
            let bytes = field(&mut frames[1], "bytes", "bytes").unwrap();
            *bytes = Value::Bytes(file.clone());
            frames.truncate(2);
            frames
        });
        let stored = store.receive(&way, contract, reading()).unwrap();
        // Cut off: not whole.
        assert_eq!(stored.file, None);
        let way = changing(&node.space, |mut frames| {
            let end = frames.pop().unwrap();
            let bytes = field(&mut frames[1], "bytes", "bytes").unwrap();
            *bytes = Value::Bytes(file.clone());
            frames.truncate(2);
            frames.push(end);
            frames
        });
        let stored = store.receive(&way, contract, reading()).unwrap();
        assert_eq!(stored.file, None);
        let complaints = &stored.arrival.complaints;
        assert!(complaints.iter().any(|one| matches!(one, Complaint::Sealed { .. })));
        assert!(complaints.iter().any(|one| matches!(one, Complaint::OtherDelivery { .. })));
    }
    assert_eq!(std::fs::read_dir(half.path().join("sealed")).unwrap().count(), 0);
    assert_eq!(store.files(None, 10), []);
    assert_eq!(consumer.waiting(), []);
}

#[test]
fn rows_in_place_of_a_sealed_file_are_not_kept() {
    let (node, half, consumer, contract) = sealed(terms());
    let store = consumer.sealed_store();
    let way = changing(&node.space, |mut frames| {
        let rows: Value = serde_cbor::value::to_value(std::collections::BTreeMap::from([(
            "rows",
            std::collections::BTreeMap::from([("csv", Value::Bytes(b"S1,200\n".to_vec()))]),
        )]))
        .unwrap();
        frames[1] = rows;
        frames
    });
    let stored = store.receive(&way, contract, reading()).unwrap();
    assert_eq!(stored.file, None);
    assert!(!stored.arrival.complaints.is_empty());
    assert_eq!(std::fs::read_dir(half.path().join("sealed")).unwrap().count(), 0);
}

#[test]
fn files_that_change_places_are_refused_and_cost_no_use() {
    let (node, half, consumer, contract) = sealed(counted(6));
    let store = consumer.sealed_store();
    let other = another(&node, &consumer);
    let (first, second) =
        (received(&store, &node.space, contract), received(&store, &node.space, contract));
    let third = received(&store, &node.space, other);
    let swap = |one: &Digest, two: &Digest| {
        let (one, two) = (file_path(&half, one), file_path(&half, two));
        let aside = half.path().join("aside");
        std::fs::rename(&one, &aside).unwrap();
        std::fs::rename(&two, &one).unwrap();
        std::fs::rename(&aside, &two).unwrap();
    };
    let before = records(consumer.log()).len();
    // Within a contract, and between two.
    for other in [&second, &third] {
        swap(&first, other);
        for file in [&first, other] {
            let refused = store.open(file, reading()).unwrap_err();
            assert!(matches!(refused, StoreError::OtherFile), "{refused}");
        }
        swap(&first, other);
    }
    // And their keys.
    let (one, two) = (key_path(&half, contract), key_path(&half, other));
    let keys = (std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
    std::fs::write(&one, &keys.1).unwrap();
    let refused = store.open(&first, reading()).unwrap_err();
    assert!(matches!(refused, StoreError::Key { .. }), "{refused}");
    std::fs::write(&one, &keys.0).unwrap();
    assert_eq!(records(consumer.log()).len(), before);
    assert_eq!(text(opened(&store, &first)).lines().count(), 11);
}

#[test]
fn a_changed_file_is_refused() {
    let (node, half, consumer, contract) = sealed(terms());
    let store = consumer.sealed_store();
    let file = received(&store, &node.space, contract);
    let path = file_path(&half, &file);
    let good = std::fs::read(&path).unwrap();
    let before = records(consumer.log()).len();
    for place in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[place] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        let _refused = store.open(&file, reading()).unwrap_err();
    }
    for len in [0, 10, good.len() - 1] {
        std::fs::write(&path, &good[..len]).unwrap();
        let _refused = store.open(&file, reading()).unwrap_err();
    }
    std::fs::write(&path, [&good[..], b"more"].concat()).unwrap();
    let _refused = store.open(&file, reading()).unwrap_err();
    std::fs::remove_file(&path).unwrap();
    let missing = store.open(&file, reading()).unwrap_err();
    assert!(matches!(missing, StoreError::Io { .. }), "{missing}");
    assert_eq!(records(consumer.log()).len(), before);
    // No path, and nothing of the content, is told.
    assert!(!missing.to_string().contains('/'), "{missing}");
    std::fs::write(&path, &good).unwrap();
    assert_eq!(text(opened(&store, &file)).lines().count(), 11);
}

#[test]
fn a_clock_that_is_set_back_opens_nothing() {
    let (node, half, consumer, contract) = sealed(terms());
    let store = consumer.sealed_store();
    let file = received(&store, &node.space, contract);
    let until = node.space.agreement(contract).unwrap().value().validity.until();
    half.clock.set(until);
    assert!(codes(store.open(&file, reading()).unwrap()).contains(&"contract-over"));
    half.clock.set(at(60));
    let refused = store.open(&file, reading()).unwrap_err();
    assert!(refused.to_string().contains("the clock shows"), "{refused}");
    let refused = store.tend().unwrap_err();
    assert!(refused.to_string().contains("the clock shows"), "{refused}");
    // Not after it is opened again either: the denial is in the log.
    drop((store, consumer));
    let consumer = half.setup().open().unwrap();
    let refused = consumer.sealed_store().open(&file, reading()).unwrap_err();
    assert!(refused.to_string().contains("the clock shows"), "{refused}");
    half.clock.set(until);
    assert_eq!(consumer.sealed_store().tend().unwrap(), [contract]);
}

#[test]
fn a_process_killed_between_key_and_record_states_it_later() {
    let (node, half, consumer, contract) = sealed(terms());
    let store = consumer.sealed_store();
    let file = received(&store, &node.space, contract);
    let until = node.space.agreement(contract).unwrap().value().validity.until();
    std::fs::remove_file(key_path(&half, contract)).unwrap();
    drop((store, consumer));
    let consumer = half.setup().open().unwrap();
    let store = consumer.sealed_store();
    assert_eq!(codes(store.open(&file, reading()).unwrap()), ["keys-deleted"]);
    assert!(consumer.deletion(contract).unwrap().is_none());
    half.clock.set(until);
    assert_eq!(store.tend().unwrap(), [contract]);
    let statement = consumer.deletion(contract).unwrap().unwrap();
    node.space.take_deletion(statement).unwrap();
}

#[test]
fn a_key_that_is_put_back_opens_nothing() {
    let (node, half, consumer, contract) = sealed(terms());
    let store = consumer.sealed_store();
    let file = received(&store, &node.space, contract);
    let aside = half.dir.path().join("aside");
    copy(&half.path().join("sealed"), &aside.join("sealed"));
    copy(&half.path().join("sealed-keys"), &aside.join("sealed-keys"));
    let statement = store.delete(contract).unwrap().unwrap();
    assert_eq!(
        statement.verify(&DidKeys.keys(consumer.consumer()), at(0)).unwrap().value().reason,
        DeletionReason::Chosen
    );
    let again = store.delete(contract).unwrap_err();
    assert!(again.to_string().contains("stated already"), "{again}");
    copy(&aside, &half.path());
    assert!(key_path(&half, contract).exists());
    assert_eq!(codes(store.open(&file, reading()).unwrap()), ["keys-deleted"]);
    drop((store, consumer));
    let consumer = half.setup().open().unwrap();
    assert!(!key_path(&half, contract).exists());
    assert!(!file_path(&half, &file).exists());
    assert_eq!(codes(consumer.sealed_store().open(&file, reading()).unwrap()), ["keys-deleted"]);
}

#[test]
fn a_copied_directory_opens_nothing_without_the_nodes_secrets() {
    let (node, half, consumer, contract) = sealed(terms());
    let file = received(&consumer.sealed_store(), &node.space, contract);
    drop(consumer);
    let stolen = half.dir.path().join("stolen");
    copy(&half.path(), &stolen);
    // Even with the consumer's signing key: the keys are sealed for the node's root secret.
    let root = RootSecret::from_bytes(&mut [8; 32]);
    let keys = NodeKeys::new(crate::support::consumer(), root).unwrap();
    let setup = ConsumerSetup::new(&stolen, keys, authority().did().clone());
    let thief = setup.clock(TestClock(half.clock.clone())).open().unwrap();
    let store = thief.sealed_store();
    let refused = store.open(&file, reading()).unwrap_err();
    assert!(matches!(refused, StoreError::Key { .. }), "{refused}");
    let refused = store.receive(&direct(&node.space), contract, reading()).unwrap_err();
    assert!(matches!(refused, StoreError::Key { .. }), "{refused}");
}

#[test]
fn what_no_record_tells_of_is_removed() {
    let (node, half, consumer, contract) = sealed(terms());
    let file = received(&consumer.sealed_store(), &node.space, contract);
    drop(consumer);
    let orphan = file_path(&half, &Digest::of(b"no request"));
    std::fs::copy(file_path(&half, &file), &orphan).unwrap();
    std::fs::write(half.path().join("sealed").join("notes.txt"), "mine").unwrap();
    let consumer = half.setup().open().unwrap();
    assert!(!orphan.exists());
    assert!(half.path().join("sealed").join("notes.txt").exists());
    assert_eq!(text(opened(&consumer.sealed_store(), &file)).lines().count(), 11);
}

#[test]
fn copies_are_deleted_when_the_contract_says_so() {
    let (node, half, consumer, contract) = sealed(terms().legal(Legal::DeleteAfter(DAY)));
    let store = consumer.sealed_store();
    let file = received(&store, &node.space, contract);
    let mut open = opened(&store, &file);
    half.clock.set(at(DAY));
    assert_eq!(codes(store.open(&file, reading()).unwrap()), ["deletion-due"]);
    let stopped = open.read_range(0, &mut [0; 4]).unwrap_err();
    assert!(stopped.to_string().contains("has its copies deleted by"), "{stopped}");
    let refused = store.receive(&direct(&node.space), contract, reading()).unwrap_err();
    assert!(matches!(refused, StoreError::Over { reason: DeletionReason::Due, .. }), "{refused}");
    assert_eq!(store.tend().unwrap(), [contract]);
    // The contract goes on without the store.
    let arrival = crate::support::consumer::data(
        consumer.access(&direct(&node.space), contract, reading()).unwrap(),
    );
    assert!(arrival.finish().unwrap().is_whole());
}

#[test]
fn a_key_with_another_name_is_not_stated_to_be_deleted() {
    let (node, half, consumer, contract) = sealed(terms());
    let store = consumer.sealed_store();
    let _file = received(&store, &node.space, contract);
    let elsewhere = half.dir.path().join("elsewhere");
    std::fs::hard_link(key_path(&half, contract), &elsewhere).unwrap();
    let refused = store.delete(contract).unwrap_err();
    assert!(matches!(refused, StoreError::Io { .. }), "{refused}");
    assert!(consumer.deletion(contract).unwrap().is_none());
    std::fs::remove_file(elsewhere).unwrap();
    assert!(store.delete(contract).unwrap().is_some());
}

#[test]
fn a_revoked_membership_closes_the_store() {
    let (node, _half, consumer, contract) = sealed(terms());
    let store = consumer.sealed_store();
    let file = received(&store, &node.space, contract);
    let revocation = crate::support::revocation(crate::support::consumer().did(), at(0));
    consumer.revoke(&revocation).unwrap();
    let codes = codes(store.open(&file, reading()).unwrap());
    assert!(codes.contains(&"membership-revoked"), "{codes:?}");
    // Its keys stay: the membership may be renewed.
    assert_eq!(store.tend().unwrap(), []);
}

#[test]
fn threads_share_the_count_of_openings() {
    let (node, _half, consumer, contract) = sealed(counted(5));
    let store = consumer.sealed_store();
    let file = received(&store, &node.space, contract);
    let opened: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let tries = (0..4).map(|_| store.open(&file, reading()).unwrap());
                    tries.filter(|one| matches!(one, Opening::Opened(_))).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(opened, 5);
}

#[test]
fn a_denied_access_keeps_nothing() {
    let (node, half, consumer, contract) = sealed(counted(1));
    let store = consumer.sealed_store();
    let _file = received(&store, &node.space, contract);
    let stored = store.receive(&direct(&node.space), contract, reading()).unwrap();
    assert_eq!(stored.file, None);
    assert!(matches!(stored.arrival.answer, ReceivedAnswer::Denied { .. }));
    assert_eq!(std::fs::read_dir(half.path().join("sealed")).unwrap().count(), 1);
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let (node, half, consumer, contract) = sealed(terms());
    let store = consumer.sealed_store().file_len_max(100);
    let refused = store.receive(&direct(&node.space), contract, reading()).unwrap_err();
    assert!(matches!(refused, StoreError::TooLong { max: 100 }), "{refused}");
    assert_eq!(std::fs::read_dir(half.path().join("sealed")).unwrap().count(), 0);
    assert_eq!(consumer.waiting(), []);
    // It is recorded as an answer that was not read to its end.
    let ours = records(consumer.log());
    let Event::Consumer(ConsumerEvent::Received(received)) = &ours.last().unwrap().event else {
        panic!("{ours:?}")
    };
    assert!(matches!(received.answer, ReceivedAnswer::Released { is_whole: false, .. }));
    assert_eq!(received.sealed, None);
}

#[test]
fn a_key_that_is_deleted_while_a_file_comes_does_not_leave_the_file_behind() {
    let (node, half, consumer, contract) = sealed(terms());
    let store = consumer.sealed_store();
    let direct = direct(&node.space);
    // A file is kept already, or none is: then nothing is stated.
    for states in [false, true] {
        let way = |call: Call, body: Vec<u8>| {
            let answer = direct.call(call, body)?;
            assert_eq!(store.delete(contract).unwrap().is_some(), states);
            Ok(answer)
        };
        let stored = store.receive(&way, contract, reading()).unwrap();
        assert_eq!(stored.file, None);
        // The provider did what was agreed.
        assert_eq!(stored.arrival.complaints, []);
        assert!(stored.unkept.is_some());
        assert_eq!(std::fs::read_dir(half.path().join("sealed")).unwrap().count(), 0);
        if !states {
            let _file = received(&store, &node.space, contract);
        }
    }
    assert!(store.receive(&direct, contract, reading()).is_err());
}
