//! Exclusive contracts and those that conflict with them, which are read from the log.

use std::collections::BTreeSet;
use std::sync::Arc;

use dataspace_ledger::SpaceState;
use dataspace_usage_contract::{Agreement, ContractId};

use crate::error::ChangeError;
use crate::space::DataSpace;

/// Contracts of others that were read, and are not in the way.
#[derive(Default)]
pub(super) struct Looked(BTreeSet<ContractId>);

impl DataSpace {
    /// Checks that no other consumer has what an agreement says is exclusive. The number of contracts that were
    /// looked at, if it says so.
    pub(super) fn check_rivals(
        &self,
        agreement: &Agreement,
        looked: &mut Looked,
    ) -> Result<Option<usize>, ChangeError> {
        if agreement.terms.exclusive.is_none() {
            return Ok(None);
        }
        let now = self.about_now()?;
        // WHY first: who is kept out, or accepts what cannot be offered any longer, makes the node read nothing.
        let (mut rivals, known, keys) = self.look(|state| {
            let space = &state.space;
            space.check_not_kept_out(agreement, now)?;
            let Agreement { product, product_class, terms, .. } = agreement;
            state.check_terms(product, product_class, terms)?;
            space.check_offered(terms)?;
            Ok((space.rivals(agreement), space.contracts().len(), Arc::clone(space.keys())))
        })?;
        // WHY: one acceptance that is sent again and again makes the node read one contract.
        if let Some(last) = self.inner.rivals.get(agreement.offer)
            && let Some(place) = rivals.iter().position(|rival| rival.id() == last)
        {
            rivals.swap(0, place);
        }
        for rival in rivals {
            if !looked.0.contains(&rival.id()) {
                // Also if it was signed with a key that was left out since.
                let active = self.inner.contracts.get(&rival, &self.inner.log, &keys.past())?;
                if let Err(refusal) = SpaceState::check_rival(agreement, &active.document, now) {
                    self.inner.rivals.insert(agreement.offer, rival.id());
                    return self.refuse(refusal.into());
                }
                looked.0.insert(rival.id());
            }
        }
        Ok(Some(known))
    }
}
