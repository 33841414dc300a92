//! What is signed as text (C2SP): notes, the checkpoints of logs, and what witnesses add.

pub(crate) mod checkpoint;
pub(crate) mod cosignature;
pub(crate) mod signed_note;
pub(crate) mod verifier_key;
