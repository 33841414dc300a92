//! The judgement of an access: written once, for deciding and for replaying.

use dataspace_identity::MembershipRevocation;
use dataspace_policy::{Decision, Facts, Layers};
use dataspace_primitives::UnixMillis;
use dataspace_usage_contract::PublishedProfile;

use crate::denial::DenialReason;
use crate::facts::{Basis, Stated, Vouched};
use crate::state::contract::{Contract, Document};
use crate::state::in_force::SpaceState;
use crate::state::members::Member;

/// One access under a contract, by a member of the space.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The contract.
    pub contract: &'a Contract,
    /// The document that its parties signed.
    pub document: &'a Document,
    /// Its consumer.
    pub member: &'a Member,
    /// What the request states, and the counts to decide on.
    pub stated: &'a Stated<'a>,
    /// What trusted parties state ([`SpaceState::vouched`]).
    pub vouched: &'a Vouched,
    /// The time of the decision.
    pub now: UnixMillis,
}

impl<'a> Case<'a> {
    /// The facts of the access under a profile: of the request as stated, all else as it is.
    #[must_use]
    pub fn facts(&self, profile: &'a PublishedProfile) -> Facts<'a> {
        let Case { contract, document, member, stated, vouched, now } = *self;
        let basis = Basis {
            agreement: document.agreement().value(),
            contract: document.id(),
            agreed_at: contract.agreed_at(),
            credential: member.admitted.credential(),
            stated,
            vouched,
            purposes: profile.purposes(&stated.purpose),
            now,
        };
        basis.facts()
    }
}

impl SpaceState {
    /// The facts of an access under the profile in force.
    #[must_use]
    pub fn facts<'a>(&'a self, case: &Case<'a>) -> Facts<'a> {
        case.facts(&self.profile)
    }

    /// Decides on the `facts` of an access: by membership, contract and profile, the contract's policies,
    /// the space's and the provider's, and its uses. The clauses that permit.
    ///
    /// # Errors
    /// Why it is denied; never empty.
    pub fn judge(
        &self,
        case: &Case<'_>,
        facts: &Facts<'_>,
    ) -> Result<Vec<String>, Vec<DenialReason>> {
        let mut reasons = self.standing(case);
        let clauses = match case.document.program().decide(facts, self.layers()) {
            Decision::Permit(grounds) => grounds.policies().map(str::to_owned).collect(),
            Decision::Deny(denial) => {
                reasons.extend(denial.reasons().into_iter().map(DenialReason::Policy));
                return Err(reasons);
            }
        };
        // The policies count too; this holds whatever they say.
        if let Some(limit) = case.contract.limit()
            && facts.uses.contract >= limit
        {
            reasons.push(DenialReason::QuotaExhausted { limit });
        }
        if reasons.is_empty() { Ok(clauses) } else { Err(reasons) }
    }

    /// The forbids of space and provider.
    #[must_use]
    pub fn layers(&self) -> Layers<'_> {
        let provider = self.own.as_ref().map(|own| own.policies());
        Layers { space: Some(self.profile.policies()), provider }
    }

    /// Why membership, contract or profile deny, whatever the policies say.
    #[must_use]
    pub fn standing(&self, case: &Case<'_>) -> Vec<DenialReason> {
        let Case { contract, document, member, stated, now, .. } = *case;
        let mut reasons = Vec::new();
        let (agreement, profile) = (document.agreement().value(), self.profile.profile());
        let credential = member.admitted.credential();
        if let Some(MembershipRevocation { revoked_at, reason, .. }) = &member.revocation {
            let (revoked_at, reason) = (*revoked_at, reason.clone());
            reasons.push(DenialReason::MembershipRevoked { revoked_at, reason });
        }
        if !member.admitted.is_member_at(now) {
            reasons.push(DenialReason::MembershipOver { validity: credential.validity, now });
        }
        let provider = self.members.get(&agreement.provider);
        if !provider.is_some_and(|provider| provider.is_member_at(now)) {
            reasons.push(DenialReason::ProviderNotAMember);
        }
        // What the newest profile no longer admits: a space may tighten, for running contracts too.
        if !profile.data.product_classes.contains(&agreement.product_class) {
            let value = agreement.product_class.to_string();
            reasons.push(DenialReason::OutsideProfile { what: "product class", value });
        } else if let Some((what, value)) =
            profile.entities.refuses(&credential.roles, credential.region)
        {
            reasons.push(DenialReason::OutsideProfile { what, value });
        }
        if let Some(termination) = self.terminations.get(&contract.id()) {
            let reason = termination.reason.clone();
            reasons.push(DenialReason::ContractTerminated { reason });
        }
        if self.is_ended_by_clock(contract) {
            reasons.push(DenialReason::ClockSetBack);
        }
        if !agreement.validity.contains(now) {
            reasons.push(DenialReason::ContractOver { validity: agreement.validity, now });
        }
        if !profile.scenarios.contains_key(&*stated.purpose) {
            let purpose = stated.purpose.clone().into_owned();
            reasons.push(DenialReason::UnknownPurpose { purpose });
        }
        // WHY: whatever the contract permits, a release gives out rows and not what was asked for.
        if !stated.action.is_carried_out() {
            reasons.push(DenialReason::NotCarriedOut { action: stated.action });
        }
        // A consumer's node has no products: there it decides on what was released to it.
        if let Some(product) = self.products.get(&agreement.product)
            && product.forbids.contains(&stated.action)
        {
            reasons.push(DenialReason::ForbiddenByProduct { action: stated.action });
        }
        reasons
    }
}
