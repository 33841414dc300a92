//! Signed documents, before and after their signatures were checked.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use thiserror::Error;

use crate::cbor::{self, DecodeError, EncodeError};
use crate::digest::Digest;
use crate::envelope::{
    DOCUMENT_LEN_MAX, Envelope, EnvelopeError, EnvelopeSignature, Payload, to_be_signed,
};
use crate::key::{KeyId, Signature, Signer, SignerError, TrustedKeys};
use crate::time::UnixMillis;

/// A document with signatures that nobody has checked yet. Its content cannot be seen.
///
/// On the wire, inside other documents and on disk it is the bytes of [`Signed::as_bytes`].
pub struct Signed<T> {
    bytes: Vec<u8>,
    envelope: Envelope,
    kind: PhantomData<fn() -> T>,
}

/// The content of a document whose signatures were checked. There is no other way to make one
/// than [`Signed::verify`].
///
/// It says that these keys signed these bytes; whether the signers are the right ones for the
/// document's content is the next step's to check, by [`Verified::signers`].
#[derive(Clone)]
pub struct Verified<T> {
    value: T,
    digest: Digest,
    signed: Signed<T>,
}

/// Why a document could not be signed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The content has no canonical encoding.
    #[error("the content cannot be encoded")]
    Encode(#[from] EncodeError),
    /// The key cannot be used.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The signed document would be too long, or the co-signatures are not the ones needed.
    #[error("the document cannot be put together")]
    Envelope(#[from] EnvelopeError),
}

/// Why a document is not believed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Signed by a key that is not trusted, or not at this time.
    #[error("signed by `{key_id}`, which is not a trusted key at {now}")]
    UntrustedKey {
        /// The key that the document names.
        key_id: KeyId,
        /// The time for which trust was asked.
        now: UnixMillis,
    },
    /// The signature does not fit bytes and key. Deliberately without details.
    #[error("the signature by `{key_id}` does not verify")]
    Signature {
        /// The key that the document names.
        key_id: KeyId,
    },
    /// Well signed, but the content is not what its type says.
    #[error("the signed content is malformed")]
    Content(#[from] DecodeError),
}

/// One signature over content that others sign as well, before the document is put together.
/// Says nothing until the document is verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CoSignature {
    key_id: KeyId,
    signature: Signature,
}

impl CoSignature {
    /// Signs the canonical bytes of `payload` as one of its signers.
    ///
    /// # Errors
    /// [`SignError`] if `payload` has no canonical encoding, or the key cannot be used.
    pub fn sign<T: Payload>(payload: &T, signer: &dyn Signer) -> Result<Self, SignError> {
        let payload = cbor::to_canonical(payload)?;
        let key_id = signer.key_id().clone();
        let signature = signer.sign(&to_be_signed::<T>(&payload, &key_id))?;
        Ok(Self { key_id, signature })
    }

    /// The key that is said to have signed.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.key_id
    }
}

impl<T: Payload> Signed<T> {
    /// Signs `payload` (a kind of document with one signer).
    ///
    /// # Errors
    /// [`SignError`] if the document has no canonical encoding, is too long, or needs several
    /// signers.
    pub fn sign(payload: &T, signer: &dyn Signer) -> Result<Self, SignError> {
        Self::assemble(payload, vec![CoSignature::sign(payload, signer)?])
    }

    /// Puts a document with several signers together. The signatures are not verified here.
    ///
    /// # Errors
    /// [`SignError`] if there are too many or too few signatures, or two by one key.
    pub fn assemble(payload: &T, signatures: Vec<CoSignature>) -> Result<Self, SignError> {
        let mut signatures: Vec<_> = signatures
            .into_iter()
            .map(|one| EnvelopeSignature { key_id: one.key_id, signature: one.signature })
            .collect();
        signatures.sort_by(|a, b| a.key_id.cmp(&b.key_id));
        let envelope = Envelope { payload: cbor::to_canonical(payload)?, signatures };
        Ok(Self::from_bytes(envelope.write::<T>()?)?)
    }

    /// Takes the bytes of a document apart, without believing anything.
    ///
    /// # Errors
    /// [`EnvelopeError`] if the bytes are too long, not deterministic COSE, of another kind, or
    /// carry headers that this library does not write.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, EnvelopeError> {
        let envelope = Envelope::read::<T>(&bytes)?;
        Ok(Self { bytes, envelope, kind: PhantomData })
    }

    /// Checks every signature over the bytes as received, and only then decodes them.
    ///
    /// # Errors
    /// [`VerifyError`] if a key is unknown or out of its time, a signature does not verify, or
    /// the content is malformed.
    pub fn verify(self, keys: &TrustedKeys, now: UnixMillis) -> Result<Verified<T>, VerifyError> {
        let payload = &self.envelope.payload;
        for one in &self.envelope.signatures {
            let key_id = one.key_id.clone();
            let Some(key) = keys.valid_at(&key_id, now) else {
                return Err(VerifyError::UntrustedKey { key_id, now });
            };
            if !key.verifies(&to_be_signed::<T>(payload, &key_id), &one.signature) {
                return Err(VerifyError::Signature { key_id });
            }
        }
        let value = cbor::from_canonical(payload, DOCUMENT_LEN_MAX)?;
        let digest = Digest::of(payload);
        Ok(Verified { value, digest, signed: self })
    }
}

impl<T> Signed<T> {
    /// The document: tagged COSE (RFC 9052).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The keys that are *said* to have signed; use it to look keys up, never to decide.
    pub fn claimed_signers(&self) -> impl Iterator<Item = &KeyId> {
        self.envelope.signatures.iter().map(|one| &one.key_id)
    }
}

impl<T> Verified<T> {
    /// The content.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The SHA-256 of the canonical bytes of the content: what the signatures cover, without
    /// the signatures.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The keys that signed, in the order of their identifiers.
    pub fn signers(&self) -> impl Iterator<Item = &KeyId> {
        self.signed.claimed_signers()
    }

    /// Returns true if `key_id` is among the signers.
    #[must_use]
    pub fn is_signed_by(&self, key_id: &KeyId) -> bool {
        self.signers().any(|signer| signer == key_id)
    }

    /// The document as signed.
    #[must_use]
    pub fn signed(&self) -> &Signed<T> {
        &self.signed
    }
}

impl<T> Clone for Signed<T> {
    fn clone(&self) -> Self {
        let (bytes, envelope) = (self.bytes.clone(), self.envelope.clone());
        Self { bytes, envelope, kind: PhantomData }
    }
}

impl<T> PartialEq for Signed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for Signed<T> {}

impl<T> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signers: Vec<_> = self.claimed_signers().collect();
        f.debug_struct("Signed")
            .field("len", &self.bytes.len())
            .field("claimed_signers", &signers)
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for Verified<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signers: Vec<_> = self.signers().collect();
        f.debug_struct("Verified")
            .field("value", &self.value)
            .field("digest", &self.digest)
            .field("signers", &signers)
            .finish_non_exhaustive()
    }
}

impl<T> Serialize for Signed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes)
    }
}

impl<'de, T: Payload> Deserialize<'de> for Signed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
        Self::from_bytes(bytes.into_vec()).map_err(D::Error::custom)
    }
}
