//! What is in force: a function of the log. Every change is checked here, whether it is made now
//! or read back at start-up.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dataspace_audit_log::{AccessRecord, Event, LeafIndex, Record, Verdict};
use dataspace_data_plane::{Plan, PseudonymKey, Table};
use dataspace_identity::{Did, Origin, SpaceId, TrustAnchors};
use dataspace_policy::{Contracts, Program, Terms, Uses};
use dataspace_primitives::{Digest, Name, Signed, UnixMillis, Verified};
use dataspace_usage_contract::{
    Agreement, ContractId, OfferId, ProviderPolicies, PublishedPolicies, PublishedProfile, Quota,
    Termination, contract_id,
};

use crate::change::{Change, signed};
use crate::error::ChangeError;
use crate::index::Made;
use crate::members::{Member, Revocations};
use crate::release::OpenReleases;
use crate::replay::Replays;

/// A registered product.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) class: Name,
    descriptor: Digest,
}

/// A concluded contract.
#[derive(Debug)]
pub(crate) struct Contract {
    pub(crate) id: ContractId,
    /// The place of its conclusion in the log, once that is recorded.
    pub(crate) index: LeafIndex,
    /// As policies read it.
    pub(crate) id_text: String,
    pub(crate) agreement: Verified<Agreement>,
    /// When it was concluded: the time of the record.
    pub(crate) agreed_at: UnixMillis,
    /// The digest of the Cedar text that decides.
    pub(crate) program: Digest,
    quota: Mutex<Quota>,
    pub(crate) open: OpenReleases,
    /// Uses of the product by the consumer under all contracts; these share it.
    uses_by_consumer: Arc<Mutex<u64>>,
}

/// All that decisions depend on.
pub(crate) struct State {
    pub(crate) anchors: TrustAnchors,
    log: Origin,
    pub(crate) profile: Arc<PublishedProfile>,
    pub(crate) members: HashMap<Did, Arc<Member>>,
    pub(crate) revocations: Revocations,
    pub(crate) products: HashMap<Name, Product>,
    pub(crate) contracts: HashMap<ContractId, Arc<Contract>>,
    /// What decides under them.
    pub(crate) programs: Contracts,
    pub(crate) terminations: HashMap<ContractId, Termination>,
    /// The record by which the clock was last set back.
    clock_set_back: Option<LeafIndex>,
    /// The provider's own forbids.
    pub(crate) own: Option<Arc<PublishedPolicies>>,
    accepted: HashSet<(OfferId, Did)>,
    uses_by_consumer: HashMap<(Did, Name), Arc<Mutex<u64>>>,
    /// Not from the log: what the provider attached since it opened the monitor.
    pub(crate) tables: HashMap<Name, Arc<Table>>,
    pub(crate) replays: Replays,
}

impl State {
    /// In the space of `profile`, on the node with this log.
    pub(crate) fn new(log: Origin, profile: PublishedProfile) -> Self {
        Self {
            anchors: TrustAnchors::new(profile.profile().space_id()),
            log,
            profile: Arc::new(profile),
            members: HashMap::new(),
            revocations: Revocations::default(),
            products: HashMap::new(),
            contracts: HashMap::new(),
            programs: Contracts::default(),
            terminations: HashMap::new(),
            clock_set_back: None,
            own: None,
            accepted: HashSet::new(),
            uses_by_consumer: HashMap::new(),
            tables: HashMap::new(),
            replays: Replays::default(),
        }
    }

    /// Reads one record back, from its place in the log.
    pub(crate) fn replay(&mut self, index: LeafIndex, record: Record) -> Result<(), ChangeError> {
        let now = record.time;
        let change = match record.event {
            Event::Profile { version, document } => {
                let change = self.check_profile(signed(document)?, now)?;
                let matches = matches!(&change,
                    Change::Profile(profile) if profile.profile().version == version);
                if !matches {
                    return Err(ChangeError::Mismatch);
                }
                change
            }
            Event::Admission { document } => self.check_admission(signed(document)?, now)?,
            Event::MembershipRevoked { document } => {
                self.check_revocation(signed(document)?, now)?
            }
            Event::Product { id, class, descriptor } => {
                self.check_product(id, class, descriptor)?
            }
            Event::Concluded { contract, document } => {
                let concluded =
                    Agreement::verify_with(signed(document)?, now, self.programs.compiler())?;
                if concluded.0.digest() != contract {
                    return Err(ChangeError::Mismatch);
                }
                self.check_agreement(concluded, now)?
            }
            Event::Terminated { contract, document } => {
                let change = self.check_termination(signed(document)?, now)?;
                let contract = ContractId::from_digest(contract);
                let matches = matches!(&change,
                    Change::Terminated(termination) if termination.value().contract == contract);
                if !matches {
                    return Err(ChangeError::Mismatch);
                }
                change
            }
            Event::Policies { document } => self.check_policies(signed(document)?, now)?,
            Event::ClockSetBack { from } => Change::ClockSetBack { from },
            // Of the log alone.
            Event::Archived { .. } | Event::Opened { .. } => return Ok(()),
            Event::Access(access) => {
                let id = ContractId::from_digest(access.contract);
                let contract = self.contract(id)?;
                self.check_decision(contract, &access)?;
                if let Verdict::Permit { uses, .. } = access.verdict {
                    contract.restore(uses, now);
                }
                self.replays.restore(access.request, now);
                return Ok(());
            }
            _ => return Err(ChangeError::Unknown),
        };
        self.apply(change, index);
        Ok(())
    }

    /// Counts the uses that an index holds of a contract; `false` if there is no such contract.
    pub(crate) fn restore_made(&self, id: ContractId, made: Made) -> bool {
        let Some(contract) = self.contracts.get(&id) else { return false };
        let mut quota = contract.quota();
        *quota = Quota::with_counts(quota.limit(), made.counts);
        let mut uses_by_consumer = contract.uses_by_consumer();
        *uses_by_consumer = uses_by_consumer.saturating_add(made.permits);
        true
    }

    pub(crate) fn check_profile(
        &self,
        profile: Signed<dataspace_usage_contract::SpaceProfile>,
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
    fn check_termination(
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

    /// What must hold for every decision that this monitor recorded.
    fn check_decision(
        &self,
        contract: &Contract,
        access: &AccessRecord,
    ) -> Result<(), ChangeError> {
        let fail = |what| Err(ChangeError::Decision { what });
        if access.program != contract.program {
            return fail("the policies are not the contract's");
        }
        let Verdict::Permit { uses, .. } = access.verdict else { return Ok(()) };
        if access.profile != self.profile.profile().version {
            return fail("the profile is not the one in force");
        }
        if self.terminations.contains_key(&contract.id) {
            return fail("the contract was terminated");
        }
        if self.is_ended_by_clock(contract) {
            return fail("the contract ended when the clock was set back");
        }
        if uses == 0 || contract.quota().limit().is_some_and(|limit| uses > limit) {
            return fail("the contract does not have so many uses");
        }
        Ok(())
    }

    fn check_member(&self, did: &Did, now: UnixMillis) -> Result<(), ChangeError> {
        let is_member = self.members.get(did).is_some_and(|member| member.is_member_at(now));
        if is_member { Ok(()) } else { Err(ChangeError::NotAMember { did: did.clone() }) }
    }

    /// Whether the contract was concluded before the clock was set back.
    pub(crate) fn is_ended_by_clock(&self, contract: &Contract) -> bool {
        self.clock_set_back.is_some_and(|at| contract.index < at)
    }

    /// WHY all contracts: their times (conclusion, embargo, end, windows of use) are of a clock that
    /// was wrong, and what the log has once called over must not come back.
    fn set_clock_back(&mut self, from: UnixMillis, index: LeafIndex) {
        self.clock_set_back = Some(index);
        self.end_members(from);
        // They are all of contracts that have ended, and their times would never be over.
        self.replays = Replays::default();
    }

    pub(crate) fn contract(&self, id: ContractId) -> Result<&Arc<Contract>, ChangeError> {
        self.contracts.get(&id).ok_or(ChangeError::UnknownContract { contract: id })
    }

    /// Puts a change in force that is recorded at `index`.
    pub(crate) fn apply(&mut self, change: Change, index: LeafIndex) {
        match change {
            Change::Profile(profile) => self.profile = Arc::from(profile),
            Change::Admission(admitted) => self.apply_admission(admitted, index),
            Change::Revocation(revocation) => self.apply_revocation(&revocation),
            Change::Product { id, class, descriptor } => {
                self.products.insert(id, Product { class, descriptor });
            }
            Change::Concluded(contract, program) => {
                self.programs.insert(*contract.id.as_digest(), *program);
                let agreement = contract.agreement.value();
                self.accepted.insert((agreement.offer, agreement.consumer.clone()));
                let shared = (agreement.consumer.clone(), agreement.product.clone());
                self.uses_by_consumer.insert(shared, Arc::clone(&contract.uses_by_consumer));
                let contract = Contract { index, ..*contract };
                self.contracts.insert(contract.id, Arc::new(contract));
            }
            Change::Terminated(termination) => {
                let termination = termination.value().clone();
                self.terminations.insert(termination.contract, termination);
            }
            Change::Policies(policies) => self.own = Some(Arc::from(policies)),
            Change::ClockSetBack { from } => self.set_clock_back(from, index),
        }
    }
}

/// The contract that a termination names, whoever signed it.
pub(crate) fn claimed_contract(
    termination: &Signed<Termination>,
    now: UnixMillis,
) -> Result<ContractId, ChangeError> {
    // It is named inside, so whose signature it is comes first.
    let keys =
        Did::claimed_keys(termination).map_err(dataspace_usage_contract::AgreeError::from)?;
    Ok(termination.clone().verify(&keys, now)?.value().contract)
}

impl Contract {
    pub(crate) fn quota(&self) -> MutexGuard<'_, Quota> {
        // A quota is whole at every moment: a panic elsewhere cannot have left it half-changed.
        self.quota.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // INVARIANT: who locks both locks the quota first.
    fn uses_by_consumer(&self) -> MutexGuard<'_, u64> {
        self.uses_by_consumer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All counts, for a decision at `now`.
    pub(crate) fn uses_at(&self, now: UnixMillis) -> Uses {
        let quota = self.quota();
        Uses { consumer: *self.uses_by_consumer(), ..quota.uses_at(now) }
    }

    /// Does `submit`, and takes a use if it `takes` one, if all counts are still those on which was
    /// decided: then no count in a policy is ever exceeded, and the records of a contract, and of a
    /// consumer's contracts for one product, stand in the log in the order of their counts.
    ///
    /// A use is taken also if `submit` fails: then the log is poisoned, and takes none any more.
    pub(crate) fn submit<T>(
        &self,
        decided_on: Uses,
        (takes, now): (bool, UnixMillis),
        submit: impl FnOnce() -> T,
    ) -> Option<T> {
        let mut quota = self.quota();
        let mut uses_by_consumer = self.uses_by_consumer();
        if (Uses { consumer: *uses_by_consumer, ..quota.uses_at(now) }) != decided_on {
            return None;
        }
        if takes {
            quota.reserve(now).ok()?;
            *uses_by_consumer = uses_by_consumer.saturating_add(1);
        }
        Some(submit())
    }

    /// Counts a use that the log records.
    fn restore(&self, uses: u64, at: UnixMillis) {
        self.quota().restore(uses, at);
        let mut uses_by_consumer = self.uses_by_consumer();
        *uses_by_consumer = uses_by_consumer.saturating_add(1);
    }
}
