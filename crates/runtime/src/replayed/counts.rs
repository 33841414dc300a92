//! Uses, counted by the records.

use dataspace_audit_log::{AccessRecord, Fact, Verdict};
use dataspace_policy::Uses;
use dataspace_primitives::UnixMillis;
use dataspace_usage_contract::ContractId;

use crate::access::stated::Stated;
use crate::replayed::history::History;
use crate::replayed::report::Deviation;

impl History {
    /// Counts an access, and holds its counts against those of the records before it, which are the
    /// very ones on which it was decided.
    pub(super) fn count(
        &mut self,
        contract: ContractId,
        now: UnixMillis,
        access: &AccessRecord,
    ) -> Vec<Deviation> {
        let Some(known) = self.contracts.get_mut(&contract) else { return Vec::new() };
        let Ok(Stated { uses: recorded, .. }) = Stated::read(&access.facts) else {
            return Vec::new();
        };
        let agreement = known.agreement.value();
        let shared = (agreement.consumer.clone(), agreement.product.clone());
        let by_consumer = self.uses_by_consumer.entry(shared).or_default();
        let expected = Uses { consumer: *by_consumer, ..known.quota.uses_at(now) };
        let mut found = differing(recorded, expected);
        if let Verdict::Permit { uses, .. } = access.verdict {
            if Some(uses) != known.quota.used().checked_add(1) {
                found.push(Deviation::Use { recorded: uses });
            }
            known.quota.restore(uses, now);
            *by_consumer = by_consumer.saturating_add(1);
        }
        found
    }
}

/// Each count that is not as expected.
fn differing(recorded: Uses, expected: Uses) -> Vec<Deviation> {
    let counts = |uses: Uses| {
        [
            ("uses", uses.contract),
            ("usesByConsumer", uses.consumer),
            ("usesToday", uses.today),
            ("usesThisMonth", uses.this_month),
        ]
    };
    let pairs = counts(recorded).into_iter().zip(counts(expected));
    let differing = pairs.filter(|((_, recorded), (_, expected))| recorded != expected);
    let deviation =
        |((name, recorded), (_, expected)): ((&str, u64), (&str, u64))| Deviation::Fact {
            name: name.to_owned(),
            recorded: Some(Fact::Number(recorded)),
            expected: Some(Fact::Number(expected)),
        };
    differing.map(deviation).collect()
}
