//! The key of a sealed file's content.

use std::fmt;

use ring::aead::{AES_256_GCM, UnboundKey};
use ring::{hkdf, hmac};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use crate::chunk::ChunkKey;
use crate::exchange;
use crate::header::Header;
use crate::recipient::{Recipient, RecipientSecret};
use crate::wrapped::WrappedKey;

/// Bytes of the HMAC over a header.
pub(crate) const MAC_LEN: usize = 32;

const HPKE_INFO: &[u8] = b"dataspace-sealed/1 content key\0";
const CHUNKS_INFO: &[u8] = b"dataspace-sealed/1 chunks\0";
const HEADER_INFO: &[u8] = b"dataspace-sealed/1 header\0";

/// The secret that opens a sealed file. Anyone who has it can read the content, so it is kept no longer than
/// needed. Wiped when dropped; redacted in `Debug`; cannot be cloned.
pub struct ContentKey(Zeroizing<[u8; ContentKey::LEN]>);

/// Why a content key was not wrapped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WrapError {
    /// The seed is all zeros: it was used, and wiped.
    #[error("the seed was not drawn, or was used before; draw another")]
    Seed,
    /// HPKE failed for this recipient; not for one made by [`Recipient::from_bytes`].
    #[error("nothing can be wrapped for this recipient")]
    Recipient,
}

/// The key is not that of the file, or the file's header was changed.
#[derive(Debug)]
pub(crate) struct OtherKey;

impl ContentKey {
    /// Bytes in a content key.
    pub const LEN: usize = 32;

    /// Bytes that are drawn for wrapping a key.
    pub const WRAP_SEED_LEN: usize = exchange::KEY_LEN;

    /// Takes a key that [`to_bytes`](Self::to_bytes) gave, or that a service unwrapped. The bytes are wiped.
    #[must_use]
    pub fn from_bytes(bytes: &mut [u8; Self::LEN]) -> Self {
        let key = Self(Zeroizing::new(*bytes));
        bytes.zeroize();
        key
    }

    /// The 32 bytes, for one who keeps the key in order to release it later.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LEN]> {
        self.0.clone()
    }

    /// Wraps the key for `recipient`, who can unwrap it for this header and its contract alone. The ciphertext
    /// stays as it is. The seed must be 32 bytes of a cryptographic random source, and is wiped here.
    ///
    /// # Errors
    /// [`WrapError`]
    pub fn wrap(
        &self,
        header: &Header,
        recipient: &Recipient,
        seed: &mut [u8; Self::WRAP_SEED_LEN],
    ) -> Result<WrappedKey, WrapError> {
        if *seed == [0; Self::WRAP_SEED_LEN] {
            return Err(WrapError::Seed);
        }
        let (info, aad) = (info(header), header.digest());
        exchange::seal(recipient.as_bytes(), &info, aad.as_bytes(), &self.0[..], seed)
            .and_then(|(encapsulated, sealed)| WrappedKey::join(encapsulated, &sealed))
            .ok_or(WrapError::Recipient)
    }

    /// The key in `wrapped`; `None` if it was wrapped for another recipient, contract or header, or
    /// changed since.
    pub(crate) fn unwrap(
        wrapped: &WrappedKey,
        header: &Header,
        secret: &RecipientSecret,
    ) -> Option<Self> {
        let (encapsulated, sealed) = wrapped.split()?;
        let (info, aad) = (info(header), header.digest());
        let plain = exchange::open(secret.key(), encapsulated, &info, aad.as_bytes(), sealed)?;
        let mut bytes = <[u8; Self::LEN]>::try_from(plain.as_slice()).ok()?;
        Some(Self::from_bytes(&mut bytes))
    }

    /// The key of the chunks, and the HMAC over the header.
    pub(crate) fn derive(&self, header: &Header) -> Result<(ChunkKey, [u8; MAC_LEN]), OtherKey> {
        let (key, mac) = self.keys(header)?;
        let tag = hmac::sign(&mac, header.as_bytes());
        Ok((key, tag.as_ref().try_into().map_err(|_| OtherKey)?))
    }

    /// The key of the chunks, if `tag` is the HMAC over the header by this key.
    pub(crate) fn verify(
        &self,
        header: &Header,
        tag: &[u8; MAC_LEN],
    ) -> Result<ChunkKey, OtherKey> {
        let (key, mac) = self.keys(header)?;
        hmac::verify(&mac, header.as_bytes(), tag).map_err(|_| OtherKey)?;
        Ok(key)
    }

    fn keys(&self, header: &Header) -> Result<(ChunkKey, hmac::Key), OtherKey> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, header.salt()).extract(&self.0[..]);
        let digest = header.digest();
        let chunks = [CHUNKS_INFO, digest.as_bytes()];
        let key = root.expand(&chunks, &AES_256_GCM).map_err(|_| OtherKey)?;
        let mac = root.expand(&[HEADER_INFO], hmac::HMAC_SHA256).map_err(|_| OtherKey)?;
        Ok((ChunkKey::new(UnboundKey::from(key), digest), hmac::Key::from(mac)))
    }
}

/// HPKE's `info`: the key of one contract is of no use under another one.
fn info(header: &Header) -> Vec<u8> {
    [HPKE_INFO, header.contract().as_bytes()].concat()
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(..)")
    }
}
