//! An independent oracle: the tree as `ciborium` sees it, its maps sorted by their encoded keys.

use std::collections::BTreeMap;

use ciborium::Value as Oracle;
use dataspace_primitives::cbor::{self, EncodeError, Rule};
use proptest::prelude::*;
use serde::Serialize;
use serde_cbor::Value;

use crate::support::{LEN_MAX, decode, rich, tree};

fn encoded(value: &Oracle) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn sorted(value: Oracle) -> Oracle {
    match value {
        Oracle::Array(items) => Oracle::Array(items.into_iter().map(sorted).collect()),
        Oracle::Map(entries) => {
            let mut entries: Vec<_> =
                entries.into_iter().map(|(key, value)| (sorted(key), sorted(value))).collect();
            entries.sort_by_key(|(key, _)| encoded(key));
            Oracle::Map(entries)
        }
        other => other,
    }
}

/// RFC 8949 §4.2.1 by another library.
fn oracle(value: &impl Serialize) -> Vec<u8> {
    encoded(&sorted(Oracle::serialized(value).unwrap()))
}

proptest! {
    #[test]
    fn a_structured_value_has_the_bytes_that_another_library_gives(value in rich()) {
        prop_assert_eq!(cbor::to_canonical(&value).unwrap(), oracle(&value));
    }

    #[test]
    fn a_tree_with_mixed_keys_has_the_bytes_that_another_library_gives(value in tree()) {
        prop_assert_eq!(cbor::to_canonical(&value).unwrap(), oracle(&value));
    }

    #[test]
    fn another_library_reads_what_we_write(value in rich()) {
        let bytes = cbor::to_canonical(&value).unwrap();
        let back: crate::support::Rich = ciborium::from_reader(&bytes[..]).unwrap();
        prop_assert_eq!(back, value);
    }

    #[test]
    fn the_order_of_insertion_leaves_no_trace(
        entries in proptest::collection::btree_map(any::<i32>(), any::<u8>(), 0..20),
        seed in any::<u64>(),
    ) {
        let mut shuffled: Vec<_> = entries.iter().map(|(k, v)| (*k, *v)).collect();
        shuffled.sort_by_key(|(key, _)| u64::from(key.unsigned_abs()).wrapping_mul(seed | 1));
        let shuffled: std::collections::HashMap<_, _> = shuffled.into_iter().collect();
        prop_assert_eq!(cbor::to_canonical(&entries).unwrap(), cbor::to_canonical(&shuffled).unwrap());
    }
}

#[test]
fn keys_stand_in_the_order_of_rfc_8949_section_4_2_1() {
    // The example of the RFC, without `[100]`, `[-1]` and `false`, which come below.
    let keys = [
        Value::Text("aa".into()),
        Value::Integer(-1),
        Value::Text("z".into()),
        Value::Integer(100),
        Value::Integer(10),
    ];
    let map = Value::Map(keys.into_iter().map(|key| (key, Value::Null)).collect());
    let bytes = cbor::to_canonical(&map).unwrap();
    assert_eq!(bytes, b"\xa5\x0a\xf6\x18\x64\xf6\x20\xf6\x61z\xf6\x62aa\xf6");
    assert_eq!(decode(&bytes).unwrap(), map);
}

#[test]
fn arrays_and_booleans_as_keys_stand_in_that_order_too() {
    let keys = [
        Value::Bool(false),
        Value::Array(vec![Value::Integer(-1)]),
        Value::Integer(10),
        Value::Array(vec![Value::Integer(100)]),
        Value::Bool(true),
        Value::Null,
    ];
    let map = Value::Map(keys.into_iter().map(|key| (key, Value::Null)).collect());
    let bytes = cbor::to_canonical(&map).unwrap();
    assert_eq!(bytes, b"\xa6\x0a\xf6\x81\x18\x64\xf6\x81\x20\xf6\xf4\xf6\xf5\xf6\xf6\xf6");
    assert_eq!(decode(&bytes).unwrap(), map);
}

#[test]
fn a_float_has_no_encoding() {
    for float in [0.0_f64, 1.5, f64::NAN, f64::INFINITY, -0.0] {
        let error = cbor::to_canonical(&[float]).unwrap_err();
        assert!(matches!(error, EncodeError::Form(form) if form.rule == Rule::Unsupported));
    }
    assert!(cbor::to_canonical(&1.0_f32).is_err());
}

#[test]
fn an_integer_beyond_64_bits_has_no_encoding() {
    assert!(cbor::to_canonical(&(u128::from(u64::MAX) + 1)).is_err());
    assert!(cbor::to_canonical(&i128::MIN).is_err());
}

#[test]
fn a_value_that_nests_too_deep_has_no_encoding() {
    let deep = |depth| (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    assert!(cbor::to_canonical(&deep(cbor::DEPTH_MAX)).is_ok());
    let error = cbor::to_canonical(&deep(cbor::DEPTH_MAX + 1)).unwrap_err();
    assert!(matches!(error, EncodeError::Form(form) if form.rule == Rule::TooDeep));
}

#[test]
fn the_encoding_of_a_known_value_never_changes() {
    // Golden: stored and signed bytes depend on it.
    let value = BTreeMap::from([("b", Some(-500_i64)), ("aa", None)]);
    let bytes = cbor::to_canonical(&value).unwrap();
    assert_eq!(bytes, b"\xa2\x61b\x39\x01\xf3\x62aa\xf6");
    assert_eq!(cbor::from_canonical::<Value>(&bytes, LEN_MAX).unwrap(), decode(&bytes).unwrap());
}
