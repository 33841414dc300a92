//! Only a contract permits; space and provider forbid.

use dataspace_policy::{
    Decision, Facts, Layer, Layers, Policies, Program, Reason, policies::InvalidPolicies,
};
use proptest::prelude::*;

use crate::support::{CONSUMER, facts, forbids, research_in, scope};

fn program() -> Program {
    Program::new(&research_in(2026).to_cedar(&scope(CONSUMER, "alloys")).unwrap()).unwrap()
}

#[test]
fn a_permit_of_space_or_provider_is_refused() {
    let text = "@id(\"gift\") permit (principal, action, resource);";
    for layer in [Layer::Space, Layer::Provider] {
        let refused = Policies::parse(text, layer).unwrap_err();
        assert!(matches!(refused, InvalidPolicies::Permit { .. }));
        assert_eq!(
            refused.to_string(),
            format!("policy `gift` permits; a {layer} can only forbid")
        );
    }
    // And if somebody puts a contract's policies in their place, their permits count for nothing.
    let misplaced = forbids(Layer::Contract, text);
    let layers = Layers { space: Some(&misplaced), provider: Some(&misplaced) };
    let nobody = Program::new("").unwrap();
    assert!(!nobody.decide(&facts(), layers).is_permit());
    assert!(!nobody.decide_by_cedar(&facts(), layers).is_permit());
}

#[test]
fn each_layer_forbids_and_is_named() {
    let text = "@id(\"no\") forbid (principal, action, resource) when { context.purpose == \"research\" };";
    let (space, provider) = (forbids(Layer::Space, text), forbids(Layer::Provider, text));
    for (layers, expected) in [
        (Layers::default(), vec![]),
        (Layers::of_space(&space), vec!["forbidden-by-space"]),
        (Layers { space: None, provider: Some(&provider) }, vec!["forbidden-by-provider"]),
        (
            Layers { space: Some(&space), provider: Some(&provider) },
            vec!["forbidden-by-space", "forbidden-by-provider"],
        ),
    ] {
        let (program, facts) = (program(), facts());
        let decision = program.decide(&facts, layers);
        assert_eq!(decision, program.decide_by_cedar(&facts, layers));
        let codes: Vec<_> = match &decision {
            Decision::Permit(_) => Vec::new(),
            Decision::Deny(denial) => denial.reasons().iter().map(Reason::code).collect(),
        };
        assert_eq!(codes, expected);
    }
}

#[test]
fn an_error_in_any_layer_denies() {
    let text = "@id(\"e\") forbid (principal, action, resource) when { context.uses + 9223372036854775807 < 0 };";
    let (space, provider) = (forbids(Layer::Space, text), forbids(Layer::Provider, text));
    let once = Facts { uses: dataspace_policy::Uses::of_contract(1), ..facts() };
    for (layer, layers) in [
        (Layer::Space, Layers::of_space(&space)),
        (Layer::Provider, Layers { space: None, provider: Some(&provider) }),
    ] {
        let program = program();
        assert!(program.decide(&facts(), layers).is_permit());
        let Decision::Deny(denial) = program.decide(&once, layers) else { panic!("permitted") };
        let reasons = denial.reasons();
        let [Reason::PolicyError { layer: of, policy, .. }] = reasons.as_slice() else {
            panic!("{denial}")
        };
        assert_eq!((*of, policy.as_str()), (layer, "e"));
    }
}

/// What the index of forbids can look for, what it cannot, and errors before and after it.
const CONDITIONS: [&str; 12] = [
    "principal == Dataspace::Participant::\"did:key:z6MkOne\"",
    "principal == Dataspace::Participant::\"did:key:other\"",
    "resource == Dataspace::Product::\"alloys\"",
    "resource == Dataspace::Product::\"casts\"",
    "resource.class == \"open\"",
    "[\"secret\", \"open\"].contains(resource.class)",
    "context.purpose == \"marketing\"",
    "principal.region == \"FR\"",
    "context.now >= datetime(\"2026-07-01T00:00:00Z\")",
    "context.uses + 9223372036854775807 > 0",
    "context has payment && context.payment == \"due\"",
    "principal in Dataspace::Role::\"lab\"",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn many_forbids_decide_as_cedar_says(
        texts in prop::collection::vec(
            prop::collection::vec((prop::sample::select(&CONDITIONS[..]), any::<bool>()), 0..4),
            0..40,
        ),
        region in prop::sample::select(&["DE", "FR"][..]),
        product in prop::sample::select(&["alloys", "casts"][..]),
        purpose in prop::sample::select(&["research", "marketing"][..]),
        uses in 0..2_u64,
    ) {
        let text: String = (0..).zip(texts).map(|(number, conditions)| {
            // A third condition in ten makes most forbids rare, so that permits are left.
            let rare = "when { context.purpose != \"research\" }";
            let conditions: String = conditions
                .into_iter()
                .map(|(one, holds)| format!(" {} {{ {one} }}", if holds { "when" } else { "unless" }))
                .collect();
            let rare = if number % 10 < 9 { rare } else { "" };
            format!("@id(\"f{number:02}\") forbid (principal, action, resource){conditions} {rare};\n")
        }).collect();
        let Ok(space) = Policies::parse(&text, Layer::Space) else { return Ok(()) };
        let program =
            Program::new("@id(\"all\") permit (principal, action, resource);").unwrap();
        let facts = Facts {
            region: region.parse().unwrap(),
            product,
            purpose,
            uses: dataspace_policy::Uses::of_contract(uses),
            ..facts()
        };
        let layers = Layers::of_space(&space);
        let (ours, cedar) =
            (program.decide(&facts, layers), program.decide_by_cedar(&facts, layers));
        prop_assert_eq!(ours, cedar, "{}", text);
    }
}
