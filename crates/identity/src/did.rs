//! The names of participants.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use dataspace_primitives::{KeyId, PublicKey, Signer, Verified};
use serde::{Deserialize, Serialize};

pub use crate::did_error::{DID_LEN_MAX, ParseDidError};
use crate::multikey;

const KEY: &str = "did:key:";
const WEB: &str = "did:web:";

/// A decentralised identifier (W3C DID Core): a text with a method.
///
/// Of the method `did:key` the identifier *is* an Ed25519 public key, so nobody has to be asked what
/// it means. Of the method `did:web` it is the name of a web server, possibly with a path; which keys
/// speak for it stands in [`KeyDocument`](crate::KeyDocument)s, and a
/// [`Resolver`](crate::Resolver) tells. Each has one spelling.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Did(Arc<str>);

impl Did {
    /// The `did:key` that stands for `key`.
    #[must_use]
    pub fn from_public_key(key: &PublicKey) -> Self {
        Self(format!("{KEY}{}", multikey::write(key)).into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The word behind `did:key:`.
    fn multikey(&self) -> Option<&str> {
        self.0.strip_prefix(KEY)
    }

    /// Returns true if the identifier is its key, which so never changes.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.multikey().is_some()
    }

    /// The key that a `did:key` stands for.
    ///
    /// # Errors
    /// [`ParseDidError::Key`] if its 32 bytes are no usable Ed25519 key: nobody can sign for it.
    /// [`ParseDidError::Method`] of another method.
    pub fn public_key(&self) -> Result<PublicKey, ParseDidError> {
        multikey::read(self.multikey().ok_or(ParseDidError::Method)?)
    }

    /// The DID URL of a `did:key`'s one verification method, `did:key:z…#z…`.
    #[must_use]
    pub fn key_url(&self) -> Option<String> {
        self.multikey().map(|key| format!("{self}#{key}"))
    }

    /// Returns true if this is the DID URL of a `did:key`'s one verification method, by its form: whether
    /// the key is usable is not looked at.
    pub(crate) fn is_key_url(key_id: &KeyId) -> bool {
        let named = key_id.as_str().strip_prefix(KEY).and_then(|rest| rest.split_once('#'));
        named.is_some_and(|(key, fragment)| key == fragment)
    }

    /// Whose key it is: the DID in a DID URL that names a verification method.
    ///
    /// # Errors
    /// [`ParseDidError`] if `key_id` is not a verification method of a DID that we know.
    pub fn of_key(key_id: &KeyId) -> Result<Self, ParseDidError> {
        let (did, _) = key_id.as_str().split_once('#').ok_or(ParseDidError::KeyId)?;
        let did: Self = did.parse()?;
        if did.owns(key_id) { Ok(did) } else { Err(ParseDidError::KeyId) }
    }

    /// Who signs with `signer`.
    ///
    /// # Errors
    /// [`ParseDidError`] as [`Did::of_key`].
    pub fn of(signer: &dyn Signer) -> Result<Self, ParseDidError> {
        Self::of_key(signer.key_id())
    }

    /// Returns true if `key_id` names a key of this DID, by its form.
    #[must_use]
    pub fn owns(&self, key_id: &KeyId) -> bool {
        let fragment = key_id.as_str().strip_prefix(&*self.0).and_then(|url| url.strip_prefix('#'));
        match (fragment, self.multikey()) {
            (Some(fragment), Some(key)) => fragment == key,
            (Some(fragment), None) => !fragment.is_empty() && !fragment.contains('#'),
            (None, _) => false,
        }
    }

    /// Returns true if a key of this participant is among those that signed `document`.
    #[must_use]
    pub fn has_signed<T>(&self, document: &Verified<T>) -> bool {
        document.signers().any(|signer| self.owns(signer))
    }
}

/// Returns true if this is what stands behind `did:web:`, in its one spelling (the did:web method
/// specification, §3): a host, a port of 1 to 65535 unless it is the usual one, and path segments.
fn is_web(rest: &str) -> bool {
    let mut parts = rest.split(':');
    let host = parts.next().unwrap_or_default();
    let (host, port) = match host.split_once("%3A") {
        Some((host, port)) => (host, Some(port)),
        None => (host, None),
    };
    let is_port = |port: &str| {
        port.parse::<u16>().is_ok_and(|number| number != 443 && number.to_string() == port)
    };
    let is_label = |label: &str| {
        let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(plain)
            && !label.starts_with('-')
    };
    let is_segment = |segment: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !segment.is_empty() && segment.bytes().all(plain) && segment != "." && segment != ".."
    };
    // An address of digits alone is none that a certificate names.
    let is_host = host.split('.').all(is_label)
        && host
            .rsplit('.')
            .next()
            .is_some_and(|last| !last.bytes().all(|one| one.is_ascii_digit()));
    is_host && port.is_none_or(|port| port != "0" && is_port(port)) && parts.all(is_segment)
}

impl FromStr for Did {
    type Err = ParseDidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(key) = text.strip_prefix(KEY) {
            multikey::decode(key)?;
        } else if let Some(rest) = text.strip_prefix(WEB) {
            if text.len() > DID_LEN_MAX || !is_web(rest) {
                return Err(ParseDidError::Web);
            }
        } else {
            return Err(ParseDidError::Method);
        }
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
