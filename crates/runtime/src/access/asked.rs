//! What an access asked for, what was decided on, and what both sides keep of it.

use std::sync::Arc;

use dataspace_audit_log::{Appended, LeafIndex};
use dataspace_identity::Did;
use dataspace_policy::Uses;
use dataspace_primitives::{Signed, UnixMillis, Verified};
use dataspace_usage_contract::{AccessRequest, ContractId, PublishedProfile};

use crate::state::contract::Contract;
use crate::state::members::Member;

/// A request whose signature a node has verified by the very key that its signer's name is made of:
/// only [`DataSpace::verify_request`](crate::DataSpace::verify_request) makes one. Whose contract it is
/// for is asked in a pass.
#[derive(Clone, Debug)]
pub struct VerifiedRequest(pub(crate) Verified<AccessRequest>);

/// What was asked, and under which contract.
pub(crate) struct Asked {
    pub(crate) request: Verified<AccessRequest>,
    pub(crate) contract: Arc<Contract>,
}

/// What was decided on, permit or denial: all that facts are made of.
pub(crate) struct Decided {
    pub(crate) asked: Asked,
    pub(crate) member: Arc<Member>,
    pub(crate) profile: Arc<PublishedProfile>,
    pub(crate) now: UnixMillis,
    pub(crate) uses: Uses,
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

impl Decided {
    pub(crate) fn receipt(&self, appended: &Appended) -> Receipt {
        Receipt {
            index: appended.index(),
            contract: self.asked.contract.id,
            consumer: self.asked.request.value().consumer.clone(),
            request: self.asked.request.signed().clone(),
        }
    }
}
