//! What the two halves say to each other, as bytes for any transport.
//!
//! A consumer makes a [`Call`] with a body and reads an answer. Over HTTP, a call is a `POST` to its path, an
//! answer is the body of a 200, and [`CallError::Refused`] is a 4xx with its words; a failure of the provider's own is
//! a 5xx, and [`CallError::Io`] to the consumer. Bodies are canonical CBOR;
//! the answer to [`Call::Access`] and [`Call::Resume`] is a sequence of frames (`frame.rs`), so that it can be read as it comes.

pub(crate) mod frame;
pub(crate) mod message;

#[cfg(feature = "provider")]
pub(crate) mod answer;

#[cfg(feature = "provider")]
pub use self::answer::{Answer, AnswerError};

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// Longest body of a call, in bytes.
pub const CALL_LEN_MAX: usize = 1 << 19;

/// How long after it broke off, or ended, a release can be [resumed](Call::Resume).
pub const RESUMED_WITHIN: Duration = Duration::from_secs(300);
/// How often one release can be resumed: each time the provider reads the data from their beginning.
pub const RESUMED_MAX: u32 = 8;
/// Bytes that can be lost on their way over all turns at a release whose plays or seconds a contract counts: what lies in
/// buffers when a way breaks. Of such a release no more leaves twice.
pub const METERED_LOST_MAX: u64 = 4 << 20;

/// What a consumer asks of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Call {
    /// The profile of the space, the provider's credential and keys, and its published offers, by page.
    Catalogue,
    /// An acceptance, for which the signed agreement comes back.
    Conclude,
    /// A signed request, for which data or a denial come back, and the evidence of the decision.
    Access,
    /// The rest of the data of an answer to [`Call::Access`] that broke off, which its consumer signs for.
    Resume,
    /// The signed end of a contract.
    Terminate,
    /// A consumer's signed statement that it deleted the keys of a contract's sealed files.
    Delete,
    /// That the provider's log of one size extends the one of another: of two answers at once, each of
    /// which extends what was held before.
    Consistency,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Catalogue,
        Self::Conclude,
        Self::Access,
        Self::Resume,
        Self::Terminate,
        Self::Delete,
        Self::Consistency,
    ];

    /// Its name in a path: `catalogue`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Catalogue => "catalogue",
            Self::Conclude => "conclude",
            Self::Access => "access",
            Self::Resume => "resume",
            Self::Terminate => "terminate",
            Self::Delete => "delete",
            Self::Consistency => "consistency",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// There is no such call.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "there is no such call; there are catalogue, conclude, access, resume, terminate, delete and consistency"
)]
pub struct ParseCallError;

impl FromStr for Call {
    type Err = ParseCallError;

    fn from_str(text: &str) -> Result<Self, ParseCallError> {
        Self::ALL.into_iter().find(|call| call.as_str() == text).ok_or(ParseCallError)
    }
}

/// The way to one provider. A closure is one.
pub trait Transport {
    /// Sends a call, and gives the answer to be read as it comes.
    ///
    /// # Errors
    /// [`CallError`] if the provider refuses, or cannot be reached.
    fn call(&self, call: Call, body: Vec<u8>) -> Result<Box<dyn Read + Send>, CallError>;
}

impl<F: Fn(Call, Vec<u8>) -> Result<Box<dyn Read + Send>, CallError>> Transport for F {
    fn call(&self, call: Call, body: Vec<u8>) -> Result<Box<dyn Read + Send>, CallError> {
        self(call, body)
    }
}

/// Why a call has no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The provider refuses.
    #[error("the provider refuses: {}", dataspace_primitives::shown(words))]
    Refused {
        /// Its words.
        words: String,
    },
    /// The provider cannot be reached, or the answer is cut off.
    #[error("the provider cannot be reached")]
    Io(#[from] io::Error),
}

/// What arrived is not what a provider says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MessageError {
    /// It cannot be read to its end.
    #[error("the answer is cut off")]
    Io(#[from] io::Error),
    /// It is malformed, too long, or a part of it is not in its place. What a stranger wrote is not told.
    #[error("the answer is malformed: {what}")]
    Malformed {
        /// The problem.
        what: &'static str,
    },
}
