//! What a change does, once it is recorded.

use std::sync::Arc;

use dataspace_primitives::UnixMillis;
use dataspace_tlog::LeafIndex;

use crate::state::change::{Change, Kind};
use crate::state::contract::Place;
use crate::state::in_force::{Product, SpaceState};

impl SpaceState {
    /// Puts a change in force that is recorded at `index`.
    pub fn apply(&mut self, change: Change, index: LeafIndex) {
        match change.0 {
            Kind::Profile(profile) => self.profile = Arc::from(profile),
            Kind::Admission(admitted) => self.apply_admission(admitted, index),
            Kind::Revocation(revocation) => self.apply_revocation(&revocation),
            Kind::Keys { document, at, .. } => {
                Arc::make_mut(&mut self.keys).add(&document, at);
                let subject = document.value().subject.clone();
                self.key_records.entry(subject).or_default().push(index);
            }
            Kind::Product { id, class, descriptor, forbids } => {
                self.products.insert(id, Product { class, descriptor, forbids });
            }
            Kind::Concluded { document, agreed_at } => {
                let agreement = document.agreement().value();
                let place = Place::of(&document, (index, agreed_at));
                self.exclusives.keep(place.id, agreement, agreed_at);
                self.insert(&place, (&agreement.consumer, &agreement.product));
            }
            Kind::Terminated(termination) => {
                let termination = termination.value().clone();
                self.terminations.insert(termination.contract, termination);
            }
            Kind::Deleted(statement) => {
                self.deletions.insert(statement.value().contract, index);
            }
            Kind::Policies(policies) => self.own = Some(Arc::from(policies)),
            Kind::Stated(statement) => self.statements.keep(&statement, index),
            Kind::ClockSetBack { from, to } => self.set_clock_back((from, to), index),
        }
    }

    /// WHY all contracts: their times (conclusion, embargo, end, windows of use) are of a clock that
    /// was wrong, and what the log has once called over must not come back.
    fn set_clock_back(&mut self, (from, to): (UnixMillis, UnixMillis), index: LeafIndex) {
        self.clock_set_back = Some(index);
        self.end_members(from, to);
        Arc::make_mut(&mut self.keys).set_clock_back(from);
    }
}
