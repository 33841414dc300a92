//! What is checked of a change, be it made now or read back.

use std::sync::Mutex;

use dataspace_audit_log::LeafIndex;
use dataspace_data_plane::{Plan, PseudonymKey};
use dataspace_identity::{Did, Origin, SpaceId};
use dataspace_policy::{Program, Terms};
use dataspace_primitives::{Digest, Name, Signed, UnixMillis, Verified};
use dataspace_usage_contract::{
    AgreeError, Agreement, ContractId, OfferId, ProviderPolicies, PublishedPolicies,
    PublishedProfile, Quota, SpaceProfile, Termination, contract_id,
};

use crate::state::change::Change;
use crate::state::contract::{Contract, OpenReleases};
use crate::state::error::ChangeError;
use crate::state::in_force::State;

impl State {
    pub(crate) fn check_profile(
        &self,
        profile: Signed<SpaceProfile>,
        now: UnixMillis,
    ) -> Result<Change, ChangeError> {
        self.check_published(PublishedProfile::publish(profile, self.anchors.authority(), now)?)
    }

    pub(crate) fn check_published(&self, profile: PublishedProfile) -> Result<Change, ChangeError> {
        if profile.profile() == self.profile.profile() {
            return Err(ChangeError::AlreadyInForce);
        }
        profile.check_follows(&self.profile)?;
        Ok(Change::Profile(Box::new(profile)))
    }

    pub(crate) fn check_product(
        &self,
        id: Name,
        class: Name,
        descriptor: Digest,
    ) -> Result<Change, ChangeError> {
        match self.products.get(&id) {
            // WHY no look at the profile: a product whose class was dropped can still be attached;
            // what it may be used for, each access decides.
            Some(known) if known.class == class && known.descriptor == descriptor => {}
            Some(_) => return Err(ChangeError::ProductChanged { product: id }),
            None => self.check_class(&class)?,
        }
        Ok(Change::Product { id, class, descriptor })
    }

    fn check_class(&self, class: &Name) -> Result<(), ChangeError> {
        if self.profile.profile().data.product_classes.contains(class) {
            return Ok(());
        }
        Err(ChangeError::ProductClass { class: class.clone() })
    }

    /// Checks that a document belongs to this space and this node.
    pub(crate) fn check_place(&self, space: &SpaceId, log: &Origin) -> Result<(), ChangeError> {
        let here = self.anchors.space();
        if space != here {
            let (expected, found) = (Box::new(here.clone()), Box::new(space.clone()));
            return Err(ChangeError::OtherSpace { expected, found });
        }
        if *log != self.log {
            let (expected, found) = (self.log.clone(), log.clone());
            return Err(ChangeError::OtherNode { expected, found });
        }
        Ok(())
    }

    /// Checks what an offer and an agreement have in common.
    pub(crate) fn check_contract_terms(
        &self,
        product: &Name,
        product_class: &Name,
        terms: &Terms,
    ) -> Result<(), ChangeError> {
        let profile = self.profile.profile();
        self.check_class(product_class)?;
        let registered = self.products.get(product).filter(|known| known.class == *product_class);
        if registered.is_none() {
            return Err(ChangeError::UnknownProduct { product: product.clone() });
        }
        let mut purposes = terms.purposes().into_iter();
        if let Some(purpose) = purposes.find(|one| !profile.scenarios.contains_key(*one)) {
            return Err(ChangeError::UnknownPurpose { purpose: purpose.clone() });
        }
        if let Some(table) = self.tables.get(product) {
            // Any key will do to see whether the duties fit the columns.
            let key = PseudonymKey::new([0; 32]);
            Plan::compile(&terms.duties, &table.schema(), key)
                .map_err(|source| ChangeError::Duty { product: product.clone(), source })?;
        }
        Ok(())
    }

    /// Checks terms that are offered or accepted now: that this node can carry out what they permit,
    /// and that what they name can match. Contracts of earlier versions stay as they are; what
    /// they permit is decided at each access.
    pub(crate) fn check_offered(&self, terms: &Terms) -> Result<(), ChangeError> {
        if let Some((clause, action)) = terms.not_carried_out() {
            return Err(ChangeError::NotCarriedOut { clause, action });
        }
        Ok(terms.check_values(&self.profile.profile().vocabulary())?)
    }

    /// What can be said of an acceptance before anything is compiled, so that strangers cost little.
    pub(crate) fn check_parties(
        &self,
        offer: OfferId,
        (provider, consumer): (&Did, &Did),
        now: UnixMillis,
    ) -> Result<(), ChangeError> {
        for did in [provider, consumer] {
            self.check_member(did, now)?;
        }
        let accepted = (offer, consumer.clone());
        if self.accepted.contains(&accepted) {
            let (offer, consumer) = accepted;
            return Err(ChangeError::AlreadyAccepted { offer, consumer });
        }
        Ok(())
    }

    pub(crate) fn check_agreement(
        &self,
        (agreement, program): (Verified<Agreement>, Program),
        now: UnixMillis,
    ) -> Result<Change, ChangeError> {
        let Agreement { space, log, provider, consumer, product, product_class, terms, .. } =
            agreement.value();
        self.check_place(space, log)?;
        self.check_contract_terms(product, product_class, terms)?;
        self.check_parties(agreement.value().offer, (provider, consumer), now)?;
        let id = contract_id(&agreement);
        let shared = self.uses_by_consumer.get(&(consumer.clone(), product.clone()));
        let uses_by_consumer = shared.cloned().unwrap_or_default();
        let contract = Box::new(Contract {
            id,
            index: LeafIndex::new(0),
            id_text: id.to_string(),
            uses_by_consumer,
            quota: Mutex::new(Quota::new(terms.uses_max().map(u64::from))),
            program: program.digest(),
            open: OpenReleases::default(),
            agreed_at: now,
            agreement,
        });
        Ok(Change::Concluded(contract, Box::new(program)))
    }

    /// Reads a termination back.
    pub(super) fn check_termination(
        &self,
        termination: Signed<Termination>,
        now: UnixMillis,
    ) -> Result<Change, ChangeError> {
        let id = claimed_contract(&termination, now)?;
        let termination = Termination::verify(termination, &self.contract(id)?.agreement, now)?;
        self.check_ended(termination)
    }

    pub(crate) fn check_ended(
        &self,
        termination: Verified<Termination>,
    ) -> Result<Change, ChangeError> {
        let contract = termination.value().contract;
        if self.terminations.contains_key(&contract) {
            return Err(ChangeError::AlreadyTerminated { contract });
        }
        Ok(Change::Terminated(termination))
    }

    /// The provider's own policies: each of them forbids.
    pub(crate) fn check_policies(
        &self,
        statement: Signed<ProviderPolicies>,
        now: UnixMillis,
    ) -> Result<Change, ChangeError> {
        let names = self.profile.profile().vocabulary();
        let (ours, last) = ((self.anchors.space(), &self.log), self.own.as_deref());
        let policies = PublishedPolicies::publish(statement, ours, &names, last, now)?;
        Ok(Change::Policies(Box::new(policies)))
    }

    fn check_member(&self, did: &Did, now: UnixMillis) -> Result<(), ChangeError> {
        let is_member = self.members.get(did).is_some_and(|member| member.is_member_at(now));
        if is_member { Ok(()) } else { Err(ChangeError::NotAMember { did: did.clone() }) }
    }
}

/// The contract that a termination names, whoever signed it.
pub(crate) fn claimed_contract(
    termination: &Signed<Termination>,
    now: UnixMillis,
) -> Result<ContractId, ChangeError> {
    // It is named inside, so whose signature it is comes first.
    let keys = Did::claimed_keys(termination).map_err(AgreeError::from)?;
    Ok(termination.clone().verify(&keys, now)?.value().contract)
}
