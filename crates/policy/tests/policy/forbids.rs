//! Forbids that space and provider write by hand: what is not known does not lift them, and what
//! they name exists.

use dataspace_policy::{
    Action, Facts, Layer, Layers, Policies, Program, Rule, Terms, Vocabulary,
    facts::{Environment, Payment, Person, ValueKind},
    lint::PolicyFinding,
    named::UnmatchedValue,
    policies::InvalidPolicies,
};
use proptest::prelude::*;

use crate::support::{forbid_when, name, refusal, scope, space};

fn forbid(tail: &str) -> String {
    format!("@id(\"f\") forbid(principal, action, resource) {tail};")
}

fn lifted_by(text: &str) -> Option<String> {
    match Policies::parse(text, Layer::Space) {
        Ok(_) => None,
        Err(InvalidPolicies::Unknown { fact, .. }) => Some(fact),
        Err(error) => panic!("{error}\n{text}"),
    }
}

#[test]
fn a_forbid_that_an_unknown_fact_lifts_is_refused_with_the_fact() {
    for (condition, fact) in [
        ("context has payment && context.payment == \"overdue\"", "payment"),
        ("context has person && context.person in Dataspace::Role::\"guest\"", "person"),
        ("context has environment && !context.environment.sandbox", "environment"),
        (
            "context has environment && context.environment has attested && \
             !context.environment.attested",
            "environment",
        ),
        (
            "if context has environment then \
             context.environment has attested && !context.environment.attested else true",
            "attested",
        ),
        ("context has recipientRegion && context.recipientRegion == \"US\"", "recipientRegion"),
        ("context has events && context.events.contains(\"strike\")", "events"),
        ("context has state && context.state == \"stopped\"", "state"),
        ("resource has level && resource.level > 2", "level"),
        ("if resource has level then resource.level > 2 else false", "level"),
        ("if resource has level then resource.level > 2 else context.uses > 3", "level"),
        (
            "principal.hasTag(\"bpn\") && principal.getTag(\"bpn\") == \"BPNL1\"",
            "the attribute \"bpn\" of the consumer",
        ),
        (
            "principal.credentials.contains(\"Debarred\")",
            "every type of the consumer's credentials",
        ),
        ("principal.credentials.isEmpty()", "every type of the consumer's credentials"),
        // Deeper.
        ("context.uses > 3 && (context has person || context.uses > 5)", "person"),
        ("context.uses > 3 || (context has person && context.uses > 1)", "person"),
        ("!(context.uses > 3 || !(context has person))", "person"),
        ("(if context has person then 1 else 0) > 0", "person"),
        // What the consumer's credentials say under a name is not what others state under it.
        (
            "principal.hasTag(\"a\") || !(context.contract.hasTag(\"a\"))",
            "the attribute \"a\" of the consumer",
        ),
        ("context.contract.hasTag(\"a\")", "what a trusted party states as \"a\""),
        (
            "(if context.uses > 3 then principal else principal).hasTag(\"a\") || \
             !(principal.hasTag(\"a\"))",
            "a tag",
        ),
    ] {
        assert_eq!(lifted_by(&forbid_when(condition)).as_deref(), Some(fact), "{condition}");
        let turned = forbid(&format!("unless {{ !({condition}) }}"));
        assert_eq!(lifted_by(&turned).as_deref(), Some(fact), "{condition}");
        let provider = Policies::parse(&forbid_when(condition), Layer::Provider).unwrap_err();
        assert!(matches!(provider, InvalidPolicies::Unknown { id, .. } if id == "f"));
    }
}

#[test]
fn a_forbid_that_holds_where_a_fact_is_unknown_is_taken() {
    for tail in [
        "unless { context has payment && context.payment == \"paid\" }",
        "when { context.uses > 3 } unless { context has person && context has state }",
        "unless { principal.hasTag(\"bpn\") && [\"BPNL1\"].contains(principal.getTag(\"bpn\")) }",
        "unless { principal.credentials.containsAny([\"Iso27001\", \"Tisax\"]) }",
        "when { if context has person then context.person in Dataspace::Role::\"guest\" else true }",
        "when { if context has payment then context.payment == \"overdue\" else true }",
        "when { (context has payment && context.payment == \"overdue\") || !(context has payment) }",
        "when { context.uses > 3 && (if resource has level then resource.level > 2 else true) }",
        "unless { context has environment && context.environment has attested && \
         context.environment.attested }",
        "unless { context has environment.attested && context.environment.attested }",
        "unless { if context has person then context.uses < 3 else false }",
        "when { if context.uses > 3 then (if context has person then false else true) else false }",
        "unless { context.contract.hasTag(\"blurred\") && context.contract.getTag(\"blurred\") == \"true\" }",
        "when { context.uses > 3 }",
        "when { principal has region && principal.region == \"US\" }",
    ] {
        assert_eq!(lifted_by(&forbid(tail)), None, "{tail}");
    }
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("context has person".to_owned()),
        Just("context has payment".to_owned()),
        Just("resource has level".to_owned()),
        Just("principal.hasTag(\"a\")".to_owned()),
        Just("context.contract.hasTag(\"a\")".to_owned()),
        Just("(if context.contract.hasTag(\"a\") then context.contract.getTag(\"a\") == \"x\" else true)".to_owned()),
        Just("principal.credentials.contains(\"A\")".to_owned()),
        Just("(context has person && context.person in Dataspace::Role::\"r\")".to_owned()),
        Just("(if context has payment then context.payment == \"due\" else true)".to_owned()),
        Just("(if resource has level then resource.level > 1 else true)".to_owned()),
        Just("(principal.hasTag(\"a\") && principal.getTag(\"a\") == \"x\")".to_owned()),
        Just("(context has environment.attested && context.environment.attested)".to_owned()),
        Just("context.uses > 1".to_owned()),
        Just("true".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            inner.clone().prop_map(|one| format!("!({one})")),
            two.clone().prop_map(|(a, b)| format!("(({a}) && ({b}))")),
            two.prop_map(|(a, b)| format!("(({a}) || ({b}))")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("(if {a} then {b} else {c})")),
        ]
    })
}

/// Facts with each combination of known and unknown, and of values.
fn all_facts() -> Vec<Facts<'static>> {
    fn kept<T>(value: T) -> &'static T {
        Box::leak(Box::new(value))
    }
    let (none, some) = (kept([].into()), kept([name("r")].into()));
    let held = kept([name("A")].into());
    let said = |value: &str| kept([(name("a"), name(value))].into());
    let mut all = Vec::new();
    let base = Facts { uses: dataspace_policy::Uses::default(), ..crate::support::facts() };
    for person in [None, Some(none), Some(some)] {
        for payment in [None, Some(Payment::Due), Some(Payment::Paid)] {
            for product_level in [None, Some(1), Some(2)] {
                for attributes in [kept([].into()), said("x"), said("y")] {
                    for (credentials, attested) in
                        [(none, None), (none, Some(true)), (held, None), (held, Some(false))]
                    {
                        let person = person.map(|roles| Person { id: "ada", roles });
                        let environment = Some(Environment {
                            id: "lab",
                            attested,
                            sandbox: true,
                            security_level: 1,
                            connector: "edc",
                            application: "a",
                        });
                        let facts = Facts { person, payment, product_level, attributes, ..base };
                        let facts = Facts { credentials, environment, ..facts };
                        for vouched in [kept([].into()), said("x"), said("y")] {
                            all.push(Facts { vouched, ..facts });
                        }
                    }
                }
            }
        }
    }
    all
}

/// The same facts without one of them.
fn forgotten(facts: &Facts<'static>) -> Vec<Facts<'static>> {
    let none = Facts::new(("", facts.region), Action::Read, ("", ""), "", facts.now);
    let environment = facts.environment.map(|one| Environment { attested: None, ..one });
    vec![
        Facts { person: None, ..*facts },
        Facts { payment: None, ..*facts },
        Facts { product_level: None, ..*facts },
        Facts { attributes: none.attributes, ..*facts },
        Facts { vouched: none.vouched, ..*facts },
        Facts { credentials: none.credentials, ..*facts },
        Facts { environment, ..*facts },
        Facts { environment: None, ..*facts },
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn who_leaves_a_fact_out_gains_nothing(one in condition(), two in condition()) {
        let text = forbid(&format!("when {{ {one} }} unless {{ {two} }}"));
        // Impossible, or lifted by what is not known.
        let Ok(policies) = Policies::parse(&text, Layer::Space) else { return Ok(()) };
        let terms = Terms::new().permit(Rule::new([Action::Read]));
        let program = Program::new(&terms.to_cedar(&scope()).unwrap()).unwrap();
        let permits = |facts: &Facts<'_>| {
            program.decide(facts, Layers::of_space(&policies)).is_permit()
        };
        for facts in all_facts() {
            for less in forgotten(&facts) {
                prop_assert!(permits(&facts) || !permits(&less), "{:?}\n{:?}\n{}", facts, less, text);
            }
        }
    }
}

fn unmatched(text: &str) -> UnmatchedValue {
    match refusal(text, Layer::Provider) {
        InvalidPolicies::Value(error) => error,
        error => panic!("{error}\n{text}"),
    }
}

#[test]
fn a_region_that_is_none_is_refused_with_the_right_one() {
    for (condition, value, why) in [
        ("principal.region == \"UK\"", "UK", "write GB"),
        ("\"EU\" == principal.region", "EU", "write the countries (AT, BE,"),
        ("[\"DE\", \"XX\"].contains(principal.region)", "XX", "is not assigned"),
        ("principal.region != \"de\"", "de", "write DE"),
        ("principal.region like \"U*X\"", "U*X", "no country code"),
        ("!([\"ДЕ\"].contains(principal.region))", "ДЕ", "two upper-case letters"),
        (
            "if context has recipientRegion then context.recipientRegion == \"UK\" else true",
            "UK",
            "write GB",
        ),
        ("principal.region == (if context.uses > 3 then \"DE\" else \"UK\")", "UK", "write GB"),
    ] {
        let error = unmatched(&forbid_when(condition));
        assert_eq!((error.kind, error.value.as_str()), (ValueKind::Region, value), "{condition}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(error.to_string().starts_with("policy `f` names the region"), "{error}");
    }
    for condition in [
        "principal.region == \"GB\"",
        "[\"DE\", \"FR\"].contains(principal.region)",
        "principal.region like \"G*\"",
    ] {
        assert!(Policies::parse(&forbid_when(condition), Layer::Space).is_ok(), "{condition}");
    }
}

#[test]
fn other_values_of_closed_lists_are_refused_as_well() {
    let zone = "Dataspace::TimeZone::\"Europe/Berlin\"";
    for (condition, kind) in [
        (
            "if context has payment then context.payment == \"late\" else true".to_owned(),
            ValueKind::Payment,
        ),
        (format!("[0, 6].contains({zone}.weekday)"), ValueKind::Weekday),
        (format!("{zone}.weekday == 8"), ValueKind::Weekday),
        ("context.contract == Dataspace::Contract::\"1\"".to_owned(), ValueKind::Contract),
    ] {
        assert_eq!(unmatched(&forbid_when(&condition)).kind, kind, "{condition}");
    }
    let weekend = format!("[6, 7].contains({zone}.weekday)");
    assert!(Policies::parse(&forbid_when(&weekend), Layer::Space).is_ok());
}

fn check(text: &str) -> Result<(), UnmatchedValue> {
    let [demo, research, design, results, consumer, auditor] =
        ["demo", "research", "alloy-design", "test-results", "consumer", "auditor"].map(name);
    let vocabulary = Vocabulary {
        space: &demo,
        purposes: vec![&research, &design],
        classes: vec![&results],
        roles: vec![&consumer, &auditor],
        is_did: |text| text.starts_with("did:key:z"),
    };
    space(text).check_values(&vocabulary)
}

#[test]
fn names_that_the_space_does_not_have_are_found_wherever_they_stand() {
    for (tail, kind) in [
        ("when { context.purpose == \"reserch\" }", ValueKind::Purpose),
        ("when { context.purposes.contains(\"marketing\") }", ValueKind::Purpose),
        ("when { context.purposes.containsAny([\"research\", \"x\"]) }", ValueKind::Purpose),
        ("unless { [\"research\", \"x\"].contains(context.purpose) }", ValueKind::Purpose),
        ("when { context.purpose like \"market*\" }", ValueKind::Purpose),
        ("when { resource.class == \"secret\" }", ValueKind::Class),
        ("when { principal.roles.contains(\"admin\") }", ValueKind::Role),
        ("when { principal in Dataspace::Role::\"admin\" }", ValueKind::Role),
        (
            "when { principal in [Dataspace::Role::\"auditor\", Dataspace::Role::\"x\"] }",
            ValueKind::Role,
        ),
        ("when { principal is Dataspace::Participant in Dataspace::Role::\"x\" }", ValueKind::Role),
        ("when { context.space == Dataspace::Space::\"dem0\" }", ValueKind::Space),
        ("when { principal == Dataspace::Participant::\"Ore Traders\" }", ValueKind::Participant),
    ] {
        assert_eq!(check(&forbid(tail)).unwrap_err().kind, kind, "{tail}");
    }
    for head in [
        "principal in Dataspace::Role::\"x\"",
        "principal is Dataspace::Participant in Dataspace::Role::\"x\"",
        "principal == Dataspace::Participant::\"x\"",
    ] {
        let text = format!("@id(\"f\") forbid({head}, action, resource);");
        assert!(check(&text).is_err(), "{head}");
    }
    for tail in [
        "when { context.purpose == \"research\" && resource.class == \"test-results\" }",
        "when { context.purpose like \"alloy*\" || context.purposes.contains(\"research\") }",
        "when { principal in Dataspace::Role::\"auditor\" && principal.roles.contains(\"consumer\") }",
        "when { principal == Dataspace::Participant::\"did:key:z6Mk\" }",
        // A person's roles are its participant's words.
        "when { if context has person then context.person in Dataspace::Role::\"x\" else true }",
        "when { resource == Dataspace::Product::\"to come\" }",
        "",
    ] {
        assert_eq!(check(&forbid(tail)), Ok(()), "{tail}");
    }
}

#[test]
fn a_name_that_only_looks_right_is_refused_with_the_one_that_is() {
    // The first letters of these are Cyrillic.
    for purpose in ["rеsearch", "Research"] {
        let text = forbid_when(&format!("context.purpose == \"{purpose}\""));
        assert_eq!(
            check(&text).unwrap_err().to_string(),
            format!(
                "policy `f` names the purpose {purpose:?}, which never matches: the space's \
                 profile has \"research\", which looks alike and is another text"
            )
        );
    }
}

fn found(text: &str) -> Vec<String> {
    space(text).lint().iter().map(|one| format!("{}: {one}", one.code())).collect()
}

#[test]
fn signers_see_what_may_not_be_meant() {
    let mixed = "unless { context has state && context.state == \"rеady\" }";
    let [script] = &space(&forbid(mixed)).lint().to_vec()[..] else { panic!() };
    assert_eq!(script, &PolicyFinding::Script { policy: "f".to_owned(), text: "rеady".to_owned() });
    let ids = "@id(\"Embargo\") forbid(principal, action, resource);
        @id(\"embargo\") forbid(principal, action, resource);
        @id(\"embаrgo\") forbid(principal, action, resource);";
    assert_eq!(
        found(ids),
        [
            "similar-ids: the ids \"Embargo\" and \"embargo\" look alike and are two policies",
            "similar-ids: the ids \"embargo\" and \"embаrgo\" look alike and are two policies",
        ]
    );
    assert_eq!(found(&forbid("when { context.uses > 3 }")), [] as [String; 0]);
}

#[test]
fn text_that_reorders_on_a_screen_is_refused() {
    let text = forbid_when("context.purpose == \"\\u{202e}x\"");
    assert!(matches!(refusal(&text, Layer::Space), InvalidPolicies::Schema { .. }));
}
