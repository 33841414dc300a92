//! Requests for access.

use std::collections::BTreeSet;

use dataspace_identity::{Did, Origin};
use dataspace_policy::{
    Action,
    facts::{Environment, Told},
};
use dataspace_primitives::{Digest, Name, Part, Payload, Region, UnixMillis, bounded};
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
    /// The provider's node that is asked, the one where the contract runs.
    pub log: Origin,
    /// Who asks and signs.
    pub consumer: Did,
    /// The action.
    pub action: Action,
    /// The purpose.
    pub purpose: Name,
    /// Further statements.
    #[serde(default, skip_serializing_if = "Statements::is_empty")]
    pub statements: Statements,
    /// Which part of the product; `None` for all that the contract releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The X25519 public key (RFC 7748) of the consumer for which what is released is to be sealed; `None` if it is to
    /// come in plain. The consumer signs it with the rest, so that nobody can put another key in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal_for: Option<ByteArray<32>>,
    /// When it was asked, by the consumer's clock: what is too old or lies ahead is refused. Nothing
    /// else depends on it; decisions are made on the provider's time.
    pub requested_at: UnixMillis,
    /// 16 random bytes: no two requests are alike, so a replay is found out.
    pub nonce: ByteArray<16>,
}

/// A consumer's signed request for the rest of an answer that broke off. It is the same access, and takes no use.
///
/// It is not part of any evidence, so that who is shown an [`AccessRequest`] later cannot ask in its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ResumeRequest {
    /// SHA-256 of the signed [`AccessRequest`].
    pub request: Digest,
    /// The provider's node that was asked.
    pub log: Origin,
    /// Who asked then, asks now, and signs.
    pub consumer: Did,
    /// Bytes of the content that came: of rows as CSV, or of the file.
    pub bytes: u64,
    /// SHA-256 of them.
    pub content: Digest,
    /// When it was asked, by the consumer's clock; as for an access.
    pub requested_at: UnixMillis,
    /// 16 random bytes: a replay is found out.
    pub nonce: ByteArray<16>,
}

impl Payload for ResumeRequest {
    const TYPE: &'static str = "application/vnd.dataspace.resume-request+cbor";
}

/// A consumer's statements about an access beside its purpose. Nobody checks it, but it is signed
/// and kept. What it leaves out is not known: a permission that asks for it does not permit, a
/// prohibition that asks for it forbids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Statements {
    /// Where the data go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_region: Option<Region>,
    /// Who acts for the consumer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<StatedPerson>,
    /// In what the data are used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<StatedEnvironment>,
}

/// Most roles of a [`StatedPerson`].
pub const PERSON_ROLES_MAX: usize = 16;

/// A person or machine that acts for the consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StatedPerson {
    /// The consumer's name for it.
    pub id: Name,
    /// Its roles, at most [`PERSON_ROLES_MAX`].
    #[serde(deserialize_with = "bounded::set::<_, _, PERSON_ROLES_MAX>")]
    pub roles: BTreeSet<Name>,
}

/// Where the data will be used. A consumer cannot claim attestation for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StatedEnvironment {
    /// The consumer's name for it.
    pub id: Name,
    /// True if data cannot leave it.
    pub sandbox: bool,
    /// Security level; more is safer.
    pub security_level: u32,
    /// The connector.
    pub connector: Name,
    /// The application.
    pub application: Name,
}

impl Statements {
    /// As facts, but for the person.
    #[must_use]
    pub fn told(&self) -> Told<'_> {
        let environment = self.environment.as_ref().map(|one| Environment {
            id: one.id.as_str(),
            // Its own word would be none.
            attested: None,
            sandbox: one.sandbox,
            security_level: one.security_level,
            connector: one.connector.as_str(),
            application: one.application.as_str(),
        });
        Told { environment, recipient_region: self.recipient_region }
    }

    /// Returns true if nothing is stated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Payload for AccessRequest {
    const TYPE: &'static str = "application/vnd.dataspace.access-request+cbor";
}
