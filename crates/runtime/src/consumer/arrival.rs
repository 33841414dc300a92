//! What came of a request, once it is recorded.

use std::fmt;

use dataspace_ledger::Evidence;
use dataspace_primitives::{shown, shown::counted};
use dataspace_tlog::{LeafIndex, record::ReceivedAnswer};

use crate::consumer::complaint::Complaint;

/// An answer to its end, as it is recorded in the consumer's log.
#[derive(Debug)]
#[non_exhaustive]
pub struct Arrival {
    /// The record in the consumer's own log.
    pub index: LeafIndex,
    /// What came.
    pub answer: ReceivedAnswer,
    /// Why the provider stopped before the end of the data, if it did.
    pub stopped: Option<String>,
    /// The evidence of the decision, verified and kept: anybody who knows the authority can verify it.
    pub evidence: Option<Evidence>,
    /// In what it is not what was agreed; empty if nothing is wrong that can be seen.
    pub complaints: Vec<Complaint>,
}

impl Arrival {
    /// Returns true if data came, all of them by what the provider says and what can be seen.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        matches!(self.answer, ReceivedAnswer::Released { is_whole: true, .. })
    }
}

/// In plain words: `55 rows, 4310 bytes`, or `denied: …`. A provider's words are shown so that they cannot act
/// on a terminal.
impl fmt::Display for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.answer {
            ReceivedAnswer::Released { rows, bytes, is_whole, .. } => {
                if *rows > 0 {
                    write!(f, "{}, ", counted(*rows, "row"))?;
                }
                f.write_str(&counted(*bytes, "byte"))?;
                if !is_whole {
                    f.write_str(", not to the end")?;
                }
                self.stopped.iter().try_for_each(|why| write!(f, ": {}", shown(why)))
            }
            ReceivedAnswer::Denied { reasons } => {
                let reasons: Vec<_> = reasons.iter().map(|one| shown(one).to_string()).collect();
                write!(f, "denied: {}", reasons.join("; "))
            }
            ReceivedAnswer::None { why } => write!(f, "no decision: {}", shown(why)),
        }
    }
}
