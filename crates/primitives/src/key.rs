//! Keys, what they are called, and signing.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use crate::time::UnixMillis;
use crate::validity::Validity;

/// Names a key: the `kid` of COSE (RFC 9052 §3.1). Here always a DID URL
/// (`did:key:z6Mk…#z6Mk…`): printable ASCII without spaces.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl KeyId {
    /// Longest key identifier, in bytes.
    pub const LEN_MAX: usize = 256;

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Empty, too long, or not printable ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a key identifier has 1 to {} printable ASCII characters", KeyId::LEN_MAX)]
pub struct InvalidKeyId;

impl TryFrom<String> for KeyId {
    type Error = InvalidKeyId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > Self::LEN_MAX || !printable {
            return Err(InvalidKeyId);
        }
        Ok(Self(text))
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An Ed25519 public key (RFC 8032) that is neither malformed nor of small order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

/// The bytes are not a point of the curve in its one encoding, or a point of small order.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a usable Ed25519 public key")]
pub struct InvalidPublicKey;

impl PublicKey {
    /// Bytes in an Ed25519 public key.
    pub const LEN: usize = 32;

    /// Takes the 32 bytes of RFC 8032 §5.1.5.
    ///
    /// # Errors
    /// [`InvalidPublicKey`] for anything that strict verification would refuse anyway.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Result<Self, InvalidPublicKey> {
        match ed25519_dalek::VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() && is_reduced(bytes) => Ok(Self(key)),
            _ => Err(InvalidPublicKey),
        }
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        self.0.as_bytes()
    }

    /// Returns true if `signature` is this key's over `message`, by the strict rules: one canonical
    /// signature for a message and key, no small-order components.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(message, &signature).is_ok()
    }
}

/// Returns true if the y-coordinate is less than p = 2^255 - 19 (RFC 8032 §5.1.3, step 1).
// WHY: the library below takes y + p for y, which would give a key a second spelling.
fn is_reduced(bytes: &[u8; PublicKey::LEN]) -> bool {
    let [low, middle @ .., high] = bytes;
    *low < 0xed || high & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff)
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ed25519:")?;
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// An Ed25519 signature, 64 bytes; on the wire a CBOR byte string. Says nothing until verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; Signature::LEN]);

impl Signature {
    /// Bytes in an Ed25519 signature.
    pub const LEN: usize = 64;

    /// Takes the 64 bytes of RFC 8032 §5.1.6.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The 64 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
        let bytes = <[u8; Self::LEN]>::try_from(bytes.as_slice())
            .map_err(|_| D::Error::invalid_length(bytes.len(), &"64 bytes"))?;
        Ok(Self(bytes))
    }
}

/// Signs with one key: a key in memory, a key management service, or a hardware module. It is
/// called from any thread, and may take its time.
pub trait Signer: Send + Sync {
    /// The name under which verifiers know the key: a DID URL of its owner.
    fn key_id(&self) -> &KeyId;

    /// Signs `message` by Ed25519 (pure, RFC 8032 §5.1).
    ///
    /// # Errors
    /// [`SignerError`] if the key cannot be used now: the service is out of reach, or refuses.
    fn sign(&self, message: &[u8]) -> Result<Signature, SignerError>;
}

/// Why a [`Signer`] did not sign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the key did not sign: {why}")]
pub struct SignerError {
    why: String,
}

impl SignerError {
    /// For this reason, which everybody may read.
    #[must_use]
    pub fn new(why: impl fmt::Display) -> Self {
        Self { why: why.to_string() }
    }
}

/// The keys whose signatures are believed, each in its time.
#[derive(Clone, Debug, Default)]
pub struct TrustedKeys {
    // Few, so a search from the beginning is as good as any other.
    keys: Vec<(KeyId, PublicKey, Validity)>,
}

impl TrustedKeys {
    /// Trusts nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also believes `key` under the name `id` while `validity` lasts. A second key under the
    /// same name replaces the first.
    #[must_use]
    pub fn trust(mut self, id: KeyId, key: PublicKey, validity: Validity) -> Self {
        self.keys.retain(|(known, _, _)| *known != id);
        self.keys.push((id, key, validity));
        self
    }

    /// Also believes all keys of `others`.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        others.keys.into_iter().fold(self, |all, (id, key, time)| all.trust(id, key, time))
    }

    /// All of them, each with its name and its time.
    pub fn iter(&self) -> impl Iterator<Item = (&KeyId, &PublicKey, &Validity)> {
        self.keys.iter().map(|(id, key, validity)| (id, key, validity))
    }

    /// The key named `id` and when it is believed.
    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<(&PublicKey, &Validity)> {
        let found = self.keys.iter().find(|(known, _, _)| known == id);
        found.map(|(_, key, validity)| (key, validity))
    }

    /// Returns true if a key named `id` is believed at `now`.
    #[must_use]
    pub fn is_believed(&self, id: &KeyId, now: UnixMillis) -> bool {
        self.valid_at(id, now).is_some()
    }

    /// The key named `id`, if it is believed at `now`.
    pub(crate) fn valid_at(&self, id: &KeyId, now: UnixMillis) -> Option<&PublicKey> {
        self.get(id).filter(|(_, validity)| validity.contains(now)).map(|(key, _)| key)
    }
}
