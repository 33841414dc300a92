//! Good CBOR that is not the type, and lenient readings that decoding alone would let pass.

use std::collections::BTreeMap;

use dataspace_primitives::cbor::{self, DecodeError};
use dataspace_primitives::{Digest, KeyId, Name, Region, Signature, UnixMillis, Validity};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_cbor::Value;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Closed {
    a: u64,
    b: Option<u64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    a: u64,
    #[serde(default)]
    c: u64,
}

fn decode<T: Serialize + DeserializeOwned>(value: &impl Serialize) -> Result<T, DecodeError> {
    cbor::from_canonical(&cbor::to_canonical(value).unwrap(), 1 << 16)
}

fn map(entries: &[(&str, u64)]) -> BTreeMap<String, u64> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect()
}

#[test]
fn an_unknown_field_is_refused() {
    let result = decode::<Closed>(&map(&[("a", 1), ("b", 2), ("x", 3)]));
    assert!(matches!(result, Err(DecodeError::Shape(_))));
}

#[test]
fn an_unknown_field_is_refused_even_where_the_type_would_ignore_it() {
    let result = decode::<Open>(&map(&[("a", 1), ("c", 2), ("x", 3)]));
    assert!(matches!(result, Err(DecodeError::NotCanonical)));
}

#[test]
fn a_missing_field_is_refused() {
    assert!(matches!(decode::<Closed>(&map(&[("b", 1)])), Err(DecodeError::Shape(_))));
}

#[test]
fn a_field_left_out_for_its_default_is_refused() {
    assert!(matches!(decode::<Open>(&map(&[("a", 1)])), Err(DecodeError::NotCanonical)));
    // `None` is written as null; leaving it out would be a second spelling.
    assert!(matches!(decode::<Closed>(&map(&[("a", 1)])), Err(DecodeError::NotCanonical)));
}

#[test]
fn fields_by_number_or_by_position_are_refused() {
    let by_number = BTreeMap::from([(0, 1_u64), (1, 2)]);
    assert!(decode::<Closed>(&by_number).is_err());
    assert!(decode::<Closed>(&(1_u64, Some(2_u64))).is_err());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Verdict {
    Permit,
    Deny(u8),
}

#[test]
fn a_variant_by_number_or_in_another_form_is_refused() {
    assert_eq!(decode::<Verdict>(&"Permit").unwrap(), Verdict::Permit);
    assert_eq!(decode::<Verdict>(&BTreeMap::from([("Deny", 7)])).unwrap(), Verdict::Deny(7));
    assert!(decode::<Verdict>(&0).is_err());
    assert!(decode::<Verdict>(&("Deny", 7)).is_err());
    assert!(decode::<Verdict>(&["Permit"]).is_err());
    assert!(decode::<Verdict>(&BTreeMap::from([("Permit", Value::Null)])).is_err());
    assert!(decode::<Verdict>(&"Forbid").is_err());
}

#[test]
fn a_digest_or_signature_spelt_as_an_array_or_text_is_refused() {
    assert!(decode::<Digest>(&vec![7_u8; 32]).is_err());
    assert!(decode::<Digest>(&"a".repeat(32)).is_err());
    assert!(decode::<Digest>(&Digest::of(b"").to_string()).is_err());
    assert!(decode::<Signature>(&vec![7_u8; 64]).is_err());
    assert!(decode::<Signature>(&"a".repeat(64)).is_err());
}

#[test]
fn a_digest_or_signature_of_another_length_is_refused() {
    for len in [0, 31, 33, 63, 65] {
        let bytes = serde_bytes::ByteBuf::from(vec![7; len]);
        assert!(decode::<Digest>(&bytes).is_err());
        assert!(decode::<Signature>(&bytes).is_err());
    }
}

#[test]
fn an_instant_after_9999_or_before_1970_is_refused() {
    assert_eq!(decode::<UnixMillis>(&253_402_300_799_999_u64).unwrap(), UnixMillis::MAX);
    assert!(decode::<UnixMillis>(&253_402_300_800_000_u64).is_err());
    assert!(decode::<UnixMillis>(&u64::MAX).is_err());
    assert!(decode::<UnixMillis>(&-1_i64).is_err());
    assert!(decode::<UnixMillis>(&"2026-01-01T00:00:00Z").is_err());
}

#[test]
fn an_empty_or_reversed_validity_is_refused() {
    assert!(decode::<Validity>(&map(&[("from", 1), ("until", 2)])).is_ok());
    assert!(decode::<Validity>(&map(&[("from", 2), ("until", 2)])).is_err());
    assert!(decode::<Validity>(&map(&[("from", 3), ("until", 2)])).is_err());
    assert!(decode::<Validity>(&map(&[("from", 1)])).is_err());
    assert!(decode::<Validity>(&map(&[("from", 1), ("until", 2), ("x", 0)])).is_err());
}

#[test]
fn invalid_names_regions_and_key_identifiers_are_refused_on_decoding() {
    assert!(decode::<Name>(&"a\u{202e}b").is_err());
    assert!(decode::<Name>(&"").is_err());
    assert!(decode::<Region>(&"de").is_err());
    assert!(decode::<KeyId>(&"a b").is_err());
}

#[test]
fn a_number_beyond_the_field_is_refused() {
    assert!(decode::<u8>(&256).is_err());
    assert!(decode::<u64>(&-1).is_err());
    assert!(decode::<i64>(&u64::MAX).is_err());
}
