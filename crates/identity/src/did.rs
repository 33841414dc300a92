use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use dataspace_primitives::{KeyId, PublicKey, Signed, TrustedKeys, Validity, Verified};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Multicodec prefix of an Ed25519 public key (`ed25519-pub`, varint 0xed).
const ED25519_PUB: [u8; 2] = [0xed, 0x01];
const METHOD: &str = "did:key:";
/// `did:key:z6Mk…`: 9 characters and at most 47 of base58.
const LEN_MAX: usize = 64;

/// A decentralised identifier (W3C DID Core) of the method `did:key`: the identifier *is* the
/// public key, so nobody has to be asked what it means.
///
/// Holds only Ed25519 keys, in their one spelling (`did:key:z6Mk…`). It is a text of the right
/// form; whether the bytes in it are a point of the curve is found out when the key is asked for,
/// which costs a tenth of a signature's check.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Did(Arc<str>);

/// Why a text is not a DID that we know.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseDidError {
    /// Another method, or no DID at all.
    #[error("only DIDs of the form `did:key:z6Mk…` are known here")]
    Method,
    /// Not base58btc, or not the one spelling of its bytes.
    #[error("the DID is not in base58btc")]
    Encoding,
    /// Another kind of key, or not a usable Ed25519 key.
    #[error("the DID does not hold a usable Ed25519 key")]
    Key,
}

impl Did {
    /// The DID that stands for `key`.
    #[must_use]
    pub fn from_public_key(key: &PublicKey) -> Self {
        let bytes = [&ED25519_PUB[..], key.as_bytes()].concat();
        Self(format!("{METHOD}z{}", bs58::encode(bytes).into_string()).into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key that this DID stands for.
    ///
    /// # Errors
    /// [`ParseDidError::Key`] if its 32 bytes are no usable Ed25519 key: nobody can sign for this DID.
    pub fn public_key(&self) -> Result<PublicKey, ParseDidError> {
        let key = decode(&self.0)?;
        PublicKey::from_bytes(&key).map_err(|_| ParseDidError::Key)
    }

    /// The DID URL of its one verification method, `did:key:z…#z…`.
    #[must_use]
    pub fn key_url(&self) -> String {
        let fragment = self.0.strip_prefix(METHOD).unwrap_or_default();
        format!("{}#{fragment}", self.0)
    }

    /// The DID in a DID URL that names its verification method.
    ///
    /// # Errors
    /// [`ParseDidError`] if `key_id` is not the verification method of a DID that we know.
    pub fn from_key_id(key_id: &KeyId) -> Result<Self, ParseDidError> {
        let (did, _fragment) = key_id.as_str().split_once('#').ok_or(ParseDidError::Method)?;
        let did: Self = did.parse()?;
        if did.is_key_id(key_id) { Ok(did) } else { Err(ParseDidError::Method) }
    }

    /// Whether `key_id` names this DID's verification method.
    fn is_key_id(&self, key_id: &KeyId) -> bool {
        let fragment = key_id.as_str().strip_prefix(&*self.0).and_then(|url| url.strip_prefix('#'));
        fragment.is_some() && fragment == self.0.strip_prefix(METHOD)
    }

    /// Whether this participant is among those who signed `document`.
    #[must_use]
    pub fn has_signed<T>(&self, document: &Verified<T>) -> bool {
        document.signers().any(|signer| self.is_key_id(signer))
    }

    /// Trusts the keys that `signed` itself names: enough to learn *whose* signatures these are,
    /// since a `did:key` is its key, and nothing more. What they may sign is the next question.
    ///
    /// # Errors
    /// [`ParseDidError`] if a signer is not a DID that we know.
    pub fn claimed_keys<T>(signed: &Signed<T>) -> Result<TrustedKeys, ParseDidError> {
        let dids: Vec<_> =
            signed.claimed_signers().map(Self::from_key_id).collect::<Result<_, _>>()?;
        Ok(Self::trust_all(&dids))
    }

    /// Trusts this DID's key, and no other, at all times: the key set for a document that must
    /// come from just this participant. Trusts none if it holds no usable key.
    #[must_use]
    pub fn trusted_keys(&self) -> TrustedKeys {
        Self::trust_all([self])
    }

    /// Trusts the keys of all of `dids`, and no others, at all times.
    #[must_use]
    pub fn trust_all<'a>(dids: impl IntoIterator<Item = &'a Did>) -> TrustedKeys {
        dids.into_iter().fold(TrustedKeys::new(), |keys, did| {
            match (did.key_url().parse(), did.public_key()) {
                (Ok(id), Ok(key)) => keys.trust(id, key, Validity::ALWAYS),
                _ => keys,
            }
        })
    }
}

/// The bytes of the key. One text has them: 34 bytes of which the first is not zero are spelt in
/// one way.
fn decode(text: &str) -> Result<[u8; PublicKey::LEN], ParseDidError> {
    let base58 = text.strip_prefix(METHOD).and_then(|rest| rest.strip_prefix('z'));
    let base58 = base58.ok_or(ParseDidError::Method)?;
    if text.len() > LEN_MAX {
        return Err(ParseDidError::Encoding);
    }
    let mut bytes = [0; LEN_MAX];
    let len = bs58::decode(base58).onto(&mut bytes).map_err(|_| ParseDidError::Encoding)?;
    let key = bytes.get(..len).and_then(|bytes| bytes.strip_prefix(&ED25519_PUB));
    key.and_then(|key| key.try_into().ok()).ok_or(ParseDidError::Key)
}

impl FromStr for Did {
    type Err = ParseDidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        decode(text)?;
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Did {
    type Error = ParseDidError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Did> for String {
    fn from(did: Did) -> Self {
        did.as_str().to_owned()
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
