//! Events that an owner can observe in a running node.

use dataspace_audit_log::append::AppendError;
use dataspace_tlog::{LeafIndex, TreeSize, record::ReleaseEnd};
use dataspace_usage_contract::ContractId;

use crate::index::error::IndexError;
use crate::registers::RegisterError;

/// Observes a node, for counters, traces and alarms. By default every method does nothing.
///
/// No lock is held and nothing waits for the disk during a call (unless you submit a denial in a pass of
/// your own, and it is only counted), but the caller of the node waits for it: be quick. Observations are
/// no evidence; the log is.
pub trait Observer: Send + Sync {
    /// A decision is durable, or was only counted ([`Decided::index`] is `None`).
    fn decided(&self, _decided: &Decided<'_>) {}

    /// The record of a change is durable.
    fn appended(&self, _index: LeafIndex) {}

    /// A release ended, or was dropped, and its report has its place in the log; it is durable a little later.
    fn ended(&self, _ended: &Ended<'_>) {}

    /// In one of the decisions that are compared with Cedar's own evaluator, the compiled policies of this
    /// contract decided otherwise, and the access was denied. A defect of this library: report it.
    fn mismatch(&self, _contract: ContractId) {}

    /// Persons cannot be counted, so nothing leaves whose persons are counted in this register.
    fn register(&self, _error: &RegisterError) {}

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

/// The end of a release, for an [`Observer`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ended<'a> {
    /// Under which contract.
    pub contract: ContractId,
    /// The record of the permit.
    pub access: LeafIndex,
    /// How it ended.
    pub end: ReleaseEnd,
    /// The record of the report, or why there is none: the log takes no record.
    pub report: Result<LeafIndex, &'a AppendError>,
}

/// Observes nothing.
pub(crate) struct Silence;

impl Observer for Silence {}
