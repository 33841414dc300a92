//! Statements of deletion and records of openings, forged.

use dataspace_audit_log::Log;
use dataspace_identity::{Origin, SecretKey};
use dataspace_ledger::Refusal;
use dataspace_primitives::{Digest, Signed, UnixMillis};
use dataspace_runtime::{
    Call, ChangeError, Clock as _,
    consumer::{ConsumerSetupError, sealed::Opening},
};
use dataspace_tlog::{AccessRecord, Event, Record, Verdict, record::ConsumerEvent};
use dataspace_usage_contract::{
    ContractId, DeletionStatement,
    deletion::{DeletionError, DeletionReason},
};

use crate::sealed::{codes, copy, opened, received, sealed};
use crate::support::consumer::{Half, reading};
use crate::support::{Node, at, consumer, counted, provider, records, rival, terms};

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
        taken => {
            taken.unwrap();
            Ok(())
        }
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
        let call = Call::Delete;
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
    let first = opened(&store, &file);
    let ours = records(consumer.log());
    let Event::Consumer(ConsumerEvent::Opening(good)) = ours.last().unwrap().event.clone() else {
        panic!("none")
    };
    let received = ours.iter().find_map(|record| match &record.event {
        Event::Consumer(ConsumerEvent::Received(received)) => Some(received.clone()),
        _ => None,
    });
    let received = received.unwrap();
    drop((first, store, consumer));
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
