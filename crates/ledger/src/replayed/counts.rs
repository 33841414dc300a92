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
    let Ok(Stated { uses: recorded, access: asked, .. }) = Stated::read(access) else {
        return Vec::new();
    };
    let expected = contract.uses_at(now, &asked);
    let mut found = differing(recorded, expected);
    if let Verdict::Permit { uses, .. } = access.verdict {
        if Some(uses) != expected.contract.checked_add(1) {
            found.push(Deviation::Use { recorded: uses });
        }
        contract.restore(uses, now, recorded.metered);
    }
    found
}

/// Each count that is not as expected.
fn differing(recorded: Uses, expected: Uses) -> Vec<Deviation> {
    let counts = |uses: Uses| {
        let Uses { contract, consumer, today, this_month, metered } = uses;
        [
            ("uses", Some(contract)),
            ("usesByConsumer", Some(consumer)),
            ("usesToday", Some(today)),
            ("usesThisMonth", Some(this_month)),
            ("plays", metered.plays),
            ("playedUntil", metered.played_until.map(u64::from)),
            ("seconds", metered.seconds),
        ]
    };
    let pairs = counts(recorded).into_iter().zip(counts(expected));
    let differing = pairs.filter(|((_, recorded), (_, expected))| recorded != expected);
    let deviation = differing.map(|((name, recorded), (_, expected))| Deviation::Fact {
        name: name.to_owned(),
        recorded: recorded.map(Fact::Number),
        expected: expected.map(Fact::Number),
    });
    deviation.collect()
}
