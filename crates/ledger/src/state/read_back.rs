//! The fold: one record after the other.

use dataspace_identity::{Did, Origin};
use dataspace_policy::Action;
use dataspace_primitives::UnixMillis;
use dataspace_tlog::{AccessRecord, Event, Record, Verdict, record::ReleaseReport};
use dataspace_usage_contract::{Agreement, ContractId, PublishedProfile};

use crate::refusal::Refusal;
use crate::state::change::{Change, Kind};
use crate::state::contract::Contract;
use crate::state::documents::signed;
use crate::state::in_force::SpaceState;

/// Kind of a record.
#[derive(Debug)]
#[must_use]
pub enum Taken {
    /// Of the log alone: nothing that is in force depends on it.
    Nothing,
    /// A change that must still be [applied](SpaceState::apply).
    Change(Box<Change>),
    /// So many denials that were told and not recorded one by one.
    Denials(u64),
    /// A decision. Its verdict, its facts and its counts are not looked at here.
    Access(Box<AccessRecord>),
    /// The report of a release. Whether it is of a permit is not looked at here, but by
    /// [`Releases`](crate::state::Releases).
    Released(Box<ReleaseReport>),
}

impl SpaceState {
    /// Begins with the first record, which must be the authority's profile of the space.
    ///
    /// # Errors
    /// [`Refusal`] if it is not.
    pub fn begin(record: Record, authority: &Did, log: Origin) -> Result<Self, Refusal> {
        let Event::Profile { version, document } = record.event else {
            return Err(Refusal::NoProfile);
        };
        let profile = PublishedProfile::publish(signed(document)?, authority, record.time)?;
        if profile.profile().version != version {
            return Err(Refusal::Mismatch);
        }
        Ok(Self::new(log, profile))
    }

    /// Checks one record, the next after those that were applied: every document in it is verified, and
    /// everything that a change depends on.
    ///
    /// # Errors
    /// [`Refusal`] if no honest node would have written it.
    pub fn check(&self, record: Record) -> Result<Taken, Refusal> {
        let now = record.time;
        let change = match record.event {
            Event::Profile { version, document } => {
                let change = self.check_profile(signed(document)?, now)?;
                let matches = matches!(&change.0,
                    Kind::Profile(profile) if profile.profile().version == version);
                if !matches {
                    return Err(Refusal::Mismatch);
                }
                change
            }
            Event::Admission { document } => self.check_admission(signed(document)?, now)?,
            Event::MembershipRevoked { document } => {
                self.check_revocation(signed(document)?, now)?
            }
            Event::Keys { previous, document } => {
                let change = self.check_keys(signed(document)?, now)?;
                if !matches!(&change.0, Kind::Keys { previous: last, .. } if *last == previous) {
                    return Err(Refusal::Mismatch);
                }
                change
            }
            Event::Product { id, class, descriptor, forbids } => {
                // In their order, and each once.
                let actions = forbids.iter().map(|one| one.as_str().parse::<Action>());
                let actions: Vec<_> =
                    actions.collect::<Result<_, _>>().map_err(|_| Refusal::Mismatch)?;
                if !actions.is_sorted_by(|one, next| one < next) {
                    return Err(Refusal::Mismatch);
                }
                self.check_product(id, class, descriptor, actions.into_iter().collect())?
            }
            Event::Concluded { contract, document } => {
                let concluded =
                    Agreement::verify_with(signed(document)?, self, now, &self.compiler)?;
                if concluded.0.digest() != contract {
                    return Err(Refusal::Mismatch);
                }
                self.check_agreement(concluded, now)?
            }
            Event::Terminated { contract, document } => {
                let change = self.check_termination(signed(document)?, now)?;
                let contract = ContractId::from_digest(contract);
                let matches = matches!(&change.0,
                    Kind::Terminated(termination) if termination.value().contract == contract);
                if !matches {
                    return Err(Refusal::Mismatch);
                }
                change
            }
            Event::Deleted { contract, document } => {
                let statement = self.verify_deletion(signed(document)?, now)?;
                if *statement.value().contract.as_digest() != contract {
                    return Err(Refusal::Mismatch);
                }
                self.check_deleted(statement, now)?
            }
            Event::Policies { document } => self.check_policies(signed(document)?, now)?,
            Event::Stated { document } => {
                self.check_stated(self.verify_statement(signed(document)?, now)?, now)?
            }
            Event::ClockSetBack { from } => Change::clock_set_back(from, now),
            // Of the log alone.
            Event::Archived { .. } | Event::Opened { .. } => return Ok(Taken::Nothing),
            Event::Denials { consumer, from, until, count } => {
                if !self.members.contains_key(&consumer) {
                    return Err(Refusal::NotAMember { did: consumer });
                }
                if count == 0 || from > until {
                    return Err(Refusal::Decision { what: "the denials are none" });
                }
                return Ok(Taken::Denials(count));
            }
            Event::Access(access) => return Ok(Taken::Access(Box::new(access))),
            Event::Released(report) => {
                self.contract(ContractId::from_digest(report.contract))?;
                return Ok(Taken::Released(Box::new(report)));
            }
            Event::Consumer(_) => return Err(Refusal::OtherHalf { whose: "consumer" }),
        };
        Ok(Taken::Change(Box::new(change)))
    }

    /// Checks a decision as far as its own node can have made it, and counts its use.
    ///
    /// # Errors
    /// [`Refusal`] if an honest node would not have recorded it.
    pub fn count(&self, access: &AccessRecord, at: UnixMillis) -> Result<(), Refusal> {
        let contract = self.contract(ContractId::from_digest(access.contract))?;
        self.check_decision(contract, access)?;
        if let Verdict::Permit { uses, .. } = access.verdict {
            contract.restore(uses, at);
        }
        Ok(())
    }

    /// What must hold for every decision that a node recorded.
    pub(crate) fn check_decision(
        &self,
        contract: &Contract,
        access: &AccessRecord,
    ) -> Result<(), Refusal> {
        let fail = |what| Err(Refusal::Decision { what });
        if access.program != contract.program() {
            return fail("the policies are not the contract's");
        }
        let Verdict::Permit { uses, .. } = access.verdict else { return Ok(()) };
        if access.profile != self.profile.profile().version {
            return fail("the profile is not the one in force");
        }
        if self.terminations.contains_key(&contract.id()) {
            return fail("the contract was terminated");
        }
        if self.is_ended_by_clock(contract) {
            return fail("the contract ended when the clock was set back");
        }
        if uses == 0 || contract.limit().is_some_and(|limit| uses > limit) {
            return fail("the contract does not have so many uses");
        }
        Ok(())
    }
}
