//! The reference monitor: one access from request to recorded decision.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use dataspace_data_plane::{Masked, Plan, PseudonymKey};
use dataspace_identity::CLOCK_SKEW;
use dataspace_policy::{Decision as PolicyDecision, Facts, Layers};
use dataspace_primitives::{Digest, Signed, UnixMillis, VerifyError};
use dataspace_usage_contract::AccessRequest;

use crate::access::asked::{Asked, Decided, VerifiedRequest};
use crate::access::denial::DenialReason;
use crate::access::error::AccessError;
use crate::access::permit::{Conflict, Decision, Denial, Permit};
use crate::access::release::{Grant, OpenData, Slot};
use crate::clock::ClockError;
use crate::gate::Pass;
use crate::node::Inner;
use crate::state::contract::Contract;
use crate::state::members::Member;

/// One pass through the monitor. While it exists, no membership, contract or profile changes, so
/// that the log's order is the order in which things took effect. Nothing in it waits for the disk;
/// drop it before you do.
pub struct Monitor<'a> {
    pub(crate) inner: &'a Arc<Inner>,
    pub(crate) state: Pass<'a>,
}

/// A signed request that is fresh, not replayed, and by the contract's consumer, in one pass through the
/// monitor. Good for one decision.
pub struct Received<'m> {
    pub(crate) monitor: &'m Monitor<'m>,
    pub(crate) asked: Asked,
}

impl Inner {
    /// Checks who signed a request, which needs no lock. The contract is named inside, so any
    /// consumer's key that signed will do for a look.
    pub(crate) fn verify_request(
        &self,
        request: Signed<AccessRequest>,
    ) -> Result<VerifiedRequest, AccessError> {
        let now = self.clock.now()?;
        let keys = dataspace_identity::Did::claimed_keys(&request);
        let keys = keys.map_err(|_| AccessError::Signature)?;
        let verified = request.verify(&keys, now).map_err(|error| match error {
            VerifyError::Content(error) => AccessError::Malformed(error),
            _ => AccessError::Signature,
        });
        Ok(VerifiedRequest(verified?))
    }

    pub(crate) fn enter(self: &Arc<Self>) -> Monitor<'_> {
        Monitor { inner: self, state: self.gate.enter() }
    }
}

impl Monitor<'_> {
    /// Checks that a request is for a contract of this node, and by its consumer.
    pub(crate) fn check_consumer(
        &self,
        request: &VerifiedRequest,
    ) -> Result<&Arc<Contract>, AccessError> {
        let VerifiedRequest(request) = request;
        let AccessRequest { contract, log, consumer, .. } = request.value();
        let expected = self.inner.log.origin();
        if log != expected {
            let (expected, found) = (expected.clone(), log.clone());
            return Err(AccessError::OtherNode { expected, found });
        }
        let id = *contract;
        let unknown = AccessError::UnknownContract { contract: id };
        let contract = self.state.contracts.get(&id).ok_or(unknown)?;
        let is_consumer = *consumer == contract.agreement.value().consumer
            && request.is_signed_by(consumer.key_id());
        if is_consumer { Ok(contract) } else { Err(AccessError::Signature) }
    }

    /// Takes a request in: signed by the contract's consumer, fresh, and not answered before.
    ///
    /// # Errors
    /// [`AccessError`] for anything else. Nothing is recorded then: whoever cannot show to be a
    /// consumer must not be able to fill the log.
    pub fn receive(&self, request: VerifiedRequest) -> Result<Received<'_>, AccessError> {
        let contract = Arc::clone(self.check_consumer(&request)?);
        let VerifiedRequest(request) = request;
        let now = self.inner.clock.now()?;
        self.check_fresh(request.value().requested_at, now)?;
        if !self.state.replays.insert(Digest::of(request.signed().as_bytes()), now) {
            return Err(AccessError::Replayed);
        }
        Ok(Received { monitor: self, asked: Asked { request, contract } })
    }

    /// Takes in again the request of a decision that came to nothing.
    ///
    /// # Errors
    /// [`AccessError::UnknownContract`] if the decision was of another node.
    pub fn again(&self, conflict: Conflict) -> Result<Received<'_>, AccessError> {
        let Conflict { node, asked } = conflict;
        if !std::ptr::eq(node.as_ptr(), Arc::as_ptr(self.inner)) {
            return Err(AccessError::UnknownContract { contract: asked.contract.id });
        }
        Ok(Received { monitor: self, asked: *asked })
    }

    fn check_fresh(&self, requested_at: UnixMillis, now: UnixMillis) -> Result<(), AccessError> {
        let age_secs_max = self.state.profile.profile().parameters.request_age_secs_max;
        let age = now.since(requested_at);
        let ahead = requested_at.since(now);
        if age > Duration::from_secs(u64::from(age_secs_max)) || ahead > CLOCK_SKEW {
            return Err(AccessError::NotFresh { requested_at, now, age_secs_max });
        }
        Ok(())
    }

    fn decide(&self, asked: Asked) -> Result<Decision<'_>, AccessError> {
        let now = self.inner.clock.now()?;
        self.check_fresh(asked.request.value().requested_at, now)?;
        let contract = Arc::clone(&asked.contract);
        let member = self.state.members.get(&contract.agreement.value().consumer);
        let member = member.ok_or(AccessError::UnknownContract { contract: contract.id })?;
        let (member, profile) = (Arc::clone(member), Arc::clone(&self.state.profile));
        let uses = contract.uses_at(now);
        let decided = Box::new(Decided { asked, member, profile, now, uses });
        let judged = self.judge(&decided, &decided.member, &decided.facts());
        let opened = judged.and_then(|clauses| {
            // WHY before anything is recorded: data that cannot be opened must not cost a use.
            let data = self.open(&contract).map_err(|reason| vec![reason])?;
            Ok((clauses, data))
        });
        let node = Arc::downgrade(self.inner);
        Ok(match opened {
            Ok((clauses, data)) => {
                let grant = Grant { node, decided, clauses, data };
                Decision::Permit(Permit { grant, pass: PhantomData })
            }
            Err(reasons) => Decision::Denial(Denial { node, decided, reasons, pass: PhantomData }),
        })
    }

    /// The contract's data, ready to be read with its duties carried out.
    fn open(&self, contract: &Arc<Contract>) -> Result<Box<OpenData>, DenialReason> {
        let limit = self.inner.limits.open_max;
        let slot = Slot::take(contract, limit).ok_or(DenialReason::TooManyOpen { limit })?;
        let agreement = contract.agreement.value();
        let Some(table) = self.state.tables.get(&agreement.product) else {
            let message = format!("no table of `{}` is attached; register it", agreement.product);
            return Err(DenialReason::Unavailable { message });
        };
        // Pseudonyms of one contract cannot be joined with another's.
        let key = self.inner.key.derive("pseudonyms", contract.id.as_digest().as_bytes());
        let key = PseudonymKey::new(key);
        let plan = Plan::compile(&agreement.terms.duties, &table.schema(), key);
        let plan = Arc::new(plan.map_err(|error| DenialReason::duty(&error))?);
        let batches = Masked::open(Arc::clone(&plan), table);
        let batches = batches.map_err(|error| DenialReason::unavailable(&error))?;
        Ok(Box::new(OpenData { plan, batches, _slot: slot }))
    }

    /// By membership, contract, profile and policies: who permits, or why not (never empty).
    fn judge(
        &self,
        decided: &Decided,
        member: &Member,
        facts: &Facts<'_>,
    ) -> Result<Vec<String>, Vec<DenialReason>> {
        let contract = &decided.asked.contract;
        let mut reasons = self.standing(contract, member, facts.now);
        let purpose = &decided.asked.request.value().purpose;
        if !self.state.profile.profile().scenarios.contains_key(purpose) {
            reasons.push(DenialReason::UnknownPurpose { purpose: purpose.clone() });
        }
        // WHY: whatever the contract permits, a release gives out rows and not what was asked for.
        let action = decided.asked.request.value().action;
        if !action.is_carried_out() {
            reasons.push(DenialReason::NotCarriedOut { action });
        }
        let (space, own) = (self.state.profile.policies(), self.state.own.as_ref());
        let layers = Layers { space: Some(space), provider: own.map(|own| own.policies()) };
        let clauses = match self.state.programs.decide(contract.id.as_digest(), facts, layers) {
            PolicyDecision::Permit(grounds) => grounds.policies().map(str::to_owned).collect(),
            PolicyDecision::Deny(denial) => {
                reasons.extend(denial.reasons().into_iter().map(DenialReason::Policy));
                return Err(reasons);
            }
        };
        // The policies count too; this holds whatever they say.
        if let Some(limit) = contract.quota().limit()
            && facts.uses.contract >= limit
        {
            reasons.push(DenialReason::QuotaExhausted { limit });
        }
        if reasons.is_empty() { Ok(clauses) } else { Err(reasons) }
    }

    /// Why the contract or the membership does not stand at `now`; empty if both do.
    fn standing(&self, contract: &Contract, member: &Member, now: UnixMillis) -> Vec<DenialReason> {
        let mut reasons = Vec::new();
        if let Some(revocation) = &member.revocation {
            reasons.push(DenialReason::MembershipRevoked {
                revoked_at: revocation.revoked_at,
                reason: revocation.reason.clone(),
            });
        }
        if !member.admitted.is_member_at(now) {
            let validity = member.admitted.credential().validity;
            reasons.push(DenialReason::MembershipOver { validity, now });
        }
        let provider = self.state.members.get(&contract.agreement.value().provider);
        if !provider.is_some_and(|provider| provider.is_member_at(now)) {
            reasons.push(DenialReason::ProviderNotAMember);
        }
        reasons.extend(self.outside_profile(contract, member));
        if let Some(termination) = self.state.terminations.get(&contract.id) {
            let reason = termination.reason.clone();
            reasons.push(DenialReason::ContractTerminated { reason });
        }
        if self.state.is_ended_by_clock(contract) {
            reasons.push(DenialReason::ClockSetBack);
        }
        let validity = contract.agreement.value().validity;
        if !validity.contains(now) {
            reasons.push(DenialReason::ContractOver { validity, now });
        }
        reasons
    }

    /// What the newest profile no longer admits: a space may tighten, for running contracts too.
    fn outside_profile(&self, contract: &Contract, member: &Member) -> Option<DenialReason> {
        let profile = self.state.profile.profile();
        let (class, credential) =
            (&contract.agreement.value().product_class, member.admitted.credential());
        if !profile.data.product_classes.contains(class) {
            let value = class.to_string();
            return Some(DenialReason::OutsideProfile { what: "product class", value });
        }
        let (what, value) = profile.entities.refuses(&credential.roles, credential.region)?;
        Some(DenialReason::OutsideProfile { what, value })
    }

    /// Whether the access that was permitted on `facts` would be permitted now: asked again for
    /// each chunk of a release. Its own use is made; later ones do not end it.
    pub(crate) fn still_stands(&self, decided: &Decided) -> Result<Vec<DenialReason>, ClockError> {
        let now = self.inner.clock.now()?;
        let contract = &decided.asked.contract;
        let Some(member) = self.state.members.get(&contract.agreement.value().consumer) else {
            // Members are never removed; if one were, its contracts would not stand.
            return Ok(vec![DenialReason::NotAMember]);
        };
        let facts = decided.facts_at(now, member, &self.state.profile);
        Ok(self.judge(decided, member, &facts).err().unwrap_or_default())
    }
}

impl<'m> Received<'m> {
    /// Decides on the request, by the state of memberships and contract, the contract's policies, the
    /// space's and the provider's.
    ///
    /// # Errors
    /// [`AccessError`] if no decision is possible.
    pub fn decide(self) -> Result<Decision<'m>, AccessError> {
        self.monitor.decide(self.asked)
    }
}

impl fmt::Debug for Monitor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").finish_non_exhaustive()
    }
}

impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").finish_non_exhaustive()
    }
}
