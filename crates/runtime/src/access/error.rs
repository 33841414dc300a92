//! Why an access comes to no decision.

use dataspace_audit_log::append::AppendError;
use dataspace_identity::Origin;
use dataspace_ledger::{DenialReason, Refusal};
use dataspace_primitives::UnixMillis;
use dataspace_primitives::cbor::DecodeError;
use dataspace_usage_contract::ContractId;
use thiserror::Error;

use crate::clock::ClockError;

/// Why an access came to no decision. (A denial is a decision, not an error.)
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The clock is wrong.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The request is for another node, be it of the same provider.
    #[error("the request is for the log `{found}`; the log of this node is `{expected}`")]
    OtherNode {
        /// This node's log.
        expected: Origin,
        /// The log that the request names.
        found: Origin,
    },
    /// No such contract here.
    #[error("there is no contract `{contract}` here")]
    UnknownContract {
        /// The contract that the request names.
        contract: ContractId,
    },
    /// The documents of the contract cannot be read from the log, or do not hold.
    #[error("contract `{contract}` cannot be read")]
    Contract {
        /// The contract.
        contract: ContractId,
        /// Why.
        source: Box<Refusal>,
    },
    /// Correctly signed, but its content is not a request: with more roles of a person than a
    /// request can state, for instance.
    #[error("the request is malformed")]
    Malformed(#[source] DecodeError),
    /// The request asks for a sealed file, which this node cannot make: the key is none, or the node was built without
    /// the feature `sealed`. Nothing leaves in plain in its place.
    #[error("the request asks for a sealed file: {what}")]
    Seal {
        /// What is in the way.
        what: &'static str,
    },
    /// Not signed by the contract's consumer.
    #[error("the request is not signed by the contract's consumer")]
    Signature,
    /// Made too long ago, or in the future.
    #[error(
        "the request was made at {requested_at}; now is {now}, and it may be {age_secs_max} s old"
    )]
    NotFresh {
        /// When it was made, by the consumer's clock.
        requested_at: UnixMillis,
        /// Now, by the provider's clock.
        now: UnixMillis,
        /// Oldest age that is taken, in seconds.
        age_secs_max: u32,
    },
    /// The same request was answered before.
    #[error("the request was answered before; each access needs a request of its own")]
    Replayed,
    /// A release cannot be resumed; a new request can be made, which takes a use.
    #[error("the release cannot be resumed: {0}")]
    NotResumed(#[from] NotResumed),
    /// Denied, and this consumer was denied more often lately than the space's profile has recorded one by
    /// one. The denial is counted, and its number recorded ([`tend`](crate::DataSpace::tend)).
    #[error(
        "denied: {}; and denied more often than {per_minute} times a minute, so this denial is only counted. Ask again after {retry_at}",
        in_words(reasons)
    )]
    TooManyDenials {
        /// Why; never empty.
        reasons: Vec<DenialReason>,
        /// Denials a minute that are recorded one by one.
        per_minute: u32,
        /// From when on a denial is recorded again.
        retry_at: UnixMillis,
    },
    /// The decision is not durable, so there is none.
    #[error("the decision cannot be recorded, so nothing is released")]
    Append(#[from] AppendError),
    /// The node is closed: its last [`DataSpace`](crate::DataSpace) was dropped.
    #[error("the node is closed; open it again")]
    Closed,
}

/// Why a release cannot be resumed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotResumed {
    /// There is none of this request, it stopped, or it broke off too long ago.
    #[error("none is waiting for this request, or no longer")]
    Unknown,
    /// It was resumed too often.
    #[error("it was resumed {max} times")]
    TooOften {
        /// The most.
        max: u32,
    },
    /// The consumer says that it has what has not left.
    #[error("it has not given out what the consumer says that it has")]
    Ahead,
    /// The contract counts plays or seconds, and more of them would leave again than can have been lost.
    #[error("more than {max} bytes of what the contract counts would leave again")]
    Lost {
        /// The most bytes.
        max: u64,
    },
    /// The data are others than those that were read.
    #[error("the data changed since it broke off")]
    Changed,
    /// The data cannot be opened now.
    #[error("{reason}")]
    Closed {
        /// Why.
        reason: Box<DenialReason>,
    },
}

/// Reasons in one line.
pub(crate) fn in_words(reasons: &[DenialReason]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
