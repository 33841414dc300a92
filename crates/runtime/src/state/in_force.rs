//! All that decisions depend on, between two changes.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use dataspace_audit_log::LeafIndex;
use dataspace_data_plane::Table;
use dataspace_identity::{Did, Origin, TrustAnchors};
use dataspace_policy::Contracts;
use dataspace_primitives::{Digest, Name};
use dataspace_usage_contract::{
    ContractId, OfferId, PublishedPolicies, PublishedProfile, Termination,
};

use crate::state::contract::Contract;
use crate::state::error::ChangeError;
use crate::state::members::{Member, Revocations};
use crate::state::replays::Replays;

/// A registered product.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) class: Name,
    pub(super) descriptor: Digest,
}

/// All that decisions depend on.
pub(crate) struct State {
    pub(crate) anchors: TrustAnchors,
    pub(super) log: Origin,
    pub(crate) profile: Arc<PublishedProfile>,
    pub(crate) members: HashMap<Did, Arc<Member>>,
    pub(crate) revocations: Revocations,
    pub(crate) products: HashMap<Name, Product>,
    pub(crate) contracts: HashMap<ContractId, Arc<Contract>>,
    /// What decides under them.
    pub(crate) programs: Contracts,
    pub(crate) terminations: HashMap<ContractId, Termination>,
    /// The record by which the clock was last set back.
    pub(super) clock_set_back: Option<LeafIndex>,
    /// The provider's own forbids.
    pub(crate) own: Option<Arc<PublishedPolicies>>,
    pub(super) accepted: HashSet<(OfferId, Did)>,
    pub(super) uses_by_consumer: HashMap<(Did, Name), Arc<Mutex<u64>>>,
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

    pub(crate) fn contract(&self, id: ContractId) -> Result<&Arc<Contract>, ChangeError> {
        self.contracts.get(&id).ok_or(ChangeError::UnknownContract { contract: id })
    }

    /// Whether the contract was concluded before the clock was set back.
    pub(crate) fn is_ended_by_clock(&self, contract: &Contract) -> bool {
        self.clock_set_back.is_some_and(|at| contract.index < at)
    }
}
