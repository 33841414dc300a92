//! Signed texts (C2SP): notes, checkpoints of logs, and cosignatures of witnesses.

pub(crate) mod checkpoint;
pub(crate) mod cosignature;
pub(crate) mod signed_note;
pub(crate) mod verifier_key;

pub use self::checkpoint::{CHECKPOINT_TEXT_LEN_MAX, CheckpointError, EXTENSIONS_MAX, note_key};
pub use self::cosignature::{Cosignature, CosignatureError, WitnessKey};
pub use self::signed_note::{NOTE_LEN_MAX, NoteError, NoteKey, SIGNATURES_MAX};
pub use self::verifier_key::{KEY_NAME_LEN_MAX, ParseNoteKeyError};
