//! Hours by the clock on the wall, where clocks are put forward and back.

use std::collections::BTreeSet;

use dataspace_policy::{
    Action, Constraint, Facts, Hours, Layer, Layers, Rule, Terms, Weekday,
    policies::InvalidPolicies, terms::InvalidTerms,
};

use crate::support::{
    at, codes, contract, decide, denial, facts, forbid_when, name, permit_when, permits,
    read_always, read_when, refusal,
};

fn hours(weekdays: &[Weekday], from: u16, until: u16, zone: &str) -> Constraint {
    let weekdays: BTreeSet<_> = weekdays.iter().copied().collect();
    Constraint::Hours(Hours { weekdays, from, until, zone: name(zone) })
}

fn now(text: &str) -> Facts<'static> {
    Facts { now: at(text), ..facts() }
}

fn assert_open(terms: &Terms, times: &[(&str, bool)]) {
    for (time, expected) in times {
        assert_eq!(permits(terms, &now(time)), *expected, "{time}");
    }
}

#[test]
fn the_hour_that_spring_leaves_out_never_comes() {
    // At 02:00 on 29 March 2026 the clocks of Berlin show 03:00.
    let left_out = read_when(hours(&[Weekday::Sunday], 120, 180, "Europe/Berlin"));
    let after = read_when(hours(&[Weekday::Sunday], 180, 240, "Europe/Berlin"));
    for minute in 0..180 {
        let time = format!("2026-03-29T{:02}:{:02}:00Z", minute / 60, minute % 60);
        assert!(!permits(&left_out, &now(&time)), "{time}");
        // 03:00 to 04:00 of summer time.
        assert_eq!(permits(&after, &now(&time)), (60..120).contains(&minute), "{time}");
    }
    assert_open(&left_out, &[("2026-03-22T01:00:00Z", true), ("2026-04-05T00:00:00Z", true)]);
}

#[test]
fn the_hour_that_autumn_repeats_comes_twice() {
    // At 03:00 on 25 October 2026 the clocks of Berlin show 02:00 again.
    let repeated = read_when(hours(&[Weekday::Sunday], 120, 180, "Europe/Berlin"));
    assert_open(
        &repeated,
        &[
            ("2026-10-24T23:59:59.999Z", false),
            ("2026-10-25T00:00:00Z", true),
            ("2026-10-25T00:59:59.999Z", true),
            ("2026-10-25T01:00:00Z", true),
            ("2026-10-25T01:59:59.999Z", true),
            ("2026-10-25T02:00:00Z", false),
        ],
    );
}

#[test]
fn hours_of_half_past_are_those_of_kolkata() {
    let office = read_when(hours(&[Weekday::Monday], 540, 1020, "Asia/Kolkata"));
    assert_open(
        &office,
        &[
            ("2026-06-01T03:29:59.999Z", false),
            ("2026-06-01T03:30:00Z", true),
            ("2026-06-01T11:29:59.999Z", true),
            ("2026-06-01T11:30:00Z", false),
        ],
    );
}

#[test]
fn the_day_of_the_week_is_the_one_on_the_spot() {
    // Kiritimati is 14 hours ahead, Midway 11 behind.
    let ahead = read_when(hours(&[Weekday::Monday], 0, 1440, "Pacific/Kiritimati"));
    assert_open(
        &ahead,
        &[
            ("2026-05-31T09:59:59.999Z", false),
            ("2026-05-31T10:00:00Z", true),
            ("2026-06-01T09:59:59.999Z", true),
            ("2026-06-01T10:00:00Z", false),
        ],
    );
    let behind = read_when(hours(&[Weekday::Monday], 0, 1440, "Pacific/Midway"));
    assert_open(&behind, &[("2026-06-01T10:59:59.999Z", false), ("2026-06-01T11:00:00Z", true)]);
}

#[test]
fn the_last_days_of_the_year_9999_deny() {
    let always = hours(&Weekday::ALL, 0, 1440, "Asia/Kolkata");
    let terms = read_when(always.clone());
    assert!(permits(&terms, &now("9999-12-29T00:00:00Z")));
    for last in ["9999-12-31T00:00:00Z", "9999-12-31T23:59:59.999Z"] {
        assert_eq!(codes(&denial(decide(&terms, &now(last)))), ["policy-error"], "{last}");
        // A prohibition of other hours does not open what it cannot decide on.
        let never = Constraint::Not(Box::new(always.clone()));
        let terms = read_always().prohibit(Rule::new([Action::Read]).when(never));
        assert!(!permits(&terms, &now(last)), "{last}");
    }
}

#[test]
fn the_first_day_of_1970_can_be_decided_west_of_greenwich() {
    let wednesday = read_when(hours(&[Weekday::Wednesday], 1140, 1141, "America/New_York"));
    assert_open(&wednesday, &[("1970-01-01T00:00:00Z", true), ("1970-01-01T00:01:00Z", false)]);
}

const UNKNOWN: [&str; 12] = [
    "europe/berlin",
    "Europe/berlin",
    "EUROPE/BERLIN",
    "Europe/Berlin/",
    "Europe",
    "Berlin",
    "Mars/Phobos",
    "+01:00",
    "CEST",
    "EST5EDT,M3.2.0,M11.1.0",
    "../../etc/passwd",
    "/usr/share/zoneinfo/Europe/Berlin",
];

#[test]
fn terms_with_an_unknown_zone_are_refused_at_any_depth() {
    for zone in UNKNOWN {
        let one = hours(&[Weekday::Monday], 0, 60, zone);
        let deep =
            Constraint::Not(Box::new(Constraint::Any(vec![Constraint::Sandbox, one.clone()])));
        for constraint in [one, deep] {
            let refused = read_when(constraint).check().unwrap_err();
            assert!(matches!(refused, InvalidTerms::TimeZone { zone: found, .. }
                if found.as_str() == zone));
        }
    }
}

#[test]
fn text_with_an_unknown_zone_is_refused_wherever_it_stands() {
    for zone in UNKNOWN.into_iter().chain(["", " Europe/Berlin", "Europe/Berlin\\u{0}"]) {
        let zone = format!("Dataspace::TimeZone::\"{zone}\"");
        for condition in [
            format!("{zone}.minute < 60"),
            format!("true || {zone}.weekday == 1"),
            format!("if context has person then [{zone}].contains({zone}) else false"),
        ] {
            for (text, layer) in [
                (permit_when(&condition), Layer::Contract),
                (forbid_when(&condition), Layer::Contract),
                (forbid_when(&condition), Layer::Space),
            ] {
                let refused = refusal(&text, layer);
                assert!(matches!(refused, InvalidPolicies::TimeZone { .. }), "{refused}: {text}");
            }
        }
    }
}

#[test]
fn text_by_hand_reads_the_same_clock() {
    let text = permit_when("Dataspace::TimeZone::\"Europe/Berlin\".minute == 120");
    let program = contract(&text);
    let permits = |time: &str| program.decide(&now(time), Layers::default()).is_permit();
    assert!(permits("2026-06-01T00:00:30Z") && !permits("2026-06-01T00:01:00Z"));
}
