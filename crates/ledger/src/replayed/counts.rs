//! Uses, counted by the records.

use dataspace_policy::Uses;
use dataspace_primitives::UnixMillis;
use dataspace_tlog::{AccessRecord, Fact, Verdict};

use crate::facts::Stated;
use crate::replayed::report::Deviation;
use crate::state::contract::Contract;

/// Counts an access, and compares its counts with those of the records before it, on which it was
/// decided.
pub(super) fn count(contract: &Contract, now: UnixMillis, access: &AccessRecord) -> Vec<Deviation> {
    let Ok(Stated { uses: recorded, .. }) = Stated::read(&access.facts) else {
        return Vec::new();
    };
    let expected = contract.uses_at(now);
    let mut found = differing(recorded, expected);
    if let Verdict::Permit { uses, .. } = access.verdict {
        if Some(uses) != expected.contract.checked_add(1) {
            found.push(Deviation::Use { recorded: uses });
        }
        contract.restore(uses, now);
    }
    found
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
