//! Somebody who can write the directory, but has no keys, appends records that are well formed.
//! What the log cannot know, the monitor checks: every document is verified again.

use dataspace_ledger::Refusal;
use dataspace_primitives::{CoSignature, Digest, Signed};
use dataspace_runtime::setup::SetupError;
use dataspace_tlog::{AccessRecord, Event, Verdict};
use dataspace_usage_contract::{Agreement, ContractId, OfferId, Termination};
use serde_bytes::ByteBuf;

use crate::support::{
    Files, Node, at, consumer, counted, credential, name, profile, revocation, rival,
    signed_profile, stranger, terms,
};

fn document<T>(signed: &Signed<T>) -> ByteBuf {
    ByteBuf::from(signed.as_bytes())
}

fn assert_refused(files: &Files, event: Event, expected: impl Fn(&Refusal) -> bool) {
    files.forge(event);
    match files.open() {
        Err(SetupError::Record { source, .. }) => assert!(expected(&source), "{source:?}"),
        other => panic!("{other:?}"),
    }
}

fn written() -> (Files, ContractId, Agreement, AccessRecord) {
    let node = Node::new();
    let contract = node.contract(counted(5));
    drop(node.released(contract));
    let agreement = node.space.agreement(contract).unwrap().value().clone();
    let decision = node.decisions().pop().unwrap();
    (node.close(), contract, agreement, decision)
}

fn use_number(decision: &AccessRecord, uses: u64) -> Event {
    let mut decision = decision.clone();
    decision.verdict = Verdict::Permit { uses, duties: Vec::new() };
    decision.request = Digest::of(&uses.to_be_bytes());
    Event::Access(decision)
}

#[test]
fn an_admission_by_another_authority_is_refused() {
    let (files, ..) = written();
    let mut forged = credential(&stranger());
    forged.space.authority = stranger().did().clone();
    let document = document(&Signed::sign(&forged, &stranger()).unwrap());
    assert_refused(&files, Event::Admission { document }, |source| {
        matches!(source, Refusal::Credential(_))
    });
}

#[test]
fn a_profile_by_another_authority_is_refused() {
    let (files, ..) = written();
    let mut forged = profile();
    forged.version = 2;
    let document = document(&Signed::sign(&forged, &stranger()).unwrap());
    let event = Event::Profile { version: 2, document };
    assert_refused(&files, event, |source| matches!(source, Refusal::Profile(_)));
}

#[test]
fn a_profile_under_another_version_than_its_own_is_refused() {
    let (files, ..) = written();
    let document = document(&signed_profile(|profile| profile.version = 2));
    let event = Event::Profile { version: 3, document };
    assert_refused(&files, event, |source| matches!(source, Refusal::Mismatch));
}

#[test]
fn an_agreement_that_the_provider_did_not_sign_is_refused() {
    for (signer, other) in [(consumer(), stranger()), (rival(), consumer()), (stranger(), rival())]
    {
        let (files, _, mut agreement, _) = written();
        agreement.offer = OfferId::from_digest(Digest::of(b"no offer"));
        let signatures =
            [signer, other].map(|key| CoSignature::sign(&agreement, &key).unwrap()).to_vec();
        let signed = Signed::assemble(&agreement, signatures).unwrap();
        let contract = Digest::of(&dataspace_primitives::cbor::to_canonical(&agreement).unwrap());
        let event = Event::Concluded { contract, document: document(&signed) };
        assert_refused(&files, event, |source| matches!(source, Refusal::Agree(_)));
    }
}

#[test]
fn an_agreement_under_another_name_is_refused() {
    let (files, ..) = written();
    let node = Node::new();
    let real = node.contract(terms());
    let document = document(node.space.agreement(real).unwrap().signed());
    let event = Event::Concluded { contract: Digest::of(b"another"), document };
    assert_refused(&files, event, |source| matches!(source, Refusal::Mismatch));
}

#[test]
fn the_same_agreement_twice_is_refused() {
    // It would begin with a fresh quota.
    let node = Node::new();
    let contract = node.contract(counted(5));
    let document = document(node.space.agreement(contract).unwrap().signed());
    let files = node.close();
    let event = Event::Concluded { contract: *contract.as_digest(), document };
    assert_refused(&files, event, |source| matches!(source, Refusal::AlreadyAccepted { .. }));
}

#[test]
fn a_termination_by_a_stranger_is_refused() {
    let (files, contract, ..) = written();
    let (by, declared_at, reason) = (stranger().did().clone(), at(0), name("over"));
    let termination = Termination { contract, by, declared_at, reason };
    let document = document(&Signed::sign(&termination, &stranger()).unwrap());
    let event = Event::Terminated { contract: *contract.as_digest(), document };
    assert_refused(&files, event, |source| matches!(source, Refusal::Termination(_)));
}

#[test]
fn an_old_revocation_put_in_again_is_refused() {
    let node = Node::new();
    let old = revocation(consumer().did(), at(1));
    node.space.revoke(old.clone()).unwrap();
    let files = node.close();
    let event = Event::MembershipRevoked { document: document(&old) };
    assert_refused(&files, event, |source| matches!(source, Refusal::AlreadyInForce));
}

#[test]
fn a_use_of_an_unknown_contract_is_refused() {
    let (files, _, _, mut decision) = written();
    decision.contract = Digest::of(b"another");
    let event = Event::Access(decision);
    assert_refused(&files, event, |source| matches!(source, Refusal::UnknownContract { .. }));
}

#[test]
fn a_use_beyond_the_count_is_refused() {
    for uses in [0, 6, u64::MAX] {
        let (files, _, _, decision) = written();
        let event = use_number(&decision, uses);
        assert_refused(&files, event, |source| matches!(source, Refusal::Decision { .. }));
    }
}

#[test]
fn a_use_by_other_policies_or_another_profile_is_refused() {
    let (files, _, _, mut decision) = written();
    decision.program = Digest::of(b"permit (principal, action, resource);");
    let event = Event::Access(decision);
    assert_refused(&files, event, |source| matches!(source, Refusal::Decision { .. }));
    let (files, _, _, mut decision) = written();
    decision.profile = 9;
    let event = Event::Access(decision);
    assert_refused(&files, event, |source| matches!(source, Refusal::Decision { .. }));
}

#[test]
fn a_use_after_the_termination_is_refused() {
    let node = Node::new();
    let contract = node.contract(counted(5));
    drop(node.released(contract));
    let decision = node.decisions().pop().unwrap();
    node.space.end_contract(contract, name("over")).unwrap();
    let files = node.close();
    let event = use_number(&decision, 2);
    assert_refused(&files, event, |source| matches!(source, Refusal::Decision { .. }));
}

#[test]
fn a_forged_use_can_take_uses_away_but_never_give_any_back() {
    // Documented: after the last checkpoint, records carry no signature.
    let (files, contract, _, decision) = written();
    files.forge(use_number(&decision, 4));
    files.forge(use_number(&decision, 1));
    let node = files.reopen();
    assert_eq!(node.space.uses(contract), Some((4, Some(5))));
    assert_eq!(node.released(contract).uses(), 5);
    let _denied = node.denied(contract);
}

#[test]
fn what_is_not_a_record_of_ours_is_refused() {
    let (files, ..) = written();
    let event = Event::Admission { document: ByteBuf::from(b"not COSE".as_slice()) };
    assert_refused(&files, event, |source| matches!(source, Refusal::Document(_)));
}
