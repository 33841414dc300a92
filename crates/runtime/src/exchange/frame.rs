//! The answer to an access, frame by frame: a CBOR sequence (RFC 8742) of byte strings, each with one
//! encoded frame in it. First `permitted` or `denied`, then the pieces, then `end`. Without an `end`, it
//! was cut off.

use std::io::{ErrorKind, Read};

use dataspace_primitives::Digest;
use dataspace_primitives::bounded;
use dataspace_primitives::cbor;
#[cfg(feature = "provider")]
use dataspace_primitives::cbor::EncodeError;
use dataspace_tlog::{LeafIndex, record::TEXTS_MAX, tree::PATH_LEN_MAX};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::exchange::MessageError;

/// Longest frame, in bytes: with the longest row that a node reads, all of it quotes.
pub(crate) const FRAME_LEN_MAX: usize = 34 << 20;
/// Most columns of a table: as many as the data plane takes, which a consumer does not build.
const COLUMNS_MAX: usize = 4_096;
#[cfg(feature = "provider")]
const _: () = assert!(COLUMNS_MAX == dataspace_data_plane::chunk::COLUMNS_MAX);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Frame {
    /// The access is permitted, as this record says.
    Permitted {
        record: LeafIndex,
        /// The columns, if these are rows.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "columns")]
        columns: Option<Vec<String>>,
    },
    /// The access is denied, as this record says.
    Denied {
        record: LeafIndex,
        #[serde(deserialize_with = "bounded::list::<_, _, TEXTS_MAX>")]
        reasons: Vec<String>,
    },
    /// Whole rows as CSV (RFC 4180, with `\n`), without a header.
    Rows { csv: ByteBuf },
    /// Bytes of a file, from this place on.
    Bytes { at: u64, bytes: ByteBuf },
    /// There is no more.
    End {
        /// Why this is not all of it; `None` if it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stopped: Option<String>,
        /// Evidence of the decision; `None` if the provider cannot show it now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<ByteBuf>,
        /// That its checkpoint extends the one that the consumer holds, or the other way round.
        #[serde(deserialize_with = "bounded::list::<_, _, PATH_LEN_MAX>")]
        path: Vec<Digest>,
    },
}

fn columns<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    bounded::list::<_, _, COLUMNS_MAX>(from).map(Some)
}

/// Why a frame is not sent; not told to the consumer.
#[cfg(feature = "provider")]
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a row is too long to be sent")]
    Len,
    #[error(transparent)]
    Release(#[from] crate::access::release::ReleaseError),
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl Frame {
    #[cfg(feature = "provider")]
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, FrameError> {
        let frame = ByteBuf::from(cbor::to_canonical(self)?);
        if frame.len() > FRAME_LEN_MAX {
            return Err(FrameError::Len);
        }
        Ok(cbor::to_canonical(&frame)?)
    }

    /// The next frame; `None` where nothing more comes.
    pub(crate) fn read(from: &mut impl Read) -> Result<Option<Self>, MessageError> {
        let malformed = |what| MessageError::Malformed { what };
        let Some(len) = read_head(from)? else { return Ok(None) };
        if len > u64::try_from(FRAME_LEN_MAX).unwrap_or(u64::MAX) {
            return Err(malformed("a frame is too long"));
        }
        // Memory grows with what has come, not with what was announced.
        let mut bytes = Vec::new();
        from.take(len).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).ok() != Some(len) {
            return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
        }
        let frame = cbor::from_canonical(&bytes, FRAME_LEN_MAX);
        frame.map(Some).map_err(|_| malformed("there is something else than a frame"))
    }
}

/// The length of the next byte string, in its one encoding (RFC 8949 §4.2.1).
fn read_head(from: &mut impl Read) -> Result<Option<u64>, MessageError> {
    let mut first = [0];
    loop {
        match from.read(&mut first) {
            Ok(0) => return Ok(None),
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let malformed = MessageError::Malformed { what: "there is something else than a frame" };
    let [first] = first;
    let (major, more) = (first >> 5, first & 0x1f);
    let (bytes, least) = match more {
        0..=23 => (0, 0),
        24 => (1, 24),
        25 => (2, 1 << 8),
        26 => (4, 1 << 16),
        _ => return Err(malformed),
    };
    if major != 2 {
        return Err(malformed);
    }
    if bytes == 0 {
        return Ok(Some(more.into()));
    }
    let mut len = [0; 8];
    let at = len.len().saturating_sub(bytes);
    let (_, tail) = len.split_at_mut(at);
    from.read_exact(tail)?;
    let len = u64::from_be_bytes(len);
    if len < least { Err(malformed) } else { Ok(Some(len)) }
}
