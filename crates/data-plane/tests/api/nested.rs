//! Structures, lists and maps: duties on their parts, compared with a model, and attacks.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field, Fields, Schema};
use dataspace_data_plane::{
    Plan, Table,
    errors::{OpenError, PlanError},
    formats::{Format, write},
    render::csv_columns,
};
use dataspace_policy::MaskMethod::{
    Bin, Constant, Drop, Generalise, Grid, Hash, Null, Redact, Round, Truncate,
};
use dataspace_policy::duty::{Broader, Characters};
use dataspace_policy::{
    Aggregate, Duty, KeptColumns, MaskMethod, Operator, Sample, Watermark, duty::Tolerance,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{CONTRACT, Sevens, batch, compile, filter, mask, number, stored, text};
use crate::nested_model::{Row, arrays, row};

const ALL: [Format; 4] = [Format::Csv, Format::JsonLines, Format::ArrowIpc, Format::Parquet];

pub(crate) fn table(batch: &RecordBatch) -> Table {
    Table::from_batches(batch.schema_ref(), vec![batch.clone()]).unwrap()
}

pub(crate) fn released(table: &Table, duties: &[Duty]) -> (Arc<Schema>, Vec<RecordBatch>) {
    let plan = Plan::compile(duties, &table.schema(), &Sevens, CONTRACT).unwrap();
    let batches = plan.run(table).unwrap().map(Result::unwrap).collect();
    (plan.output_schema(), batches)
}

fn written(format: Format, schema: &Schema, batches: &[RecordBatch]) -> Vec<u8> {
    let mut out = Vec::new();
    write(format, schema, batches.iter().map(Ok::<_, Infallible>), &mut out).unwrap();
    out
}

/// What leaves, as JSON: sorted, since rows may be reordered.
pub(crate) fn lines(table: &Table, duties: &[Duty]) -> Vec<String> {
    let (schema, batches) = released(table, duties);
    let text = String::from_utf8(written(Format::JsonLines, &schema, &batches)).unwrap();
    let parse = |line: &str| serde_json::from_str::<Value>(line).unwrap().to_string();
    let mut lines: Vec<_> = text.lines().map(parse).collect();
    lines.sort();
    lines
}

fn expected(rows: &[Row], seen: &dyn Fn(&str, Value) -> Option<Value>) -> Vec<String> {
    let mut lines: Vec<_> = rows.iter().map(|row| row.json(seen).to_string()).collect();
    lines.sort();
    lines
}

pub(crate) fn keep(columns: &[&str]) -> Duty {
    let columns = columns.iter().map(|one| one.parse().unwrap()).collect();
    Duty::Keep(KeptColumns { columns })
}

fn parquet(batch: &RecordBatch) -> Table {
    let (schema, batches) = released(&table(batch), &[]);
    let bytes = written(Format::Parquet, &schema, &batches);
    Table::open(stored("t.parquet", bytes)).unwrap()
}

const LEAVES: [&str; 8] = [
    "id",
    "address.city",
    "address.geo.lat",
    "address.geo.lon",
    "parts.serial",
    "parts.weight",
    "tags",
    "codes.key",
];

type Becomes = fn(Value) -> Value;

/// Masks that fit a leaf, each with what becomes of a value by other means than those of the library.
fn fitting(leaf: &str) -> Vec<(MaskMethod, Becomes)> {
    let is_text = matches!(leaf, "address.city" | "parts.serial" | "tags" | "codes.key");
    if leaf == "id" {
        return vec![(Bin { width: 4 }, |v| json!(v.as_i64().unwrap().div_euclid(4) * 4))];
    }
    if is_text {
        return vec![
            (Truncate { chars: 2 }, |v| {
                v.as_str().map_or(Value::Null, |v| json!(v.chars().take(2).collect::<String>()))
            }),
            (Redact { characters: Characters::Digits }, |v| {
                let redacted = |c: char| if c.is_ascii_digit() { '#' } else { c };
                v.as_str()
                    .map_or(Value::Null, |v| json!(v.chars().map(redacted).collect::<String>()))
            }),
            (Constant(text("x")), |v| if v.is_null() { v } else { json!("x") }),
            (
                Generalise(Broader {
                    values: [("a".parse().unwrap(), "vowel".parse().unwrap())].into(),
                    others: "other".parse().unwrap(),
                }),
                |v| match v.as_str() {
                    None => Value::Null,
                    Some("a") => json!("vowel"),
                    Some(_) => json!("other"),
                },
            ),
        ];
    }
    vec![
        (Round { decimals: 0 }, |v| v.as_f64().map_or(v, |v| json!(v.round() + 0.0))),
        (Bin { width: 10 }, |v| v.as_f64().map_or(v, |v| json!((v / 10.0).floor() * 10.0 + 0.0))),
        (Grid { cells: 1 }, |v| match v.as_f64() {
            Some(v) if v.abs() <= 360.0 => json!(v.floor() + 0.5),
            _ => Value::Null,
        }),
        (Constant(number("3")), |v| if v.is_null() { v } else { json!(3.0) }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_mask_does_to_a_part_what_it_does_to_plain_values(
        all in prop::collection::vec(row(), 0..12),
        seed in any::<u64>(),
        place in 0..LEAVES.len(),
    ) {
        let (leaf, batch) = (LEAVES[place], arrays(&all, seed));
        for table in [table(&batch), parquet(&batch)] {
            prop_assert_eq!(lines(&table, &[]), expected(&all, &|_, value| Some(value)));
            for (method, model) in fitting(leaf) {
                let seen = |path: &str, value| Some(if path == leaf { model(value) } else { value });
                prop_assert_eq!(
                    lines(&table, &[mask(leaf, method.clone())]),
                    expected(&all, &seen),
                    "{} {:?}", leaf, method
                );
            }
            let dropped = |path: &str, value| (path != leaf).then_some(value);
            prop_assert_eq!(lines(&table, &[mask(leaf, Drop)]), expected(&all, &dropped));
            let kept = |path: &str, value| (path == leaf).then_some(value);
            prop_assert_eq!(lines(&table, &[keep(&[leaf])]), expected(&all, &kept));
        }
    }

    #[test]
    fn what_lies_where_nothing_is_leaves_no_trace(
        all in prop::collection::vec(row(), 0..12),
        seeds in any::<[u64; 2]>(),
    ) {
        for duties in [
            vec![],
            vec![filter("address.geo.lat", Operator::Gt, vec![number("0")])],
            vec![mask("parts.serial", Hash), mask("codes.key", Hash)],
            vec![mask("address", Null), mask("parts.weight", Null)],
            vec![keep(&["address.city", "parts.weight", "codes.value", "tags"])],
        ] {
            let [one, other] = seeds.map(|seed| released(&table(&arrays(&all, seed)), &duties));
            prop_assert_eq!(&one.0, &other.0);
            for format in ALL {
                let [one, other] = [&one, &other].map(|(schema, batches)| {
                    written(format, schema, batches)
                });
                prop_assert!(one == other, "{:?} {:?}", format, duties);
            }
        }
    }

    #[test]
    fn hidden_parts_and_rows_change_nothing_of_what_leaves(
        all in prop::collection::vec(row(), 1..12),
        others in prop::collection::vec(row(), 12),
        seeds in any::<[u64; 2]>(),
        turn in 0..12_usize,
    ) {
        // The city is hidden, and the serials, and the keys; and rows of another number.
        let duties = [
            mask("address.city", Drop),
            mask("parts.serial", Null),
            mask("codes.key", Null),
            mask("tags", Null),
            filter("id", Operator::Lt, vec![number("4")]),
        ];
        let mut changed: Vec<Row> = all.iter().zip(&others).map(|(row, other)| {
            let mut row = if row.id < 4 { row.clone() } else { Row { id: 5, ..other.clone() } };
            if let (Some(address), Some(other)) = (&mut row.address, &other.address) {
                address.city.clone_from(&other.city);
            }
            for part in row.parts.iter_mut().flatten().flatten() {
                part.serial = other.address.clone().and_then(|one| one.city);
            }
            for (key, _) in row.codes.iter_mut().flatten() {
                key.push_str("secret");
            }
            row.tags.clone_from(&other.tags);
            row
        }).collect();
        // In another order, too: it is the contract's own that counts.
        let len = changed.len();
        changed.rotate_left(turn % len);
        let [one, other] = [arrays(&all, seeds[0]), arrays(&changed, seeds[1])];
        for format in ALL {
            let [one, other] = [&one, &other].map(|batch| {
                let (schema, batches) = released(&table(batch), &duties);
                written(format, &schema, &batches)
            });
            prop_assert!(one == other, "{:?}", format);
        }
    }

    #[test]
    fn filters_on_parts_see_what_a_row_has(
        all in prop::collection::vec(row(), 0..12),
        seed in any::<u64>(),
    ) {
        let batch = arrays(&all, seed);
        let duty = [filter("address.geo.lat", Operator::Lteq, vec![number("0")])];
        let lat = |row: &Row| row.address.as_ref().and_then(|one| one.geo).and_then(|geo| geo.0);
        let stay: Vec<Row> =
            all.iter().filter(|row| lat(row).is_some_and(|lat| lat <= 0.0)).cloned().collect();
        for table in [table(&batch), parquet(&batch)] {
            prop_assert_eq!(lines(&table, &duty), expected(&stay, &|_, value| Some(value)));
        }
    }
}

pub(crate) fn two() -> RecordBatch {
    let one = |id: i64, city: &str, serial: &str| Row {
        id,
        address: Some(crate::nested_model::Address {
            city: Some(city.to_owned()),
            geo: Some((Some(1.5), None)),
        }),
        parts: Some(vec![Some(crate::nested_model::Part {
            serial: Some(serial.to_owned()),
            weight: Some(2.25),
        })]),
        tags: Some(vec![Some("a,b".to_owned()), None]),
        codes: Some(vec![("k".to_owned(), Some(7))]),
    };
    let none = Row { id: 2, address: None, parts: None, tags: None, codes: None };
    arrays(&[one(1, "Ulm", "s\"1"), none], 3)
}

#[test]
fn csv_has_a_column_for_each_field_and_json_for_lists() {
    let (schema, batches) = released(&table(&two()), &[]);
    let columns =
        ["id", "address.city", "address.geo.lat", "address.geo.lon", "parts", "tags", "codes"];
    assert_eq!(csv_columns(&schema), columns);
    let text = String::from_utf8(written(Format::Csv, &schema, &batches)).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap(), &columns[..]);
    let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let parts = r#"[{"serial":"s\"1","weight":2.25}]"#;
    let codes = r#"[{"key":"k","value":7}]"#;
    assert_eq!(read[0], ["1", "Ulm", "1.5", "", parts, r#"["a,b",null]"#, codes][..]);
    assert_eq!(read[1], ["2", "", "", "", "", "", ""][..]);
}

#[test]
fn pseudonyms_of_parts_are_those_of_a_column_of_that_name() {
    let duty = |name: &str| [mask(name, Hash)];
    let nested = lines(&table(&two()), &duty("address.city"));
    let flat = batch(vec![("address.city", Arc::new(StringArray::from(vec!["Ulm"])) as ArrayRef)]);
    let flat = lines(&table(&flat), &duty("address.city"));
    let flat: Value = serde_json::from_str(&flat[0]).unwrap();
    let nested: Value = serde_json::from_str(&nested[0]).unwrap();
    assert_eq!(nested["address"]["city"], flat["address.city"]);
}

#[test]
fn a_whole_column_can_be_left_out_or_emptied_and_nothing_else() {
    let schema = table(&two()).schema();
    for column in ["address", "address.geo", "parts", "codes"] {
        for method in [Hash, Truncate { chars: 1 }, Round { decimals: 0 }, Constant(text("x"))] {
            let error = compile(&[mask(column, method)], &schema).unwrap_err();
            let PlanError::Nested { part, .. } = &error else { panic!("{error}") };
            assert!(part.starts_with(column), "{error}");
            assert!(error.to_string().contains("name a part of it"), "{error}");
        }
        assert!(compile(&[mask(column, Drop)], &schema).is_ok());
    }
    // Not even that it is nested, nor what its parts are called, can be seen of an emptied one.
    let (schema, batches) =
        released(&table(&two()), &[mask("parts", Null), mask("address.geo", Null)]);
    assert_eq!(schema.field_with_name("parts").unwrap().data_type(), &DataType::Null);
    assert!(!format!("{schema:?}").contains("serial") && !format!("{schema:?}").contains("lat"));
    assert_eq!(batches[0].column_by_name("parts").unwrap().logical_null_count(), 2);
}

#[test]
fn one_mask_for_each_part() {
    let schema = table(&two()).schema();
    for duties in [
        [mask("address", Drop), mask("address.city", Hash)],
        [mask("address.geo.lat", Null), mask("address.geo", Null)],
        [mask("tags", Hash), mask("tags", Hash)],
    ] {
        let error = compile(&duties, &schema).unwrap_err();
        assert!(matches!(error, PlanError::SecondMask { clause: 1, first: 0, .. }), "{error}");
    }
    let error =
        compile(&[mask("address.city", Hash), keep(&["address.geo"])], &schema).unwrap_err();
    assert!(matches!(error, PlanError::MaskNotKept { clause: 0, .. }), "{error}");
}

#[test]
fn what_needs_one_value_a_row_takes_no_part_of_a_list_or_map() {
    let schema = table(&two()).schema();
    let name = |name: &str| name.parse().unwrap();
    for column in ["parts.weight", "tags", "codes.key", "codes.value"] {
        let aggregate = |by: &str, subject: &str, mean: &str| {
            Duty::Aggregate(Aggregate {
                by: [name(by)].into(),
                subject: name(subject),
                least: 2,
                mean: [name(mean)].into(),
                sum: BTreeSet::new(),
            })
        };
        for duty in [
            filter(column, Operator::Eq, vec![number("1")]),
            Duty::Sample(Sample { per_million: 1, subject: Some(name(column)) }),
            Duty::Watermark(Watermark {
                column: name(column),
                tolerance: Tolerance::Relative(1000),
            }),
            aggregate(column, "id", "address.geo.lat"),
            aggregate("address.city", column, "address.geo.lat"),
            aggregate("address.city", "id", column),
        ] {
            let error = compile(&[duty], &schema).unwrap_err();
            assert!(matches!(error, PlanError::Repeated { clause: 0, .. }), "{column}: {error}");
        }
    }
    let error =
        compile(&[filter("address", Operator::Eq, vec![number("1")])], &schema).unwrap_err();
    assert!(matches!(error, PlanError::Nested { .. }), "{error}");
    let rows = Duty::Sample(Sample { per_million: 1, subject: None });
    assert!(matches!(compile(&[rows], &schema).unwrap_err(), PlanError::Repeated { .. }));
    let unknown = compile(&[keep(&["address.street"])], &schema).unwrap_err();
    assert!(matches!(unknown, PlanError::UnknownColumn { .. }));
}

#[test]
fn figures_of_groups_are_made_of_fields_of_structures() {
    let all: Vec<Row> = (0..12)
        .map(|id| Row {
            id,
            address: (id % 4 < 3).then(|| crate::nested_model::Address {
                city: Some(if id % 2 == 0 { "Ulm" } else { "Aalen" }.to_owned()),
                geo: Some((Some(f64::from(i32::try_from(id).unwrap())), None)),
            }),
            parts: None,
            tags: None,
            codes: None,
        })
        .collect();
    let duty = Duty::Aggregate(Aggregate {
        by: ["address.city".parse().unwrap()].into(),
        subject: "id".parse().unwrap(),
        least: 2,
        mean: ["address.geo.lat".parse().unwrap()].into(),
        sum: BTreeSet::new(),
    });
    let found = lines(&table(&arrays(&all, 9)), &[duty]);
    let expected = [
        r#"{"address.city":"Aalen","rows":3,"mean_address.geo.lat":5.0}"#,
        r#"{"address.city":"Ulm","rows":6,"mean_address.geo.lat":5.0}"#,
        r#"{"address.city":null,"rows":3,"mean_address.geo.lat":null}"#,
    ];
    assert_eq!(found, expected);
}

#[test]
fn two_parts_of_one_name_are_refused() {
    let inner = Fields::from(vec![Field::new("b", DataType::Int64, true)]);
    let nested = Field::new("a", DataType::Struct(inner), true);
    let schema = Schema::new(vec![nested, Field::new("a.b", DataType::Int64, true)]);
    let error = Table::from_batches(&schema, vec![]).unwrap_err();
    assert!(matches!(&error, OpenError::DuplicateColumn { column } if column == "a.b"), "{error}");
    let error = compile(&[], &schema).unwrap_err();
    assert!(matches!(&error, PlanError::DuplicateColumn { column } if column == "a.b"), "{error}");
    let twice = Fields::from(vec![
        Field::new("b", DataType::Int64, true),
        Field::new("b", DataType::Utf8, true),
    ]);
    let schema = Schema::new(vec![Field::new("a", DataType::Struct(twice), true)]);
    assert!(matches!(compile(&[], &schema).unwrap_err(), PlanError::DuplicateColumn { .. }));
}

#[test]
fn what_no_duty_could_name_or_lies_too_deep_leaves_only_as_nothing() {
    let wrap = |data_type: DataType, name: &str| {
        DataType::Struct(vec![Field::new(name, data_type, true)].into())
    };
    let mut deep = DataType::Int64;
    for _ in 0..9 {
        deep = wrap(deep, "x");
    }
    let long = wrap(DataType::Int64, &"n".repeat(200));
    let unseen = wrap(DataType::Int64, "a\u{200b}b");
    let bytes = wrap(DataType::Binary, "b");
    let empty = DataType::Struct(Fields::empty());
    for data_type in [deep, long, unseen, bytes, empty] {
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, true),
            Field::new("c", data_type, true),
        ]);
        let error = compile(&[], &schema).unwrap_err();
        assert!(matches!(error, PlanError::UnreleasedType { .. }), "{error}");
        let plan = compile(&[mask("c", Null)], &schema).unwrap();
        assert_eq!(plan.output_schema().field(1).data_type(), &DataType::Null);
        assert!(compile(&[mask("c", Drop)], &schema).is_ok());
        assert!(compile(&[keep(&["c"])], &schema).is_err());
    }
    // Eight are not too deep.
    let mut deep = DataType::Int64;
    for _ in 0..8 {
        deep = wrap(deep, "x");
    }
    let schema = Schema::new(vec![Field::new("c", deep, true)]);
    assert!(compile(&[mask("c.x.x.x.x.x.x.x.x", Hash)], &schema).is_ok());
}

#[test]
fn a_part_that_cannot_leave_can_be_left_out_beside_others() {
    let fields = Fields::from(vec![
        Field::new("raw", DataType::Binary, true),
        Field::new("n", DataType::Int64, true),
    ]);
    let raw: ArrayRef = Arc::new(arrow_array::BinaryArray::from(vec![&b"secret"[..]]));
    let n: ArrayRef = Arc::new(Int64Array::from(vec![4]));
    let column: ArrayRef = Arc::new(StructArray::new(fields, vec![raw, n], None));
    let table = table(&batch(vec![("s", column)]));
    assert_eq!(table.unreleased(), ["s.raw"]);
    assert!(compile(&[], &table.schema()).is_err());
    assert_eq!(lines(&table, &[mask("s.raw", Drop)]), [r#"{"s":{"n":4}}"#]);
    assert_eq!(lines(&table, &[mask("s.raw", Null)]), [r#"{"s":{"raw":null,"n":4}}"#]);
    assert_eq!(lines(&table, &[keep(&["s.n"])]), [r#"{"s":{"n":4}}"#]);
}

#[test]
fn masked_keys_leave_in_a_list_of_entries() {
    let table = table(&two());
    for (method, is_map) in [(Hash, true), (Truncate { chars: 1 }, false), (Drop, false)] {
        let (schema, _) = released(&table, &[mask("codes.key", method)]);
        let field = schema.field_with_name("codes").unwrap();
        assert_eq!(matches!(field.data_type(), DataType::Map(_, _)), is_map, "{field:?}");
    }
}

#[test]
fn a_digest_of_the_columns_covers_their_parts() {
    let schema = |name: &str, data_type: DataType| {
        let fields = Fields::from(vec![Field::new(name, data_type, true)]);
        Schema::new(vec![Field::new("a", DataType::Struct(fields), true)])
    };
    let digest = |schema: &Schema| Table::from_batches(schema, vec![]).unwrap().descriptor_digest();
    let one = digest(&schema("b", DataType::Int64));
    assert_ne!(one, digest(&schema("c", DataType::Int64)));
    assert_ne!(one, digest(&schema("b", DataType::Int32)));
    // Not what the writer of a file chose.
    let batch = two();
    assert_eq!(table(&batch).descriptor_digest(), parquet(&batch).descriptor_digest());
    assert_eq!(table(&batch).schema().field(2).data_type().to_string().matches("item").count(), 0);
}
