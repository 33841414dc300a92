//! Constants and broader values in place of values: nothing else of the column leaves.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array as _, ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    Float32Array, Float64Array, Int8Array, Int64Array, StringArray, TimestampMillisecondArray,
    UInt64Array,
};
use arrow_schema::DataType;
use dataspace_data_plane::{Document, Piece, Product};
use dataspace_policy::duty::{BROADER_MAX, Broader, InvalidDuty};
use dataspace_policy::{Duty, MaskMethod, Scalar};

use crate::common::{CONTRACT, apply, batch, compile, holds_bytes, key, mask, number, rows, text};

fn constant(value: Scalar) -> Duty {
    mask("c", MaskMethod::Constant(value))
}

fn generalise(values: &[(&str, &str)], others: &str) -> Duty {
    let name = |text: &str| text.parse().unwrap();
    let values = values.iter().map(|(value, broader)| (name(value), name(broader))).collect();
    mask("c", MaskMethod::Generalise(Broader { values, others: name(others) }))
}

/// The cells that leave. A consumer would accept each of them.
fn left(duty: &Duty, column: ArrayRef) -> Vec<String> {
    let out = rows(&apply(std::slice::from_ref(duty), &batch(vec![("c", column)])));
    out.into_iter()
        .map(|cell| if cell == "\"\"" { String::new() } else { cell })
        .inspect(|cell| assert!(duty.allows(cell), "{duty}: {cell}"))
        .collect()
}

fn decimals(values: Vec<Option<i128>>, precision: u8, scale: i8) -> ArrayRef {
    let array = Decimal128Array::from(values);
    Arc::new(array.with_precision_and_scale(precision, scale).unwrap())
}

#[test]
fn every_value_becomes_the_constant_in_the_type_of_the_column() {
    let dictionary: DictionaryArray<Int32Type> = [Some("x"), None].into_iter().collect();
    let millis = TimestampMillisecondArray::from(vec![Some(5), None]).with_timezone("UTC");
    let cases: Vec<(Scalar, ArrayRef, &str)> = vec![
        (text("hidden"), Arc::new(StringArray::from(vec![Some("x"), None])), "hidden"),
        (text("hidden"), Arc::new(dictionary), "hidden"),
        (number("-128"), Arc::new(Int8Array::from(vec![Some(1), None])), "-128"),
        (number("7"), Arc::new(Int64Array::from(vec![Some(1), None])), "7"),
        (number("0.1"), Arc::new(Float64Array::from(vec![Some(f64::NAN), None])), "0.1"),
        (number("0.1"), Arc::new(Float32Array::from(vec![Some(1.0), None])), "0.1"),
        (number("12.5"), decimals(vec![Some(100), None], 5, 2), "12.50"),
        (Scalar::Boolean(true), Arc::new(BooleanArray::from(vec![Some(false), None])), "true"),
        (text("2000-01-01"), Arc::new(Date32Array::from(vec![Some(9), None])), "2000-01-01"),
        (text("2000-01-01T12:30:00.250Z"), Arc::new(millis), "2000-01-01 12:30:00.250Z"),
    ];
    for (value, column, expected) in cases {
        let data_type = column.data_type().clone();
        let source = batch(vec![("c", Arc::clone(&column))]);
        let out = apply(&[constant(value.clone())], &source);
        let kept = match data_type {
            DataType::Dictionary(..) => DataType::Utf8,
            other => other,
        };
        assert_eq!(out.column(0).data_type(), &kept);
        // A missing value stays missing.
        assert_eq!(out.column(0).null_count(), 1, "{value}");
        let found = left(&constant(value), column);
        assert_eq!(found, [expected, ""]);
    }
}

#[test]
fn a_constant_that_is_no_value_of_the_column_is_refused() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let bytes: ArrayRef = Arc::new(Int8Array::from(vec![1]));
    let unsigned: ArrayRef = Arc::new(UInt64Array::from(vec![1]));
    let narrow: ArrayRef = Arc::new(Float32Array::from(vec![1.0]));
    let dates: ArrayRef = Arc::new(Date32Array::from(vec![1]));
    let cases: Vec<(Scalar, ArrayRef)> = vec![
        (number("1"), Arc::clone(&texts)),
        (Scalar::Boolean(true), texts),
        (number("128"), Arc::clone(&bytes)),
        (number("1.5"), Arc::clone(&bytes)),
        (text("1"), bytes),
        (number("-1"), unsigned),
        (number("1000000000000000000000000000000"), Arc::new(Int64Array::from(vec![1]))),
        (text("x"), Arc::clone(&narrow)),
        (number("0.001"), decimals(vec![Some(1)], 5, 2)),
        (number("1000"), decimals(vec![Some(1)], 5, 2)),
        (text("2000-01-01T00:00:01Z"), Arc::clone(&dates)),
        (text("yesterday"), dates),
        (text("2000-01-01T00:00:00.000001Z"), Arc::new(TimestampMillisecondArray::from(vec![1]))),
    ];
    for (value, column) in cases {
        let source = batch(vec![("c", column)]);
        let refused = compile(&[constant(value.clone())], source.schema_ref());
        assert!(refused.is_err(), "{value} {:?}", source.schema());
    }
}

#[test]
fn a_value_that_the_hierarchy_does_not_name_never_leaves() {
    let duty = generalise(&[("Ulm", "South"), ("Bonn", "West"), ("South", "Country")], "elsewhere");
    let values = ["Ulm", "Bonn", "ulm", "Ulm ", " Ulm", "Ulm\u{301}", "", "Secret-Town", "South"];
    let mut values: Vec<Option<&str>> = values.into_iter().map(Some).collect();
    values.push(None);
    let column: ArrayRef = Arc::new(StringArray::from(values));
    let expected = ["South", "West", "elsewhere", "elsewhere", "elsewhere", "elsewhere"];
    let found = left(&duty, Arc::clone(&column));
    assert_eq!(found[..6], expected);
    // One step, and what is broader is a value like others. An empty text is a value, too.
    assert_eq!(found[6..], ["elsewhere", "elsewhere", "Country", ""]);
    let out = apply(std::slice::from_ref(&duty), &batch(vec![("c", column)]));
    assert!(!holds_bytes(&out, b"Secret") && !holds_bytes(&out, b"Ulm"));
}

#[test]
fn whole_numbers_are_named_by_their_digits() {
    let duty = generalise(&[("53111", "53"), ("-7", "below")], "other");
    let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(53_111), Some(-7), Some(7), None]));
    let out = apply(std::slice::from_ref(&duty), &batch(vec![("c", Arc::clone(&column))]));
    assert_eq!(out.column(0).data_type(), &DataType::Utf8);
    assert_eq!(left(&duty, column), ["53", "below", "other", ""]);
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![7.0]));
    assert!(compile(&[duty], batch(vec![("c", floats)]).schema_ref()).is_err());
}

#[test]
fn a_hierarchy_has_values_and_not_too_many() {
    let of = |count: usize| {
        let all: Vec<_> = (0..count).map(|n| n.to_string()).collect();
        let all: Vec<_> = all.iter().map(|value| (value.as_str(), "all")).collect();
        generalise(&all, "other").check()
    };
    assert!(matches!(of(0), Err(InvalidDuty::Broader { found: 0, .. })));
    assert!(of(BROADER_MAX).is_ok());
    assert!(of(BROADER_MAX + 1).is_err());
}

#[test]
fn what_a_provider_did_not_replace_is_seen() {
    let duty = generalise(&[("Ulm", "South")], "elsewhere");
    assert!(!duty.allows("Ulm") && !duty.allows("south") && !duty.allows(" South"));
    assert!(!constant(text("x")).allows("y"));
    assert!(!constant(number("1.5")).allows("1.6") && !constant(number("1.5")).allows("x"));
    assert!(!constant(Scalar::Boolean(true)).allows("false"));
}

#[test]
fn parts_of_documents_are_replaced_too() {
    let document =
        Document::from_bytes(br#"{"a": "Ulm", "n": 7, "x": 1.5, "l": ["Ulm", null, "Rom"]}"#)
            .unwrap();
    let at = |column: &str, method: &MaskMethod| mask(column, method.clone());
    let Duty::Mask(south) = generalise(&[("Ulm", "South"), ("7", "small")], "elsewhere") else {
        panic!("a mask")
    };
    let open = |duties: &[Duty]| -> Option<String> {
        let mut delivery = document.open(duties, None, &key(1), CONTRACT).ok()?;
        match delivery.next().unwrap() {
            Some(Piece::Bytes { bytes, .. }) => String::from_utf8(bytes.to_vec()).ok(),
            _ => None,
        }
    };
    let duties = [
        at("/l/*", &south.method),
        at("/n", &south.method),
        at("/x", &MaskMethod::Constant(number("2"))),
        at("/a", &MaskMethod::Constant(text("hidden"))),
    ];
    let expected = r#"{"a":"hidden","l":["South",null,"elsewhere"],"n":"small","x":2}"#;
    assert_eq!(open(&duties).as_deref(), Some(expected));
    for duty in [
        at("/x", &south.method),
        at("/l", &south.method),
        at("/a", &MaskMethod::Constant(number("2"))),
        at("/l", &MaskMethod::Constant(text("x"))),
    ] {
        assert!(open(std::slice::from_ref(&duty)).is_none(), "{duty}");
    }
}
