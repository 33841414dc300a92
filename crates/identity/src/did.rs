use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use dataspace_primitives::{KeyId, PublicKey, Signed, TrustedKeys, Validity};
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
/// Holds only Ed25519 keys, in their one spelling (`did:key:z6Mk…`).
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Did(Arc<Parts>);

struct Parts {
    key_id: KeyId,
    text_len: usize,
    key: PublicKey,
}

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
    ///
    /// # Errors
    /// Never for a usable key; the error is there so that no code has to panic.
    pub fn from_public_key(key: &PublicKey) -> Result<Self, ParseDidError> {
        let bytes = [&ED25519_PUB[..], key.as_bytes()].concat();
        let fragment = format!("z{}", bs58::encode(bytes).into_string());
        let text = format!("{METHOD}{fragment}");
        let key_id = KeyId::try_from(format!("{text}#{fragment}"));
        let key_id = key_id.map_err(|_| ParseDidError::Encoding)?;
        Ok(Self(Arc::new(Parts { key_id, text_len: text.len(), key: *key })))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.key_id.as_str().get(..self.0.text_len).unwrap_or_default()
    }

    /// The key that this DID stands for.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.key
    }

    /// The DID URL of its one verification method, `did:key:z…#z…`.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.0.key_id
    }

    /// The DID in a DID URL that names its verification method.
    ///
    /// # Errors
    /// [`ParseDidError`] if `key_id` is not the verification method of a DID that we know.
    pub fn from_key_id(key_id: &KeyId) -> Result<Self, ParseDidError> {
        let (did, _fragment) = key_id.as_str().split_once('#').ok_or(ParseDidError::Method)?;
        let did: Self = did.parse()?;
        if did.key_id() == key_id { Ok(did) } else { Err(ParseDidError::Method) }
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
    /// come from just this participant.
    #[must_use]
    pub fn trusted_keys(&self) -> TrustedKeys {
        Self::trust_all([self])
    }

    /// Trusts the keys of all of `dids`, and no others, at all times.
    #[must_use]
    pub fn trust_all<'a>(dids: impl IntoIterator<Item = &'a Did>) -> TrustedKeys {
        dids.into_iter().fold(TrustedKeys::new(), |keys, did| {
            keys.trust(did.0.key_id.clone(), did.0.key, Validity::ALWAYS)
        })
    }
}

fn decode(text: &str) -> Result<PublicKey, ParseDidError> {
    let base58 = text.strip_prefix(METHOD).and_then(|rest| rest.strip_prefix('z'));
    let base58 = base58.ok_or(ParseDidError::Method)?;
    if text.len() > LEN_MAX {
        return Err(ParseDidError::Encoding);
    }
    let bytes = bs58::decode(base58).into_vec().map_err(|_| ParseDidError::Encoding)?;
    let key = bytes.strip_prefix(&ED25519_PUB).ok_or(ParseDidError::Key)?;
    let key = key.try_into().map_err(|_| ParseDidError::Key)?;
    PublicKey::from_bytes(key).map_err(|_| ParseDidError::Key)
}

impl PartialEq for Did {
    fn eq(&self, other: &Self) -> bool {
        self.0.key_id == other.0.key_id
    }
}

impl Eq for Did {}

impl PartialOrd for Did {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Did {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key_id.cmp(&other.0.key_id)
    }
}

impl Hash for Did {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key_id.hash(state);
    }
}

impl FromStr for Did {
    type Err = ParseDidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let did = Self::from_public_key(&decode(text)?)?;
        if did.as_str() == text { Ok(did) } else { Err(ParseDidError::Encoding) }
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
