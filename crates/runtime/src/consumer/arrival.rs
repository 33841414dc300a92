//! What came of a request, once it is recorded.

use dataspace_audit_log::{LeafIndex, ReceivedAnswer};
use dataspace_ledger::Evidence;

use crate::consumer::complaint::Complaint;
use crate::consumer::incoming::Incoming;

/// The beginning of an answer.
#[derive(Debug)]
#[must_use]
pub enum Reply {
    /// Data, to be read as they come.
    Data(Incoming),
    /// A denial. It is recorded.
    Denied(Arrival),
}

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
