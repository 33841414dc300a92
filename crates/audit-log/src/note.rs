//! Signed notes (C2SP signed-note), with one Ed25519 signature.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dataspace_primitives::{Digest, PublicKey, Signature, Signer};
use thiserror::Error;

/// Longest note, in bytes, signature included.
pub const NOTE_LEN_MAX: usize = 4_096;
/// Longest name of a key, in bytes.
pub const KEY_NAME_LEN_MAX: usize = 256;

/// The signature type of C2SP signed-note for Ed25519.
const ED25519: u8 = 0x01;
const KEY_HASH_LEN: usize = 4;

/// A key that signs notes, under its name. As text, the verifier key of C2SP signed-note:
/// `name+hash+base64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    key: PublicKey,
    hash: [u8; KEY_HASH_LEN],
}

/// Why a text is not a verifier key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseNoteKeyError {
    /// Empty, too long, with a `+` or with white space or control characters.
    #[error("a key name has 1 to {KEY_NAME_LEN_MAX} bytes without `+`, white space or controls")]
    Name,
    /// Not `name+hash+base64`.
    #[error("a verifier key is `name+hash+base64`")]
    Form,
    /// Not an Ed25519 key.
    #[error("the verifier key does not hold a usable Ed25519 key")]
    Key,
    /// The hash is not the one of this name and key.
    #[error("the verifier key's hash is not the one of its name and key")]
    Hash,
}

/// Why a note is not believed, or cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Longer than [`NOTE_LEN_MAX`].
    #[error("a note has at most {NOTE_LEN_MAX} bytes, this one has {len}")]
    Len {
        /// Bytes of the note.
        len: usize,
    },
    /// The text is empty, does not end with a newline, or has control characters.
    #[error("the text of a note is lines without control characters")]
    Text,
    /// Not a text, an empty line and one signature line.
    #[error("a note is a text, an empty line, and here one signature line")]
    Form,
    /// Signed under another name.
    #[error("the note is not signed under the name `{expected}`")]
    Name {
        /// The name asked for.
        expected: String,
    },
    /// Signed by another key than the one that has this name.
    #[error("the note is not signed by the key that `{name}` names")]
    Key {
        /// The name asked for.
        name: String,
    },
    /// The signature does not verify.
    #[error("the signature of `{name}` does not verify")]
    Signature {
        /// The name asked for.
        name: String,
    },
}

impl NoteKey {
    /// The key `key` under the name `name`.
    ///
    /// # Errors
    /// [`ParseNoteKeyError::Name`].
    pub fn new(name: &str, key: PublicKey) -> Result<Self, ParseNoteKeyError> {
        let bad = |c: char| c == '+' || c.is_whitespace() || c.is_control();
        if name.is_empty() || name.len() > KEY_NAME_LEN_MAX || name.contains(bad) {
            return Err(ParseNoteKeyError::Name);
        }
        let digest = Digest::of_parts(&[name.as_bytes(), b"\n", &[ED25519], key.as_bytes()]);
        let [a, b, c, d, ..] = *digest.as_bytes();
        Ok(Self { name: name.to_owned(), key, hash: [a, b, c, d] })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The note that says `text`, which must end with a newline, signed by `signer`.
    ///
    /// # Errors
    /// [`NoteError::Text`], [`NoteError::Len`], or [`NoteError::Signature`] if `signer` does not
    /// hold this key.
    pub fn sign(&self, text: &str, signer: &dyn Signer) -> Result<String, NoteError> {
        let signature = signer.sign(text.as_bytes());
        let blob = [&self.hash[..], signature.as_bytes()].concat();
        let note = format!("{text}\n\u{2014} {} {}\n", self.name, STANDARD.encode(blob));
        // WHY: a note that nobody can verify would be found out only when it is needed.
        self.verify(&note)?;
        Ok(note)
    }

    /// The text of `note`, which must have just one signature: this key's.
    ///
    /// # Errors
    /// [`NoteError`] if the note is of another form or does not verify.
    pub fn verify<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        if note.len() > NOTE_LEN_MAX {
            return Err(NoteError::Len { len: note.len() });
        }
        let name = || self.name.clone();
        let Parts { text, signer, blob } = Parts::read(note)?;
        if signer != self.name {
            return Err(NoteError::Name { expected: name() });
        }
        let blob = STANDARD.decode(blob).map_err(|_| NoteError::Form)?;
        let (hash, signature) = blob.split_at_checked(KEY_HASH_LEN).ok_or(NoteError::Form)?;
        if hash != self.hash {
            return Err(NoteError::Key { name: name() });
        }
        let signature = <[u8; Signature::LEN]>::try_from(signature).map_err(|_| NoteError::Form)?;
        if !self.key.verifies(text.as_bytes(), &Signature::from_bytes(signature)) {
            return Err(NoteError::Signature { name: name() });
        }
        Ok(text)
    }
}

/// A note taken apart; nothing in it is verified.
struct Parts<'a> {
    text: &'a str,
    signer: &'a str,
    blob: &'a str,
}

impl<'a> Parts<'a> {
    fn read(note: &'a str) -> Result<Self, NoteError> {
        let (before, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::Form)?;
        // The text keeps its last newline; the one after it is the empty line.
        let text = note.get(..=before.len()).ok_or(NoteError::Form)?;
        if text == "\n" || text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(NoteError::Text);
        }
        let line = signatures.strip_suffix('\n').ok_or(NoteError::Form)?;
        let line = line.strip_prefix("\u{2014} ").ok_or(NoteError::Form)?;
        let (signer, blob) = line.split_once(' ').ok_or(NoteError::Form)?;
        Ok(Self { text, signer, blob })
    }
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = u32::from_be_bytes(self.hash);
        let key = STANDARD.encode([&[ED25519], &self.key.as_bytes()[..]].concat());
        write!(f, "{}+{hash:08x}+{key}", self.name)
    }
}

impl FromStr for NoteKey {
    type Err = ParseNoteKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, rest) = text.split_once('+').ok_or(ParseNoteKeyError::Form)?;
        let (hash, key) = rest.split_once('+').ok_or(ParseNoteKeyError::Form)?;
        let key = STANDARD.decode(key).map_err(|_| ParseNoteKeyError::Form)?;
        let key = key.strip_prefix(&[ED25519]).ok_or(ParseNoteKeyError::Key)?;
        let key = key.try_into().map_err(|_| ParseNoteKeyError::Key)?;
        let key = PublicKey::from_bytes(key).map_err(|_| ParseNoteKeyError::Key)?;
        let key = Self::new(name, key)?;
        if format!("{:08x}", u32::from_be_bytes(key.hash)) != hash {
            return Err(ParseNoteKeyError::Hash);
        }
        Ok(key)
    }
}
