//! The decision held against a naive reading of the terms.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use dataspace_policy::{
    Action, Constraint, Facts, Hours, Plays, Program, Reason, Rule, Terms, Uses, Weekday,
    facts::{Environment, Metered, Payment, Person},
    policies::InvalidPolicies,
};
use dataspace_primitives::{Name, Region, UnixMillis, Validity};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::naive_terms::{is_readable, permission_applies, permits, prohibition_applies};
use crate::support::{CONSUMER, Decision, Told as _, scope};

/// The words for purposes, roles, classes and whatever else has a name: few, so that they meet.
const WORDS: [&str; 5] = ["research", "say \"yes\"", "back\\slash", "材料", "a, b or c"];
const REGIONS: [&str; 4] = ["DE", "FR", "CN", "US"];
const ZONES: [&str; 3] = ["Europe/Berlin", "Asia/Kolkata", "Pacific/Kiritimati"];
/// Few instants, so that windows touch each other and `now` lies on their ends.
const TIMES: u64 = 8;

/// Every set of words.
static SETS: LazyLock<Vec<BTreeSet<Name>>> = LazyLock::new(|| {
    let words: Vec<Name> = WORDS.iter().map(|one| one.parse().unwrap()).collect();
    let set = |bits: u32| {
        let chosen = words.iter().zip(0..).filter(|(_, place)| bits >> place & 1 == 1);
        chosen.map(|(word, _)| word.clone()).collect()
    };
    (0..1 << words.len()).map(set).collect()
});

/// For each word and none: what the credentials say under each key.
static ATTRIBUTES: LazyLock<Vec<BTreeMap<Name, Name>>> = LazyLock::new(|| {
    let said = |keys: &[&str], word: &str| {
        keys.iter().map(|key| (key.parse().unwrap(), word.parse().unwrap())).collect()
    };
    let some = [&["sector"][..], &["colour"], &["colour", "sector"]];
    let all = WORDS.iter().flat_map(|word| some.map(|keys| said(keys, word)));
    all.chain([BTreeMap::new()]).collect()
});

fn applying(
    kind: &str,
    rules: &[Rule],
    facts: &Facts<'_>,
    applies: fn(&Rule, &Facts<'_>) -> bool,
) -> Vec<String> {
    let mut ids: Vec<_> = (1..)
        .zip(rules)
        .filter(|(_, rule)| applies(rule, facts))
        .map(|(number, _)| format!("{kind}-{number}"))
        .collect();
    ids.sort();
    ids
}

fn is_near(rule: &Rule, facts: &Facts<'_>) -> bool {
    rule.actions.contains(&facts.action)
}

/// What the terms say about the facts of their own consumer and product.
fn assert_as_the_oracle(terms: &Terms, facts: &Facts<'_>) -> Result<bool, TestCaseError> {
    prop_assert!(is_readable(terms, facts));
    let is_ours = facts.participant == CONSUMER && facts.product == "alloys";
    let of = |kind, rules, applies| {
        if is_ours { applying(kind, rules, facts, applies) } else { Vec::new() }
    };
    let permissions = of("permission", &terms.permissions, permission_applies);
    let prohibitions = of("prohibition", &terms.prohibitions, prohibition_applies);
    let program = match Program::new(&terms.to_cedar(&scope()).unwrap()) {
        // A few of the terms are larger than any text may be.
        Err(InvalidPolicies::Bounds(_)) => return Err(TestCaseError::reject("beyond the bounds")),
        program => program.unwrap(),
    };
    match program.told(facts, None) {
        Decision::Permit(grounds) => {
            prop_assert_eq!(&grounds.policies, &permissions);
            prop_assert!(is_ours && permits(terms, facts));
            Ok(true)
        }
        Decision::Deny(denial) => {
            prop_assert!(!(is_ours && permits(terms, facts)));
            prop_assert!(!denial.reasons.is_empty());
            let (mut named, mut unmet) = (Vec::new(), BTreeSet::new());
            for reason in &denial.reasons {
                match reason {
                    Reason::Prohibited { clause, .. } => named.push(clause.clone()),
                    Reason::Unmet { clause, .. } => drop(unmet.insert(clause.clone())),
                    Reason::NotCovered { .. } => prop_assert!(unmet.is_empty()),
                    other => prop_assert!(false, "{}", other),
                }
            }
            prop_assert_eq!(&named, &prohibitions);
            // Each permission of the action that does not apply says why.
            let mut expected: BTreeSet<_> =
                applying("permission", &terms.permissions, facts, is_near)
                    .into_iter()
                    .filter(|_| prohibitions.is_empty())
                    .collect();
            expected.retain(|clause| !permissions.contains(clause));
            if is_ours {
                prop_assert_eq!(unmet, expected);
            }
            Ok(false)
        }
    }
}

fn instant(n: u64) -> UnixMillis {
    UnixMillis::new(1_780_000_000_000 + n).unwrap()
}

fn names() -> impl Strategy<Value = BTreeSet<Name>> {
    // Not the empty set, which is the first.
    (1..SETS.len()).prop_map(|place| SETS[place].clone())
}

fn regions() -> impl Strategy<Value = BTreeSet<Region>> {
    btree_set(select(&REGIONS[..]).prop_map(|one| Region::parse(one).unwrap()), 1..=3)
}

fn hours() -> impl Strategy<Value = Constraint> {
    let days = btree_set(select(&Weekday::ALL[..]), 4..=7);
    (days, 0..1440_u16, 1..=1440_u16, select(&ZONES[..])).prop_map(|(weekdays, from, len, zone)| {
        let (until, zone) = ((from + len).min(1440), zone.parse().unwrap());
        Constraint::Hours(Hours { weekdays, from, until, zone })
    })
}

/// One that stands alone. Counts are for permissions.
fn leaf(with_counts: bool) -> impl Strategy<Value = Constraint> {
    let validity = (0..TIMES, 1..=TIMES)
        .prop_map(|(from, len)| Validity::new(instant(from), instant(from + len)).unwrap());
    let payments = btree_set(select(&[Payment::Due, Payment::Overdue, Payment::Paid][..]), 1..=2);
    let named =
        (0..12, names(), select(&["sector", "colour"][..])).prop_map(|(which, all, attribute)| {
            match which {
                0 => Constraint::Purpose(all),
                1 => Constraint::PurposeWithin(all),
                2 => Constraint::Credential(all),
                3 => Constraint::Role(all),
                4 => Constraint::PersonRole(all),
                5 => Constraint::Connector(all),
                6 => Constraint::Application(all),
                7 => Constraint::Class(all),
                8 => Constraint::Event(all),
                9 => Constraint::State(all),
                10 => Constraint::Vouched { kind: attribute.parse().unwrap(), values: all },
                _ => Constraint::Attribute { name: attribute.parse().unwrap(), values: all },
            }
        });
    let times = prop_oneof![
        validity.prop_map(Constraint::Time),
        (0..TIMES).prop_map(|n| Constraint::From(instant(n))),
        (0..2 * TIMES).prop_map(|n| Constraint::Before(instant(n))),
        (1..4_u64).prop_map(Constraint::Elapsed),
        hours(),
    ];
    let others = prop_oneof![
        regions().prop_map(Constraint::Jurisdiction),
        regions().prop_map(Constraint::RecipientRegion),
        btree_set(select(&[CONSUMER, "did:key:z6MkOther"][..]), 1..=2).prop_map(|all| {
            Constraint::Participant(all.into_iter().map(|one| one.parse().unwrap()).collect())
        }),
        Just(Constraint::Attested),
        Just(Constraint::Sandbox),
        (0..4_u32).prop_map(Constraint::SecurityLevel),
        (0..4_u32).prop_map(Constraint::Level),
        (1..4_u32).prop_map(Constraint::FirstSeconds),
        payments.prop_map(Constraint::Payment),
    ];
    let counts = (0..6_u32, 1..6_u32).prop_map(|(which, max)| match which {
        0 => Constraint::Count(max),
        1 => Constraint::ConsumerCount(max),
        2 => Constraint::DayCount(max),
        3 => Constraint::PlayCount(Plays { max, after: 30 }),
        4 => Constraint::SecondsCount(max),
        _ => Constraint::MonthCount(max),
    });
    let counts = if with_counts { counts.boxed() } else { hours().boxed() };
    prop_oneof![8 => named, 5 => times, 6 => others, 2 => counts]
}

fn constraint(with_counts: bool) -> impl Strategy<Value = Constraint> {
    let nested = leaf(with_counts).prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| Constraint::Not(Box::new(one))),
            vec(inner.clone(), 2..=3).prop_map(Constraint::All),
            vec(inner.clone(), 2..=3).prop_map(Constraint::Any),
            vec(inner, 2..=3).prop_map(Constraint::One),
        ]
    });
    prop_oneof![2 => leaf(with_counts), 1 => nested]
}

fn rule(with_counts: bool, constraints: usize) -> impl Strategy<Value = Rule> {
    let actions = btree_set(select(&Action::ALL[..]), 1..=5);
    (actions, vec(constraint(with_counts), 0..=constraints)).prop_map(|(actions, constraints)| {
        // Two of one kind cannot be signed.
        let mut kinds = Vec::new();
        let mut rule = Rule::new(actions);
        for one in constraints {
            let kind = std::mem::discriminant(&one);
            if !kinds.contains(&kind) {
                kinds.push(kind);
                rule = rule.when(one);
            }
        }
        rule
    })
}

pub(crate) fn terms() -> impl Strategy<Value = Terms> {
    (vec(rule(true, 3), 1..5), vec(rule(false, 4), 0..3))
        .prop_map(|(permissions, prohibitions)| Terms { permissions, prohibitions, ..Terms::new() })
        .prop_filter("cannot be signed", |terms| terms.check().is_ok())
}

fn set() -> impl Strategy<Value = &'static BTreeSet<Name>> {
    (0..SETS.len()).prop_map(|place| &SETS[place])
}

fn environment() -> impl Strategy<Value = Environment<'static>> {
    let words = (select(&WORDS[..]), select(&WORDS[..]));
    (option::weighted(0.8, any::<bool>()), any::<bool>(), 0..4_u32, words).prop_map(
        |(attested, sandbox, security_level, (connector, application))| Environment {
            id: "lab",
            attested,
            sandbox,
            security_level,
            connector,
            application,
        },
    )
}

fn uses() -> impl Strategy<Value = Uses> {
    let count = || prop_oneof![10 => 0..7_u64, 1 => Just(1 << 40)];
    let metered = (option::weighted(0.8, count()), option::weighted(0.8, count()));
    let metered =
        metered.prop_map(|(plays, seconds)| Metered { plays, seconds, played_until: None });
    (count(), count(), count(), count(), metered).prop_map(
        |(contract, consumer, today, this_month, metered)| Uses {
            contract,
            consumer,
            today,
            this_month,
            metered,
        },
    )
}

pub(crate) fn facts() -> impl Strategy<Value = Facts<'static>> {
    let who = prop_oneof![20 => Just(CONSUMER), 1 => Just("did:key:z6MkOther")];
    let what = prop_oneof![20 => Just("alloys"), 1 => Just("other")];
    let word = || select(&WORDS[..]);
    let region = || select(&REGIONS[..]).prop_map(|one| Region::parse(one).unwrap());
    let consumer = (who, region(), set(), set(), 0..ATTRIBUTES.len());
    // Mostly known, for what is not known ends most rules early.
    let known = 0.8;
    let product = (what, word(), option::weighted(known, 0..4_u32));
    let payment = select(&[Payment::Due, Payment::Overdue, Payment::Paid][..]);
    let unknown = (
        option::weighted(known, set().prop_map(|roles| Person { id: "ada", roles })),
        option::weighted(known, region()),
        option::weighted(known, environment()),
        option::weighted(known, payment),
        option::weighted(known, set()),
        option::weighted(known, word()),
        option::weighted(known, 0..5_u32),
    );
    let asked = (select(&Action::ALL[..]), word(), set());
    // Some within the windows, some at any hour of any day.
    let times = (prop_oneof![2 => 0..2 * TIMES, 1 => 0..30_000_000_000_u64], 0..4_000_u64);
    (consumer, product, unknown, asked, times, uses()).prop_map(
        |(consumer, product, unknown, asked, (now, age), uses)| {
            let (participant, region, roles, credentials, attributes) = consumer;
            let (product, product_class, product_level) = product;
            let (person, recipient_region, environment, payment, events, state, asked_until) =
                unknown;
            let (action, purpose, purposes) = asked;
            let vouched = usize::try_from(age).unwrap();
            let (who, what) = ((participant, region), (product, product_class));
            Facts {
                roles,
                credentials,
                attributes: &ATTRIBUTES[attributes],
                vouched: &ATTRIBUTES[(vouched + attributes) % ATTRIBUTES.len()],
                person,
                product_level,
                purposes,
                recipient_region,
                environment,
                agreed_at: UnixMillis::new(instant(now).as_millis() - age).unwrap(),
                uses,
                asked_until,
                payment,
                events,
                state,
                ..Facts::new(who, action, what, purpose, instant(now))
            }
        },
    )
}

/// Facts bent towards one permission; a prohibition may still apply, and where constraints bend
/// the same fact, the last one wins.
pub(crate) fn bend<'a>(facts: &mut Facts<'a>, terms: &'a Terms, which: Index) {
    let rule = which.get(&terms.permissions);
    facts.participant = CONSUMER;
    facts.product = "alloys";
    facts.action = *rule.actions.first().unwrap();
    rule.constraints.iter().for_each(|constraint| bend_to(constraint, facts));
}

fn bend_to<'a>(constraint: &'a Constraint, facts: &mut Facts<'a>) {
    let below = |max: u32| u64::from(max) - 1;
    match constraint {
        Constraint::Purpose(all) => facts.purpose = all.first().unwrap().as_str(),
        Constraint::PurposeWithin(all) => facts.purposes = all,
        Constraint::Time(window) => facts.now = window.from(),
        Constraint::From(at) => facts.now = facts.now.max(*at),
        Constraint::Elapsed(_) => facts.agreed_at = facts.now,
        Constraint::Count(max) => facts.uses.contract = below(*max),
        Constraint::ConsumerCount(max) => facts.uses.consumer = below(*max),
        Constraint::DayCount(max) => facts.uses.today = below(*max),
        Constraint::MonthCount(max) => facts.uses.this_month = below(*max),
        Constraint::PlayCount(plays) => facts.uses.metered.plays = Some(plays.max.into()),
        Constraint::SecondsCount(max) => facts.uses.metered.seconds = Some(u64::from(*max)),
        Constraint::FirstSeconds(until) => facts.asked_until = Some(*until),
        Constraint::Jurisdiction(all) => facts.region = *all.first().unwrap(),
        Constraint::RecipientRegion(all) => facts.recipient_region = all.first().copied(),
        Constraint::Credential(all) => facts.credentials = all,
        Constraint::Role(all) => facts.roles = all,
        Constraint::PersonRole(all) => facts.person = Some(Person { id: "ada", roles: all }),
        Constraint::Class(all) => facts.product_class = all.first().unwrap().as_str(),
        Constraint::Level(_) => facts.product_level = Some(0),
        Constraint::Payment(all) => facts.payment = all.first().copied(),
        Constraint::Event(all) => facts.events = Some(all),
        Constraint::State(all) => facts.state = all.first().map(AsRef::as_ref),
        Constraint::All(all) => all.iter().for_each(|one| bend_to(one, facts)),
        Constraint::Any(all) => all.iter().take(1).for_each(|one| bend_to(one, facts)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn random_facts_are_decided_as_the_terms_say(terms in terms(), facts in facts()) {
        assert_as_the_oracle(&terms, &facts)?;
    }

    #[test]
    fn facts_near_a_permission_are_decided_as_the_terms_say(
        terms in terms(),
        mut facts in facts(),
        which in any::<Index>(),
    ) {
        bend(&mut facts, &terms, which);
        let permitted = assert_as_the_oracle(&terms, &facts)?;
        // Without the prohibitions, nothing less is permitted.
        let free = Terms { prohibitions: Vec::new(), ..terms.clone() };
        prop_assert!(assert_as_the_oracle(&free, &facts)? || !permitted);
    }

    #[test]
    fn one_more_prohibition_never_permits_more(
        terms in terms(),
        more in rule(false, 3),
        mut facts in facts(),
        which in any::<Index>(),
    ) {
        bend(&mut facts, &terms, which);
        let before = assert_as_the_oracle(&terms, &facts)?;
        let after = assert_as_the_oracle(&terms.clone().prohibit(more), &facts)?;
        prop_assert!(before || !after);
    }

    #[test]
    fn what_is_forgotten_never_permits_more(
        terms in terms(),
        mut facts in facts(),
        which in any::<Index>(),
        forgotten in 0..11,
    ) {
        bend(&mut facts, &terms, which);
        let before = assert_as_the_oracle(&terms, &facts)?;
        match forgotten {
            0 => facts.person = None,
            1 => facts.recipient_region = None,
            2 => facts.environment = None,
            3 => facts.payment = None,
            4 => facts.events = None,
            5 => facts.state = None,
            6 => facts.product_level = None,
            7 => facts.attributes = ATTRIBUTES.last().unwrap(),
            8 => facts.credentials = &SETS[0],
            9 => facts.vouched = ATTRIBUTES.last().unwrap(),
            _ => {
                facts.environment =
                    facts.environment.map(|one| Environment { attested: None, ..one });
            }
        }
        let after = assert_as_the_oracle(&terms, &facts)?;
        prop_assert!(before || !after);
    }
}

#[test]
fn the_generator_reaches_permits_often() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut permits = 0;
    for i in 0..200 {
        let (terms, mut facts, which) =
            (terms(), facts(), any::<Index>()).new_tree(&mut runner).unwrap().current();
        if i % 2 == 0 {
            bend(&mut facts, &terms, which);
        }
        permits += usize::from(assert_as_the_oracle(&terms, &facts).unwrap());
    }
    assert!((50..160).contains(&permits), "{permits} of 200");
}
