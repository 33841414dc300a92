//! Documents that try to be read as something else, or to cost much.

use dataspace_odrl::{
    OdrlPolicy,
    error::OdrlErrorKind,
    limits::{ODRL_DEPTH_MAX, ODRL_LEN_MAX},
};
use serde_json::json;

use crate::support::from_odrl;
use crate::vectors::kind;

fn refusal(text: &str) -> (String, String) {
    let error = from_odrl(text).unwrap_err();
    (error.pointer.clone(), kind(&error))
}

fn at(pointer: &str, kind: &str) -> (String, String) {
    (pointer.to_owned(), kind.to_owned())
}

#[test]
fn a_member_that_stands_twice_is_refused_wherever_it_is() {
    let twice = r#"{"permission":[{"action":"odrl:read","action":"use"}]}"#;
    assert_eq!(refusal(twice), at("/permission/0/action", "DuplicateMember"));
    let escaped = r#"{"permission":[{"action":"use"}],"permissi\u006fn":[]}"#;
    assert_eq!(refusal(escaped), at("/permission", "DuplicateMember"));
    let alias = r#"{"permission":[{"action":"use"}],"http://www.w3.org/ns/odrl/2/permission":[]}"#;
    assert_eq!(
        refusal(alias),
        at("/http:~1~1www.w3.org~1ns~1odrl~12~1permission", "DuplicateMember")
    );
    let value = r#"{"permission":[{"action":"use","constraint":[{"leftOperand":"count",
        "operator":"lteq","rightOperand":{"@value":"1","@value":"9"}}]}]}"#;
    assert_eq!(
        refusal(value),
        at("/permission/0/constraint/0/rightOperand/@value", "DuplicateMember")
    );
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    for text in [
        "",
        " ",
        "{",
        "[}",
        "{\"a\":1,}",
        "nul",
        "{}{}",
        "{} x",
        "NaN",
        "\"\\ud800\"",
        "{'a':1}",
        "01",
    ] {
        assert_eq!(refusal(text), at("", "Syntax"), "{text}");
    }
    let Err(error) = from_odrl("{\n  \"a\": ?") else { panic!() };
    assert_eq!(error.kind, OdrlErrorKind::Syntax { line: 2, column: 8 });
}

#[test]
fn no_other_value_than_an_object_is_a_policy() {
    for text in ["null", "1", "\"a\"", "[]", "true", "1e400000"] {
        let (pointer, kind) = refusal(text);
        assert_eq!(pointer, "", "{text}");
        assert!(kind == "Value" || kind == "Syntax", "{text}: {kind}");
    }
}

#[test]
fn depth_is_bounded_and_costs_nothing() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let text = format!("{{\"@context\":{}}}", nested(ODRL_DEPTH_MAX));
    let (pointer, kind) = refusal(&text);
    assert_eq!(kind, "TooDeep");
    assert_eq!(pointer, format!("/@context{}", "/0".repeat(ODRL_DEPTH_MAX - 1)));
    // Far beyond what recursion could stand.
    assert_eq!(refusal(&nested(ODRL_LEN_MAX / 2)).1, "TooDeep");
    let objects = "{\"a\":".repeat(40_000);
    assert_eq!(refusal(&objects).1, "Syntax");
    let not = r#"{"leftOperand":"dataspace:not","operator":"eq","rightOperand":"#;
    let nots = format!("{}1{}", not.repeat(1000), "}".repeat(1000));
    let text = format!(r#"{{"permission":{{"action":"use","constraint":{nots}}}}}"#);
    assert_eq!(refusal(&text).1, "TooDeep");
}

#[test]
fn a_long_name_around_many_values_costs_no_product_of_both() {
    let text = format!("{{\"{}\":[{}0]}}", "n".repeat(125_000), "0,".repeat(60_000));
    assert_eq!(refusal(&text).1, "UnknownMember");
}

#[test]
fn length_is_bounded() {
    let text = format!("{{}}{}", " ".repeat(ODRL_LEN_MAX - 2));
    assert_eq!(refusal(&text).1, "Terms");
    let text = format!("{text} ");
    assert_eq!(refusal(&text), at("", "TooLong"));
}

#[test]
fn many_rules_values_or_constraints_are_refused() {
    let many = |count: usize, one: serde_json::Value| vec![one; count];
    let rules = json!({ "permission": many(65, json!({ "action": "use" })) });
    assert_eq!(refusal(&rules.to_string()), at("", "Terms"));
    let with = |constraint: serde_json::Value| {
        json!({ "permission": { "action": "use", "constraint": constraint } }).to_string()
    };
    let one = json!({ "leftOperand": "dataspace:sandbox", "operator": "eq", "rightOperand": true });
    let all = with(json!({ "or": many(2000, one) }));
    assert_eq!(refusal(&all), at("/permission", "Terms"));
    let values: Vec<_> = (0..20_000).map(|i| i.to_string()).collect();
    let all =
        json!({ "leftOperand": "dataspace:role", "operator": "isAllOf", "rightOperand": values });
    assert_eq!(refusal(&with(all)), at("/permission", "Terms"));
    let flags = "[".to_owned() + &"{},".repeat(60_000) + "{}]";
    let text = format!(r#"{{"permission":{{"action":"use","constraint":{flags}}}}}"#);
    assert_eq!(refusal(&text), at("/permission/constraint/0", "Missing"));
}

#[test]
fn a_term_that_nobody_evaluates_is_true_in_no_alternative() {
    let open =
        json!({ "leftOperand": "cx-policy:Liability", "operator": "eq", "rightOperand": "x" });
    let closed = json!({ "leftOperand": "count", "operator": "lteq", "rightOperand": 1 });
    for inside in [
        json!({ "or": [closed, { "and": [open] }] }),
        json!({ "and": [closed, { "or": [open] }] }),
        json!({ "xone": open }),
        json!({ "and": { "and": {
            "leftOperand": "dataspace:not", "operator": "eq", "rightOperand": open,
        } } }),
    ] {
        let document = json!({ "permission": { "action": "use", "constraint": inside } });
        assert_eq!(refusal(&document.to_string()).1, "LegalInside", "{document}");
    }
}

#[test]
fn what_else_the_document_says_is_not_lost() {
    let document = json!({
        "@context": "https://w3id.org/dspace/2025/1/context.jsonld",
        "@type": "Agreement",
        "@id": "urn:uuid:e8dc8655-44c2-46ef-b701-4cffdc2faa44",
        "target": "urn:uuid:3dd1add4-4d2d-569e-d634-8394a8836d23",
        "assigner": "did:web:provider.example",
        "assignee": { "@id": "did:web:consumer.example" },
        "timestamp": "2023-01-01T01:00:00Z",
        "permission": [{ "action": "use" }],
    });
    let policy = OdrlPolicy::parse(&document.to_string()).unwrap();
    assert_eq!(policy.kind, Some(dataspace_odrl::OdrlKind::Agreement));
    assert_eq!(policy.id.as_deref(), Some("urn:uuid:e8dc8655-44c2-46ef-b701-4cffdc2faa44"));
    assert_eq!(policy.target.as_deref(), Some("urn:uuid:3dd1add4-4d2d-569e-d634-8394a8836d23"));
    assert_eq!(policy.assigner.as_deref(), Some("did:web:provider.example"));
    assert_eq!(policy.assignee.as_deref(), Some("did:web:consumer.example"));
    assert_eq!(policy.timestamp.unwrap().to_string(), "2023-01-01T01:00:00Z");
}

#[test]
fn an_error_says_where_and_why() {
    let document = json!({ "permission": [{ "action": "use", "constraint": [
        { "leftOperand": "purpose", "operator": "eq", "rightOperand": "research" },
        { "leftOperand": "odrl:industry", "operator": "eq", "rightOperand": "steel" },
    ] }] });
    let error = from_odrl(&document.to_string()).unwrap_err();
    assert_eq!(
        format!("{error}: {}", std::error::Error::source(&error).unwrap()),
        "the ODRL document is refused at `/permission/0/constraint/1/leftOperand`: \
         this left operand is not understood here"
    );
}
