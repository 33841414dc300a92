//! The last value that is permitted and the first that is not.

use dataspace_policy::{Action, Constraint, Facts, Rule, Terms, Uses};
use dataspace_primitives::UnixMillis;

use crate::support::{
    CONSUMER, Decision, Told as _, at, codes, decide, denial, facts, permits, program, purposes,
    read_always, read_when, region, regions, rich, time,
};

fn at_time(now: &str) -> Facts<'static> {
    Facts { now: at(now), ..facts() }
}

fn used(uses: u64) -> Facts<'static> {
    Facts { uses: Uses::of_contract(uses), ..facts() }
}

#[test]
fn a_time_window_includes_its_first_millisecond_and_not_its_last() {
    let terms = read_when(time("2026-06-01T00:00:00.500Z", "2026-06-01T00:00:00.502Z"));
    for (now, permitted) in [
        ("2026-06-01T00:00:00.499Z", false),
        ("2026-06-01T00:00:00.500Z", true),
        ("2026-06-01T00:00:00.501Z", true),
        ("2026-06-01T00:00:00.502Z", false),
        ("2026-06-01T00:00:00.503Z", false),
        ("2026-06-01T00:00:00Z", false),
        ("2026-06-01T00:00:01Z", false),
    ] {
        assert_eq!(permits(&terms, &at_time(now)), permitted, "{now}");
    }
}

#[test]
fn a_prohibition_in_time_begins_and_ends_to_the_millisecond() {
    let during =
        Rule::new([Action::Read]).when(time("2026-06-01T00:00:00Z", "2026-06-01T00:00:01Z"));
    let terms = read_always().prohibit(during);
    assert!(permits(&terms, &at_time("2026-05-31T23:59:59.999Z")));
    assert!(!permits(&terms, &at_time("2026-06-01T00:00:00Z")));
    assert!(!permits(&terms, &at_time("2026-06-01T00:00:00.999Z")));
    assert!(permits(&terms, &at_time("2026-06-01T00:00:01Z")));
}

#[test]
fn the_ends_of_time_can_be_decided() {
    let all = read_when(time("1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"));
    assert!(permits(&all, &Facts { now: UnixMillis::MIN, ..facts() }));
    assert!(permits(&all, &at_time("9999-12-31T23:59:59.998Z")));
    assert!(!permits(&all, &Facts { now: UnixMillis::MAX, ..facts() }));
}

#[test]
fn a_count_of_three_permits_three_uses() {
    let terms = read_when(Constraint::Count(3));
    let outcomes: Vec<_> = (0..6).map(|uses| permits(&terms, &used(uses))).collect();
    assert_eq!(outcomes, [true, true, true, false, false, false]);
}

#[test]
fn the_largest_count_permits_one_use_less_than_its_limit_was_made() {
    let terms = read_when(Constraint::Count(u32::MAX));
    assert!(permits(&terms, &used(u64::from(u32::MAX) - 1)));
    assert!(!permits(&terms, &used(u64::from(u32::MAX))));
}

#[test]
fn uses_beyond_what_cedar_can_count_deny_even_without_a_limit() {
    let last = u64::try_from(i64::MAX).unwrap();
    assert!(permits(&read_always(), &used(last)));
    for uses in [last + 1, u64::MAX - 1, u64::MAX] {
        let denial = denial(decide(&read_always(), &used(uses)));
        assert_eq!(codes(&denial), ["facts"]);
        assert!(!permits(&read_when(Constraint::Count(3)), &used(uses)));
    }
}

#[test]
fn only_the_regions_named_are_permitted() {
    let terms = read_when(regions(&["DE", "FR"]));
    for (code, permitted) in
        [("DE", true), ("FR", true), ("EE", false), ("DK", false), ("RE", false)]
    {
        let facts = Facts { region: region(code), ..facts() };
        assert_eq!(permits(&terms, &facts), permitted, "{code}");
    }
}

#[test]
fn a_purpose_is_compared_exactly() {
    let terms = read_when(purposes(&["research"]));
    for other in ["Research", "researc", "research2", "re*", "*", "ｒesearch", "research."] {
        let facts = Facts { purpose: other, ..facts() };
        assert!(!permits(&terms, &facts), "{other}");
    }
}

#[test]
fn an_action_that_no_permission_names_is_not_covered() {
    for action in Action::ALL.into_iter().filter(|action| *action != Action::Read) {
        let facts = Facts { action, ..facts() };
        let denial = denial(decide(&read_always(), &facts));
        assert_eq!(codes(&denial), ["not-covered"]);
        assert!(denial.to_string().ends_with(action.as_str()));
    }
}

#[test]
fn another_participant_gains_nothing() {
    let near = format!("{CONSUMER} ");
    for other in ["did:key:z6MkOther", "", &near, &CONSUMER.to_uppercase(), "*"] {
        let facts = Facts { participant: other, ..facts() };
        assert!(!permits(&read_always(), &facts), "{other}");
        assert!(!denial(decide(&read_always(), &facts)).reasons.is_empty());
    }
}

#[test]
fn another_product_gains_nothing() {
    for other in ["alloy", "alloys2", "Alloys", "*"] {
        let facts = Facts { product: other, ..facts() };
        assert_eq!(codes(&denial(decide(&read_always(), &facts))), ["unmet"], "{other}");
    }
}

#[test]
fn a_prohibition_wins_over_every_permission() {
    let terms = read_always().permit(Rule::new([Action::Read])).prohibit(Rule::new([Action::Read]));
    let denial = denial(decide(&terms, &facts()));
    assert_eq!(denial.to_string(), "prohibition-1 of the contract forbids it");
}

#[test]
fn a_denial_names_every_condition_that_does_not_hold() {
    let mut late = at_time("2028-01-01T00:00:00Z");
    late.purpose = "gossip";
    late.uses = Uses::of_contract(50);
    late.region = region("US");
    let denial = denial(decide(&rich(), &late));
    assert_eq!(codes(&denial), ["unmet"; 4]);
    crate::support::assert_golden(
        "denial.txt",
        &denial.reasons.iter().map(|reason| format!("{reason}\n")).collect::<String>(),
    );
}

#[test]
fn the_same_facts_are_decided_the_same_again_and_by_a_program_compiled_again() {
    let first = program(&rich());
    for uses in [0, 49, 50] {
        let once = first.told(&used(uses), None);
        for _ in 0..20 {
            assert_eq!(first.told(&used(uses), None), once);
        }
        let again = program(&rich());
        assert_eq!(again.digest(), first.digest());
        assert_eq!(again.told(&used(uses), None), once);
    }
}

#[test]
fn grounds_name_each_permission_that_holds_in_order() {
    let mut terms = Terms::new();
    for i in 0..12_u32 {
        terms = terms.permit(Rule::new([Action::Read]).when(Constraint::Count(i + 1)));
    }
    let Decision::Permit(grounds) = decide(&terms, &used(9)) else { panic!() };
    assert_eq!(grounds.policies, ["permission-10", "permission-11", "permission-12"]);
}
