//! Tags that a sector names: those, and no others.

use std::sync::LazyLock;

use dataspace_policy::{
    Layer, Policies,
    extension::{EXTENSION_LEN_MAX, Extension, InvalidExtension, TAGS_MAX},
    policies::InvalidPolicies,
};
use proptest::prelude::*;

/// Names of both owners, of one of them, and of none.
const PARTICIPANT: [&str; 3] = ["both", "licence", "with space"];
const CONTRACT: [&str; 3] = ["both", "blurred", "名"];
const NAMES: [&str; 7] = ["both", "licence", "with space", "blurred", "名", "blured", "Both"];

fn tags(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"?: String, // a tag\n")).collect()
}

fn extension() -> &'static Extension {
    &EXTENSION
}

static EXTENSION: LazyLock<Extension> = LazyLock::new(|| {
    let (participant, contract) = (tags(&PARTICIPANT), tags(&CONTRACT));
    let text = format!(
        "namespace Dataspace {{ type ParticipantTags = {{ {participant} }}; type ContractTags = {{ {contract} }}; }}"
    );
    Extension::parse(&text).unwrap()
});

/// A condition, and whether every tag in it is one that the extension names.
fn condition() -> impl Strategy<Value = (String, bool)> {
    let leaf = (any::<bool>(), 0..NAMES.len(), 0..4_u8).prop_map(|(is_participant, name, form)| {
        let name = NAMES[name];
        let (owner, names) = if is_participant {
            ("principal", PARTICIPANT)
        } else {
            ("context.contract", CONTRACT)
        };
        let has = format!("{owner}.hasTag(\"{name}\")");
        let get = format!("{owner}.getTag(\"{name}\")");
        let text = match form {
            0 => has,
            1 => format!("({has} && {get} == \"true\")"),
            2 => format!("({has} && [\"a\", \"b\"].contains({get}))"),
            _ => format!("({has} && {get} like \"a*\" && context.uses < 9)"),
        };
        (text, names.contains(&name))
    });
    leaf.prop_recursive(3, 8, 2, |inner| {
        (inner.clone(), inner, any::<bool>()).prop_map(|(one, other, is_or)| {
            let operator = if is_or { "||" } else { "&&" };
            (format!("({} {operator} {})", one.0, other.0), one.1 && other.1)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_policy_is_taken_just_if_its_tags_are_named((text, is_named) in condition()) {
        let text = format!(
            "@id(\"first\") forbid (principal, action, resource);\n\
             @id(\"second\") forbid (principal, action, resource)\nunless {{ {text} }};"
        );
        prop_assert!(Policies::parse(&text, Layer::Space).is_ok(), "{}", text);
        match Policies::parse_extended(&text, Layer::Space, extension()) {
            Ok(policies) => {
                prop_assert!(is_named, "{}", text);
                prop_assert_eq!(policies.ids().collect::<Vec<_>>(), ["first", "second"]);
            }
            Err(InvalidPolicies::Schema { message }) => {
                prop_assert!(!is_named, "{}: {}", text, message);
                prop_assert!(message.starts_with("line 2: ") && message.contains("second"), "{}", message);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

fn refused(condition: &str) -> String {
    let text =
        format!("@id(\"p\")\nforbid (principal, action, resource) unless {{ {condition} }};");
    Policies::parse_extended(&text, Layer::Provider, extension()).map(drop).unwrap_err().to_string()
}

#[test]
fn what_is_computed_or_unguarded_or_of_something_else_is_refused() {
    for (condition, why) in [
        // A name that is computed: it may be any.
        ("principal.hasTag(context.purpose)", "tag"),
        ("context.contract.hasTag(if context.uses == 1 then \"both\" else \"blurred\")", "tag"),
        // As in every space: a tag is asked for first, nothing else has tags, attributes are there.
        ("context.contract.getTag(\"both\") == \"a\"", "both"),
        ("resource.hasTag(\"both\")", "tag"),
        ("resource.colour == \"red\"", "colour"),
        ("principal.licence == \"7\"", "licence"),
    ] {
        let error = refused(condition);
        assert!(error.contains(why), "{condition}: {error}");
    }
    // Whose tag it is is computed: written twice at each step, this would be a million times as long.
    let mut has = "principal.hasTag(\"both\")".to_owned();
    for _ in 0..20 {
        has = format!("{{a: principal, b: {has}}}.a.hasTag(\"both\")");
    }
    assert!(!refused(&has).is_empty());
    let error = refused("{a: principal}.a.hasTag(\"both\")");
    assert!(error.contains("tag"), "{error}");
    // A permit stays a permit.
    let permit = "@id(\"p\") permit (principal, action, resource);";
    let found = Policies::parse_extended(permit, Layer::Space, extension());
    assert!(matches!(found, Err(InvalidPolicies::Permit { .. })), "{found:?}");
    assert!(Policies::parse_extended(permit, Layer::Contract, extension()).is_ok());
}

#[test]
fn an_extension_names_tags_and_nothing_else() {
    assert_eq!(extension().contract_tags().collect::<Vec<_>>(), ["blurred", "both", "名"]);
    assert_eq!(extension().participant_tags().collect::<Vec<_>>(), PARTICIPANT);
    for none in ["", "// nothing\n", "namespace Dataspace {}"] {
        let none = Extension::parse(none).unwrap();
        assert_eq!(none.participant_tags().chain(none.contract_tags()).count(), 0);
    }
    let of = |body: &str| Extension::parse(&format!("namespace Dataspace {{ {body} }}"));
    for (body, why) in [
        ("type ContractTags = { \"a\": String };", "`a`"),
        ("type ContractTags = { \"a\"?: Long };", "`a`"),
        ("type ContractTags = { \"a\"?: { \"b\"?: String } };", "`a`"),
        ("type ContractTags = { \"a\"?: Set<String> };", "`a`"),
        ("type ContractTags = String;", "`ContractTags`"),
        ("type ProductTags = { \"a\"?: String };", "`ProductTags`"),
        ("entity Contract;", "entityTypes"),
        ("entity Contract tags String;", "entityTypes"),
        ("entity More;", "entityTypes"),
        ("action \"read\";", "actions"),
    ] {
        let error = of(body).unwrap_err();
        assert!(matches!(error, InvalidExtension::Form { .. }), "{body}: {error}");
        assert!(error.to_string().contains(why), "{body}: {error}");
    }
    for other in ["type ContractTags = {};", "namespace Tea { type ContractTags = {}; }"] {
        assert!(matches!(Extension::parse(other), Err(InvalidExtension::Form { .. })), "{other}");
    }
    let taken = of("type ContractTags = { \"agreedAt\"?: String };").unwrap_err();
    assert!(matches!(taken, InvalidExtension::Taken { owner: "ContractTags", .. }), "{taken}");
    let unread = of("type ContractTags = {").unwrap_err();
    assert!(matches!(unread, InvalidExtension::Syntax { .. }), "{unread}");
    let many: Vec<_> = (0..=TAGS_MAX).map(|n| format!("\"t{n}\"?: String")).collect();
    let many = of(&format!("type ContractTags = {{ {} }};", many.join(", "))).unwrap_err();
    assert!(matches!(many, InvalidExtension::TooMany { found: 65, .. }), "{many}");
    let long = Extension::parse(&" ".repeat(EXTENSION_LEN_MAX + 1)).unwrap_err();
    assert!(matches!(long, InvalidExtension::Len { len: 65_537 }), "{long}");
}

#[test]
fn a_deep_extension_is_refused_and_breaks_nothing() {
    let all = [("{ \"a\"?: ", " }"), ("Set<", ">"), ("{ \"}}}\"?: ", " }"), ("(", ")"), ("[", "]")];
    for (open, close) in all {
        for depth in [50, 64, 5_000] {
            let deep = format!(
                "namespace Dataspace {{ type ContractTags = {}String{}; }}",
                open.repeat(depth),
                close.repeat(depth)
            );
            let refused = std::thread::Builder::new()
                .stack_size(256 << 10)
                .spawn(move || Extension::parse(&deep).map(drop).unwrap_err().to_string())
                .unwrap();
            let refused = refused.join().unwrap();
            assert_eq!(refused.contains("brackets; 64 are possible"), depth > 60, "{refused}");
        }
    }
}
