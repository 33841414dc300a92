//! Samples and numbers of rows: the same at every access, and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use dataspace_data_plane::errors::{ApplyError, PlanError};
use dataspace_data_plane::{Piece, Plan, Product, Table, product::Recipient};
use dataspace_policy::duty::Aggregate;
use dataspace_policy::{Action, Duty, Limit, MaskMethod, Operator, Rule, Sample, Terms};
use dataspace_primitives::{Part, Secrets, Zeroizing, secrets::SecretsError};
use ring::hmac;

use crate::common::{batch, filter, holds_bytes, mask, number, rows};

struct Root;

fn secret(purpose: &str, context: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, b"root"),
        &[purpose.as_bytes(), b"\0", context].concat(),
    );
    tag.as_ref().try_into().unwrap()
}

impl Secrets for Root {
    fn derive(&self, purpose: &str, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        Ok(Zeroizing::new(secret(purpose, context)))
    }
}

const ONE: Recipient<'_> = Recipient { contract: b"contract 1", consumer: "did:web:lab.example" };
const TWO: Recipient<'_> = Recipient { contract: b"contract 2", consumer: "did:web:lab.example" };

const ROWS: i64 = 20_000;

/// Trips of 2,000 vehicles, and some of none.
fn trips() -> RecordBatch {
    let vins: StringArray =
        (0..ROWS).map(|n| (n % 97 != 0).then(|| format!("VIN{:05}", n * 7919 % 2003))).collect();
    let km: Int64Array = (0..ROWS).map(|n| Some(n * 31 % 9973)).collect();
    let ids: Int64Array = (0..ROWS).map(Some).collect();
    batch(vec![("vin", Arc::new(vins) as ArrayRef), ("km", Arc::new(km)), ("id", Arc::new(ids))])
}

fn sample(per_million: u32, subject: Option<&str>) -> Duty {
    Duty::Sample(Sample { per_million, subject: subject.map(|name| name.parse().unwrap()) })
}

fn limit(rows: u64) -> Duty {
    Duty::Limit(Limit { rows })
}

fn released(source: &RecordBatch, duties: &[Duty], recipient: Recipient<'_>) -> Vec<String> {
    let table = Table::from_batches(source.schema_ref(), vec![source.clone()]).unwrap();
    let plan = Plan::compile(duties, &table.schema(), &Root, recipient).unwrap();
    plan.run(&table).unwrap().flat_map(|batch| rows(&batch.unwrap())).collect()
}

/// The rows that a part of the product has.
fn part(duties: &[Duty], part: Option<&Part>) -> Vec<String> {
    let source = trips();
    let table = Table::from_batches(&source.schema(), vec![source]).unwrap();
    let mut delivery = table.open(duties, part, &Root, ONE).unwrap();
    let mut all = Vec::new();
    while let Some(piece) = delivery.next().unwrap() {
        let Piece::Rows(batch) = piece else { panic!("rows") };
        assert_eq!(Some(batch.schema()), delivery.schema());
        all.extend(rows(&batch));
    }
    all
}

#[test]
fn subjects_are_those_that_a_documented_hmac_chooses() {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret("sample", b"contract 1"));
    let chosen = |vin: &str| {
        let value = [b"t", vin.as_bytes()].concat();
        let len = u64::try_from(value.len()).unwrap().to_be_bytes();
        let tag = hmac::sign(&key, &[b"dataspace/sample/v1\0", &len[..], &value].concat());
        let first: [u8; 8] = tag.as_ref()[..8].try_into().unwrap();
        let share = u128::from(u64::from_be_bytes(first)) * 1_000_000 / (1 << 64);
        share < 100_000
    };
    let all = released(&trips(), &[], ONE);
    let of = |row: &String| row.split(',').next().unwrap().to_owned();
    let expected: Vec<_> =
        all.into_iter().filter(|row| !of(row).is_empty() && chosen(&of(row))).collect();
    let found = released(&trips(), &[sample(100_000, Some("vin"))], ONE);
    assert_eq!(found, expected);
    let vins: BTreeSet<_> = found.iter().map(of).collect();
    // 2,003 subjects, a tenth of them: four standard deviations are 54.
    assert!((146..=254).contains(&vins.len()), "{}", vins.len());
}

#[test]
fn rows_are_a_share_and_the_same_in_any_order_of_the_table() {
    let source = trips();
    let found = released(&source, &[sample(250_000, None)], ONE);
    // 5,000 on average; four standard deviations are 245.
    assert!((4755..=5245).contains(&found.len()), "{}", found.len());
    let set: BTreeSet<_> = found.iter().cloned().collect();
    let back: Vec<_> = (0..source.num_rows()).rev().map(|row| (0, row)).collect();
    let back = arrow_select::interleave::interleave_record_batch(&[&source], &back).unwrap();
    let again = released(&back, &[sample(250_000, None)], ONE);
    assert_eq!(again.iter().rev().cloned().collect::<Vec<_>>(), found);
    // Of another contract it is another sample: a quarter of them by chance.
    let other: BTreeSet<_> = released(&source, &[sample(250_000, None)], TWO).into_iter().collect();
    let both = set.intersection(&other).count();
    assert!((1_100..=1_400).contains(&both), "{both}");
    // A greater share has all of a smaller one.
    let more: BTreeSet<_> = released(&source, &[sample(500_000, None)], ONE).into_iter().collect();
    assert!(set.is_subset(&more));
    assert_eq!(released(&source, &[sample(1_000_000, None)], ONE).len(), source.num_rows());
}

#[test]
fn a_sample_is_of_the_table_as_it_is() {
    let chosen: BTreeSet<_> =
        released(&trips(), &[sample(100_000, Some("vin"))], ONE).into_iter().collect();
    // Filters and masks change nothing about who is in it, not even where the subject does not leave.
    let far = filter("km", Operator::Gt, vec![number("5000")]);
    let both: BTreeSet<_> =
        released(&trips(), &[far.clone(), sample(100_000, Some("vin"))], ONE).into_iter().collect();
    let all: BTreeSet<_> = released(&trips(), &[far], ONE).into_iter().collect();
    assert_eq!(both, chosen.intersection(&all).cloned().collect());
    let hidden = [mask("vin", MaskMethod::Drop), sample(100_000, Some("vin"))];
    let ids = |rows: &mut dyn Iterator<Item = String>| -> BTreeSet<String> {
        rows.map(|row| row.rsplit(',').next().unwrap().to_owned()).collect()
    };
    let without = released(&trips(), &hidden, ONE);
    assert_eq!(ids(&mut without.into_iter()), ids(&mut chosen.into_iter()));
}

#[test]
fn no_more_rows_leave_than_agreed() {
    let all = released(&trips(), &[], ONE);
    assert_eq!(released(&trips(), &[limit(10)], ONE), all[..10]);
    assert_eq!(released(&trips(), &[limit(5000)], ONE), all[..5000]);
    assert_eq!(released(&trips(), &[limit(u64::MAX)], ONE), all);
    let masked = [mask("vin", MaskMethod::Hash), limit(4100)];
    let some = released(&trips(), &masked, ONE);
    assert_eq!(some.len(), 4100);
    assert_eq!(some, released(&trips(), &masked[..1], ONE)[..4100]);
    // With a part, the smaller number.
    assert_eq!(part(&[limit(10)], Some(&Part::rows(None, Some(3)).unwrap())), all[..3]);
    assert_eq!(part(&[limit(3)], Some(&Part::rows(None, Some(10)).unwrap())), all[..3]);
}

#[test]
fn whatever_is_asked_for_the_first_rows_are_the_same() {
    let duties = [mask("km", MaskMethod::Round { decimals: -1 }), limit(50)];
    let whole = part(&duties, None);
    assert_eq!(whole.len(), 50);
    let mut columns: Vec<Vec<String>> = Vec::new();
    for name in ["vin", "km", "id"] {
        let asked = Part::rows(Some([name.parse().unwrap()].into()), None).unwrap();
        columns.push(part(&duties, Some(&asked)));
    }
    // Otherwise, each choice of columns would give fifty others.
    for (at, row) in whole.iter().enumerate() {
        let cells: Vec<_> = row.split(',').collect();
        for (column, cell) in columns.iter().zip(cells) {
            let empty = if cell.is_empty() { "\"\"" } else { cell };
            assert_eq!(column[at], empty);
        }
    }
}

#[test]
fn what_is_beyond_the_limit_lies_in_no_buffer() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "SECRET"]));
    let source = batch(vec![("t", texts)]);
    let table = Table::from_batches(&source.schema(), vec![source]).unwrap();
    let plan = Plan::compile(&[limit(2)], &table.schema(), &Root, ONE).unwrap();
    let out: Vec<_> = plan.run(&table).unwrap().map(Result::unwrap).collect();
    assert_eq!(out.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    assert!(!out.iter().any(|batch| holds_bytes(batch, b"SECRET")));
}

#[test]
fn a_batch_by_itself_does_not_know_how_many_there_were() {
    let source = trips();
    let plan = Plan::compile(&[limit(2)], source.schema_ref(), &Root, ONE).unwrap();
    assert!(matches!(plan.apply(&source), Err(ApplyError::Limited)));
}

#[test]
fn two_of_a_kind_and_limits_of_figures_are_refused() {
    let source = trips();
    let refused = |duties: &[Duty]| {
        let rule = Rule::new([Action::Read]);
        let terms =
            duties.iter().fold(Terms::new().permit(rule), |terms, duty| terms.duty(duty.clone()));
        assert!(terms.check().is_err(), "{duties:?}");
        Plan::compile(duties, source.schema_ref(), &Root, ONE).unwrap_err()
    };
    let second = PlanError::SecondDuty { clause: 1, first: 0 };
    assert_eq!(refused(&[limit(1), limit(2)]), second);
    assert_eq!(refused(&[sample(1, None), sample(1, Some("vin"))]), second);
    let name = |text: &str| text.parse().unwrap();
    let figures = Duty::Aggregate(Aggregate {
        by: BTreeSet::new(),
        subject: name("vin"),
        least: 2,
        mean: [name("km")].into(),
        sum: BTreeSet::new(),
    });
    assert_eq!(refused(&[figures.clone(), limit(1)]), PlanError::OfRows { clause: 1 });
    // Figures of a sample are figures.
    let found = released(&trips(), &[figures.clone(), sample(100_000, Some("vin"))], ONE);
    let count = |rows: &[String]| rows[0].split(',').next().unwrap().parse::<usize>().unwrap();
    let all = released(&trips(), &[figures], ONE);
    assert!(count(&found) * 5 < count(&all) && count(&found) > 0);
    assert!(Plan::check(&[sample(0, None)], source.schema_ref()).is_err());
    assert!(Plan::check(&[sample(1_000_001, None)], source.schema_ref()).is_err());
    assert!(Plan::check(&[limit(0)], source.schema_ref()).is_err());
    assert!(Plan::check(&[sample(1, Some("none"))], source.schema_ref()).is_err());
}

#[test]
fn a_subject_is_in_the_sample_with_all_of_its_rows_or_none() {
    let found = released(&trips(), &[sample(300_000, Some("vin"))], ONE);
    let count = |rows: &[String]| {
        let mut all = BTreeMap::<String, usize>::new();
        for row in rows {
            *all.entry(row.split(',').next().unwrap().to_owned()).or_default() += 1;
        }
        all
    };
    let (some, all) = (count(&found), count(&released(&trips(), &[], ONE)));
    assert!(some.iter().all(|(vin, rows)| !vin.is_empty() && all[vin] == *rows));
}
