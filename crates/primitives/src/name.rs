//! Names and short texts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use crate::character::{Character, MARKS_MAX};
use crate::shown::shown;

/// A short human-readable text in signed documents: a participant's name, a role, a purpose.
///
/// Two names are the same if and only if their bytes are, and a signer sees all of it. So
/// a name is in Unicode's normalisation form C, and all of its characters can be seen: none is a
/// control or format character, default-ignorable, blank, for private use, or not assigned in the
/// version of Unicode that this library follows (18). Its only white space is U+0020, and not at
/// its ends. At most six combining marks follow one character. Any script and most emoji pass;
/// names that are written from right to left want [`shown`](fn@crate::shown) where they are displayed.
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
    /// Begins or ends with a space.
    #[error("a name has no space at its ends")]
    Space,
    /// Holds a character that cannot be seen as itself, steers the text around it, or is not
    /// assigned: a signer could see another text.
    #[error(
        "a name has no character U+{:04X}: it is not seen, or moves the text around it, or is not \
         assigned in Unicode 18; leave it out",
        u32::from(*.character)
    )]
    Character {
        /// The first one.
        character: char,
    },
    /// Begins with a combining mark, or has a pile of them.
    #[error("a name has at most {MARKS_MAX} combining marks in a row, and begins with none")]
    Marks,
    /// Another spelling of the same text, for Unicode.
    #[error(
        "the name is not in Unicode's normalisation form C (NFC); write `{}` in that form",
        shown(.normal)
    )]
    NotNormal {
        /// The same name in normalisation form C.
        normal: String,
    },
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

/// The rules for characters; see [`Name`].
fn check(text: &str) -> Result<(), InvalidName> {
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err(InvalidName::Space);
    }
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Ok(());
    }
    let mut marks = MARKS_MAX;
    for character in text.chars() {
        match Character::of(character) {
            Character::Unsafe => return Err(InvalidName::Character { character }),
            Character::Mark if marks == MARKS_MAX => return Err(InvalidName::Marks),
            Character::Mark => marks += 1,
            Character::Visible | Character::RightToLeft => marks = 0,
        }
    }
    if is_nfc(text) { Ok(()) } else { Err(InvalidName::NotNormal { normal: text.nfc().collect() }) }
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
        check(&text)?;
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
        write!(f, "{}", shown(&format!("{:?}", self.0)))
    }
}
