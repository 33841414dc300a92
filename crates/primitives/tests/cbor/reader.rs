//! What is read of checked bytes, beside what `serde_cbor` reads of the same.

use std::collections::{BTreeMap, BTreeSet};

use dataspace_primitives::cbor;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};
use serde_cbor::Value;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    a: u8,
    b: Option<Box<Record>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    c: Vec<Shape>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Shape {
    Unit,
    One(i64),
    Two(bool, String),
    Named { a: Option<u64>, bytes: ByteBuf },
    Wrapped(Wrapped),
    Fixed(ByteArray<2>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(BTreeMap<String, BTreeSet<u16>>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u64),
    Text(String),
    Many(Vec<Untagged>),
}

fn value() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "a", "b", "c", "unit", "one", "two", "named", "wrapped", "fixed", "bytes", "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        prop_oneof![
            0..3_i128,
            -300..300_i128,
            Just(i128::from(u64::MAX)),
            Just(-1 - i128::from(u64::MAX))
        ]
        .prop_map(Value::Integer),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::Bytes),
        key.clone().prop_map(|text| Value::Text(text.to_owned())),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let entry = (key.clone().prop_map(|text| Value::Text(text.to_owned())), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::Array),
            prop::collection::btree_map(entry.0, entry.1, 0..4).prop_map(Value::Map),
        ]
    })
}

/// Reads bytes in both ways. Theirs counts where what it read is written as those bytes.
fn same<T>(bytes: &[u8]) -> bool
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let ours = cbor::from_canonical::<T>(bytes, 1 << 16).ok();
    let theirs = serde_cbor::from_slice::<T>(bytes).ok();
    let theirs = theirs.filter(|read| cbor::to_canonical(read).is_ok_and(|again| again == bytes));
    assert_eq!(ours, theirs, "{bytes:02x?}");
    ours.is_some()
}

#[test]
fn every_form_that_documents_have_is_read_as_others_read_it() {
    let named = Shape::Named { a: Some(u64::MAX), bytes: ByteBuf::from([1, 2]) };
    let wrapped = Wrapped([("k".to_owned(), [1, 70].into())].into());
    let shapes = [
        Shape::Unit,
        Shape::One(i64::MIN),
        Shape::One(-1),
        Shape::Two(true, "ü".to_owned()),
        Shape::Named { a: None, bytes: ByteBuf::new() },
        named,
        Shape::Wrapped(wrapped),
        Shape::Fixed(ByteArray::new([7, 8])),
    ];
    let inner = Record { a: 1, b: None, c: shapes.to_vec() };
    let record = Record { a: 255, b: Some(Box::new(inner)), c: Vec::new() };
    assert!(same::<Record>(&cbor::to_canonical(&record).unwrap()));
    for shape in shapes {
        assert!(same::<Shape>(&cbor::to_canonical(&shape).unwrap()));
        assert!(same::<Option<Shape>>(&cbor::to_canonical(&shape).unwrap()));
    }
    let untagged = Untagged::Many(vec![Untagged::Number(1), Untagged::Text("a".to_owned())]);
    assert!(same::<Untagged>(&cbor::to_canonical(&untagged).unwrap()));
    // One more item than is wanted, and one fewer.
    for wrong in ["83f56161f5", "81f5"] {
        let two: Vec<u8> = (0..wrong.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&wrong[at..at + 2], 16).unwrap())
            .collect();
        assert!(!same::<(bool, String)>(&two));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn random_values_are_read_as_others_read_them(value in value()) {
        let bytes = cbor::to_canonical(&value).unwrap();
        prop_assert!(same::<Value>(&bytes));
        same::<Record>(&bytes);
        same::<Shape>(&bytes);
        same::<Vec<Option<Shape>>>(&bytes);
        same::<Wrapped>(&bytes);
        same::<Untagged>(&bytes);
        same::<BTreeMap<String, u64>>(&bytes);
        same::<(bool, Option<i64>)>(&bytes);
    }
}
