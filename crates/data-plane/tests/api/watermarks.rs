//! Watermarks: no number is moved further than agreed, a copy is found however it was cut, and nobody is
//! accused of what others did.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Float32Type, Float64Type, Int64Type};
use arrow_array::{
    Array as _, ArrayRef, Decimal128Array, Float32Array, Float64Array, Int8Array, Int64Array,
    RecordBatch, StringArray,
};
use dataspace_data_plane::errors::PlanError;
use dataspace_data_plane::watermark::{Detector, Finding};
use dataspace_data_plane::{Plan, Product, Table, product::Recipient};
use dataspace_policy::duty::Tolerance;
use dataspace_policy::{
    Action, Assurance, Duty, KeptColumns, MaskMethod, Operator, Rule, Terms, Watermark,
};
use dataspace_primitives::Part;
use proptest::prelude::*;

use crate::common::{Root, batch, filter, mask, number, open, rows, shared};

fn of(contract: &[u8]) -> Recipient<'_> {
    Recipient { contract, consumer: "did:web:lab.example" }
}

fn absolute(most: &str) -> Tolerance {
    Tolerance::Absolute(most.parse().unwrap())
}

fn watermark(column: &str, tolerance: Tolerance) -> Duty {
    Duty::Watermark(Watermark { column: column.parse().unwrap(), tolerance })
}

fn marked(duties: &[Duty], source: &RecordBatch, contract: &[u8]) -> RecordBatch {
    let plan = Plan::compile(duties, source.schema_ref(), &Root, of(contract)).unwrap();
    plan.apply(source).unwrap()
}

fn moved(tolerance: &Tolerance, column: ArrayRef) -> ArrayRef {
    let source = batch(vec![("c", column)]);
    let out = marked(&[watermark("c", tolerance.clone())], &source, b"contract");
    assert_eq!(out.schema().field(0).data_type(), source.schema().field(0).data_type());
    Arc::clone(out.column(0))
}

fn floats(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

/// Numbers of no pattern, spread over many powers of ten.
fn numbers(count: usize) -> Vec<f64> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut all = Vec::new();
    for _ in 0..count {
        let part = f64::from(u32::try_from(next() >> 32).unwrap()) / 4_294_967_296.0;
        let sign = if next() % 2 == 0 { 1.0 } else { -1.0 };
        all.push(sign * (part * 9.0).exp());
    }
    all
}

fn finding(duties: &[Duty], schema: &RecordBatch, copy: &RecordBatch, contract: &[u8]) -> Finding {
    let mut detector = Detector::new(duties, schema.schema_ref()).unwrap();
    detector.push(copy);
    detector.test(&Root, of(contract)).unwrap()
}

fn tolerance() -> impl Strategy<Value = Tolerance> {
    prop_oneof![
        (1..=100_000_u32).prop_map(Tolerance::Relative),
        prop::sample::select(vec!["0.000001", "0.03", "0.1", "1", "2.5", "40", "1000"])
            .prop_map(absolute),
    ]
}

fn is_within(tolerance: &Tolerance, before: f64, after: f64) -> bool {
    let most = match tolerance {
        Tolerance::Absolute(most) => most.as_f64(),
        Tolerance::Relative(millionths) => f64::from(*millionths) / 1e6 * before.abs(),
    };
    (after - before).abs() <= most
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_number_is_moved_further_than_agreed(
        tolerance in tolerance(),
        bits in prop::collection::vec(any::<u64>(), 1..20),
        usual in prop::collection::vec(-1e6..1e6_f64, 1..20),
    ) {
        let values: Vec<f64> = bits.into_iter().map(f64::from_bits).chain(usual).collect();
        let out = moved(&tolerance, floats(&values));
        let out = out.as_primitive::<Float64Type>();
        for (before, after) in values.iter().zip(out.values()) {
            if before.is_finite() {
                prop_assert!(is_within(&tolerance, *before, *after), "{before} {after}");
            } else {
                prop_assert_eq!(before.is_nan(), after.is_nan());
                prop_assert!(after.is_nan() || before.to_bits() == after.to_bits());
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "narrow numbers are wanted")]
        let narrow: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        let out = moved(&tolerance, Arc::new(Float32Array::from(narrow.clone())));
        for (before, after) in narrow.iter().zip(out.as_primitive::<Float32Type>().values()) {
            if before.is_finite() {
                prop_assert!(is_within(&tolerance, f64::from(*before), f64::from(*after)));
            }
        }
    }

    #[test]
    fn numbers_keep_their_order(tolerance in tolerance(), values in prop::collection::vec(-1e4..1e4_f64, 2..60)) {
        let mut values = values;
        values.sort_by(f64::total_cmp);
        let out = moved(&tolerance, floats(&values));
        let out = out.as_primitive::<Float64Type>();
        prop_assert!(out.values().windows(2).all(|pair| pair[0] <= pair[1]), "{values:?} {out:?}");
    }

    #[test]
    fn decimals_and_integers_are_moved_within_their_last_digits(
        values in prop::collection::vec(any::<i64>(), 1..20),
        small in prop::collection::vec(-2000..2000_i64, 1..20),
        units in 2..500_i64,
        millionths in 1..=100_000_u32,
    ) {
        let values: Vec<i64> = values.into_iter().chain(small).collect();
        let wide: Vec<i128> = values.iter().map(|value| i128::from(*value) * 1_000_000_007).collect();
        let decimals = Decimal128Array::from(wide.clone()).with_precision_and_scale(38, 3).unwrap();
        let decimals: ArrayRef = Arc::new(decimals);
        let integers: ArrayRef = Arc::new(Int64Array::from(values.clone()));
        let most = absolute(&units.to_string());
        let out = moved(&most, Arc::clone(&integers));
        for (before, after) in values.iter().zip(out.as_primitive::<Int64Type>().values()) {
            prop_assert!(before.abs_diff(*after) <= units.unsigned_abs());
        }
        let out = moved(&most, Arc::clone(&decimals));
        for (before, after) in wide.iter().zip(out.as_primitive::<Decimal128Type>().values()) {
            prop_assert!(before.abs_diff(*after) <= u128::from(units.unsigned_abs()) * 1000);
        }
        let relative = Tolerance::Relative(millionths);
        let out = moved(&relative, decimals);
        for (before, after) in wide.iter().zip(out.as_primitive::<Decimal128Type>().values()) {
            let most = before.unsigned_abs() * u128::from(millionths) / 1_000_000;
            prop_assert!(before.abs_diff(*after) <= most, "{before} {after}");
        }
        let out = moved(&relative, integers);
        for (before, after) in values.iter().zip(out.as_primitive::<Int64Type>().values()) {
            let most = u128::from(before.unsigned_abs()) * u128::from(millionths) / 1_000_000;
            prop_assert!(u128::from(before.abs_diff(*after)) <= most);
        }
    }
}

#[test]
fn what_cannot_be_marked_stays_as_it_is() {
    let vast = [f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 1e300];
    let out = moved(&absolute("0.1"), floats(&vast));
    assert_eq!(out.as_primitive::<Float64Type>().values().to_vec(), vast);
    let tiny = [0.0, f64::INFINITY, f64::NEG_INFINITY, 5e-324];
    let out = moved(&Tolerance::Relative(1000), floats(&tiny));
    assert_eq!(out.as_primitive::<Float64Type>().values().to_vec(), tiny);
    let ends: ArrayRef = Arc::new(Int8Array::from(vec![Some(i8::MIN), Some(i8::MAX), None]));
    let out = moved(&absolute("100"), ends);
    assert_eq!(out.null_count(), 1);
    let missing: ArrayRef = Arc::new(Float64Array::from(vec![None, Some(f64::NAN)]));
    assert_eq!(moved(&absolute("1"), missing).null_count(), 1);
}

#[test]
fn equal_numbers_stay_equal_and_contracts_differ() {
    let source = batch(vec![("c", floats(&numbers(2000)))]);
    let duties = [watermark("c", Tolerance::Relative(1000))];
    let one = marked(&duties, &source, b"one");
    assert_eq!(one, marked(&duties, &source, b"one"));
    let two = marked(&duties, &source, b"two");
    let same = rows(&one).iter().zip(&rows(&two)).filter(|(a, b)| a == b).count();
    assert!((900..1100).contains(&same), "{same}");
}

#[test]
fn a_copy_is_traced_through_csv_in_any_order_and_cut() {
    let values = numbers(4000);
    for (column, tolerance) in [
        (floats(&values), Tolerance::Relative(500)),
        (floats(&values), absolute("0.02")),
        (Arc::new(Int64Array::from_iter_values(0..4000)) as ArrayRef, absolute("3")),
        (
            Arc::new(
                Decimal128Array::from_iter_values((0..4000).map(|n| n * n * 37 % 1_000_003))
                    .with_precision_and_scale(12, 2)
                    .unwrap(),
            ),
            absolute("0.25"),
        ),
    ] {
        let source = batch(vec![("c", column)]);
        let duties = [watermark("c", tolerance.clone())];
        let mut lines = rows(&marked(&duties, &source, b"leaker"));
        lines.reverse();
        let kept: Vec<_> = lines.into_iter().step_by(20).collect();
        // Back from a text, with another column in front.
        let text = kept.iter().map(|line| ["x,", line, "\n"].concat()).collect::<Vec<_>>().concat();
        let (_directory, table) = open("copy.csv", format!("other,c\n{text}"));
        let mut detector = Detector::new(&duties, source.schema_ref()).unwrap();
        table.unwrap().read().unwrap().for_each(|batch| detector.push(&batch.unwrap()));
        let found = detector.test(&Root, of(b"leaker")).unwrap();
        assert!(found.chance_log10 < -30.0, "{tolerance:?} {found:?}");
        assert!(found.agreement > 0.97, "{found:?}");
        for other in 0..50_u8 {
            let found = detector.test(&Root, of(&[other])).unwrap();
            assert!(found.chance_log10 > -4.0, "{found:?}");
        }
    }
}

#[test]
fn nobody_is_accused_more_often_than_the_bound_says() {
    const CONTRACTS: u16 = 2000;
    let source = batch(vec![("c", floats(&numbers(200)))]);
    let duties = [watermark("c", Tolerance::Relative(2000))];
    // Of numbers without a mark, and of those with another's.
    for copy in [source.clone(), marked(&duties, &source, b"leaker")] {
        let mut detector = Detector::new(&duties, source.schema_ref()).unwrap();
        detector.push(&copy);
        let chances: Vec<_> = (0..CONTRACTS)
            .map(|other| detector.test(&Root, of(&other.to_be_bytes())).unwrap().chance_log10)
            .collect();
        for bound in [-0.5, -1.0, -2.0, -3.0] {
            let accused = chances.iter().filter(|chance| **chance <= bound).count();
            let most = f64::from(CONTRACTS) * 10_f64.powf(bound);
            let found = f64::from(u32::try_from(accused).unwrap());
            println!("{accused} of {CONTRACTS} at {bound}; {most:.0} are the most to expect");
            assert!(found <= most + 4.0 * most.sqrt(), "{found} of {most} at {bound}");
        }
    }
}

#[test]
fn values_that_say_little_accuse_nobody() {
    let duties = [watermark("c", absolute("0.1"))];
    // A thousand times the same number is one bit.
    for copy in [vec![42.0; 1000], vec![0.0; 1000], vec![], vec![f64::NAN; 9]] {
        let copy = batch(vec![("c", floats(&copy))]);
        for contract in 0..20_u8 {
            let found = finding(&duties, &copy, &copy, &[contract]);
            assert!(found.chance_log10 >= -0.31, "{found:?}");
        }
    }
    let copy = batch(vec![("d", floats(&[1.0]))]);
    let source = batch(vec![("c", floats(&[1.0]))]);
    assert_eq!(finding(&duties, &source, &copy, b"one").cells, 0);
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["1.5"]));
    assert_eq!(finding(&duties, &source, &batch(vec![("c", texts)]), b"one").cells, 0);
}

#[test]
fn marks_of_another_column_are_none_of_this_one() {
    let source = batch(vec![("c", floats(&numbers(2000))), ("d", floats(&numbers(2000)))]);
    let duties = [watermark("c", absolute("0.1")), watermark("d", absolute("0.1"))];
    let out = marked(&duties, &source, b"one");
    let swapped = batch(vec![("d", Arc::clone(out.column(0)))]);
    assert!(finding(&duties, &source, &swapped, b"one").chance_log10 > -4.0);
    let both = finding(&duties, &source, &out, b"one");
    let single = finding(&duties[..1], &source, &out, b"one");
    assert!(both.chance_log10 < single.chance_log10 * 1.5, "{both:?} {single:?}");
}

#[test]
fn watermarks_go_with_filters_masks_and_parts() {
    let values = numbers(3000);
    let texts: Vec<String> = (0..3000).map(|n| format!("id{n}")).collect();
    let source = batch(vec![
        ("c", floats(&values)),
        ("id", Arc::new(StringArray::from(texts)) as ArrayRef),
        ("other", floats(&values)),
    ]);
    let duties = [
        filter("c", Operator::Gt, vec![number("0")]),
        mask("id", MaskMethod::Hash),
        watermark("c", Tolerance::Relative(1000)),
        mask("other", MaskMethod::Drop),
    ];
    let table = Table::from_batches(source.schema_ref(), vec![source.clone()]).unwrap();
    let asked = Part::rows(Some(["c".parse().unwrap()].into()), Some(500)).unwrap();
    let mut delivery = table.open(&duties, Some(&asked), &Root, of(b"one")).unwrap();
    let mut detector = Detector::new(&duties, source.schema_ref()).unwrap();
    let mut count = 0;
    while let Some(dataspace_data_plane::Piece::Rows(batch)) = delivery.next().unwrap() {
        count += batch.num_rows();
        detector.push(&batch);
        // Filters look at numbers as they are in the table.
        let column = batch.column(0).as_primitive::<Float64Type>();
        assert!(column.values().iter().all(|value| *value > 0.0));
    }
    assert_eq!(count, 500);
    let found = detector.test(&Root, of(b"one")).unwrap();
    assert!(found.chance_log10 < -100.0, "{found:?}");
    for cell in rows(&marked(&duties[2..3], &source, b"one")) {
        assert!(duties[2].allows(cell.split(',').next().unwrap()));
    }
    assert!(!duties[2].allows("about 5"));
}

#[test]
fn a_watermark_needs_numbers_that_leave_unmasked() {
    let source = batch(vec![
        ("c", floats(&[1.0])),
        ("t", Arc::new(StringArray::from(vec!["x"])) as ArrayRef),
        ("n", Arc::new(Int64Array::from(vec![1]))),
    ]);
    let rule = || Terms::new().permit(Rule::new([Action::Read]));
    let signed = |duties: &[Duty]| {
        duties.iter().fold(rule(), |terms, duty| terms.duty(duty.clone())).check().is_ok()
    };
    let plan = |duties: &[Duty]| Plan::compile(duties, source.schema_ref(), &Root, of(b"one"));
    let mark = || watermark("c", absolute("0.1"));
    let keep = Duty::Keep(KeptColumns { columns: ["t".parse().unwrap()].into() });
    for duties in [
        vec![mark(), mark()],
        vec![mark(), mask("c", MaskMethod::Round { decimals: 1 })],
        vec![mask("c", MaskMethod::Drop), mark()],
        vec![keep, mark()],
    ] {
        assert!(!signed(&duties) && plan(&duties).is_err(), "{duties:?}");
    }
    for duty in [
        watermark("t", absolute("0.1")),
        watermark("none", absolute("0.1")),
        watermark("n", absolute("0.5")),
        watermark("n", absolute("1")),
    ] {
        assert!(signed(std::slice::from_ref(&duty)));
        assert!(matches!(
            plan(std::slice::from_ref(&duty)),
            Err(PlanError::ColumnType { .. } | PlanError::UnknownColumn { .. })
        ));
        assert!(Detector::new(&[duty], source.schema_ref()).is_err());
    }
    for tolerance in [absolute("0"), absolute("-1"), Tolerance::Relative(0)] {
        assert!(watermark("c", tolerance.clone()).check().is_err());
        assert!(Detector::new(&[watermark("c", tolerance)], source.schema_ref()).is_err());
    }
    assert!(watermark("c", Tolerance::Relative(100_001)).check().is_err());
    assert_eq!(mark().assurance(), Assurance::Deterrent);
    assert!(!format!("{:?}", plan(&[mark()]).unwrap()).to_lowercase().contains("key"));
}

/// Numbers between 0 and 1 of no pattern.
fn noise(count: usize) -> Vec<f64> {
    numbers(count).into_iter().map(|value| value.abs().ln() / 9.0).collect()
}

/// The table of `docs/watermark.md`; shown with `--nocapture`.
#[test]
fn what_is_left_of_a_mark_on_transport_properties() {
    let Some(path) = shared("materials/transport.parquet") else { return };
    let table = Table::open(path).unwrap();
    let schema = table.schema();
    for (column, tolerance, step) in
        [("S_p", Tolerance::Relative(1000), None), ("S_p", absolute("0.5"), Some(0.5))]
    {
        let duties = [
            Duty::Keep(KeptColumns { columns: [column.parse().unwrap()].into() }),
            watermark(column, tolerance.clone()),
        ];
        let plan = Plan::compile(&duties, &schema, &Root, of(b"leaker")).unwrap();
        let batches: Vec<_> = plan.run(&table).unwrap().map(Result::unwrap).collect();
        let all: Vec<f64> = batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Float64Type>().iter().flatten())
            .collect();
        let test = |values: Vec<f64>| {
            let copy = batch(vec![(column, floats(&values))]);
            let mut detector = Detector::new(&duties, &schema).unwrap();
            detector.push(&copy);
            let others =
                (0..20_u8).map(|other| detector.test(&Root, of(&[other])).unwrap().chance_log10);
            let worst = others.fold(0.0, f64::min);
            (detector.test(&Root, of(b"leaker")).unwrap(), worst)
        };
        println!("{tolerance:?}, {} values", all.len());
        for keep in [1, 10, 100, 1000] {
            let (found, worst) = test(all.iter().copied().step_by(keep).collect());
            println!("  1 in {keep}: {found:?}, worst of 20 others {worst:.1}");
            assert!(found.chance_log10 < -10.0 && worst > -4.5, "{found:?} {worst}");
        }
        for part in [0.1, 0.25, 0.5, 1.0, 2.0] {
            // Noise of this part of the tolerance, to either side.
            let noisy = all.iter().zip(noise(all.len())).map(|(value, noise)| {
                let most = match (&tolerance, step) {
                    (Tolerance::Relative(most), _) => f64::from(*most) / 1e6 * value.abs(),
                    (_, step) => step.unwrap(),
                };
                value + most * part * (2.0 * noise - 1.0)
            });
            let (found, worst) = test(noisy.collect());
            println!("  noise of {part} tolerances: {found:?}, worst of others {worst:.1}");
            assert!(worst > -4.5);
            assert!(part > 0.5 || found.chance_log10 < -10.0, "{found:?}");
        }
        for decimals in [3, 2, 1, 0] {
            let unit = 10_f64.powi(decimals);
            let (found, worst) =
                test(all.iter().map(|value| (value * unit).round() / unit).collect());
            println!("  rounded to {decimals} decimals: {found:?}, worst of others {worst:.1}");
            assert!(worst > -4.5);
        }
        // Averaged with the copy of another contract.
        let plan = Plan::compile(&duties, &schema, &Root, of(b"accomplice")).unwrap();
        let table_order: Vec<f64> = all.clone();
        let other: Vec<_> = plan.run(&table).unwrap().map(Result::unwrap).collect();
        let mut theirs: Vec<f64> = other
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Float64Type>().iter().flatten())
            .collect();
        let mut ours = table_order;
        ours.sort_by(f64::total_cmp);
        theirs.sort_by(f64::total_cmp);
        let mean = ours.iter().zip(&theirs).map(|(a, b)| f64::midpoint(*a, *b)).collect();
        let (found, worst) = test(mean);
        println!("  mean of two copies: {found:?}, worst of others {worst:.1}");
    }
}
