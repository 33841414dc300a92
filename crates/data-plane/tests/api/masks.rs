use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float32Array, Float64Array, Int8Array,
    Int32Array, Int64Array, RecordBatch, StringArray, StringViewArray, UInt64Array,
};
use arrow_schema::DataType;
use dataspace_policy::MaskMethod::{self, Drop, Hash, Null, Round, Truncate};
use ring::hmac;

use crate::common::{CONTRACT, Key, apply, batch, key, mask, rows};
use dataspace_data_plane::Plan;

fn masked(column: ArrayRef, method: MaskMethod) -> Vec<String> {
    rows(&apply(&[mask("c", method)], &batch(vec![("c", column)])))
}

fn strings(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(values.iter().copied().collect::<StringArray>())
}

fn hashed(key: Key, column: &str, values: ArrayRef) -> Vec<String> {
    let batch = batch(vec![(column, values)]);
    let plan = Plan::compile(&[mask(column, Hash)], batch.schema_ref(), &key, CONTRACT).unwrap();
    rows(&plan.apply(&batch).unwrap())
}

#[test]
fn a_dropped_column_is_not_in_the_schema() {
    let batch = batch(vec![("a", strings(&[Some("x")])), ("b", strings(&[Some("y")]))]);
    let out = apply(&[mask("a", Drop)], &batch);
    assert_eq!(out.schema().field(0).name(), "b");
    assert_eq!(rows(&out), ["y"]);
}

#[test]
fn an_emptied_column_keeps_its_name_and_type() {
    let column: ArrayRef = Arc::new(Int32Array::from(vec![7, 8]));
    let out = apply(&[mask("c", Null)], &batch(vec![("c", column)]));
    assert_eq!(out.column(0).null_count(), 2);
    assert_eq!(out.schema().field(0).data_type(), &DataType::Int32);
    assert!(out.schema().field(0).is_nullable());
}

#[test]
fn pseudonyms_are_the_hmac_of_the_documented_message() {
    let secret = [9; 32];
    let mut message = b"dataspace/pseudonym/v2\0".to_vec();
    message.extend_from_slice(&3_u64.to_be_bytes());
    message.extend_from_slice(b"vin");
    message.resize(64, 0);
    message.extend_from_slice(b"tBMW");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), &message);
    let half: [u8; 16] = tag.as_ref()[..16].try_into().unwrap();
    let hex = format!("{:032x}", u128::from_be_bytes(half));
    let out = hashed(Key(secret), "vin", strings(&[Some("BMW")]));
    assert_eq!(out, [hex]);
}

#[test]
fn equal_values_have_one_pseudonym_and_different_values_have_two() {
    let out = hashed(key(1), "c", strings(&[Some("a"), Some("b"), Some("a"), None, Some("")]));
    assert_eq!(out[0], out[2]);
    assert_ne!(out[0], out[1]);
    // The writer of single-column CSV spells the missing value so.
    assert_eq!(out[3], "\"\"");
    assert_eq!(out[4].len(), 32, "an empty text is a value");
}

#[test]
fn pseudonyms_of_two_contracts_or_two_columns_cannot_be_joined() {
    let values = || strings(&[Some("a"), Some("b")]);
    let out = [
        hashed(key(1), "c", values()),
        hashed(key(2), "c", values()),
        hashed(key(1), "d", values()),
    ];
    let all: BTreeSet<_> = out.iter().flatten().collect();
    assert_eq!(all.len(), 6);
}

#[test]
fn neither_types_nor_column_names_are_confused_in_a_pseudonym() {
    let out = [
        hashed(key(1), "c", strings(&[Some("1")])),
        hashed(key(1), "c", Arc::new(Int64Array::from(vec![1]))),
        hashed(key(1), "c", Arc::new(Float64Array::from(vec![1.0]))),
        hashed(key(1), "c", Arc::new(BooleanArray::from(vec![true]))),
        hashed(key(1), "c1", strings(&[Some("")])),
        hashed(key(1), "ct", strings(&[Some("1")])),
        hashed(key(1), "c", strings(&[Some("t1")])),
    ];
    let all: BTreeSet<_> = out.iter().flatten().collect();
    assert_eq!(all.len(), 7);
}

#[test]
fn one_value_has_one_pseudonym_however_it_is_stored() {
    let dictionary: DictionaryArray<Int32Type> = [Some("x")].into_iter().collect();
    let texts = [
        hashed(key(1), "c", strings(&[Some("x")])),
        hashed(key(1), "c", Arc::new(StringViewArray::from(vec!["x"]))),
        hashed(key(1), "c", Arc::new(dictionary)),
    ];
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]));
    let numbers = [
        hashed(key(1), "c", Arc::new(Int8Array::from(vec![7]))),
        hashed(key(1), "c", Arc::new(UInt64Array::from(vec![7]))),
    ];
    assert_eq!(numbers[0], numbers[1]);
    let zeros = hashed(key(1), "c", Arc::new(Float64Array::from(vec![0.0, -0.0])));
    assert_eq!(zeros[0], zeros[1]);
}

#[test]
fn the_key_is_not_shown() {
    let batch = batch(vec![("c", strings(&[Some("a")]))]);
    let secrets = Key([0xab; 32]);
    let plan = Plan::compile(&[mask("c", Hash)], batch.schema_ref(), &secrets, CONTRACT).unwrap();
    let shown = format!("{plan:?}");
    assert!(!shown.contains("171") && !shown.contains("abab") && !shown.contains("key"));
}

#[test]
fn floats_are_rounded_half_away_from_zero() {
    let column: ArrayRef = Arc::new(Float64Array::from(vec![
        Some(2.345),
        Some(-2.345),
        None,
        Some(1e300),
        Some(-0.001),
    ]));
    let out = masked(column, Round { decimals: 2 });
    assert_eq!(out, ["2.35", "-2.35", "\"\"", "1e300", "0.0"]);
    let column: ArrayRef = Arc::new(Float32Array::from(vec![2.345, f32::INFINITY, f32::NAN]));
    assert_eq!(masked(column, Round { decimals: 2 }), ["2.35", "inf", "NaN"]);
}

#[test]
fn floats_can_be_rounded_to_the_left_of_the_point() {
    let column: ArrayRef = Arc::new(Float64Array::from(vec![188_363.57, 49.9, 1e20]));
    assert_eq!(masked(column, Round { decimals: -2 }), ["188400.0", "0.0", "1e20"]);
}

#[test]
fn integers_are_rounded_to_the_left_of_the_point_only() {
    let column = || -> ArrayRef { Arc::new(Int64Array::from(vec![Some(15), Some(-14), None])) };
    assert_eq!(masked(column(), Round { decimals: -1 }), ["20", "-10", "\"\""]);
    assert_eq!(masked(column(), Round { decimals: 3 }), ["15", "-14", "\"\""]);
}

#[test]
fn integers_that_would_overflow_show_no_digit_below_the_rounding() {
    let column: ArrayRef = Arc::new(Int8Array::from(vec![127, -128, 125]));
    assert_eq!(masked(column, Round { decimals: -1 }), ["120", "-120", "120"]);
    let column: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, i64::MIN]));
    let out = masked(column, Round { decimals: -2 });
    assert_eq!(out, ["9223372036854775800", "-9223372036854775800"]);
}

#[test]
fn texts_are_cut_by_scalar_values() {
    let column = strings(&[Some("Fe2O3"), Some("éé\u{1f600}x"), Some("F"), None]);
    let out = masked(Arc::clone(&column), Truncate { chars: 3 });
    assert_eq!(out, ["Fe2", "éé\u{1f600}", "F", "\"\""]);
    assert_eq!(masked(Arc::clone(&column), Truncate { chars: 0 })[0], "\"\"");
    let whole = masked(column, Truncate { chars: u32::MAX });
    assert_eq!(whole[0], "Fe2O3");
}

#[test]
fn an_unmasked_column_comes_out_as_it_is() {
    let batch: RecordBatch = batch(vec![
        ("a", Arc::new(Float64Array::from(vec![Some(0.1), None])) as ArrayRef),
        ("b", strings(&[None, Some("x")])),
        ("c", Arc::new(BooleanArray::from(vec![Some(true), None]))),
    ]);
    assert_eq!(rows(&apply(&[], &batch)), ["0.1,,true", ",x,"]);
}
