//! The bytes of signed documents, pinned: what is in people's hands depends on them.

use dataspace_primitives::{Part, Payload, Signed, Signer};
use dataspace_usage_contract::{
    AccessRequest, ProviderPolicies, StatedEnvironment, StatedPerson, Statements, contract_id,
};
use serde_bytes::ByteArray;

use crate::support::{
    accepted, agreement, consumer, log, name, now, offer, provider, space, verified,
};
use crate::{deletion::deletion, profile::profile, statement::statement, termination::termination};

/// Compares with a file in `vectors/documents`, or writes it where `UPDATE_GOLDEN` is set.
fn assert_is_pinned<T>(name: &str, signed: &Signed<T>) {
    let lines = signed.as_bytes().chunks(40);
    let found: String = lines
        .map(|line| line.iter().map(|b| format!("{b:02x}")).collect::<String>() + "\n")
        .collect();
    let path = format!("{}/../../vectors/documents/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), found, "{name}");
}

fn assert_signed_is_pinned<T: Payload>(name: &str, document: &T, by: &dyn Signer) {
    assert_is_pinned(name, &Signed::sign(document, by).unwrap());
}

#[test]
fn the_bytes_of_offer_acceptance_and_agreement_are_pinned() {
    let offer = verified(&offer());
    assert_is_pinned("offer", offer.signed());
    assert_is_pinned("acceptance", accepted(&offer, &consumer()).signed());
    assert_is_pinned("agreement", agreement().signed());
}

#[test]
fn the_bytes_of_a_profile_are_pinned() {
    assert_signed_is_pinned("space-profile", &profile(), &provider());
}

#[test]
fn the_bytes_of_a_termination_are_pinned() {
    assert_signed_is_pinned("termination", &termination(&consumer()), &consumer());
}

#[test]
fn the_bytes_of_a_deletion_are_pinned() {
    assert_signed_is_pinned("deletion", &deletion(), &consumer());
}

#[test]
fn the_bytes_of_a_providers_policies_are_pinned() {
    let cedar = "@id(\"f\") forbid(principal, action, resource);".to_owned();
    let policies = ProviderPolicies { space: space(), log: log(), version: 1, cedar };
    assert_signed_is_pinned("provider-policies", &policies, &provider());
}

#[test]
fn the_bytes_of_a_statement_are_pinned() {
    assert_signed_is_pinned("statement", &statement(), &consumer());
}

#[test]
fn the_bytes_of_a_request_are_pinned() {
    let statements = Statements {
        recipient_region: Some("FR".parse().unwrap()),
        person: Some(StatedPerson { id: name("42"), roles: [name("engineer")].into() }),
        environment: Some(StatedEnvironment {
            id: name("lab"),
            sandbox: true,
            security_level: 2,
            connector: name("edc"),
            application: name("notebook"),
        }),
    };
    let request = AccessRequest {
        contract: contract_id(&agreement()),
        log: log(),
        consumer: consumer().did().clone(),
        action: dataspace_policy::Action::Read,
        purpose: name("research"),
        statements,
        part: None,
        seal_for: None,
        requested_at: now(),
        nonce: ByteArray::new([7; 16]),
    };
    assert_signed_is_pinned("access-request", &request, &consumer());
    let columns = [name("alloy"), name("strength")].into();
    let part = Some(Part::rows(Some(columns), Some(100)).unwrap());
    let request = AccessRequest { part, ..request };
    assert_signed_is_pinned("access-request-rows", &request, &consumer());
    let request = AccessRequest { part: Some(Part::bytes(0, 1_024).unwrap()), ..request };
    assert_signed_is_pinned("access-request-bytes", &request, &consumer());
    let seal_for = Some(ByteArray::new([9; 32]));
    let request = AccessRequest { part: None, seal_for, ..request };
    assert_signed_is_pinned("access-request-sealed", &request, &consumer());
}
