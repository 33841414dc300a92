//! Uses, counted by the records.

use dataspace_audit_log::{AccessRecord, Fact, LeafIndex, Verdict};
use dataspace_policy::Uses;
use dataspace_primitives::UnixMillis;
use dataspace_usage_contract::ContractId;

use crate::replayed::history::{Contract, History};
use crate::replayed::report::{Deviation, Discrepancy};
use crate::stated::Stated;

/// So far may the counts of a decision be from those that the order of the log gives: of accesses
/// at the same time, the one that was decided first may be recorded last.
const AT_ONCE_MAX: u64 = 64;

/// More uses that are recorded before an earlier one are not kept apart.
const AHEAD_MAX: usize = 4_096;

/// What counting an access showed.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) deviations: Vec<Deviation>,
    /// Whether its counts are a little off.
    pub(super) is_unordered: bool,
}

impl History {
    /// Counts an access, and holds its counts against those so far.
    pub(super) fn count(
        &mut self,
        contract: ContractId,
        index: LeafIndex,
        now: UnixMillis,
        access: &AccessRecord,
    ) -> Counted {
        let Some(known) = self.contracts.get_mut(&contract) else { return Counted::default() };
        let Ok(Stated { uses: recorded, .. }) = Stated::read(&access.facts) else {
            return Counted::default();
        };
        let agreement = known.agreement.value();
        let shared = (agreement.consumer.clone(), agreement.product.clone());
        let by_consumer = self.uses_by_consumer.entry(shared).or_default();
        let expected = Uses { consumer: *by_consumer, ..known.quota.uses_at(now) };
        let mut counted = Counted::default();
        match distance(recorded, expected) {
            0 => {}
            far if far > AT_ONCE_MAX => counted.deviations.push(Deviation::Fact {
                name: "uses".to_owned(),
                recorded: Some(Fact::Number(recorded.contract)),
                expected: Some(Fact::Number(expected.contract)),
            }),
            _ => counted.is_unordered = true,
        }
        match access.verdict {
            Verdict::Permit { uses, .. } => {
                if Some(uses) != recorded.contract.checked_add(1) || !known.is_new_use(uses) {
                    counted.deviations.push(Deviation::Use { recorded: uses });
                }
                known.quota.restore(uses, now);
                *by_consumer = by_consumer.saturating_add(1);
            }
            Verdict::Deny { .. } => {
                let most = known.denied_on.map_or(0, |(most, ..)| most);
                if recorded.contract > most {
                    known.denied_on = Some((recorded.contract, index, now));
                }
            }
        }
        counted
    }

    /// Denials on more uses than there ever were.
    pub(super) fn counts_beyond(&self) -> Vec<Discrepancy> {
        let beyond = self.contracts.iter().filter_map(|(contract, known)| {
            let (recorded, index, time) = known.denied_on?;
            let found = known.quota.used();
            let deviation = Deviation::Count { recorded, found };
            let contract = *contract;
            (recorded > found).then_some(Discrepancy { index, time, contract, deviation })
        });
        let mut beyond: Vec<_> = beyond.collect();
        beyond.sort_by_key(|one| one.index);
        beyond
    }
}

impl Contract {
    /// Notes the use; `false` if it was made before.
    fn is_new_use(&mut self, number: u64) -> bool {
        if number < self.next_use || !self.ahead.insert(number) {
            return false;
        }
        if self.ahead.len() > AHEAD_MAX
            && let Some(first) = self.ahead.first()
        {
            self.next_use = *first;
        }
        while self.ahead.remove(&self.next_use) {
            self.next_use = self.next_use.saturating_add(1);
        }
        true
    }
}

/// How far two counts are from each other, at the most.
fn distance(one: Uses, other: Uses) -> u64 {
    let counts = |uses: Uses| [uses.contract, uses.consumer, uses.today, uses.this_month];
    let pairs = counts(one).into_iter().zip(counts(other));
    pairs.map(|(one, other)| one.abs_diff(other)).max().unwrap_or(0)
}
