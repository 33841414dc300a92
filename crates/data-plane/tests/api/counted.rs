//! How many different subjects left: against a naive count of the very rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use dataspace_data_plane::{Delivery, Piece, Product, Table, product::Recipient};
use dataspace_policy::duty::Aggregate;
use dataspace_policy::{Duty, Limit, MaskMethod, Sample};
use dataspace_primitives::{Name, Part};
use proptest::prelude::*;

use crate::common::{Sevens, batch, mask, rows};

const LAB: Recipient<'_> = Recipient { contract: b"contract", consumer: "did:web:lab.example" };

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn sample(per_million: u32) -> Duty {
    Duty::Sample(Sample { per_million, subject: Some(name("vin")) })
}

/// Rows with a number each, and the vehicle that each is about.
fn trips(vins: &[Option<u8>]) -> RecordBatch {
    let texts: StringArray = vins.iter().map(|vin| vin.map(|vin| format!("VIN-{vin}"))).collect();
    let km: Int64Array = (0..vins.len()).map(|n| Some(i64::try_from(n % 5).unwrap())).collect();
    let ids: Int64Array = (0..vins.len()).map(|n| i64::try_from(n).ok()).collect();
    batch(vec![("vin", Arc::new(texts) as ArrayRef), ("km", Arc::new(km)), ("id", Arc::new(ids))])
}

fn open(source: &RecordBatch, duties: &[Duty], part: Option<&Part>) -> Box<dyn Delivery> {
    let table = Table::from_batches(source.schema_ref(), vec![source.clone()]).unwrap();
    table.check(duties).unwrap();
    table.open(duties, part, &Sevens, LAB).unwrap()
}

fn all(delivery: &mut dyn Delivery) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(Piece::Rows(batch)) = delivery.next().unwrap() {
        assert_eq!(Some(batch.schema()), delivery.schema(), "marks do not leave");
        all.extend(rows(&batch));
    }
    all
}

proptest! {
    #[test]
    fn the_subjects_of_just_the_rows_that_leave_are_counted(
        vins in prop::collection::vec(prop::option::weighted(0.9, 0..40_u8), 0..300),
        share in prop::sample::select(vec![1_000_000_u32, 500_000]),
        limit in prop::option::of(1..60_u64),
        rows_max in prop::option::of(1..60_u64),
        is_hidden: bool,
    ) {
        let source = trips(&vins);
        let mut duties = vec![sample(share)];
        if is_hidden {
            duties.push(mask("vin", MaskMethod::Drop));
        }
        duties.extend(limit.map(|rows| Duty::Limit(Limit { rows })));
        let part = Part::Rows { columns: Some([name("id")].into()), rows_max };
        let mut delivery = open(&source, &duties, Some(&part));
        prop_assert_eq!(delivery.subjects(), Some(0), "nothing left yet");
        let left = all(&mut *delivery);
        let vin = |id: &String| vins[id.parse::<usize>().unwrap()].unwrap();
        let naive: BTreeSet<u8> = left.iter().map(vin).collect();
        prop_assert_eq!(delivery.subjects(), Some(naive.len() as u64));
    }

    #[test]
    fn of_figures_the_subjects_of_the_groups_that_leave_are_counted(
        vins in prop::collection::vec(prop::option::weighted(0.9, 0..12_u8), 0..200),
        least in 2..5_usize,
    ) {
        let source = trips(&vins);
        let duty = Duty::Aggregate(Aggregate {
            by: [name("km")].into(),
            subject: name("vin"),
            least: u32::try_from(least).unwrap(),
            mean: [name("id")].into(),
            sum: [].into(),
        });
        let mut delivery = open(&source, &[duty], None);
        prop_assert_eq!(delivery.subjects(), Some(0));
        let left = all(&mut *delivery).len();
        let mut groups: BTreeMap<usize, BTreeSet<u8>> = BTreeMap::new();
        for (row, vin) in vins.iter().enumerate() {
            groups.entry(row % 5).or_default().extend(vin);
        }
        groups.retain(|_, vins| vins.len() >= least);
        prop_assert_eq!(left, groups.len());
        let naive: BTreeSet<u8> = groups.into_values().flatten().collect();
        prop_assert_eq!(delivery.subjects(), Some(naive.len() as u64));
    }
}

#[test]
fn the_count_grows_with_the_pieces() {
    let vins: Vec<_> = (0..10_000_u32).map(|row| u8::try_from(row * 200 / 10_000).ok()).collect();
    let mut delivery = open(&trips(&vins), &[sample(1_000_000)], None);
    let mut counts = Vec::new();
    while delivery.next().unwrap().is_some() {
        counts.push(delivery.subjects().unwrap());
    }
    assert_eq!(counts, [82, 164, 200]);
}

#[test]
fn nothing_is_counted_where_no_duty_names_a_subject() {
    let source = trips(&[Some(1), Some(2)]);
    let of_rows = Duty::Sample(Sample { per_million: 1_000_000, subject: None });
    for duties in [vec![], vec![of_rows], vec![mask("vin", MaskMethod::Hash)]] {
        let mut delivery = open(&source, &duties, None);
        assert_eq!(all(&mut *delivery).len(), 2);
        assert_eq!(delivery.subjects(), None);
    }
}

#[test]
fn rows_leave_in_the_same_order_whether_subjects_are_counted_or_not() {
    let vins: Vec<_> = (0..5_000_u32).map(|row| u8::try_from(row * 7 % 250).ok()).collect();
    let (source, hidden) = (trips(&vins), mask("vin", MaskMethod::Drop));
    let plain = all(&mut *open(&source, std::slice::from_ref(&hidden), None));
    let counted = all(&mut *open(&source, &[hidden, sample(1_000_000)], None));
    assert_eq!(plain.len(), 5_000);
    assert_eq!(plain, counted);
}
