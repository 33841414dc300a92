//! What a consumer states when it has deleted.

use std::time::Duration;

use dataspace_identity::{DidKeys, Origin};
use dataspace_primitives::{Digest, Signed, Signer, UnixMillis, cbor};
use dataspace_usage_contract::{
    ContractId, DeletionStatement, contract_id,
    deletion::{DeletionError, DeletionReason, FILES_MAX},
};

use crate::support::{agreement, consumer, log, now, provider};

/// Of the consumer, after the end of the contract.
pub(crate) fn deletion() -> DeletionStatement {
    DeletionStatement {
        contract: contract_id(&agreement()),
        log: log(),
        consumer: consumer().did().clone(),
        files: [Digest::of(b"one"), Digest::of(b"two")].into(),
        reason: DeletionReason::Expired,
        deleted_at: now(),
    }
}

fn verify(statement: &DeletionStatement, by: &dyn Signer) -> Result<(), DeletionError> {
    let statement = Signed::sign(statement, by).unwrap();
    DeletionStatement::verify(statement, &agreement(), &DidKeys, now()).map(drop)
}

fn later(secs: u64) -> UnixMillis {
    now().checked_add(Duration::from_secs(secs)).unwrap()
}

#[test]
fn the_consumer_of_the_contract_states_a_deletion() {
    verify(&deletion(), &consumer()).unwrap();
    verify(&DeletionStatement { deleted_at: later(60), ..deletion() }, &consumer()).unwrap();
    verify(&DeletionStatement { files: [].into(), ..deletion() }, &consumer()).unwrap();
}

#[test]
fn nobody_else_does() {
    let refused = verify(&deletion(), &provider()).unwrap_err();
    assert!(matches!(refused, DeletionError::Verify(_)), "{refused}");
    let own = DeletionStatement { consumer: provider().did().clone(), ..deletion() };
    let refused = verify(&own, &provider()).unwrap_err();
    assert!(matches!(refused, DeletionError::Verify(_)), "{refused}");
    let refused = verify(&own, &consumer()).unwrap_err();
    assert!(matches!(refused, DeletionError::NotTheConsumer { .. }), "{refused}");
}

#[test]
fn a_statement_counts_for_its_contract_and_node_alone() {
    let contract = ContractId::from_digest(Digest::of(b"another"));
    let refused = verify(&DeletionStatement { contract, ..deletion() }, &consumer()).unwrap_err();
    assert!(matches!(refused, DeletionError::OtherContract { .. }), "{refused}");
    let log = Origin::named(provider().did(), "another").unwrap();
    let refused = verify(&DeletionStatement { log, ..deletion() }, &consumer()).unwrap_err();
    assert!(matches!(refused, DeletionError::OtherNode { .. }), "{refused}");
}

#[test]
fn a_statement_is_not_dated_ahead() {
    let ahead = DeletionStatement { deleted_at: later(61), ..deletion() };
    let refused = verify(&ahead, &consumer()).unwrap_err();
    assert!(matches!(refused, DeletionError::Time { .. }), "{refused}");
}

#[test]
fn a_statement_names_a_bounded_number_of_files() {
    let files = |number: usize| (0..number).map(|at| Digest::of(&at.to_be_bytes())).collect();
    let most = DeletionStatement { files: files(FILES_MAX), ..deletion() };
    verify(&most, &consumer()).unwrap();
    let more = DeletionStatement { files: files(FILES_MAX + 1), ..deletion() };
    let bytes = cbor::to_canonical(&more).unwrap();
    assert!(cbor::from_canonical::<DeletionStatement>(&bytes, 1 << 20).is_err());
}
