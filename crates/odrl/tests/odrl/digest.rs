//! One meaning, one digest.

use dataspace_odrl::{error::OdrlErrorKind, odrl_digest};
use dataspace_policy::{Action, Constraint, Rule, Terms, terms::InvalidTerms};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::arbitrary;
use crate::support::to_odrl;

/// Choices from a seed, so that a rewriting is one function of the document.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn shuffle(&mut self, all: &mut [Value]) {
        for i in (1..all.len()).rev() {
            all.swap(i, self.roll(i + 1));
        }
    }
}

const ODRL: &str = "http://www.w3.org/ns/odrl/2/";

/// Another way to write the same name.
fn renamed(dice: &mut Dice, text: &str) -> String {
    if let Some(name) = text.strip_prefix("odrl:") {
        return match dice.roll(3) {
            0 => name.to_owned(),
            1 => format!("{ODRL}{name}"),
            _ => text.to_owned(),
        };
    }
    match text.strip_prefix("dataspace:") {
        Some(name) if dice.roll(2) == 0 => format!("https://w3id.org/dataspace/terms/{name}"),
        _ => text.to_owned(),
    }
}

fn maybe_id(dice: &mut Dice, text: &str) -> Value {
    if dice.roll(3) == 0 { json!({ "@id": text }) } else { json!(text) }
}

fn member(dice: &mut Dice, name: &str) -> String {
    match dice.roll(3) {
        0 => format!("odrl:{name}"),
        1 => format!("{ODRL}{name}"),
        _ => name.to_owned(),
    }
}

/// Single values as themselves or in an array.
fn list(dice: &mut Dice, mut all: Vec<Value>) -> Value {
    if all.len() == 1 && dice.roll(2) == 0 { all.remove(0) } else { Value::Array(all) }
}

/// One value written otherwise. The values of row filters are not texts or numbers alike.
fn literal(dice: &mut Dice, value: &Value, keeps_type: bool) -> Value {
    match value {
        Value::String(text) if dice.roll(3) == 0 => {
            let datatype = ["xsd:string", "http://www.w3.org/2001/XMLSchema#string"];
            json!({ "@type": datatype[dice.roll(2)], "@value": text })
        }
        Value::Object(typed) if typed.contains_key("@value") && !keeps_type => {
            match (typed["@type"].as_str().unwrap(), dice.roll(3)) {
                (_, 0) => typed["@value"].clone(),
                ("xsd:integer" | "xsd:boolean", 1) => {
                    serde_json::from_str(typed["@value"].as_str().unwrap()).unwrap()
                }
                _ => value.clone(),
            }
        }
        _ => value.clone(),
    }
}

fn constraint(dice: &mut Dice, value: &Value) -> Value {
    let object = value.as_object().unwrap();
    for name in ["and", "or", "xone"] {
        if let Some(parts) = object.get(name) {
            let mut parts: Vec<_> =
                parts.as_array().unwrap().iter().map(|part| constraint(dice, part)).collect();
            dice.shuffle(&mut parts);
            if name != "xone" && dice.roll(3) == 0 {
                parts.push(parts[0].clone());
            }
            return json!({ member(dice, name): list(dice, parts) });
        }
    }
    // What the parties alone understand keeps its operator and operand.
    let left = object["leftOperand"].as_str().unwrap();
    let operator = object["operator"].as_str().unwrap();
    let left_renamed = renamed(dice, left);
    let keeps_type = left == "dataspace:value";
    let right = match &object["rightOperand"] {
        Value::Array(all) => {
            let mut all: Vec<_> = all.iter().map(|one| literal(dice, one, keeps_type)).collect();
            dice.shuffle(&mut all);
            Value::Array(all)
        }
        one => {
            let is_negation = left == "dataspace:not";
            let one =
                if is_negation { constraint(dice, one) } else { literal(dice, one, keeps_type) };
            list(dice, vec![one])
        }
    };
    let spelt = match dice.roll(4) {
        0 => operator.to_uppercase(),
        1 => format!("odrl:{operator}"),
        2 => format!("{ODRL}{operator}"),
        _ => operator.to_owned(),
    };
    let mut rewritten = Map::new();
    if dice.roll(4) == 0 {
        rewritten.insert("@type".to_owned(), json!("Constraint"));
    }
    rewritten.insert(member(dice, "rightOperand"), right);
    rewritten.insert(member(dice, "leftOperand"), maybe_id(dice, &left_renamed));
    rewritten.insert(member(dice, "operator"), maybe_id(dice, &spelt));
    Value::Object(rewritten)
}

fn rule(dice: &mut Dice, value: &Value) -> Value {
    let mut rewritten = Map::new();
    let action = value["action"].as_str().unwrap();
    if matches!(action, "dataspace:comply" | "dataspace:refrain") {
        return value.clone();
    }
    if let Some(all) = value.get("constraint") {
        let mut all: Vec<_> =
            all.as_array().unwrap().iter().map(|one| constraint(dice, one)).collect();
        let is_narrowed = all.iter().any(|one| one.to_string().contains("/action\""))
            || all.iter().any(|one| one.to_string().contains("dataspace:action"));
        if !is_narrowed && dice.roll(3) == 0 {
            all = vec![json!({ member(dice, "and"): all })];
        } else {
            dice.shuffle(&mut all);
        }
        rewritten.insert(member(dice, "constraint"), list(dice, all));
    }
    let action = if action == "use" { "odrl:use" } else { action };
    let action = renamed(dice, action);
    let action = maybe_id(dice, &action);
    rewritten.insert(member(dice, "action"), list(dice, vec![action]));
    Value::Object(rewritten)
}

/// Another document that means the same.
fn rewritten(terms: &Terms, seed: u64) -> Value {
    let (mut dice, odrl) = (Dice(seed), to_odrl(terms));
    let mut document = Map::new();
    for name in ["obligation", "prohibition", "permission"] {
        if let Some(rules) = odrl.get(name) {
            let mut rules: Vec<_> =
                rules.as_array().unwrap().iter().map(|one| rule(&mut dice, one)).collect();
            dice.shuffle(&mut rules);
            if dice.roll(4) == 0
                && rules[0].to_string().contains("onstraint")
                && name != "obligation"
            {
                rules.push(rules[0].clone());
            }
            let (name, rules) = (member(&mut dice, name), list(&mut dice, rules));
            document.insert(name, rules);
        }
    }
    document.insert("@type".to_owned(), json!("Offer"));
    document.insert("@id".to_owned(), json!("urn:uuid:1"));
    Value::Object(document)
}

proptest! {
    #[test]
    fn documents_that_mean_the_same_have_one_digest(
        terms in arbitrary::terms(),
        seed in any::<u64>(),
    ) {
        let (plain, other) = (to_odrl(&terms).to_string(), rewritten(&terms, seed).to_string());
        let (plain_digest, other_digest) = (odrl_digest(&plain), odrl_digest(&other));
        // More arrays and parts may be more than are read.
        let is_too_much = |kind: &OdrlErrorKind| {
            let is_nested = matches!(kind, OdrlErrorKind::Terms(InvalidTerms::Nesting { .. }));
            is_nested || *kind == OdrlErrorKind::TooDeep
        };
        if !other_digest.as_ref().is_err_and(|error| is_too_much(&error.kind)) {
            prop_assert_eq!(plain_digest, other_digest, "{}\n{}", plain, other);
        }
    }

    #[test]
    fn one_rule_more_and_whether_it_permits_or_forbids_is_in_the_digest(
        terms in arbitrary::terms(),
    ) {
        let purpose = Constraint::Purpose(["only here".parse().unwrap()].into());
        let rule = Rule::new([Action::Play]).when(purpose);
        let of = |terms: &Terms| odrl_digest(&to_odrl(terms).to_string()).unwrap();
        let (permitted, forbidden) = (terms.clone().permit(rule.clone()), terms.clone().prohibit(rule));
        prop_assert_ne!(of(&terms), of(&permitted));
        prop_assert_ne!(of(&terms), of(&forbidden));
        prop_assert_ne!(of(&permitted), of(&forbidden));
    }
}

/// Documents of one constraint, no two of which mean the same.
#[test]
fn constraints_that_differ_in_meaning_have_different_digests() {
    let c = |left: &str, operator: &str, right: Value| json!({ "leftOperand": left, "operator": operator, "rightOperand": right });
    let (a, b) = (c("purpose", "eq", json!("a")), c("count", "lteq", json!(2)));
    let all = [
        a.clone(),
        b.clone(),
        c("purpose", "neq", json!("a")),
        c("purpose", "eq", json!("A")),
        c("purpose", "eq", json!("b")),
        c("purpose", "isAnyOf", json!(["a", "b"])),
        c("purpose", "isNoneOf", json!(["a", "b"])),
        c("purpose", "isPartOf", json!("a")),
        c("event", "eq", json!("a")),
        c("dataspace:role", "eq", json!("a")),
        c("dataspace:personRole", "eq", json!("a")),
        c("dataspace:attribute/a", "eq", json!("a")),
        c("dataspace:attribute/b", "eq", json!("a")),
        c("count", "lt", json!(2)),
        c("count", "lteq", json!(3)),
        c("dataspace:dayCount", "lteq", json!(2)),
        c("dateTime", "lt", json!("2026-01-01T00:00:00Z")),
        c("dateTime", "lteq", json!("2026-01-01T00:00:00Z")),
        c("dateTime", "gt", json!("2026-01-01T00:00:00Z")),
        c("dateTime", "gteq", json!("2026-01-01T00:00:00Z")),
        c("dateTime", "gteq", json!("2026-01-01T00:00:00+01:00")),
        json!({ "and": [a, b] }),
        json!({ "or": [a, b] }),
        json!({ "xone": [a, b] }),
        json!({ "xone": [a, b, b] }),
        c("dataspace:not", "eq", b.clone()),
        json!({ "xone": [{ "xone": [a, b] }, b] }),
    ];
    let mut digests = std::collections::BTreeMap::new();
    for constraint in all {
        let document = json!({ "permission": [{ "action": "use", "constraint": [constraint] }] });
        let digest = odrl_digest(&document.to_string()).unwrap();
        if let Some(other) = digests.insert(digest, constraint.clone()) {
            panic!("{other} and {constraint}");
        }
    }
}

#[test]
fn of_and_in_and_or_in_or_and_rules_of_several_actions_one_digest() {
    let (a, b, c) = (
        json!({ "leftOperand": "purpose", "operator": "eq", "rightOperand": "a" }),
        json!({ "leftOperand": "count", "operator": "lt", "rightOperand": 3 }),
        json!({ "leftOperand": "event", "operator": "eq", "rightOperand": "fair" }),
    );
    let of = |rules: Value| odrl_digest(&json!({ "permission": rules }).to_string()).unwrap();
    let with = |constraint: Value| of(json!({ "action": "use", "constraint": constraint }));
    assert_eq!(with(json!([a, b, c])), with(json!({ "and": [{ "and": [c, a] }, b] })));
    assert_eq!(with(json!({ "or": [a, b, c] })), with(json!({ "or": [{ "or": [c, a] }, b, b] })));
    let two = json!([{ "action": "read", "constraint": a }, { "action": "play", "constraint": a }]);
    assert_eq!(of(two), of(json!({ "action": ["play", "read"], "constraint": [a] })));
}
