//! The request of an access, the basis of its decision, and what both sides keep.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use dataspace_audit_log::Appended;
use dataspace_identity::Did;
use dataspace_ledger::facts::{self, Stated, Vouched};
use dataspace_ledger::state::{Case, Member};
use dataspace_policy::Uses;
use dataspace_primitives::{Digest, Signed, UnixMillis, Verified};
use dataspace_tlog::{Fact, LeafIndex};
use dataspace_usage_contract::{AccessRequest, ContractId, PublishedProfile, meter::Use};

use crate::contracts::Active;

/// A request that the consumer of a contract of this node signed, with the contract's documents: only
/// [`DataSpace::verify_request`](crate::DataSpace::verify_request) makes one. Whether the contract
/// stands is asked in a pass.
#[derive(Clone)]
pub struct VerifiedRequest(pub(crate) Asked);

/// A request with its contract.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) request: Verified<AccessRequest>,
    /// Of the signed request.
    pub(crate) digest: Digest,
    pub(crate) active: Arc<Active>,
}

/// The basis of a decision, permit or denial: everything that facts are made of.
pub(crate) struct Decided {
    pub(crate) asked: Asked,
    pub(crate) member: Arc<Member>,
    pub(crate) profile: Arc<PublishedProfile>,
    pub(crate) now: UnixMillis,
    pub(crate) uses: Uses,
    pub(crate) vouched: Vouched,
}

/// Where a decision stands in the log, and the consumer's signed request: what both sides keep.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The record of the decision.
    pub index: LeafIndex,
    /// The contract.
    pub contract: ContractId,
    /// The consumer.
    pub consumer: Did,
    /// The request as signed.
    pub request: Signed<AccessRequest>,
}

impl Asked {
    /// The access, as far as counts depend on it.
    pub(crate) fn usage(&self) -> Use {
        let request = self.request.value();
        Use::new(request.action, request.part.as_ref())
    }
}

impl Decided {
    /// The facts on which was decided, as a record keeps them.
    pub(crate) fn recorded_facts(&self) -> BTreeMap<String, Fact> {
        let Self { asked, member, profile, now, uses, vouched } = self;
        let Asked { request, active, .. } = asked;
        let stated = Stated::of(request.value(), *uses);
        let Active { contract, document, .. } = &**active;
        let case = Case { contract, document, member, stated: &stated, vouched, now: *now };
        facts::recorded(&case.facts(profile), vouched)
    }

    pub(crate) fn receipt(&self, appended: &Appended) -> Receipt {
        Receipt {
            index: appended.index(),
            contract: self.asked.active.contract.id(),
            consumer: self.asked.request.value().consumer.clone(),
            request: self.asked.request.signed().clone(),
        }
    }
}

impl fmt::Debug for VerifiedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifiedRequest").field(&self.0.request).finish()
    }
}
