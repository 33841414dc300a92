//! Reading the state back, from the log or from its index.

use dataspace_audit_log::{AccessRecord, Event, LeafIndex, Record, Verdict};
use dataspace_usage_contract::{Agreement, ContractId, Counts, Quota};

use crate::state::change::{Change, signed};
use crate::state::contract::Contract;
use crate::state::error::ChangeError;
use crate::state::in_force::State;

impl State {
    /// Reads one record back, from its place in the log.
    pub(crate) fn replay(&mut self, index: LeafIndex, record: Record) -> Result<(), ChangeError> {
        let now = record.time;
        let change = match record.event {
            Event::Profile { version, document } => {
                let change = self.check_profile(signed(document)?, now)?;
                let matches = matches!(&change,
                    Change::Profile(profile) if profile.profile().version == version);
                if !matches {
                    return Err(ChangeError::Mismatch);
                }
                change
            }
            Event::Admission { document } => self.check_admission(signed(document)?, now)?,
            Event::MembershipRevoked { document } => {
                self.check_revocation(signed(document)?, now)?
            }
            Event::Product { id, class, descriptor } => {
                self.check_product(id, class, descriptor)?
            }
            Event::Concluded { contract, document } => {
                let concluded =
                    Agreement::verify_with(signed(document)?, now, self.programs.compiler())?;
                if concluded.0.digest() != contract {
                    return Err(ChangeError::Mismatch);
                }
                self.check_agreement(concluded, now)?
            }
            Event::Terminated { contract, document } => {
                let change = self.check_termination(signed(document)?, now)?;
                let contract = ContractId::from_digest(contract);
                let matches = matches!(&change,
                    Change::Terminated(termination) if termination.value().contract == contract);
                if !matches {
                    return Err(ChangeError::Mismatch);
                }
                change
            }
            Event::Policies { document } => self.check_policies(signed(document)?, now)?,
            Event::ClockSetBack { from } => Change::ClockSetBack { from, to: now },
            // Of the log alone.
            Event::Archived { .. } | Event::Opened { .. } => return Ok(()),
            Event::Access(access) => {
                let id = ContractId::from_digest(access.contract);
                let contract = self.contract(id)?;
                self.check_decision(contract, &access)?;
                if let Verdict::Permit { uses, .. } = access.verdict {
                    contract.restore(uses, now);
                }
                self.replays.restore(access.request, now);
                return Ok(());
            }
        };
        self.apply(change, index);
        Ok(())
    }

    /// Counts the uses that an index holds of a contract; `false` if there is no such contract.
    pub(crate) fn restore_made(&self, id: ContractId, permits: u64, counts: Counts) -> bool {
        let Some(contract) = self.contracts.get(&id) else { return false };
        let mut quota = contract.quota();
        *quota = Quota::with_counts(quota.limit(), counts);
        let mut uses_by_consumer = contract.uses_by_consumer();
        *uses_by_consumer = uses_by_consumer.saturating_add(permits);
        true
    }

    /// What must hold for every decision that this monitor recorded.
    fn check_decision(
        &self,
        contract: &Contract,
        access: &AccessRecord,
    ) -> Result<(), ChangeError> {
        let fail = |what| Err(ChangeError::Decision { what });
        if access.program != contract.program {
            return fail("the policies are not the contract's");
        }
        let Verdict::Permit { uses, .. } = access.verdict else { return Ok(()) };
        if access.profile != self.profile.profile().version {
            return fail("the profile is not the one in force");
        }
        if self.terminations.contains_key(&contract.id) {
            return fail("the contract was terminated");
        }
        if self.is_ended_by_clock(contract) {
            return fail("the contract ended when the clock was set back");
        }
        if uses == 0 || contract.quota().limit().is_some_and(|limit| uses > limit) {
            return fail("the contract does not have so many uses");
        }
        Ok(())
    }
}
