//! Signed documents, as records hold them.

use dataspace_primitives::{Payload, Signed};
use serde_bytes::ByteBuf;

use crate::refusal::Refusal;

pub(crate) fn document<T>(signed: &Signed<T>) -> ByteBuf {
    ByteBuf::from(signed.as_bytes().to_vec())
}

pub(crate) fn signed<T: Payload>(document: ByteBuf) -> Result<Signed<T>, Refusal> {
    Ok(Signed::from_bytes(document.into_vec())?)
}
