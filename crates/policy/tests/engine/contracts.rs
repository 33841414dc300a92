//! Code is shared between contracts; constants never are.

use std::num::NonZeroU32;

use dataspace_policy::{
    Action, Constraint, Contracts, Decision, Facts, Layers, Program, Reason, Rule, Terms, Uses,
    contracts::Asked,
    policies::InvalidPolicies,
    shadow::{SHADOW_SHARE, set_shadow_share},
};
use dataspace_primitives::Digest;
use proptest::prelude::*;

use crate::support::{CONSUMER, at, facts, id, name, research_in, scope, year};

fn permits(contracts: &Contracts, number: u32, facts: &Facts<'_>) -> bool {
    let program = contracts.get(&id(number)).unwrap();
    let permits = contracts.decide(&id(number), facts, Layers::default()).is_permit();
    assert_eq!(program.decide_by_cedar(facts, Layers::default()).is_permit(), permits);
    permits
}

#[test]
fn contracts_of_the_same_terms_keep_their_own_parties_products_and_times() {
    let mut contracts = Contracts::default();
    let parties = [("did:key:a", "p"), ("did:key:b", "p"), ("did:key:a", "q"), ("p", "did:key:a")];
    let mut all = Vec::new();
    for (consumer, product) in parties {
        for when in [2026, 2027] {
            all.push((consumer, product, when));
        }
    }
    for (number, (consumer, product, when)) in (0..).zip(&all) {
        let text = research_in(*when).to_cedar(&scope(consumer, product)).unwrap();
        contracts.activate(id(number), &text).unwrap();
        let program = contracts.get(&id(number)).unwrap();
        assert_eq!((program.text(), program.digest()), (text.clone(), Digest::of(text.as_bytes())));
    }
    for number in 0..8 {
        for asked in &all {
            let (participant, product, when) = *asked;
            let now = at(&format!("{when}-06-01T00:00:00Z"));
            let facts = Facts { participant, product, now, ..facts() };
            let is_own = all.get(number as usize) == Some(asked);
            assert_eq!(permits(&contracts, number, &facts), is_own, "{number} {asked:?}");
        }
    }
}

#[test]
fn a_contract_that_was_taken_out_permits_nothing_and_others_stay() {
    let mut contracts = Contracts::default();
    let text = research_in(2026).to_cedar(&scope(CONSUMER, "alloys")).unwrap();
    for number in 0..3 {
        contracts.activate(id(number), &text).unwrap();
    }
    assert!(contracts.deactivate(&id(1)) && !contracts.deactivate(&id(1)));
    assert_eq!(contracts.len(), 2);
    assert!(permits(&contracts, 0, &facts()) && permits(&contracts, 2, &facts()));
    let facts = facts();
    let gone = contracts.decide(&id(1), &facts, Layers::default());
    let Decision::Deny(denial) = gone else { panic!("permitted") };
    assert_eq!(denial.reasons(), [Reason::NotActive]);
    assert!(contracts.deactivate(&id(0)) && contracts.deactivate(&id(2)));
    contracts.activate(id(4), &text).unwrap();
    assert!(permits(&contracts, 4, &facts));
}

#[test]
fn a_contract_can_be_replaced_and_a_bad_text_replaces_nothing() {
    let mut contracts = Contracts::default();
    let text = |when| research_in(when).to_cedar(&scope(CONSUMER, "alloys")).unwrap();
    contracts.activate(id(0), &text(2026)).unwrap();
    assert!(permits(&contracts, 0, &facts()));
    contracts.activate(id(0), &text(2030)).unwrap();
    assert!(!permits(&contracts, 0, &facts()));
    contracts.activate(id(0), &text(2026)).unwrap();
    assert!(contracts.activate(id(0), "permit").is_err());
    assert!(permits(&contracts, 0, &facts()));
}

#[test]
fn an_access_by_several_contracts_needs_all_of_them() {
    let mut contracts = Contracts::default();
    for (number, product) in [(0, "alloys"), (1, "casts")] {
        let text = research_in(2026).to_cedar(&scope(CONSUMER, product)).unwrap();
        contracts.activate(id(number), &text).unwrap();
    }
    let (alloys, casts) = (facts(), Facts { product: "casts", ..facts() });
    let late = Facts { now: at("2027-01-01T00:00:00Z"), ..casts };
    let (one, two, unknown) = (id(0), id(1), id(2));
    let decide = |all: &[(&Digest, &Facts<'_>)]| {
        let all: Vec<_> = all.iter().map(|(contract, facts)| Asked { contract, facts }).collect();
        match contracts.decide_all(&all, Layers::default()) {
            Ok(grounds) => Ok(grounds.len()),
            Err(denials) => Err(denials.into_iter().map(|(place, _)| place).collect::<Vec<_>>()),
        }
    };
    assert_eq!(decide(&[(&one, &alloys), (&two, &casts)]), Ok(2));
    assert_eq!(decide(&[(&one, &alloys), (&two, &late)]), Err(vec![1]));
    assert_eq!(decide(&[(&two, &alloys), (&one, &casts)]), Err(vec![0, 1]));
    assert_eq!(decide(&[(&one, &alloys), (&unknown, &casts)]), Err(vec![1]));
    assert_eq!(decide(&[]), Err(vec![0]));
}

/// Each says something about constants that a careless exchange of constants would change.
#[test]
fn constants_that_look_like_something_else_mean_themselves() {
    let mut contracts = Contracts::default();
    let usual = research_in(2026).to_cedar(&scope(CONSUMER, "alloys")).unwrap();
    contracts.activate(id(0), &usual).unwrap();
    for (number, hostile) in (1..).zip([
        "dataspace:place:0",
        "dataspace:place:1",
        "2026-01-01T00:00:00Z",
        "datetime(",
        "\" || true || \"",
        "\\\"",
        "// alloys",
        "a\u{e9}\u{6750}\u{1f512}",
        "Dataspace::Participant::",
    ]) {
        let text = research_in(2026).to_cedar(&scope(hostile, "alloys")).unwrap();
        contracts.activate(id(number), &text).unwrap();
        assert_eq!(contracts.get(&id(number)).unwrap().text(), text);
        assert!(!permits(&contracts, number, &facts()), "{hostile}");
        assert!(permits(&contracts, number, &Facts { participant: hostile, ..facts() }));
        assert!(!permits(&contracts, 0, &Facts { participant: hostile, ..facts() }));
        let program = contracts.get(&id(0)).unwrap();
        set_shadow_share(NonZeroU32::MIN);
        let stranger = Facts { participant: hostile, ..facts() };
        let all = [0; 2_000].map(|_| program.decide(&stranger, Layers::default()));
        set_shadow_share(NonZeroU32::new(SHADOW_SHARE).unwrap());
        for decision in all {
            let Decision::Deny(denial) = decision else { panic!("permitted") };
            assert_eq!(denial.reasons().first().map(Reason::code), Some("unmet"), "{hostile}");
        }
    }
}

/// A text that is written just as the shape of another one looks inside the engine.
#[test]
fn a_text_that_looks_like_a_shape_takes_nothing_over() {
    let honest = "@id(\"p\") permit (principal == Dataspace::Participant::\"did:key:z6MkOne\", action, resource);";
    let forged = honest.replace("did:key:z6MkOne", "dataspace:place:0");
    let stranger = Facts { participant: "dataspace:place:0", ..facts() };
    for order in [[(0, honest), (1, &forged)], [(1, &forged), (0, honest)]] {
        let mut contracts = Contracts::default();
        for (number, text) in order {
            contracts.activate(id(number), text).unwrap();
            assert_eq!(contracts.get(&id(number)).unwrap().text(), text);
        }
        assert!(permits(&contracts, 0, &facts()) && !permits(&contracts, 0, &stranger));
        assert!(permits(&contracts, 1, &stranger) && !permits(&contracts, 1, &facts()));
    }
}

#[test]
fn what_is_invalid_stays_so_whoever_came_before() {
    let mut contracts = Contracts::default();
    // To Cedar's type checker, two different participants are never equal: it can never apply.
    let text = |a: &str, b: &str| {
        format!(
            "@id(\"p\") permit (principal == Dataspace::Participant::\"{a}\", action, resource)\n\
             when {{ Dataspace::Participant::\"{a}\" == Dataspace::Participant::\"{b}\" }};"
        )
    };
    for _ in 0..2 {
        contracts.activate(id(0), &text("a", "a")).unwrap();
        let refused = contracts.activate(id(1), &text("a", "b")).unwrap_err();
        assert!(matches!(refused, InvalidPolicies::Schema { .. }), "{refused}");
    }
    assert!(permits(&contracts, 0, &Facts { participant: "a", ..facts() }));
}

#[test]
fn a_shape_is_not_good_for_a_constant_beyond_the_bounds() {
    let mut contracts = Contracts::default();
    let text = |id: &str| {
        format!(
            "@id(\"p\") permit (principal == Dataspace::Participant::\"{id}\", action, resource);"
        )
    };
    contracts.activate(id(0), &text("a")).unwrap();
    for bad in ["a".repeat(513), "a\u{202e}".to_owned(), "a\u{7}".to_owned()] {
        assert!(contracts.activate(id(1), &text(&bad)).is_err());
    }
    assert!(contracts.get(&id(1)).is_none());
}

const WORDS: [&str; 6] = ["a", "b", "did:key:one", "2026-01-01T00:00:00Z", "材料", "a b"];

fn hand_written() -> impl Strategy<Value = String> {
    let word = || prop::sample::select(&WORDS[..]);
    let when = || {
        prop::sample::select(
            &["2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-06-01T00:00:00.001Z"][..],
        )
    };
    let condition = prop_oneof![
        word().prop_map(|w| format!("principal == Dataspace::Participant::\"{w}\"")),
        word().prop_map(|w| format!("resource == Dataspace::Product::\"{w}\"")),
        (word(), word()).prop_map(|(v, w)| format!(
            "[Dataspace::Participant::\"{v}\", Dataspace::Participant::\"{w}\"].contains(principal)"
        )),
        (word(), word()).prop_map(|(v, w)| format!(
            "principal in [Dataspace::Participant::\"{v}\", Dataspace::Participant::\"{w}\"]"
        )),
        word().prop_map(|w| format!("context.contract == Dataspace::Contract::\"{w}\"")),
        word().prop_map(|w| format!(
            "context has person && context.person == Dataspace::Person::\"{w}\""
        )),
        word().prop_map(|w| format!("context.purpose == \"{w}\"")),
        when().prop_map(|t| format!("context.now >= datetime(\"{t}\")")),
        when().prop_map(|t| format!("datetime(\"{t}\") < context.now")),
        when().prop_map(|t| format!("context.now == datetime(\"{t}\")")),
        when().prop_map(|t| format!(
            "context.now.durationSince(datetime(\"{t}\")) < duration(\"1d\")"
        )),
        when().prop_map(|t| format!(
            "context.contract.agreedAt.offset(duration(\"1d\")) > datetime(\"{t}\")"
        )),
        Just("context.uses + 9223372036854775807 > 0".to_owned()),
        Just("datetime(\"2026-06-01\") <= context.now".to_owned()),
    ];
    let clause = (any::<bool>(), prop::collection::vec((condition, any::<bool>()), 1..4));
    prop::collection::vec(clause, 1..4).prop_map(|clauses| {
        let clauses = (0..).zip(clauses).map(|(number, (is_permit, conditions))| {
            let effect = if is_permit || number == 0 { "permit" } else { "forbid" };
            let conditions: String = conditions
                .into_iter()
                .map(|(one, holds)| {
                    format!(" {} {{ {one} }}", if holds { "when" } else { "unless" })
                })
                .collect();
            format!("@id(\"p{number}\") {effect} (principal, action, resource){conditions};\n")
        });
        clauses.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Two texts at once, so that the second often takes over the first one's code.
    #[test]
    fn hand_written_texts_decide_as_cedar_says(
        texts in prop::collection::vec(hand_written(), 2),
        participant in prop::sample::select(&WORDS[..]),
        product in prop::sample::select(&WORDS[..]),
        contract in prop::sample::select(&WORDS[..]),
        now in 0..3_u64,
    ) {
        let mut contracts = Contracts::default();
        let now = at("2026-06-01T00:00:00Z").as_millis() + now;
        let now = dataspace_primitives::UnixMillis::new(now).unwrap();
        let facts = Facts { participant, product, contract, now, uses: Uses::default(), ..facts() };
        for (number, text) in (0..).zip(&texts) {
            let Ok(()) = contracts.activate(id(number), text) else {
                prop_assert!(Program::new(text).is_err());
                continue;
            };
            let program = contracts.get(&id(number)).unwrap();
            prop_assert_eq!(&program.text(), text);
            let decision = contracts.decide(&id(number), &facts, Layers::default());
            let cedar = program.decide_by_cedar(&facts, Layers::default());
            prop_assert_eq!(&decision, &cedar, "{}", text);
            let alone = Program::new(text).unwrap();
            prop_assert_eq!(&alone.decide(&facts, Layers::default()), &cedar);
        }
    }
}

#[test]
fn threads_decide_by_the_same_contracts_at_once() {
    let mut contracts = Contracts::default();
    for number in 0..64 {
        let consumer = format!("did:key:{number}");
        let terms = research_in(2026).permit(Rule::new([Action::Read]).when(year(2027)));
        contracts
            .activate(id(number), &terms.to_cedar(&scope(&consumer, "alloys")).unwrap())
            .unwrap();
    }
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            let contracts = &contracts;
            scope.spawn(move || {
                for turn in 0..4_000 {
                    let number = (turn * 7 + thread) % 64;
                    let (own, other) =
                        (format!("did:key:{number}"), format!("did:key:{}", (number + 1) % 64));
                    for (participant, is_own) in [(&own, true), (&other, false)] {
                        let facts = Facts { participant, ..facts() };
                        let decision = contracts.decide(&id(number), &facts, Layers::default());
                        assert_eq!(decision.is_permit(), is_own);
                    }
                }
            });
        }
    });
    assert_eq!(dataspace_policy::shadow::shadow_mismatches(), 0);
}

#[test]
fn a_name_that_is_no_plain_word_is_the_same_in_a_set() {
    let mut contracts = Contracts::default();
    let odd = [name("a, b"), name("c")];
    let terms = Terms::new()
        .permit(Rule::new([Action::Read]).when(Constraint::Participant(odd.clone().into())));
    for (number, consumer) in [(0, "a, b"), (1, "c"), (2, "d")] {
        contracts
            .activate(id(number), &terms.to_cedar(&scope(consumer, "alloys")).unwrap())
            .unwrap();
        let facts = Facts { participant: consumer, ..facts() };
        assert_eq!(permits(&contracts, number, &facts), number < 2, "{consumer}");
    }
}
