//! Why a report of a release is refused.

use dataspace_tlog::LeafIndex;
use thiserror::Error;

/// Why a report of a release is none that an honest node writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// There is no earlier record at the place that it names, or one of something else, such as a denial.
    #[error("record {access} is no permit before it")]
    NoPermit {
        /// The record that it names.
        access: LeafIndex,
    },
    /// The release has a report.
    #[error("the release of record {access} has a report already")]
    Again {
        /// The record of the permit.
        access: LeafIndex,
    },
    /// The permit is one under another contract.
    #[error("record {access} is a permit under another contract")]
    OtherContract {
        /// The record of the permit.
        access: LeafIndex,
    },
    /// Its counts and its digest cannot belong together.
    #[error("its counts and its digest cannot belong together")]
    Impossible,
}
