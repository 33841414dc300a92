use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dataspace_primitives::Digest;
use thiserror::Error;

use crate::note::checkpoint::{Checkpoint, parse_digest, parse_size};
use crate::note::signed_note::NOTE_LEN_MAX;
use crate::tree::hash::TreeSize;
use crate::tree::proof::ConsistencyProof;

/// Most hashes in a request (C2SP tlog-witness).
pub const REQUEST_PATH_LEN_MAX: usize = 63;
/// Longest request, in bytes: the longest note, the most hashes and the line before them.
pub const REQUEST_LEN_MAX: usize = NOTE_LEN_MAX + 4_096;

/// The body of an `add-checkpoint` request (C2SP tlog-witness), taken apart. Nothing in it is
/// verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint<'a> {
    old: TreeSize,
    path: Vec<Digest>,
    note: &'a str,
}

/// Why bytes are not the body of an `add-checkpoint` request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Longer than [`REQUEST_LEN_MAX`].
    #[error("a request has at most {REQUEST_LEN_MAX} bytes")]
    Len,
    /// Not UTF-8.
    #[error("a request is text in UTF-8")]
    Utf8,
    /// The first line is not `old` and a number.
    #[error("the first line of a request is `old` and the size of the tree seen before")]
    Old,
    /// A line of the proof is not a hash in base64.
    #[error("line {line} is not a hash in base64")]
    Hash {
        /// The line, counted from 1.
        line: usize,
    },
    /// More than [`REQUEST_PATH_LEN_MAX`] hashes.
    #[error("a request has at most {REQUEST_PATH_LEN_MAX} hashes")]
    TooManyHashes,
    /// No empty line, or nothing after it.
    #[error("a request has an empty line between the proof and the checkpoint")]
    NoCheckpoint,
}

impl<'a> AddCheckpoint<'a> {
    /// Takes `body` apart.
    ///
    /// # Errors
    /// [`RequestError`] if it is not of the form that C2SP tlog-witness gives.
    pub fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        if body.len() > REQUEST_LEN_MAX {
            return Err(RequestError::Len);
        }
        let body = str::from_utf8(body).map_err(|_| RequestError::Utf8)?;
        let (first, mut rest) = body.split_once('\n').ok_or(RequestError::Old)?;
        let old = first.strip_prefix("old ").and_then(parse_size).ok_or(RequestError::Old)?;
        let mut path = Vec::new();
        loop {
            let (line, after) = rest.split_once('\n').ok_or(RequestError::NoCheckpoint)?;
            rest = after;
            if line.is_empty() {
                break;
            }
            if path.len() == REQUEST_PATH_LEN_MAX {
                return Err(RequestError::TooManyHashes);
            }
            let line_number = path.len() + 2;
            path.push(parse_digest(line).ok_or(RequestError::Hash { line: line_number })?);
        }
        if rest.is_empty() {
            Err(RequestError::NoCheckpoint)
        } else {
            Ok(Self { old, path, note: rest })
        }
    }

    /// The body that asks a witness for a cosignature of `checkpoint`; `proof` shows that it extends the one
    /// that the witness cosigned last. [`parse`](Self::parse) undoes it.
    #[must_use]
    pub fn body(proof: &ConsistencyProof, checkpoint: &Checkpoint) -> String {
        let mut body = format!("old {}\n", proof.from);
        for hash in &proof.path {
            // Writing to a text does not fail.
            let _infallible = writeln!(body, "{}", STANDARD.encode(hash.as_bytes()));
        }
        body.push('\n');
        body.push_str(checkpoint.as_note());
        body
    }

    /// The size of the tree that the witness is said to have cosigned last.
    #[must_use]
    pub fn old(&self) -> TreeSize {
        self.old
    }

    /// The hashes of the consistency proof.
    #[must_use]
    pub fn path(&self) -> &[Digest] {
        &self.path
    }

    /// The checkpoint, as a note that nobody has verified.
    #[must_use]
    pub fn note(&self) -> &'a str {
        self.note
    }
}
