//! What an evidence file consists of.

use std::fmt;

/// The version of the format that this library writes and reads.
pub(super) const VERSION: u8 = 2;
/// The version of a file with the report of a release in it.
pub(super) const WITH_REPORT: u8 = 3;
/// The version of a file with statements of trusted parties in it, with a report or without.
pub(super) const WITH_STATEMENTS: u8 = 4;

/// A part of an evidence file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The checkpoint of the log.
    Checkpoint,
    /// The record with which the contract came into force, the signed agreement in it.
    Conclusion,
    /// The record of the decision.
    Decision,
    /// The provider's membership credential.
    Provider,
    /// The consumer's membership credential.
    Consumer,
    /// The consumer's signed request.
    Request,
    /// The records of the parties' key documents.
    Keys,
    /// The record of the report of the release.
    Report,
    /// The records of statements of trusted parties.
    Statement,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Checkpoint => "checkpoint",
            Self::Conclusion => "record of the conclusion",
            Self::Decision => "record of the decision",
            Self::Provider => "provider's credential",
            Self::Consumer => "consumer's credential",
            Self::Request => "consumer's request",
            Self::Keys => "record of a party's keys",
            Self::Report => "record of what left",
            Self::Statement => "record of a statement",
        })
    }
}
