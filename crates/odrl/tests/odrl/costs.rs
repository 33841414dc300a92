//! What it costs to read or refuse a document, whatever stands in it.

use allocation_counter::measure;
use dataspace_odrl::{limits::ODRL_LEN_MAX, odrl_digest};

/// Bytes at once.
const MEMORY_MAX: u64 = 10_000_000;
/// As a measure of time that does not depend on the machine: a document of the largest size has
/// as many values as this at most.
const ALLOCATIONS_MAX: u64 = 250_000;

/// As many repetitions as fit, between a beginning and an end.
fn filled(begin: &str, part: &str, end: &str) -> String {
    let room = ODRL_LEN_MAX - begin.len() - end.len();
    let many = part.repeat(room / part.len());
    format!("{begin}{}{end}", many.strip_suffix(',').unwrap_or(&many))
}

fn hostile() -> Vec<(&'static str, String)> {
    let name = "n".repeat(100_000);
    let constraint = r#"{"permission":{"action":"use","constraint":["#;
    let right = r#"{"permission":{"action":"use","constraint":{"leftOperand":"dataspace:role","operator":"isAnyOf","rightOperand":["#;
    let filter = r#"{"permission":{"action":"use"},"obligation":{"action":"dataspace:filter","constraint":[{"leftOperand":"dataspace:column","operator":"eq","rightOperand":"c"},{"leftOperand":"dataspace:value","operator":"isAnyOf","rightOperand":["#;
    let atomic = r#"{"leftOperand":"count","operator":"lteq","rightOperand":1},"#;
    let under = format!(r#"{{"{name}":["#);
    let long_right = format!(
        r#"{{"permission":{{"action":"use","constraint":{{"leftOperand":"{name}","operator":"eq","rightOperand":["#
    );
    vec![
        ("numbers", filled("[", "0,", "]")),
        ("texts", filled("[", "\"\",", "]")),
        ("escapes", filled("[", "\"\\n\",", "]")),
        ("objects", filled("[", "{},", "]")),
        ("arrays", filled("[", "[],", "]")),
        ("nested", filled("[", "[[[[[[[[]]]]]]]],", "]")),
        ("nulls in a rule", filled(r#"{"permission":["#, "null,", "]}")),
        ("one name", filled("{", "\"\":0,", "}")),
        ("under a long name", filled(&under, "0,", "]}")),
        ("texts under a long name", filled(&under, "\"a\",", "]}")),
        ("constraints", filled(constraint, atomic, "]}}")),
        ("empty constraints", filled(constraint, "{},", "]}}")),
        ("alternatives", filled(constraint, "{\"or\":[{}]},", "]}}")),
        ("values", filled(right, "\"a\",", "]}}}")),
        ("typed values", filled(right, "{\"@value\":\"a\"},", "]}}}")),
        ("values under a long operand", filled(&long_right, "\"a\",", "]}}}")),
        ("filter of texts", filled(filter, "\"a\",", "]}]}}")),
        ("filter of numbers", filled(filter, "1,", "]}]}}")),
        (
            "filter of decimals",
            filled(filter, r#"{"@value":"1.5","@type":"xsd:decimal"},"#, "]}]}}"),
        ),
        (
            "obligations",
            filled(
                r#"{"permission":{"action":"use"},"obligation":["#,
                r#"{"action":"dataspace:log"},"#,
                "]}",
            ),
        ),
        ("actions", filled(r#"{"permission":{"action":["#, "\"use\",", "]}}")),
        ("contexts", filled(r#"{"@context":["#, "\"http://www.w3.org/ns/odrl.jsonld\",", "]}")),
        ("prefixes", {
            let all: Vec<_> = (0..20_000).map(|i| format!("\"{i}\":\"a\"")).collect();
            format!(r#"{{"@context":{{{}}}}}"#, all.join(","))
        }),
        ("members", {
            let all: Vec<_> = (0..20_000).map(|i| format!("\"{i}\":0")).collect();
            format!("{{{}}}", all.join(","))
        }),
        ("values that all differ", {
            let all: Vec<_> = (0..24_000).map(|i| format!("\"{i}\"")).collect();
            format!("{right}{}]}}}}}}", all.join(","))
        }),
        (
            "regions",
            filled(
                r#"{"permission":{"action":"use","constraint":{"leftOperand":"spatial","operator":"isAnyOf","rightOperand":["#,
                "\"EEA\",",
                "]}}}",
            ),
        ),
        ("rules", filled(r#"{"permission":["#, r#"{"action":"use"},"#, "]}")),
        ("targets", filled(r#"{"permission":["#, r#"{"target":"a","action":"use"},"#, "]}")),
    ]
}

#[test]
fn whatever_stands_in_a_document_costs_little() {
    let mut dear = Vec::new();
    for (what, text) in hostile() {
        assert!(text.len() <= ODRL_LEN_MAX, "{what}: {}", text.len());
        let mut is_read = false;
        let taken = measure(|| is_read = odrl_digest(&text).is_ok());
        if taken.bytes_max > MEMORY_MAX || taken.count_total > ALLOCATIONS_MAX {
            dear.push(format!(
                "{what}: {} bytes at once, {} allocations, read: {is_read}",
                taken.bytes_max, taken.count_total
            ));
        }
    }
    assert!(dear.is_empty(), "{}", dear.join("\n"));
}
