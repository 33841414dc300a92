use std::fmt;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

use crate::exchange::{KEY_LEN, TAG_LEN};

/// A content key, wrapped for one recipient, one contract and one header: HPKE's encapsulated key (32
/// bytes) and ciphertext (48 bytes). On the wire a CBOR byte string. Says nothing until it is unwrapped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WrappedKey(ByteArray<{ WrappedKey::LEN }>);

impl WrappedKey {
    /// Bytes in a wrapped key.
    pub const LEN: usize = KEY_LEN + KEY_LEN + TAG_LEN;

    /// Takes the 80 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(ByteArray::new(bytes))
    }

    /// The 80 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Encapsulated key and ciphertext, as HPKE gave them.
    pub(crate) fn join(encapsulated: [u8; KEY_LEN], sealed: &[u8]) -> Option<Self> {
        let bytes = [&encapsulated[..], sealed].concat().try_into().ok()?;
        Some(Self::from_bytes(bytes))
    }

    /// Encapsulated key and ciphertext.
    pub(crate) fn split(&self) -> Option<(&[u8; KEY_LEN], &[u8])> {
        self.0.split_first_chunk()
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappedKey(..)")
    }
}
