use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A short human-readable text in signed documents: a participant's name, a role, a purpose.
/// No control characters, no surrounding white space, nothing that reorders text on a screen.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// Empty or longer than [`Name::LEN_MAX`] bytes.
    #[error("a name has 1 to {} bytes, this one has {len}", Name::LEN_MAX)]
    Len {
        /// Bytes found.
        len: usize,
    },
    /// Begins or ends with white space, or holds control, bidirectional or invisible characters,
    /// which could make a signer see another text.
    #[error("a name has no control or invisible characters and no white space at its ends")]
    Characters,
}

impl Name {
    /// Longest name, in bytes of UTF-8.
    pub const LEN_MAX: usize = 128;

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_unsafe(c: char) -> bool {
    // Bidirectional controls, line ends, and what Unicode calls Default_Ignorable_Code_Point:
    // fillers, variation selectors and tags that leave no mark on a screen.
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}')
        || matches!(c, '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}')
        || matches!(c, '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() || text.len() > Self::LEN_MAX {
            return Err(InvalidName::Len { len: text.len() });
        }
        if text.trim() != text || text.chars().any(is_unsafe) {
            return Err(InvalidName::Characters);
        }
        Ok(Self(text))
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
