//! The beginning of an answer that comes in frames.

use std::io::{self, Read};

use dataspace_primitives::Digest;

use crate::consumer::error::ConsumerError;
use crate::exchange::frame::Frame;
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
