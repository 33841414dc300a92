//! Signed texts (C2SP): notes, checkpoints of logs, and cosignatures of witnesses.

pub(crate) mod checkpoint;
pub(crate) mod cosignature;
pub(crate) mod signed_note;
pub(crate) mod verifier_key;
