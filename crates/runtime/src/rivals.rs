//! What was in the way of exclusive contracts.

use std::collections::HashMap;

use dataspace_usage_contract::{ContractId, OfferId};
use parking_lot::Mutex;

/// Offers whose rivals are remembered.
const KNOWN_MAX: usize = 1_024;

/// For offers of exclusive contracts that were refused, the contract of another consumer that was in the way.
#[derive(Default)]
pub(crate) struct Rivals(Mutex<HashMap<OfferId, ContractId>>);

impl Rivals {
    pub(crate) fn get(&self, offer: OfferId) -> Option<ContractId> {
        self.0.lock().get(&offer).copied()
    }

    pub(crate) fn insert(&self, offer: OfferId, rival: ContractId) {
        let mut known = self.0.lock();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(offer, rival);
    }
}
