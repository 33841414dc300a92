//! The consumer's side of an access.

use dataspace_identity::Did;
use dataspace_policy::Action;
use dataspace_primitives::{Name, SignError, Signed, Signer, Verified};
use dataspace_usage_contract::{AccessRequest, Agreement, Statements, contract_id};
use serde_bytes::ByteArray;
use thiserror::Error;

use crate::clock::Clock;
use crate::random::{RandomError, SystemRandomness, nonce};

/// Why a request cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// No randomness for the nonce.
    #[error("no nonce can be drawn")]
    Random(#[from] RandomError),
    /// The contract is somebody else's.
    #[error("the contract is one of `{consumer}`, whose key this is not")]
    NotTheConsumer {
        /// The contract's consumer.
        consumer: Did,
    },
    /// It cannot be signed.
    #[error("the request cannot be signed")]
    Sign(#[from] SignError),
}

/// As the consumer: states in a signed request what to do under a contract, and what for. Good
/// for one access, within the space's time for requests, at the node that the contract names.
///
/// # Errors
/// [`RequestError`] if the contract is another consumer's, or no nonce can be drawn.
pub fn request_access(
    consumer: &dyn Signer,
    agreement: &Verified<Agreement>,
    action: Action,
    purpose: Name,
    clock: &dyn Clock,
) -> Result<Signed<AccessRequest>, RequestError> {
    request_access_stating(consumer, agreement, action, purpose, Statements::default(), clock)
}

/// The same with more statements, for contracts that ask for them.
///
/// # Errors
/// [`RequestError`] if the contract is another consumer's, or no nonce can be drawn.
pub fn request_access_stating(
    consumer: &dyn Signer,
    agreement: &Verified<Agreement>,
    action: Action,
    purpose: Name,
    statements: Statements,
    clock: &dyn Clock,
) -> Result<Signed<AccessRequest>, RequestError> {
    let contract = contract_id(agreement);
    let agreement = agreement.value();
    if !agreement.consumer.owns(consumer.key_id()) {
        return Err(RequestError::NotTheConsumer { consumer: agreement.consumer.clone() });
    }
    let request = AccessRequest {
        contract,
        log: agreement.log.clone(),
        consumer: agreement.consumer.clone(),
        action,
        purpose,
        statements,
        requested_at: clock.now(),
        nonce: ByteArray::new(nonce(&SystemRandomness)?),
    };
    Ok(Signed::sign(&request, consumer)?)
}
