//! Bodies of calls, and answers that are read at once.

use std::io::Read;

use dataspace_identity::keys::KEY_DOCUMENTS_MAX;
#[cfg(feature = "provider")]
use dataspace_primitives::cbor::DecodeError;
use dataspace_primitives::cbor::{self, EncodeError};
use dataspace_primitives::{Digest, bounded};
use dataspace_tlog::{TreeSize, tree::PATH_LEN_MAX};
use dataspace_usage_contract::OfferId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::entries::PAGE_MAX;
#[cfg(feature = "provider")]
use crate::exchange::CALL_LEN_MAX;
use crate::exchange::MessageError;

/// Longest answer that is read at once: a page of the catalogue.
pub(crate) const ANSWER_LEN_MAX: usize = 8 << 20;
/// About the longest that the offers of one page are together.
#[cfg(feature = "provider")]
pub(crate) const CATALOGUE_LEN_MAX: usize = 256 << 10;

/// Body of [`Call::Catalogue`](crate::Call::Catalogue).
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct CatalogueCall {
    /// Offers after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<OfferId>,
}

/// A page of the catalogue. Everything in it is signed, and is verified by who reads it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Catalogue {
    /// The profile in force.
    pub(crate) profile: ByteBuf,
    /// The provider's credential.
    pub(crate) provider: ByteBuf,
    /// Its key documents, oldest first.
    #[serde(deserialize_with = "bounded::list::<_, _, KEY_DOCUMENTS_MAX>")]
    pub(crate) keys: Vec<ByteBuf>,
    #[serde(deserialize_with = "bounded::list::<_, _, PAGE_MAX>")]
    pub(crate) offers: Vec<ByteBuf>,
    /// Where the next page goes on; `None` at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<OfferId>,
}

/// Body of [`Call::Conclude`](crate::Call::Conclude).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ConcludeCall {
    pub(crate) offer: ByteBuf,
    pub(crate) acceptance: ByteBuf,
}

/// Body of [`Call::Access`](crate::Call::Access).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct AccessCall {
    pub(crate) request: ByteBuf,
    /// Records under the checkpoint of the provider's log that the consumer holds.
    pub(crate) held: TreeSize,
}

/// Body of [`Call::Resume`](crate::Call::Resume).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ResumeCall {
    /// A signed [`ResumeRequest`](dataspace_usage_contract::ResumeRequest).
    pub(crate) request: ByteBuf,
    /// As for the access.
    pub(crate) held: TreeSize,
}

pub(crate) fn body<T: Serialize>(message: &T) -> Result<Vec<u8>, EncodeError> {
    cbor::to_canonical(message)
}

#[cfg(feature = "provider")]
pub(crate) fn read_body<T: Serialize + DeserializeOwned>(body: &[u8]) -> Result<T, DecodeError> {
    cbor::from_canonical(body, CALL_LEN_MAX)
}

/// A whole answer, of a bounded length.
pub(crate) fn read_whole(answer: impl Read) -> Result<Vec<u8>, MessageError> {
    let (mut bytes, limit) = (Vec::new(), u64::try_from(ANSWER_LEN_MAX).unwrap_or(u64::MAX));
    answer.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > ANSWER_LEN_MAX {
        return Err(MessageError::Malformed { what: "it is too long" });
    }
    Ok(bytes)
}

pub(crate) fn read_answer<T: Serialize + DeserializeOwned>(
    answer: impl Read,
) -> Result<T, MessageError> {
    let read = cbor::from_canonical(&read_whole(answer)?, ANSWER_LEN_MAX);
    read.map_err(|_| MessageError::Malformed { what: "it is something else" })
}

/// Body of [`Call::Consistency`](crate::Call::Consistency).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ConsistencyCall {
    pub(crate) from: TreeSize,
    pub(crate) to: TreeSize,
}

/// Answer to it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Consistency {
    #[serde(deserialize_with = "bounded::list::<_, _, PATH_LEN_MAX>")]
    pub(crate) path: Vec<Digest>,
}
