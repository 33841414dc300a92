use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float32Array, Float64Array, Int8Array, Int64Array,
    LargeStringArray, StringArray, StringViewArray, UInt64Array,
};
use dataspace_policy::Operator::{Eq, Gt, Gteq, IsAnyOf, Lt, Lteq, Neq};
use dataspace_policy::{MaskMethod, Scalar};

use crate::common::{apply, batch, filter, kept, mask, number, rows, text};

fn ints(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from(values))
}

#[test]
fn each_operator_compares_integers_as_its_name_says() {
    let column = || ints(vec![Some(1), Some(2), Some(3)]);
    for (operator, expected) in [
        (Eq, vec!["2"]),
        (Neq, vec!["1", "3"]),
        (Lt, vec!["1"]),
        (Lteq, vec!["1", "2"]),
        (Gt, vec!["3"]),
        (Gteq, vec!["2", "3"]),
        (IsAnyOf, vec!["2"]),
    ] {
        assert_eq!(kept(column(), operator, vec![number("2")]), expected);
    }
}

#[test]
fn several_filters_must_all_hold() {
    let batch = batch(vec![("a", ints(vec![Some(1), Some(2), Some(3)]))]);
    let duties = [filter("a", Gt, vec![number("1")]), filter("a", Lt, vec![number("3")])];
    assert_eq!(rows(&apply(&duties, &batch)), ["2"]);
}

#[test]
fn a_missing_value_is_never_kept_not_even_by_neq() {
    for operator in [Eq, Neq, Lt, Lteq, Gt, Gteq, IsAnyOf] {
        let column = ints(vec![None]);
        assert!(kept(column, operator, vec![number("0")]).is_empty());
        let column: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
        assert!(kept(column, operator, vec![text("x")]).is_empty());
    }
    let column: ArrayRef = Arc::new(BooleanArray::from(vec![None]));
    assert!(kept(column, Neq, vec![Scalar::Boolean(true)]).is_empty());
}

#[test]
fn nan_is_never_kept_not_even_by_neq() {
    for operator in [Eq, Neq, Lt, Lteq, Gt, Gteq, IsAnyOf] {
        let column: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, -f64::NAN]));
        assert!(kept(column, operator, vec![number("0")]).is_empty());
        let column: ArrayRef = Arc::new(Float32Array::from(vec![f32::NAN]));
        assert!(kept(column, operator, vec![number("0")]).is_empty());
    }
}

#[test]
fn neighbours_beyond_the_precision_of_floats_are_told_apart() {
    let big = 9_007_199_254_740_992; // 2^53
    let column = || ints(vec![Some(big), Some(big + 1), Some(big + 2)]);
    let constant = || vec![number("9007199254740993")];
    assert_eq!(kept(column(), Eq, constant()), ["9007199254740993"]);
    assert_eq!(kept(column(), Lt, constant()), ["9007199254740992"]);
    assert_eq!(kept(column(), Gt, constant()), ["9007199254740994"]);
}

#[test]
fn the_ends_of_integer_types_compare_exactly() {
    let column = ints(vec![Some(i64::MIN), Some(i64::MAX - 1), Some(i64::MAX)]);
    let constant = vec![number("9223372036854775807")];
    assert_eq!(kept(column, Gteq, constant), ["9223372036854775807"]);
    // Larger than any i64, in the spelling of a float.
    let column: ArrayRef =
        Arc::new(UInt64Array::from(vec![9_223_372_036_854_776_000, 1 << 63, (1 << 63) - 1]));
    let constant = vec![number("9223372036854776000")];
    assert_eq!(kept(column, Eq, constant), ["9223372036854776000"]);
    // The decimal is what was signed, not the float nearest to it.
    let column: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let constant = vec![number("18446744073709552000")];
    assert_eq!(kept(column, Lt, constant), ["18446744073709551615"]);
}

#[test]
fn decimal_constants_lie_between_integers() {
    let column = || ints(vec![Some(-1), Some(0), Some(1)]);
    assert_eq!(kept(column(), Gt, vec![number("0.5")]), ["1"]);
    assert_eq!(kept(column(), Lteq, vec![number("0.5")]), ["-1", "0"]);
    assert_eq!(kept(column(), Gt, vec![number("-0.5")]), ["0", "1"]);
    assert_eq!(kept(column(), Lt, vec![number("-0.5")]), ["-1"]);
    assert!(kept(column(), Eq, vec![number("0.5")]).is_empty());
    assert_eq!(kept(column(), Neq, vec![number("-0.5")]).len(), 3);
}

#[test]
fn a_constant_out_of_range_of_a_small_type_does_not_wrap() {
    let column = || -> ArrayRef { Arc::new(Int8Array::from(vec![0, 44, -128])) };
    assert!(kept(column(), Eq, vec![number("300")]).is_empty()); // 300 = 44 mod 256
    assert_eq!(kept(column(), Lt, vec![number("300")]).len(), 3);
}

#[test]
fn floats_compare_with_the_nearest_float_of_their_width() {
    let column: ArrayRef = Arc::new(Float32Array::from(vec![0.1, 0.2]));
    assert_eq!(kept(column, Eq, vec![number("0.1")]), ["0.1"]);
    let column: ArrayRef = Arc::new(Float64Array::from(vec![0.1, 0.2]));
    assert_eq!(kept(column, IsAnyOf, vec![number("0.1")]), ["0.1"]);
}

#[test]
fn negative_zero_is_zero() {
    let column = || -> ArrayRef { Arc::new(Float64Array::from(vec![-0.0, 0.0])) };
    assert_eq!(kept(column(), Eq, vec![number("0")]).len(), 2);
    assert!(kept(column(), Lt, vec![number("0")]).is_empty());
}

#[test]
fn infinities_are_ordered() {
    let column = || -> ArrayRef {
        Arc::new(Float64Array::from(vec![f64::NEG_INFINITY, 0.0, f64::INFINITY]))
    };
    assert_eq!(kept(column(), Gt, vec![number("1")]), ["inf"]);
    assert_eq!(kept(column(), Lt, vec![number("0")]), ["-inf"]);
}

#[test]
fn texts_compare_by_scalar_values_in_every_representation() {
    let values = vec![Some("Zn"), None, Some("a"), Some("é"), Some("\u{1f600}")];
    let dictionary: DictionaryArray<Int8Type> = values.iter().copied().collect();
    let columns: [ArrayRef; 4] = [
        Arc::new(StringArray::from(values.clone())),
        Arc::new(LargeStringArray::from(values.clone())),
        Arc::new(StringViewArray::from(values.clone())),
        Arc::new(dictionary),
    ];
    for column in columns {
        let above = kept(Arc::clone(&column), Gt, vec![text("a")]);
        assert_eq!(above, ["é", "\u{1f600}"]);
        let some = kept(Arc::clone(&column), IsAnyOf, vec![text("a"), text("é")]);
        assert_eq!(some, ["a", "é"]);
        assert_eq!(kept(column, Neq, vec![text("a")]), ["Zn", "é", "\u{1f600}"]);
    }
}

#[test]
fn a_text_filter_neither_trims_nor_folds() {
    let column: ArrayRef = Arc::new(StringArray::from(vec!["fe", " Fe", "Fe", "Fe\0"]));
    assert_eq!(kept(column, Eq, vec![text("Fe")]), ["Fe"]);
}

#[test]
fn booleans_compare_by_equality() {
    let column =
        || -> ArrayRef { Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])) };
    assert_eq!(kept(column(), Eq, vec![Scalar::Boolean(true)]), ["true"]);
    assert_eq!(kept(column(), Neq, vec![Scalar::Boolean(true)]), ["false"]);
}

#[test]
fn filters_see_the_values_before_the_masks() {
    let batch = batch(vec![
        ("shown", ints(vec![Some(1), Some(2), Some(3)])),
        ("dropped", ints(vec![Some(10), Some(20), Some(30)])),
        ("rounded", ints(vec![Some(14), Some(16), Some(18)])),
        ("hashed", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
    ]);
    let duties = [
        mask("dropped", MaskMethod::Drop),
        mask("rounded", MaskMethod::Round { decimals: -1 }),
        mask("hashed", MaskMethod::Null),
        filter("dropped", Gteq, vec![number("20")]),
        filter("rounded", Lt, vec![number("17")]),
        filter("hashed", IsAnyOf, vec![text("a"), text("b")]),
    ];
    assert_eq!(rows(&apply(&duties, &batch)), ["2,20,"]);
}

#[test]
fn a_filter_that_no_row_passes_gives_an_empty_batch() {
    let batch = batch(vec![("a", ints(vec![Some(1)]))]);
    let out = apply(&[filter("a", Lt, vec![number("0")])], &batch);
    assert_eq!((out.num_rows(), out.num_columns()), (0, 1));
}
