//! Why a release ends early.

use std::io;

use arrow_schema::ArrowError;
use thiserror::Error;

use crate::plan_error::ApplyError;
use crate::row_error::ROW_LEN_MAX;
use crate::table_error::ReadError;

/// Why a release ends early. Its text tells nothing about values; its sources are for the
/// provider's operator, not for the consumer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The table cannot be read to its end.
    #[error("the table cannot be read")]
    Read(#[from] ReadError),
    /// The duties cannot be carried out on a batch.
    #[error("the duties cannot be carried out")]
    Apply(#[from] ApplyError),
    /// The rows that stay cannot be put together.
    #[error("the rows that stay cannot be put together")]
    Assemble(#[source] ArrowError),
    /// A row has more than [`ROW_LEN_MAX`] bytes.
    #[error("a row is longer than {} bytes", ROW_LEN_MAX)]
    RowTooLong,
    /// More groups than [`GROUPS_MAX`](crate::aggregate::GROUPS_MAX) or longer ones than
    /// [`GROUPS_LEN_MAX`](crate::aggregate::GROUPS_LEN_MAX), or more subjects of small ones than
    /// [`SUBJECTS_HELD_MAX`](crate::aggregate::SUBJECTS_HELD_MAX).
    #[error("the rows are of too many groups; make groups by fewer columns or coarser ones")]
    TooManyGroups,
    /// More different subjects than [`SUBJECTS_COUNTED_MAX`](crate::subjects::SUBJECTS_COUNTED_MAX), which a
    /// duty names and the report of the release counts.
    #[error("the rows are about too many different subjects to count them; ask for fewer rows")]
    TooManySubjects,
    /// More persons would leave in this calendar year than a duty says.
    #[error("more persons would leave in this calendar year than were agreed")]
    TooManyPersons,
    /// Rows were asked for before their persons were [counted](crate::Delivery::admit).
    #[error("persons are to be counted before anything leaves")]
    Uncounted,
    /// A row is about a person who was not there when the persons of the release were counted.
    #[error("the table changed while its persons were counted")]
    ChangedSinceCounted,
    /// The persons cannot be counted.
    #[error("the persons cannot be counted")]
    Register(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row without a subject, where each has one.
    #[error("a row has no subject, and cannot be counted")]
    NoSubject,
    /// What is read is itself released by a node, and that ended early.
    #[error("the release that is read ended early")]
    Release(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A file of bytes cannot be read.
    #[error("the file cannot be read")]
    File(#[source] io::Error),
    /// A picture or a recording cannot be decoded or copied.
    #[error("no copy can be made")]
    Decode(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A file of bytes is not the one that was registered.
    #[error("the file was changed since it was registered; register it again")]
    ChangedFile,
    /// The temporary file in which rows are put in order fails.
    #[error("the rows cannot be put in order in a temporary file")]
    Scratch(#[source] io::Error),
}
