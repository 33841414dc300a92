//! The quota against a counter.

use dataspace_policy::{Action, Uses, facts::Metered};
use dataspace_primitives::UnixMillis;
use dataspace_usage_contract::{
    meter::Use,
    quota::{Counts, Quota, QuotaExhausted},
};
use proptest::prelude::*;

use crate::support::{at, now};

fn read() -> Use {
    Use::new(Action::Read, None)
}

proptest! {
    #[test]
    fn a_quota_counts_like_a_counter(
        limit in proptest::option::of(0..6_u64),
        steps in proptest::collection::vec(proptest::option::weighted(0.2, 0..9_u64), 0..30),
    ) {
        let (mut quota, mut used) = (Quota::new(limit), 0);
        for restored in steps {
            if let Some(uses) = restored {
                quota.restore(uses, now(), Metered::default());
                used = used.max(uses);
            } else if limit.is_some_and(|limit| used >= limit) {
                prop_assert_eq!(quota.reserve(now(), &read()), Err(QuotaExhausted { limit: limit.unwrap() }));
            } else {
                used += 1;
                prop_assert_eq!(quota.reserve(now(), &read()), Ok(used));
            }
            prop_assert_eq!((quota.used(), quota.limit()), (used, limit));
        }
    }
}

#[test]
fn a_quota_of_zero_gives_nothing() {
    assert!(Quota::new(Some(0)).reserve(now(), &read()).is_err());
}

#[test]
fn a_quota_does_not_wrap_at_its_end() {
    let mut quota = Quota::new(None);
    quota.restore(u64::MAX, now(), Metered::default());
    assert_eq!(quota.reserve(now(), &read()), Ok(u64::MAX));
    let mut quota = Quota::new(Some(u64::MAX));
    quota.restore(u64::MAX, now(), Metered::default());
    assert!(quota.reserve(now(), &read()).is_err());
}

#[test]
fn restoring_fewer_uses_gives_none_back() {
    let mut quota = Quota::new(Some(2));
    quota.restore(2, now(), Metered::default());
    quota.restore(0, now(), Metered::default());
    assert!(quota.reserve(now(), &read()).is_err());
}

proptest! {
    #[test]
    fn days_and_months_are_counted_as_on_a_calendar(
        steps in proptest::collection::vec((0..4_000_000_u64, any::<bool>()), 1..40),
    ) {
        let mut quota = Quota::new(None);
        let (mut made, mut millis) = (Vec::<String>::new(), at("2026-01-30T12:00:00Z").as_millis());
        for (secs, is_restored) in steps {
            millis += secs * 1000;
            let when = UnixMillis::new(millis).unwrap();
            // `2026-01-30T…`: the first ten characters are the day, the first seven the month.
            let text = when.to_string();
            let like = |len: usize| made.iter().filter(|one| one.get(..len) == text.get(..len)).count();
            let expected = Uses {
                contract: made.len() as u64,
                consumer: 0,
                today: like(10) as u64,
                this_month: like(7) as u64,
                metered: Metered::default(),
            };
            prop_assert_eq!(quota.uses_at(when, &read()), expected);
            if is_restored {
                quota.restore(made.len() as u64 + 1, when, Metered::default());
            } else {
                prop_assert_eq!(quota.reserve(when, &read()), Ok(made.len() as u64 + 1));
            }
            made.push(text);
        }
    }
}

#[test]
fn a_clock_that_goes_back_gives_no_use_of_the_day_back() {
    let mut quota = Quota::new(None);
    let (late, early) = (at("2026-03-01T00:00:00Z"), at("2026-02-28T23:59:59.999Z"));
    quota.reserve(late, &read()).unwrap();
    quota.reserve(early, &read()).unwrap();
    for when in [late, early] {
        let uses = quota.uses_at(when, &read());
        assert_eq!((uses.today, uses.this_month), (2, 2));
    }
}

#[test]
fn a_use_of_yesterday_that_was_recorded_late_does_not_count_today() {
    let mut quota = Quota::new(None);
    let (late, early) = (at("2026-03-01T00:00:00Z"), at("2026-02-28T23:59:59.999Z"));
    quota.restore(2, late, Metered::default());
    quota.restore(1, early, Metered::default());
    let uses = quota.uses_at(late, &read());
    assert_eq!((uses.contract, uses.today, uses.this_month), (2, 1, 1));
}

/// So many days after 1970.
fn on(day: u64) -> UnixMillis {
    UnixMillis::new(day * 86_400_000).unwrap()
}

proptest! {
    #[test]
    fn counts_that_are_merged_count_like_one_history(
        uses in proptest::collection::vec((1..40_u64, 0..90_u64, any::<bool>()), 0..40),
    ) {
        let mut uses = uses;
        let (mut all, mut parts) = (Counts::default(), [Counts::default(); 2]);
        for (number, day, is_first) in &uses {
            let time = on(*day);
            all.restore(*number, time);
            parts[usize::from(*is_first)].restore(*number, time);
        }
        prop_assert_eq!(parts[0].merge(parts[1]), all);
        prop_assert_eq!(parts[1].merge(parts[0]), all);
        uses.reverse();
        let mut reversed = Counts::default();
        for (number, day, _) in &uses {
            reversed.restore(*number, on(*day));
        }
        prop_assert_eq!(reversed, all);
    }
}
