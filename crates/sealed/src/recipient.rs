//! Keys that content keys are wrapped for.

use std::fmt;

use thiserror::Error;

use crate::exchange::{self, PrivateKey};

/// The X25519 public key (RFC 7748) of a consumer, for which content keys are wrapped.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Recipient([u8; Recipient::LEN]);

/// A coordinate that is not in its one encoding, or a point of small order, with which everybody would
/// share the same secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a usable X25519 public key")]
pub struct InvalidRecipient;

impl Recipient {
    /// Bytes in an X25519 public key.
    pub const LEN: usize = exchange::KEY_LEN;

    /// Takes the 32 bytes of RFC 7748 §5.
    ///
    /// # Errors
    /// [`InvalidRecipient`] if nothing can be wrapped for the key, or the bytes are a second spelling of it.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Result<Self, InvalidRecipient> {
        // A trial: only points of small order give no secret, whatever the ephemeral key.
        let gives_secret = exchange::seal(bytes, b"trial", b"", b"", &mut [1; Self::LEN]).is_some();
        if is_reduced(bytes) && gives_secret { Ok(Self(*bytes)) } else { Err(InvalidRecipient) }
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

/// Returns true if the coordinate is less than p = 2^255 - 19, and the unused bit is zero.
// WHY: X25519 takes u + p for u, and ignores the highest bit, which would give a key more spellings.
fn is_reduced(bytes: &[u8; Recipient::LEN]) -> bool {
    let [low, middle @ .., high] = bytes;
    *high < 0x7f || (*high == 0x7f && (*low < 0xed || middle.iter().any(|byte| *byte != 0xff)))
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("x25519:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The secret key of a [`Recipient`]. Wiped when dropped; redacted in `Debug`; cannot be serialised or
/// cloned: keep the seed.
pub struct RecipientSecret {
    key: PrivateKey,
    recipient: Recipient,
}

impl RecipientSecret {
    /// Bytes in a seed.
    pub const SEED_LEN: usize = exchange::KEY_LEN;

    /// The key that belongs to `seed` by `DeriveKeyPair` (RFC 9180 §7.1.3). The seed must be 32 bytes of a
    /// cryptographic random source, used for nothing else, and is wiped here.
    ///
    /// # Errors
    /// [`InvalidRecipient`] for a seed of zeros, which was wiped before and never drawn.
    pub fn from_seed(seed: &mut [u8; Self::SEED_LEN]) -> Result<Self, InvalidRecipient> {
        if *seed == [0; Self::SEED_LEN] {
            return Err(InvalidRecipient);
        }
        let (key, public) = exchange::key_pair(seed);
        Ok(Self { key, recipient: Recipient::from_bytes(&public)? })
    }

    /// The public key.
    #[must_use]
    pub const fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    pub(crate) const fn key(&self) -> &PrivateKey {
        &self.key
    }
}

impl fmt::Debug for RecipientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecipientSecret")
            .field("recipient", &self.recipient)
            .finish_non_exhaustive()
    }
}
