//! Attempts to open what is sealed: with other keys, files, clocks and copies; and to forge what is stated.

use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use dataspace_audit_log::Log;
use dataspace_identity::{DidKeys, Origin, Resolver as _, RootSecret, SecretKey};
use dataspace_ledger::Refusal;
use dataspace_policy::Legal;
use dataspace_primitives::{Digest, Name, Signed, UnixMillis};
use dataspace_runtime::{
    Access, AccessError, ChangeError, Clock as _, Complaint, ConsumerSetup, DataSpace, NodeKeys,
    access::{ReleaseError, SealToError},
    consumer::{
        ConsumerSetupError,
        sealed::{Opening, StoreError},
    },
    request::request_sealed,
};
use dataspace_sealed::{Contract, RecipientSecret, Seal, Sealed};
use dataspace_tlog::{
    AccessRecord, Event, Record, Verdict,
    record::{ConsumerEvent, ReceivedAnswer, ReleaseEnd},
};
use dataspace_usage_contract::{
    ContractId, DeletionStatement,
    deletion::{DeletionError, DeletionReason},
};
use serde_cbor::Value;

use crate::sealed::{codes, opened, received, sealed, text};
use crate::support::consumer::{Half, changing, direct, field, reading};
use crate::support::{
    DAY, Node, TestClock, at, authority, consumer, counted, name, provider, records, rival, terms,
};

fn secret(byte: u8) -> RecipientSecret {
    RecipientSecret::from_seed(&mut [byte; 32]).unwrap()
}

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
    let mut sealer = seal.begin(Vec::new(), &mut std::array::from_fn(|at| at as u8 + 1)).unwrap();
    sealer.write_all(b"something else").unwrap();
    sealer.finish().unwrap().to
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        if file.path().is_dir() {
            copy(&file.path(), &to.join(file.file_name()));
        } else {
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

#[test]
fn what_was_asked_for_sealed_does_not_leave_in_plain() {
    let node = Node::new();
    let contract = node.contract(terms());
    let agreement = node.space.agreement(contract).unwrap();
    let (key, clock) = (secret(7), TestClock(node.files.clock.clone()));
    let request = || {
        let new = (reading(), key.recipient());
        request_sealed(&consumer(), &agreement, new, &clock).unwrap()
    };
    let Access::Released(mut release) = node.space.access(request()).unwrap() else {
        panic!("denied")
    };
    assert!(release.is_sealed());
    assert!(matches!(release.next_piece(), Err(ReleaseError::SealedOnly)));
    assert!(release.next_piece().unwrap().is_none());
    node.space.tend().unwrap();
    let written = node.records();
    let Event::Released(report) = &written.last().unwrap().event else { panic!("none") };
    assert_eq!((report.end, report.bytes, report.pieces), (ReleaseEnd::Failed, 0, 0));
    // Nor as batches.
    let Access::Released(mut release) = node.space.access(request()).unwrap() else {
        panic!("denied")
    };
    assert!(matches!(release.next(), Some(Err(ReleaseError::SealedOnly))));

    let Access::Released(release) = node.space.access(request()).unwrap() else { panic!("denied") };
    let mut file = Vec::new();
    let delivered = release.seal_to(&mut file).unwrap();
    node.space.tend().unwrap();
    let records = node.records();
    let Event::Released(report) = &records.last().unwrap().event else { panic!("none") };
    assert_eq!(delivered.report.unwrap().as_u64() + 1, records.len() as u64);
    assert_eq!(delivered.bytes, file.len() as u64);
    assert_eq!((report.end, report.bytes), (ReleaseEnd::Whole, delivered.bytes));
    assert_eq!(report.content, Digest::of(&file));

    // It opens for its recipient and contract, and for nobody else.
    let sealed = Sealed::read(&file[..]).unwrap();
    let (id, product) = (*contract.as_digest(), agreement.value().product.clone());
    let of = Contract { id, product, validity: agreement.value().validity };
    assert!(sealed.unwrap_key(&secret(8), &of, at(0)).is_err());
    let other = Contract { id: Digest::of(b"another"), ..of.clone() };
    assert!(sealed.unwrap_key(&key, &other, at(0)).is_err());
    let key = sealed.unwrap_key(&key, &of, at(0)).unwrap();
    let mut text = String::new();
    sealed.open(&key).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().count(), 11);

    // What was not asked for sealed is not sealed.
    let refused = node.released(contract).seal_to(io::sink()).unwrap_err();
    assert!(matches!(refused, SealToError::NotAsked), "{refused}");
}

#[test]
fn a_key_that_is_none_costs_no_use_and_no_record() {
    let node = Node::new();
    let contract = node.contract(counted(1));
    let before = node.len();
    let good = node.request(contract).verify(&DidKeys.keys(consumer().did()), at(0)).unwrap();
    let mut value = good.value().clone();
    for key in [[0; 32], [0xff; 32]] {
        value.seal_for = Some(serde_bytes::ByteArray::new(key));
        let refused = node.space.access(Signed::sign(&value, &consumer()).unwrap()).unwrap_err();
        assert!(matches!(refused, AccessError::Seal { .. }), "{refused}");
    }
    assert_eq!(node.len(), before);
    let _one_use_is_left = node.released(contract);
}

#[test]
fn another_key_in_a_request_breaks_its_signature() {
    let node = Node::new();
    let contract = node.contract(terms());
    let agreement = node.space.agreement(contract).unwrap();
    let clock = TestClock(node.files.clock.clone());
    let (theirs, mine) = (secret(7), secret(8));
    let key = theirs.recipient();
    let request = request_sealed(&consumer(), &agreement, (reading(), key), &clock).unwrap();
    let mut bytes = request.as_bytes().to_vec();
    let place = bytes.windows(32).position(|some| some == key.as_bytes()).unwrap();
    bytes[place..place + 32].copy_from_slice(mine.recipient().as_bytes());
    let forged = Signed::from_bytes(bytes).unwrap();
    let refused = node.space.access(forged).unwrap_err();
    assert!(matches!(refused, AccessError::Signature), "{refused}");
}

/// Ends the contract as soon as something was written.
struct Ending<'a>(&'a DataSpace, ContractId, usize);

impl Write for Ending<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.2 == 0 {
            self.0.end_contract(self.1, name("changed our mind")).unwrap();
        }
        self.2 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_contract_that_ends_meanwhile_leaves_a_file_without_its_end() {
    let node = Node::with_table(crate::support::table(60_000));
    let contract = node.contract(terms());
    let agreement = node.space.agreement(contract).unwrap();
    let (key, clock) = (secret(7), TestClock(node.files.clock.clone()));
    let request =
        request_sealed(&consumer(), &agreement, (reading(), key.recipient()), &clock).unwrap();
    let Access::Released(release) = node.space.access(request).unwrap() else { panic!("denied") };
    let mut to = Ending(&node.space, contract, 0);
    let stopped = release.seal_to(&mut to).unwrap_err();
    assert!(matches!(stopped, SealToError::Release(ReleaseError::Stopped { .. })), "{stopped}");
    node.space.tend().unwrap();
    let written = node.records();
    let Event::Released(report) = &written.last().unwrap().event else { panic!("none") };
    assert_eq!((report.end, report.bytes), (ReleaseEnd::Stopped, to.2 as u64));
}

#[test]
fn a_file_for_another_contract_or_recipient_is_not_kept() {
    let (node, half, consumer, contract) = sealed(terms());
    let store = consumer.sealed_store();
    let product = node.space.agreement(contract).unwrap().value().product.clone();
    let other = sealed_by_hand(Digest::of(b"another"), product.clone(), &secret(7));
    let for_others = sealed_by_hand(*contract.as_digest(), product.clone(), &secret(7));
    let none = b"name,price\n".to_vec();
    for file in [other, for_others, none] {
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

fn statement(node: &Node, contract: ContractId) -> DeletionStatement {
    DeletionStatement {
        contract,
        log: node.space.log().origin().clone(),
        consumer: consumer().did().clone(),
        files: [Digest::of(b"file")].into(),
        reason: DeletionReason::Chosen,
        deleted_at: node.now(),
    }
}

#[test]
fn a_statement_is_taken_from_the_contracts_consumer_alone_and_once() {
    let node = Node::new();
    let contract = node.contract(terms());
    let good = statement(&node, contract);
    let take = |statement: &DeletionStatement, by: &SecretKey| match node
        .space
        .take_deletion(Signed::sign(statement, by).unwrap())
    {
        Err(ChangeError::Refused(refusal)) => Err(refusal),
        taken => Ok(taken.unwrap()),
    };
    let before = node.len();
    // By another member, in its own name or the consumer's; by the provider.
    let own = DeletionStatement { consumer: rival().did().clone(), ..good.clone() };
    for (statement, by) in [(&good, rival()), (&own, rival()), (&good, provider())] {
        let refused = take(statement, &by).unwrap_err();
        assert!(matches!(refused, Refusal::Deletion(DeletionError::Verify(_))), "{refused}");
    }
    let refused = take(&own, &consumer()).unwrap_err();
    let is_other = matches!(refused, Refusal::Deletion(DeletionError::NotTheConsumer { .. }));
    assert!(is_other, "{refused}");
    // For a contract that is none here, another node, another time.
    let unknown = ContractId::from_digest(Digest::of(b"none"));
    let refused = take(&DeletionStatement { contract: unknown, ..good.clone() }, &consumer());
    assert!(matches!(refused.unwrap_err(), Refusal::UnknownContract { .. }));
    let log = Origin::named(provider().did(), "another").unwrap();
    let refused = take(&DeletionStatement { log, ..good.clone() }, &consumer()).unwrap_err();
    let is_other = matches!(refused, Refusal::Deletion(DeletionError::OtherNode { .. }));
    assert!(is_other, "{refused}");
    for deleted_at in [at(3_600), UnixMillis::MIN] {
        let late = DeletionStatement { deleted_at, ..good.clone() };
        let refused = take(&late, &consumer()).unwrap_err();
        let is_time = matches!(refused, Refusal::Deletion(DeletionError::Time { .. }));
        assert!(is_time, "{refused}");
    }
    assert_eq!(node.len(), before);
    take(&good, &consumer()).unwrap();
    let again = take(&good, &consumer()).unwrap_err();
    assert!(matches!(again, Refusal::AlreadyDeleted { .. }), "{again}");
    let later = DeletionStatement { files: [].into(), ..good };
    let again = take(&later, &consumer()).unwrap_err();
    assert!(matches!(again, Refusal::AlreadyDeleted { .. }), "{again}");
    assert_eq!(node.len(), before + 1);
    // Nor after it was opened again, from the index and without it.
    for without_index in [false, true] {
        let files = node.files.copy();
        node.space.write_index().unwrap();
        let files = if without_index { files } else { node.files.copy() };
        let space = files.open().unwrap();
        let again = space.take_deletion(Signed::sign(&later, &consumer()).unwrap()).unwrap_err();
        let is_known = matches!(again, ChangeError::Refused(Refusal::AlreadyDeleted { .. }));
        assert!(is_known, "{again}");
    }
}

#[test]
fn a_stranger_learns_nothing_by_a_statement() {
    let node = Node::new();
    let contract = node.contract(terms());
    let words = |statement: &DeletionStatement, by: &SecretKey| {
        let signed = Signed::sign(statement, by).unwrap();
        let call = dataspace_runtime::Call::Delete;
        node.space.answer(call, signed.as_bytes()).unwrap_err().words()
    };
    let known = words(&statement(&node, contract), &rival());
    let unknown = ContractId::from_digest(Digest::of(b"none"));
    assert_eq!(known, words(&statement(&node, unknown), &rival()));
}

#[test]
fn a_forged_record_of_an_opening_does_not_open_the_node() {
    let (node, half, consumer, contract) = sealed(counted(3));
    let store = consumer.sealed_store();
    let file = received(&store, &node.space, contract);
    let _opened = opened(&store, &file);
    let ours = records(consumer.log());
    let Event::Consumer(ConsumerEvent::Opening(good)) = ours.last().unwrap().event.clone() else {
        panic!("none")
    };
    let received = ours.iter().find_map(|record| match &record.event {
        Event::Consumer(ConsumerEvent::Received(received)) => Some(received.clone()),
        _ => None,
    });
    let received = received.unwrap();
    drop((_opened, store, consumer));
    let permit = |uses| Verdict::Permit { uses, duties: Vec::new() };
    let next = AccessRecord { verdict: permit(2), ..good.clone() };
    let opening = |access| Event::Consumer(ConsumerEvent::Opening(access));
    let statement = DeletionStatement { files: [].into(), ..statement(&node, contract) };
    let statement = Signed::sign(&statement, &crate::support::consumer()).unwrap();
    let forged = [
        // A count that is given back, one that is left out, a file that never came, other policies.
        opening(AccessRecord { verdict: permit(1), ..good.clone() }),
        opening(AccessRecord { verdict: permit(3), ..good.clone() }),
        opening(AccessRecord { request: Digest::of(b"none"), ..next.clone() }),
        opening(AccessRecord { contract: Digest::of(b"none"), ..next.clone() }),
        opening(AccessRecord { program: Digest::of(b"none"), ..next.clone() }),
        opening(AccessRecord { profile: 99, ..next.clone() }),
        // A statement that leaves a file out.
        Event::Deleted {
            contract: *contract.as_digest(),
            document: statement.as_bytes().to_vec().into(),
        },
        // A file that came for no request.
        Event::Consumer(ConsumerEvent::Received(received)),
    ];
    for event in forged {
        let copied = Half { dir: tempfile::tempdir().unwrap(), clock: half.clock.clone() };
        copy(&half.path(), &copied.path());
        let like = Origin::new(crate::support::consumer().did()).unwrap();
        let log = Log::open_of(&copied.path(), &like).unwrap().0;
        let _appended = log.append(&Record::new(half.clock.now(), event.clone())).unwrap();
        drop(log);
        let refused = copied.setup().open().unwrap_err();
        assert!(matches!(refused, ConsumerSetupError::Record { .. }), "{event:?}: {refused}");
    }
    // The next one is good.
    let like = Origin::new(crate::support::consumer().did()).unwrap();
    let log = Log::open_of(&half.path(), &like).unwrap().0;
    let _appended = log.append(&Record::new(half.clock.now(), opening(next))).unwrap();
    drop(log);
    let consumer = half.setup().open().unwrap();
    let Opening::Opened(last) = consumer.sealed_store().open(&file, reading()).unwrap() else {
        panic!("denied")
    };
    drop(last);
    assert_eq!(codes(consumer.sealed_store().open(&file, reading()).unwrap()), ["unmet"]);
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
