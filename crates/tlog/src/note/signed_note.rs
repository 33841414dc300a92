//! Signed notes (C2SP signed-note): a text, and under it the lines of those who signed it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dataspace_primitives::{PublicKey, Signature, Signer, key::SignerError};
use thiserror::Error;

use crate::note::verifier_key::{KEY_ID_LEN, Kind, ParseNoteKeyError, VerifierKey, is_key_name};

/// Longest note, in bytes, signatures included: room for 16 signatures of the longest kind that
/// C2SP has assigned (ML-DSA-44), as signed-note asks.
pub const NOTE_LEN_MAX: usize = 65_536;
/// Most signatures under a note.
pub const SIGNATURES_MAX: usize = 32;

/// A key that signs notes by Ed25519, under its name. As text, the verifier key of C2SP
/// signed-note: `name+id+base64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey(VerifierKey);

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
    /// Not a text, an empty line and signature lines.
    #[error("a note is a text, an empty line, and signature lines")]
    Form,
    /// More than [`SIGNATURES_MAX`] signature lines.
    #[error("a note has at most {SIGNATURES_MAX} signatures")]
    TooManySignatures,
    /// No signature is of the key asked for; those of unknown keys do not count.
    #[error("the note is not signed by the key of `{name}`")]
    Unsigned {
        /// The name asked for.
        name: String,
    },
    /// The key cannot be used.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// A signature that says it is of the key asked for does not verify.
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
        VerifierKey::new(Kind::Note, name, key).map(Self)
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.0.key
    }

    /// The note that says `text`, which must end with a newline, signed by `signer`.
    ///
    /// # Errors
    /// [`NoteError::Text`], [`NoteError::Len`], or [`NoteError::Signature`] if `signer` does not
    /// hold this key.
    pub fn sign(&self, text: &str, signer: &dyn Signer) -> Result<String, NoteError> {
        let signature = signer.sign(text.as_bytes())?;
        let note = format!("{text}\n{}", self.0.line(signature.as_bytes()));
        // WHY: a note that nobody can verify would be found out only when it is needed.
        if self.verify(&note)? == text { Ok(note) } else { Err(NoteError::Text) }
    }

    /// The text of `note`, if this key signed it. Signatures of other keys are left unread, as
    /// signed-note asks; every line that says it is this key's must verify.
    ///
    /// # Errors
    /// [`NoteError`] if the note is of another form, or is not signed by this key.
    pub fn verify<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let note = Note::read(note)?;
        self.signature(&note)?;
        Ok(note.text)
    }

    /// The first of this key's lines, when all of them verify.
    pub(crate) fn signature<'n, 'a>(
        &self,
        note: &'n Note<'a>,
    ) -> Result<&'n SignatureLine<'a>, NoteError> {
        let name = || self.0.name.clone();
        for line in note.lines_of(&self.0) {
            let bytes = <[u8; Signature::LEN]>::try_from(line.signature.as_slice());
            let signature = bytes.map(Signature::from_bytes);
            let verifies = |one| self.0.key.verifies(note.text.as_bytes(), &one);
            if !signature.is_ok_and(verifies) {
                return Err(NoteError::Signature { name: name() });
            }
        }
        note.lines_of(&self.0).next().ok_or_else(|| NoteError::Unsigned { name: name() })
    }
}

/// A note taken apart; nothing in it is verified.
pub(crate) struct Note<'a> {
    pub(crate) text: &'a str,
    pub(crate) lines: Vec<SignatureLine<'a>>,
}

/// A signature line that nobody has verified yet.
pub(crate) struct SignatureLine<'a> {
    /// All of it, newline included.
    pub(crate) whole: &'a str,
    pub(crate) name: &'a str,
    pub(crate) id: [u8; KEY_ID_LEN],
    pub(crate) signature: Vec<u8>,
}

impl<'a> Note<'a> {
    pub(crate) fn read(note: &'a str) -> Result<Self, NoteError> {
        if note.len() > NOTE_LEN_MAX {
            return Err(NoteError::Len { len: note.len() });
        }
        let (before, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::Form)?;
        // The text keeps its last newline; the one after it is the empty line.
        let text = note.get(..=before.len()).ok_or(NoteError::Form)?;
        if text == "\n" || text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(NoteError::Text);
        }
        Ok(Self { text, lines: SignatureLine::read_all(signatures)? })
    }

    pub(crate) fn lines_of(&self, key: &VerifierKey) -> impl Iterator<Item = &SignatureLine<'a>> {
        self.lines.iter().filter(|line| line.name == key.name && line.id == key.id)
    }
}

impl<'a> SignatureLine<'a> {
    /// One line at least, each with a newline at its end.
    pub(crate) fn read_all(lines: &'a str) -> Result<Vec<Self>, NoteError> {
        let mut all = Vec::new();
        for line in lines.split_inclusive('\n') {
            if all.len() == SIGNATURES_MAX {
                return Err(NoteError::TooManySignatures);
            }
            all.push(Self::read(line).ok_or(NoteError::Form)?);
        }
        if all.is_empty() { Err(NoteError::Form) } else { Ok(all) }
    }

    fn read(whole: &'a str) -> Option<Self> {
        let line = whole.strip_suffix('\n')?.strip_prefix("\u{2014} ")?;
        let (name, blob) = line.split_once(' ')?;
        let blob = STANDARD.decode(blob).ok()?;
        let (id, signature) = blob.split_first_chunk()?;
        if signature.is_empty() || !is_key_name(name) {
            return None;
        }
        Some(Self { whole, name, id: *id, signature: signature.to_vec() })
    }
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for NoteKey {
    type Err = ParseNoteKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        VerifierKey::parse(Kind::Note, text).map(Self)
    }
}
