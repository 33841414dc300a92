//! Any terms that may be signed.

use std::collections::BTreeSet;

use dataspace_policy::duty::{Broader, Mark, MarkMethod, PERSONS_MAX, PseudonymScope, Tolerance};
use dataspace_policy::{
    Action, ColumnMask, Constraint, Duty, Exclusive, Hours, Legal, Limit, MaskMethod, Operator,
    Persons, Plays, RowFilter, Rule, Sample, Scalar, Terms, Watermark, Weekday, facts::Payment,
};
use dataspace_primitives::{Name, Region, UnixMillis, Validity};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

/// Also such as look like terms of ODRL.
fn name() -> impl Strategy<Value = Name> {
    let tricky = prop::sample::select(vec![
        "eq",
        "odrl:use",
        "dataspace:text",
        "cx-policy:Liability",
        "a/b~c%20",
        "true",
        "3",
        "@id",
        "\"quoted\\",
        "ü/雪",
        "🦀",
        "2026-01-01T00:00:00Z",
        "https://w3id.org/dataspace/terms/not",
    ]);
    prop_oneof![
        tricky.prop_map(|text| text.parse().unwrap()),
        "[a-z]{1,8}".prop_map(|text| text.parse().unwrap()),
        "\\PC{1,20}".prop_filter_map("a name", |text| text.parse().ok()),
    ]
}

fn names() -> impl Strategy<Value = BTreeSet<Name>> {
    btree_set(name(), 1..5)
}

fn regions() -> impl Strategy<Value = BTreeSet<Region>> {
    btree_set(prop::sample::select(Region::all().collect::<Vec<_>>()), 1..5)
}

fn instant() -> impl Strategy<Value = UnixMillis> {
    let millis = prop_oneof![0..=UnixMillis::MAX.as_millis(), 0..4_u64];
    millis.prop_map(|millis| UnixMillis::new(millis).unwrap())
}

fn validity() -> impl Strategy<Value = Validity> {
    (instant(), instant())
        .prop_filter_map("not empty", |(from, until)| Validity::new(from, until).ok())
}

fn hours() -> impl Strategy<Value = Hours> {
    let weekdays = prop::sample::subsequence(Weekday::ALL.to_vec(), 1..=7);
    let zones = prop::sample::select(vec!["Europe/Berlin", "UTC", "Asia/Kolkata"]);
    (weekdays, 0..1440_u16, 1..=1440_u16, zones).prop_map(|(weekdays, a, b, zone)| Hours {
        weekdays: weekdays.into_iter().collect(),
        from: a.min(b - 1),
        until: b,
        zone: zone.parse().unwrap(),
    })
}

/// No quotas: they have no place in a prohibition.
fn leaf() -> impl Strategy<Value = Constraint> {
    let states = vec![Payment::Due, Payment::Overdue, Payment::Paid];
    prop_oneof![
        prop_oneof![
            names().prop_map(Constraint::Purpose),
            names().prop_map(Constraint::PurposeWithin),
            names().prop_map(Constraint::Participant),
            names().prop_map(Constraint::Credential),
            (name(), names()).prop_map(|(name, values)| Constraint::Attribute { name, values }),
            (name(), names()).prop_map(|(kind, values)| Constraint::Vouched { kind, values }),
            names().prop_map(Constraint::Role),
            names().prop_map(Constraint::PersonRole),
            names().prop_map(Constraint::Connector),
            names().prop_map(Constraint::Application),
        ],
        prop_oneof![
            names().prop_map(Constraint::Class),
            names().prop_map(Constraint::Event),
            names().prop_map(Constraint::State),
            regions().prop_map(Constraint::Jurisdiction),
            regions().prop_map(Constraint::RecipientRegion),
            prop::sample::subsequence(states, 1..=3)
                .prop_map(|all| Constraint::Payment(all.into_iter().collect())),
            any::<u32>().prop_map(Constraint::SecurityLevel),
            any::<u32>().prop_map(Constraint::Level),
        ],
        prop_oneof![
            validity().prop_map(Constraint::Time),
            instant().prop_map(Constraint::From),
            instant().prop_map(Constraint::Before),
            hours().prop_map(Constraint::Hours),
            (1..=u64::MAX).prop_map(Constraint::Elapsed),
            Just(Constraint::Attested),
            Just(Constraint::Sandbox),
        ],
        // What could be taken for a time.
        (instant(), instant()).prop_map(|(from, until)| {
            Constraint::All(vec![Constraint::From(from), Constraint::Before(until)])
        }),
    ]
}

fn count() -> impl Strategy<Value = Constraint> {
    let counts = [
        Constraint::Count as fn(u32) -> Constraint,
        Constraint::ConsumerCount,
        Constraint::DayCount,
        Constraint::MonthCount,
        |max| Constraint::PlayCount(Plays { max, after: 30 }),
        |after| Constraint::PlayCount(Plays { max: 1, after }),
        Constraint::SecondsCount,
        Constraint::FirstSeconds,
    ];
    (prop::sample::select(counts.to_vec()), 1..=u32::MAX).prop_map(|(count, max)| count(max))
}

fn nested(leaf: BoxedStrategy<Constraint>) -> impl Strategy<Value = Constraint> {
    leaf.prop_recursive(4, 24, 3, |part| {
        prop_oneof![
            part.clone().prop_map(|one| Constraint::Not(Box::new(one))),
            vec(part.clone(), 2..4).prop_map(Constraint::All),
            vec(part.clone(), 2..4).prop_map(Constraint::Any),
            vec(part, 2..4).prop_map(Constraint::One),
        ]
    })
}

fn rule(leaf: BoxedStrategy<Constraint>) -> impl Strategy<Value = Rule> {
    let actions = prop::sample::subsequence(Action::ALL.to_vec(), 1..=9);
    (actions, vec(nested(leaf), 0..5)).prop_map(|(actions, constraints)| {
        constraints.into_iter().fold(Rule::new(actions), Rule::when)
    })
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        name().prop_map(Scalar::Text),
        any::<i64>().prop_map(|number| Scalar::Number(number.to_string().parse().unwrap())),
        (-1e9..1e9_f64).prop_filter_map("short", |number| {
            Some(Scalar::Number(number.to_string().parse().ok()?))
        }),
        any::<bool>().prop_map(Scalar::Boolean),
    ]
}

fn duty() -> impl Strategy<Value = Duty> {
    let operators = vec![
        Operator::Eq,
        Operator::Neq,
        Operator::Lt,
        Operator::Lteq,
        Operator::Gt,
        Operator::Gteq,
        Operator::IsAnyOf,
    ];
    let filter = (name(), prop::sample::select(operators), vec(scalar(), 1..5)).prop_map(
        |(column, operator, mut values)| {
            if operator != Operator::IsAnyOf {
                values.truncate(1);
            }
            Duty::Filter(RowFilter { column, operator, values })
        },
    );
    let method = prop_oneof![
        Just(MaskMethod::Drop),
        Just(MaskMethod::Null),
        Just(MaskMethod::Hash),
        pseudonyms(),
        scalar().prop_map(MaskMethod::Constant),
        (btree_map(name(), name(), 1..5), name())
            .prop_map(|(values, others)| MaskMethod::Generalise(Broader { values, others })),
        (-18..=18_i8).prop_map(|decimals| MaskMethod::Round { decimals }),
        any::<u32>().prop_map(|chars| MaskMethod::Truncate { chars }),
    ];
    let mask =
        (name(), method).prop_map(|(column, method)| Duty::Mask(ColumnMask { column, method }));
    let traced = prop::sample::select(MarkMethod::ALL.to_vec());
    let traced = traced.prop_map(|method| Duty::Mark(Mark { method }));
    let tolerance = prop_oneof![
        (1..=100_000_u32).prop_map(Tolerance::Relative),
        prop::sample::select(vec!["0.05", "2", "100000", "0.000001"])
            .prop_map(|most| Tolerance::Absolute(most.parse().unwrap())),
    ];
    let watermark = (name(), tolerance)
        .prop_map(|(column, tolerance)| Duty::Watermark(Watermark { column, tolerance }));
    let sample = (1..=1_000_000_u32, prop::option::of(name()))
        .prop_map(|(per_million, subject)| Duty::Sample(Sample { per_million, subject }));
    let limit = (1..=u64::MAX).prop_map(|rows| Duty::Limit(Limit { rows }));
    let zones = prop::sample::select(vec!["Asia/Shanghai", "Europe/Berlin"]);
    let persons =
        (name(), 1..=PERSONS_MAX, zones, name()).prop_map(|(column, at_most, zone, register)| {
            Duty::Persons(Persons { column, at_most, zone: zone.parse().unwrap(), register })
        });
    prop_oneof![1 => persons, 3 => filter, 6 => mask, 1 => traced, 1 => watermark, 1 => sample, 1 => limit]
}

fn pseudonyms() -> impl Strategy<Value = MaskMethod> {
    let domain = |scope| move |domain| MaskMethod::Pseudonym { scope, domain };
    prop_oneof![
        prop::option::of(name()).prop_map(domain(PseudonymScope::Consumer)),
        name().prop_map(Some).prop_map(domain(PseudonymScope::Contract)),
    ]
}

fn legal() -> impl Strategy<Value = Legal> {
    prop_oneof![
        name().prop_map(Legal::Text),
        // Nothing but its type checks the operand, so there may be no values.
        (name(), name(), vec(name(), 0..4))
            .prop_map(|(operand, operator, values)| Legal::Operand { operand, operator, values }),
        (name(), name(), vec(name(), 1..4))
            .prop_map(|(operand, operator, values)| Legal::Forbidden { operand, operator, values }),
        any::<u64>().prop_map(Legal::DeleteAfter),
        name().prop_map(Legal::ModifyAtRest),
        Just(Legal::Log),
        name().prop_map(Legal::Notify),
        name().prop_map(Legal::ShareUnder),
    ]
}

fn exclusive() -> impl Strategy<Value = Exclusive> {
    let territories = prop_oneof![Just(BTreeSet::new()), regions()];
    (territories, instant()).prop_map(|(territories, until)| Exclusive { territories, until })
}

pub(crate) fn terms() -> impl Strategy<Value = Terms> {
    let permission = rule(prop_oneof![4 => leaf(), 1 => count()].boxed());
    let lists = (
        vec(permission, 1..4),
        vec(rule(leaf().boxed()), 0..3),
        vec(duty(), 0..4),
        vec(legal(), 0..4),
        proptest::option::of(exclusive()),
    );
    lists
        .prop_map(|(permissions, prohibitions, duties, legal, exclusive)| Terms {
            permissions,
            prohibitions,
            duties,
            legal,
            exclusive,
        })
        .prop_filter("may be signed", |terms| terms.check().is_ok())
}
