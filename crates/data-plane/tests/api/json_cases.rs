//! JSON lines that are easily read wrongly: an error that names the place, or every value as it is.

use std::convert::Infallible;
use std::error::Error;

use arrow_array::{cast::AsArray, types::Float64Type};
use arrow_schema::DataType;
use dataspace_data_plane::{
    ColumnType, Plan, Table, TableOptions,
    chunk::{BATCH_ROWS, COLUMNS_MAX},
    errors::{OpenError, ROW_LEN_MAX, ReadError, RowError, RunError},
    formats::{Format, write},
};
use dataspace_policy::{MaskMethod, Operator};
use proptest::prelude::*;

use crate::common::{CONTRACT, all_rows, compile, filter, key, mask, number, open, told};

fn opened(json: &str) -> (tempfile::TempDir, Table) {
    let (directory, table) = open("t.jsonl", json);
    (directory, table.unwrap())
}

fn refused(json: impl AsRef<[u8]>) -> OpenError {
    open("t.jsonl", json).1.unwrap_err()
}

fn row_error(json: impl AsRef<[u8]>) -> RowError {
    match refused(json) {
        OpenError::Row(error) => error,
        other => panic!("{other}"),
    }
}

fn types(table: &Table) -> Vec<String> {
    table.schema().fields().iter().map(|field| field.data_type().to_string()).collect()
}

fn stated(json: &str, options: &TableOptions) -> Result<Vec<String>, OpenError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.ndjson");
    std::fs::write(&path, json).unwrap();
    Table::open_with(&path, options).map(|table| all_rows(&table))
}

#[test]
fn a_column_of_json_lines_has_the_type_that_all_its_values_have() {
    let json = "\u{feff}{\"t\":\"a\",\"b\":true,\"i\":1,\"f\":1.5}\r\n\n  \t\n\
        {\"f\": -3, \"n\":null, \"t\":\"\\u00e9\\ud83d\\ude00\\\"\"}\n{}\n{\"i\":-7}";
    let (_directory, table) = opened(json);
    assert_eq!(types(&table), ["Utf8", "Boolean", "Int64", "Float64", "Utf8"]);
    assert_eq!(table.row_count(), Some(4));
    let expected = ["a,true,1,1.5,", "\"é😀\"\"\",,,-3,", ",,,,", ",,-7,,"];
    assert_eq!(all_rows(&table), expected);
}

#[test]
fn an_empty_text_is_no_missing_value() {
    let (_directory, table) = opened("{\"a\":\"\"}\n{\"a\":null}\n{}\n{\"a\":\"x\"}\n");
    let batch = table.read().unwrap().next().unwrap().unwrap();
    let texts = batch.column(0).as_string::<i32>();
    let texts: Vec<_> = texts.iter().collect();
    assert_eq!(texts, [Some(""), None, None, Some("x")]);
}

#[test]
fn numbers_are_exact_or_the_nearest_float() {
    for (numbers, data_type, expected) in [
        (vec!["9223372036854775807", "-9223372036854775808"], "Int64", None),
        (vec!["1.0", "2.5"], "Float64", None),
        (vec!["1", "2.5", "1e-7"], "Float64", None),
        (vec!["12.50", "3.00"], "Decimal128(38, 2)", None),
        (vec!["123456789012345678.25", "1.50"], "Decimal128(38, 2)", None),
        // Spelled in several ways.
        (vec!["1.10", "2.5", "1E5"], "Float64", Some(vec!["1.1", "2.5", "100000.0"])),
        (vec!["-0", "0"], "Float64", Some(vec!["-0.0", "0.0"])),
        (vec!["1", "1.0"], "Float64", Some(vec!["1.0", "1.0"])),
    ] {
        let lines: Vec<_> = numbers.iter().map(|number| format!("{{\"n\":{number}}}")).collect();
        let (_directory, table) = opened(&lines.join("\n"));
        assert_eq!(types(&table), [data_type], "{numbers:?}");
        assert_eq!(all_rows(&table), expected.unwrap_or(numbers));
    }
}

#[test]
fn numbers_that_a_float_would_make_equal_or_infinite_are_refused_unless_stated() {
    for (lines, at) in [
        ("{\"n\":9007199254740993}\n{\"n\":0.5}\n", 1),
        ("{\"n\":1}\n{\"n\":9223372036854775808}\n", 2),
        ("{\"n\":0.5}\n{\"n\":1e999}\n", 2),
    ] {
        let error = row_error(lines);
        let RowError::LongNumber { row, line, column } = &error else { panic!("{error}") };
        assert_eq!((*row, *line, column.as_str()), (at, at, "n"));
        let text = TableOptions::new().column("n", ColumnType::Text);
        assert_eq!(stated(lines, &text).unwrap().len(), 2);
    }
}

#[test]
fn what_is_not_one_object_of_plain_values_is_refused_by_line() {
    for (line, part) in [
        ("[1]", "not a JSON object"),
        ("5", "not a JSON object"),
        ("\"a\"", "not a JSON object"),
        ("null", "not a JSON object"),
        ("{", "not valid JSON"),
        ("{\"a\":1", "not valid JSON"),
        ("{\"a\":1}}", "trailing characters"),
        ("{\"a\":1} {\"a\":2}", "trailing characters"),
        ("{\"a\":1}\r{\"a\":2}", "trailing characters"),
        ("{\"a\":1,}", "trailing comma"),
        ("{\"a\" 1}", "expected `:`"),
        ("{a:1}", "key must be a string"),
        ("{'a':1}", "key must be a string"),
        ("{\"a\":NaN}", "expected value"),
        ("{\"a\":-Infinity}", "invalid number"),
        ("{\"a\":Infinity}", "expected value"),
        ("{\"a\":+1}", "expected value"),
        ("{\"a\":01}", "invalid number"),
        ("{\"a\":.5}", "expected value"),
        ("{\"a\":1.}", "invalid number"),
        ("{\"a\":0x10}", "expected `,` or `}`"),
        ("{\"a\":TRUE}", "expected value"),
        ("{\"a\":tru}", "expected ident"),
        ("{\"a\":\"\\ud800\"}", "column `a` holds an escape"),
        ("{\"a\":\"\\udc00x\"}", "column `a` holds an escape"),
        ("{\"\\ud800\":1}", "hex escape"),
        ("{\"a\":\"\\x41\"}", "invalid escape"),
        ("{\"a\":\"\\u12\"}", "invalid escape"),
        ("{\"a\":\"\t\"}", "control character"),
        ("{\"a\":\"\\u0000\"}", "NUL"),
        ("{\"a\":[1,2]}", "column `a` holds a list or an object"),
        ("{\"a\":{}}", "column `a` holds a list or an object"),
        ("{\"a\":1,\"a\":1}", "key `a` twice"),
        ("{\"a\":1,\"\\u0061\":null}", "key `a` twice"),
        ("{\"a\":1,/* x */\"b\":2}", "key must be a string"),
    ] {
        let error = refused(format!("{{\"a\":null}}\n\n{line}\n"));
        let text = told(&error);
        assert!(matches!(error, OpenError::Row(_)), "{line}: {text}");
        assert!(text.contains("row 2") && text.contains("line 3"), "{line}: {text}");
        assert!(text.contains(part), "{line}: {text}");
    }
}

#[test]
fn errors_name_the_place_and_no_value() {
    let secret = "hunter2";
    for line in [
        format!("\"{secret}\""),
        format!("{{\"a\":\"{secret}\",\"a\":\"{secret}\"}}"),
        format!("{{\"a\":{{\"{secret}\":\"{secret}\"}}}}"),
        format!("{{\"a\":\"{secret}\"}}"),
        format!("{{\"a\":\"{secret}\\ud800\"}}"),
        format!("{{\"a\":{secret}}}"),
        format!("{{\"a\":1}} {secret}"),
    ] {
        let error = refused(format!("{{\"a\":1}}\n{line}\n"));
        let text = format!("{} {error:?}", told(&error));
        assert!(text.contains('2') && !text.contains("hunter"), "{text}");
    }
}

#[test]
fn values_of_two_kinds_are_refused_by_line_and_column_unless_the_type_is_stated() {
    let json = "{\"a\":1,\"b\":\"x\"}\n{\"a\":null}\n{\"a\":\"2\",\"b\":true}\n";
    let error = row_error(json);
    assert!(
        matches!(&error, RowError::MixedTypes { row: 3, line: 3, column, expected: "a number", found: "a text" } if column == "a"),
        "{error}"
    );
    let texts = TableOptions::new().column("b", ColumnType::Text).column("a", ColumnType::Text);
    // In the order that is stated.
    assert_eq!(stated(json, &texts).unwrap(), ["x,1", ",", "true,2"]);
    let numbers =
        TableOptions::new().column("a", ColumnType::Integer).column("b", ColumnType::Text);
    assert_eq!(stated(json, &numbers).unwrap(), ["1,x", ",", "2,true"]);
    let booleans = TableOptions::new().column("a", ColumnType::Boolean);
    let error = stated(json, &booleans).unwrap_err().to_string();
    assert!(
        error.contains("row 1") && error.contains("`a`") && error.contains("boolean"),
        "{error}"
    );
}

#[test]
fn a_stated_schema_stays_whatever_the_values_are() {
    let options = || {
        TableOptions::new()
            .column("price", ColumnType::Float)
            .column("note", ColumnType::Text)
            .column("count", ColumnType::Integer)
    };
    let mut digests = Vec::new();
    for json in [
        "",
        "{}\n",
        "{\"count\":1}\n",
        "{\"note\":\"a\",\"price\":1}\n",
        "{\"count\":null,\"note\":null,\"price\":1.5}\n",
        "{\"price\":\"NaN\"}\n",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.jsonl");
        std::fs::write(&path, json).unwrap();
        let table = Table::open_with(&path, &options()).unwrap();
        assert_eq!(types(&table), ["Float64", "Utf8", "Int64"], "{json}");
        digests.push(table.descriptor_digest());
    }
    assert!(digests.windows(2).all(|two| two[0] == two[1]));
}

#[test]
fn a_file_without_columns_is_refused() {
    for json in ["", "\n\n", "{}\n{}\n"] {
        assert!(matches!(refused(json), OpenError::ColumnCount { found: 0 }), "{json:?}");
    }
    assert!(matches!(refused("{\"\":1}"), OpenError::UnnamedColumn { index: 0 }));
    let error = refused("{\"a\\u202eb\":1}");
    assert!(matches!(error, OpenError::ColumnName { .. }));
    assert!(!error.to_string().contains('\u{202e}'));
    assert!(matches!(
        refused(b"{\"a\":\"\xff\"}"),
        OpenError::Row(RowError::NotUtf8 { row: 1, line: 1, .. })
    ));
}

#[test]
fn depth_length_and_number_of_columns_are_bounded() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    assert!(matches!(row_error(&deep), RowError::Nested { row: 1, .. }));
    let open_only = format!("{{\"a\":{}", "[{\"a\":".repeat(1 << 19));
    assert!(matches!(row_error(&open_only), RowError::Json { row: 1, .. }));
    let top = "[".repeat(1 << 20);
    assert!(matches!(row_error(&top), RowError::NotObject { row: 1, .. }));

    let long = format!("{{\"a\":1}}\n{{\"a\":\"{}\"}}\n", "x".repeat(ROW_LEN_MAX));
    assert!(matches!(row_error(&long), RowError::TooLong { row: 2, line: 2 }));

    let keys = |count: usize| {
        let keys: Vec<_> = (0..count).map(|index| format!("\"k{index}\":1")).collect();
        format!("{{{}}}\n", keys.join(","))
    };
    let (_directory, table) = opened(&keys(COLUMNS_MAX));
    assert_eq!(table.schema().fields().len(), COLUMNS_MAX);
    assert!(matches!(refused(keys(COLUMNS_MAX + 1)), OpenError::ColumnCount { .. }));
    // Many rows that take nothing in the file, of a table with many columns.
    let small = format!("{}{}", keys(COLUMNS_MAX), "{}\n".repeat(2000));
    let (_directory, table) = opened(&small);
    for batch in table.read().unwrap() {
        let batch = batch.unwrap();
        assert!(batch.get_array_memory_size() < 64 << 20);
    }
    let name = "n".repeat(1 << 20);
    assert!(matches!(refused(format!("{{\"{name}\":1}}")), OpenError::ColumnName { .. }));
}

#[test]
fn a_column_that_comes_late_is_missing_before_and_no_key_is_taken_for_a_second() {
    let mut json = "{\"a\":1}\n".repeat(BATCH_ROWS + 10);
    json.push_str("{\"b\":2,\"a\":1}\n");
    let (_directory, table) = opened(&json);
    for _ in 0..2 {
        let rows = all_rows(&table);
        assert_eq!(rows.len(), BATCH_ROWS + 11);
        assert_eq!(rows[0], "1,");
        assert_eq!(rows[BATCH_ROWS + 10], "1,2");
    }
}

#[test]
fn a_file_that_changed_is_looked_over_before_a_row_leaves() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.jsonl");
    let good = "{\"a\":1,\"s\":\"x\"}\n{\"a\":2}\n";
    std::fs::write(&path, good).unwrap();
    let table = Table::open(&path).unwrap();
    let plan = Plan::compile(&[mask("s", MaskMethod::Drop)], &table.schema(), &key(1), CONTRACT);
    let plan = plan.unwrap();
    let all = |plan: &Plan| plan.run(&table).map(|rows| rows.map(Result::unwrap).count());
    assert_eq!(all(&plan).unwrap(), 1);
    for (late, part) in [
        ("{\"a\":1.5}\n", "`a` is of type int64"),
        ("{\"a\":\"1\"}\n", "`a` holds a number in the rows before, and here a text"),
        ("{\"s\":1}\n", "`s` holds a text in the rows before"),
        ("{\"z\":1}\n", "`z`, which is no column"),
        ("{\"a\":[]}\n", "a list or an object"),
        ("{\"a\":3", "not valid JSON"),
    ] {
        std::fs::write(&path, format!("{good}{late}")).unwrap();
        let error = all(&plan).unwrap_err();
        assert!(matches!(error, RunError::Read(ReadError::Row(_))), "{late}: {error}");
        assert_eq!(error.to_string(), "the table cannot be read");
        let text = error.source().unwrap().to_string();
        assert!(text.contains(part) && text.contains("line 3"), "{late}: {text}");
    }
    std::fs::write(&path, format!("{good}{{\"a\":3,\"s\":null}}\n")).unwrap();
    assert_eq!(all(&plan).unwrap(), 1);
}

#[test]
fn duties_are_carried_out_on_json_lines() {
    let json = "{\"who\":\"eve\",\"n\":1}\n{\"who\":\"adam\",\"n\":9}\n{\"n\":2}\n";
    let (_directory, table) = opened(json);
    let duties = [
        filter("n", Operator::Lt, vec![number("5")]),
        mask("who", MaskMethod::Truncate { chars: 1 }),
    ];
    let plan = compile(&duties, &table.schema()).unwrap();
    let mut out = Vec::new();
    write(Format::JsonLines, &plan.output_schema(), plan.run(&table).unwrap(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["{\"who\":\"e\",\"n\":1}", "{\"who\":null,\"n\":2}"]);
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    prop_oneof![
        1 => Just(Value::Null),
        3 => any::<i64>().prop_map(Value::from),
        3 => (-1000_i64..1000).prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_another_writer_writes_comes_back(
        rows in prop::collection::vec((value(), prop::option::of(".{0,6}"), prop::option::of(any::<bool>())), 1..30),
    ) {
        let clean = |text: &Option<String>| text.as_ref().map(|text| text.replace('\0', ""));
        let lines: Vec<_> = rows
            .iter()
            .map(|(i, t, b)| serde_json::json!({"b": b, "i": i, "t": clean(t)}).to_string() + "\n")
            .collect();
        let json = lines.concat();
        let (_directory, table) = opened(&json);
        let schema = table.schema();
        prop_assert_eq!(schema.field(1).name(), "i");
        let mut out = Vec::new();
        write(Format::JsonLines, &table.schema(), table.read().unwrap(), &mut out).unwrap();
        let parse = |text: &str| -> Vec<serde_json::Value> {
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        let read = parse(std::str::from_utf8(&out).unwrap());
        let written = parse(&json);
        prop_assert_eq!(read, written);
    }

    #[test]
    fn floats_come_back_to_the_bit(floats in prop::collection::vec(any::<f64>().prop_filter("finite", |v| v.is_finite() && (v.fract() != 0.0 || v.abs() < 9e15)), 1..30)) {
        let lines: Vec<_> = floats.iter().map(|v| format!("{{\"f\":{v:?}}}\n")).collect();
        let json = lines.concat();
        let (_directory, table) = opened(&json);
        prop_assume!(table.schema().field(0).data_type() == &DataType::Float64);
        let batch = table.read().unwrap().next().unwrap().unwrap();
        let column = batch.column(0).as_primitive::<Float64Type>();
        prop_assert_eq!(column.len(), floats.len());
        for (read, value) in column.iter().zip(&floats) {
            prop_assert_eq!(read.map(f64::to_bits), Some(value.to_bits()));
        }
        let mut out = Vec::new();
        let batches = [Ok::<_, Infallible>(&batch)];
        write(Format::JsonLines, &table.schema(), batches, &mut out).unwrap();
        prop_assert_eq!(String::from_utf8(out).unwrap(), json);
    }
}
