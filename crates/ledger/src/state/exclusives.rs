//! Contracts that keep others out.

use std::collections::HashMap;

use dataspace_identity::Did;
use dataspace_policy::Exclusive;
use dataspace_primitives::{Name, UnixMillis};
use dataspace_usage_contract::{Agreement, ContractId};

/// What is exclusive, by product: one row for each contract that says so, be it in force or not.
#[derive(Debug, Default)]
pub(super) struct Exclusives {
    by_product: HashMap<Name, Vec<Held>>,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) contract: ContractId,
    pub(super) consumer: Did,
    pub(super) exclusive: Exclusive,
    pub(super) from: UnixMillis,
}

impl Exclusives {
    pub(super) fn of(&self, product: &Name) -> &[Held] {
        self.by_product.get(product).map(Vec::as_slice).unwrap_or_default()
    }

    /// Keeps what a contract says that was concluded at a time, if it keeps anybody out.
    pub(super) fn keep(&mut self, contract: ContractId, agreement: &Agreement, at: UnixMillis) {
        let Some(exclusive) = agreement.terms.exclusive.clone() else { return };
        let (consumer, from) = (agreement.consumer.clone(), agreement.validity.from().max(at));
        let all = self.by_product.entry(agreement.product.clone()).or_default();
        all.push(Held { contract, consumer, exclusive, from });
    }
}
