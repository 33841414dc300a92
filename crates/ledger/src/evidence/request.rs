//! What the consumer asked for, by its own signature.

use dataspace_identity::{Resolver, credential::CLOCK_SKEW};
use dataspace_primitives::{Digest, Signed, UnixMillis, Verified};
use dataspace_usage_contract::{AccessRequest, Agreement, contract_id};

use crate::evidence::error::EvidenceError;
use crate::evidence::part::Part;
use crate::times::REQUEST_AGE_MAX;

/// Checks that `request` is the one that was `decided` at a time, and that the consumer of the
/// agreement signed it for this contract.
pub(super) fn check(
    request: Vec<u8>,
    agreement: &Verified<Agreement>,
    decided: (Digest, UnixMillis),
    resolver: &dyn Resolver,
) -> Result<Verified<AccessRequest>, EvidenceError> {
    let (recorded, decided_at) = decided;
    if Digest::of(&request) != recorded {
        return Err(EvidenceError::OtherRequest { recorded });
    }
    let request = Signed::<AccessRequest>::from_bytes(request)
        .map_err(|source| EvidenceError::Document { part: Part::Request, source })?;
    let Agreement { consumer, log, .. } = agreement.value();
    let request = request
        .verify(&resolver.keys(consumer), decided_at)
        .map_err(EvidenceError::RequestSignature)?;
    let value = request.value();
    let other = |what, found| Err(EvidenceError::RequestFor { what, found });
    if value.consumer != *consumer {
        return other("consumer", value.consumer.to_string());
    }
    if value.contract != contract_id(agreement) {
        return other("contract", value.contract.to_string());
    }
    if value.log != *log {
        return other("log", value.log.to_string());
    }
    let requested_at = value.requested_at;
    if decided_at.since(requested_at) > REQUEST_AGE_MAX
        || requested_at.since(decided_at) > CLOCK_SKEW
    {
        return Err(EvidenceError::RequestTime { requested_at, decided_at });
    }
    Ok(request)
}
