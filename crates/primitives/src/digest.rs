//! SHA-256.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::str::FromStr;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// A SHA-256 digest (FIPS 180-4), 32 bytes. On the wire a CBOR byte string; as text
/// `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest([u8; Digest::LEN]);

/// Half of the digest will do to tell digests apart in a table, and nobody finds two that share it.
impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let half = self.0.first_chunk().copied().unwrap_or_default();
        state.write_u128(u128::from_ne_bytes(half));
    }
}

impl Digest {
    /// Bytes in a digest.
    pub const LEN: usize = 32;

    /// The SHA-256 of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The SHA-256 of the concatenation of `parts`, without building it.
    #[must_use]
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// The SHA-256 of everything that the reader gives, of any length, in 64 KiB of memory.
    ///
    /// # Errors
    /// That of reading.
    pub fn of_reader(mut from: impl Read) -> io::Result<Self> {
        let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match from.read(&mut buffer)? {
                0 => return Ok(Self(hasher.finalize().into())),
                len => hasher.update(buffer.get(..len).unwrap_or_default()),
            }
        }
    }

    /// Takes 32 bytes that already are a SHA-256 digest.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// All digits, lower case, for the name of a file.
    #[must_use]
    pub fn to_hex(self) -> String {
        let text = self.to_string();
        text.strip_prefix("sha256:").unwrap_or(&text).to_owned()
    }

    /// The first 12 hexadecimal digits: enough for a person to tell two apart, never enough to
    /// identify one.
    #[must_use]
    pub fn to_short(self) -> String {
        self.to_string().chars().skip("sha256:".len()).take(12).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a digest is `sha256:` and 64 lower-case hexadecimal digits")]
pub struct ParseDigestError;

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = text.strip_prefix("sha256:").ok_or(ParseDigestError)?;
        let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
        if pairs.len() != Self::LEN || !rest.is_empty() {
            return Err(ParseDigestError);
        }
        let mut bytes = [0; Self::LEN];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Result<u8, ParseDigestError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(ParseDigestError),
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
        let bytes = <[u8; Self::LEN]>::try_from(bytes.as_slice())
            .map_err(|_| D::Error::invalid_length(bytes.len(), &"32 bytes"))?;
        Ok(Self(bytes))
    }
}
