//! The beginning of an answer that comes in frames.

use std::io::{self, Read};

use dataspace_primitives::{Digest, Signed};
use dataspace_tlog::TreeSize;
use dataspace_usage_contract::AccessRequest;
use serde_bytes::ByteBuf;

use crate::consumer::error::ConsumerError;
use crate::exchange::frame::Frame;
use crate::exchange::message::{ResumeCall, body};
use crate::exchange::{Call, CallError, MessageError, Transport};

/// The first frame of an answer, and the rest of it.
pub(super) type Began = (Frame, Box<dyn Read + Send>);

/// Makes a call whose answer comes in frames.
pub(super) fn begin(
    provider: &dyn Transport,
    call: Call,
    body: Vec<u8>,
) -> Result<Began, ConsumerError> {
    let mut answer = provider.call(call, body)?;
    let first = Frame::read(&mut answer)?;
    let first = first.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof));
    Ok((first.map_err(MessageError::from)?, answer))
}

/// Asks for what comes after the content with this length and digest.
pub(super) fn begin_after(
    provider: &dyn Transport,
    request: &Signed<AccessRequest>,
    (bytes, content): (u64, Digest),
    held: TreeSize,
) -> Result<Began, ConsumerError> {
    let request = ByteBuf::from(request.as_bytes());
    begin(provider, Call::Resume, body(&ResumeCall { request, bytes, content, held })?)
}

/// Nothing, and its digest.
pub(super) fn nothing() -> (u64, Digest) {
    (0, Digest::of(b""))
}

/// Returns true if the provider may have answered, and the answer was lost.
pub(super) fn is_lost(error: &ConsumerError) -> bool {
    matches!(
        error,
        ConsumerError::Call(CallError::Io(_)) | ConsumerError::Message(MessageError::Io(_))
    )
}
