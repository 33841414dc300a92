//! Checkpoints (C2SP tlog-checkpoint): what the operator says its log was.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dataspace_identity::Origin;
use dataspace_primitives::{Digest, Signer};
use thiserror::Error;

use crate::note::signed_note::{NOTE_LEN_MAX, Note, NoteError, NoteKey};
use crate::tree::hash::TreeSize;

/// Longest text of a checkpoint, in bytes, without its signatures.
pub const CHECKPOINT_TEXT_LEN_MAX: usize = 4_096;
/// Most extension lines in a checkpoint.
pub const EXTENSIONS_MAX: usize = 16;

/// The operator's signed statement that its log had this size and this root. There is no other
/// way to make one than to verify it.
///
/// Anyone who keeps a checkpoint can find out later whether the log was rolled back or rewritten.
///
/// The note may carry signatures of others. They say nothing until
/// [`WitnessPolicy::examine`](crate::witness::WitnessPolicy::examine) looks at them, and anybody may have
/// put them there or taken them away.
#[derive(Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: Origin,
    size: TreeSize,
    root: Digest,
    note: String,
    /// Bytes of the signed text at the beginning of the note.
    text_len: usize,
}

/// Why a text is not a checkpoint of a log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The note does not verify.
    #[error("the checkpoint is not a note signed by its log")]
    Note(#[from] NoteError),
    /// Not the lines origin, size and root, each in its one form, and then at most
    /// [`EXTENSIONS_MAX`] lines that are not empty.
    #[error("a checkpoint is the lines origin, size and root, then extensions that are not empty")]
    Form,
    /// The text is longer than [`CHECKPOINT_TEXT_LEN_MAX`].
    #[error("a checkpoint's text has at most {CHECKPOINT_TEXT_LEN_MAX} bytes, this one has {len}")]
    TextLen {
        /// Bytes of the text.
        len: usize,
    },
    /// A checkpoint of another log.
    #[error("the checkpoint is of another log than `{expected}`")]
    Origin {
        /// The log asked for.
        expected: Origin,
    },
}

impl Checkpoint {
    /// Verifies `note` as a checkpoint of the log `origin`, by the key that the origin holds.
    ///
    /// Extension lines are kept, as a part of what the operator signed, and have no meaning here
    /// (C2SP tlog-checkpoint). Signatures of unknown keys are kept and not believed.
    ///
    /// # Errors
    /// [`CheckpointError`] if it is not one.
    pub fn verify(note: &str, origin: &Origin) -> Result<Self, CheckpointError> {
        let parts = Note::read(note)?;
        note_key(origin)?.signature(&parts)?;
        let text = parts.text;
        if text.len() > CHECKPOINT_TEXT_LEN_MAX {
            return Err(CheckpointError::TextLen { len: text.len() });
        }
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Form)?.split('\n');
        let mut line = || lines.next().ok_or(CheckpointError::Form);
        let (found, size, root) = (line()?, line()?, line()?);
        if lines.clone().count() > EXTENSIONS_MAX || lines.any(str::is_empty) {
            return Err(CheckpointError::Form);
        }
        if found != origin.as_str() {
            return Err(CheckpointError::Origin { expected: origin.clone() });
        }
        Ok(Self {
            origin: origin.clone(),
            size: parse_size(size).ok_or(CheckpointError::Form)?,
            root: parse_digest(root).ok_or(CheckpointError::Form)?,
            note: note.to_owned(),
            text_len: text.len(),
        })
    }

    /// The log that `note` *claims* to be of; use it to find out whom to ask, never to decide.
    ///
    /// # Errors
    /// [`CheckpointError::Form`] if the first line is not an origin.
    pub fn claimed_origin(note: &str) -> Result<Origin, CheckpointError> {
        if note.len() > NOTE_LEN_MAX {
            return Err(NoteError::Len { len: note.len() }.into());
        }
        let line = note.split('\n').next().unwrap_or_default();
        line.parse().map_err(|_| CheckpointError::Form)
    }

    #[doc(hidden)]
    pub fn sign(
        origin: &Origin,
        size: TreeSize,
        root: Digest,
        signer: &dyn Signer,
    ) -> Result<Self, CheckpointError> {
        let text = format!("{origin}\n{size}\n{}\n", STANDARD.encode(root.as_bytes()));
        let note = note_key(origin)?.sign(&text, signer)?;
        Self::verify(&note, origin)
    }

    /// The log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The size of the tree.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        self.size
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The signed note: what to publish and to keep.
    #[must_use]
    pub fn as_note(&self) -> &str {
        &self.note
    }

    /// What the operator signed: the note without its signatures.
    #[must_use]
    pub fn text(&self) -> &str {
        self.note.get(..self.text_len).unwrap_or_default()
    }

    /// The extension lines: opaque, and signed by the operator with the rest.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        self.text().lines().skip(3)
    }

    /// The same statement with the operator's signature alone.
    ///
    /// # Errors
    /// Never for a checkpoint; the error is there so that no code has to panic.
    pub fn to_bare(&self) -> Result<Self, CheckpointError> {
        let parts = Note::read(&self.note)?;
        let signature = note_key(&self.origin)?.signature(&parts)?;
        Ok(self.with_note(format!("{}\n{}", self.text(), signature.whole)))
    }

    /// The same statement, with other signatures under it.
    pub(super) fn with_note(&self, note: String) -> Self {
        Self { note, ..self.clone() }
    }

    /// The checkpoint with the signatures of `other` under it, too, which says the same; as it is if
    /// that says something else, or if there would be too many.
    #[doc(hidden)]
    #[must_use]
    pub fn with_signatures_of(&self, other: &Self) -> Self {
        if self.text() != other.text() {
            return self.clone();
        }
        let mut note = self.note.clone();
        let lines =
            |note: &'_ str| note.split_at_checked(self.text_len).map(|(_, lines)| lines.to_owned());
        let known = lines(&self.note).unwrap_or_default();
        for line in lines(&other.note).unwrap_or_default().split_inclusive('\n') {
            if !known.split_inclusive('\n').any(|one| one == line) {
                note.push_str(line);
            }
        }
        if Note::read(&note).is_ok() { self.with_note(note) } else { self.clone() }
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint")
            .field("origin", &self.origin.as_str())
            .field("size", &self.size.as_u64())
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// The key with which the log `origin` signs its checkpoints; its `Display` is the verifier key
/// to give to C2SP tools.
///
/// # Errors
/// [`CheckpointError::Form`] if the origin holds no usable key.
pub fn note_key(origin: &Origin) -> Result<NoteKey, CheckpointError> {
    let key = origin.key().map_err(|_| CheckpointError::Form)?;
    NoteKey::new(origin.as_str(), key).map_err(|_| CheckpointError::Form)
}

/// A decimal number in its one spelling.
pub(crate) fn parse_size(text: &str) -> Option<TreeSize> {
    let size: u64 = text.parse().ok()?;
    (size.to_string() == text).then_some(TreeSize::new(size))
}

/// A hash in the one spelling of base64 (RFC 4648 §4).
pub(crate) fn parse_digest(text: &str) -> Option<Digest> {
    let bytes = STANDARD.decode(text).ok()?;
    Some(Digest::from_bytes(bytes.try_into().ok()?))
}
