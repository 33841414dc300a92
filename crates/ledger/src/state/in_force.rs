//! All that decisions depend on, between two records.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use dataspace_identity::{Did, KnownKeys, Origin, Resolver, TrustAnchors};
use dataspace_policy::{Action, Compiler};
use dataspace_primitives::{Digest, Name, TrustedKeys};
use dataspace_tlog::LeafIndex;
use dataspace_usage_contract::{
    Agreement, ContractId, OfferId, PublishedPolicies, PublishedProfile, Termination, quota::Counts,
};

use foldhash::fast::RandomState;

use crate::refusal::Refusal;
use crate::state::contract::{Contract, Place, Relation};
use crate::state::exclusives::Exclusives;
use crate::state::members::{Member, Revocations};
use crate::state::statements::Statements;

/// A registered product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its class in the space.
    pub class: Name,
    /// The digest of its columns.
    pub descriptor: Digest,
    /// The actions that it forbids, whatever its contracts permit.
    pub forbids: BTreeSet<Action>,
}

/// The state of a space as one provider's log tells it. A function of the log's records and of
/// nothing else: it reads no clock and no file. Documents of contracts are not kept.
#[derive(Debug)]
pub struct SpaceState {
    pub(super) anchors: TrustAnchors,
    pub(super) log: Origin,
    pub(super) profile: Arc<PublishedProfile>,
    /// Behind a pointer, so that a reader of documents outside of a pass can take it along.
    pub(super) keys: Arc<KnownKeys>,
    /// The records that made them, oldest first.
    pub(super) key_records: HashMap<Did, Vec<LeafIndex>>,
    pub(super) members: HashMap<Did, Arc<Member>>,
    pub(super) revocations: Revocations,
    pub(super) products: HashMap<Name, Product>,
    pub(super) contracts: HashMap<ContractId, Arc<Contract>, RandomState>,
    pub(super) relations: HashMap<Did, HashMap<Name, Arc<Relation>>>,
    /// For its own half, a consumer's state puts into it what its log tells.
    pub(crate) terminations: HashMap<ContractId, Termination>,
    /// The records of statements that consumers deleted what they had.
    pub(super) deletions: HashMap<ContractId, LeafIndex>,
    /// The record by which the clock was last set back.
    pub(super) clock_set_back: Option<LeafIndex>,
    /// The provider's own forbids.
    pub(super) own: Option<Arc<PublishedPolicies>>,
    /// Whom contracts keep out.
    pub(super) exclusives: Exclusives,
    /// What trusted parties stated.
    pub(super) statements: Statements,
    pub(super) accepted: HashSet<(OfferId, Did), RandomState>,
    pub(super) compiler: Compiler,
}

impl SpaceState {
    /// In the space of `profile`, on the node with this log.
    #[must_use]
    pub fn new(log: Origin, profile: PublishedProfile) -> Self {
        Self {
            anchors: TrustAnchors::new(profile.profile().space_id()),
            log,
            profile: Arc::new(profile),
            keys: Arc::default(),
            key_records: HashMap::new(),
            members: HashMap::new(),
            revocations: Revocations::default(),
            products: HashMap::new(),
            contracts: HashMap::default(),
            relations: HashMap::new(),
            terminations: HashMap::new(),
            deletions: HashMap::new(),
            clock_set_back: None,
            own: None,
            exclusives: Exclusives::default(),
            statements: Statements::default(),
            accepted: HashSet::default(),
            compiler: Compiler::default(),
        }
    }

    /// Whom this space believes.
    #[must_use]
    pub fn anchors(&self) -> &TrustAnchors {
        &self.anchors
    }

    /// The profile.
    #[must_use]
    pub fn profile(&self) -> &Arc<PublishedProfile> {
        &self.profile
    }

    /// The provider's own policies.
    #[must_use]
    pub fn own(&self) -> Option<&Arc<PublishedPolicies>> {
        self.own.as_ref()
    }

    /// The compiler for the texts of this log's contracts.
    #[must_use]
    pub fn compiler(&self) -> &Compiler {
        &self.compiler
    }

    /// A member, or somebody who was one.
    #[must_use]
    pub fn member(&self, did: &Did) -> Option<&Arc<Member>> {
        self.members.get(did)
    }

    /// Which keys speak for whom.
    #[must_use]
    pub fn keys(&self) -> &Arc<KnownKeys> {
        &self.keys
    }

    /// The records of a participant's key documents, oldest first.
    #[must_use]
    pub fn key_records_of(&self, did: &Did) -> &[LeafIndex] {
        self.key_records.get(did).map(Vec::as_slice).unwrap_or_default()
    }

    /// The records of all key documents, in no order.
    pub fn key_records(&self) -> impl Iterator<Item = &LeafIndex> {
        self.key_records.values().flatten()
    }

    /// A registered product.
    ///
    /// # Errors
    /// [`Refusal::UnknownProduct`].
    pub fn product(&self, product: &Name) -> Result<&Product, Refusal> {
        let known = self.products.get(product);
        known.ok_or_else(|| Refusal::UnknownProduct { product: product.clone() })
    }

    /// Members, and those who were, in no order.
    pub fn members(&self) -> impl Iterator<Item = (&Did, &Arc<Member>)> {
        self.members.iter()
    }

    /// Registered products, in no order.
    pub fn products(&self) -> impl Iterator<Item = (&Name, &Product)> {
        self.products.iter()
    }

    /// A contract.
    ///
    /// # Errors
    /// [`Refusal::UnknownContract`].
    pub fn contract(&self, id: ContractId) -> Result<&Arc<Contract>, Refusal> {
        self.contracts.get(&id).ok_or(Refusal::UnknownContract { contract: id })
    }

    /// All contracts, in no order.
    #[must_use]
    pub fn contracts(&self) -> impl ExactSizeIterator<Item = &Arc<Contract>> {
        self.contracts.values()
    }

    /// The termination of a contract before its time.
    #[must_use]
    pub fn termination(&self, id: ContractId) -> Option<&Termination> {
        self.terminations.get(&id)
    }

    /// The record of its consumer's statement that it deleted what it had under a contract; `None` if there is none.
    #[must_use]
    pub fn deletion(&self, id: ContractId) -> Option<LeafIndex> {
        self.deletions.get(&id).copied()
    }

    /// Notes a statement of deletion as a snapshot says, which its writer vouches for.
    ///
    /// # Errors
    /// [`Refusal::AlreadyDeleted`] if there is one already.
    pub fn restore_deleted(&mut self, contract: ContractId, at: LeafIndex) -> Result<(), Refusal> {
        match self.deletions.insert(contract, at) {
            None => Ok(()),
            Some(_) => Err(Refusal::AlreadyDeleted { contract }),
        }
    }

    /// Returns true if the contract was concluded before the clock was set back.
    #[must_use]
    pub fn is_ended_by_clock(&self, contract: &Contract) -> bool {
        self.clock_set_back.is_some_and(|at| contract.index() < at)
    }

    /// Inserts a contract that was checked in full.
    pub(super) fn insert(&mut self, place: &Place, (consumer, product): (&Did, &Name)) {
        let relation = self.relation(consumer, product);
        self.insert_with(place, relation);
    }

    /// Inserts a contract that a consumer holds: products of several providers may have one name.
    pub(crate) fn insert_held(&mut self, place: &Place, agreement: &Agreement) {
        let Agreement { provider, consumer, product, .. } = agreement;
        let products = self.relations.entry(provider.clone()).or_default();
        let relation = products.entry(product.clone());
        let relation =
            relation.or_insert_with(|| Arc::new(Relation::new(consumer.clone(), product.clone())));
        let relation = Arc::clone(relation);
        self.insert_with(place, relation);
    }

    fn insert_with(&mut self, place: &Place, relation: Arc<Relation>) {
        self.accepted.insert((place.offer, relation.consumer.clone()));
        let contract = Contract::new(place, relation, Counts::default());
        self.contracts.insert(contract.id(), Arc::new(contract));
    }

    /// The consumer's relation to a product: one, however many contracts there are.
    pub fn relation(&mut self, consumer: &Did, product: &Name) -> Arc<Relation> {
        if let Some(known) = self.relations.get(consumer).and_then(|all| all.get(product)) {
            return Arc::clone(known);
        }
        // One spelling in memory for each participant: that of its membership.
        let member = self.members.get_key_value(consumer);
        let consumer = member.map_or(consumer, |(did, _)| did).clone();
        let relation = Arc::new(Relation::new(consumer.clone(), product.clone()));
        let products = self.relations.entry(consumer).or_default();
        products.insert(product.clone(), Arc::clone(&relation));
        relation
    }

    /// Puts a contract in as a snapshot holds it, which its writer vouches for, with its uses: `permits`
    /// recorded uses made these counts.
    ///
    /// # Errors
    /// [`Refusal`] if it, or another contract from its offer, is there already.
    pub fn restore(
        &mut self,
        place: &Place,
        relation: &Arc<Relation>,
        (permits, counts): (u64, Counts),
    ) -> Result<(), Refusal> {
        let Entry::Vacant(vacant) = self.contracts.entry(place.id) else {
            return Err(Refusal::AlreadyInForce);
        };
        let offer = place.offer;
        if !self.accepted.insert((offer, relation.consumer.clone())) {
            let consumer = relation.consumer.clone();
            return Err(Refusal::AlreadyAccepted { offer, consumer });
        }
        relation.restore(permits);
        vacant.insert(Arc::new(Contract::new(place, Arc::clone(relation), counts)));
        Ok(())
    }

    /// Ends a contract as a snapshot says, which its writer vouches for.
    ///
    /// # Errors
    /// [`Refusal`] if there is no such contract, or it has ended.
    pub fn restore_ended(&mut self, termination: Termination) -> Result<(), Refusal> {
        let contract = self.contract(termination.contract)?.id();
        match self.terminations.insert(contract, termination) {
            None => Ok(()),
            Some(_) => Err(Refusal::AlreadyTerminated { contract }),
        }
    }

    /// Makes room for so many contracts more.
    pub fn reserve(&mut self, contracts: usize) {
        self.contracts.reserve(contracts);
        self.accepted.reserve(contracts);
    }
}

impl Resolver for SpaceState {
    fn keys(&self, did: &Did) -> TrustedKeys {
        // A member's own is ready to be used.
        let member = self.members.get(did).filter(|_| did.is_key());
        member.map_or_else(|| self.keys.keys(did), |member| member.admitted().keys().clone())
    }
}
