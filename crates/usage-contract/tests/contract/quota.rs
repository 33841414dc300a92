//! The quota against a counter.

use dataspace_usage_contract::{Quota, QuotaExhausted};
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_quota_counts_like_a_counter(
        limit in proptest::option::of(0..6_u64),
        steps in proptest::collection::vec(proptest::option::weighted(0.2, 0..9_u64), 0..30),
    ) {
        let (mut quota, mut used) = (Quota::new(limit), 0);
        for restored in steps {
            if let Some(uses) = restored {
                quota.restore(uses);
                used = used.max(uses);
            } else if limit.is_some_and(|limit| used >= limit) {
                prop_assert_eq!(quota.reserve(), Err(QuotaExhausted { limit: limit.unwrap() }));
            } else {
                used += 1;
                prop_assert_eq!(quota.reserve(), Ok(used));
            }
            prop_assert_eq!((quota.used(), quota.limit()), (used, limit));
        }
    }
}

#[test]
fn a_quota_of_zero_gives_nothing() {
    assert!(Quota::new(Some(0)).reserve().is_err());
}

#[test]
fn a_quota_does_not_wrap_at_its_end() {
    let mut quota = Quota::new(None);
    quota.restore(u64::MAX);
    assert_eq!(quota.reserve(), Ok(u64::MAX));
    let mut quota = Quota::new(Some(u64::MAX));
    quota.restore(u64::MAX);
    assert!(quota.reserve().is_err());
}

#[test]
fn restoring_fewer_uses_gives_none_back() {
    let mut quota = Quota::new(Some(2));
    quota.restore(2);
    quota.restore(0);
    assert!(quota.reserve().is_err());
}
