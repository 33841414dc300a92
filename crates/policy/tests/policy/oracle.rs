//! The decision held against a naive reading of the terms.

use std::collections::BTreeSet;

use dataspace_policy::{Action, Constraint, Decision, Facts, Policies, Reason, Rule, Terms};
use dataspace_primitives::{Name, Region, UnixMillis, Validity};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::{CONSUMER, program};

const PURPOSES: [&str; 5] = ["research", "say \"yes\"", "back\\slash", "材料", "a, b or c"];
const REGIONS: [&str; 4] = ["DE", "FR", "CN", "US"];
/// Few instants, so that windows touch each other and `now` lies on their ends.
const TIMES: u64 = 8;

fn holds(constraint: &Constraint, facts: &Facts) -> bool {
    match constraint {
        Constraint::Purpose(purposes) => purposes.iter().any(|one| *one == facts.purpose),
        Constraint::Time(window) => {
            let now = facts.now.as_millis();
            now >= window.from().as_millis() && now < window.until().as_millis()
        }
        Constraint::Jurisdiction(regions) => regions.iter().any(|one| *one == facts.region),
        Constraint::Count(max) => u128::from(facts.uses) < u128::from(*max),
    }
}

fn applies(rule: &Rule, facts: &Facts) -> bool {
    rule.actions.iter().any(|action| *action == facts.action)
        && rule.constraints.iter().all(|constraint| holds(constraint, facts))
}

fn applying(kind: &str, rules: &[Rule], facts: &Facts) -> Vec<String> {
    let mut ids: Vec<_> = (1..)
        .zip(rules)
        .filter(|(_, rule)| applies(rule, facts))
        .map(|(number, _)| format!("{kind}-{number}"))
        .collect();
    ids.sort();
    ids
}

/// What the terms say about the facts of their own consumer and product.
fn assert_as_the_oracle(terms: &Terms, facts: &Facts) -> Result<bool, TestCaseError> {
    let is_ours = facts.participant == CONSUMER && facts.product.as_str() == "alloys";
    let of = |kind, rules: &[Rule]| if is_ours { applying(kind, rules, facts) } else { Vec::new() };
    let permissions = of("permission", &terms.permissions);
    let prohibitions = of("prohibition", &terms.prohibitions);
    match program(terms).decide(facts, &Policies::none()) {
        Decision::Permit(grounds) => {
            prop_assert_eq!(&grounds.policies, &permissions);
            prop_assert!(!permissions.is_empty() && prohibitions.is_empty());
            Ok(true)
        }
        Decision::Deny(denial) => {
            prop_assert!(permissions.is_empty() || !prohibitions.is_empty());
            prop_assert!(!denial.reasons.is_empty());
            let named: Vec<_> = denial
                .reasons
                .iter()
                .filter_map(|reason| match reason {
                    Reason::Prohibited { clause } => Some(clause.clone()),
                    _ => None,
                })
                .collect();
            prop_assert_eq!(named, prohibitions);
            for reason in &denial.reasons {
                if let Reason::Unmet { clause, .. } = reason {
                    prop_assert!(!permissions.contains(clause));
                }
            }
            Ok(false)
        }
    }
}

fn names(all: BTreeSet<&'static str>) -> BTreeSet<Name> {
    all.into_iter().map(|one| one.parse().unwrap()).collect()
}

fn instant(n: u64) -> UnixMillis {
    UnixMillis::new(1_780_000_000_000 + n).unwrap()
}

fn window() -> impl Strategy<Value = Validity> {
    (0..TIMES, 1..=TIMES)
        .prop_map(|(from, len)| Validity::new(instant(from), instant(from + len)).unwrap())
}

fn rule(with_count: bool, chance: f64) -> impl Strategy<Value = Rule> {
    let purposes =
        btree_set(select(&PURPOSES[..]), 1..=4).prop_map(|all| Constraint::Purpose(names(all)));
    let regions = btree_set(select(&REGIONS[..]), 1..=3).prop_map(|all| {
        Constraint::Jurisdiction(all.iter().map(|one| Region::parse(one).unwrap()).collect())
    });
    let count = (1..6_u32).prop_map(Constraint::Count);
    let constraints = (
        option::weighted(chance, purposes),
        option::weighted(chance, window().prop_map(Constraint::Time)),
        option::weighted(chance, regions),
        option::weighted(if with_count { chance } else { f64::MIN_POSITIVE }, count),
        Just(()),
    );
    (btree_set(select(&Action::ALL[..]), 1..=5), constraints, any::<bool>()).prop_map(
        move |(actions, (a, b, c, d, ()), reversed)| {
            let d = d.filter(|_| with_count);
            let mut constraints: Vec<_> = [a, b, c, d].into_iter().flatten().collect();
            if reversed {
                constraints.reverse();
            }
            Rule { actions, constraints }
        },
    )
}

fn terms() -> impl Strategy<Value = Terms> {
    (vec(rule(true, 0.5), 1..5), vec(rule(false, 0.8), 0..3))
        .prop_map(|(permissions, prohibitions)| Terms { permissions, prohibitions, ..Terms::new() })
}

fn facts() -> impl Strategy<Value = Facts> {
    let who = prop_oneof![20 => Just(CONSUMER), 1 => Just("did:key:z6MkOther")];
    let what = prop_oneof![20 => Just("alloys"), 1 => Just("other")];
    let uses = prop_oneof![10 => 0..7_u64, 1 => Just(1 << 40)];
    (
        who,
        what,
        select(&REGIONS[..]),
        select(&Action::ALL[..]),
        select(&PURPOSES[..]),
        0..2 * TIMES,
        uses,
    )
        .prop_map(|(participant, product, region, action, purpose, now, uses)| Facts {
            participant: participant.to_owned(),
            roles: BTreeSet::new(),
            region: Region::parse(region).unwrap(),
            product: product.parse().unwrap(),
            product_class: "open".parse().unwrap(),
            action,
            purpose: purpose.parse().unwrap(),
            now: instant(now),
            uses,
        })
}

/// Facts bent until one permission applies; a prohibition may still apply.
fn bend(facts: &mut Facts, terms: &Terms, which: Index) {
    let rule = which.get(&terms.permissions);
    CONSUMER.clone_into(&mut facts.participant);
    facts.product = "alloys".parse().unwrap();
    facts.action = *rule.actions.first().unwrap();
    for constraint in &rule.constraints {
        match constraint {
            Constraint::Purpose(purposes) => facts.purpose = purposes.first().unwrap().clone(),
            Constraint::Time(window) => facts.now = window.from(),
            Constraint::Jurisdiction(regions) => facts.region = *regions.first().unwrap(),
            Constraint::Count(max) => facts.uses = u64::from(*max) - 1,
        }
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
        // Without the prohibitions, such facts are always permitted.
        let free = Terms { prohibitions: Vec::new(), ..terms };
        prop_assert!(assert_as_the_oracle(&free, &facts)?);
        prop_assert!(permitted || free.prohibitions.is_empty());
    }

    #[test]
    fn one_more_prohibition_never_permits_more(
        terms in terms(),
        more in rule(false, 0.5),
        mut facts in facts(),
        which in any::<Index>(),
    ) {
        bend(&mut facts, &terms, which);
        let before = assert_as_the_oracle(&terms, &facts)?;
        let after = assert_as_the_oracle(&terms.prohibit(more), &facts)?;
        prop_assert!(before || !after);
    }
}

#[test]
fn the_generator_reaches_permits_in_about_half_of_its_cases() {
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
    assert!((60..160).contains(&permits), "{permits} of 200");
}
