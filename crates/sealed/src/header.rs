//! What a sealed file says about itself, and its limits.

use dataspace_primitives::{Digest, Name, cbor};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use thiserror::Error;

/// Most bytes of content in one sealed file, 1 TiB: 2^36 blocks of AES, so that by the bound for
/// confidentiality of AES-GCM an attacker's advantage stays under 2^-57, as in TLS 1.3.
pub const CONTENT_LEN_MAX: u64 = 1 << 40;

/// Bytes of the random salt.
pub const SALT_LEN: usize = 32;

const VERSION: u64 = 1;
const SUITE: &str = "X25519-HKDF-SHA256-AES256GCM";

/// Bytes of content in each chunk but the last: a power of two from 1 KiB to 1 MiB.
///
/// The default is 64 KiB: a chunk stays in a processor's nearest caches while it is encrypted and copied, its tag of 16
/// bytes and the nonce cost next to nothing, and a short range needs no more than two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkLen {
    log2: u8,
}

/// Not a power of two from 1 KiB to 1 MiB.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a chunk's length is a power of two from 1 KiB to 1 MiB")]
pub struct InvalidChunkLen;

impl ChunkLen {
    /// 1 KiB.
    pub const MIN: Self = Self { log2: 10 };
    /// 1 MiB.
    pub const MAX: Self = Self { log2: 20 };

    /// Takes a number of bytes.
    ///
    /// # Errors
    /// [`InvalidChunkLen`] if it is no power of two from 1 KiB to 1 MiB.
    pub fn new(bytes: u64) -> Result<Self, InvalidChunkLen> {
        let log2 = u8::try_from(bytes.trailing_zeros()).map_err(|_| InvalidChunkLen)?;
        let len = Self { log2 };
        let is_good = bytes.is_power_of_two() && (Self::MIN..=Self::MAX).contains(&len);
        if is_good { Ok(len) } else { Err(InvalidChunkLen) }
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        1 << self.log2
    }

    /// The number of bytes, for a buffer.
    pub(crate) const fn in_memory(self) -> usize {
        1 << self.log2
    }
}

impl Default for ChunkLen {
    fn default() -> Self {
        Self { log2: 16 }
    }
}

/// What a sealed file says about itself, in the clear: for which contract and product it is, how it
/// is cut, the salt of its keys. Every key and every chunk is bound to all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    wire: Wire,
    chunk_len: ChunkLen,
    bytes: Vec<u8>,
}

/// Why bytes are not taken for a header.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InvalidHeader {
    /// Not the one encoding of a header.
    #[error("the header of the sealed file is malformed")]
    Form(#[from] cbor::DecodeError),
    /// Of a later version of the format.
    #[error("the sealed file has another version than {VERSION}; use a newer release")]
    Version,
    /// Sealed by algorithms that are not known here.
    #[error("the sealed file uses other algorithms than {SUITE}")]
    Suite,
    /// A length of chunks that is not allowed.
    #[error(transparent)]
    ChunkLen(#[from] InvalidChunkLen),
    /// Longer than [`CONTENT_LEN_MAX`].
    #[error("the sealed file declares more content than {CONTENT_LEN_MAX} bytes")]
    TooLong,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wire {
    v: u64,
    suite: String,
    contract: Digest,
    product: Name,
    chunk_len: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_len: Option<u64>,
    salt: ByteArray<SALT_LEN>,
}

impl Header {
    pub(crate) fn new(
        contract: Digest,
        product: Name,
        chunk_len: ChunkLen,
        content_len: Option<u64>,
        salt: [u8; SALT_LEN],
    ) -> Result<Self, cbor::EncodeError> {
        let wire = Wire {
            v: VERSION,
            suite: SUITE.to_owned(),
            contract,
            product,
            chunk_len: chunk_len.bytes(),
            content_len,
            salt: ByteArray::new(salt),
        };
        let bytes = cbor::to_canonical(&wire)?;
        Ok(Self { wire, chunk_len, bytes })
    }

    pub(crate) fn from_canonical(bytes: Vec<u8>, len_max: usize) -> Result<Self, InvalidHeader> {
        let wire: Wire = cbor::from_canonical(&bytes, len_max)?;
        if wire.v != VERSION {
            return Err(InvalidHeader::Version);
        }
        if wire.suite != SUITE {
            return Err(InvalidHeader::Suite);
        }
        if wire.content_len.is_some_and(|len| len > CONTENT_LEN_MAX) {
            return Err(InvalidHeader::TooLong);
        }
        let chunk_len = ChunkLen::new(wire.chunk_len)?;
        Ok(Self { wire, chunk_len, bytes })
    }

    /// The header's canonical bytes, as they are in the file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The SHA-256 of the header's canonical bytes. No two files share it: the salt is in it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// Id of the contract for which the file was sealed, the only one for which it can be opened.
    #[must_use]
    pub const fn contract(&self) -> &Digest {
        &self.wire.contract
    }

    /// The product whose content it is.
    #[must_use]
    pub const fn product(&self) -> &Name {
        &self.wire.product
    }

    /// Bytes of content in each chunk but the last.
    #[must_use]
    pub const fn chunk_len(&self) -> ChunkLen {
        self.chunk_len
    }

    /// Bytes of the content, if they were known when sealing began; at most [`CONTENT_LEN_MAX`].
    #[must_use]
    pub const fn content_len(&self) -> Option<u64> {
        self.wire.content_len
    }

    /// The random salt of the file's keys.
    #[must_use]
    pub fn salt(&self) -> &[u8; SALT_LEN] {
        &self.wire.salt
    }
}
