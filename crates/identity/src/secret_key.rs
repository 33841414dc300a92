use std::fmt;

use dataspace_primitives::{KeyId, PublicKey, Signature, Signer};
use ed25519_dalek::Signer as _;
use ring::hkdf;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use crate::did::{Did, ParseDidError};

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
        let key_id = did.key_url().parse().map_err(|_| ParseDidError::Encoding)?;
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

    /// The DID that stands for this key.
    #[must_use]
    pub fn did(&self) -> &Did {
        &self.did
    }

    /// Derives 32 secret bytes for one other use, named by `purpose` and `context`, by
    /// HKDF-SHA-256 (RFC 5869). The signing key cannot be found from them.
    #[must_use]
    pub fn derive(&self, purpose: &str, context: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        let seed = Zeroizing::new(self.key.to_bytes());
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, b"dataspace/derive/v1").extract(&*seed);
        // The length keeps (purpose, context) pairs apart.
        let len = u64::try_from(purpose.len()).unwrap_or(u64::MAX).to_be_bytes();
        let info = [&len[..], purpose.as_bytes(), context];
        // Asking for 32 bytes is always within HKDF's 255 blocks.
        let _infallible =
            secret.expand(&info, hkdf::HKDF_SHA256).map(|okm| okm.fill(&mut derived[..]));
        derived
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

    fn sign(&self, message: &[u8]) -> Signature {
        Signature::from_bytes(self.key.sign(message).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("did", &self.did).finish_non_exhaustive()
    }
}
