//! The reference monitor: one access from request to recorded decision.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use dataspace_data_plane::errors::PlanError;
use dataspace_data_plane::product::{ProductError, Recipient};
use dataspace_identity::{Origin, claimed_keys, credential::CLOCK_SKEW};
use dataspace_ledger::facts::Stated;
use dataspace_ledger::{
    DenialReason,
    state::{Case, Contract},
};
use dataspace_primitives::{Digest, Payload, Signed, UnixMillis, Verified, signed::VerifyError};
use dataspace_usage_contract::AccessRequest;

use crate::access::asked::{Asked, Decided, VerifiedRequest};
use crate::access::error::AccessError;
use crate::access::permit::{Conflict, Decision, Denial, Permit};
use crate::access::release::{Grant, OpenData};
use crate::access::slot::Slot;
use crate::contracts::Active;
use crate::error::with_causes;
use crate::gate::Pass;
use crate::node::Inner;

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
    /// Checks who signed a request, and finds the contract with its documents, which may have to be read
    /// from the log: both before a pass. The contract is named inside the request, so the signature of the
    /// claimed signer is checked first; only the contract's own consumer makes the node read one.
    pub(crate) fn verify_request(
        self: &Arc<Self>,
        request: Signed<AccessRequest>,
    ) -> Result<VerifiedRequest, AccessError> {
        let verified = self.verify_consumer(request)?;
        self.look_over(&verified.0.active);
        // WHY last: a look at the key costs more than a signature, and those of strangers are not looked at.
        if let Some(key) = &verified.0.request.value().seal_for {
            check_seal(key)?;
        }
        Ok(verified)
    }

    /// Checks the signature of the signer that a request names.
    pub(crate) fn verify_claimed<T: Payload>(
        self: &Arc<Self>,
        request: Signed<T>,
        now: UnixMillis,
    ) -> Result<Verified<T>, AccessError> {
        let keys = claimed_keys(&request, &self.enter().state.space);
        let keys = keys.map_err(|_| AccessError::Signature)?;
        request.verify(&keys, now).map_err(|error| match error {
            VerifyError::Content(error) => AccessError::Malformed(error),
            _ => AccessError::Signature,
        })
    }

    fn verify_consumer(
        self: &Arc<Self>,
        request: Signed<AccessRequest>,
    ) -> Result<VerifiedRequest, AccessError> {
        let now = self.clock.now()?;
        let request = self.verify_claimed(request, now)?;
        let digest = Digest::of(request.signed().as_bytes());
        let (contract, resolver) = {
            let monitor = self.enter();
            let contract = monitor.check_consumer(&request)?;
            // WHY before anything is read: others have old requests, too, and may send them again.
            monitor.check_fresh(request.value().requested_at, now)?;
            if monitor.state.replays.has(digest) {
                return Err(AccessError::Replayed);
            }
            if let Some(active) = self.contracts.in_memory(contract.id()) {
                return Ok(VerifiedRequest(Asked { request, digest, active }));
            }
            (Arc::clone(contract), Arc::clone(monitor.state.space.keys()))
        };
        let active = self.contracts.get(&contract, &self.log, &resolver.past());
        let active = active.map_err(|source| AccessError::Contract {
            contract: contract.id(),
            source: Box::new(source),
        })?;
        Ok(VerifiedRequest(Asked { request, digest, active }))
    }

    /// Has the data of a contract read over if they changed, which may take long.
    pub(crate) fn look_over(self: &Arc<Self>, active: &Active) {
        let product = &active.document.agreement().value().product;
        let product = self.enter().state.products.get(product).map(Arc::clone);
        if let Some(product) = product {
            product.look_over();
        }
    }

    pub(crate) fn enter(self: &Arc<Self>) -> Monitor<'_> {
        Monitor { inner: self, state: self.gate.enter() }
    }
}

/// Checks that this node can seal for a key.
#[cfg(feature = "sealed")]
fn check_seal(key: &[u8; 32]) -> Result<(), AccessError> {
    let checked = dataspace_sealed::Recipient::from_bytes(key);
    let what = "its key is not a usable X25519 public key";
    checked.map(drop).map_err(|_| AccessError::Seal { what })
}

#[cfg(not(feature = "sealed"))]
fn check_seal(_: &[u8; 32]) -> Result<(), AccessError> {
    Err(AccessError::Seal { what: "this node makes none" })
}

impl Monitor<'_> {
    /// Checks that a request is for this node.
    pub(crate) fn check_log(&self, log: &Origin) -> Result<(), AccessError> {
        let expected = self.inner.log.origin();
        if log == expected {
            return Ok(());
        }
        Err(AccessError::OtherNode { expected: expected.clone(), found: log.clone() })
    }

    /// Checks that a request is for a contract of this node, and by its consumer.
    fn check_consumer(
        &self,
        request: &Verified<AccessRequest>,
    ) -> Result<&Arc<Contract>, AccessError> {
        let AccessRequest { contract, log, consumer, .. } = request.value();
        self.check_log(log)?;
        let unknown = |_| AccessError::UnknownContract { contract: *contract };
        let contract = self.state.space.contract(*contract).map_err(unknown)?;
        let is_consumer = consumer == contract.consumer() && consumer.has_signed(request);
        if is_consumer { Ok(contract) } else { Err(AccessError::Signature) }
    }

    /// Accepts a request that is fresh and was not answered before.
    ///
    /// # Errors
    /// [`AccessError`] for anything else. Nothing is recorded then: strangers must not be able to
    /// fill the log.
    pub fn receive(&self, request: VerifiedRequest) -> Result<Received<'_>, AccessError> {
        let VerifiedRequest(asked) = request;
        self.check_here(&asked)?;
        let now = self.inner.clock.now()?;
        self.check_fresh(asked.request.value().requested_at, now)?;
        if !self.state.replays.insert(asked.digest, now) {
            return Err(AccessError::Replayed);
        }
        Ok(Received { monitor: self, asked })
    }

    /// Checks that the contract that was found before the pass belongs to this node.
    fn check_here(&self, asked: &Asked) -> Result<(), AccessError> {
        let contract = asked.active.contract.id();
        match self.state.space.contract(contract) {
            Ok(known) if Arc::ptr_eq(known, &asked.active.contract) => {
                self.check_not_deleted(asked)
            }
            _ => Err(AccessError::UnknownContract { contract }),
        }
    }

    /// Nothing more is sealed for a consumer that stated that it deleted the contract's keys: it could make no
    /// second statement about what came after.
    fn check_not_deleted(&self, asked: &Asked) -> Result<(), AccessError> {
        let is_sealed = asked.request.value().seal_for.is_some();
        if is_sealed && self.state.space.deletion(asked.active.contract.id()).is_some() {
            return Err(AccessError::Seal {
                what: "its consumer stated that the keys are deleted",
            });
        }
        Ok(())
    }

    /// Accepts the request again after a decision that was not submitted.
    ///
    /// # Errors
    /// [`AccessError::UnknownContract`] if the decision was of another node.
    pub fn again(&self, conflict: Conflict) -> Result<Received<'_>, AccessError> {
        let Conflict { node, asked } = conflict;
        if !std::ptr::eq(node.as_ptr(), Arc::as_ptr(self.inner)) {
            let contract = asked.active.contract.id();
            return Err(AccessError::UnknownContract { contract });
        }
        Ok(Received { monitor: self, asked: *asked })
    }

    pub(crate) fn check_fresh(
        &self,
        requested_at: UnixMillis,
        now: UnixMillis,
    ) -> Result<(), AccessError> {
        let age_secs_max = self.state.space.profile().profile().parameters.request_age_secs_max;
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
        let space = &self.state.space;
        let Active { contract, document, .. } = &*asked.active;
        // WHY again: a key that was taken back, or ended, after the signature was checked does not count.
        if !space.are_believed(asked.request.signers(), now) {
            return Err(AccessError::Signature);
        }
        let member = space.member(contract.consumer());
        let member = member.ok_or(AccessError::UnknownContract { contract: contract.id() })?;
        let uses = contract.uses_at(now, &asked.usage());
        let (judged, vouched) = {
            let stated = Stated::of(asked.request.value(), uses);
            let vouched = space.vouched(contract, &stated, now);
            let case = Case { contract, document, member, stated: &stated, vouched: &vouched, now };
            let judged = space.judge(&case, &space.facts(&case));
            (judged, vouched)
        };
        let opened = judged.and_then(|clauses| {
            // WHY before anything is recorded: data that cannot be opened must not cost a use.
            let data = self.open(&asked, None).map_err(|reason| vec![reason])?;
            Ok((clauses, data))
        });
        let (member, profile) = (Arc::clone(member), Arc::clone(space.profile()));
        let decided = Box::new(Decided { asked, member, profile, now, uses, vouched });
        let node = Arc::downgrade(self.inner);
        Ok(match opened {
            Ok((clauses, data)) => {
                let grant = Grant { node, decided, clauses, data };
                Decision::Permit(Permit { grant, pass: PhantomData })
            }
            Err(reasons) => Decision::Denial(Denial { node, decided, reasons, pass: PhantomData }),
        })
    }

    /// The part of the contract's data that is asked for, ready to be read with its duties carried out; in
    /// this place among the open releases, or in one more.
    pub(crate) fn open(
        &self,
        asked: &Asked,
        slot: Option<Arc<Slot>>,
    ) -> Result<Box<OpenData>, DenialReason> {
        let Asked { active, request, .. } = asked;
        let limit = self.inner.limits.open_max;
        let slot = slot.or_else(|| Slot::take(active, limit));
        let slot = slot.ok_or(DenialReason::TooManyOpen { limit })?;
        let agreement = active.document.agreement().value();
        let Some(product) = self.state.products.get(&agreement.product) else {
            let message = format!("no data of `{}` are attached; register it", agreement.product);
            return Err(DenialReason::Unavailable { message });
        };
        let unavailable = |error: &dyn std::error::Error| DenialReason::Unavailable {
            message: with_causes(error),
        };
        // Pseudonyms of one contract cannot be joined with another's, unless the terms say so.
        let (secrets, contract) = (&*self.inner.keys.secrets, active.contract.id());
        let recipient = Recipient {
            contract: contract.as_digest().as_bytes(),
            consumer: active.contract.consumer().as_str(),
        };
        let part = request.value().part.as_ref();
        let data = product.open(&agreement.terms.duties, part, secrets, recipient);
        let data = data.map_err(|error| match error {
            ProductError::Duty(PlanError::Secret { source }) => unavailable(&source),
            ProductError::Duty(error) => DenialReason::Duty { message: error.to_string() },
            ProductError::Part(error) => DenialReason::Part { message: error.to_string() },
            other => unavailable(&other),
        })?;
        Ok(Box::new(OpenData { data, slot }))
    }

    /// The reasons against the access now, none if it would still be permitted: asked again for
    /// each chunk of a release. Its own use is made; later ones do not end it.
    pub(crate) fn still_stands(&self, decided: &Decided, now: UnixMillis) -> Vec<DenialReason> {
        let space = &self.state.space;
        let Asked { request, active, .. } = &decided.asked;
        let Active { contract, document, .. } = &**active;
        let Some(member) = space.member(contract.consumer()) else {
            // Members are never removed; if one were, its contracts would not stand.
            return vec![DenialReason::NotAMember];
        };
        // Of a key whose time is over, what it asked for in time goes on.
        if !request.signers().all(|id| space.keys().is_current(id)) {
            return vec![DenialReason::KeyEnded];
        }
        let stated = Stated::of(request.value(), decided.uses);
        let vouched = &space.vouched(contract, &stated, now);
        let case = Case { contract, document, member, stated: &stated, vouched, now };
        space.judge(&case, &space.facts(&case)).err().unwrap_or_default()
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
