//! Every recorded decision, made again from the log alone.

mod again;
mod counts;
mod history;
pub(crate) mod report;
mod requests;

use dataspace_audit_log::{AccessRecord, Event, LeafIndex, Log, ReadError, Record, Verdict};
use dataspace_identity::{Did, Origin};
use dataspace_policy::{Change, Layers, Past, Policies, Simulation, simulate};
use dataspace_primitives::UnixMillis;
use dataspace_usage_contract::{ContractId, PublishedPolicies};
use thiserror::Error;

use crate::access::denial::DenialReason;
use crate::access::facts;
use crate::access::outcome::Outcome;
use crate::access::stated::Stated;
use crate::replayed::again::Made;
use crate::replayed::history::{Contract, History};
use crate::replayed::report::{Deviation, Discrepancy, OtherCompiler, Replayed};
use crate::state::error::ChangeError;
use crate::times::{TimeError, Times};

/// Goes through the records of a log, rebuilds by them what was in force, and makes every decision
/// again. It needs no key and no node: a published log will do.
///
/// It believes the space authority, and that the records are those of the log: whoever hands them
/// over has led them to a signed root. Of a decision's facts it believes only what the consumer
/// stated in its request; all others must follow from the records before.
///
/// It does not use the monitor's own state, so a defect there shows as a discrepancy.
#[derive(Debug)]
pub struct Replayer<'p> {
    authority: Did,
    log: Origin,
    with: Option<&'p Policies>,
    history: Option<History>,
    times: Times,
    report: Replayed,
}

/// Why a log cannot be replayed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A record cannot be read; it was archived, for example.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record does not follow from those before it, or its document does not verify.
    #[error("record {index} is not one that an honest node writes")]
    Record {
        /// The record.
        index: LeafIndex,
        /// Why.
        source: ChangeError,
    },
    /// The log does not begin with the authority's profile of the space.
    #[error("the log does not begin with a profile of the space")]
    NoProfile,
}

/// Makes every decision in `log` again, with the contracts, the policies and the memberships of its
/// time. `with` takes the place of the space's policies, to see what they would have decided
/// otherwise ([`Replayed::simulation`]).
///
/// # Errors
/// [`ReplayError`] if a record cannot be read, or does not follow from those before it.
pub fn replay_decisions(
    log: &Log,
    authority: &Did,
    with: Option<&Policies>,
) -> Result<Replayed, ReplayError> {
    let mut replayer = Replayer::new(authority.clone(), log.origin().clone());
    replayer.with = with;
    log.replay(|index, bytes| replayer.take(index, bytes))?;
    replayer.finish()
}

impl<'p> Replayer<'p> {
    /// Of this log, in the space of `authority`.
    #[must_use]
    pub fn new(authority: Did, log: Origin) -> Self {
        let (times, report) = (Times::after(UnixMillis::MIN), Replayed::default());
        Self { authority, log, with: None, history: None, times, report }
    }

    /// Decides a second time with `policies` in place of the space's, and tells what differs. Uses
    /// stay those that were recorded, also of accesses that would have been denied.
    #[must_use]
    pub fn simulating(mut self, policies: &'p Policies) -> Self {
        self.with = Some(policies);
        self
    }

    /// The next record. They must come in order, from the first one on.
    ///
    /// # Errors
    /// [`ReplayError`] if it does not follow from those before it.
    pub fn take(&mut self, index: LeafIndex, bytes: &[u8]) -> Result<(), ReplayError> {
        let fail = |source| ReplayError::Record { index, source };
        let record = Record::from_bytes(bytes).map_err(|error| fail(error.into()))?;
        let in_time = self.times.take(&record);
        let Some(history) = &mut self.history else {
            let first = History::begin(record, &self.authority, self.log.clone());
            self.history = Some(first.ok_or(ReplayError::NoProfile)?.map_err(fail)?);
            return Ok(());
        };
        let time = record.time;
        let Event::Access(access) = record.event else {
            in_time.map_err(|error| fail(error.into()))?;
            if let Event::ClockSetBack { .. } = record.event {
                self.report.clock_set_back += 1;
                self.report.first_clock_set_back.get_or_insert(index);
            }
            let concluded = history.apply(record).map_err(fail)?;
            if let Some((contract, compiler)) = concluded {
                self.report.note_compiler(OtherCompiler { index, contract, compiler });
            }
            return Ok(());
        };
        let contract = ContractId::from_digest(access.contract);
        let unknown = || fail(ChangeError::UnknownContract { contract });
        let known = history.contracts.get(&contract).ok_or_else(unknown)?;
        let place = (index, time, &access);
        let mut found = decide_again(history, known, place, self.with, &mut self.report);
        if let Err(TimeError::Before { before, .. }) = in_time {
            found.push(Deviation::Time { before });
        }
        if let Some(earlier) = history.requests.note(access.request, index) {
            found.push(Deviation::Request { earlier });
        }
        found.extend(history.count(contract, time, &access));
        for deviation in found {
            self.report.add(Discrepancy { index, time, contract, deviation });
        }
        if let Some(simulation) = &mut self.report.simulation
            && let Some(last) = simulation.differences.last_mut()
            && last.place == u64::MAX
        {
            last.place = index.as_u64();
        }
        Ok(())
    }

    /// What came out, after the last record.
    ///
    /// # Errors
    /// [`ReplayError::NoProfile`] if there was no record.
    pub fn finish(mut self) -> Result<Replayed, ReplayError> {
        self.history.as_ref().ok_or(ReplayError::NoProfile)?;
        if self.with.is_some() {
            self.report.simulation.get_or_insert_default();
        }
        Ok(self.report)
    }
}

/// Decides on one recorded access by what was in force, and compares.
fn decide_again(
    history: &History,
    contract: &Contract,
    (index, now, access): (LeafIndex, UnixMillis, &AccessRecord),
    with: Option<&Policies>,
    report: &mut Replayed,
) -> Vec<Deviation> {
    report.decisions += 1;
    match access.verdict {
        Verdict::Permit { .. } => report.permits += 1,
        Verdict::Deny { .. } => report.denials += 1,
    }
    let mut found = Vec::new();
    if let Verdict::Permit { duties, .. } = &access.verdict {
        let expected = facts::duties(&contract.agreement.value().terms);
        if *duties != expected {
            found.push(Deviation::Duties { recorded: duties.clone(), expected });
        }
    }
    if access.program != contract.program {
        found.push(Deviation::Program);
    }
    let in_force = history.profile.profile().version;
    if access.profile != in_force {
        found.push(Deviation::Profile { recorded: access.profile, in_force });
    }
    let stated = match Stated::read(&access.facts) {
        Ok(stated) => stated,
        Err(name) => {
            let recorded = access.facts.get(name).cloned();
            found.push(Deviation::Fact { name: name.to_owned(), recorded, expected: None });
            return found;
        }
    };
    let consumer = &contract.agreement.value().consumer;
    let Some(member) = history.members.get(consumer) else {
        found.push(Deviation::Verdict {
            recorded: Outcome::of(&access.verdict),
            again: Outcome::Deny(vec![DenialReason::NotAMember.recorded()]),
        });
        return found;
    };
    let facts = history.facts(contract, member, &stated, now);
    found.extend(report::differing_facts(&access.facts, &facts::recorded(&facts)));

    let standing = history.standing(contract, member, &stated, now);
    let space = Some(history.profile.policies());
    let provider = history.own.as_ref().map(PublishedPolicies::policies);
    let layers = Layers { space, provider };
    let Some(program) = history.programs.get(&access.contract) else {
        found.push(Deviation::Program);
        return found;
    };
    let again = Made::of(&program, &facts, layers, &standing, contract.limit());
    found.extend(report.compare(index, &access.verdict, again));

    if let Some(with) = with {
        let simulation = report.simulation.get_or_insert_default();
        simulation.accesses += 1;
        let is_open = contract.limit().is_none_or(|limit| facts.uses.contract < limit);
        // Where membership, contract or quota deny, no policy of the space can permit.
        if standing.is_empty() && is_open {
            let after = Layers { space: Some(with), provider };
            let layers = Change { before: layers, after };
            let contract = &access.contract;
            let past = Past { contract, program: Change::none(&program), layers, facts: &facts };
            merge(simulation, simulate([past]));
        }
    }
    found
}

/// Adds the simulation of one access; its place is put in by the caller.
fn merge(all: &mut Simulation, one: Simulation) {
    all.newly_denied += one.newly_denied;
    all.newly_permitted += one.newly_permitted;
    for mut difference in one.differences {
        if all.differences.len() < dataspace_policy::DIFFERENCES_MAX {
            difference.place = u64::MAX;
            all.differences.push(difference);
        }
    }
}
