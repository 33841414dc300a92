//! Attacks by the order of rows: it must tell nothing about the table's.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use dataspace_data_plane::{Plan, Table};
use dataspace_policy::MaskMethod::{Drop, Hash, Null, Round, Truncate};
use dataspace_policy::{Duty, Operator};
use proptest::prelude::*;

use crate::common::{CONTRACT, batch, filter, key, mask, number, rows};

const ROWS: i64 = 3000;

/// Participants, sorted by their number as a published list of them is.
fn table() -> RecordBatch {
    let ids: Vec<String> = (0..ROWS).map(|n| format!("DE{n:06}")).collect();
    let amounts: Vec<i64> = (0..ROWS).map(|n| n * 7919 % 3001).collect();
    let days: Vec<i64> = (0..ROWS).map(|n| 20_000 + n / 3).collect();
    batch(vec![
        ("id", Arc::new(StringArray::from(ids)) as ArrayRef),
        ("amount", Arc::new(Int64Array::from(amounts))),
        ("day", Arc::new(Int64Array::from(days))),
    ])
}

fn released(source: &RecordBatch, duties: &[Duty], secret: u8) -> Vec<String> {
    let table = Table::from_batches(source.schema_ref(), vec![source.clone()]).unwrap();
    let plan = Plan::compile(duties, &table.schema(), &key(secret), CONTRACT).unwrap();
    plan.run(&table).unwrap().flat_map(|batch| rows(&batch.unwrap())).collect()
}

/// The same without an order of its own: what each row of the table becomes.
fn in_place(source: &RecordBatch, duties: &[Duty], secret: u8) -> Vec<String> {
    let plan = Plan::compile(duties, source.schema_ref(), &key(secret), CONTRACT).unwrap();
    rows(&plan.apply(source).unwrap())
}

/// Rows that stand where they stood.
fn same_place(a: &[String], b: &[String]) -> usize {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).filter(|(a, b)| a == b).count()
}

/// How closely the order follows that of the table, from -1 to 1 (Spearman).
fn rank_correlation(source: &[String], released: &[String]) -> f64 {
    let places: HashMap<_, _> = source.iter().zip(0_i32..).collect();
    let count = f64::from(i32::try_from(released.len()).unwrap());
    let squares: f64 = released
        .iter()
        .zip(0_i32..)
        .map(|(row, place)| f64::from(places[row] - place).powi(2))
        .sum();
    1.0 - 6.0 * squares / (count * (count * count - 1.0))
}

#[test]
fn pseudonyms_are_not_inverted_by_rank() {
    let source = table();
    let duties = [mask("id", Hash)];
    let out = released(&source, &duties, 1);
    let truth = in_place(&source, &duties, 1);
    // Who takes the n-th row for the n-th participant is right once by chance.
    assert!(same_place(&out, &truth) <= 8);
    assert!(rank_correlation(&truth, &out).abs() < 0.1);
    let backwards: Vec<_> = out.iter().rev().cloned().collect();
    assert!(same_place(&backwards, &truth) <= 8);
}

#[test]
fn a_column_that_is_lost_is_not_told_by_the_order() {
    let source = table();
    for method in [Drop, Null, Round { decimals: -18 }] {
        let duties = [mask("day", method)];
        assert!(
            rank_correlation(&in_place(&source, &duties, 1), &released(&source, &duties, 1)).abs()
                < 0.1
        );
    }
    let duties = [mask("id", Truncate { chars: 2 }), mask("day", Drop)];
    let out = released(&source, &duties, 1);
    assert!(rank_correlation(&in_place(&source, &duties, 1), &out).abs() < 0.1);
}

#[test]
fn two_contracts_are_not_joined_by_row_number() {
    let source = table();
    let (one, two) = ([mask("id", Hash), mask("day", Drop)], [mask("amount", Drop)]);
    let pairs: HashMap<_, _> =
        in_place(&source, &one, 1).into_iter().zip(in_place(&source, &two, 2)).collect();
    let joined = released(&source, &one, 1).into_iter().zip(released(&source, &two, 2));
    assert!(joined.filter(|(a, b)| pairs[a] == *b).count() <= 8);
    // Nor by the same duties under two contracts.
    let duties = [mask("day", Drop)];
    assert!(same_place(&released(&source, &duties, 1), &released(&source, &duties, 2)) <= 8);
}

#[test]
fn repeated_releases_of_a_contract_have_one_order() {
    let duties = [mask("id", Hash)];
    assert_eq!(released(&table(), &duties, 1), released(&table(), &duties, 1));
}

#[test]
fn rows_that_come_or_go_move_no_others() {
    // A row added before all others would shift every place, and two releases compared would
    // chain each row to its neighbour.
    let source = table();
    let duties = [mask("id", Hash), mask("day", Drop)];
    let all = released(&source, &duties, 1);
    let without = released(&source.slice(1, source.num_rows() - 1), &duties, 1);
    let first = &in_place(&source, &duties, 1)[0];
    let rest: Vec<_> = all.into_iter().filter(|row| row != first).collect();
    assert_eq!(without, rest);
}

#[test]
fn hidden_rows_do_not_move_those_that_stay() {
    let source = table();
    let duties = [mask("id", Hash), filter("amount", Operator::Lt, vec![number("900")])];
    let kept: Vec<_> = (0..ROWS).filter(|n| n * 7919 % 3001 < 900).collect();
    let parts: Vec<_> =
        kept.iter().map(|n| source.slice(usize::try_from(*n).unwrap(), 1)).collect();
    let table = Table::from_batches(source.schema_ref(), parts).unwrap();
    let plan = Plan::compile(&duties, &table.schema(), &key(1), CONTRACT).unwrap();
    let alone: Vec<_> = plan.run(&table).unwrap().flat_map(|batch| rows(&batch.unwrap())).collect();
    assert_eq!(alone, released(&source, &duties, 1));
}

#[test]
fn what_hides_nothing_keeps_the_order_of_the_table() {
    let source = table();
    for duties in [vec![], vec![filter("amount", Operator::Lt, vec![number("900")])]] {
        let plan = Plan::compile(&duties, source.schema_ref(), &key(1), CONTRACT).unwrap();
        assert!(!plan.reorders());
        assert_eq!(released(&source, &duties, 1), in_place(&source, &duties, 1));
    }
    let plan = Plan::compile(&[mask("day", Drop)], source.schema_ref(), &key(1), CONTRACT).unwrap();
    assert!(plan.reorders());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_release_follows_from_its_rows_and_not_from_their_order(
        values in prop::collection::vec((0..5_i64, prop::option::of("[ab]{0,2}")), 1..40),
        turn in 0..40_usize,
    ) {
        let build = |values: &[(i64, Option<String>)]| {
            let numbers: Int64Array = values.iter().map(|(n, _)| Some(*n)).collect();
            let texts: StringArray = values.iter().map(|(_, t)| t.as_deref()).collect();
            batch(vec![("n", Arc::new(numbers) as ArrayRef), ("t", Arc::new(texts))])
        };
        let mut turned = values.clone();
        turned.rotate_left(turn % values.len());
        turned.reverse();
        for duties in [vec![mask("t", Hash)], vec![mask("n", Drop)], vec![mask("n", Null)]] {
            let out = released(&build(&values), &duties, 1);
            prop_assert_eq!(&out, &released(&build(&turned), &duties, 1));
            // And it is a permutation of what the duties leave.
            let (mut out, mut expected) = (out, in_place(&build(&values), &duties, 1));
            out.sort();
            expected.sort();
            prop_assert_eq!(out, expected);
        }
    }
}
