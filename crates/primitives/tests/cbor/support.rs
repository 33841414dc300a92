//! A type with all that the data model has, strategies, and an encoder of heads that can be wrong.

use std::collections::BTreeMap;

use dataspace_primitives::cbor::{self, DecodeError, Rule};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use serde_cbor::Value;

pub(crate) const LEN_MAX: usize = 1 << 22;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Rich {
    pub(crate) title: String,
    pub(crate) count: u64,
    pub(crate) offset: i64,
    pub(crate) open: bool,
    pub(crate) note: Option<String>,
    pub(crate) raw: ByteBuf,
    pub(crate) by_number: BTreeMap<i64, String>,
    pub(crate) by_text: BTreeMap<String, Vec<u8>>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) pair: (u8, bool),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Kind {
    Plain,
    Number(u32),
    Pair(i8, String),
    Named { from: u64, until: Option<u64> },
}

pub(crate) fn sample() -> Rich {
    Rich {
        title: "Härte".to_owned(),
        count: 1_000_000,
        offset: -500,
        open: true,
        note: None,
        raw: ByteBuf::from(vec![0, 0xff]),
        by_number: [(-1, "a".to_owned()), (10, "b".to_owned()), (300, String::new())].into(),
        by_text: [("z".to_owned(), vec![1]), ("aa".to_owned(), vec![24, 255])].into(),
        kinds: vec![
            Kind::Plain,
            Kind::Number(70_000),
            Kind::Pair(-7, "x".to_owned()),
            Kind::Named { from: 0, until: Some(u64::MAX) },
        ],
        pair: (23, false),
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Plain),
        any::<u32>().prop_map(Kind::Number),
        (any::<i8>(), any::<String>()).prop_map(|(a, b)| Kind::Pair(a, b)),
        (any::<u64>(), any::<Option<u64>>()).prop_map(|(from, until)| Kind::Named { from, until }),
    ]
}

pub(crate) fn rich() -> impl Strategy<Value = Rich> {
    let scalars = (any::<String>(), any::<u64>(), any::<i64>(), any::<bool>());
    let others = (any::<Option<String>>(), vec(any::<u8>(), 0..300));
    let maps = (
        btree_map(any::<i64>(), any::<String>(), 0..30),
        btree_map(".{0,30}", vec(any::<u8>(), 0..5), 0..30),
    );
    (scalars, others, maps, vec(kind(), 0..6), any::<(u8, bool)>()).prop_map(
        |((title, count, offset, open), (note, raw), (by_number, by_text), kinds, pair)| Rich {
            title,
            count,
            offset,
            open,
            note,
            raw: ByteBuf::from(raw),
            by_number,
            by_text,
            kinds,
            pair,
        },
    )
}

/// Every integer of CBOR, with the places where the width changes well represented.
fn integer() -> impl Strategy<Value = i128> {
    let edges = [0_u64, 23, 24, 255, 256, 65_535, 65_536, 0xffff_ffff, 0x1_0000_0000, u64::MAX];
    let magnitude = prop_oneof![proptest::sample::select(edges.to_vec()), any::<u64>(), 0..600_u64];
    (magnitude, any::<bool>())
        .prop_map(|(n, negative)| if negative { -1 - i128::from(n) } else { i128::from(n) })
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        integer().prop_map(Value::Integer),
        vec(any::<u8>(), 0..30).prop_map(Value::Bytes),
        ".{0,12}".prop_map(Value::Text),
    ]
}

/// Any allowed tree, with keys of mixed types.
pub(crate) fn tree() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..30).prop_map(Value::Array),
            btree_map(leaf(), inner, 0..8).prop_map(Value::Map),
        ]
    })
}

/// A head with an argument of `width` bytes (0: in the first byte), whether that is right or not.
pub(crate) fn head(major: u8, value: u64, width: usize) -> Vec<u8> {
    let info = match width {
        0 => u8::try_from(value).unwrap(),
        1 => 24,
        2 => 25,
        4 => 26,
        _ => 27,
    };
    let mut bytes = vec![major << 5 | info];
    bytes.extend_from_slice(&value.to_be_bytes()[8 - width..]);
    bytes
}

/// `depth` arrays around a zero.
pub(crate) fn nested_arrays(depth: usize) -> Vec<u8> {
    [vec![0x81; depth], vec![0]].concat()
}

/// The rule that `bytes` break; panics if they are accepted or refused for another reason.
pub(crate) fn rule(bytes: &[u8]) -> Rule {
    match cbor::check_canonical(bytes, LEN_MAX) {
        Err(DecodeError::Form(error)) => error.rule,
        other => panic!("{bytes:02x?}: {other:?}"),
    }
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
    cbor::from_canonical(bytes, LEN_MAX)
}

pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "{hex}");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
