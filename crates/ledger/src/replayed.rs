//! Every recorded decision, made again from the log alone.

mod counts;
pub(crate) mod report;
mod requests;

pub use self::report::{DISCREPANCIES_MAX, Deviation, Discrepancy, OtherCompiler};

use std::collections::HashMap;
use std::sync::Arc;

use dataspace_identity::{Did, Origin};
use dataspace_policy::{
    Layers, Policies,
    simulate::{Change, Past, Simulation, simulate},
};
use dataspace_primitives::UnixMillis;
use dataspace_tlog::{AccessRecord, Event, LeafIndex, Record, Verdict, record::ReleaseReport};
use dataspace_usage_contract::{ContractId, contract_id};
use thiserror::Error;

use crate::denial::DenialReason;
use crate::facts::{self, Stated};
use crate::outcome::Outcome;
use crate::refusal::Refusal;
use crate::replayed::report::Replayed;
use crate::replayed::requests::Requests;
use crate::report_error::ReportError;
use crate::state::contract::{Contract, Document};
use crate::state::in_force::SpaceState;
use crate::state::judge::Case;
use crate::state::read_back::Taken;
use crate::state::releases::Releases;
use crate::times::{TimeError, Times};

/// Goes through the records of a log, rebuilds by them what was in force, and makes every decision
/// again. It needs no key and no node: a published log will do.
///
/// It trusts the space authority, and the caller to have verified the records against a signed root of
/// the log. Of a decision's facts it believes only what the consumer
/// stated in its request; all others must follow from earlier records.
///
/// It is the same fold over the records as the node's own ([`SpaceState`]), which a test
/// compares with a naive model on random sequences of records.
#[derive(Debug)]
pub struct Replayer<'p> {
    authority: Did,
    log: Origin,
    with: Option<&'p Policies>,
    state: Option<SpaceState>,
    documents: HashMap<ContractId, Arc<Document>>,
    requests: Requests,
    releases: Releases,
    times: Times,
    report: Replayed,
}

/// Why a log cannot be replayed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A record cannot be read; it was archived, for example.
    #[error("the log cannot be read")]
    Read(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A record does not follow from those before it, or its document does not verify.
    #[error("record {index} is not one that an honest node writes")]
    Record {
        /// The record.
        index: LeafIndex,
        /// Why.
        source: Refusal,
    },
    /// The log does not begin with the authority's profile of the space.
    #[error("the log does not begin with a profile of the space")]
    NoProfile,
}

impl ReplayError {
    /// The error of the log's reader.
    pub fn read(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Read(error.into())
    }
}

impl<'p> Replayer<'p> {
    /// Of this log, in the space of `authority`.
    #[must_use]
    pub fn new(authority: Did, log: Origin) -> Self {
        Self {
            authority,
            log,
            with: None,
            state: None,
            documents: HashMap::new(),
            requests: Requests::default(),
            releases: Releases::default(),
            times: Times::after(UnixMillis::MIN),
            report: Replayed::default(),
        }
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
        let time = record.time;
        let Some(state) = &mut self.state else {
            if !matches!(record.event, Event::Profile { .. }) {
                return Err(ReplayError::NoProfile);
            }
            let first = SpaceState::begin(record, &self.authority, self.log.clone());
            let first = self.state.insert(first.map_err(fail)?);
            let _no_report = self.releases.take(index, &Taken::Nothing, first);
            return Ok(());
        };
        let taken = state.check(record).map_err(fail)?;
        let ended = self.releases.take(index, &taken, state);
        let change = match taken {
            Taken::Access(access) => {
                return self.take_access(index, (time, &access), in_time.as_ref().err());
            }
            Taken::Denials(count) => {
                self.report.counted_denials = self.report.counted_denials.saturating_add(count);
                return Ok(());
            }
            Taken::Released(report) => {
                self.take_report(index, (time, &report), (in_time.err(), ended.err()));
                return Ok(());
            }
            taken => {
                in_time.map_err(|error| fail(error.into()))?;
                let Taken::Change(change) = taken else { return Ok(()) };
                change
            }
        };
        if change.is_clock_set_back() {
            self.report.clock_set_back += 1;
            self.report.first_clock_set_back.get_or_insert(index);
            // As a node does: all of them are of contracts that have ended.
            self.requests = Requests::default();
        }
        if change.is_deletion() {
            self.report.deletions += 1;
        }
        if let Some(document) = change.document() {
            let agreement = document.agreement().value();
            for rival in state.rivals(agreement) {
                let rival = find(&self.documents, &rival).map_err(fail)?;
                SpaceState::check_rival(agreement, &rival, time).map_err(fail)?;
            }
            let contract = contract_id(document.agreement());
            if let Some(compiler) = agreement.compiled_elsewhere() {
                self.report.note_compiler(OtherCompiler { index, contract, compiler });
            }
            self.documents.insert(contract, Arc::clone(document));
        }
        state.apply(*change, index);
        Ok(())
    }

    fn take_access(
        &mut self,
        index: LeafIndex,
        (time, access): (UnixMillis, &AccessRecord),
        in_time: Option<&TimeError>,
    ) -> Result<(), ReplayError> {
        let fail = |source| ReplayError::Record { index, source };
        let Some(state) = &self.state else { return Err(ReplayError::NoProfile) };
        let id = ContractId::from_digest(access.contract);
        let contract = Arc::clone(state.contract(id).map_err(fail)?);
        let document = find(&self.documents, &contract).map_err(fail)?;
        let place = (index, time, access);
        let of = (&*contract, &*document);
        let mut found = decide_again(state, of, place, self.with, &mut self.report);
        if let Some(TimeError::Before { before, .. }) = in_time {
            found.push(Deviation::Time { before: *before });
        }
        if let Some(earlier) = self.requests.note(access.request, index) {
            found.push(Deviation::Request { earlier });
        }
        found.extend(counts::count(&contract, time, access));
        for deviation in found {
            self.report.add(Discrepancy { index, time, contract: id, deviation });
        }
        if let Some(simulation) = &mut self.report.simulation
            && let Some(last) = simulation.differences.last_mut()
            && last.place == u64::MAX
        {
            last.place = index.as_u64();
        }
        Ok(())
    }

    /// The report of a release: of a permit before it, and the only one.
    fn take_report(
        &mut self,
        index: LeafIndex,
        (time, report): (UnixMillis, &ReleaseReport),
        (in_time, ended): (Option<TimeError>, Option<ReportError>),
    ) {
        self.report.reports += 1;
        let contract = ContractId::from_digest(report.contract);
        let mut found = Vec::new();
        if let Some(TimeError::Before { before, .. }) = in_time {
            found.push(Deviation::Time { before });
        }
        found.extend(ended.map(Deviation::Report));
        for deviation in found {
            self.report.add(Discrepancy { index, time, contract, deviation });
        }
    }

    /// The result, after the last record.
    ///
    /// # Errors
    /// [`ReplayError::NoProfile`] if there was no record.
    pub fn finish(mut self) -> Result<Replayed, ReplayError> {
        self.state.as_ref().ok_or(ReplayError::NoProfile)?;
        (self.report.unreported, self.report.first_unreported) = self.releases.waiting();
        if self.with.is_some() {
            self.report.simulation.get_or_insert_default();
        }
        Ok(self.report)
    }
}

fn find(
    documents: &HashMap<ContractId, Arc<Document>>,
    contract: &Contract,
) -> Result<Arc<Document>, Refusal> {
    let contract = contract.id();
    documents.get(&contract).cloned().ok_or(Refusal::UnknownContract { contract })
}

/// Decides on one recorded access by what was in force, and compares.
fn decide_again(
    state: &SpaceState,
    (contract, document): (&Contract, &Document),
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
        let expected = facts::duties(&document.agreement().value().terms);
        if *duties != expected {
            found.push(Deviation::Duties { recorded: duties.clone(), expected });
        }
    }
    if access.program != contract.program() {
        found.push(Deviation::Program);
    }
    let in_force = state.profile().profile().version;
    if access.profile != in_force {
        found.push(Deviation::Profile { recorded: access.profile, in_force });
    }
    let stated = match Stated::read(access) {
        Ok(stated) => stated,
        Err(name) => {
            let recorded = access.facts.get(name).cloned();
            found.push(Deviation::Fact { name: name.to_owned(), recorded, expected: None });
            return found;
        }
    };
    let Some(member) = state.member(contract.consumer()) else {
        found.push(Deviation::Verdict {
            recorded: Outcome::of(&access.verdict),
            again: Outcome::Deny(vec![DenialReason::NotAMember.recorded()]),
        });
        return found;
    };
    let vouched = &state.vouched(contract, &stated, now);
    let case = Case { contract, document, member, stated: &stated, vouched, now };
    let facts = state.facts(&case);
    let expected = facts::recorded(&facts, vouched);
    found.extend(report::differing_facts(&access.facts, &expected));
    found.extend(report.compare(index, &access.verdict, state.judge(&case, &facts)));

    if let Some(with) = with {
        let simulation = report.simulation.get_or_insert_default();
        simulation.accesses += 1;
        let is_open = contract.limit().is_none_or(|limit| facts.uses.contract < limit);
        // Where membership, contract or quota deny, no policy of the space can permit.
        if state.standing(&case).is_empty() && is_open {
            let before = state.layers();
            let after = Layers { space: Some(with), ..before };
            let layers = Change { before, after };
            let (contract, program) = (&access.contract, Change::none(document.program()));
            merge(simulation, simulate([Past { contract, program, layers, facts: &facts }]));
        }
    }
    found
}

/// Adds the simulation of one access; its place is put in by the caller.
fn merge(all: &mut Simulation, one: Simulation) {
    all.newly_denied += one.newly_denied;
    all.newly_permitted += one.newly_permitted;
    for mut difference in one.differences {
        if all.differences.len() < dataspace_policy::simulate::DIFFERENCES_MAX {
            difference.place = u64::MAX;
            all.differences.push(difference);
        }
    }
}
