//! Figures of groups: against a naive computation, and against what somebody would try to read out of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use dataspace_data_plane::errors::{ApplyError, PlanError};
use dataspace_data_plane::{Plan, Product, Table};
use dataspace_policy::duty::{Aggregate, CalendarPart, InvalidDuty};
use dataspace_policy::{Action, Duty, KeptColumns, MaskMethod, Operator, Rule, Terms};
use dataspace_primitives::Part;
use proptest::prelude::*;

use crate::common::{CONTRACT, batch, compile, filter, key, mask, number, rows};

fn names(all: &[&str]) -> BTreeSet<dataspace_primitives::Name> {
    all.iter().map(|name| name.parse().unwrap()).collect()
}

fn figures(by: &[&str], least: u32, mean: &[&str], sum: &[&str]) -> Duty {
    let subject = "vin".parse().unwrap();
    Duty::Aggregate(Aggregate { by: names(by), subject, least, mean: names(mean), sum: names(sum) })
}

fn text(values: Vec<Option<&str>>) -> ArrayRef {
    Arc::new(StringArray::from(values))
}

fn table(columns: Vec<(&str, ArrayRef)>) -> Table {
    let batch = batch(columns);
    Table::from_batches(&batch.schema(), vec![batch]).unwrap()
}

/// Models of vehicles; one has one vehicle only.
fn fleet() -> Table {
    table(vec![
        ("model", text(["a", "a", "a", "b", "b", "c"].map(Some).to_vec())),
        ("vin", text(vec![Some("1"), Some("2"), Some("1"), Some("3"), Some("3"), None])),
        (
            "rpm",
            Arc::new(Int64Array::from(vec![
                Some(1000),
                Some(2000),
                None,
                Some(7),
                Some(9),
                Some(5),
            ])),
        ),
    ])
}

fn run(table: &Table, duties: &[Duty]) -> Vec<String> {
    let plan = Plan::compile(duties, &table.schema(), &key(1), CONTRACT).unwrap();
    let batches: Vec<RecordBatch> = plan.run(table).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(batches.iter().all(|batch| batch.schema() == plan.output_schema()));
    batches.iter().flat_map(rows).collect()
}

#[test]
fn groups_with_too_few_subjects_are_left_out() {
    let out = run(&fleet(), &[figures(&["model"], 2, &["rpm"], &["rpm"])]);
    assert_eq!(out, ["a,3,1500.0,3000.0"], "b has one vehicle twice, c none");
    assert_eq!(run(&fleet(), &[figures(&["model"], 3, &[], &[])]), [""; 0]);
    assert_eq!(run(&fleet(), &[figures(&[], 3, &["rpm"], &[])]), ["5,754.0"], "all together");
}

#[test]
fn a_figure_to_which_too_few_contribute_is_missing() {
    let table = table(vec![
        ("vin", text(["1", "2", "3"].map(Some).to_vec())),
        ("rare", Arc::new(Float64Array::from(vec![Some(42.0), None, Some(f64::NAN)]))),
    ]);
    assert_eq!(run(&table, &[figures(&[], 2, &["rare"], &["rare"])]), ["3,,"]);
}

#[test]
fn groups_are_made_after_filters_and_masks_and_subjects_told_apart_before() {
    let days = [19_782, 19_783, 19_813].map(Some).to_vec();
    let table = table(vec![
        ("day", Arc::new(Date32Array::from(days))),
        ("vin", text(["1", "2", "3"].map(Some).to_vec())),
        ("rpm", Arc::new(Int64Array::from(vec![10, 20, 90]))),
    ]);
    let month = mask("day", MaskMethod::Calendar { part: CalendarPart::Month });
    let coarse = mask("rpm", MaskMethod::Round { decimals: -2 });
    let out = run(
        &table,
        &[month.clone(), mask("vin", MaskMethod::Null), figures(&["day"], 2, &["rpm"], &[])],
    );
    assert_eq!(out, ["2024-03-01,2,55.0"], "in February there was one");
    let few = filter("rpm", Operator::Lt, vec![number("20")]);
    assert_eq!(run(&table, &[few, month, figures(&["day"], 2, &[], &[])]), [""; 0]);
    assert_eq!(run(&table, &[coarse, figures(&[], 2, &[], &["rpm"])]), ["3,100.0"]);
}

#[test]
fn no_row_leaves_by_another_way() {
    let (duties, table) = ([figures(&["model"], 2, &[], &[])], fleet());
    let plan = compile(&duties, &table.schema()).unwrap();
    let batch = table.read().unwrap().next().unwrap().unwrap();
    assert!(matches!(plan.apply(&batch), Err(ApplyError::Aggregated)));
    let part = Part::Rows { columns: Some(names(&["model"])), rows_max: None };
    assert!(table.open(&duties, Some(&part), &key(1), CONTRACT).is_err());
    let part = Part::Rows { columns: None, rows_max: Some(1) };
    assert!(table.open(&duties, Some(&part), &key(1), CONTRACT).is_ok());
}

#[test]
fn figures_that_cannot_be_made_are_refused() {
    let error = |duties: &[Duty]| compile(duties, &fleet().schema()).unwrap_err();
    let keep = Duty::Keep(KeptColumns { columns: names(&["model"]) });
    let some = || figures(&["model"], 2, &[], &[]);
    assert!(matches!(error(&[some(), keep.clone()]), PlanError::SecondKeep { .. }));
    assert!(matches!(error(&[some(), some()]), PlanError::SecondKeep { .. }));
    for (duty, expected) in [
        (figures(&["model"], 1, &[], &[]), InvalidDuty::Subjects { least: 1 }),
        (figures(&["vin"], 2, &[], &[]), InvalidDuty::FigureNames),
        (figures(&["rows"], 2, &[], &[]), InvalidDuty::FigureNames),
        (figures(&["mean_rpm"], 2, &["rpm"], &[]), InvalidDuty::FigureNames),
        (figures(&[], 1_000_001, &[], &[]), InvalidDuty::Subjects { least: 1_000_001 }),
    ] {
        assert_eq!(error(&[duty]), PlanError::Duty { clause: 0, source: expected });
    }
    let error_of_many = error(&[figures(&[], 300_000, &["rpm"], &[])]);
    assert_eq!(error_of_many, PlanError::TooManySubjects { clause: 0, least: 300_000 });
    assert!(matches!(error(&[figures(&["x"], 2, &[], &[])]), PlanError::UnknownColumn { .. }));
    assert!(matches!(error(&[figures(&[], 2, &["model"], &[])]), PlanError::ColumnType { .. }));
    let terms = |duties: [Duty; 2]| {
        let [one, two] = duties;
        Terms::new().permit(Rule::new([Action::Aggregate])).duty(one).duty(two).check().is_ok()
    };
    assert!(!terms([some(), keep]));
    assert!(!terms([some(), some()]));
    assert!(terms([some(), mask("vin", MaskMethod::Drop)]));
}

#[test]
fn a_column_of_groups_that_a_mask_leaves_out_is_refused() {
    let duties = [mask("model", MaskMethod::Drop), figures(&["model"], 2, &[], &[])];
    let error = compile(&duties, &fleet().schema()).unwrap_err();
    assert_eq!(error, PlanError::UnknownColumn { clause: 1, column: "model".to_owned() });
}

#[test]
fn long_subjects_are_told_apart() {
    let long = |last: &str| "x".repeat(1_000) + last;
    let vins = [long("1"), long("2"), long("1")];
    let vins: ArrayRef = Arc::new(StringArray::from_iter_values(vins));
    assert_eq!(run(&table(vec![("vin", Arc::clone(&vins))]), &[figures(&[], 2, &[], &[])]), ["3"]);
    assert_eq!(run(&table(vec![("vin", vins)]), &[figures(&[], 3, &[], &[])]), [""; 0]);
}

#[test]
fn more_groups_than_are_kept_end_the_release() {
    let count = 70_000;
    let table = table(vec![
        ("vin", Arc::new(Int64Array::from_iter_values(0..count))),
        ("id", Arc::new(Int64Array::from_iter_values(0..count))),
    ]);
    let plan = compile(&[figures(&["id"], 2, &[], &[])], &table.schema()).unwrap();
    let ended: Result<Vec<_>, _> = plan.run(&table).unwrap().collect();
    assert!(ended.is_err());
}

type Row = (u8, Option<u8>, Option<i16>);

fn figures_of(rows: &[Row]) -> (Table, Vec<String>) {
    let table = table(vec![
        ("model", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| i64::from(row.0))))),
        ("vin", Arc::new(rows.iter().map(|row| row.1.map(i64::from)).collect::<Int64Array>())),
        (
            "rpm",
            Arc::new(
                rows.iter().map(|row| row.2.map(|v| f64::from(v) / 4.0)).collect::<Float64Array>(),
            ),
        ),
    ]);
    let out = run(&table, &[figures(&["model"], 3, &["rpm"], &["rpm"])]);
    (table, out)
}

/// As one would do it with a pencil, in quarters.
fn naive(rows: &[Row]) -> Vec<String> {
    let mut groups: BTreeMap<u8, Vec<(u8, Option<i16>)>> = BTreeMap::new();
    for (model, vin, rpm) in rows {
        if let Some(vin) = vin {
            groups.entry(*model).or_default().push((*vin, *rpm));
        }
    }
    let enough = |vins: BTreeSet<u8>| vins.len() >= 3;
    let mut out = Vec::new();
    for (model, all) in groups {
        if !enough(all.iter().map(|(vin, _)| *vin).collect()) {
            continue;
        }
        let with: Vec<_> =
            all.iter().filter_map(|(vin, rpm)| Some((*vin, i64::from((*rpm)?)))).collect();
        let quarters: i64 = with.iter().map(|(_, rpm)| rpm).sum();
        // To twelve digits of the sum of sizes.
        let size: i64 = with.iter().map(|(_, rpm)| rpm.abs()).sum();
        let shown = |value: f64, size: f64| {
            let place = if size == 0.0 { 0.0 } else { size.log10().floor() - 11.0 };
            let text = if place < 0.0 {
                let decimals: usize = format!("{}", -place).parse().unwrap();
                format!("{value:.decimals$}")
            } else {
                format!("{value}")
            };
            format!("{:?}", text.parse::<f64>().unwrap() + 0.0)
        };
        let (mean, sum) = if enough(with.iter().map(|(vin, _)| *vin).collect()) {
            let count = i32::try_from(with.len()).unwrap();
            let sum = f64::from(i32::try_from(quarters).unwrap()) / 4.0;
            let size = f64::from(i32::try_from(size).unwrap()) / 4.0;
            (shown(sum / f64::from(count), size / f64::from(count)), shown(sum, size))
        } else {
            (String::new(), String::new())
        };
        out.push(format!("{model},{},{mean},{sum}", all.len()));
    }
    out
}

fn row() -> impl Strategy<Value = Row> {
    (0_u8..3, prop::option::weighted(0.9, 0_u8..5), prop::option::weighted(0.8, any::<i16>()))
}

proptest! {
    #[test]
    fn the_figures_are_those_of_the_naive_computation(rows in prop::collection::vec(row(), 0..40)) {
        prop_assert_eq!(figures_of(&rows).1, naive(&rows));
    }

    #[test]
    fn large_and_small_floats_do_not_tell_their_order(mut values in prop::collection::vec(
        prop_oneof![Just(1e200), Just(-1e200), Just(1e100), Just(-1e100), Just(1.0), Just(1.7e308)], 0..9,
    )) {
        let sum = |values: &[f64]| {
            let vins = Arc::new(Int64Array::from_iter_values((0..).take(values.len())));
            let rpm: ArrayRef = Arc::new(Float64Array::from_iter_values(values.iter().copied()));
            run(&table(vec![("vin", vins), ("rpm", rpm)]), &[figures(&[], 2, &[], &["rpm"])])
        };
        let one = sum(&values);
        values.sort_by(f64::total_cmp);
        prop_assert_eq!(one, sum(&values));
    }

    #[test]
    fn the_order_of_the_table_changes_nothing(rows in prop::collection::vec(row(), 0..40)) {
        let mut other = rows.clone();
        other.reverse();
        prop_assert_eq!(figures_of(&rows).1, figures_of(&other).1);
    }

    #[test]
    fn what_a_group_left_out_holds_changes_nothing(
        rows in prop::collection::vec(row(), 0..30), hidden in prop::collection::vec((0_u8..2, any::<i16>()), 0..9),
    ) {
        let with = |rpm: fn(i16) -> i16| {
            let mut all = rows.clone();
            all.extend(hidden.iter().map(|(vin, value)| (9, Some(*vin), Some(rpm(*value)))));
            figures_of(&all).1
        };
        prop_assert_eq!(with(|value| value), with(|_| 0));
    }
}
