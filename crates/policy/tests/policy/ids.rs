//! The usage classes of the International Data Spaces, from `vectors/ids`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use dataspace_policy::{
    Facts, Terms, Uses,
    facts::{Environment, Person},
};
use dataspace_primitives::Name;
use serde_json::Value;

use crate::support::{Decision, Told as _, at, facts, name, program, scope};

const CLASSES: [&str; 17] = [
    "application",
    "connector",
    "count",
    "delete-after",
    "distribute",
    "duration",
    "event",
    "interval",
    "location",
    "log",
    "modify-at-rest",
    "modify-in-transit",
    "notify",
    "purpose",
    "role",
    "security-level",
    "state",
];

fn directory() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "vectors", "ids"].iter().collect()
}

fn vector(class: &str) -> Value {
    let text = std::fs::read_to_string(directory().join(class).with_extension("json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn terms(vector: &Value) -> Terms {
    let terms: Terms = serde_json::from_value(vector["terms"].clone()).unwrap();
    assert_eq!(serde_json::to_value(&terms).unwrap(), vector["terms"], "another spelling");
    terms
}

/// Kept to the end of the tests.
fn text(value: &Value) -> &'static str {
    value.as_str().unwrap().to_owned().leak()
}

fn names(value: &Value) -> &'static BTreeSet<Name> {
    let all = value.as_array().unwrap().iter().map(|one| name(one.as_str().unwrap()));
    Box::leak(Box::new(all.collect()))
}

fn environment(value: &Value) -> Environment<'static> {
    assert_eq!(value.as_object().unwrap().len(), 6);
    Environment {
        id: text(&value["id"]),
        attested: value["attested"].as_bool(),
        sandbox: value["sandbox"].as_bool().unwrap(),
        security_level: value["securityLevel"].as_u64().unwrap().try_into().unwrap(),
        connector: text(&value["connector"]),
        application: text(&value["application"]),
    }
}

/// The usual facts, but for what the vector says.
fn changed(changes: &Value) -> Facts<'static> {
    let usual = facts();
    let mut facts = Facts { uses: Uses::default(), ..usual };
    for (fact, value) in changes.as_object().unwrap() {
        let number = || value.as_u64().unwrap();
        match fact.as_str() {
            "action" => facts.action = text(value).parse().unwrap(),
            "purpose" => facts.purpose = text(value),
            "purposes" => facts.purposes = names(value),
            "region" => facts.region = text(value).parse().unwrap(),
            "recipientRegion" => facts.recipient_region = Some(text(value).parse().unwrap()),
            "roles" => facts.roles = names(value),
            "person" => {
                let (id, roles) = (text(&value["id"]), names(&value["roles"]));
                facts.person = Some(Person { id, roles });
            }
            "environment" => facts.environment = Some(environment(value)),
            "level" => facts.product_level = Some(number().try_into().unwrap()),
            "credentials" => facts.credentials = names(value),
            "attributes" => {
                let all = value.as_object().unwrap().iter();
                let all = all.map(|(key, value)| (name(key), name(text(value))));
                facts.attributes = Box::leak(Box::new(all.collect()));
            }
            "events" => facts.events = Some(names(value)),
            "state" => facts.state = Some(text(value)),
            "now" => facts.now = at(text(value)),
            "agreedAt" => facts.agreed_at = at(text(value)),
            "uses" => facts.uses.contract = number(),
            "usesByConsumer" => facts.uses.consumer = number(),
            "usesToday" => facts.uses.today = number(),
            "usesThisMonth" => facts.uses.this_month = number(),
            other => panic!("no such fact: {other}"),
        }
    }
    facts
}

#[test]
fn there_is_a_vector_for_each_class_and_none_besides() {
    let mut found: Vec<_> = std::fs::read_dir(directory())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let files =
        CLASSES.iter().flat_map(|class| [format!("{class}.cedar"), format!("{class}.json")]);
    let expected: Vec<_> = ["README.md".to_owned()].into_iter().chain(files).collect();
    assert_eq!(found, expected);
}

#[test]
fn each_class_becomes_the_cedar_text_of_its_vector() {
    for class in CLASSES {
        let found = terms(&vector(class)).to_cedar(&scope()).unwrap();
        let path = directory().join(class).with_extension("cedar");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &found).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), found, "{class}");
    }
}

#[test]
fn each_class_is_permitted_and_denied_as_its_vector_says() {
    for class in CLASSES {
        let vector = vector(class);
        let program = program(&terms(&vector));
        for (list, expected) in [("permits", true), ("denies", false)] {
            let all = vector[list].as_array().unwrap();
            assert!(!all.is_empty(), "{class} {list}");
            for changes in all {
                let facts = changed(changes);
                let decision = program.told(&facts, None);
                let is_permitted = matches!(decision, Decision::Permit(_));
                assert_eq!(is_permitted, expected, "{class} {changes}");
            }
        }
    }
}

#[test]
fn each_class_has_the_label_of_its_vector() {
    for class in CLASSES {
        let vector = vector(class);
        let clauses = terms(&vector).clauses();
        let clause = clauses.iter().find(|one| one.id.to_string() == text(&vector["clause"]));
        assert_eq!(clause.unwrap().assurance.to_string(), text(&vector["label"]), "{class}");
    }
}
