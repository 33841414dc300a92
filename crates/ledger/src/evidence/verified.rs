//! Evidence that was checked.

use dataspace_identity::{Admitted, SpaceId};
use dataspace_primitives::{UnixMillis, Verified};
use dataspace_tlog::{
    AccessRecord, Checkpoint, LeafIndex, record::ReleaseReport, witness::Cosigners,
};
use dataspace_usage_contract::{AccessRequest, Agreement};

use crate::evidence::statements;

/// Evidence that [`Evidence::verify`](crate::Evidence::verify) has checked in full.
#[derive(Clone, Debug)]
pub struct VerifiedEvidence {
    pub(super) agreement: Verified<Agreement>,
    pub(super) concluded: (LeafIndex, UnixMillis),
    pub(super) provider: Admitted,
    pub(super) consumer: Admitted,
    pub(super) time: UnixMillis,
    pub(super) index: LeafIndex,
    pub(super) access: AccessRecord,
    pub(super) request: Option<Verified<AccessRequest>>,
    pub(super) report: Option<(LeafIndex, ReleaseReport)>,
    pub(super) statements: Vec<statements::Shown>,
    pub(super) checkpoint: Checkpoint,
    pub(super) cosigners: Option<Cosigners>,
    pub(super) shown: Shown,
}

impl VerifiedEvidence {
    /// The contract, signed by exactly the provider and the consumer that it names.
    #[must_use]
    pub fn contract(&self) -> &Verified<Agreement> {
        &self.agreement
    }

    /// The space in which the contract runs: one of the authority's that the verifier trusts.
    #[must_use]
    pub fn space(&self) -> &SpaceId {
        &self.agreement.value().space
    }

    /// The record with which the contract came into force.
    #[must_use]
    pub fn concluded_index(&self) -> LeafIndex {
        self.concluded.0
    }

    /// When the contract came into force, by the operator's clock.
    #[must_use]
    pub fn concluded_at(&self) -> UnixMillis {
        self.concluded.1
    }

    /// The provider, by a credential of this space.
    #[must_use]
    pub fn provider(&self) -> &Admitted {
        &self.provider
    }

    /// The consumer, by a credential of this space. Of a denial, the credential may have been over
    /// ([`Admitted::is_member_at`]).
    #[must_use]
    pub fn consumer(&self) -> &Admitted {
        &self.consumer
    }

    /// When the decision was made and recorded, by the operator's own clock.
    #[must_use]
    pub fn time(&self) -> UnixMillis {
        self.time
    }

    /// The decision.
    #[must_use]
    pub fn access(&self) -> &AccessRecord {
        &self.access
    }

    /// The decision's place in the log.
    #[must_use]
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// The consumer's request, if it is part of the evidence.
    #[must_use]
    pub fn request(&self) -> Option<&AccessRequest> {
        self.request.as_ref().map(Verified::value)
    }

    /// What left, as the provider reported when the release ended; `None` if the file has no report.
    #[must_use]
    pub fn report(&self) -> Option<&ReleaseReport> {
        self.report.as_ref().map(|(_, report)| report)
    }

    /// The report's place in the log.
    #[must_use]
    pub fn report_index(&self) -> Option<LeafIndex> {
        self.report.as_ref().map(|(index, _)| *index)
    }

    /// The checkpoint that covers all records. Keep it: it is what later shows a rollback.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Which of the given witnesses cosigned the checkpoint; `None` if it was verified without
    /// witnesses, and then whatever cosignatures there are were not looked at.
    #[must_use]
    pub fn cosigners(&self) -> Option<&Cosigners> {
        self.cosigners.as_ref()
    }
}

/// What one file shows of a verdict.
#[derive(Clone, Debug)]
pub(super) enum Shown {
    /// The contract permits, by these clauses.
    Permit { clauses: Vec<String> },
    /// A denial.
    Deny {
        /// The recorded reasons that follow from contract, credentials and facts.
        follow: Vec<String>,
        /// True if this version says these in other words.
        is_reworded: bool,
        /// The others: their grounds are in other records.
        elsewhere: Vec<String>,
    },
}
