//! Which permits wait for the report of their release.

use dataspace_tlog::{AccessRecord, LeafIndex, Verdict, record::ReleaseReport};
use dataspace_usage_contract::ContractId;

use crate::report_error::ReportError;
use crate::state::contract::Contract;
use crate::state::in_force::SpaceState;
use crate::state::read_back::Taken;

/// No permit.
const NOTHING: u32 = 0;
/// A permit with its report.
const REPORTED: u32 = 1;

/// The permits of a log, and which of them have a report. Taken over each record after the other, from
/// the first one that matters on; four bytes a record.
#[derive(Clone, Debug, Default)]
pub struct Releases {
    /// The first record that was looked at.
    first: u64,
    /// For each record from there on [`NOTHING`], [`REPORTED`], or a mark of the contract of a permit that
    /// waits.
    places: Vec<u32>,
}

impl Releases {
    /// Looks at the records from `first` on. Of permits before, nothing is known: a report of one passes.
    #[must_use]
    pub fn after(first: LeafIndex) -> Self {
        Self { first: first.as_u64(), places: Vec::new() }
    }

    /// Takes in the next record, which `state` has checked.
    ///
    /// # Errors
    /// [`ReportError`] if it is a report that does not follow from the records before it; then nothing
    /// changes but that the record was looked at.
    pub fn take(
        &mut self,
        index: LeafIndex,
        taken: &Taken,
        state: &SpaceState,
    ) -> Result<(), ReportError> {
        let mut place = NOTHING;
        let mut ended = Ok(());
        match taken {
            Taken::Access(access) => place = permit(access, state),
            Taken::Released(report) => ended = self.end(report, state),
            Taken::Nothing | Taken::Change(_) | Taken::Denials(_) => {}
        }
        // WHY only the next one: a caller that leaves records out must not make this grow.
        if self.place(index) == Some(self.places.len()) {
            self.places.push(place);
        }
        ended
    }

    /// Permits without a report, of the records that were looked at; and the first of them. That is no fault:
    /// the release may be open, the node may have been killed, or the version that wrote the log knew no reports.
    #[must_use]
    pub fn waiting(&self) -> (u64, Option<LeafIndex>) {
        let waits = |place: &u32| *place != NOTHING && *place != REPORTED;
        let mut all = (self.first..).zip(&self.places).filter(|(_, place)| waits(place));
        let first = all.next().map(|(index, _)| LeafIndex::new(index));
        let others = u64::try_from(all.count()).unwrap_or(u64::MAX);
        (others.saturating_add(u64::from(first.is_some())), first)
    }

    fn end(&mut self, report: &ReleaseReport, state: &SpaceState) -> Result<(), ReportError> {
        if !report.is_possible() {
            return Err(ReportError::Impossible);
        }
        let access = report.access;
        if access.as_u64() < self.first {
            return Ok(());
        }
        let at = self.place(access).and_then(|at| self.places.get_mut(at));
        match at {
            None | Some(&mut NOTHING) => Err(ReportError::NoPermit { access }),
            Some(&mut REPORTED) => Err(ReportError::Again { access }),
            Some(at) => {
                let contract = state.contract(ContractId::from_digest(report.contract));
                if contract.map(|contract| mark(contract)).ok() != Some(*at) {
                    return Err(ReportError::OtherContract { access });
                }
                *at = REPORTED;
                Ok(())
            }
        }
    }

    fn place(&self, index: LeafIndex) -> Option<usize> {
        usize::try_from(index.as_u64().checked_sub(self.first)?).ok()
    }
}

fn permit(access: &AccessRecord, state: &SpaceState) -> u32 {
    match access.verdict {
        Verdict::Permit { .. } => {
            let contract = state.contract(ContractId::from_digest(access.contract));
            contract.map_or(NOTHING, |contract| mark(contract))
        }
        Verdict::Deny { .. } => NOTHING,
    }
}

/// What tells contracts apart, as long as a log has fewer than four thousand million records.
fn mark(contract: &Contract) -> u32 {
    let marks = u64::from(u32::MAX - REPORTED);
    let mark = contract.index().as_u64() % marks;
    u32::try_from(mark).unwrap_or_default().saturating_add(REPORTED + 1)
}
