//! Why a consumer's node does not do something.

use std::io;

use dataspace_audit_log::{error::SignCheckpointError, reader::ReadError};
use dataspace_ledger::Refusal;
use dataspace_primitives::Digest;
use dataspace_primitives::cbor::EncodeError;
use dataspace_primitives::signed::SignError;
use dataspace_tlog::witness::{FollowError, TakeError};
use dataspace_usage_contract::ContractId;
use thiserror::Error;

use crate::error::WriteError;
use crate::exchange::{CallError, MessageError};
use crate::request::RequestError;

/// Why a consumer's node does not do something.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConsumerError {
    /// It does not follow from what is in force here. The same checks run when it is read back from the log.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be signed.
    #[error("it cannot be signed")]
    Sign(#[from] SignError),
    /// The request cannot be made.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// It is recorded and **in force**; only the checkpoint after it could not be signed.
    #[error("it is recorded, but the log could not be signed after it")]
    Unsigned(#[source] SignCheckpointError),
    /// The log did not take it.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Read(#[from] ReadError),
    /// The evidence of the decision cannot be kept.
    #[error("the evidence cannot be kept")]
    Evidence(#[source] io::Error),
    /// Nothing is known of the provider's log until this node is opened again.
    #[error("what was seen of the provider's log cannot be read")]
    Follow(#[from] FollowError),
    /// The same, while it was compared.
    #[error("what was seen of the provider's log cannot be compared")]
    Seen(#[from] TakeError),
    /// The provider did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The provider's answer is not what a provider says.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// A call cannot be encoded.
    #[error("the call cannot be encoded")]
    Encode(#[from] EncodeError),
    /// The answer cannot be resumed. Ask with a new request, which takes a use.
    #[error("the answer cannot be resumed: {what}")]
    NotResumable {
        /// Why.
        what: &'static str,
    },
    /// The answer to this request is being read.
    #[error("the answer to request {request} is being read")]
    BeingRead {
        /// SHA-256 of the request.
        request: Digest,
    },
    /// There is no statement of a deletion yet.
    #[error("the keys of contract `{contract}` are not deleted yet")]
    NotDeleted {
        /// The contract.
        contract: ContractId,
    },
    /// The provider sent another contract than the one that was accepted.
    #[error("the provider sent another contract than the one that was accepted")]
    OtherContract,
    /// The provider has more offers than one catalogue may have.
    #[error("the catalogue has more than {max} offers; the first ones are kept")]
    CatalogueLen {
        /// Most offers.
        max: usize,
    },
}
