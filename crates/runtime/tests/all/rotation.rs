//! Parties whose DID is not their key: did:webs with keys that come and go.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use arrow_array::RecordBatch;
use dataspace_identity::{
    Did, KeyDocument, MembershipCredential, ParticipantKey, RootSecret, SecretKey,
};
use dataspace_ledger::{
    Evidence, Refusal,
    evidence::{EvidenceError, Part},
};
use dataspace_policy::{ColumnMask, Duty, Exclusive, MaskMethod};
use dataspace_primitives::{KeyId, Signed, UnixMillis, Validity, Verified};
use dataspace_runtime::{
    AccessError, ChangeError, DataSpace, NewOffer, NodeKeys, Setup, index::IndexState,
    key_files::KeyFileError, replay_decisions, request_access,
};
use dataspace_usage_contract::{Acceptance, AccessRequest, Agreement, Offer, contract_id};
use serde_bytes::ByteArray;

use crate::support::{
    Files, Node, TestClock, at, authority, credential, denied, name, released, research,
    signed_profile, space_id, table,
};
use dataspace_policy::{Action, Terms};

pub(crate) fn steel() -> Did {
    "did:web:steel.example".parse().unwrap()
}

pub(crate) fn institute() -> Did {
    "did:web:institute.example:materials".parse().unwrap()
}

/// One of the keys of `did`.
pub(crate) fn key(did: &Did, number: u8) -> SecretKey {
    let id: KeyId = format!("{did}#key-{number}").parse().unwrap();
    let seed = u8::try_from(did.as_str().len()).unwrap().wrapping_mul(16) + number;
    SecretKey::from_seed(&mut [seed; 32]).unwrap().named(id).unwrap()
}

/// States the keys with these numbers, each until this second.
pub(crate) fn document(
    did: &Did,
    version: u64,
    keys: &[(u8, u64)],
    by: &SecretKey,
) -> Signed<KeyDocument> {
    let stated = |(number, secs): &(u8, u64)| {
        let key = key(did, *number);
        ParticipantKey {
            id: format!("{did}#key-{number}").parse().unwrap(),
            public_key: ByteArray::new(*key.public_key().unwrap().as_bytes()),
            validity: Validity::new(at(0), at(*secs)).unwrap(),
        }
    };
    let keys = keys.iter().map(stated).collect();
    let document = KeyDocument { space: space_id(), subject: did.clone(), version, keys };
    Signed::sign(&document, by).unwrap()
}

pub(crate) fn node_keys(number: u8) -> NodeKeys {
    let log = SecretKey::from_seed(&mut [77; 32]).unwrap();
    let log_key = log.public_key().unwrap();
    let root = RootSecret::from_bytes(&mut [78; 32]);
    NodeKeys::with_log_key(key(&steel(), number), (log, log_key), root).unwrap()
}

pub(crate) fn setup(files: &Files, keys: NodeKeys) -> Setup {
    let setup = Setup::new(files.path(), keys, authority().did().clone());
    setup.clock(TestClock(Arc::clone(&files.clock))).contracts_in_memory(1)
}

pub(crate) const YEAR: u64 = 31_536_000;

/// A node of the steel maker, with the institute; each has one key, stated by the authority.
pub(crate) fn founded() -> Node {
    let files = Files::new();
    let space = setup(&files, node_keys(1)).create(signed_profile(|_| {})).unwrap();
    for did in [steel(), institute()] {
        let member = MembershipCredential { subject: did.clone(), ..credential(&authority()) };
        space.admit(Signed::sign(&member, &authority()).unwrap()).unwrap();
        space.record_keys(document(&did, 1, &[(1, YEAR)], &authority())).unwrap();
    }
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    Node { space, files }
}

fn terms() -> Terms {
    let mask = ColumnMask { column: name("alloy"), method: MaskMethod::Hash };
    Terms::new().permit(research()).duty(Duty::Mask(mask))
}

pub(crate) fn conclude(node: &Node, by: &SecretKey) -> Result<Verified<Agreement>, ChangeError> {
    // Of two equal offers the second is the first.
    node.advance(1);
    let now = node.now();
    let expires_at = at(86_400 + (now.as_millis() - at(0).as_millis()) / 1_000);
    let offer = node.space.offer(NewOffer { expires_at, ..Node::new_offer(terms()) })?;
    let read = Offer::verify(offer.clone(), &steel(), &*node.space.keys(), now);
    let read = read.map_err(Refusal::from)?;
    node.space.conclude(offer, Acceptance::sign(&read, by, now).unwrap())
}

pub(crate) fn request(
    node: &Node,
    agreement: &Verified<Agreement>,
    by: &SecretKey,
) -> Signed<AccessRequest> {
    let clock = TestClock(Arc::clone(&node.files.clock));
    request_access(by, agreement, Action::Read, name("research"), &clock).unwrap()
}

fn rows(space: &DataSpace, request: Signed<AccessRequest>) -> Vec<RecordBatch> {
    released(space.access(request).unwrap()).map(Result::unwrap).collect()
}

#[test]
fn keys_rotate_and_contracts_pseudonyms_evidence_and_replay_go_on() {
    let node = founded();
    let old = key(&institute(), 1);
    let agreement = conclude(&node, &old).unwrap();
    let other = conclude(&node, &old).unwrap();
    let first = rows(&node.space, request(&node, &agreement, &old));

    // The consumer states its next key by itself; both are good for a while.
    node.advance(1_000);
    let both = document(&institute(), 2, &[(1, 3_000), (2, YEAR)], &old);
    node.space.record_keys(both).unwrap();
    let new = key(&institute(), 2);
    for by in [&old, &new] {
        assert_eq!(rows(&node.space, request(&node, &agreement, by)), first);
    }
    node.advance(2_000);
    let late = node.space.access(request(&node, &agreement, &old));
    assert!(matches!(late, Err(AccessError::Signature)), "{late:?}");
    let release = released(node.space.access(request(&node, &agreement, &new)).unwrap());
    let receipt = release.receipt().clone();
    drop(release);

    // The provider, too: another key signs its offers, the log keeps its own.
    let next = document(&steel(), 2, &[(2, YEAR)], &key(&steel(), 1));
    node.space.record_keys(next).unwrap();
    let refused = conclude(&node, &new).unwrap_err();
    assert!(matches!(&refused, ChangeError::Refused(_)), "{refused:?}");
    let Node { space, files } = node;
    let evidence = space.evidence(&receipt).unwrap();
    space.close().unwrap();
    let space = setup(&files, node_keys(2)).open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    let node = Node { space, files };
    // Contracts of the old keys are read from the log and verified by them; pseudonyms stay.
    for agreement in [&other, &agreement] {
        assert_eq!(
            node.space.agreement(contract_id(agreement)).unwrap().value(),
            agreement.value()
        );
    }
    assert_eq!(rows(&node.space, request(&node, &agreement, &new)), first);
    let third = conclude(&node, &new).unwrap();
    assert_ne!(rows(&node.space, request(&node, &third, &new)), first);

    // Everybody who knows the authority verifies all of it, offline.
    let shown = Evidence::from_bytes(&evidence.to_bytes().unwrap()).unwrap();
    let shown = shown.verify(authority().did()).unwrap();
    assert_eq!(shown.contract().value().consumer, institute());
    let replayed = replay_decisions(node.space.log(), authority().did(), None).unwrap();
    assert_eq!((replayed.decisions, replayed.discrepancies), (6, 0), "{replayed:?}");
}

#[test]
fn without_a_stated_key_nobody_does_anything_in_the_name_of_a_did_web() {
    let files = Files::new();
    let space = setup(&files, node_keys(1)).create(signed_profile(|_| {})).unwrap();
    let node = Node { space, files };
    let refused = |document| node.space.record_keys(document).unwrap_err();
    // Not of somebody who is no member.
    let error = refused(document(&institute(), 1, &[(1, YEAR)], &authority()));
    assert!(matches!(error, ChangeError::Refused(Refusal::NotAMember { .. })), "{error:?}");
    for did in [steel(), institute()] {
        let member = MembershipCredential { subject: did.clone(), ..credential(&authority()) };
        node.space.admit(Signed::sign(&member, &authority()).unwrap()).unwrap();
    }
    // Nor by itself, or by another member.
    for by in [key(&institute(), 1), key(&steel(), 1)] {
        let error = refused(document(&institute(), 1, &[(1, YEAR)], &by));
        assert!(matches!(error, ChangeError::Refused(Refusal::Keys(_))), "{error:?}");
    }
    node.space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    node.space.record_keys(document(&steel(), 1, &[(1, YEAR)], &authority())).unwrap();
    let before = node.len();
    let error = conclude(&node, &key(&institute(), 1)).unwrap_err();
    assert!(matches!(error, ChangeError::Refused(Refusal::Verify(_))), "{error:?}");
    assert_eq!(node.len(), before);
    node.space.record_keys(document(&institute(), 1, &[(1, YEAR)], &authority())).unwrap();
    conclude(&node, &key(&institute(), 1)).unwrap();
    // A replayed document changes nothing.
    let again = refused(document(&institute(), 1, &[(2, YEAR)], &authority()));
    assert!(matches!(again, ChangeError::Refused(Refusal::Keys(_))), "{again:?}");
}

#[test]
fn a_stolen_key_is_taken_away_at_once() {
    let node = founded();
    let stolen = key(&institute(), 1);
    let agreement = conclude(&node, &stolen).unwrap();
    let prepared = request(&node, &agreement, &stolen);
    node.space.record_keys(document(&institute(), 2, &[(2, YEAR)], &authority())).unwrap();
    let late = node.space.access(prepared);
    assert!(matches!(late, Err(AccessError::Signature)), "{late:?}");
    let termination = dataspace_usage_contract::Termination {
        contract: contract_id(&agreement),
        by: institute(),
        declared_at: node.now(),
        reason: name("over"),
    };
    let by_thief = node.space.terminate(Signed::sign(&termination, &stolen).unwrap());
    assert!(by_thief.is_err());
    let own = Signed::sign(&termination, &key(&institute(), 2)).unwrap();
    node.space.terminate(own).unwrap();
    let _over =
        denied(node.space.access(request(&node, &agreement, &key(&institute(), 2))).unwrap());
    // What the honest key signed before stays verified, from the log alone.
    let files = node.close();
    let space = setup(&files, node_keys(1)).open().unwrap();
    assert_eq!(space.agreement(contract_id(&agreement)).unwrap().value(), agreement.value());
    let replayed = replay_decisions(space.log(), authority().did(), None).unwrap();
    assert_eq!(replayed.discrepancies, 0, "{replayed:?}");
}

#[test]
fn evidence_of_a_did_web_needs_its_key_documents_in_their_places() {
    let node = founded();
    let by = key(&institute(), 1);
    let agreement = conclude(&node, &by).unwrap();
    node.space.record_keys(document(&institute(), 2, &[(1, YEAR), (2, YEAR)], &by)).unwrap();
    let release =
        released(node.space.access(request(&node, &agreement, &key(&institute(), 2))).unwrap());
    let evidence = node.space.evidence(release.receipt()).unwrap();
    let bytes = evidence.to_bytes().unwrap();
    assert!(evidence.clone().verify(authority().did()).is_ok());
    let keys = |change: &dyn Fn(&mut Vec<serde_cbor::Value>)| {
        let mut value: std::collections::BTreeMap<String, serde_cbor::Value> =
            serde_cbor::from_slice(&bytes).unwrap();
        let serde_cbor::Value::Array(mut keys) = value.remove("keys").unwrap() else { panic!() };
        assert_eq!(keys.len(), 3);
        change(&mut keys);
        if !keys.is_empty() {
            value.insert("keys".to_owned(), serde_cbor::Value::Array(keys));
        }
        let bytes = dataspace_primitives::cbor::to_canonical(&value).unwrap();
        Evidence::from_bytes(&bytes).unwrap().verify(authority().did()).unwrap_err()
    };
    for left_out in 0..3 {
        let error = keys(&|keys| drop(keys.remove(left_out)));
        assert!(!matches!(error, EvidenceError::Decode(_)), "{error:?}");
    }
    keys(&Vec::clear);
    keys(&|keys| keys.swap(0, 1));
    let error = keys(&|keys| keys.truncate(2));
    assert!(matches!(error, EvidenceError::RequestSignature(_)), "{error:?}");
    // The record of another place, or of something else.
    let error = keys(&|keys| keys[2] = keys[1].clone());
    assert!(error.parts().contains(&Part::Keys), "{error:?}");
    let other: UnixMillis = node.now();
    assert!(other >= at(0));
}

#[test]
fn keys_are_kept_sealed_and_a_node_opens_with_them_again() {
    let files = Files::new();
    let dir = files.dir.path().join("keys");
    let made = NodeKeys::create(&dir, Some(b"correct horse")).unwrap();
    let provider = made.did().clone();
    let space = setup(&files, made).create(signed_profile(|_| {})).unwrap();
    space.close().unwrap();
    assert!(matches!(NodeKeys::create(&dir, None), Err(KeyFileError::Io { .. })), "over others");
    for (passphrase, is_right) in [(&b"correct horse"[..], true), (b"wrong", false), (b"", false)] {
        let opened = NodeKeys::open(&dir, Some(passphrase));
        assert_eq!(opened.is_ok(), is_right);
        if let Ok(keys) = opened {
            assert_eq!(keys.did(), &provider);
            assert_eq!(format!("{keys:?}"), format!("NodeKeys {{ participant: {provider}, .. }}"));
            setup(&files, keys).open().unwrap().close().unwrap();
        }
    }
    assert!(matches!(NodeKeys::open(&dir, None), Err(KeyFileError::Text { .. })));
    for file in ["participant.pem", "root.pem"] {
        let path = dir.join(file);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = NodeKeys::open(&dir, Some(b"correct horse"));
        assert!(matches!(refused, Err(KeyFileError::Access { .. })), "{refused:?}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    // Of a did:web, with the name of the key and a key of the log's own.
    let dir = files.dir.path().join("web");
    let id: KeyId = "did:web:steel.example#key-1".parse().unwrap();
    let made = NodeKeys::create_named(&dir, &id, None).unwrap();
    let elsewhere = Files::new();
    let space = setup(&elsewhere, made).create(signed_profile(|_| {})).unwrap();
    assert_eq!(space.provider(), &steel());
    let origin = space.log().origin().clone();
    assert!(origin.as_str().starts_with("did:web:steel.example/z6Mk"));
    space.close().unwrap();
    let space = setup(&elsewhere, NodeKeys::open(&dir, None).unwrap()).open().unwrap();
    assert_eq!(space.log().origin(), &origin);
    drop(space);
    // Not with the keys of another log of the same provider.
    let others = files.dir.path().join("others");
    let keys = NodeKeys::create_named(&others, &id, None).unwrap();
    assert!(setup(&elsewhere, keys).open().is_err());
}

fn conclude_with(
    node: &Node,
    terms: Terms,
    by: &SecretKey,
) -> Result<Verified<Agreement>, ChangeError> {
    let offer = node.space.offer(Node::new_offer(terms))?;
    let now = node.now();
    let read = Offer::verify(offer.clone(), &steel(), &*node.space.keys(), now);
    let read = read.map_err(Refusal::from)?;
    node.space.conclude(offer, Acceptance::sign(&read, by, now).unwrap())
}

fn exclusive() -> Terms {
    Terms { exclusive: Some(Exclusive { territories: [].into(), until: at(864_000) }), ..terms() }
}

#[test]
fn an_exclusive_contract_of_a_key_that_was_left_out_still_opens_by_the_index() {
    let node = founded();
    let old = key(&institute(), 1);
    conclude_with(&node, exclusive(), &old).unwrap();
    let without = document(&institute(), 2, &[(2, YEAR)], &old);
    node.space.record_keys(without).unwrap();
    for _ in 0..2 {
        node.space.write_index().unwrap();
    }
    let Node { space, files } = node;
    space.close().unwrap();
    let space = setup(&files, node_keys(1)).open().unwrap();
    let state = space.index_state().unwrap();
    assert!(matches!(state, IndexState::Used { .. }), "{state:?}");
}

#[test]
fn contracts_of_keys_that_were_left_out_are_compared_with_an_exclusive_one() {
    let node = founded();
    let mill: Did = "did:web:mill.example".parse().unwrap();
    let member = MembershipCredential { subject: mill.clone(), ..credential(&authority()) };
    node.space.admit(Signed::sign(&member, &authority()).unwrap()).unwrap();
    node.space.record_keys(document(&mill, 1, &[(1, YEAR)], &authority())).unwrap();
    let old = key(&institute(), 1);
    let held = conclude_with(&node, terms(), &old).unwrap();
    // Not in memory any more: this node keeps the documents of one.
    conclude(&node, &key(&mill, 1)).unwrap();
    let without = document(&institute(), 2, &[(2, YEAR)], &old);
    node.space.record_keys(without).unwrap();
    let refused = conclude_with(&node, exclusive(), &key(&mill, 1)).unwrap_err();
    let is_told = matches!(
        &refused,
        ChangeError::Refused(Refusal::NotExclusive { contract, .. }) if *contract == contract_id(&held)
    );
    assert!(is_told, "{refused:?}");
    node.space.end_contract(contract_id(&held), name("over")).unwrap();
    conclude_with(&node, exclusive(), &key(&mill, 1)).unwrap();
}
