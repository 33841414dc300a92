//! The report of a release: what left under one permit.

use dataspace_primitives::Digest;
use serde::{Deserialize, Serialize};

use crate::tree::hash::LeafIndex;

/// What left under one permit, written when its release ended. A node that is killed before leaves an access
/// without one: then nothing is said of what left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReleaseReport {
    /// The record of the permit.
    pub access: LeafIndex,
    /// The contract: SHA-256 of the canonical agreement.
    pub contract: Digest,
    /// How it ended.
    pub end: ReleaseEnd,
    /// Pieces (batches of rows, or ranges of bytes) that left.
    pub pieces: u64,
    /// Rows in them, if the product is a table; else 0.
    pub rows: u64,
    /// Bytes of the pieces: rows count as CSV (RFC 4180, with `\n`), without a header.
    pub bytes: u64,
    /// SHA-256 of these bytes, one piece after the other. A consumer computes the same of what came.
    pub content: Digest,
    /// Which version of the product's content was read, as far as the product tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ContentVersion>,
    /// Different subjects (persons, vehicles, samples) that left, by the column that a duty names for them; each counts
    /// once. Of figures of groups: the subjects of the rows in the groups that left. `None` where no duty names such a column,
    /// and in reports of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subjects: Option<u64>,
}

/// How a release ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReleaseEnd {
    /// All that the contract releases of the part left.
    Whole,
    /// Asked again between two pieces, the access was no longer permitted.
    Stopped,
    /// The data could not be read to their end, or the node could not go on.
    Failed,
    /// The one who took the pieces asked for no more.
    Dropped,
}

/// Version of a product's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum ContentVersion {
    /// SHA-256 of all of it: of a file of bytes, which hides nothing.
    Content(Digest),
    /// A stamp that is another one if the file behind the product is: made under a key of the node from
    /// what its file system says of the file. Two releases with one stamp read the same state of the file;
    /// the stamp tells nothing about it, and does not prove what was in it.
    Stamp(Digest),
}

impl ReleaseReport {
    /// Returns true if the counts can belong together: without a piece nothing left, and a row has a byte, and a
    /// subject where subjects are counted.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let is_nothing = self.rows == 0 && self.bytes == 0 && self.content == Digest::of(b"");
        let has_subjects = self.subjects.unwrap_or_default() > 0;
        if self.pieces == 0 {
            return is_nothing && !has_subjects;
        }
        let has_rows_of_nobody = self.rows > 0 && self.subjects.is_some() && !has_subjects;
        self.rows <= self.bytes && !has_rows_of_nobody
    }
}
