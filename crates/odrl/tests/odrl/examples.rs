//! The examples of the Dataspace Protocol that hold policies.

use dataspace_odrl::{
    OdrlOperands, OdrlPolicy,
    error::OdrlErrorKind,
    operands::{OperandFact, OwnOperand, ValueType},
};
use dataspace_policy::{Action, Constraint};
use serde_json::Value;

use crate::dsp::{PROTOCOL, name, read};
use crate::schema::{Part, file};

struct Example {
    part: Part,
    name: &'static str,
    /// Where the policy stands.
    pointer: &'static str,
    /// Where in the policy it is refused, and why.
    refused: Option<(&'static str, &'static str)>,
}

const LONG: &str = "negotiation/example/contract-agreement-message-full.json";

const EXAMPLES: [Example; 8] = [
    Example {
        part: Part::Request,
        name: "negotiation/example/contract-request-message.json",
        pointer: "/offer",
        refused: None,
    },
    Example {
        part: Part::Request,
        name: "negotiation/example/contract-request-message_initial.json",
        pointer: "/offer",
        refused: None,
    },
    Example {
        part: Part::Offer,
        name: "negotiation/example/contract-offer-message.json",
        pointer: "/offer",
        refused: None,
    },
    Example {
        part: Part::Offer,
        name: "negotiation/example/contract-offer-message_initial.json",
        pointer: "/offer",
        refused: None,
    },
    Example {
        part: Part::Agreement,
        name: "negotiation/example/contract-agreement-message.json",
        pointer: "/agreement",
        refused: None,
    },
    // Its profile is none of ours; nor are its operands.
    Example {
        part: Part::Agreement,
        name: LONG,
        pointer: "/agreement",
        refused: Some(("/profile", "UnknownProfile")),
    },
    // Its region is no country: `_:EU`.
    Example {
        part: Part::Dataset,
        name: "catalog/example/dataset.json",
        pointer: "/hasPolicy/0",
        refused: Some(("/permission/0/constraint/0/rightOperand", "Value")),
    },
    // Likewise: `http://example.org/EU`.
    Example {
        part: Part::Catalog,
        name: "catalog/example/catalog.json",
        pointer: "/dataset/0/hasPolicy/0",
        refused: Some(("/permission/0/constraint/0/rightOperand", "Value")),
    },
];

#[test]
fn every_example_of_the_protocol_is_read_or_refused_with_its_place() {
    for Example { part, name, pointer, refused } in EXAMPLES {
        let document: Value = serde_json::from_str(&file(name)).unwrap();
        assert_eq!(PROTOCOL.check(part, &document), Ok(()), "{name}");
        let expected = refused.map(|(place, kind)| (format!("{pointer}{place}"), kind.to_owned()));
        let found = read(&document, pointer);
        assert_eq!(found.as_ref().err(), expected.as_ref(), "{name}");
        let Ok(policy) = found else { continue };
        let stated = document.pointer(pointer).unwrap();
        for (member, read) in [
            ("@id", &policy.id),
            ("target", &policy.target),
            ("assigner", &policy.assigner),
            ("assignee", &policy.assignee),
        ] {
            assert_eq!(stated.get(member).and_then(Value::as_str), read.as_deref(), "{name}");
        }
        assert_eq!(policy.timestamp.is_some(), stated.get("timestamp").is_some(), "{name}");
        let rule = &policy.terms.permissions[0];
        assert!(rule.actions.iter().eq(Action::ALL.iter()), "{name}");
        let is_limited = stated["permission"][0].get("constraint").is_some();
        let end = Constraint::Before("2023-12-31T06:00:00.001Z".parse().unwrap());
        assert_eq!(rule.constraints, if is_limited { vec![end] } else { vec![] }, "{name}");
    }
}

#[test]
fn every_example_that_holds_a_policy_is_on_the_list() {
    for directory in ["negotiation/example", "catalog/example"] {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dsp/");
        for entry in std::fs::read_dir(format!("{root}{directory}")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = format!("{directory}/{name}");
            let holds = file(&path).contains("\"permission\"");
            assert_eq!(EXAMPLES.iter().any(|one| one.name == path), holds, "{path}");
        }
    }
}

/// The long example, in a space that has its profile and its operands.
#[test]
fn the_long_example_is_refused_for_its_order_alone() {
    let mut document: Value = serde_json::from_str(&file(LONG)).unwrap();
    let own = |of: &str| OwnOperand {
        fact: OperandFact::Attribute { name: name(of), values: ValueType::Text },
        words: name(&format!("the {of}")),
    };
    let operands = ["partner", "constraint1", "constraint2"].map(|of| (name(of), own(of)));
    let space = OdrlOperands {
        operands: operands.into(),
        profiles: [name("https://test.com/profile")].into(),
        ..OdrlOperands::default()
    };
    let error = OdrlPolicy::parse_at(&document.to_string(), "/agreement", &space).unwrap_err();
    assert_eq!(error.pointer, "/agreement/permission/4/constraint/0/andSequence");
    assert_eq!(error.kind, OdrlErrorKind::Sequence);
    document["agreement"]["permission"].as_array_mut().unwrap().remove(4);
    let policy = OdrlPolicy::parse_at(&document.to_string(), "/agreement", &space).unwrap();
    let partner =
        |is: &str| Constraint::Attribute { name: name("partner"), values: [name(is)].into() };
    let both = vec![partner("gold"), partner("silver")];
    let found: Vec<_> = policy.terms.permissions.iter().map(|rule| &rule.constraints[0]).collect();
    assert_eq!(found.len(), 6);
    assert_eq!(found[1], &Constraint::All(both.clone()));
    assert_eq!(found[2], &Constraint::Any(both.clone()));
    assert_eq!(found[3], &partner("gold"));
    assert_eq!(found[4], &Constraint::One(both));
}
