//! What an owner can hear of a node while it works.

use dataspace_audit_log::{LeafIndex, TreeSize};
use dataspace_usage_contract::ContractId;

use crate::index::error::IndexError;

/// Hears what a node does: to count it, to trace it, to ring a bell. Every method does nothing unless it
/// is written.
///
/// Nothing is locked and nothing waits for the disk while one is called, but the caller of the node waits
/// for it: be quick. What is heard is no evidence, the log is.
pub trait Observer: Send + Sync {
    /// A decision is durable, or was only counted ([`Decided::index`] is `None`).
    fn decided(&self, _decided: &Decided<'_>) {}

    /// The record of a change is durable.
    fn appended(&self, _index: LeafIndex) {}

    /// In one of the decisions that are held against Cedar's own evaluator, the compiled policies of this
    /// contract decided otherwise; it was denied. A defect of this library: report it.
    fn mismatch(&self, _contract: ContractId) {}

    /// The index was written, up to this size of the log, or could not be.
    fn index(&self, _written: Result<TreeSize, &IndexError>) {}
}

/// A decision, for an [`Observer`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Decided<'a> {
    /// Under which contract.
    pub contract: ContractId,
    /// The record; `None` for a denial that is counted.
    pub index: Option<LeafIndex>,
    /// The codes of the reasons for a denial; empty for a permit.
    pub reasons: &'a [&'static str],
}

/// Nobody hears anything.
pub(crate) struct Silence;

impl Observer for Silence {}
