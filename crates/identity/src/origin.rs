use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::did::Did;

/// Longest log name, in bytes.
pub const LOG_NAME_LEN_MAX: usize = 64;

/// Which log: the `origin` of C2SP tlog-checkpoint. The operator's DID, and after a `/` a name
/// where one operator runs several logs: `did:key:z6Mk…/node-2`.
///
/// The DID holds the operator's key, so whoever knows the origin can verify its checkpoints. On the
/// wire it is its text. Signed documents name it, so that a contract of one node, and its uses, are
/// not another node's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    operator: Did,
    text: String,
}

/// The text is not the origin of a log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("an origin is a DID, optionally followed by `/` and 1 to {LOG_NAME_LEN_MAX} of `a-z0-9-`")]
pub struct ParseOriginError;

impl Origin {
    /// The only log of `operator`.
    #[must_use]
    pub fn new(operator: &Did) -> Self {
        Self { operator: operator.clone(), text: operator.as_str().to_owned() }
    }

    /// One of several logs of `operator`.
    ///
    /// # Errors
    /// [`ParseOriginError`] unless `log` is 1 to [`LOG_NAME_LEN_MAX`] of `a-z`, `0-9` and `-`.
    pub fn named(operator: &Did, log: &str) -> Result<Self, ParseOriginError> {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if log.is_empty() || log.len() > LOG_NAME_LEN_MAX || !log.bytes().all(plain) {
            return Err(ParseOriginError);
        }
        Ok(Self { operator: operator.clone(), text: format!("{operator}/{log}") })
    }

    /// Who writes the log and signs its checkpoints.
    #[must_use]
    pub fn operator(&self) -> &Did {
        &self.operator
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
        let (did, log) = match text.split_once('/') {
            Some((did, log)) => (did, Some(log)),
            None => (text, None),
        };
        let operator = did.parse().map_err(|_| ParseOriginError)?;
        match log {
            Some(log) => Self::named(&operator, log),
            None => Ok(Self::new(&operator)),
        }
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
