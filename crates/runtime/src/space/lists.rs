//! What is in force, in pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use dataspace_identity::Did;
use dataspace_ledger::state::{Contract, Member, Product};
use dataspace_primitives::{Name, Region, UnixMillis};
use dataspace_tlog::LeafIndex;
use dataspace_usage_contract::ContractId;

use crate::entries::PAGE_MAX;
use crate::space::DataSpace;

/// A member of the space, as its credential says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberEntry {
    /// The participant.
    pub did: Did,
    /// Its name.
    pub name: Name,
    /// Its roles, in their order.
    pub roles: Vec<Name>,
    /// Where it is established.
    pub region: Region,
    /// First instant at which the membership no longer holds.
    pub until: UnixMillis,
    /// True if it is a member now.
    pub is_member: bool,
}

/// A registered product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductEntry {
    /// Its identifier.
    pub id: Name,
    /// Its class.
    pub class: Name,
    /// True if its data are attached, so that it can be released.
    pub is_attached: bool,
}

/// A contract, without its documents ([`DataSpace::agreement`] has them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractEntry {
    /// Its identifier.
    pub id: ContractId,
    /// Its place in the log: where the next page goes on.
    pub index: LeafIndex,
    /// Who uses the data.
    pub consumer: Did,
    /// Which data.
    pub product: Name,
    /// When it was concluded.
    pub agreed_at: UnixMillis,
    /// Uses that were made.
    pub used: u64,
    /// Uses that it permits; `None` is unlimited.
    pub limit: Option<u64>,
    /// True if a party ended it before its time, or the clock was set back.
    pub is_ended: bool,
}

/// Which contracts.
#[derive(Clone, Debug, Default)]
pub struct ContractFilter {
    /// Of this consumer alone.
    pub consumer: Option<Did>,
    /// For this product alone.
    pub product: Option<Name>,
    /// Without those that were ended.
    pub leaves_out_ended: bool,
}

impl ContractFilter {
    fn takes(&self, contract: &Contract, is_ended: bool) -> bool {
        self.consumer.as_ref().is_none_or(|consumer| contract.consumer() == consumer)
            && self.product.as_ref().is_none_or(|product| contract.product() == product)
            && !(self.leaves_out_ended && is_ended)
    }
}

impl DataSpace {
    /// Members, and those who were, in the order of their DIDs: at most `limit` and [`PAGE_MAX`], after
    /// `after`.
    #[must_use]
    pub fn list_members(&self, after: Option<&Did>, limit: usize) -> Vec<MemberEntry> {
        // A clock that is wrong makes nobody a member.
        let now = self.now().ok();
        let state = self.inner.gate.enter();
        let members = state.space.members().filter(|(did, _)| after.is_none_or(|one| *did > one));
        let page = first(members, limit, |(did, _)| *did);
        let entry = |(did, member): (&Did, &Arc<Member>)| {
            let credential = member.admitted().credential();
            MemberEntry {
                did: did.clone(),
                name: credential.name.clone(),
                roles: credential.roles.iter().cloned().collect(),
                region: credential.region,
                until: credential.validity.until(),
                is_member: now.is_some_and(|now| member.is_member_at(now)),
            }
        };
        page.into_iter().map(entry).collect()
    }

    /// Products in the order of their identifiers: at most `limit` and [`PAGE_MAX`], after `after`.
    #[must_use]
    pub fn list_products(&self, after: Option<&Name>, limit: usize) -> Vec<ProductEntry> {
        let state = self.inner.gate.enter();
        let products = state.space.products().filter(|(id, _)| after.is_none_or(|one| *id > one));
        let page = first(products, limit, |(id, _)| *id);
        let entry = |(id, product): (&Name, &Product)| ProductEntry {
            id: id.clone(),
            class: product.class.clone(),
            is_attached: state.products.contains_key(id),
        };
        page.into_iter().map(entry).collect()
    }

    /// Contracts in the order in which they were concluded: at most `limit` and [`PAGE_MAX`], after the
    /// one at `after`. Each call looks at all contracts: a few milliseconds for a million.
    #[must_use]
    pub fn list_contracts(
        &self,
        filter: &ContractFilter,
        after: Option<LeafIndex>,
        limit: usize,
    ) -> Vec<ContractEntry> {
        let state = self.inner.gate.enter();
        let is_ended = |contract: &Contract| {
            state.space.termination(contract.id()).is_some()
                || state.space.is_ended_by_clock(contract)
        };
        let contracts = state.space.contracts().filter(|contract| {
            after.is_none_or(|after| contract.index() > after)
                && filter.takes(contract, is_ended(contract))
        });
        let page = first(contracts, limit, |contract| contract.index());
        let entry = |contract: &Arc<Contract>| ContractEntry {
            id: contract.id(),
            index: contract.index(),
            consumer: contract.consumer().clone(),
            product: contract.product().clone(),
            agreed_at: contract.agreed_at(),
            used: contract.used(),
            limit: contract.limit(),
            is_ended: is_ended(contract),
        };
        page.into_iter().map(entry).collect()
    }
}

/// The first ones by their keys, which differ, in their order; in memory for so many alone.
fn first<T, K: Ord>(all: impl Iterator<Item = T>, limit: usize, key: impl Fn(&T) -> K) -> Vec<T> {
    let (limit, mut kept) = (limit.min(PAGE_MAX), BTreeMap::new());
    for one in all {
        kept.insert(key(&one), one);
        if kept.len() > limit {
            kept.pop_last();
        }
    }
    kept.into_values().collect()
}
