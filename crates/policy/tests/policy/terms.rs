//! Terms that may not be signed, and what a signer is shown of those that may.

use std::collections::BTreeSet;

use dataspace_policy::{
    Action, Assurance, ClauseId, ClauseKind, ColumnMask, Constraint, Duty, Hours, Legal,
    MaskMethod, Plays, Program, Rule, Terms, Weekday,
    constraint::{DEPTH_MAX, NODES_MAX, SECS_MAX, VALUES_MAX},
    policies::InvalidPolicies,
    terms::{CLAUSES_MAX, InvalidTerms},
};
use dataspace_primitives::{Name, Region, cbor};

use crate::support::{
    assert_golden, facts, name, permits, program, purposes, read_always, read_when, regions, rich,
    scope, time,
};

const FIRST: ClauseId = ClauseId { kind: ClauseKind::Permission, number: 1 };

fn mask(column: &str) -> Duty {
    Duty::Mask(ColumnMask { column: name(column), method: MaskMethod::Hash })
}

fn label(rule: &Rule, kind: ClauseKind) -> Assurance {
    let terms = match kind {
        ClauseKind::Prohibition => read_always().prohibit(rule.clone()),
        _ => Terms::new().permit(rule.clone()),
    };
    terms.clauses().last().unwrap().assurance
}

#[test]
fn terms_without_a_permission_are_refused() {
    assert_eq!(Terms::new().check(), Err(InvalidTerms::NoPermission));
    let only_forbids = Terms::new().prohibit(Rule::new([Action::Read])).duty(mask("a"));
    assert_eq!(only_forbids.check(), Err(InvalidTerms::NoPermission));
}

#[test]
fn a_rule_without_actions_is_refused() {
    let terms = Terms::new().permit(Rule::new([]));
    assert_eq!(terms.check(), Err(InvalidTerms::NoAction { clause: FIRST }));
    let clause = ClauseId { kind: ClauseKind::Prohibition, number: 1 };
    let terms = read_always().prohibit(Rule::new([]));
    assert_eq!(terms.check(), Err(InvalidTerms::NoAction { clause }));
}

#[test]
fn sixty_four_clauses_of_a_kind_are_possible_and_no_more() {
    let fill = |len: usize| {
        [
            Terms { permissions: vec![Rule::new([Action::Read]); len], ..Terms::new() },
            Terms { prohibitions: vec![Rule::new([Action::Read]); len], ..read_always() },
            Terms { duties: (0..len).map(|i| mask(&i.to_string())).collect(), ..read_always() },
            Terms { legal: vec![Legal::Log; len], ..read_always() },
        ]
    };
    for terms in fill(CLAUSES_MAX) {
        assert_eq!(terms.check(), Ok(()));
    }
    for terms in fill(CLAUSES_MAX + 1) {
        assert_eq!(terms.check(), Err(InvalidTerms::TooManyClauses { found: CLAUSES_MAX + 1 }));
    }
}

#[test]
fn an_empty_or_endless_constraint_is_refused() {
    for found in [0, VALUES_MAX + 1] {
        let purposes = (0..found).map(|i| name(&i.to_string())).collect();
        let error = read_when(Constraint::Purpose(purposes)).check();
        assert_eq!(error, Err(InvalidTerms::ValueCount { clause: FIRST, found }));
    }
    assert_eq!(
        read_when(Constraint::Jurisdiction([].into())).check(),
        Err(InvalidTerms::ValueCount { clause: FIRST, found: 0 })
    );
}

#[test]
fn two_constraints_of_one_kind_are_refused() {
    let rule = Rule::new([Action::Read]).when(purposes(&["a"])).when(regions(&["DE"]));
    assert_eq!(Terms::new().permit(rule.clone()).check(), Ok(()));
    let error = Terms::new().permit(rule.when(purposes(&["b"]))).check();
    assert_eq!(error, Err(InvalidTerms::RepeatedConstraint { clause: FIRST }));
}

#[test]
fn a_count_is_at_least_one_and_only_in_permissions() {
    assert_eq!(read_when(Constraint::Count(1)).check(), Ok(()));
    assert_eq!(
        read_when(Constraint::Count(0)).check(),
        Err(InvalidTerms::ZeroCount { clause: FIRST })
    );
    let clause = ClauseId { kind: ClauseKind::Prohibition, number: 1 };
    let forbid = read_always().prohibit(Rule::new([Action::Read]).when(Constraint::Count(2)));
    assert_eq!(forbid.check(), Err(InvalidTerms::CountInProhibition { clause }));
}

fn hours(from: u16, until: u16) -> Constraint {
    let weekdays = [Weekday::Monday].into();
    Constraint::Hours(Hours { weekdays, from, until, zone: name("Europe/Berlin") })
}

fn not(one: Constraint) -> Constraint {
    Constraint::Not(Box::new(one))
}

#[test]
fn every_constraint_with_values_has_one_to_sixty_four() {
    let names = |len: usize| (0..len).map(|i| name(&i.to_string())).collect::<BTreeSet<_>>();
    for found in [0, 1, VALUES_MAX, VALUES_MAX + 1] {
        let all = names(found);
        let places: BTreeSet<Region> = Region::all().take(found).collect();
        for constraint in [
            Constraint::Purpose(all.clone()),
            Constraint::PurposeWithin(all.clone()),
            Constraint::Participant(all.clone()),
            Constraint::Credential(all.clone()),
            Constraint::Attribute { name: name("size"), values: all.clone() },
            Constraint::Role(all.clone()),
            Constraint::PersonRole(all.clone()),
            Constraint::Connector(all.clone()),
            Constraint::Application(all.clone()),
            Constraint::Class(all.clone()),
            Constraint::Event(all.clone()),
            Constraint::State(all.clone()),
            Constraint::Jurisdiction(places.clone()),
            Constraint::RecipientRegion(places),
        ] {
            let is_good = (1..=VALUES_MAX).contains(&found);
            let refused = Err(InvalidTerms::ValueCount { clause: FIRST, found });
            let expected = if is_good { Ok(()) } else { refused };
            assert_eq!(read_when(constraint.clone()).check(), expected);
            assert_eq!(read_when(not(not(constraint))).check(), expected);
        }
    }
    let refused = Err(InvalidTerms::ValueCount { clause: FIRST, found: 0 });
    assert_eq!(read_when(Constraint::Payment([].into())).check(), refused);
    let zone = name("Europe/Berlin");
    let never = Constraint::Hours(Hours { weekdays: [].into(), from: 0, until: 1, zone });
    assert_eq!(read_when(never).check(), refused);
}

#[test]
fn a_compound_has_at_least_two_parts() {
    for found in [0, 1] {
        let parts = || vec![Constraint::Sandbox; found];
        for compound in
            [Constraint::All(parts()), Constraint::Any(parts()), Constraint::One(parts())]
        {
            let refused = Err(InvalidTerms::ValueCount { clause: FIRST, found });
            assert_eq!(read_when(compound.clone()).check(), refused);
            assert_eq!(read_when(not(compound)).check(), refused);
        }
    }
}

#[test]
fn constraints_nest_four_levels_deep_and_no_more() {
    let deep = |levels: usize| (0..levels).fold(Constraint::Sandbox, |inner, _| not(inner));
    assert_eq!(read_when(deep(DEPTH_MAX)).check(), Ok(()));
    let refused = Err(InvalidTerms::Nesting { clause: FIRST });
    assert_eq!(read_when(deep(DEPTH_MAX + 1)).check(), refused);
    let in_any = Constraint::Any(vec![Constraint::Sandbox, deep(DEPTH_MAX)]);
    assert_eq!(read_when(in_any).check(), refused);
    // So deep that a careless recursion would end the process.
    let bottomless = read_when(deep(10_000));
    assert_eq!(bottomless.check(), refused);
    std::mem::forget(bottomless);
}

#[test]
fn a_rule_has_sixty_four_constraints_in_all_and_no_more() {
    let any = |len: usize| Constraint::Any(vec![Constraint::Attested; len]);
    assert_eq!(read_when(any(NODES_MAX - 1)).check(), Ok(()));
    let refused = Err(InvalidTerms::Nesting { clause: FIRST });
    assert_eq!(read_when(any(NODES_MAX)).check(), refused);
    let rule = Rule::new([Action::Read]).when(any(40)).when(any(40));
    assert_eq!(Terms::new().permit(rule).check(), refused);
}

#[test]
fn the_largest_compounds_become_cedar_or_are_refused_before_anybody_signs() {
    let any = Constraint::Any(vec![Constraint::Sandbox; NODES_MAX - 1]);
    let _program = program(&read_when(any));
    for (len, is_good) in [(16, true), (17, false)] {
        let terms = read_when(Constraint::One(vec![Constraint::Sandbox; len]));
        let found = Program::new(&terms.to_cedar(&scope()).unwrap());
        assert!(is_good == found.is_ok(), "{len}: {found:?}");
        assert!(is_good || matches!(found, Err(InvalidPolicies::Bounds(_))));
    }
}

#[test]
fn hours_lie_within_one_day_and_end_after_they_begin() {
    for (from, until) in [(0, 1), (0, 1440), (1439, 1440), (540, 1020)] {
        assert_eq!(read_when(hours(from, until)).check(), Ok(()));
    }
    for (from, until) in
        [(0, 0), (1, 1), (1020, 540), (0, 1441), (1440, 1441), (1440, 1440), (0, u16::MAX)]
    {
        let refused = Err(InvalidTerms::Hours { clause: FIRST });
        assert_eq!(read_when(hours(from, until)).check(), refused, "{from} to {until}");
    }
}

#[test]
fn a_time_after_the_agreement_is_a_second_to_a_century() {
    let clause = ClauseId { kind: ClauseKind::Legal, number: 2 };
    let delete = |secs| read_always().legal(Legal::Log).legal(Legal::DeleteAfter(secs));
    for secs in [1, SECS_MAX] {
        let terms = read_when(Constraint::Elapsed(secs));
        assert!(permits(&terms, &facts()));
        assert_eq!(delete(secs).check(), Ok(()));
    }
    let zero = read_when(not(Constraint::Elapsed(0)));
    assert_eq!(zero.check(), Err(InvalidTerms::ZeroCount { clause: FIRST }));
    assert_eq!(delete(0).check(), Err(InvalidTerms::ZeroCount { clause }));
    for secs in [SECS_MAX + 1, u64::MAX] {
        let long = read_when(Constraint::Elapsed(secs));
        assert_eq!(long.check(), Err(InvalidTerms::TooLong { clause: FIRST }));
        assert_eq!(delete(secs).check(), Err(InvalidTerms::TooLong { clause }));
    }
    // A prohibition can begin with a time, too: what is not elapsed is no count.
    let early = Rule::new([Action::Read]).when(Constraint::Elapsed(60));
    assert!(!permits(&read_always().prohibit(early), &facts()));
}

#[test]
fn every_count_is_at_least_one_and_only_in_permissions_at_any_depth() {
    let clause = ClauseId { kind: ClauseKind::Prohibition, number: 1 };
    let counts: [fn(u32) -> Constraint; 6] = [
        Constraint::Count,
        Constraint::ConsumerCount,
        Constraint::DayCount,
        Constraint::MonthCount,
        Constraint::SecondsCount,
        |max| Constraint::PlayCount(Plays { max, after: 30 }),
    ];
    for count in counts {
        let zero = Err(InvalidTerms::ZeroCount { clause: FIRST });
        assert_eq!(read_when(count(0)).check(), zero);
        let deep = |max| Constraint::All(vec![Constraint::Sandbox, not(count(max))]);
        assert_eq!(read_when(deep(0)).check(), zero);
        assert_eq!(read_when(deep(1)).check(), Ok(()));
        for constraint in [count(1), deep(1)] {
            let terms = read_always().prohibit(Rule::new([Action::Read]).when(constraint));
            assert_eq!(terms.check(), Err(InvalidTerms::CountInProhibition { clause }));
        }
    }
}

#[test]
fn compounds_and_attributes_may_come_twice_in_a_rule() {
    let size = |value: &str| {
        let values = [name(value)].into();
        Constraint::Attribute { name: name("size"), values }
    };
    let rule = Rule::new([Action::Read])
        .when(not(Constraint::Sandbox))
        .when(not(Constraint::Attested))
        .when(size("small"))
        .when(size("medium"));
    assert_eq!(Terms::new().permit(rule.clone()).check(), Ok(()));
    let twice = rule.when(Constraint::Sandbox).when(Constraint::Sandbox);
    let refused = Err(InvalidTerms::RepeatedConstraint { clause: FIRST });
    assert_eq!(Terms::new().permit(twice).check(), refused);
}

#[test]
fn a_legal_operand_has_values() {
    let clause = ClauseId { kind: ClauseKind::Legal, number: 1 };
    for found in [0, VALUES_MAX + 1] {
        let (operand, operator) = (name("cx-policy:Liability"), name("eq"));
        let values = vec![name("x"); found];
        let terms = read_always().legal(Legal::Operand { operand, operator, values });
        assert_eq!(terms.check(), Err(InvalidTerms::ValueCount { clause, found }));
    }
}

#[test]
fn the_purposes_of_terms_are_those_of_every_depth() {
    let deep = not(Constraint::Any(vec![
        Constraint::Sandbox,
        Constraint::PurposeWithin([name("c"), name("d")].into()),
    ]));
    let terms = read_when(purposes(&["a"]))
        .permit(Rule::new([Action::Query]).when(purposes(&["a", "b"])))
        .prohibit(Rule::new([Action::Read]).when(deep));
    let found: Vec<_> = terms.purposes().into_iter().map(Name::as_str).collect();
    assert_eq!(found, ["a", "b", "c", "d"]);
    assert!(read_always().purposes().is_empty());
}

#[test]
fn a_count_within_all_limits_the_contract_and_one_within_any_does_not() {
    let count = |max| Constraint::Count(max);
    let all = Constraint::All(vec![Constraint::Sandbox, count(4)]);
    assert_eq!(read_when(all.clone()).uses_max(), Some(4));
    let smaller = Rule::new([Action::Read]).when(all).when(count(3));
    assert_eq!(Terms::new().permit(smaller).uses_max(), Some(3));
    for free in [
        Constraint::Any(vec![Constraint::Sandbox, count(4)]),
        Constraint::One(vec![Constraint::Sandbox, count(4)]),
        not(count(4)),
    ] {
        assert_eq!(read_when(free).uses_max(), None);
    }
}

#[test]
fn a_duty_that_cannot_be_carried_out_makes_the_terms_unsignable() {
    let method = MaskMethod::Round { decimals: 19 };
    let terms =
        read_always().duty(mask("a")).duty(Duty::Mask(ColumnMask { column: name("b"), method }));
    let clause = ClauseId { kind: ClauseKind::Duty, number: 2 };
    assert!(matches!(terms.check(), Err(InvalidTerms::Duty { clause: c, .. }) if c == clause));
}

#[test]
fn two_masks_on_one_column_are_refused() {
    let terms = read_always().duty(mask("a")).duty(mask("b")).duty(mask("a"));
    let clause = ClauseId { kind: ClauseKind::Duty, number: 3 };
    let column = name("a");
    assert_eq!(terms.check(), Err(InvalidTerms::RepeatedMask { clause, column }));
}

#[test]
fn the_limit_of_uses_is_the_largest_and_one_unlimited_permission_lifts_it() {
    let count = |n| Rule::new([Action::Read]).when(Constraint::Count(n));
    let terms = Terms::new().permit(count(3)).permit(count(7)).permit(count(5));
    assert_eq!(terms.uses_max(), Some(7));
    assert_eq!(terms.permit(Rule::new([Action::Query])).uses_max(), None);
    assert_eq!(Terms::new().uses_max(), Some(0));
}

#[test]
fn what_the_monitor_sees_itself_is_enforced() {
    let rule = Rule::new([Action::Read, Action::Transfer])
        .when(time("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"))
        .when(regions(&["DE"]));
    assert_eq!(label(&rule, ClauseKind::Permission), Assurance::Enforced);
    assert_eq!(label(&rule, ClauseKind::Prohibition), Assurance::Enforced);
}

#[test]
fn a_stated_purpose_is_attested_and_never_enforced() {
    let rule = Rule::new([Action::Read]).when(purposes(&["research"]));
    assert_eq!(label(&rule, ClauseKind::Permission), Assurance::Attested);
    assert_eq!(label(&rule, ClauseKind::Prohibition), Assurance::Attested);
}

#[test]
fn what_happens_after_release_is_never_called_enforced() {
    for action in Action::ALL {
        for rule in [Rule::new([action]), Rule::new([action, Action::Read])] {
            let labels =
                [ClauseKind::Permission, ClauseKind::Prohibition].map(|kind| label(&rule, kind));
            let expected = match action {
                // What no node carries out; whoever has the rows can do it.
                Action::Query | Action::Aggregate => [Assurance::Unsupported, Assurance::Legal],
                action if action.is_after_release() => [Assurance::Attested, Assurance::Legal],
                // Reading is permitted, and gives the same rows.
                Action::Transfer if rule.actions.len() == 1 => {
                    [Assurance::Enforced, Assurance::Attested]
                }
                _ => [Assurance::Enforced, Assurance::Enforced],
            };
            assert_eq!(labels, expected, "{action}");
        }
    }
}

#[test]
fn every_clause_has_words_and_a_label_in_the_order_of_the_document() {
    let text: String = rich()
        .clauses()
        .iter()
        .map(|clause| {
            format!("{:14} {:11} {}\n", clause.id.to_string(), clause.assurance, clause.words)
        })
        .collect();
    assert_golden("rich.words.txt", &text);
}

#[test]
fn terms_have_one_encoding_and_come_back_the_same() {
    let bytes = cbor::to_canonical(&rich()).unwrap();
    assert_eq!(cbor::from_canonical::<Terms>(&bytes, 61_440).unwrap(), rich());
}

#[test]
fn all_plays_of_one_contract_count_after_the_same_seconds() {
    let plays = |after| Constraint::PlayCount(Plays { max: 3, after });
    let rule = |one| Rule::new([Action::Play]).when(one);
    let two = |one, other| Terms::new().permit(rule(one)).permit(rule(other));
    assert_eq!(two(plays(30), plays(30)).check(), Ok(()));
    let clause = ClauseId { kind: ClauseKind::Permission, number: 1 };
    for other in [plays(31), not(plays(0)), Constraint::All(vec![Constraint::Sandbox, plays(29)])] {
        let terms = two(plays(30), other);
        assert_eq!(terms.check(), Err(InvalidTerms::PlaysApart { clause }));
    }
    let within = Constraint::Any(vec![plays(30), plays(31)]);
    let apart = Terms::new().permit(rule(within)).check();
    assert_eq!(apart, Err(InvalidTerms::PlaysApart { clause }));
}

#[test]
fn plays_count_after_30_seconds_if_nothing_is_said_and_have_one_spelling() {
    let read = |text| serde_json::from_str::<Constraint>(text);
    let usual = Constraint::PlayCount(Plays { max: 3, after: 30 });
    assert_eq!(read(r#"{"playCount":{"max":3}}"#).unwrap(), usual);
    assert_eq!(serde_json::to_string(&usual).unwrap(), r#"{"playCount":{"max":3}}"#);
    let other = Constraint::PlayCount(Plays { max: 3, after: 0 });
    assert_eq!(read(r#"{"playCount":{"max":3,"after":0}}"#).unwrap(), other);
    for bad in [
        r#"{"playCount":3}"#,
        r#"{"playCount":{"after":30}}"#,
        r#"{"playCount":{"max":3,"after":-1}}"#,
        r#"{"playCount":{"max":3,"until":1}}"#,
        r#"{"secondsCount":4294967296}"#,
        r#"{"firstSeconds":"30"}"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    // In what is signed, a second spelling is refused.
    let terms = Terms::new().permit(Rule::new([Action::Play]).when(other));
    let bytes = cbor::to_canonical(&terms).unwrap();
    assert_eq!(cbor::from_canonical::<Terms>(&bytes, 1 << 12).unwrap(), terms);
    let spelt = [b"after".as_slice(), &[0x00]].concat();
    let place = bytes.windows(spelt.len()).position(|window| window == spelt).unwrap();
    let mut again = bytes[..=place + 4].to_vec();
    again.extend([0x18, 30]);
    again.extend(&bytes[place + 6..]);
    assert!(cbor::from_canonical::<Terms>(&again, 1 << 12).is_err());
}

#[test]
fn plays_and_seconds_read_as_a_lawyer_would_say_them() {
    let plays = |max, after| Constraint::PlayCount(Plays { max, after });
    for (constraint, words) in [
        (plays(3, 30), "3 plays in all, not counting what stays within the first 30 seconds"),
        (plays(1, 0), "one play in all"),
        (Constraint::SecondsCount(3600), "1 hour in all, in stretches of whole seconds"),
        (Constraint::FirstSeconds(90), "within the first 90 seconds"),
    ] {
        let terms = Terms::new().permit(Rule::new([Action::Play]).when(constraint));
        assert_eq!(terms.clauses()[0].words, format!("the consumer may play, {words}"));
    }
}
