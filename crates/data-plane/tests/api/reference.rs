//! A naive evaluator of duties, row by row on texts, held against the plan.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, StringArray};
use dataspace_policy::{Duty, MaskMethod, Operator, Scalar};
use proptest::prelude::*;

use crate::common::{apply, batch, filter, mask, number, rows, text};

#[derive(Clone, Debug)]
struct Row {
    int: Option<i64>,
    float: Option<f64>,
    text: Option<String>,
}

/// Compares two decimals digit by digit.
fn compare_decimals(a: &str, b: &str) -> Ordering {
    fn parts(text: &str) -> (bool, String, String) {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        (negative, format!("{whole:0>40}"), format!("{fraction:0<40}"))
    }
    let (a, b) = (parts(a), parts(b));
    let magnitude = (&a.1, &a.2).cmp(&(&b.1, &b.2));
    match (a.0, b.0) {
        (false, false) => magnitude,
        (true, true) => magnitude.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

fn accepts(operator: Operator, ordering: Option<Ordering>) -> bool {
    let Some(ordering) = ordering else {
        return false;
    };
    match operator {
        Operator::Eq | Operator::IsAnyOf => ordering == Ordering::Equal,
        Operator::Neq => ordering != Ordering::Equal,
        Operator::Lt => ordering == Ordering::Less,
        Operator::Lteq => ordering != Ordering::Greater,
        Operator::Gt => ordering == Ordering::Greater,
        Operator::Gteq => ordering != Ordering::Less,
    }
}

fn holds(duty: &Duty, row: &Row) -> bool {
    let Duty::Filter(filter) = duty else {
        return true;
    };
    filter.values.iter().any(|constant| {
        let ordering = match (filter.column.as_str(), constant) {
            ("int", Scalar::Number(n)) => {
                row.int.map(|value| compare_decimals(&value.to_string(), n.as_str()))
            }
            ("float", Scalar::Number(n)) => {
                let constant: f64 = n.as_str().parse().unwrap();
                row.float.and_then(|value| value.partial_cmp(&constant))
            }
            ("text", Scalar::Text(t)) => {
                row.text.as_ref().map(|value| value.chars().cmp(t.as_str().chars()))
            }
            other => panic!("not generated: {other:?}"),
        };
        accepts(filter.operator, ordering)
    })
}

fn int() -> impl Strategy<Value = i64> {
    let near = |centre: i64| (-2..=2_i64).prop_map(move |d| centre.saturating_add(d));
    prop_oneof![
        3 => near(0),
        1 => near(1 << 53),
        1 => near(-(1 << 53)),
        1 => near(i64::MAX),
        1 => near(i64::MIN),
        1 => any::<i64>()
    ]
}

fn float() -> impl Strategy<Value = f64> {
    let special = [0.0, -0.0, 0.1, 0.5, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, -1e300];
    prop_oneof![prop::sample::select(special.to_vec()), -3.0..3.0_f64]
}

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "A", "b", "é", "\u{1f600}", "aé", "a a"]).prop_map(str::to_owned)
}

fn row() -> impl Strategy<Value = Row> {
    let int = prop::option::weighted(0.85, int());
    let float = prop::option::weighted(0.85, float());
    (int, float, prop::option::of(word())).prop_map(|(int, float, text)| Row { int, float, text })
}

fn constant() -> impl Strategy<Value = Scalar> {
    let listed = [
        "0",
        "0.5",
        "-0.5",
        "0.1",
        "9007199254740993",
        "-9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854776000",
        "1.25",
    ];
    prop_oneof![
        prop::sample::select(listed.to_vec()).prop_map(number),
        int().prop_map(|value| number(&value.to_string())),
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    use Operator::{Eq, Gt, Gteq, IsAnyOf, Lt, Lteq, Neq};
    prop::sample::select(vec![Eq, Neq, Lt, Lteq, Gt, Gteq, IsAnyOf])
}

fn any_filter() -> impl Strategy<Value = Duty> {
    let numbers = (
        prop::sample::select(vec!["int", "float"]),
        operator(),
        prop::collection::vec(constant(), 1..4),
    );
    let texts =
        (Just("text"), operator(), prop::collection::vec(word().prop_map(|w| text(&w)), 1..4));
    prop_oneof![numbers, texts].prop_map(|(column, operator, mut values)| {
        if operator != Operator::IsAnyOf {
            values.truncate(1);
        }
        filter(column, operator, values)
    })
}

fn columns(rows: &[Row]) -> arrow_array::RecordBatch {
    let ids: Vec<i64> = (0..).take(rows.len()).collect();
    let ints: Int64Array = rows.iter().map(|row| row.int).collect();
    let floats: Float64Array = rows.iter().map(|row| row.float).collect();
    let texts: StringArray = rows.iter().map(|row| row.text.as_deref()).collect();
    batch(vec![
        ("id", Arc::new(Int64Array::from(ids)) as ArrayRef),
        ("int", Arc::new(ints)),
        ("float", Arc::new(floats)),
        ("text", Arc::new(texts)),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn the_plan_keeps_the_rows_that_the_naive_evaluator_keeps(
        table in prop::collection::vec(row(), 0..40),
        filters in prop::collection::vec(any_filter(), 1..3),
    ) {
        let mut duties = filters;
        duties.extend(["int", "float", "text"].map(|c| mask(c, MaskMethod::Drop)));
        let expected: Vec<_> = (0..table.len())
            .filter(|i| duties.iter().all(|duty| holds(duty, &table[*i])))
            .map(|i| i.to_string())
            .collect();
        prop_assert_eq!(rows(&apply(&duties, &columns(&table))), expected);
    }

    #[test]
    fn rounded_floats_are_the_decimals_that_a_person_would_write(
        digits in -999_999_999_999_999..=999_999_999_999_999_i128,
        point in 0..12_u32,
        decimals in -15..=11_i8,
    ) {
        let value: f64 = format!("{digits}e-{point}").parse().unwrap();
        // Drop `cut` digits of the whole number, half away from zero.
        let expected: f64 = match u32::try_from(i32::try_from(point).unwrap() - i32::from(decimals)) {
            Ok(cut) => {
                let unit = 10_i128.pow(cut);
                let rounded = (digits.abs() + unit / 2) / unit * digits.signum();
                let rounded = if cut == 0 { digits } else { rounded };
                format!("{rounded}e{}", -i32::from(decimals)).parse().unwrap()
            }
            Err(_) => value,
        };
        let source = batch(vec![("c", Arc::new(Float64Array::from(vec![value])) as ArrayRef)]);
        let out = rows(&apply(&[mask("c", MaskMethod::Round { decimals })], &source));
        prop_assert_eq!(out, [format!("{:?}", expected + 0.0)]);
    }

    #[test]
    fn any_float_rounds_to_no_more_digits_than_asked(bits in any::<u64>(), decimals in -18..=18_i8) {
        let value = f64::from_bits(bits);
        let source = batch(vec![("c", Arc::new(Float64Array::from(vec![value])) as ArrayRef)]);
        let duty = [mask("c", MaskMethod::Round { decimals })];
        let once = apply(&duty, &source);
        let out: f64 = rows(&once)[0].parse().unwrap();
        prop_assert_eq!(out.is_finite(), value.is_finite());
        if out.is_finite() {
            let plain = format!("{out}");
            let fraction = plain.split_once('.').map_or("", |(_, fraction)| fraction);
            prop_assert!(fraction.len() <= usize::try_from(decimals.max(0)).unwrap());
            if decimals < 0 && out.abs() < 1e15 {
                let zeros = usize::from(decimals.unsigned_abs());
                prop_assert!(out == 0.0 || plain.ends_with(&"0".repeat(zeros)));
            }
        }
        prop_assert_eq!(rows(&apply(&duty, &once)), rows(&once));
    }

    #[test]
    fn rounded_integers_are_multiples_next_to_the_value(value in int(), zeros in 1..=18_i8) {
        let source = batch(vec![("c", Arc::new(Int64Array::from(vec![value])) as ArrayRef)]);
        let out = rows(&apply(&[mask("c", MaskMethod::Round { decimals: -zeros })], &source));
        let (out, value) = (out[0].parse::<i128>().unwrap(), i128::from(value));
        let unit = 10_i128.pow(u32::from(zeros.unsigned_abs()));
        prop_assert_eq!(out % unit, 0);
        let away = (value.abs() + unit / 2) / unit * unit * value.signum();
        let down = value / unit * unit;
        prop_assert_eq!(out, if i64::try_from(away).is_ok() { away } else { down });
    }

    #[test]
    fn a_truncated_text_is_the_first_characters(value in "\\PC{0,12}", chars in 0..14_u32) {
        let source = batch(vec![("c", Arc::new(StringArray::from(vec![value.as_str()])) as ArrayRef)]);
        let out = apply(&[mask("c", MaskMethod::Truncate { chars })], &source);
        let expected: String = value.chars().take(usize::try_from(chars).unwrap()).collect();
        let expected = batch(vec![("c", Arc::new(StringArray::from(vec![expected])) as ArrayRef)]);
        prop_assert_eq!(rows(&out), rows(&expected));
    }

    #[test]
    fn pseudonyms_are_equal_exactly_where_values_are(
        values in prop::collection::vec(prop::option::of(word()), 1..12),
    ) {
        let column: StringArray = values.iter().map(Option::as_deref).collect();
        let source = batch(vec![("c", Arc::new(column) as ArrayRef)]);
        let out = rows(&apply(&[mask("c", MaskMethod::Hash)], &source));
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                prop_assert_eq!(a == b, out[i] == out[j]);
            }
        }
    }

    #[test]
    fn a_preview_of_any_text_is_printable(values in prop::collection::vec(any::<String>(), 0..6)) {
        let source = batch(vec![("c", Arc::new(StringArray::from(values.clone())) as ArrayRef)]);
        let shown = dataspace_data_plane::preview(&[source], 10, 80);
        prop_assert_eq!(shown.lines().count(), values.len() + 1);
        prop_assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
    }
}
