//! The names of logs.

use std::fmt;
use std::str::FromStr;

use dataspace_primitives::{PublicKey, TrustedKeys};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::did::Did;
use crate::did_error::ParseDidError;
use crate::keys::one_key;
use crate::multikey;

/// Longest log name, in bytes.
pub const LOG_NAME_LEN_MAX: usize = 64;

/// Which log: the `origin` of C2SP tlog-checkpoint. The operator's DID; after a `/` the log's own key
/// as a Multikey, unless the operator's `did:key` is the log's key; and after another `/` a name, where
/// one operator runs several logs: `did:key:z6Mk…/node-2`, `did:web:steel.example/z6Mk…/node-2`.
///
/// It holds the log's key, so anyone who knows the origin can verify its checkpoints without asking
/// anybody. A log keeps its key as long as it lives; its operator signs contracts with other keys, which
/// may change. On the wire it is its text. Signed documents name it, so that a contract of one
/// node, and its uses, are not another node's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    operator: Did,
    text: String,
    /// True if the DID is followed by the Multikey of the log's own key.
    has_key: bool,
}

/// The text is not the origin of a log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "an origin is a DID, `/` and a key of the log's own (which a did:web must have), and maybe `/` \
     and 1 to {LOG_NAME_LEN_MAX} of `a-z0-9-`"
)]
pub struct ParseOriginError;

impl Origin {
    /// The only log of `operator`, a `did:key`, with its key.
    ///
    /// # Errors
    /// [`ParseOriginError`] if the DID is not a key.
    pub fn new(operator: &Did) -> Result<Self, ParseOriginError> {
        Self::build(operator, None, None)
    }

    /// One of several logs of `operator`, a `did:key`, with its key.
    ///
    /// # Errors
    /// [`ParseOriginError`] unless `log` is 1 to [`LOG_NAME_LEN_MAX`] of `a-z`, `0-9` and `-`.
    pub fn named(operator: &Did, log: &str) -> Result<Self, ParseOriginError> {
        Self::build(operator, None, Some(log))
    }

    /// A log of `operator` with a key of its own; with a name, or the only one with this key.
    ///
    /// # Errors
    /// [`ParseOriginError`] unless `log` is 1 to [`LOG_NAME_LEN_MAX`] of `a-z`, `0-9` and `-`.
    pub fn with_key(
        operator: &Did,
        key: &PublicKey,
        log: Option<&str>,
    ) -> Result<Self, ParseOriginError> {
        let is_own = operator.public_key().as_ref() != Ok(key);
        let key = is_own.then(|| multikey::write(key));
        Self::build(operator, key.as_deref(), log)
    }

    fn build(
        operator: &Did,
        key: Option<&str>,
        log: Option<&str>,
    ) -> Result<Self, ParseOriginError> {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let is_name =
            |log: &str| !log.is_empty() && log.len() <= LOG_NAME_LEN_MAX && log.bytes().all(plain);
        if !log.is_none_or(is_name) || (key.is_none() && !operator.is_key()) {
            return Err(ParseOriginError);
        }
        let parts = [Some(operator.as_str()), key, log].into_iter().flatten();
        let text = parts.collect::<Vec<_>>().join("/");
        Ok(Self { operator: operator.clone(), text, has_key: key.is_some() })
    }

    /// Who runs the log.
    #[must_use]
    pub fn operator(&self) -> &Did {
        &self.operator
    }

    /// The key of the log's own, as a Multikey, where the operator's is not.
    fn multikey(&self) -> Option<&str> {
        self.text.split('/').nth(1).filter(|_| self.has_key)
    }

    /// The key that signs the log's checkpoints.
    ///
    /// # Errors
    /// [`ParseDidError::Key`] if its bytes are no usable key: nobody can sign for this log.
    pub fn key(&self) -> Result<PublicKey, ParseDidError> {
        self.multikey().map_or_else(|| self.operator.public_key(), multikey::read)
    }

    /// The DID URL of that key: the operator's DID, `#` and the Multikey.
    #[must_use]
    pub fn key_url(&self) -> String {
        let own = || self.multikey().map(|key| format!("{}#{key}", self.operator));
        self.operator.key_url().filter(|_| !self.has_key).or_else(own).unwrap_or_default()
    }

    /// Trusts the log's key, and no other, at all times.
    #[must_use]
    pub fn trusted_keys(&self) -> TrustedKeys {
        one_key(&self.key_url(), self.key())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Origin {
    type Err = ParseOriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '/');
        let operator: Did =
            parts.next().unwrap_or_default().parse().map_err(|_| ParseOriginError)?;
        // A name has no capital letter, and each key has one.
        let is_key = |part: &&str| part.starts_with("z6Mk");
        let (first, second) = (parts.next(), parts.next());
        let (key, log) = match first.filter(is_key) {
            Some(key) => (Some(key), second),
            None if second.is_none() => (None, first),
            None => return Err(ParseOriginError),
        };
        if let Some(key) = key {
            multikey::decode(key).map_err(|_| ParseOriginError)?;
            // One spelling for one log.
            if operator.key_url().is_some_and(|url| url.ends_with(&format!("#{key}"))) {
                return Err(ParseOriginError);
            }
        }
        Self::build(&operator, key, log)
    }
}

impl TryFrom<String> for Origin {
    type Error = ParseOriginError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.text
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
