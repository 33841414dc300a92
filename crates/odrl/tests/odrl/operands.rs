//! Operands of a space's own.

use dataspace_odrl::{
    OdrlOperands,
    error::OdrlErrorKind,
    invalid_operands::InvalidOperands,
    odrl_digest, odrl_digest_in,
    operands::{OPERANDS_MAX, OperandFact, OwnOperand, ValueType},
};
use dataspace_primitives::Name;
use serde_json::{Value, json};

use crate::support::{from_odrl, from_odrl_in, to_odrl};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn attribute(of: &str, values: ValueType) -> OperandFact {
    OperandFact::Attribute { name: name(of), values }
}

fn mapped(all: &[(&str, OperandFact, &str)]) -> OdrlOperands {
    let own = |fact: &OperandFact, words| OwnOperand { fact: fact.clone(), words: name(words) };
    let operands = all.iter().map(|(operand, fact, words)| (name(operand), own(fact, words)));
    OdrlOperands {
        operands: operands.collect(),
        profiles: [name("https://space.example/profile")].into(),
        contexts: [name("https://space.example/context.jsonld")].into(),
    }
}

/// Every fact that an operand can stand for.
fn space() -> OdrlOperands {
    let credential = OperandFact::Credential { credential: name("Audit"), value: name("passed") };
    let operands = mapped(&[
        ("https://space.example/tier", attribute("tier", ValueType::Text), "the partner tier"),
        ("https://space.example/plants", attribute("plants", ValueType::Whole), "the plants"),
        ("https://space.example/listed", attribute("listed", ValueType::Truth), "being listed"),
        ("https://space.example/seat", attribute("seat", ValueType::Region), "the seat"),
        ("https://space.example/audit", credential, "the audit"),
        ("location", OperandFact::Jurisdiction, "the establishment"),
        ("https://space.example/goesTo", OperandFact::RecipientRegion, "the recipient"),
        ("https://space.example/usage", OperandFact::Purpose, "the usage"),
        ("https://space.example/rank", OperandFact::Role, "the rank"),
        ("https://space.example/until", OperandFact::Time, "the time"),
        ("https://space.example/warranty", OperandFact::Law, "the warranty"),
    ]);
    operands.check().unwrap();
    operands
}

fn document(operand: &str, operator: &str, right: &Value) -> String {
    json!({
        "@context": [
            "http://www.w3.org/ns/odrl.jsonld",
            "https://space.example/context.jsonld",
            { "ex": "https://space.example/" },
        ],
        "@type": "Offer",
        "profile": "https://space.example/profile",
        "permission": [{
            "action": "use",
            "constraint": [{ "leftOperand": operand, "operator": operator, "rightOperand": right }],
        }],
    })
    .to_string()
}

#[test]
fn an_operand_is_read_as_its_fact_and_told_in_its_words() {
    let space = space();
    for (operand, operator, right, words) in [
        ("ex:tier", "isAnyOf", json!(["gold", "silver"]), "if the partner tier is gold or silver"),
        ("https://space.example/tier", "neq", json!("gold"), "not (if the partner tier is gold)"),
        ("ex:plants", "eq", json!(8), "if the plants is 8"),
        ("ex:plants", "eq", json!("08"), "if the plants is 8"),
        ("ex:listed", "eq", json!(true), "if being listed is true"),
        ("ex:seat", "eq", json!({ "@id": "http://ontologi.es/place/DE" }), "if the seat is DE"),
        ("ex:audit", "eq", json!("passed"), "if the audit is passed"),
        ("location", "isAnyOf", json!(["DE", "FR"]), "if established in DE or FR"),
        ("ex:goesTo", "eq", json!("CH"), "if the data go to CH"),
        ("ex:usage", "eq", json!("research"), "for research"),
        ("ex:rank", "eq", json!("auditor"), "if it has the role auditor"),
        ("ex:until", "lt", json!("1970-01-02T00:00:00Z"), "before 1970-01-02T00:00:00Z"),
    ] {
        let document = document(operand, operator, &right);
        let terms = from_odrl_in(&document, &space).unwrap();
        let found = terms.clauses_in(&space).remove(0).words;
        assert!(found.ends_with(&format!("share, {words}")), "{found}");
        // The terms themselves name the fact, so they need the space no more.
        let written = to_odrl(&terms).to_string();
        assert_eq!(from_odrl(&written).as_ref(), Ok(&terms), "{written}");
        assert_eq!(odrl_digest_in(&document, &space), odrl_digest(&written));
        let Err(error) = from_odrl(&document) else { panic!("{document}") };
        assert_eq!(error.kind, OdrlErrorKind::UnknownContext);
    }
}

#[test]
fn an_operand_that_binds_by_law_is_kept_where_nothing_decides_by_it() {
    let space = space();
    let text = document("ex:warranty", "eq", &json!("12 months"));
    let terms = from_odrl_in(&text, &space).unwrap();
    assert!(terms.permissions[0].constraints.is_empty());
    let clause = terms.clauses_in(&space).pop().unwrap();
    assert_eq!(clause.words, "the warranty eq \"12 months\"");
    assert_eq!(clause.assurance.to_string(), "legal");
    assert_eq!(from_odrl(&to_odrl(&terms).to_string()), Ok(terms));
    let inside = text.replace("\"permission\"", "\"prohibition\"");
    let error = from_odrl_in(&inside, &space).unwrap_err();
    assert_eq!(error.kind, OdrlErrorKind::LegalInside);
}

#[test]
fn values_of_another_type_are_refused() {
    for (operand, operator, right, pointer) in [
        ("ex:plants", "eq", json!("many"), "rightOperand"),
        ("ex:plants", "gteq", json!(8), "operator"),
        ("ex:listed", "eq", json!("yes"), "rightOperand"),
        ("ex:seat", "eq", json!("UK"), "rightOperand"),
        ("ex:audit", "eq", json!("failed"), "rightOperand"),
        ("ex:tier", "isAllOf", json!(["gold", "silver"]), "operator"),
        ("ex:until", "eq", json!("1970-01-02T00:00:00Z"), "operator"),
        ("ex:colour", "eq", json!("red"), "leftOperand"),
    ] {
        let document = document(operand, operator, &right);
        let error = from_odrl_in(&document, &space()).unwrap_err();
        assert_eq!(error.pointer, format!("/permission/0/constraint/0/{pointer}"), "{document}");
        assert!(!error.help.is_empty(), "{document}");
    }
}

#[test]
fn what_has_its_meaning_keeps_it() {
    for operand in [
        "purpose",
        "odrl:count",
        "http://www.w3.org/ns/odrl/2/spatial",
        "dataspace:role",
        "https://w3id.org/dataspace/terms/anything",
        "BusinessPartnerNumber",
        "cx-policy:Liability",
        "https://w3id.org/tractusx/v0.0.1/ns/BusinessPartnerGroup",
        "POLICY_EVALUATION_TIME",
        "recipient",
        "@id",
    ] {
        let operands = mapped(&[(operand, OperandFact::Role, "the rank")]);
        let operand = name(operand);
        assert_eq!(operands.check(), Err(InvalidOperands::Known { operand }));
    }
}

#[test]
fn a_map_is_bounded_and_says_one_thing_in_one_way() {
    let mut many = OdrlOperands::default();
    for i in 0..=OPERANDS_MAX {
        many.profiles.insert(name(&format!("https://space.example/{i}")));
    }
    assert_eq!(many.check(), Err(InvalidOperands::TooMany { found: OPERANDS_MAX + 1 }));
    let same_words =
        mapped(&[("a", OperandFact::Role, "the rank"), ("b", OperandFact::Purpose, "the rank")]);
    assert!(matches!(same_words.check(), Err(InvalidOperands::SameWords { .. })));
    let same_fact = mapped(&[
        ("a", attribute("tier", ValueType::Text), "the tier"),
        ("b", attribute("tier", ValueType::Text), "the rank"),
    ]);
    assert!(matches!(same_fact.check(), Err(InvalidOperands::SameFact { .. })));
}
