//! Views of JSON documents: what is hidden cannot be had, and what cannot be carried out is refused.

use dataspace_data_plane::document::OpenDocumentError;
use dataspace_data_plane::errors::PlanError;
use dataspace_data_plane::product::Version;
use dataspace_data_plane::{Document, Piece, Product};
use dataspace_policy::duty::{CalendarPart, Characters};
use dataspace_policy::{Duty, KeptColumns, MaskMethod, Operator, Rule, Terms};
use dataspace_primitives::Part;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{CONTRACT, filter, key, mask, number, text};

const PASSPORT: &str = r#"{
  "id": "urn:uuid:550e8400", "issueDate": "2024-02-29", "moment": "2024-02-29T13:47:59Z",
  "serial": [{"key": "part", "value": "SN12345678"}, {"key": "batch", "value": "BID1"}],
  "size": {"weight": 20.25, "cells": 47, "place": {"lat": 48.13743}}, "none": null
}"#;

fn keep(pointers: &[&str]) -> Duty {
    let columns = pointers.iter().map(|pointer| pointer.parse().unwrap()).collect();
    Duty::Keep(KeptColumns { columns })
}

fn open(document: &str, duties: &[Duty]) -> String {
    let document = Document::from_bytes(document.as_bytes()).unwrap();
    document.check(duties).unwrap();
    let mut delivery = document.open(duties, None, &key(1), CONTRACT).unwrap();
    let mut all = Vec::new();
    while let Some(piece) = delivery.next().unwrap() {
        let Piece::Bytes { at, bytes } = piece else { panic!("rows") };
        assert_eq!(usize::try_from(at).unwrap(), all.len());
        all.extend_from_slice(&bytes);
    }
    String::from_utf8(all).unwrap()
}

fn view(duties: &[Duty]) -> Value {
    serde_json::from_str(&open(PASSPORT, duties)).unwrap()
}

fn error(duties: &[Duty]) -> PlanError {
    Document::from_bytes(PASSPORT.as_bytes()).unwrap().check(duties).unwrap_err()
}

#[test]
fn without_duties_the_same_document_leaves() {
    assert_eq!(view(&[]), serde_json::from_str::<Value>(PASSPORT).unwrap());
}

#[test]
fn only_the_parts_that_are_listed_leave() {
    assert_eq!(
        view(&[keep(&["/id", "/size/weight"])]),
        json!({
            "id": "urn:uuid:550e8400", "size": {"weight": 20.25},
        })
    );
    assert_eq!(
        view(&[keep(&["/serial/*/key"])]),
        json!({
            "serial": [{"key": "part"}, {"key": "batch"}],
        })
    );
    assert_eq!(
        view(&[keep(&["/serial/1"])]),
        json!({"serial": [{"key": "batch", "value": "BID1"}]})
    );
    // A part within one that is listed changes nothing.
    assert_eq!(view(&[keep(&["/size", "/size/cells"])]), view(&[keep(&["/size"])]));
}

#[test]
fn parts_are_removed_emptied_and_coarsened() {
    let view = view(&[
        mask("/id", MaskMethod::Drop),
        mask("/issueDate", MaskMethod::Calendar { part: CalendarPart::Month }),
        mask("/moment", MaskMethod::Calendar { part: CalendarPart::Hour }),
        mask("/serial/*/value", MaskMethod::Redact { characters: Characters::Digits }),
        mask("/size/weight", MaskMethod::Round { decimals: 0 }),
        mask("/size/cells", MaskMethod::Bin { width: 10 }),
        mask("/size/place/lat", MaskMethod::Grid { cells: 10 }),
        mask("/none", MaskMethod::Hash),
    ]);
    assert_eq!(
        view,
        json!({
            "issueDate": "2024-02-01", "moment": "2024-02-29T13:00:00Z",
            "serial": [{"key": "part", "value": "SN########"}, {"key": "batch", "value": "BID#"}],
            "size": {"weight": 20, "cells": 40, "place": {"lat": 48.15}}, "none": null,
        })
    );
}

#[test]
fn how_a_hidden_number_is_written_does_not_show() {
    let masked = |number: &str, method: &MaskMethod| {
        let document = format!(r#"{{"a": {number}}}"#);
        open(&document, &[mask("/a", method.clone())])
    };
    for (method, numbers, expected) in [
        (MaskMethod::Constant(number("12")), ["5", "5.5", "-3e2"], r#"{"a":12}"#),
        (MaskMethod::Constant(number("0.5")), ["5", "5.5", "0"], r#"{"a":0.5}"#),
        (MaskMethod::Round { decimals: 0 }, ["3", "2.9", "3.1"], r#"{"a":3}"#),
        (MaskMethod::Round { decimals: 1 }, ["3", "2.99", "3.01"], r#"{"a":3}"#),
        (MaskMethod::Bin { width: 10 }, ["40", "40.5", "49.99"], r#"{"a":40}"#),
        (MaskMethod::Grid { cells: 1 }, ["48", "48.1", "48.9"], r#"{"a":48.5}"#),
    ] {
        for number in numbers {
            assert_eq!(masked(number, &method).trim(), expected, "{method:?} {number}");
        }
    }
}

#[test]
fn an_item_that_is_removed_does_not_move_the_others() {
    let view = view(&[mask("/serial/0", MaskMethod::Drop)]);
    assert_eq!(view["serial"], json!([null, {"key": "batch", "value": "BID1"}]));
}

#[test]
fn pseudonyms_are_of_the_contract_and_the_part() {
    let hashed = |pointer: &str| view(&[mask(pointer, MaskMethod::Hash)]);
    let id = hashed("/id")["id"].as_str().unwrap().to_owned();
    assert!(mask("/id", MaskMethod::Hash).allows(&id), "{id}");
    assert_eq!(id, hashed("/id")["id"].as_str().unwrap());
    let twins = r#"{"a": "x", "b": "x"}"#;
    let duties = [mask("/a", MaskMethod::Hash), mask("/b", MaskMethod::Hash)];
    let twins: Value = serde_json::from_str(&open(twins, &duties)).unwrap();
    assert_ne!(twins["a"], twins["b"]);
}

#[test]
fn what_cannot_be_carried_out_is_refused() {
    let column = |column: &str| column.to_owned();
    for pointer in ["/missing", "id", "", "/serial/2", "/serial/00", "/serial/-", "/id/x", "/id~2"]
    {
        if pointer.is_empty() {
            continue;
        }
        let expected = PlanError::UnknownColumn { clause: 0, column: column(pointer) };
        assert_eq!(error(&[keep(&[pointer])]), expected, "{pointer}");
        let error = error(&[mask(pointer, MaskMethod::Null)]);
        let is_other_shape = matches!(error, PlanError::ColumnType { .. });
        assert!(error == expected || is_other_shape, "{pointer}: {error}");
    }
    for (pointer, method) in [
        ("/id", MaskMethod::Round { decimals: 0 }),
        ("/id", MaskMethod::Calendar { part: CalendarPart::Year }),
        ("/size", MaskMethod::Hash),
        ("/size/cells", MaskMethod::Truncate { chars: 1 }),
        ("/id", MaskMethod::Grid { cells: 1 }),
    ] {
        let error = error(&[mask(pointer, method)]);
        assert!(matches!(error, PlanError::ColumnType { .. }), "{pointer}: {error}");
    }
    assert_eq!(
        error(&[filter("/id", Operator::Eq, vec![text("x")])]),
        PlanError::NoRows { clause: 0 }
    );
    assert_eq!(
        error(&[keep(&["/id"]), keep(&["/id"])]),
        PlanError::SecondKeep { clause: 1, first: 0 }
    );
    for (first, second) in [("/serial", "/serial/0"), ("/serial/*/value", "/serial/0/value")] {
        let duties = [mask(first, MaskMethod::Null), mask(second, MaskMethod::Null)];
        let expected = PlanError::Overlap { clause: 1, column: column(second) };
        assert_eq!(error(&duties), expected);
    }
}

#[test]
fn pointers_that_lead_past_too_many_values_are_refused() {
    let row = format!("[{}1]", "1,".repeat(499));
    let text = format!("[{}{row}]", format!("{row},").repeat(499));
    let document = Document::from_bytes(text.as_bytes()).unwrap();
    let pointers: Vec<String> = (0..8).map(|number| format!("/*/*/a{number}")).collect();
    let pointers: Vec<&str> = pointers.iter().map(String::as_str).collect();
    let error = document.check(&[keep(&pointers)]).unwrap_err();
    assert!(
        matches!(error, PlanError::TooManyParts { .. } | PlanError::UnknownColumn { .. }),
        "{error}"
    );
    assert!(document.check(&[mask("/*/0", MaskMethod::Null)]).is_ok());
    let wide = format!("[{{\"a\":0}}{}]", ",0".repeat(200_000));
    let pointers: Vec<String> = (0..1_024).map(|number| format!("/*/a{number}")).collect();
    let pointers: Vec<&str> =
        pointers.iter().map(String::as_str).chain(["/*/a"]).take(1_024).collect();
    assert!(Document::from_bytes(wide.as_bytes()).unwrap().check(&[keep(&pointers)]).is_err());
}

#[test]
fn a_value_of_another_shape_does_not_leave_as_it_is() {
    let mixed = br#"{"c": [{"s": {"v": "S1"}}, {"s": "S2"}], "d": {"s": "S3"}}"#;
    let document = Document::from_bytes(mixed).unwrap();
    for pointer in ["/c/*/s/v", "/d/*", "/c/s"] {
        let error = document.check(&[mask(pointer, MaskMethod::Hash)]).unwrap_err();
        assert!(matches!(error, PlanError::ColumnType { .. }), "{pointer}: {error}");
    }
}

#[test]
fn more_values_than_are_kept_in_memory_are_refused() {
    let many = format!("[{}0]", "{\"\":0},".repeat(1 << 18));
    let opened = Document::from_bytes(many.as_bytes());
    assert!(matches!(opened, Err(OpenDocumentError::TooManyValues)));
}

#[test]
fn nothing_that_is_said_of_a_document_tells_what_is_hidden() {
    let version = |text: &str, duties: &[Duty]| {
        let document = Document::from_bytes(text.as_bytes()).unwrap();
        let delivery = document.open(duties, None, &key(1), CONTRACT).unwrap();
        (document.descriptor_digest(), delivery.version().unwrap())
    };
    let duties = [mask("/id", MaskMethod::Drop)];
    let (one, version_one) = version(r#"{"id": "SN1", "a": 1}"#, &duties);
    let (other, _) = version(r#"{"id": "SN2", "a": 1}"#, &duties);
    assert_eq!(one, other, "the descriptor is the shape");
    assert!(matches!(version_one, Version::State(_)), "a node shows it under its own key");
    assert!(matches!(version("[1]", &[]).1, Version::Content(_)));
}

#[test]
fn rows_and_ranges_of_a_document_are_no_parts() {
    let document = Document::from_bytes(PASSPORT.as_bytes()).unwrap();
    let rows = Part::Rows { columns: None, rows_max: Some(1) };
    for part in [rows, Part::Bytes { from: 0, until: 1 }] {
        assert!(document.open(&[], Some(&part), &key(1), CONTRACT).is_err());
    }
}

#[test]
fn json_that_says_two_things_is_refused() {
    let deep = "[".repeat(200) + &"]".repeat(200);
    for bad in [
        r#"{"a": 1, "a": 2}"#,
        r#"{"a": {"b": 1, "b": 1}}"#,
        "{",
        "",
        "[1,]",
        "NaN",
        "01",
        "\u{feff}1",
        "123456789012345678901234567890",
        "1e400",
        "\"\\ud800\"",
        "1 2",
        &deep,
    ] {
        let opened = Document::from_bytes(bad.as_bytes());
        assert!(matches!(opened, Err(OpenDocumentError::Json(_))), "{bad}");
    }
    let long = vec![b' '; (16 << 20) + 1];
    assert!(matches!(Document::from_bytes(&long), Err(OpenDocumentError::TooLong { .. })));
}

#[test]
fn a_document_of_another_shape_is_another_product() {
    let digest = |text: &str| Document::from_bytes(text.as_bytes()).unwrap().descriptor_digest();
    assert_eq!(digest(r#"{"a": [1, 2]}"#), digest(r#"{ "a": [3.5] }"#));
    for other in [r#"{"a": ["x"]}"#, r#"{"b": [1]}"#, r#"{"a": [1, "x"]}"#, r#"{"a": 1}"#, "[[1]]"]
    {
        assert_ne!(digest(r#"{"a": [1]}"#), digest(other), "{other}");
    }
}

#[test]
fn terms_take_masks_of_what_lies_in_a_kept_part() {
    let terms = |pointer: &str| {
        let rule = Rule::new([dataspace_policy::Action::Read]);
        let terms = Terms::new().permit(rule).duty(keep(&["/serial"]));
        terms.duty(mask(pointer, MaskMethod::Null)).check().is_ok()
    };
    assert!(terms("/serial/0/value"));
    assert!(!terms("/serials"));
    assert!(!terms("/id"));
}

/// Any JSON with a secret somewhere under the name `secret`.
fn document(secret: &'static str) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z]{0,4}".prop_map(Value::from),
        Just(Value::from(secret)),
    ];
    let any = leaf.prop_recursive(4, 32, 4, |inner| {
        let name = prop_oneof![Just("open".to_owned()), "[a-z~/]{1,3}".prop_map(|name| name)];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    (any.clone(), "[a-z]{0,4}")
        .prop_map(|(hidden, open)| json!({"secret": hidden, "open": {"a": open}}))
}

proptest! {
    #[test]
    fn what_is_hidden_changes_nothing_that_leaves(
        one in document("one"), other in document("other"),
        hide in prop_oneof![Just(MaskMethod::Drop), Just(MaskMethod::Null)],
    ) {
        let mut same = other;
        same["open"] = one["open"].clone();
        let view = |document: &Value, duties: &[Duty]| open(&document.to_string(), duties);
        let masked = [mask("/secret", hide)];
        prop_assert_eq!(view(&one, &masked), view(&same, &masked));
        let kept = [keep(&["/open"])];
        prop_assert_eq!(view(&one, &kept), view(&same, &kept));
    }

    #[test]
    fn any_document_comes_back_as_it_was(document in document("x")) {
        let again: Value = serde_json::from_str(&open(&document.to_string(), &[])).unwrap();
        prop_assert_eq!(again, document);
    }
}
