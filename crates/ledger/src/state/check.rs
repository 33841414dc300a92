//! Checks of a change, whether it is made now or read back.

use std::collections::BTreeSet;
use std::sync::Arc;

use dataspace_identity::{Did, KeyDocument, Origin, SpaceId, claimed_keys};
use dataspace_policy::{Action, Program, Terms};
use dataspace_primitives::{
    Digest, KeyId, Name, Signed, UnixMillis, Verified, signed::VerifyError,
};
use dataspace_usage_contract::{
    Agreement, DeletionStatement, OfferId, ProviderPolicies, PublishedPolicies, PublishedProfile,
    SpaceProfile, Termination, agreement::AgreeError, deletion::Deleted,
};

use crate::refusal::Refusal;
use crate::state::change::{Change, Kind};
use crate::state::contract::Document;
use crate::state::in_force::{Product, SpaceState};

impl SpaceState {
    /// A newer profile of the authority.
    ///
    /// # Errors
    /// [`Refusal`] if it is not the authority's, not newer, or in force already.
    pub(super) fn check_profile(
        &self,
        profile: Signed<SpaceProfile>,
        now: UnixMillis,
    ) -> Result<Change, Refusal> {
        self.check_published(PublishedProfile::publish(profile, self.anchors.authority(), now)?)
    }

    /// A newer profile, published by the authority.
    ///
    /// # Errors
    /// [`Refusal`] if it is not newer, or in force already.
    pub fn check_published(&self, profile: PublishedProfile) -> Result<Change, Refusal> {
        if profile.profile() == self.profile.profile() {
            return Err(Refusal::AlreadyInForce);
        }
        profile.check_follows(&self.profile)?;
        Ok(Change(Kind::Profile(Box::new(profile))))
    }

    /// A product: a new one of a class of the space, or one that is registered as it is, or that forbids more
    /// than it did.
    ///
    /// # Errors
    /// [`Refusal`] if it is of another class, or was registered otherwise.
    pub fn check_product(
        &self,
        id: Name,
        class: Name,
        descriptor: Digest,
        forbids: BTreeSet<Action>,
    ) -> Result<Change, Refusal> {
        match self.products.get(&id) {
            // WHY no look at the profile: a product whose class was dropped can still be attached;
            // what it may be used for, each access decides.
            Some(known) if known.class == class && known.descriptor == descriptor => {
                if let Some(action) = known.forbids.difference(&forbids).next() {
                    return Err(Refusal::ForbidsLess { product: id, action: *action });
                }
            }
            Some(_) => return Err(Refusal::ProductChanged { product: id }),
            None => self.check_class(&class)?,
        }
        Ok(Change(Kind::Product { id, class, descriptor, forbids }))
    }

    fn check_class(&self, class: &Name) -> Result<(), Refusal> {
        if self.profile.profile().data.product_classes.contains(class) {
            return Ok(());
        }
        Err(Refusal::ProductClass { class: class.clone() })
    }

    /// Checks that a document belongs to this space and this node.
    ///
    /// # Errors
    /// [`Refusal`] if it does not.
    pub fn check_place(&self, space: &SpaceId, log: &Origin) -> Result<(), Refusal> {
        self.check_space(space)?;
        if *log != self.log {
            let (expected, found) = (self.log.clone(), log.clone());
            return Err(Refusal::OtherNode { expected, found });
        }
        Ok(())
    }

    /// Checks that a document belongs to this space.
    pub(crate) fn check_space(&self, space: &SpaceId) -> Result<(), Refusal> {
        let here = self.anchors.space();
        if space == here {
            return Ok(());
        }
        let (expected, found) = (Box::new(here.clone()), Box::new(space.clone()));
        Err(Refusal::OtherSpace { expected, found })
    }

    /// Checks what an offer and an agreement have in common: class, product and purposes, and that nothing is
    /// permitted that the product itself forbids.
    ///
    /// # Errors
    /// [`Refusal`] if one of them is unknown here, or forbidden.
    pub fn check_contract_terms(
        &self,
        product: &Name,
        product_class: &Name,
        terms: &Terms,
    ) -> Result<(), Refusal> {
        self.check_class(product_class)?;
        let registered = self.products.get(product).filter(|known| known.class == *product_class);
        let Some(Product { forbids, .. }) = registered else {
            return Err(Refusal::UnknownProduct { product: product.clone() });
        };
        let mut permitted = terms.permissions.iter().flat_map(|rule| &rule.actions);
        if let Some(action) = permitted.find(|action| forbids.contains(action)) {
            let (product, action) = (product.clone(), *action);
            return Err(Refusal::ForbiddenByProduct { product, action });
        }
        self.check_purposes(terms)
    }

    /// Checks that the space has the class of a product and the purposes of terms.
    pub(crate) fn check_scope(&self, product_class: &Name, terms: &Terms) -> Result<(), Refusal> {
        self.check_class(product_class)?;
        self.check_purposes(terms)
    }

    fn check_purposes(&self, terms: &Terms) -> Result<(), Refusal> {
        let profile = self.profile.profile();
        let mut purposes = terms.purposes().into_iter();
        if let Some(purpose) = purposes.find(|one| !profile.scenarios.contains_key(*one)) {
            return Err(Refusal::UnknownPurpose { purpose: purpose.clone() });
        }
        Ok(())
    }

    /// Checks terms that are offered or accepted now: that this node can carry out what they permit,
    /// and that what they name can match. Contracts of earlier versions stay as they are; what
    /// they permit is decided at each access.
    ///
    /// # Errors
    /// [`Refusal`] if they are none to offer.
    pub fn check_offered(&self, terms: &Terms) -> Result<(), Refusal> {
        if let Some((clause, action)) = terms.not_carried_out() {
            return Err(Refusal::NotCarriedOut { clause, action });
        }
        let profile = self.profile.profile();
        if let Some((kind, _)) =
            terms.vouched().find(|(kind, _)| !profile.statements.contains_key(*kind))
        {
            return Err(Refusal::UnknownKind { kind: kind.clone() });
        }
        Ok(terms.check_values(&profile.vocabulary())?)
    }

    /// Checks of an acceptance that need no compiling, so that strangers cost little.
    ///
    /// # Errors
    /// [`Refusal`] if either of them is not a member, or the offer was accepted before.
    pub fn check_parties(
        &self,
        offer: OfferId,
        (provider, consumer): (&Did, &Did),
        now: UnixMillis,
    ) -> Result<(), Refusal> {
        for did in [provider, consumer] {
            self.check_member(did, now)?;
        }
        let accepted = (offer, consumer.clone());
        if self.accepted.contains(&accepted) {
            let (offer, consumer) = accepted;
            return Err(Refusal::AlreadyAccepted { offer, consumer });
        }
        Ok(())
    }

    /// An agreement that was verified, with its program, concluded at `now`.
    ///
    /// # Errors
    /// [`Refusal`] if it does not belong here, or names what is not.
    pub fn check_agreement(
        &self,
        (agreement, program): (Verified<Agreement>, Program),
        now: UnixMillis,
    ) -> Result<Change, Refusal> {
        let Agreement { space, log, provider, consumer, product, product_class, terms, .. } =
            agreement.value();
        self.check_place(space, log)?;
        self.check_contract_terms(product, product_class, terms)?;
        self.check_parties(agreement.value().offer, (provider, consumer), now)?;
        self.check_signers(agreement.signers(), now)?;
        self.check_not_kept_out(agreement.value(), now)?;
        let document = Arc::new(Document::new(agreement, program));
        Ok(Change(Kind::Concluded { document, agreed_at: now }))
    }

    /// Checks that a party of the contract that it names signed a termination.
    ///
    /// # Errors
    /// [`Refusal`] if nobody, or somebody else did.
    pub fn verify_termination(
        &self,
        termination: Signed<Termination>,
        now: UnixMillis,
    ) -> Result<Verified<Termination>, Refusal> {
        // It is named inside, so whose signature it is comes first.
        let keys = claimed_keys(&termination, self).map_err(AgreeError::from)?;
        let id = termination.clone().verify(&keys, now)?.value().contract;
        let parties = [self.log.operator(), self.contract(id)?.consumer()];
        Ok(Termination::verify_by(termination, id, parties, self, now)?)
    }

    /// Reads a termination back.
    pub(super) fn check_termination(
        &self,
        termination: Signed<Termination>,
        now: UnixMillis,
    ) -> Result<Change, Refusal> {
        self.check_ended(self.verify_termination(termination, now)?, now)
    }

    /// A termination that was verified.
    ///
    /// # Errors
    /// [`Refusal`] if the contract has ended so already.
    pub fn check_ended(
        &self,
        termination: Verified<Termination>,
        now: UnixMillis,
    ) -> Result<Change, Refusal> {
        self.check_signers(termination.signers(), now)?;
        let contract = termination.value().contract;
        if self.terminations.contains_key(&contract) {
            return Err(Refusal::AlreadyTerminated { contract });
        }
        Ok(Change(Kind::Terminated(termination)))
    }

    /// Checks that the consumer of the contract that it names, which runs here, states a deletion, at a time that was
    /// possible.
    ///
    /// # Errors
    /// [`Refusal`] if not.
    pub fn verify_deletion(
        &self,
        statement: Signed<DeletionStatement>,
        now: UnixMillis,
    ) -> Result<Verified<DeletionStatement>, Refusal> {
        // As with a termination: whose signature it is comes first.
        let keys = claimed_keys(&statement, self).map_err(AgreeError::from)?;
        let id = statement.clone().verify(&keys, now)?.value().contract;
        let contract = self.contract(id)?;
        let (consumer, since) = (contract.consumer(), contract.agreed_at());
        let of = Deleted { contract: id, log: &self.log, consumer, since };
        Ok(DeletionStatement::verify_of(statement, of, self, now)?)
    }

    /// A statement of deletion that was verified.
    ///
    /// # Errors
    /// [`Refusal::AlreadyDeleted`] if the contract has one already; another, if the key that signed it has ended.
    pub fn check_deleted(
        &self,
        statement: Verified<DeletionStatement>,
        now: UnixMillis,
    ) -> Result<Change, Refusal> {
        self.check_signers(statement.signers(), now)?;
        let contract = statement.value().contract;
        if self.deletions.contains_key(&contract) {
            return Err(Refusal::AlreadyDeleted { contract });
        }
        Ok(Change(Kind::Deleted(statement)))
    }

    /// The provider's own policies: each of them forbids.
    ///
    /// # Errors
    /// [`Refusal`] if they are not acceptable.
    pub(super) fn check_policies(
        &self,
        statement: Signed<ProviderPolicies>,
        now: UnixMillis,
    ) -> Result<Change, Refusal> {
        let names = self.profile.profile().vocabulary();
        let (ours, last) = ((self.anchors.space(), &self.log), self.own.as_deref());
        let policies = PublishedPolicies::publish(statement, ours, &names, last, self, now)?;
        self.check_own(policies, now)
    }

    /// The provider's own policies, published in place of those that are in force.
    ///
    /// # Errors
    /// [`Refusal`] if the key that signed them has ended since.
    pub fn check_own(
        &self,
        policies: PublishedPolicies,
        now: UnixMillis,
    ) -> Result<Change, Refusal> {
        self.check_signers(policies.signed().claimed_signers(), now)?;
        Ok(Change(Kind::Policies(Box::new(policies))))
    }

    /// Checks that keys by which a document was verified a moment ago are still believed, and will be
    /// when its record is read back.
    pub(crate) fn check_signers<'a>(
        &self,
        mut signers: impl Iterator<Item = &'a KeyId>,
        now: UnixMillis,
    ) -> Result<(), Refusal> {
        match signers.find(|id| !self.keys.is_believed(id, now)) {
            None => Ok(()),
            Some(id) => Err(VerifyError::UntrustedKey { key_id: id.clone(), now }.into()),
        }
    }

    /// The next key document of a participant of this space.
    ///
    /// # Errors
    /// [`Refusal`] if it is not acceptable, or its subject was never admitted.
    pub fn check_keys(
        &self,
        document: Signed<KeyDocument>,
        now: UnixMillis,
    ) -> Result<Change, Refusal> {
        let document = self.keys.check(document, self.anchors.space(), now)?;
        let subject = &document.value().subject;
        // WHY: strangers must not be able to make this grow.
        if !self.members.contains_key(subject) {
            return Err(Refusal::NotAMember { did: subject.clone() });
        }
        let previous = self.key_records_of(subject).last().copied();
        Ok(Change(Kind::Keys { document, at: now, previous }))
    }

    /// Returns true if all of these keys are believed at `now`.
    pub fn are_believed<'a>(
        &self,
        mut signers: impl Iterator<Item = &'a KeyId>,
        now: UnixMillis,
    ) -> bool {
        signers.all(|id| self.keys.is_believed(id, now))
    }

    fn check_member(&self, did: &Did, now: UnixMillis) -> Result<(), Refusal> {
        let is_member = self.members.get(did).is_some_and(|member| member.is_member_at(now));
        if is_member { Ok(()) } else { Err(Refusal::NotAMember { did: did.clone() }) }
    }
}
