use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dataspace_primitives::{Digest, PublicKey};
use thiserror::Error;

/// Longest name of a key, in bytes.
pub const KEY_NAME_LEN_MAX: usize = 256;

pub(crate) const KEY_ID_LEN: usize = 4;

/// Why a text is not a verifier key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseNoteKeyError {
    /// Empty, too long, with a `+` or with white space or control characters.
    #[error("a key name has 1 to {KEY_NAME_LEN_MAX} bytes without `+`, white space or controls")]
    Name,
    /// Not `name+id+base64`.
    #[error("a verifier key is `name+id+base64`")]
    Form,
    /// Not an Ed25519 key, or one for another kind of signature.
    #[error("the verifier key does not hold a usable Ed25519 key of the kind asked for")]
    Key,
    /// The identifier is not the one of this name and key.
    #[error("the verifier key's identifier is not the one of its name and key")]
    Hash,
}

/// The signature types of C2SP signed-note that are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Ed25519 over the text of a note.
    Note,
    /// Timestamped Ed25519 over a checkpoint (C2SP tlog-cosignature).
    Cosignature,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Note => 0x01,
            Self::Cosignature => 0x04,
        }
    }
}

/// An Ed25519 key for one kind of signature, under its name. As text, the verifier key of C2SP
/// signed-note: `name+id+base64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VerifierKey {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) key: PublicKey,
    /// The first bytes of a hash over the rest: tells keys apart, identifies none.
    pub(crate) id: [u8; KEY_ID_LEN],
}

impl VerifierKey {
    pub(crate) fn new(kind: Kind, name: &str, key: PublicKey) -> Result<Self, ParseNoteKeyError> {
        if name.len() > KEY_NAME_LEN_MAX || !is_key_name(name) {
            return Err(ParseNoteKeyError::Name);
        }
        let parts = [name.as_bytes(), b"\n", &[kind.byte()], key.as_bytes()];
        let [a, b, c, d, ..] = *Digest::of_parts(&parts).as_bytes();
        Ok(Self { kind, name: name.to_owned(), key, id: [a, b, c, d] })
    }

    pub(crate) fn parse(kind: Kind, text: &str) -> Result<Self, ParseNoteKeyError> {
        let (name, rest) = text.split_once('+').ok_or(ParseNoteKeyError::Form)?;
        let (id, key) = rest.split_once('+').ok_or(ParseNoteKeyError::Form)?;
        let key = STANDARD.decode(key).map_err(|_| ParseNoteKeyError::Form)?;
        let key = key.strip_prefix(&[kind.byte()]).ok_or(ParseNoteKeyError::Key)?;
        let key = key.try_into().map_err(|_| ParseNoteKeyError::Key)?;
        let key = PublicKey::from_bytes(key).map_err(|_| ParseNoteKeyError::Key)?;
        let key = Self::new(kind, name, key)?;
        if format!("{:08x}", u32::from_be_bytes(key.id)) != id {
            return Err(ParseNoteKeyError::Hash);
        }
        Ok(key)
    }

    /// The signature line of this key with `signature`, newline included.
    pub(crate) fn line(&self, signature: &[u8]) -> String {
        let blob = [&self.id[..], signature].concat();
        format!("\u{2014} {} {}\n", self.name, STANDARD.encode(blob))
    }
}

/// What C2SP signed-note allows as a name, but for controls, which no note may hold.
pub(crate) fn is_key_name(name: &str) -> bool {
    let bad = |c: char| c == '+' || c.is_whitespace() || c.is_control();
    !name.is_empty() && !name.contains(bad)
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = u32::from_be_bytes(self.id);
        let key = STANDARD.encode([&[self.kind.byte()], &self.key.as_bytes()[..]].concat());
        write!(f, "{}+{id:08x}+{key}", self.name)
    }
}
