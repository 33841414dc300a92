//! Changes of what is in force: made, recorded, signed.

use std::sync::Arc;

use dataspace_audit_log::append::AppendError;
use dataspace_data_plane::Product;
use dataspace_identity::{
    Did, KeyDocument, MembershipCredential, MembershipRevocation, claimed_keys,
};
use dataspace_ledger::{Refusal, state::Change};
use dataspace_policy::{Program, Terms};
use dataspace_primitives::{Name, Signed, UnixMillis, Validity, Verified};
use dataspace_tlog::{Record, record::EncodedRecord};
use dataspace_usage_contract::{
    Acceptance, Agreement, ContractId, DeletionStatement, Offer, ProviderPolicies,
    PublishedPolicies, PublishedProfile, SpaceProfile, Statement, Termination,
    agreement::AgreeError,
    contract_id,
    statement::{StatedValue, Subject},
};

use crate::error::{ChangeError, WriteError};
use crate::space::DataSpace;
use crate::space::exclusive::Looked;
use crate::state::State;

/// A provider's new offer; the node adds the space, itself and the product's class.
#[derive(Clone, Debug)]
pub struct NewOffer {
    /// A registered product.
    pub product: Name,
    /// The only consumer who may accept it; `None` for every participant.
    pub consumer: Option<Did>,
    /// The permissions, prohibitions and duties.
    pub terms: Terms,
    /// When the contract would run: half-open.
    pub validity: Validity,
    /// First instant at which the offer can no longer be accepted.
    pub expires_at: UnixMillis,
}

/// Outcome of a change that is in force now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was recorded, and is in force from now on.
    Now,
    /// It was in force before, all of it, and so was not recorded again.
    AlreadyInForce,
}

impl DataSpace {
    /// Puts a newer profile of the authority in force, for running contracts too.
    ///
    /// # Errors
    /// [`ChangeError`] if it is not the authority's, not newer, or not acceptable.
    pub fn publish(&self, profile: Signed<SpaceProfile>) -> Result<Applied, ChangeError> {
        let profile =
            PublishedProfile::publish(profile, self.inner.anchors.authority(), self.about_now()?)?;
        self.change_once(|state, _now| Ok(state.space.check_published(profile)?))
    }

    /// Admits a participant by the authority's credential, which also renews a membership. The newest
    /// credential counts, whatever the order in which they come.
    ///
    /// # Errors
    /// [`ChangeError`] if the credential is not acceptable in this space, was revoked, or is older
    /// than the one in force.
    pub fn admit(&self, credential: Signed<MembershipCredential>) -> Result<Applied, ChangeError> {
        let admitted = self.inner.anchors.admit(credential, self.about_now()?)?;
        self.change_once(|state, now| Ok(state.space.check_admitted(admitted, now)?))
    }

    /// Ends a membership. From the moment this returns, nothing more is released to the
    /// participant by a credential that was issued up to the revocation; running releases stop before
    /// their next batch. It is kept for credentials that come later, too, and for participants that
    /// nobody here has heard of.
    ///
    /// # Errors
    /// [`ChangeError`] if it is not the authority's.
    pub fn revoke(&self, revocation: Signed<MembershipRevocation>) -> Result<Applied, ChangeError> {
        let revocation = self.inner.anchors.check_revocation(revocation, self.about_now()?)?;
        self.change_once(|state, _now| Ok(state.space.check_revoked(revocation)?))
    }

    /// Records the keys of a member whose DID is not its key, the provider's own included: from then
    /// on its signatures are verified with them, and signatures by keys that are left out are no longer
    /// believed. Signed by the authority, or by the member with a key in force.
    ///
    /// # Errors
    /// [`ChangeError`] if it is not the next document of a member, or neither signed it.
    pub fn record_keys(&self, document: Signed<KeyDocument>) -> Result<(), ChangeError> {
        // Without the lock, so that strangers cost nobody anything.
        let now = self.about_now()?;
        self.look(|state| Ok(state.space.check_keys(document.clone(), now).map(drop)?))?;
        self.change(|state, now| Ok(state.space.check_keys(document, now)?))
    }

    /// Registers a product and attaches its data, a [`Table`](dataspace_data_plane::Table) for instance; after opening a
    /// node, attaches them again.
    ///
    /// # Errors
    /// [`ChangeError`] if the space has no such class, or the product was registered with other
    /// columns, or forbade more.
    pub fn register(
        &self,
        product: Name,
        class: Name,
        data: impl Product + 'static,
    ) -> Result<(), ChangeError> {
        let (descriptor, forbids) = (data.descriptor_digest(), data.forbids());
        let known = self.look(|state| {
            let (id, class) = (product.clone(), class.clone());
            let _known_or_new =
                state.space.check_product(id, class, descriptor, forbids.clone())?;
            Ok(state.space.product(&product).is_ok_and(|known| known.forbids == forbids))
        })?;
        if !known {
            let id = product.clone();
            self.change(|state, _now| {
                Ok(state.space.check_product(id, class, descriptor, forbids)?)
            })?;
        }
        self.inner.log.flush().map_err(WriteError::from)?;
        let mut state = self.inner.gate.change()?;
        let before = state.products.insert(product, Arc::new(data));
        // WHY in this order: what a product of somebody else's does when it is dropped, it does without the lock.
        drop(state);
        drop(before);
        Ok(())
    }

    /// Signs an offer, after checking that its terms can be carried out here.
    ///
    /// # Errors
    /// [`ChangeError`] if they cannot.
    pub fn offer(&self, new: NewOffer) -> Result<Signed<Offer>, ChangeError> {
        let state = self.inner.gate.enter();
        let product = state.space.product(&new.product)?;
        let offer = Offer {
            space: self.inner.anchors.space().clone(),
            log: self.inner.log.origin().clone(),
            provider: self.provider().clone(),
            consumer: new.consumer,
            product_class: product.class.clone(),
            product: new.product,
            terms: new.terms,
            validity: new.validity,
            expires_at: new.expires_at,
        };
        let Offer { product, product_class, terms, .. } = &offer;
        state.check_terms(product, product_class, terms)?;
        state.space.check_offered(terms)?;
        Ok(offer.sign(&*self.inner.keys.signer)?)
    }

    /// Countersigns an accepted offer: from now on the contract is in force.
    ///
    /// # Errors
    /// [`ChangeError`] if offer and acceptance do not fit, the consumer is not a member, or it
    /// accepted the offer before. After [`ChangeError::Unsigned`] the contract is in force: see
    /// [`DataSpace::agreement`], with the identifier in the acceptance.
    pub fn conclude(
        &self,
        offer: Signed<Offer>,
        acceptance: Signed<Acceptance>,
    ) -> Result<Verified<Agreement>, ChangeError> {
        // WHY in this order: anyone with a copy of an offer can send acceptances. They cost two
        // signatures, and only a member's that is new is compiled, outside of every lock.
        let now = self.about_now()?;
        let resolver = Arc::clone(self.inner.gate.enter().space.keys());
        let keys = claimed_keys(&acceptance, &*resolver).map_err(AgreeError::from)?;
        let acceptance = acceptance.verify(&keys, now)?;
        let offer = Offer::verify_signature(offer, self.provider(), &*resolver, now)?;
        let compiler = self.look(|state| {
            state.space.check_place(&offer.value().space, &offer.value().log)?;
            let Acceptance { offer: accepted, consumer, .. } = acceptance.value();
            state.space.check_parties(*accepted, (self.provider(), consumer), now)?;
            Ok(state.space.compiler().clone())
        })?;
        let parties = (&*self.inner.keys.signer, &acceptance);
        let concluded = Agreement::conclude_with(&offer, parties, &*resolver, now, &compiler)?;
        let agreement = concluded.0.clone();
        let mut concluded = Some(concluded);
        let mut looked = Looked::default();
        loop {
            let known = self.check_rivals(agreement.value(), &mut looked)?;
            let made = self.conclude_now(&offer, (&agreement, &mut concluded), known);
            match made {
                Err(ChangeError::Outdated) => {}
                made => return made.map(|()| agreement),
            }
        }
    }

    fn conclude_now(
        &self,
        offer: &Verified<Offer>,
        (agreement, concluded): (&Verified<Agreement>, &mut Option<(Verified<Agreement>, Program)>),
        known: Option<usize>,
    ) -> Result<(), ChangeError> {
        self.change(|state, now| {
            // A contract that was concluded since may be one of another consumer.
            if known.is_some_and(|known| known != state.space.contracts().len()) {
                return Err(ChangeError::Outdated);
            }
            let expires_at = offer.value().expires_at;
            if now >= expires_at {
                let offer = agreement.value().offer;
                return Err(AgreeError::Expired { offer, expires_at, now }.into());
            }
            let concluded = concluded.take().ok_or(ChangeError::Outdated)?;
            let change = state.space.check_agreement(concluded, now)?;
            let Agreement { product, product_class, terms, .. } = agreement.value();
            state.check_terms(product, product_class, terms)?;
            state.space.check_offered(terms)?;
            Ok(change)
        })
    }

    /// Ends a contract before its time, by the signed statement of its provider or consumer.
    ///
    /// # Errors
    /// [`ChangeError`] if there is no such contract here, or neither of them signed the statement.
    pub fn terminate(&self, termination: Signed<Termination>) -> Result<(), ChangeError> {
        let now = self.about_now()?;
        let termination = self.inner.gate.enter().space.verify_termination(termination, now)?;
        self.look_and_change(|state, now| Ok(state.space.check_ended(termination.clone(), now)?))
    }

    /// Records a consumer's statement that it deleted the keys of what it got sealed under a contract. It is its word, for
    /// which it can be held liable, and no proof.
    ///
    /// # Errors
    /// [`ChangeError`] if the consumer of a contract of this node did not sign it, or it is dated as it cannot be;
    /// [`Refusal::AlreadyDeleted`] if there is one for the contract.
    pub fn take_deletion(&self, statement: Signed<DeletionStatement>) -> Result<(), ChangeError> {
        let now = self.about_now()?;
        let statement = self.inner.gate.enter().space.verify_deletion(statement, now)?;
        self.look_and_change(|state, now| Ok(state.space.check_deleted(statement.clone(), now)?))
    }

    /// As the provider: ends a contract before its time.
    ///
    /// # Errors
    /// [`ChangeError`] as for [`DataSpace::terminate`].
    pub fn end_contract(&self, contract: ContractId, reason: Name) -> Result<(), ChangeError> {
        let declared_at = self.now().map_err(WriteError::from)?;
        let by = self.provider().clone();
        let termination = Termination { contract, by, declared_at, reason };
        self.terminate(Signed::sign(&termination, &*self.inner.keys.signer)?)
    }

    /// Puts the provider's own policies in force, in place of those before: Cedar text in which
    /// each policy has an `@id` and forbids, whatever contracts permit. Running releases stop
    /// before their next batch if they are forbidden now. An empty text withdraws the policies.
    ///
    /// # Errors
    /// [`ChangeError`] if the text is not acceptable; the policies before it stay in force.
    pub fn set_policies(&self, cedar: &str) -> Result<(), ChangeError> {
        loop {
            let now = self.about_now()?;
            let (profile, own, resolver) = {
                let state = self.inner.gate.enter();
                let resolver = Arc::clone(state.space.keys());
                (Arc::clone(state.space.profile()), state.space.own().cloned(), resolver)
            };
            let (space, log) = (self.inner.anchors.space(), self.inner.log.origin());
            let statement = ProviderPolicies {
                space: space.clone(),
                log: log.clone(),
                version: PublishedPolicies::next_version(own.as_deref()),
                cedar: cedar.trim().to_owned(),
            };
            let statement = Signed::sign(&statement, &*self.inner.keys.signer)?;
            let names = profile.profile().vocabulary();
            let (ours, last) = ((space, log), own.as_deref());
            let policies =
                PublishedPolicies::publish(statement, ours, &names, last, &*resolver, now)?;
            let made = self.change(|state, now| {
                // Checked against a profile or a version that is no longer in force.
                let is_same = Arc::ptr_eq(state.space.profile(), &profile)
                    && state.space.own().map(Arc::as_ptr) == own.as_ref().map(Arc::as_ptr);
                if !is_same {
                    return Err(ChangeError::Outdated);
                }
                Ok(state.space.check_own(policies, now)?)
            });
            match made {
                Err(ChangeError::Outdated) => {}
                made => return made,
            }
        }
    }

    /// Takes the signed statement of a party that the space's profile trusts for it: from now on it decides,
    /// on running releases too. Of one issuer, kind and subject the one with the greatest serial number
    /// counts, in whatever order they come, and while it is valid alone.
    ///
    /// # Errors
    /// [`ChangeError`] if it is not its issuer's, not for this space and node, of a kind that the profile
    /// trusts somebody else for, or older than the one in force.
    pub fn take_statement(&self, statement: Signed<Statement>) -> Result<Applied, ChangeError> {
        // WHY first without the lock: anyone can send one.
        let now = self.about_now()?;
        let resolver = Arc::clone(self.inner.gate.enter().space.keys());
        let statement = Statement::verify(statement, &*resolver, now).map_err(Refusal::from)?;
        applied(
            self.look_and_change(|state, now| {
                Ok(state.space.check_stated(statement.clone(), now)?)
            }),
        )
    }

    /// As the provider: states what the space's profile trusts providers for, at this node, in place of what it
    /// stated before; `None` withdraws it.
    ///
    /// # Errors
    /// [`ChangeError`] as for [`take_statement`](Self::take_statement).
    pub fn state(
        &self,
        (kind, subject): (Name, Subject),
        value: Option<StatedValue>,
        validity: Validity,
    ) -> Result<(), ChangeError> {
        let issuer = self.provider().clone();
        let last = self.inner.gate.enter().space.last_serial(&subject, (&issuer, &kind));
        let statement = Statement {
            space: self.inner.anchors.space().clone(),
            log: Some(self.inner.log.origin().clone()),
            issuer,
            subject,
            kind,
            value,
            serial: last.unwrap_or_default().saturating_add(1),
            validity,
        };
        self.take_statement(Signed::sign(&statement, &*self.inner.keys.signer)?).map(drop)
    }

    /// Looks at what is in force, before a change takes the lock.
    pub(super) fn look<T>(
        &self,
        check: impl FnOnce(&State) -> Result<T, ChangeError>,
    ) -> Result<T, ChangeError> {
        // WHY apart: a refusal waits for the disk, and must not do so in the pass.
        let looked = check(&self.inner.gate.enter());
        looked.or_else(|error| self.refuse(error))
    }

    /// A change that anyone may send: looked at without the lock, so that one that is refused keeps nobody
    /// waiting; then again under it.
    fn look_and_change(
        &self,
        check: impl Fn(&State, UnixMillis) -> Result<Change, ChangeError>,
    ) -> Result<(), ChangeError> {
        let now = self.about_now()?;
        self.look(|state| check(state, now).map(drop))?;
        self.change(check)
    }

    /// Refuses, once all that the refusal may rest on is durable: a change that is not may never be.
    pub(super) fn refuse<T>(&self, error: ChangeError) -> Result<T, ChangeError> {
        self.inner.log.flush().map_err(WriteError::from)?;
        Err(error)
    }

    /// The time at which documents are verified, before a change has a time of its own.
    pub(super) fn about_now(&self) -> Result<UnixMillis, ChangeError> {
        Ok(self.now().map_err(WriteError::from)?)
    }

    /// Puts a change in force, in the moment in which it gets its place in the log: one after the other,
    /// and none while an access is between decision and log. Then waits, without a lock, until it is
    /// durable and signed: whatever is decided on it meanwhile stands behind it in the log, and so is
    /// not durable before it.
    fn change(
        &self,
        check: impl FnOnce(&State, UnixMillis) -> Result<Change, ChangeError>,
    ) -> Result<(), ChangeError> {
        self.inner.gate.check_outside()?;
        let room = self.inner.log.room().map_err(WriteError::from)?;
        let pending = {
            let mut state = self.inner.gate.change()?;
            let now = self.inner.clock.now().map_err(WriteError::from)?;
            let change = match check(&state, now) {
                Ok(change) => change,
                Err(error) => {
                    drop(state);
                    return self.refuse(error);
                }
            };
            let record = EncodedRecord::try_from(&Record::new(now, change.to_event()));
            let record = record.map_err(AppendError::from).map_err(WriteError::from)?;
            let pending = room.submit(&record).map_err(WriteError::from)?;
            let document = change.document().map(Arc::clone);
            state.apply(change, pending.index());
            if let Some(document) = document {
                let contract = state.space.contract(contract_id(document.agreement()))?;
                self.inner.contracts.insert(contract, document);
            }
            pending
        };
        let appended = pending.wait().map_err(WriteError::from)?;
        self.inner.observer.appended(appended.index());
        // WHY not as a `WriteError`: nobody may take it for a change that was not made.
        self.inner.sign_covering(appended.index()).map_err(ChangeError::Unsigned)
    }

    /// The same for a change that may be in force already; durable it is when this returns.
    fn change_once(
        &self,
        check: impl FnOnce(&State, UnixMillis) -> Result<Change, ChangeError>,
    ) -> Result<Applied, ChangeError> {
        applied(self.change(check))
    }
}

fn applied(changed: Result<(), ChangeError>) -> Result<Applied, ChangeError> {
    match changed {
        Err(ChangeError::Refused(Refusal::AlreadyInForce)) => Ok(Applied::AlreadyInForce),
        changed => changed.map(|()| Applied::Now),
    }
}
