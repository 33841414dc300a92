//! Structures, lists and maps of files: read as they are written, and hostile ones.

use std::sync::Arc;

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, Int8Array, Int64Array, ListArray, RecordBatch, StructArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{DataType, Field, Fields};
use dataspace_data_plane::{
    ColumnType, Plan, Table, TableOptions,
    errors::{OpenError, RowError},
};
use dataspace_policy::{Duty, KeptColumns, MaskMethod::Drop};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{CONTRACT, all_rows, batch, key, mask, rows, stored, told};
use crate::nested_model::{Row, arrays, row};

fn stated() -> TableOptions {
    TableOptions::new()
        .column("id", ColumnType::Integer)
        .object("address")
        .column("address.city", ColumnType::Text)
        .object("address.geo")
        .column("address.geo.lat", ColumnType::Float)
        .column("address.geo.lon", ColumnType::Float)
        .list("parts")
        .column("parts.serial", ColumnType::Text)
        .column("parts.weight", ColumnType::Float)
        .list("tags")
        .column("tags", ColumnType::Text)
        .map("codes")
        .column("codes.value", ColumnType::Integer)
}

/// The rows as a provider may have them: maps as objects, more fields than are stated, missing ones left out.
fn file(all: &[Row], is_short: bool) -> String {
    let mut text = String::new();
    for row in all {
        let mut line = row.json(&|_, value| (!is_short || !value.is_null()).then_some(value));
        if let Some(entries) = line.get("codes").and_then(Value::as_array).cloned() {
            let entry = |entry: &Value| {
                let key = entry["key"].as_str().unwrap().to_owned();
                (key, entry.get("value").cloned().unwrap_or(Value::Null))
            };
            line["codes"] = Value::Object(entries.iter().map(entry).collect());
        }
        if let Some(address) = line.get_mut("address").and_then(Value::as_object_mut) {
            address.insert("street".to_owned(), json!({ "name": ["secret", { "deep": 1 }] }));
        }
        text.push_str(&line.to_string());
        text.push('\n');
    }
    text
}

fn opened(text: &str, options: &TableOptions) -> Result<Table, OpenError> {
    Table::open_with(stored("t.jsonl", text), options)
}

fn parquet(batch: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn small_pages() -> WriterProperties {
    WriterProperties::builder()
        .set_data_page_row_count_limit(2)
        .set_write_batch_size(2)
        .set_max_row_group_row_count(Some(5))
        .build()
}

fn keep(columns: &[&str]) -> Duty {
    let columns = columns.iter().map(|one| one.parse().unwrap()).collect();
    Duty::Keep(KeptColumns { columns })
}

fn masked(table: &Table, duties: &[Duty]) -> Vec<String> {
    let plan = Plan::compile(duties, &table.schema(), &key(1), CONTRACT).unwrap();
    let batches: Vec<_> = plan.run(table).unwrap().map(Result::unwrap).collect();
    batches.iter().flat_map(rows).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rows_come_back_from_every_format_that_is_read(
        all in prop::collection::vec(row(), 1..12),
        seed in any::<u64>(),
        is_short in any::<bool>(),
    ) {
        let batch = arrays(&all, seed);
        let memory = Table::from_batches(batch.schema_ref(), vec![batch.clone()]).unwrap();
        // Lists in which things are left out are other lists.
        let json = opened(&file(&all, false), &stated()).unwrap();
        let parquet = Table::open(stored("t.parquet", parquet(&batch, small_pages()))).unwrap();
        prop_assert_eq!(json.descriptor_digest(), memory.descriptor_digest());
        prop_assert_eq!(parquet.descriptor_digest(), memory.descriptor_digest());
        for duties in [
            vec![],
            vec![keep(&["parts.serial", "codes.value", "address.geo"])],
            vec![keep(&["codes.key"])],
            vec![mask("address.city", Drop), mask("tags", Drop)],
        ] {
            let expected = masked(&memory, &duties);
            prop_assert_eq!(&masked(&json, &duties), &expected);
            prop_assert_eq!(&masked(&parquet, &duties), &expected);
        }
        if is_short {
            let short = opened(&file(&all, true), &stated());
            prop_assert!(short.is_ok(), "{short:?}");
        }
    }
}

#[test]
fn what_is_not_stated_of_an_object_never_leaves() {
    let lines = [
        r#"{"a":{"b":1,"secret":"x"},"l":[{"n":1,"secret":2},null,{}]}"#,
        r#"{"l":[],"a":null}"#,
        r#"{"a":{}}"#,
    ];
    let options = TableOptions::new()
        .list("l")
        .column("l.n", ColumnType::Integer)
        .object("a")
        .column("a.b", ColumnType::Integer);
    let table = opened(&lines.join("\n"), &options).unwrap();
    let found = all_rows(&table);
    let expected = ["\"[{\"\"n\"\":1},null,{\"\"n\"\":null}]\",1", "[],", ","];
    assert_eq!(found, expected);
}

#[test]
fn lists_of_lists_and_of_maps_can_be_stated() {
    let lines = r#"{"m":[[1,2],[],null],"l":[{"a":1.5},{}]}"#;
    let options = TableOptions::new()
        .list("m")
        .list("m")
        .column("m", ColumnType::Integer)
        .list("l")
        .map("l")
        .column("l.value", ColumnType::Float);
    let table = opened(lines, &options).unwrap();
    assert_eq!(all_rows(&table), [r#""[[1,2],[],null]","[[{""key"":""a"",""value"":1.5}],[]]""#]);
}

#[test]
fn values_that_do_not_fit_are_errors_that_hold_no_value() {
    let options = stated();
    for (line, expected) in [
        (r#"{"address":7}"#, "`address`"),
        (r#"{"address":["s3cret"]}"#, "a list"),
        (r#"{"address":{"city":{"s3cret":1}}}"#, "column `address.city`"),
        (r#"{"address":{"geo":{"lat":"s3cret"}}}"#, "column `address.geo.lat`"),
        (r#"{"parts":{"serial":"s3cret"}}"#, "column `parts`"),
        (r#"{"parts":["s3cret"]}"#, "column `parts`"),
        (r#"{"tags":"s3cret"}"#, "column `tags`"),
        (r#"{"tags":[["s3cret"]]}"#, "column `tags`"),
        (r#"{"codes":[1]}"#, "column `codes`"),
        (r#"{"codes":{"s3cret":"x"}}"#, "column `codes.value`"),
        (r#"{"codes":{"s3cret":1,"s3cret":2}}"#, "codes.value"),
        (r#"{"address":{"city":"a","city":"s3cret"}}"#, "address.city"),
        (r#"{"tags":["\ud800"]}"#, "escape"),
        (r#"{"tags":["s\u0000"]}"#, "NUL"),
        (r#"{"codes":{"\u0000":1}}"#, "NUL"),
        (r#"{"codes":{"\udc00":1}}"#, "codes"),
        (r#"{"parts":[{"serial":"x"}"#, "JSON"),
    ] {
        let error = opened(line, &options).unwrap_err();
        let told = told(&error);
        assert!(!told.contains("s3cret"), "{told}");
        assert!(told.contains("row 1"), "{line}: {told}");
        assert!(told.contains(expected), "{line}: {told}");
    }
    // Without a statement, as before.
    let error = opened(r#"{"a":[1]}"#, &TableOptions::new()).unwrap_err();
    assert!(matches!(error, OpenError::Row(RowError::Nested { .. })), "{error}");
}

#[test]
fn statements_that_do_not_fit_together_are_refused() {
    let new = TableOptions::new;
    let text = ColumnType::Text;
    let mut deep = new();
    for depth in 1..=9 {
        deep = deep.object(vec!["x"; depth].join("."));
    }
    let deep = deep.column(["x"; 10].join("."), text);
    for options in [
        new().object("a"),
        new().list("a"),
        new().map("a"),
        new().object("a").column("a", text).column("a.b", text),
        new().list("a").column("a", text).column("a.b", text),
        new().map("a").column("a.key", text).column("a.value", text),
        new().map("a").object("a").column("a.value", text),
        new().object("a").object("a").column("a.b", text),
        deep,
    ] {
        let error = opened("{}", &options).unwrap_err();
        assert!(matches!(error, OpenError::StatedNested { .. }), "{error}");
    }
    let options = new().object("a").column("a.b", text);
    for name in ["t.csv", "t.parquet"] {
        let bytes: &[u8] = if name == "t.csv" { b"a.b\nx\n" } else { b"PAR1" };
        let error = Table::open_with(stored(name, bytes), &options).unwrap_err();
        assert!(matches!(error, OpenError::StatedNested { .. }), "{error}");
    }
    // A flat column may have any name.
    let flat = opened(r#"{"a.b":"x"}"#, &new().column("a.b", text)).unwrap();
    assert_eq!(all_rows(&flat), ["x"]);
}

#[test]
fn a_row_of_empty_objects_does_not_fill_the_memory() {
    let mut options = TableOptions::new().list("l");
    for field in 0..1000 {
        options = options.column(format!("l.f{field}"), ColumnType::Integer);
    }
    let line = format!("{{\"l\":[{}{{}}]}}", "{},".repeat(1 << 20));
    let error = opened(&line, &options).unwrap_err();
    assert!(matches!(error, OpenError::Row(RowError::TooLong { row: 1, .. })), "{error}");
}

#[test]
fn many_long_rows_are_looked_at_one_after_the_other() {
    let options = TableOptions::new().list("tags").column("tags", ColumnType::Text);
    let line = format!("{{\"tags\":[\"{}\"]}}\n", "x".repeat(1 << 19));
    // Longer than what is held of them at a time, and what comes last is looked at, too.
    let text = line.repeat(80);
    assert_eq!(opened(&text, &options).unwrap().row_count(), Some(80));
    let error = opened(&format!("{text}{{\"tags\":[{{}}]}}\n"), &options).unwrap_err();
    assert!(told(&error).contains("row 81"), "{}", told(&error));
}

#[test]
fn narrow_numbers_in_lists_are_exact() {
    let numbers = ListArray::from_iter_primitive::<Int8Type, _, _>([
        Some(vec![Some(-128), None, Some(127)]),
        None,
        Some(vec![]),
    ]);
    let fields = Fields::from(vec![Field::new("n", DataType::Int8, true)]);
    let n: ArrayRef = Arc::new(Int8Array::from(vec![Some(1), None, Some(-1)]));
    let structure = StructArray::new(fields, vec![n], Some(vec![true, false, true].into()));
    let source = batch(vec![("l", Arc::new(numbers) as ArrayRef), ("s", Arc::new(structure))]);
    let table =
        Table::open(stored("t.parquet", parquet(&source, WriterProperties::default()))).unwrap();
    assert_eq!(all_rows(&table), ["\"[-128,null,127]\",1", ",", "[],-1"]);
    let mut kept = masked(&table, &[keep(&["s.n"])]);
    kept.sort();
    assert_eq!(kept, ["\"\"", "-1", "1"]);
}

#[test]
fn parts_that_cannot_leave_are_not_read_beside_those_that_can() {
    let fields = Fields::from(vec![
        Field::new("raw", DataType::Binary, true),
        Field::new("n", DataType::Int64, true),
    ]);
    let raw: ArrayRef = Arc::new(BinaryArray::from(vec![&b"a"[..], b"b"]));
    let n: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let items: ArrayRef = Arc::new(StructArray::new(fields, vec![raw, n], None));
    let field = Arc::new(Field::new("element", items.data_type().clone(), false));
    let list = ListArray::new(field, OffsetBuffer::new(vec![0, 2].into()), items, None);
    let source = batch(vec![("l", Arc::new(list) as ArrayRef)]);
    let bytes = parquet(&source, WriterProperties::default());
    let table = Table::open(stored("t.parquet", bytes)).unwrap();
    assert_eq!(table.unreleased(), ["l.raw"]);
    assert_eq!(masked(&table, &[mask("l.raw", Drop)]), ["\"[{\"\"n\"\":1},{\"\"n\"\":2}]\""]);
    // Of the table itself, they are missing.
    let read = table.read().unwrap().next().unwrap().unwrap();
    assert_eq!(read.num_rows(), 1);
}

/// A varint of Thrift.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

/// A file whose footer has so many groups in each other; `kind` is the type of the field that counts children.
fn deep(groups: u64, kind: u8) -> Vec<u8> {
    let mut footer = vec![0x15, 2, 0x19];
    footer.push(0xfc);
    footer.extend(varint(groups + 2));
    // The root and the groups: repetition (but of the root), name, one child.
    for group in 0..=groups {
        if group > 0 {
            footer.extend([0x35, 0, 0x18, 1, b'a', 0x10 | kind]);
        } else {
            footer.extend([0x48, 1, b'a', 0x10 | kind]);
        }
        if kind == 8 {
            // As a text of one byte, it would be skipped.
            footer.extend([1, 2]);
        } else {
            footer.push(2);
        }
        footer.push(0);
    }
    // A leaf: INT64, optional.
    footer.extend([0x15, 4, 0x25, 2, 0x18, 1, b'a', 0]);
    // No rows, no row groups.
    footer.extend([0x16, 0, 0x19, 0x0c, 0]);
    let mut file = b"PAR1".to_vec();
    let len = u32::try_from(footer.len()).unwrap();
    file.extend(footer);
    file.extend(len.to_le_bytes());
    file.extend(b"PAR1");
    file
}

#[test]
fn groups_in_groups_do_not_end_the_process() {
    let open = |bytes: Vec<u8>| Table::open(stored("t.parquet", bytes));
    // What is not too deep opens, so that these are files but for their depth.
    let table = open(deep(6, 5)).unwrap();
    assert!(table.unreleased().is_empty(), "{table:?}");
    assert_eq!(open(deep(20, 5)).unwrap().unreleased().len(), 1);
    for groups in [40, 1000, 1_000_000] {
        let told = told(&open(deep(groups, 5)).unwrap_err());
        assert!(told.contains("groups of columns lie in each other"), "{told}");
        // The decoder would read a byte, or a text, as the number that it ought to be.
        for kind in [3, 4, 6, 8] {
            assert!(open(deep(groups, kind)).is_err());
        }
    }
}

#[test]
fn a_list_of_very_many_missing_items_is_refused() {
    // A list of 40 million items that are all missing takes some hundred bytes.
    let lists = 40;
    let each = 1 << 20;
    let items = Int64Array::new_null(lists * each);
    let field = Arc::new(Field::new("element", DataType::Int64, true));
    let offsets = vec![0, i32::try_from(lists * each).unwrap()];
    let list = ListArray::new(field, OffsetBuffer::new(offsets.into()), Arc::new(items), None);
    let source = batch(vec![("l", Arc::new(list) as ArrayRef)]);
    let properties = WriterProperties::builder()
        .set_data_page_size_limit(64 << 20)
        .set_write_batch_size(lists * each)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    let bytes = parquet(&source, properties);
    assert!(bytes.len() < 10_000, "{}", bytes.len());
    let table = Table::open(stored("t.parquet", bytes)).unwrap();
    let error = table.read().unwrap().find_map(Result::err).unwrap();
    let told = told(&error);
    assert!(told.contains("values at once"), "{told}");
}

#[test]
fn lists_without_a_list_around_them_are_lists() {
    // `repeated int32 n` of old writers.
    let schema = "message m { repeated int32 n; repeated group g { optional binary t (STRING); } }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let mut bytes = Vec::new();
    let mut writer =
        parquet::file::writer::SerializedFileWriter::new(&mut bytes, schema, Arc::default())
            .unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values = column.typed::<parquet::data_type::Int32Type>();
    values.write_batch(&[1, 2, 3], Some(&[1, 1, 0, 1]), Some(&[0, 1, 0, 0])).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values = column.typed::<parquet::data_type::ByteArrayType>();
    values.write_batch(&["x".into()], Some(&[2, 1, 0, 0]), Some(&[0, 1, 0, 0])).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let table = Table::open(stored("t.parquet", bytes)).unwrap();
    let expected = ["\"[1,2]\",\"[{\"\"t\"\":\"\"x\"\"},{\"\"t\"\":null}]\"", "[],[]", "[3],[]"];
    assert_eq!(all_rows(&table), expected);
    assert_eq!(masked(&table, &[keep(&["g.t"])]).len(), 3);
}

#[test]
fn a_list_that_no_writer_makes_ends_in_an_error_and_in_bounded_time() {
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(
        (0..50).map(|n| Some((0..n % 5).map(Some).collect::<Vec<_>>())),
    );
    let source = batch(vec![("l", Arc::new(lists) as ArrayRef)]);
    let good = parquet(&source, small_pages());
    let mut refused = 0;
    for place in (4..good.len() - 8).step_by(3) {
        for flip in [0x01, 0xff] {
            let mut bad = good.clone();
            bad[place] ^= flip;
            let Ok(table) = Table::open(stored("t.parquet", bad)) else {
                refused += 1;
                continue;
            };
            let Ok(batches) = table.read() else { continue };
            // Whatever comes, it is rows of the table or an error.
            for batch in batches.map_while(Result::ok) {
                assert!(batch.column(0).len() == batch.num_rows());
            }
        }
    }
    assert!(refused > 30);
}
