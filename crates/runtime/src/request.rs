//! The consumer's side of an access.

use dataspace_identity::{Did, Origin};
use dataspace_policy::Action;
use dataspace_primitives::{
    Digest, Name, Part, Signed, Signer, UnixMillis, Verified, signed::SignError,
};
use dataspace_usage_contract::{AccessRequest, Agreement, ResumeRequest, Statements, contract_id};
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
    #[error("the contract belongs to `{consumer}`, and this is not its key")]
    NotTheConsumer {
        /// The contract's consumer.
        consumer: Did,
    },
    /// It cannot be signed.
    #[error("the request cannot be signed")]
    Sign(#[from] SignError),
}

/// A consumer's new request.
#[derive(Clone, Debug)]
pub struct NewRequest {
    /// The action.
    pub action: Action,
    /// The purpose.
    pub purpose: Name,
    /// Further statements, for contracts that need them.
    pub statements: Statements,
    /// Which part of the product; `None` for all that the contract releases.
    pub part: Option<Part>,
}

impl NewRequest {
    /// All that the contract releases, for this purpose, without further statements.
    #[must_use]
    pub fn new(action: Action, purpose: Name) -> Self {
        Self { action, purpose, statements: Statements::default(), part: None }
    }
}

/// Signs a consumer's request for one access under a contract. It is good once, within the time that the
/// space allows for requests, at the node that the contract names.
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
    request_access_to(consumer, agreement, NewRequest::new(action, purpose), clock)
}

/// The same with more statements, or for a part of the product.
///
/// # Errors
/// [`RequestError`] if the contract is another consumer's, or no nonce can be drawn.
pub fn request_access_to(
    consumer: &dyn Signer,
    agreement: &Verified<Agreement>,
    new: NewRequest,
    clock: &dyn Clock,
) -> Result<Signed<AccessRequest>, RequestError> {
    sign_request(consumer, agreement, (new, None), clock.now())
}

/// Signs a consumer's request for one access whose data are to come as a sealed file, which `recipient`'s secret key
/// opens: for a consumer that keeps its keys otherwise than in a [`SealedStore`](crate::consumer::sealed::SealedStore).
///
/// # Errors
/// [`RequestError`] if the contract is another consumer's, or no nonce can be drawn.
#[cfg(feature = "sealed")]
pub fn request_sealed(
    consumer: &dyn Signer,
    agreement: &Verified<Agreement>,
    (new, recipient): (NewRequest, &dataspace_sealed::Recipient),
    clock: &dyn Clock,
) -> Result<Signed<AccessRequest>, RequestError> {
    sign_request(consumer, agreement, (new, Some(*recipient.as_bytes())), clock.now())
}

/// Signs a consumer's request for what comes after the content with this length and digest.
pub(crate) fn sign_resuming(
    (consumer, signer): (&Did, &dyn Signer),
    (request, log): (Digest, &Origin),
    (bytes, content): (u64, Digest),
    requested_at: UnixMillis,
) -> Result<Signed<ResumeRequest>, RequestError> {
    let (consumer, log) = (consumer.clone(), log.clone());
    let nonce = ByteArray::new(nonce(&SystemRandomness)?);
    let request = ResumeRequest { request, log, consumer, bytes, content, requested_at, nonce };
    Ok(Signed::sign(&request, signer)?)
}

pub(crate) fn sign_request(
    consumer: &dyn Signer,
    agreement: &Verified<Agreement>,
    (new, seal_for): (NewRequest, Option<[u8; 32]>),
    requested_at: UnixMillis,
) -> Result<Signed<AccessRequest>, RequestError> {
    let contract = contract_id(agreement);
    let agreement = agreement.value();
    if !agreement.consumer.owns(consumer.key_id()) {
        return Err(RequestError::NotTheConsumer { consumer: agreement.consumer.clone() });
    }
    let NewRequest { action, purpose, statements, part } = new;
    let request = AccessRequest {
        contract,
        log: agreement.log.clone(),
        consumer: agreement.consumer.clone(),
        action,
        purpose,
        statements,
        part,
        seal_for: seal_for.map(ByteArray::new),
        requested_at,
        nonce: ByteArray::new(nonce(&SystemRandomness)?),
    };
    Ok(Signed::sign(&request, consumer)?)
}
