//! CSV files that are easily read wrongly: an error that names the place, or every cell as it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::DataType;
use dataspace_data_plane::{
    ColumnType, Plan, Table, TableOptions, csv_rows,
    errors::{OpenError, ReadError, RowError, RunError},
    write_csv,
};
use dataspace_policy::{MaskMethod, Operator};
use proptest::prelude::*;

use crate::common::{CONTRACT, all_rows, filter, key, mask, open, rows, text};

fn types(table: &Table) -> Vec<String> {
    table.schema().fields().iter().map(|field| field.data_type().to_string()).collect()
}

fn opened(csv: &str) -> Table {
    let (directory, table) = open("t.csv", csv);
    // The file must stay while it is read.
    std::mem::forget(directory);
    table.unwrap()
}

fn refused(csv: &str) -> OpenError {
    open("t.csv", csv).1.unwrap_err()
}

/// The distinct pseudonyms of a column.
fn pseudonyms(csv: &str) -> usize {
    let table = opened(csv);
    let plan =
        Plan::compile(&[mask("c", MaskMethod::Hash)], &table.schema(), &key(1), CONTRACT).unwrap();
    let all: BTreeSet<_> =
        plan.run(&table).unwrap().flat_map(|batch| rows(&batch.unwrap())).collect();
    all.len()
}

#[test]
fn a_quote_that_is_not_closed_in_time_is_an_error_and_releases_nothing() {
    let unclosed = "class,remark\npublic,\"12 inch\nsecret,one\nsecret,\"two\"\npublic,ok\n";
    let error = refused(unclosed);
    assert!(matches!(error, OpenError::Row(RowError::LineInQuotes { row: 1, line: 3 })), "{error}");
    assert!(error.to_string().contains("line 3"));
    // A single line in between with other fields: found where the next quote opens.
    let error = refused("class,remark\npublic,\"12 inch\nx\nsecret,\"two\"\n");
    assert!(matches!(error, OpenError::Row(RowError::AfterQuote { row: 1, line: 4 })), "{error}");
    let error = refused("class,remark\npublic,\"12 inch\n");
    assert!(matches!(error, OpenError::Row(RowError::Unclosed { row: 1, line: 2 })), "{error}");
    // Closed before a separator, so that the row is well formed.
    let error = refused("class,remark\npublic,\"12 inch\nsecret,\"\npublic,ok\n");
    assert!(matches!(error, OpenError::Row(RowError::LineInQuotes { .. })), "{error}");
    // One column: every line is like a row.
    let error = refused("class\n\"public\nsecret\n\"\n");
    assert!(matches!(error, OpenError::Row(RowError::LineInQuotes { row: 1, line: 3 })), "{error}");
}

#[test]
fn a_file_that_swallows_rows_later_releases_none_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    std::fs::write(&path, "class,remark\npublic,ok\n").unwrap();
    let table = Table::open(&path).unwrap();
    let duty = filter("class", Operator::Eq, vec![text("public")]);
    let plan = Plan::compile(&[duty], &table.schema(), &key(1), CONTRACT).unwrap();
    std::fs::write(&path, "class,remark\npublic,\"12 inch\nsecret,one\nsecret,\"two\"\n").unwrap();
    let error = plan.run(&table).unwrap_err();
    assert!(matches!(error, RunError::Read(ReadError::Row(RowError::LineInQuotes { .. }))));
}

#[test]
fn cells_of_several_lines_are_read_where_no_line_looks_like_a_row() {
    let csv = "id,note,x\n1,\"first\r\nsecond, with comma\n\nfourth \"\"quoted\"\"\",a\n2,b,c\n";
    let table = opened(csv);
    assert_eq!(table.row_count(), Some(2));
    let batch = table.read().unwrap().next().unwrap().unwrap();
    let mut out = Vec::new();
    write_csv(&mut out, batch.schema_ref(), [&batch]).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), csv);

    let row_like = "id,note\n1,\"first\nsecond, with comma\"\n";
    assert!(matches!(refused(row_like), OpenError::Row(RowError::LineInQuotes { .. })));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    std::fs::write(&path, row_like).unwrap();
    let table = Table::open_with(&path, &TableOptions::new().line_breaks()).unwrap();
    assert_eq!(table.row_count(), Some(1));
    assert_eq!(all_rows(&table).join("\n"), "1,\"first\nsecond, with comma\"");
}

#[test]
fn an_empty_cell_of_a_single_column_is_a_row() {
    let table = opened("a\n1\n\n3\n\"\"\n");
    assert_eq!(table.row_count(), Some(4));
    assert_eq!(all_rows(&table), ["1", "\"\"", "3", "\"\""]);
    // With several columns an empty line is none.
    assert_eq!(opened("a,b\n1,2\n\n3,4\n\n").row_count(), Some(2));
}

#[test]
fn numbers_that_are_spelled_differently_stay_different() {
    for csv in [
        "c\n1.1\n1.10\n",
        "c\n12E3\n12000\n",
        "c\n12E3\n12000.5\n12000\n",
        "c\n5.30\n5.3\n5.300\n",
        "c\n1\n1.0\n",
        "c\n1e5\n100000\n",
        "c\n1E5\n1e5\n",
        "c\n0.1\n.1\n",
        "c\nTRUE\ntrue\n",
        "c\n-0\n0\n",
        "c\n0.5\n5e-1\n",
    ] {
        let cells = csv.lines().count() - 1;
        assert_eq!(pseudonyms(csv), cells, "{csv}");
        let expected: Vec<_> = csv.lines().skip(1).collect();
        assert_eq!(all_rows(&opened(csv)), expected);
    }
    assert_eq!(types(&opened("version,n\n1.1,1\n1.10,2\n2.0,3\n")), ["Utf8", "Int64"]);
}

#[test]
fn columns_of_one_spelling_become_numbers_and_come_back_as_they_were() {
    for (cells, data_type) in [
        ("1\n2.5\n-3", "Float64"),
        ("1.0\n2.5\n-3.0", "Float64"),
        ("1.5e-07\n2.5\n1e+16", "Float64"),
        ("1e-7\n2.5\n1e16", "Float64"),
        ("1e+15\n2.5", "Float64"),
        ("5.30\n12.00\n-0.05", "Decimal128(38, 2)"),
        ("True\nFalse", "Boolean"),
        ("TRUE", "Boolean"),
        ("7\n-7\n0", "Int64"),
        ("0.10\n0.1", "Utf8"),
        ("-0.00\n0.00", "Utf8"),
        ("1.\n2.", "Utf8"),
    ] {
        let table = opened(&format!("a\n{cells}\n"));
        assert_eq!(types(&table), [data_type], "{cells}");
        assert_eq!(all_rows(&table).join("\n"), cells);
    }
}

#[test]
fn the_separator_is_what_the_rows_agree_on() {
    let error = refused("Name;Preis, netto;Menge\nBlech;12,50;3\nRohr;9,95;7\n");
    assert!(matches!(error, OpenError::AmbiguousDelimiter), "{error}");
    for (csv, columns, rows) in [
        ("\"Name, Vorname\";PLZ;Ort\n\"Muster, Eva\";01067;Dresden\n", 3, 1),
        ("a;b\r1,5;2\r3,5;4\r", 2, 2),
        ("a, in mm;b;c\n1;2;3\n", 3, 1),
        ("a\tb\n1,5\t2\n", 2, 1),
        ("a,b;c,d\n1,2,3\n", 3, 1),
        ("a\nx;y\nz\n", 1, 2),
        ("a,b\n", 2, 0),
    ] {
        let table = opened(csv);
        let found = (table.schema().fields().len(), table.row_count().unwrap());
        assert_eq!(found, (columns, rows), "{csv:?}");
    }
    let (_directory, table) = open("t.tsv", "a, in mm\n1,5\n");
    assert_eq!(table.unwrap().schema().field(0).name(), "a, in mm");
}

#[test]
fn what_the_file_leaves_open_can_be_stated() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    std::fs::write(&path, "Name;Preis, netto;Menge\nBlech;12,50;3\n").unwrap();
    let table = Table::open_with(&path, &TableOptions::new().delimiter(b';')).unwrap();
    assert_eq!(table.schema().fields().len(), 3);
    for delimiter in [b'"', b'\n', 0, 0xc3] {
        let error = Table::open_with(&path, &TableOptions::new().delimiter(delimiter)).unwrap_err();
        assert!(matches!(error, OpenError::Delimiter));
    }
    std::fs::write(&path, "a,b,c,d,e\n1,2,3,true,1\n,2.5,3.25,FALSE,2.50\n").unwrap();
    let options = TableOptions::new()
        .column("a", ColumnType::Integer)
        .column("b", ColumnType::Float)
        .column("c", ColumnType::Decimal { precision: 38, scale: 2 })
        .column("d", ColumnType::Boolean)
        .column("e", ColumnType::Text);
    let table = Table::open_with(&path, &options).unwrap();
    assert_eq!(types(&table), ["Int64", "Float64", "Decimal128(38, 2)", "Boolean", "Utf8"]);
    assert_eq!(all_rows(&table), ["1,2.0,3.00,true,1", ",2.5,3.25,false,2.50"]);
    let error = Table::open_with(&path, &TableOptions::new().column("z", ColumnType::Text));
    assert!(matches!(error.unwrap_err(), OpenError::StatedColumn { column } if column == "z"));
    let error = Table::open_with(&path, &TableOptions::new().column("b", ColumnType::Integer));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("column `b`") && error.contains("int64") && error.contains("line 3"));
    let scale = TableOptions::new().column("b", ColumnType::Decimal { precision: 38, scale: 38 });
    assert!(matches!(Table::open_with(&path, &scale), Err(OpenError::StatedDigits { .. })));
}

#[test]
fn a_table_that_grows_beyond_its_types_is_refused_by_column_and_types_before_a_row_leaves() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    let (day_1, day_2) = ("id,v,note\n1,2,\n2,3,\n", "id,v,note\n1,2,\n2,3,\n3,3.5,checked\n");
    std::fs::write(&path, day_1).unwrap();
    let table = Table::open(&path).unwrap();
    let float = TableOptions::new().column("v", ColumnType::Float);
    let stated = Table::open_with(&path, &float).unwrap();
    std::fs::write(&path, day_2).unwrap();
    let plan = Plan::compile(&[], &table.schema(), &key(1), CONTRACT).unwrap();
    let error = plan.run(&table).unwrap_err();
    let RunError::Read(ReadError::Row(error)) = error else { panic!("{error}") };
    assert!(matches!(error, RowError::CellType { row: 3, line: 4, .. }));
    let error = error.to_string();
    assert!(error.contains("`v`") && error.contains("int64") && error.contains("not whole"));
    assert_eq!(all_rows(&stated), ["1,2.0,", "2,3.0,", "3,3.5,checked"]);
    // Rows that fit may be added.
    std::fs::write(&path, format!("{day_1}3,4,checked\n")).unwrap();
    assert_eq!(plan.run(&table).unwrap().map(|b| b.unwrap().num_rows()).sum::<usize>(), 3);
}

#[test]
fn a_nul_is_refused_wherever_it_stands() {
    let late = format!("id,name\n{}9,a\0b\n", "0,xxxxx\n".repeat(2000));
    assert!(matches!(refused(&late), OpenError::Row(RowError::Nul { row: 2001, line: 2002 })));
    let early = refused("id,name\n0,a\0b\n");
    assert!(matches!(early, OpenError::Row(RowError::Nul { row: 1, line: 2 })));
    assert!(matches!(refused("id,na\0me\n0,b\n"), OpenError::Format));
}

#[test]
fn a_column_that_no_duty_can_name_is_refused_with_its_name_shown_safely() {
    let long = "企".repeat(45);
    for name in
        [&long, "a\u{202e}b", "\u{26a0}\u{fe0f}\u{202d}", " a", "a\tb", "\u{feff}a", "\u{200b}"]
    {
        let csv = format!("id;{name}\n1;x\n");
        let error = refused(&csv);
        assert!(matches!(error, OpenError::ColumnName { index: 1, .. }), "{name:?}: {error}");
        let shown = error.to_string();
        assert!(shown.len() < 400 && !shown.contains(['\u{202e}', '\u{200b}', '\u{feff}', '\t']));
    }
    // In memory and for a plan alone, too.
    let field = arrow_schema::Field::new("a\u{202e}b", DataType::Int8, true);
    let schema = arrow_schema::Schema::new(vec![field]);
    assert!(Table::from_batches(&schema, vec![]).is_err());
    assert!(Plan::compile(&[], &schema, &key(1), CONTRACT).is_err());
}

/// Cells as programs write them.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "-?[0-9]{1,3}",
        4 => "-?[0-9]{1,3}\\.[0-9]{1,3}",
        1 => "-?[0-9](\\.[0-9]{1,2})?[eE][+-]?[0-9]{1,2}",
        1 => prop::sample::select(vec!["", "true", "True", "NaN", "inf", "-0.0", "x", "a,b", "\"", "a\nb"])
            .prop_map(str::to_owned),
        1 => any::<f64>().prop_map(|value| format!("{value:?}")),
        1 => "\\PC{0,4}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_cell_comes_back_as_it_was(
        table in prop::collection::vec(prop::collection::vec(cell(), 2), 1..6),
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["a", "b"]).unwrap();
        for row in &table {
            writer.write_record(row).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.csv");
        std::fs::write(&path, &bytes).unwrap();
        let options = TableOptions::new().delimiter(b',').line_breaks();
        let table = Table::open_with(&path, &options).unwrap();
        let batches: Vec<_> = table.read().unwrap().map(Result::unwrap).collect();
        let mut out = Vec::new();
        write_csv(&mut out, &table.schema(), &batches).unwrap();
        prop_assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8(bytes).unwrap());
    }
}

proptest! {
    /// By an implementation of its own, as the `csv` crate writes them.
    #[test]
    fn rows_are_quoted_as_others_quote_them(
        table in prop::collection::vec(prop::collection::vec("[a,\"\r\n é=]{0,4}", 3), 0..6),
        columns in 1_usize..=3,
        names in prop::collection::hash_set("[a,\"\r\n é=]{0,3}", 3),
        len in 1_usize..40,
    ) {
        let names: Vec<String> = names.into_iter().take(columns).collect();
        let column = |place: usize| {
            Arc::new(StringArray::from_iter_values(table.iter().map(|row| &row[place]))) as ArrayRef
        };
        let batch = RecordBatch::try_from_iter(
            names.iter().enumerate().map(|(place, name)| (name.as_str(), column(place))),
        )
        .unwrap();
        let expected = |header: bool| {
            let mut writer = csv::Writer::from_writer(Vec::new());
            if header {
                writer.write_record(&names).unwrap();
            }
            for row in &table {
                writer.write_record(&row[..columns]).unwrap();
            }
            String::from_utf8(writer.into_inner().unwrap()).unwrap()
        };
        let mut out = Vec::new();
        let rows = write_csv(&mut out, &batch.schema(), [&batch]).unwrap();
        prop_assert_eq!(usize::try_from(rows).unwrap(), table.len());
        prop_assert_eq!(String::from_utf8(out).unwrap(), expected(true));
        let texts = csv_rows(&batch, len).unwrap();
        prop_assert!(texts.iter().rev().skip(1).all(|text| text.len() >= len && text.ends_with(b"\n")));
        prop_assert_eq!(String::from_utf8(texts.concat()).unwrap(), expected(false));
    }
}
