//! Checkpoints (C2SP tlog-checkpoint): what the operator says its log was.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dataspace_primitives::{Digest, Signer};
use thiserror::Error;

use crate::note::{NOTE_LEN_MAX, NoteError, NoteKey};
use crate::origin::Origin;
use crate::tree::TreeSize;

/// The operator's signed statement that its log had this size and this root. There is no other
/// way to make one than to verify it.
///
/// Whoever keeps a checkpoint can find out later whether the log was rolled back or rewritten.
#[derive(Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: Origin,
    size: TreeSize,
    root: Digest,
    note: String,
}

/// Why a text is not a checkpoint of a log.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The note does not verify.
    #[error("the checkpoint is not a note signed by its log")]
    Note(#[from] NoteError),
    /// Not the lines origin, size and root, each in its one form.
    #[error("a checkpoint is the three lines origin, size and root")]
    Form,
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
    /// Extension lines and further signatures, which C2SP allows, are refused: nothing here gives
    /// them a meaning.
    ///
    /// # Errors
    /// [`CheckpointError`] if it is not one.
    pub fn verify(note: &str, origin: &Origin) -> Result<Self, CheckpointError> {
        let text = note_key(origin)?.verify(note)?;
        let mut lines = text.split('\n');
        let mut line = || lines.next().ok_or(CheckpointError::Form);
        let (found, size, root) = (line()?, line()?, line()?);
        if (line()?, lines.next()) != ("", None) {
            return Err(CheckpointError::Form);
        }
        if found != origin.as_str() {
            return Err(CheckpointError::Origin { expected: origin.clone() });
        }
        let root = STANDARD.decode(root).map_err(|_| CheckpointError::Form)?;
        let root = <[u8; Digest::LEN]>::try_from(root).map_err(|_| CheckpointError::Form)?;
        Ok(Self {
            origin: origin.clone(),
            size: parse_size(size).ok_or(CheckpointError::Form)?,
            root: Digest::from_bytes(root),
            note: note.to_owned(),
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

    pub(crate) fn sign(
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
/// Never for an origin; the error is there so that no code has to panic.
pub fn note_key(origin: &Origin) -> Result<NoteKey, CheckpointError> {
    NoteKey::new(origin.as_str(), *origin.operator().public_key())
        .map_err(|_| CheckpointError::Form)
}

/// A decimal number in its one spelling.
fn parse_size(text: &str) -> Option<TreeSize> {
    let size: u64 = text.parse().ok()?;
    (size.to_string() == text).then_some(TreeSize::new(size))
}
