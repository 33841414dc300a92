//! Keys in memory.

use std::fmt;

use dataspace_primitives::{KeyId, PublicKey, Signature, Signer, key::SignerError};
use ed25519_dalek::Signer as _;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::did::Did;
use crate::did_error::ParseDidError;

/// An Ed25519 signing key in memory. Wiped when dropped; redacted in `Debug`; cannot be
/// serialised or cloned.
pub struct SecretKey {
    key: ed25519_dalek::SigningKey,
    did: Did,
    key_id: KeyId,
}

/// The text is not the seed of a key. It is not repeated here.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a key is written as {} hexadecimal digits", 2 * SecretKey::SEED_LEN)]
pub struct ParseKeyError;

impl SecretKey {
    /// Bytes in a seed (RFC 8032 §5.1.5).
    pub const SEED_LEN: usize = 32;

    /// The key that belongs to `seed`, which must be 32 bytes of a cryptographic random source
    /// and is wiped here.
    ///
    /// # Errors
    /// [`ParseDidError::Key`] never for random seeds: no scalar of RFC 8032 gives an unusable
    /// public key.
    pub fn from_seed(seed: &mut [u8; Self::SEED_LEN]) -> Result<Self, ParseDidError> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        seed.zeroize();
        let public = PublicKey::from_bytes(key.verifying_key().as_bytes());
        let did = Did::from_public_key(&public.map_err(|_| ParseDidError::Key)?);
        let key_id = did.key_url().unwrap_or_default().parse().map_err(|_| ParseDidError::KeyId)?;
        Ok(Self { key, did, key_id })
    }

    /// The key in the text of a key file, as `dataspace key new` writes it: 64 hexadecimal digits of
    /// the seed, and maybe a byte order mark and white space around them. The text stays as it is:
    /// wipe it.
    ///
    /// # Errors
    /// [`ParseKeyError`] if it is anything else.
    pub fn from_hex(text: &[u8]) -> Result<Self, ParseKeyError> {
        let mut seed = Zeroizing::new([0; Self::SEED_LEN]);
        let digits = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii();
        let (pairs, []) = digits.as_chunks::<2>() else { return Err(ParseKeyError) };
        if pairs.len() != seed.len() {
            return Err(ParseKeyError);
        }
        for (byte, [high, low]) in seed.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Self::from_seed(&mut seed).map_err(|_| ParseKeyError)
    }

    /// The same key under the name `key_id`: one of a participant whose DID is not its key.
    ///
    /// # Errors
    /// [`ParseDidError`] if the name is not that of a key of a DID, or of another `did:key`.
    pub fn named(self, key_id: KeyId) -> Result<Self, ParseDidError> {
        let did = Did::of_key(&key_id)?;
        if did.is_key() && did != self.did {
            return Err(ParseDidError::KeyId);
        }
        Ok(Self { did, key_id, ..self })
    }

    /// Whose key it is: the `did:key` that stands for it, or whom it is [named](Self::named) after.
    #[must_use]
    pub fn did(&self) -> &Did {
        &self.did
    }

    #[cfg(feature = "key-files")]
    pub(crate) fn seed(&self) -> Zeroizing<[u8; Self::SEED_LEN]> {
        Zeroizing::new(self.key.to_bytes())
    }

    /// The public key.
    ///
    /// # Errors
    /// Never; so that no code has to panic.
    pub fn public_key(&self) -> Result<PublicKey, ParseDidError> {
        PublicKey::from_bytes(self.key.verifying_key().as_bytes()).map_err(|_| ParseDidError::Key)
    }
}

fn digit(ascii: u8) -> Result<u8, ParseKeyError> {
    let value = char::from(ascii).to_digit(16).and_then(|value| u8::try_from(value).ok());
    value.ok_or(ParseKeyError)
}

impl Signer for SecretKey {
    fn key_id(&self) -> &KeyId {
        &self.key_id
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        Ok(Signature::from_bytes(self.key.sign(message).to_bytes()))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("did", &self.did).finish_non_exhaustive()
    }
}
