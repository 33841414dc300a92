//! Sealed delivery, from node to node: what is kept, opened, denied and deleted.

use std::io::Read as _;
use std::path::Path;

use dataspace_identity::{DidKeys, Resolver as _};
use dataspace_ledger::DenialReason;
use dataspace_policy::{Action, ColumnMask, Duty, MaskMethod, Terms};
use dataspace_primitives::{Digest, Part, Signed};
use dataspace_runtime::{
    Clock as _, ConsumerNode, DataSpace, NewRequest, SealedStore,
    consumer::sealed::{OpenedFile, Opening},
    index::IndexState,
    replay_decisions,
};
use dataspace_sealed::RecipientSecret;
use dataspace_tlog::{
    Event, Verdict,
    record::{ConsumerEvent, ReceivedAnswer, ReleaseEnd},
};
use dataspace_usage_contract::{ContractId, DeletionStatement, deletion::DeletionReason};

use crate::support::consumer::{Half, concluded, direct, reading};
use crate::support::{Node, authority, consumer, counted, name, records, signed_credential, terms};

/// A contract on these terms, held by a consumer's node that has its own credential.
pub(crate) fn sealed(terms: Terms) -> (Node, Half, ConsumerNode, ContractId) {
    let (node, half, consumer_node, contract) = concluded(terms);
    consumer_node.admit(&signed_credential(&consumer(), |_| {})).unwrap();
    (node, half, consumer_node, contract)
}

pub(crate) fn received(store: &SealedStore, space: &DataSpace, contract: ContractId) -> Digest {
    let stored = store.receive(&direct(space), contract, reading()).unwrap();
    assert_eq!(stored.arrival.complaints, []);
    stored.file.unwrap()
}

pub(crate) fn opened(store: &SealedStore, file: &Digest) -> Box<OpenedFile> {
    match store.open(file, reading()).unwrap() {
        Opening::Opened(opened) => opened,
        Opening::Denied { reasons, .. } => panic!("{reasons:?}"),
    }
}

pub(crate) fn codes(opening: Opening) -> Vec<&'static str> {
    match opening {
        Opening::Denied { reasons, .. } => reasons.iter().map(DenialReason::code).collect(),
        Opening::Opened(_) => panic!("opened"),
    }
}

pub(crate) fn text(mut opened: Box<OpenedFile>) -> String {
    let mut text = String::new();
    opened.read_to_string(&mut text).unwrap();
    text
}

pub(crate) fn secret(byte: u8) -> RecipientSecret {
    RecipientSecret::from_seed(&mut [byte; 32]).unwrap()
}

pub(crate) fn copy(from: &Path, to: &Path) {
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
fn what_is_released_arrives_sealed_and_opens_under_its_contract() {
    let mask = ColumnMask { column: name("furnace"), method: MaskMethod::Drop };
    let (node, half, consumer, contract) = sealed(terms().duty(Duty::Mask(mask)));
    let store = consumer.sealed_store();
    let stored = store.receive(&direct(&node.space), contract, reading()).unwrap();
    assert_eq!(stored.arrival.complaints, []);
    let file = stored.file.unwrap();

    // What lies there is what the provider's log reports, and nothing of the content is in it.
    let path = half.path().join("sealed").join(format!("{}.sealed", file.to_hex()));
    let bytes = std::fs::read(&path).unwrap();
    let shown = stored.arrival.evidence.unwrap();
    let shown = shown.verify(authority().did()).unwrap();
    let report = shown.report().unwrap();
    assert_eq!(report.content, Digest::of(&bytes));
    assert_eq!((report.end, report.rows), (ReleaseEnd::Whole, 0));
    assert!(shown.request().unwrap().seal_for.is_some());
    assert!(!bytes.windows(6).any(|some| some == b"S00003"));
    let expected = ReceivedAnswer::Released {
        rows: 0,
        bytes: u64::try_from(bytes.len()).unwrap(),
        content: Digest::of(&bytes),
        is_whole: true,
    };
    assert_eq!(stored.arrival.answer, expected);

    // The rows that the duties leave, with their header.
    let text = text(opened(&store, &file));
    assert_eq!(text.lines().next(), Some("alloy,strength"));
    assert!(text.lines().any(|line| line == "S00003,203"), "{text}");
    assert_eq!(text.lines().count(), 11);
    let mut range = [0; 5];
    opened(&store, &file).read_range(6, &mut range).unwrap();
    assert_eq!(&range, b"stren");
    let entries = store.files(None, 10);
    assert_eq!((entries.len(), entries[0].file, entries[0].contract), (1, file, contract));
    assert!(!entries[0].is_deleted);
}

#[test]
fn an_opening_is_recorded_before_a_byte_is_read() {
    let (node, _half, consumer, contract) = sealed(counted(2));
    let store = consumer.sealed_store();
    let file = received(&store, &node.space, contract);
    let _never_read = opened(&store, &file);
    let ours = records(consumer.log());
    let Event::Consumer(ConsumerEvent::Opening(access)) = &ours.last().unwrap().event else {
        panic!("{ours:?}")
    };
    assert_eq!(access.request, file);
    assert_eq!(access.verdict, Verdict::Permit { uses: 1, duties: Vec::new() });
}

#[test]
fn openings_are_counted_as_uses_are() {
    let (node, half, consumer, contract) = sealed(counted(2));
    let store = consumer.sealed_store();
    let file = received(&store, &node.space, contract);
    let (first, second) = (opened(&store, &file), opened(&store, &file));
    let denied = store.open(&file, reading()).unwrap();
    assert_eq!(codes(denied), ["unmet"]);
    // Those that are open stay open.
    assert_eq!(text(first), text(second));
    drop((store, consumer));

    let consumer = half.setup().open().unwrap();
    let denied = consumer.sealed_store().open(&file, reading()).unwrap();
    assert_eq!(codes(denied), ["unmet"]);
}

#[test]
fn a_denied_opening_is_recorded_in_plain_words() {
    let (node, _half, consumer, contract) = sealed(counted(5));
    let store = consumer.sealed_store();
    let file = received(&store, &node.space, contract);
    let wrong = NewRequest::new(Action::Read, name("carbon-accounting"));
    let denied = store.open(&file, wrong).unwrap();
    let Opening::Denied { record, reasons } = denied else { panic!("opened") };
    assert!(reasons[0].to_string().contains("the purpose must be research"), "{reasons:?}");
    let ours = records(consumer.log());
    assert_eq!(record.as_u64() + 1, u64::try_from(ours.len()).unwrap());
    let Event::Consumer(ConsumerEvent::Opening(access)) = &ours.last().unwrap().event else {
        panic!("{ours:?}")
    };
    let Verdict::Deny { reasons } = &access.verdict else { panic!("{access:?}") };
    assert!(reasons[0].starts_with("unmet: permission-1: the purpose must be research"));
    // It took no use.
    let part = Some(Part::bytes(0, 4).unwrap());
    let denied = store.open(&file, NewRequest { part, ..reading() }).unwrap();
    assert_eq!(codes(denied), ["part"]);
    let held = opened(&store, &file).record();
    let Event::Consumer(ConsumerEvent::Opening(access)) =
        &records(consumer.log())[usize::try_from(held.as_u64()).unwrap()].event
    else {
        panic!("no opening")
    };
    assert_eq!(access.verdict, Verdict::Permit { uses: 1, duties: Vec::new() });
}

#[test]
fn without_its_own_credential_a_node_denies() {
    let (node, _half, consumer, contract) = concluded(terms());
    let store = consumer.sealed_store();
    let file = received(&store, &node.space, contract);
    assert_eq!(codes(store.open(&file, reading()).unwrap()), ["no-credential"]);
}

#[test]
fn what_is_open_is_closed_when_the_contract_ends() {
    let (node, half, consumer, contract) = sealed(terms());
    let store = consumer.sealed_store();
    let file = received(&store, &node.space, contract);
    let mut open = opened(&store, &file);
    let mut bytes = [0; 5];
    open.read_range(0, &mut bytes).unwrap();
    consumer.end_contract(contract, name("no longer needed")).unwrap();
    let stopped = open.read_range(0, &mut bytes).unwrap_err();
    assert!(stopped.to_string().contains("terminated"), "{stopped}");
    assert_eq!(codes(store.open(&file, reading()).unwrap()), ["contract-terminated"]);
    assert_eq!(store.tend().unwrap(), [contract]);
    let codes = codes(store.open(&file, reading()).unwrap());
    assert_eq!(codes, ["keys-deleted", "contract-terminated"]);
    let statement = consumer.deletion(contract).unwrap().unwrap();
    let statement = statement.verify(&DidKeys.keys(consumer.consumer()), half.clock.now()).unwrap();
    assert_eq!(statement.value().reason, DeletionReason::Terminated);
}

#[test]
fn at_its_end_keys_are_deleted_and_the_provider_is_told() {
    let (node, half, consumer, contract) = sealed(terms());
    let store = consumer.sealed_store();
    let way = direct(&node.space);
    let file = received(&store, &node.space, contract);
    let content = store.files(None, 1)[0].content;
    let key =
        half.path().join("sealed-keys").join(format!("{}.key", contract.as_digest().to_hex()));
    assert!(key.exists());
    assert_eq!(store.tend().unwrap(), []);
    assert!(consumer.tell_deletion(&way, contract).is_err());
    assert!(consumer.deletion(contract).unwrap().is_none());

    let until = node.space.agreement(contract).unwrap().value().validity.until();
    half.clock.set(until);
    let denied = codes(store.open(&file, reading()).unwrap());
    assert!(denied.contains(&"contract-over"), "{denied:?}");
    assert_eq!(store.tend().unwrap(), [contract]);
    assert!(!key.exists());
    assert_eq!(std::fs::read_dir(half.path().join("sealed")).unwrap().count(), 0);
    assert!(store.files(None, 1)[0].is_deleted);
    assert_eq!(store.tend().unwrap(), []);
    let refused = store.receive(&way, contract, reading()).unwrap_err();
    assert!(refused.to_string().contains("deleted"), "{refused}");

    // Told twice, it is recorded once.
    assert_eq!(node.space.deletion(contract), None);
    consumer.tell_deletion(&way, contract).unwrap();
    consumer.tell_deletion(&way, contract).unwrap();
    let theirs = records(node.space.log());
    let Event::Deleted { document, .. } = &theirs.last().unwrap().event else {
        panic!("{theirs:?}")
    };
    assert_eq!(node.space.deletion(contract).unwrap().as_u64() + 1, theirs.len() as u64);
    let statement = Signed::from_bytes(document.to_vec()).unwrap();
    let agreement = node.space.agreement(contract).unwrap();
    let statement = DeletionStatement::verify(statement, &agreement, &DidKeys, until);
    let statement = statement.unwrap();
    assert_eq!(statement.value().files, [content].into());
    assert_eq!(statement.value().reason, DeletionReason::Expired);
    let replayed = replay_decisions(node.space.log(), authority().did(), None).unwrap();
    assert!(replayed.is_sound(), "{:?}", replayed.first);
    assert_eq!(replayed.deletions, 1);
    let findings: Vec<_> = replayed.findings().iter().map(ToString::to_string).collect();
    assert!(findings.iter().any(|one| one.contains("whose consumers state it")), "{findings:?}");

    // Both nodes know it when they are opened again.
    drop((store, consumer));
    let consumer = half.setup().open().unwrap();
    assert!(consumer.deletion(contract).unwrap().is_some());
    let denied = codes(consumer.sealed_store().open(&file, reading()).unwrap());
    assert!(denied.contains(&"keys-deleted"));
    drop(way);
    let files = node.close();
    let space = files.open().unwrap();
    assert!(matches!(space.index_state(), Some(IndexState::Used { replayed: 0, .. })));
    assert!(space.deletion(contract).is_some());
}
