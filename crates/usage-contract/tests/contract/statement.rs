//! Statements of parties that a space trusts, as documents.

use dataspace_identity::DidKeys;
use dataspace_primitives::{Signed, UnixMillis, Validity, cbor};
use dataspace_usage_contract::{
    PublishedProfile, SpaceProfile, Statement,
    profile::ProfileError,
    statement::{
        About, FactKind, STATED_NAMES_MAX, STATEMENT_KINDS_MAX, StatedBy, StatedValue,
        StatementError, StatementRule, Subject,
    },
};

use crate::profile::profile;
use crate::support::{consumer, log, mallory, name, now, provider, space};

pub(crate) fn statement() -> Statement {
    Statement {
        space: space(),
        log: Some(log()),
        issuer: consumer().did().clone(),
        subject: Subject::Product(name("alloys")),
        kind: name("blurred"),
        value: Some(StatedValue::Flag(true)),
        serial: 1,
        validity: Validity::ALWAYS,
    }
}

fn verify(statement: &Statement) -> Result<(), StatementError> {
    let signed = Signed::sign(statement, &consumer()).unwrap();
    Statement::verify(signed, &DidKeys, now()).map(drop)
}

#[test]
fn only_its_issuer_makes_a_statement() {
    assert!(verify(&statement()).is_ok());
    let signed = Signed::sign(&statement(), &mallory()).unwrap();
    let error = Statement::verify(signed, &DidKeys, now()).unwrap_err();
    assert!(matches!(error, StatementError::Issuer { .. }));
    let mut bytes = Signed::sign(&statement(), &consumer()).unwrap().as_bytes().to_vec();
    for place in 0..bytes.len() {
        bytes[place] ^= 1;
        let is_verified = Signed::from_bytes(bytes.clone())
            .is_ok_and(|changed| Statement::verify(changed, &DidKeys, now()).is_ok());
        assert!(!is_verified, "byte {place}");
        bytes[place] ^= 1;
    }
}

#[test]
fn another_document_is_no_statement() {
    let signed = Signed::sign(&profile(), &consumer()).unwrap();
    let taken = Signed::<Statement>::from_bytes(signed.as_bytes().to_vec());
    assert!(taken.is_err() || Statement::verify(taken.unwrap(), &DidKeys, now()).is_err());
}

#[test]
fn a_product_is_one_of_a_node() {
    let nowhere = Statement { log: None, ..statement() };
    assert!(matches!(verify(&nowhere), Err(StatementError::NoNode)));
    let of_all = Statement { subject: Subject::Space, log: None, ..statement() };
    assert!(verify(&of_all).is_ok());
}

#[test]
fn kinds_that_answer_a_fact_say_what_it_can_be() {
    let values = [
        StatedValue::Flag(true),
        StatedValue::Name(name("paid")),
        StatedValue::Name(name("running")),
        StatedValue::Names([name("fair")].into()),
        StatedValue::Number(3),
        StatedValue::Time(now()),
    ];
    for (kind, fitting) in [
        ("payment", [false, true, false, false, false, false]),
        ("events", [false, false, false, true, false, false]),
        ("state", [false, true, true, false, false, false]),
        ("level", [false, false, false, false, true, false]),
        ("attested", [true, false, false, false, false, false]),
        ("another", [true; 6]),
    ] {
        for (value, fits) in values.iter().zip(fitting) {
            let (kind, value) = (name(kind), Some(value.clone()));
            let found = verify(&Statement { kind, value, ..statement() });
            assert_eq!(found.is_ok(), fits, "{found:?}");
        }
        assert!(verify(&Statement { kind: name(kind), value: None, ..statement() }).is_ok());
    }
}

#[test]
fn what_terms_compare_is_what_was_stated() {
    let says = |value: StatedValue, at: UnixMillis| value.says(at).map(|one| one.to_string());
    let later = UnixMillis::new(now().as_millis() + 1).unwrap();
    for (value, at, expected) in [
        (StatedValue::Flag(true), now(), Some("true")),
        (StatedValue::Flag(false), now(), Some("false")),
        (StatedValue::Name(name("A")), now(), Some("A")),
        (StatedValue::Names([name("A")].into()), now(), None),
        (StatedValue::Number(u32::MAX), now(), Some("4294967295")),
        (StatedValue::Time(later), now(), Some("ahead")),
        (StatedValue::Time(now()), now(), Some("past")),
        (StatedValue::Time(now()), later, Some("past")),
    ] {
        assert_eq!(says(value, at).as_deref(), expected);
    }
}

#[test]
fn more_names_than_a_statement_has_are_refused() {
    let names = |count: usize| (0..count).map(|one| name(&format!("n{one}"))).collect();
    let events = |count| Statement {
        kind: name("events"),
        value: Some(StatedValue::Names(names(count))),
        ..statement()
    };
    let decoded = |one: &Statement| {
        let bytes = cbor::to_canonical(one).unwrap();
        cbor::from_canonical::<Statement>(&bytes, 1 << 15).is_ok()
    };
    assert!(decoded(&events(STATED_NAMES_MAX)) && !decoded(&events(STATED_NAMES_MAX + 1)));
}

fn publish(profile: &SpaceProfile) -> Result<PublishedProfile, ProfileError> {
    let signed = Signed::sign(profile, &provider()).unwrap();
    PublishedProfile::publish(signed, provider().did(), now())
}

fn trusting(kinds: &[(&str, About)]) -> SpaceProfile {
    let rule = |about| StatementRule { by: StatedBy::Provider, about };
    let statements = kinds.iter().map(|(kind, about)| (name(kind), rule(*about))).collect();
    SpaceProfile { statements, ..profile() }
}

#[test]
fn a_profile_that_trusts_nobody_has_its_old_bytes() {
    let bytes = cbor::to_canonical(&profile()).unwrap();
    assert!(!bytes.windows(10).any(|part| part == b"statements"));
    let trusting = trusting(&[("blurred", About::Product)]);
    let bytes = cbor::to_canonical(&trusting).unwrap();
    assert_eq!(cbor::from_canonical::<SpaceProfile>(&bytes, 1 << 15).unwrap(), trusting);
}

#[test]
fn a_profile_has_kinds_about_what_their_facts_are_about() {
    for kind in FactKind::ALL {
        assert_eq!(FactKind::of(&name(kind.as_str())), Some(kind));
        let right = trusting(&[(kind.as_str(), kind.about())]);
        assert!(publish(&right).is_ok());
        let wrong = trusting(&[(kind.as_str(), About::Member)]);
        assert!(matches!(publish(&wrong), Err(ProfileError::StatementKind { .. })));
    }
}

#[test]
fn a_profile_has_few_kinds_and_none_that_look_alike() {
    let twins = trusting(&[("blurred", About::Product), ("Blurred", About::Product)]);
    assert!(matches!(publish(&twins), Err(ProfileError::LookAlike { what: "statements", .. })));
    let many = |count: usize| {
        let kinds: Vec<_> = (0..count).map(|one| format!("kind {one}")).collect();
        let kinds: Vec<_> = kinds.iter().map(|one| (one.as_str(), About::Space)).collect();
        publish(&trusting(&kinds)).is_ok()
    };
    assert!(many(STATEMENT_KINDS_MAX) && !many(STATEMENT_KINDS_MAX + 1));
}
