//! What a change does, once it is recorded.

use std::sync::Arc;

use dataspace_audit_log::LeafIndex;
use dataspace_primitives::UnixMillis;

use crate::state::change::Change;
use crate::state::contract::Contract;
use crate::state::in_force::{Product, State};
use crate::state::replays::Replays;

impl State {
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
            Change::ClockSetBack { from, to } => self.set_clock_back((from, to), index),
        }
    }

    /// WHY all contracts: their times (conclusion, embargo, end, windows of use) are of a clock that
    /// was wrong, and what the log has once called over must not come back.
    fn set_clock_back(&mut self, (from, to): (UnixMillis, UnixMillis), index: LeafIndex) {
        self.clock_set_back = Some(index);
        self.end_members(from, to);
        // They are all of contracts that have ended, and their times would never be over.
        self.replays = Replays::default();
    }
}
