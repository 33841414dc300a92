//! A sample of decisions is made a second time by Cedar's own evaluator. Where the two differ, the
//! access is denied and counted.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use cedar_policy::PolicySet;

use crate::engine::program::Outcome;
use crate::facts::Facts;
use crate::oracle;

/// Of this many decisions of a thread, one is made twice.
pub const SHADOW_SHARE: u32 = 1024;

thread_local! {
    // WHY: each thread counts for itself; a shared counter would be contended.
    static DECISIONS: Cell<u32> = const { Cell::new(0) };
}

static MISMATCHES: AtomicU64 = AtomicU64::new(0);

/// How often the compiled program and Cedar differed since the process began. Anything but 0 is a
/// defect of this library; those accesses were denied.
#[must_use]
pub fn shadow_mismatches() -> u64 {
    MISMATCHES.load(Ordering::Relaxed)
}

/// Whether it is this decision's turn.
pub(crate) fn is_due() -> bool {
    DECISIONS.with(|decisions| {
        let number = decisions.get().wrapping_add(1);
        decisions.set(number);
        number % SHADOW_SHARE == 1
    })
}

/// Whether Cedar says the same.
pub(crate) fn agrees(policies: &PolicySet, facts: &Facts, outcome: &Outcome) -> bool {
    let agrees = oracle::evaluate(policies, facts).is_ok_and(|cedar| {
        // Where a forbid holds, Cedar names no permits.
        let permits = if outcome.forbids.is_empty() { outcome.permits.as_slice() } else { &[] };
        cedar.permits == permits && cedar.forbids == outcome.forbids && cedar.erred == outcome.erred
    });
    if !agrees {
        MISMATCHES.fetch_add(1, Ordering::Relaxed);
    }
    agrees
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_found_and_counted() {
        let policies: PolicySet = "permit (principal, action, resource);".parse().unwrap();
        let consumer = ("did:key:z6Mk", "DE".parse().unwrap());
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let product = ("alloys", "open");
        let facts = Facts::new(consumer, crate::Action::Read, product, "research", now);
        let right = Outcome { permits: vec!["policy0".to_owned()], ..Outcome::default() };
        assert!(agrees(&policies, &facts, &right));
        assert_eq!(shadow_mismatches(), 0);
        let wrongs = [
            Outcome::default(),
            Outcome { forbids: vec!["policy0".to_owned()], ..Outcome::default() },
            Outcome {
                erred: vec!["policy0".to_owned()],
                permits: right.permits.clone(),
                ..Outcome::default()
            },
        ];
        for (count, wrong) in (1..).zip(&wrongs) {
            assert!(!agrees(&policies, &facts, wrong));
            assert_eq!(shadow_mismatches(), count);
        }
    }

    #[test]
    fn the_first_decision_and_then_each_of_the_share_is_checked() {
        let due: Vec<_> = (0..3 * SHADOW_SHARE).filter(|_| is_due()).collect();
        assert_eq!(due, [0, SHADOW_SHARE, 2 * SHADOW_SHARE]);
    }
}
