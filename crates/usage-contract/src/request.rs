use dataspace_identity::Did;
use dataspace_policy::Action;
use dataspace_primitives::{Name, Payload, UnixMillis};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

use crate::id::ContractId;

/// A consumer's signed request for one access: its statement of purpose, which the provider keeps
/// as evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AccessRequest {
    /// Under which contract.
    pub contract: ContractId,
    /// Who asks and signs.
    pub consumer: Did,
    /// What to do.
    pub action: Action,
    /// What for.
    pub purpose: Name,
    /// When it was asked, by the consumer's clock.
    pub requested_at: UnixMillis,
    /// 16 random bytes: no two requests are alike, so a replay is found out.
    pub nonce: ByteArray<16>,
}

impl Payload for AccessRequest {
    const TYPE: &'static str = "application/vnd.dataspace.access-request+cbor";
}
