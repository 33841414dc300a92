//! Why an index is not used, and why it is not written.

use dataspace_ledger::Refusal;
use dataspace_tlog::TreeSize;
use thiserror::Error;

/// The error of a library below.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an index is not used. All but [`Unusable::Missing`], and [`Unusable::Version`] after an
/// update, are worth a look: somebody or something changed a file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Unusable {
    /// There is none: the node is new, or its directory was copied without it.
    #[error("there is no index")]
    Missing,
    /// The file is damaged, or none of ours.
    #[error("the index cannot be read")]
    Unreadable {
        /// The problem.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No statement about the rows that the operator of the log has signed.
    #[error("the index is not signed by the operator of the log")]
    Statement,
    /// Rows of a version that this library does not know.
    #[error("version {found} of the index is not known here")]
    Version {
        /// The version found.
        found: u64,
    },
    /// The index of another log of this operator.
    #[error("it is the index of another log")]
    OtherLog,
    /// The operator signed the index of a longer log than this one: the log was rolled back, and
    /// the index was not.
    #[error("the index covers {stated} records, the log has {found}: it was rolled back")]
    Ahead {
        /// Records under the index.
        stated: TreeSize,
        /// Records in the log.
        found: TreeSize,
    },
    /// The operator signed the index of another history than the log's.
    #[error("the index was made of other records than the first {stated} of this log")]
    OtherHistory {
        /// Records under the index.
        stated: TreeSize,
    },
    /// Rows were changed, added, taken away or brought back.
    #[error("the rows of the index are not those that the operator signed")]
    Digest,
    /// The rows are those that were signed, but do not make a state.
    #[error("the rows of the index are not acceptable")]
    Rows {
        /// The first thing at fault.
        source: Box<Refusal>,
    },
}

impl Unusable {
    pub(crate) fn cause(source: impl Into<Cause>) -> Self {
        Self::Unreadable { source: source.into() }
    }
}

/// Why the index was not written. Nothing is lost: the log has everything, and the next attempt
/// is made later.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The disk is full, the file is gone, the log cannot be signed.
    #[error("the index cannot be written")]
    Failed {
        /// The obstacle.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody changed rows while the node was open. They are not signed again; the node makes
    /// the index when it is opened next.
    #[error("the index is not as this node left it")]
    Changed,
    /// Records that the index still lacks were archived.
    #[error("records from {size} on were archived before the index covered them")]
    Archived {
        /// Records under the index.
        size: TreeSize,
    },
}

impl IndexError {
    pub(super) fn failed(source: impl Into<Cause>) -> Self {
        Self::Failed { source: source.into() }
    }
}

impl From<std::io::Error> for Unusable {
    fn from(error: std::io::Error) -> Self {
        Self::cause(error)
    }
}

impl From<std::io::Error> for IndexError {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error)
    }
}
