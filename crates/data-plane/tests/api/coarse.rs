//! Masks that make values coarser, the columns that leave, and filters on dates: against numbers worked out by
//! hand and against `chrono`-free naive computations.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array, Int32Array,
    Int64Array, StringArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray,
};
use dataspace_data_plane::errors::PlanError;
use dataspace_policy::duty::{CalendarPart, Characters, InvalidDuty};
use dataspace_policy::{Duty, KeptColumns, MaskMethod, Operator};
use proptest::prelude::*;

use crate::common::{apply, batch, compile, filter, mask, number, rows, text};

fn masked(column: ArrayRef, method: MaskMethod) -> Vec<String> {
    let duty = [mask("c", method)];
    let out = rows(&apply(&duty, &batch(vec![("c", column)])));
    for cell in &out {
        let cell = if cell == "\"\"" { "" } else { cell };
        assert!(duty[0].allows(cell), "a consumer complains of {cell} under {duty:?}");
    }
    out
}

fn keep(columns: &[&str]) -> Duty {
    let columns = columns.iter().map(|column| column.parse().unwrap()).collect();
    Duty::Keep(KeptColumns { columns })
}

fn calendar(part: CalendarPart) -> MaskMethod {
    MaskMethod::Calendar { part }
}

fn three() -> arrow_array::RecordBatch {
    let column = |values: [i32; 2]| -> ArrayRef { Arc::new(Int32Array::from(values.to_vec())) };
    batch(vec![("a", column([1, 2])), ("b", column([3, 4])), ("c", column([5, 6]))])
}

#[test]
fn only_the_columns_that_are_listed_leave() {
    let out = apply(&[keep(&["c", "a"])], &three());
    let names: Vec<_> = out.schema().fields().iter().map(|one| one.name().clone()).collect();
    assert_eq!(names, ["a", "c"], "in the table's order");
    assert_eq!(rows(&out), ["1,5", "2,6"]);
}

#[test]
fn a_column_that_is_not_listed_can_be_filtered_by() {
    let duties = [keep(&["a"]), filter("b", Operator::Gt, vec![number("3")])];
    assert_eq!(rows(&apply(&duties, &three())), ["2"]);
}

#[test]
fn the_order_is_the_contracts_own_only_if_something_is_left_out() {
    let reorders = |duty| compile(&[duty], &three().schema()).unwrap().reorders();
    assert!(reorders(keep(&["a"])));
    assert!(!reorders(keep(&["a", "b", "c"])));
}

#[test]
fn lists_that_cannot_be_kept_are_refused() {
    let error = |duties: &[Duty]| compile(duties, &three().schema()).unwrap_err();
    assert_eq!(
        error(&[keep(&["a", "d"])]),
        PlanError::UnknownColumn { clause: 0, column: "d".to_owned() }
    );
    assert_eq!(error(&[keep(&["a"]), keep(&["b"])]), PlanError::SecondKeep { clause: 1, first: 0 });
    assert_eq!(
        error(&[mask("b", MaskMethod::Null), keep(&["a"])]),
        PlanError::MaskNotKept { clause: 0, column: "b".to_owned() }
    );
    let none = InvalidDuty::KeptColumns { found: 0 };
    assert_eq!(error(&[keep(&[])]), PlanError::Duty { clause: 0, source: none });
}

#[test]
fn a_table_with_more_columns_than_a_contract_has_clauses_can_be_offered() {
    let names: Vec<String> = (0..500).map(|number| format!("c{number}")).collect();
    let column: ArrayRef = Arc::new(Int32Array::from(vec![7]));
    let wide = batch(names.iter().map(|name| (name.as_str(), Arc::clone(&column))).collect());
    let out = apply(&[keep(&["c3", "c499"])], &wide);
    assert_eq!(out.num_columns(), 2);
}

#[test]
fn numbers_become_the_lower_end_of_their_interval() {
    let tens = || MaskMethod::Bin { width: 10 };
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![Some(47), Some(-1), None, Some(50)]));
    assert_eq!(masked(integers, tens()), ["40", "-10", "\"\"", "50"]);
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![47.9, -0.1, -0.0, f64::INFINITY]));
    assert_eq!(masked(floats, tens()), ["40.0", "-10.0", "0.0", "inf"]);
    let narrow: ArrayRef = Arc::new(Float32Array::from(vec![47.9, f32::NAN, 1e10]));
    assert_eq!(masked(narrow, tens()), ["40.0", "NaN", "10000000000.0"]);
    let decimals = Decimal128Array::from(vec![4799, -1, 99_999]);
    let decimals: ArrayRef = Arc::new(decimals.with_precision_and_scale(5, 2).unwrap());
    assert_eq!(masked(decimals, tens()), ["40.00", "-10.00", "990.00"]);
    let edge = Decimal128Array::from(vec![-99, 50]).with_precision_and_scale(2, 0).unwrap();
    assert_eq!(masked(Arc::new(edge), MaskMethod::Bin { width: 7 }), ["-98", "49"]);
    let fine = Decimal128Array::from(vec![-99]).with_precision_and_scale(38, 38).unwrap();
    let fine = rows(&apply(&[mask("c", tens())], &batch(vec![("c", Arc::new(fine))])));
    assert_eq!(fine[0].trim_matches(['0', '.']), "", "{fine:?}");
    let small: ArrayRef = Arc::new(Int8Array::from(vec![-128, 127]));
    assert_eq!(masked(small, MaskMethod::Bin { width: 100 }), ["-100", "100"]);
}

#[test]
fn dates_and_instants_are_cut_in_utc() {
    // 2024-02-29 13:47:59.123456789
    let nanos = 1_709_214_479_123_456_789_i64;
    for (part, expected) in [
        (CalendarPart::Minute, "2024-02-29 13:47:00Z"),
        (CalendarPart::Hour, "2024-02-29 13:00:00Z"),
        (CalendarPart::Day, "2024-02-29 00:00:00Z"),
        (CalendarPart::Month, "2024-02-01 00:00:00Z"),
        (CalendarPart::Year, "2024-01-01 00:00:00Z"),
    ] {
        let zoned = TimestampNanosecondArray::from(vec![nanos]).with_timezone("Asia/Shanghai");
        assert_eq!(masked(Arc::new(zoned), calendar(part)), [expected]);
        let millis = TimestampMillisecondArray::from(vec![nanos / 1_000_000]);
        assert_eq!(masked(Arc::new(millis), calendar(part)), [expected.trim_end_matches('Z')]);
    }
    let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(19_782), None, Some(-1)]));
    assert_eq!(
        masked(Arc::clone(&days), calendar(CalendarPart::Month)),
        ["2024-02-01", "\"\"", "1969-12-01"]
    );
    assert_eq!(masked(Arc::clone(&days), calendar(CalendarPart::Year))[0], "2024-01-01");
    assert_eq!(masked(days, calendar(CalendarPart::Hour))[0], "2024-02-29");
}

#[test]
fn instants_at_the_ends_of_their_type_do_not_overflow() {
    for part in [CalendarPart::Minute, CalendarPart::Day, CalendarPart::Year] {
        let ends: ArrayRef = Arc::new(TimestampSecondArray::from(vec![i64::MIN, i64::MAX, 0]));
        let out = apply(&[mask("c", calendar(part))], &batch(vec![("c", ends)]));
        assert_eq!(out.num_rows(), 3);
        let ends: ArrayRef = Arc::new(Date32Array::from(vec![i32::MIN, i32::MAX]));
        apply(&[mask("c", calendar(part))], &batch(vec![("c", ends)]));
    }
}

#[test]
fn positions_become_the_middle_of_their_cell() {
    let tenth = || MaskMethod::Grid { cells: 10 };
    let values = vec![Some(48.137_43), Some(-0.01), None, Some(361.0), Some(f64::NAN)];
    let degrees: ArrayRef = Arc::new(Float64Array::from(values));
    assert_eq!(masked(degrees, tenth()), ["48.15", "-0.05", "\"\"", "\"\"", "\"\""]);
    let narrow: ArrayRef = Arc::new(Float32Array::from(vec![48.137_43, 179.999, -180.0]));
    assert_eq!(masked(Arc::clone(&narrow), tenth()), ["48.15", "179.95", "-179.95"]);
    masked(narrow, MaskMethod::Grid { cells: 3600 });
}

#[test]
fn characters_of_a_class_are_replaced_and_the_others_stay() {
    let texts: ArrayRef =
        Arc::new(StringArray::from(vec![Some("B-XY 1234 Ⅷ٣"), None, Some("é中-")]));
    let redact = |characters| MaskMethod::Redact { characters };
    let digits = masked(Arc::clone(&texts), redact(Characters::Digits));
    assert_eq!(digits, ["B-XY #### ##", "\"\"", "é中-"]);
    let letters = masked(texts, redact(Characters::Letters));
    assert_eq!(letters, ["x-xx 1234 x٣", "\"\"", "xx-"]);
}

#[test]
fn masks_that_do_not_fit_a_type_are_refused() {
    let columns: [ArrayRef; 3] = [
        Arc::new(StringArray::from(vec!["x"])),
        Arc::new(Date32Array::from(vec![0])),
        Arc::new(Int32Array::from(vec![0])),
    ];
    for (method, fits) in [
        (MaskMethod::Bin { width: 5 }, [false, false, true]),
        (calendar(CalendarPart::Month), [false, true, false]),
        (MaskMethod::Grid { cells: 5 }, [false, false, false]),
        (MaskMethod::Redact { characters: Characters::Digits }, [true, false, false]),
        (MaskMethod::Round { decimals: 1 }, [false, false, true]),
        (MaskMethod::Hash, [true, true, true]),
    ] {
        let found = columns.each_ref().map(|column| {
            let batch = batch(vec![("c", Arc::clone(column)), ("d", Arc::clone(column))]);
            compile(&[mask("c", method.clone())], &batch.schema()).is_ok()
        });
        assert_eq!(found, fits, "{method:?}");
    }
    let schema = batch(vec![("c", Arc::new(Int32Array::from(vec![0])))]).schema();
    for method in [MaskMethod::Bin { width: 0 }, MaskMethod::Grid { cells: 3601 }] {
        assert!(matches!(compile(&[mask("c", method)], &schema), Err(PlanError::Duty { .. })));
    }
}

#[test]
fn dates_and_instants_can_be_filtered_and_hashed() {
    let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(19_782), Some(19_783), None]));
    let table = batch(vec![("c", Arc::clone(&days))]);
    let kept = |operator, constant: &str| {
        rows(&apply(&[filter("c", operator, vec![text(constant)])], &table))
    };
    assert_eq!(kept(Operator::Lteq, "2024-02-29"), ["2024-02-29"]);
    assert_eq!(kept(Operator::Lt, "2024-02-29T00:00:00.001Z"), ["2024-02-29"]);
    assert_eq!(kept(Operator::Eq, "2024-03-01"), ["2024-03-01"]);
    assert_eq!(kept(Operator::Neq, "2024-03-01"), ["2024-02-29"], "what is missing never stays");
    for constant in ["2024-02-30", "yesterday", "2024-2-3", "24-02-03", "2024-02-03T25:00:00Z"] {
        let duty = filter("c", Operator::Eq, vec![text(constant)]);
        let error = compile(&[duty], &table.schema()).unwrap_err();
        assert!(matches!(error, PlanError::ConstantType { .. }), "{constant}: {error}");
    }
    // One day has one pseudonym, however it is stored.
    let midnight: ArrayRef = Arc::new(TimestampSecondArray::from(vec![19_782 * 86_400]));
    let hashed = |column| rows(&apply(&[mask("c", MaskMethod::Hash)], &batch(vec![("c", column)])));
    assert_eq!(hashed(days)[0], hashed(midnight)[0]);
}

#[test]
fn a_consumer_takes_filtered_instants_for_what_they_are() {
    let from = filter("c", Operator::Gteq, vec![text("2024-02-29T12:00:00Z")]);
    assert!(from.allows("2024-02-29 12:00:00Z"));
    assert!(from.allows("2024-02-29 12:00:00.500"));
    assert!(!from.allows("2024-02-29 11:59:59"));
    assert!(!from.allows("2024-02-28"));
}

proptest! {
    #[test]
    fn every_cut_is_the_last_beginning_that_is_not_later(seconds in -99_999_999_999_i64..99_999_999_999) {
        let column = || -> ArrayRef { Arc::new(TimestampSecondArray::from(vec![seconds])) };
        let shown = |part| {
            let out = rows(&apply(&[mask("c", calendar(part))], &batch(vec![("c", column())])));
            out[0].clone()
        };
        // Without a mask, as text: what is cut off is written as its least value.
        let whole = rows(&apply(&[], &batch(vec![("c", column())])))[0].clone();
        let (date, time) = whole.split_once(' ').unwrap();
        let until = |text: &str, end: usize| text.get(..end).unwrap().to_owned();
        let year_month = until(date, date.len() - 2);
        prop_assert_eq!(shown(CalendarPart::Minute), format!("{date} {}:00", until(time, 5)));
        prop_assert_eq!(shown(CalendarPart::Hour), format!("{date} {}:00:00", until(time, 2)));
        prop_assert_eq!(shown(CalendarPart::Day), format!("{date} 00:00:00"));
        prop_assert_eq!(shown(CalendarPart::Month), format!("{year_month}01 00:00:00"));
        let year = until(date, date.len() - 5);
        prop_assert_eq!(shown(CalendarPart::Year), format!("{year}01-01 00:00:00"));
    }

    #[test]
    fn every_interval_holds_its_value(value in any::<i64>(), width in 1_u32..) {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![value]));
        let end: i128 = masked(column, MaskMethod::Bin { width })[0].parse().unwrap();
        let (value, width) = (i128::from(value), i128::from(width));
        prop_assert_eq!(end % width, 0);
        // At the end of the type, the next one towards zero.
        prop_assert!((end..end + width).contains(&value) || end - width < i128::from(i64::MIN));
    }

    #[test]
    fn every_float_lies_in_its_interval_and_cell(value in -180.0..180.0_f64, n in 1_u32..3600) {
        let column = || -> ArrayRef { Arc::new(Float64Array::from(vec![value])) };
        let n_float = f64::from(n);
        let middle: f64 = masked(column(), MaskMethod::Grid { cells: n })[0].parse().unwrap();
        prop_assert!((value - middle).abs() <= 0.5 / n_float + 1e-9);
        let end: f64 = masked(column(), MaskMethod::Bin { width: n })[0].parse().unwrap();
        prop_assert!(end <= value && value < end + n_float);
    }

    #[test]
    fn any_text_is_redacted_without_losing_a_character(value in any::<String>()) {
        let column = || -> ArrayRef { Arc::new(StringArray::from(vec![value.as_str()])) };
        for characters in [Characters::Digits, Characters::Letters] {
            let duty = mask("c", MaskMethod::Redact { characters });
            let out = apply(&[duty], &batch(vec![("c", column())]));
            let out = arrow_array::cast::AsArray::as_string::<i32>(out.column(0)).value(0).to_owned();
            prop_assert_eq!(out.chars().count(), value.chars().count());
            for (before, after) in value.chars().zip(out.chars()) {
                let is_one = match characters {
                    Characters::Digits => before.is_numeric(),
                    Characters::Letters => before.is_alphabetic(),
                };
                let is_good = if is_one { after == '#' || after == 'x' } else { after == before };
                prop_assert!(is_good, "{} {}", before, after);
            }
        }
    }
}
