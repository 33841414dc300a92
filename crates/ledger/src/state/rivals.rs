//! Exclusive contracts: who must stay out, and who is in already.

use std::sync::Arc;

use dataspace_policy::Terms;
use dataspace_primitives::{UnixMillis, Validity};
use dataspace_tlog::{Event, Record};
use dataspace_usage_contract::{Agreement, contract_id};

use crate::refusal::Refusal;
use crate::state::contract::{Contract, Document};
use crate::state::documents::signed;
use crate::state::in_force::SpaceState;

impl SpaceState {
    /// Checks that no contract in force keeps a consumer out who concludes this one at `now`.
    ///
    /// # Errors
    /// [`Refusal::KeptOut`] if one does.
    pub fn check_not_kept_out(
        &self,
        agreement: &Agreement,
        now: UnixMillis,
    ) -> Result<(), Refusal> {
        let Agreement { product, consumer, terms, validity, .. } = agreement;
        let Some(time) = since(*validity, now) else { return Ok(()) };
        let held = self.exclusives.of(product).iter().find(|held| {
            let is_in_force =
                self.contracts.get(&held.contract).is_some_and(|one| self.is_in_force(one));
            is_in_force
                && held.consumer != *consumer
                && held.exclusive.conflicts(held.from, (terms, time))
        });
        match held {
            None => Ok(()),
            Some(held) => {
                let (product, until) = (product.clone(), held.exclusive.until);
                Err(Refusal::KeptOut { product, until })
            }
        }
    }

    /// The contracts that [`check_rival`](Self::check_rival) must be asked about before this one can be
    /// concluded: none, unless it is exclusive.
    #[must_use]
    pub fn rivals(&self, agreement: &Agreement) -> Vec<Arc<Contract>> {
        let Agreement { product, consumer, terms, .. } = agreement;
        if terms.exclusive.is_none() {
            return Vec::new();
        }
        let all = self.contracts.values().filter(|one| {
            one.product() == product && one.consumer() != consumer && self.is_in_force(one)
        });
        all.map(Arc::clone).collect()
    }

    /// Checks that an exclusive contract, concluded at `now`, does not promise what another consumer has by a
    /// contract in force.
    ///
    /// # Errors
    /// [`Refusal::NotExclusive`] if it does.
    pub fn check_rival(
        agreement: &Agreement,
        rival: &Document,
        now: UnixMillis,
    ) -> Result<(), Refusal> {
        let other: &Agreement = rival.agreement().value();
        let (terms, time): (&Terms, _) = (&other.terms, since(other.validity, now));
        let from = agreement.validity.from().max(now);
        let conflicts = agreement.terms.exclusive.as_ref().zip(time);
        if conflicts.is_some_and(|(exclusive, time)| exclusive.conflicts(from, (terms, time))) {
            let contract = contract_id(rival.agreement());
            return Err(Refusal::NotExclusive { product: agreement.product.clone(), contract });
        }
        Ok(())
    }

    /// Keeps what a contract says that a snapshot holds, which its writer vouches for: whom it keeps out.
    ///
    /// # Errors
    /// [`Refusal`] if the record is not that of a conclusion, or its document does not hold.
    pub fn restore_exclusive(&mut self, record: Record) -> Result<(), Refusal> {
        let Event::Concluded { document, .. } = record.event else {
            return Err(Refusal::Mismatch);
        };
        // WHY all keys: one that signed it may have been left out since.
        let keys = self.keys.past();
        let (agreement, _) =
            Agreement::verify_with(signed(document)?, &keys, record.time, &self.compiler)?;
        self.exclusives.keep(contract_id(&agreement), agreement.value(), record.time);
        Ok(())
    }

    /// Returns true if the contract keeps others out.
    #[must_use]
    pub fn is_exclusive(&self, contract: &Contract) -> bool {
        let mut all = self.exclusives.of(contract.product()).iter();
        all.any(|held| held.contract == contract.id())
    }

    fn is_in_force(&self, contract: &Contract) -> bool {
        !self.terminations.contains_key(&contract.id()) && !self.is_ended_by_clock(contract)
    }
}

/// What is left of a time at `now`.
fn since(validity: Validity, now: UnixMillis) -> Option<Validity> {
    Validity::new(validity.from().max(now), validity.until()).ok()
}
