//! The consumer's side of an access.

use dataspace_identity::SecretKey;
use dataspace_policy::Action;
use dataspace_primitives::{Name, SignError, Signed};
use dataspace_usage_contract::{AccessRequest, ContractId, Statements};
use serde_bytes::ByteArray;
use thiserror::Error;

use crate::clock::Clock;
use crate::random::{RandomError, nonce};

/// Why a request cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// No randomness for the nonce.
    #[error("no nonce can be drawn")]
    Random(#[from] RandomError),
    /// It cannot be signed.
    #[error("the request cannot be signed")]
    Sign(#[from] SignError),
}

/// As the consumer: states in a signed request what to do under a contract, and what for. Good
/// for one access, within the space's time for requests.
///
/// # Errors
/// [`RequestError`] if no nonce can be drawn.
pub fn request_access(
    consumer: &SecretKey,
    contract: ContractId,
    action: Action,
    purpose: Name,
    clock: &dyn Clock,
) -> Result<Signed<AccessRequest>, RequestError> {
    request_access_stating(consumer, contract, action, purpose, Statements::default(), clock)
}

/// The same with more statements, for contracts that ask for them.
///
/// # Errors
/// [`RequestError`] if no nonce can be drawn.
pub fn request_access_stating(
    consumer: &SecretKey,
    contract: ContractId,
    action: Action,
    purpose: Name,
    statements: Statements,
    clock: &dyn Clock,
) -> Result<Signed<AccessRequest>, RequestError> {
    let request = AccessRequest {
        contract,
        consumer: consumer.did().clone(),
        action,
        purpose,
        statements,
        requested_at: clock.now(),
        nonce: ByteArray::new(nonce()?),
    };
    Ok(Signed::sign(&request, consumer)?)
}
