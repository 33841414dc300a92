//! The state of a node between two changes: what is in force by its log, and what it has in memory beside
//! that.

use std::collections::HashMap;
use std::sync::Arc;

use dataspace_data_plane::Product;
use dataspace_ledger::{
    SpaceState,
    state::{Change, Contract},
};
use dataspace_policy::{Terms, facts::Fact};
use dataspace_primitives::Name;
use dataspace_tlog::LeafIndex;
use dataspace_usage_contract::{ContractId, Termination};

use crate::error::ChangeError;
use crate::index::file::Known;
use crate::replays::Replays;

/// All that decisions depend on.
pub(crate) struct State {
    /// What is in force, as the log tells it.
    pub(crate) space: SpaceState,
    /// Not from the log: what the provider attached since it opened the node.
    pub(crate) products: HashMap<Name, Arc<dyn Product>>,
    pub(crate) replays: Replays,
    /// Changes since the node was opened.
    age: u64,
}

impl State {
    pub(crate) fn new(space: SpaceState) -> Self {
        Self { space, products: HashMap::new(), replays: Replays::default(), age: 0 }
    }

    /// Puts a change in force that is recorded at `index`.
    pub(crate) fn apply(&mut self, change: Change, index: LeafIndex) {
        if change.is_clock_set_back() {
            // They are all of contracts that have ended, and their times would never be over.
            self.replays = Replays::default();
        }
        self.space.apply(change, index);
        self.age = self.age.saturating_add(1);
    }

    /// Another number after each change of what is in force.
    pub(crate) fn age(&self) -> u64 {
        self.age
    }

    /// Checks what an offer and an agreement have in common, that the duties can be carried out on the
    /// product, and that it gives out seconds if the terms ask for them.
    pub(crate) fn check_terms(
        &self,
        product: &Name,
        class: &Name,
        terms: &Terms,
    ) -> Result<(), ChangeError> {
        self.space.check_contract_terms(product, class, terms)?;
        if let Some(attached) = self.products.get(product) {
            let checked = attached.check(&terms.duties);
            checked.map_err(|source| ChangeError::Duty { product: product.clone(), source })?;
            let asked = terms.asked();
            let asks = asked.contains(&Fact::Seconds) || asked.contains(&Fact::AskedUntil);
            if asks && attached.seconds().is_none() {
                return Err(ChangeError::Seconds { product: product.clone() });
            }
        }
        Ok(())
    }
}

impl Known for State {
    fn contract(&self, id: ContractId) -> Option<Arc<Contract>> {
        self.space.contract(id).ok().map(Arc::clone)
    }

    fn termination(&self, id: ContractId) -> Option<Termination> {
        self.space.termination(id).cloned()
    }

    fn is_exclusive(&self, contract: &Contract) -> bool {
        self.space.is_exclusive(contract)
    }
}
