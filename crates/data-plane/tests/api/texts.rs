//! Results as CSV and as previews.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, Date32Array, Decimal128Array, Float64Array, Int64Array, NullArray,
    RecordBatch, StringArray, TimestampMillisecondArray,
};
use dataspace_data_plane::{preview, render::WriteError, write_csv};

use crate::common::{all_rows, apply, batch, open, rows};

fn sample() -> RecordBatch {
    batch(vec![
        ("name", Arc::new(StringArray::from(vec![Some("Fe2O3"), None])) as ArrayRef),
        ("n", Arc::new(Int64Array::from(vec![1, -200]))),
    ])
}

#[test]
fn csv_has_a_header_even_without_rows() {
    let mut out = Vec::new();
    let rows = write_csv(&mut out, sample().schema_ref(), Vec::<RecordBatch>::new()).unwrap();
    assert_eq!((rows, out.as_slice()), (0, &b"name,n\n"[..]));
}

#[test]
fn csv_quotes_what_would_break_it_and_reads_back() {
    let nasty = ["a,b", "say \"hi\"", "two\nlines", "\r", "=1+1", "é"];
    let source = batch(vec![
        ("x", Arc::new(StringArray::from(nasty.to_vec())) as ArrayRef),
        ("y", Arc::new(Float64Array::from(vec![0.1, 1e300, -0.0, f64::INFINITY, f64::NAN, 1.0]))),
    ]);
    let mut out = Vec::new();
    assert_eq!(write_csv(&mut out, source.schema_ref(), [&source]).unwrap(), 6);
    let (_directory, table) = open("t.csv", out);
    let table = table.unwrap();
    assert_eq!(table.row_count(), Some(6));
    assert_eq!(all_rows(&table), rows(&source));
}

#[test]
fn csv_of_a_batch_with_other_columns_is_refused() {
    let other = batch(vec![("n", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]);
    let error = write_csv(&mut Vec::new(), sample().schema_ref(), [other]).unwrap_err();
    assert!(matches!(error, WriteError::OtherSchema));
}

#[test]
fn a_type_that_has_no_text_is_refused() {
    let source = batch(vec![("b", Arc::new(BinaryArray::from(vec![&b"x"[..]])) as ArrayRef)]);
    let error = write_csv(&mut Vec::new(), source.schema_ref(), [&source]).unwrap_err();
    assert!(matches!(error, WriteError::ColumnType { .. }));
    assert_eq!(preview(&[source], 1, 80), "b\n?\n");
}

#[test]
fn dates_instants_and_decimals_have_their_usual_spelling() {
    let instants = TimestampMillisecondArray::from(vec![Some(1_795_467_600_123), Some(i64::MAX)]);
    let decimals = Decimal128Array::from(vec![12345, -5]).with_precision_and_scale(10, 2);
    let source = batch(vec![
        ("day", Arc::new(Date32Array::from(vec![Some(0), None])) as ArrayRef),
        ("local", Arc::new(instants.clone())),
        ("utc", Arc::new(instants.with_timezone("UTC"))),
        ("price", Arc::new(decimals.unwrap())),
        ("nothing", Arc::new(NullArray::new(2))),
    ]);
    let expected = [
        "1970-01-01,2026-11-23 21:00:00.123,2026-11-23 21:00:00.123Z,123.45,",
        ",+292278994-08-17 07:12:55.807,+292278994-08-17 07:12:55.807Z,-0.05,",
    ];
    assert_eq!(rows(&apply(&[], &source)), expected);
}

#[test]
fn a_preview_is_aligned_and_says_what_it_leaves_out() {
    let batches = [sample(), sample()];
    let expected = "name      n\nFe2O3     1\n·      -200\n… 2 more rows\n";
    assert_eq!(preview(&batches, 2, 80), expected);
    let expected = "name\nFe2O3\n·\nFe2O3\n·\n… 1 more c\n";
    assert_eq!(preview(&batches, 9, 10), expected);
    assert_eq!(preview(&[], 9, 80), "");
}

#[test]
fn a_cell_cannot_speak_to_the_terminal() {
    let hostile = [
        "\u{1b}[2Jgone",
        "\u{1b}]0;title\u{7}",
        "\u{9b}31m",
        "a\r\nb\tc",
        "\u{202e}reversed",
        "zero\u{200b}width",
        "\u{e0041}tag",
        "del\u{7f}",
    ];
    let source =
        batch(vec![("\u{1b}[31mred", Arc::new(StringArray::from(hostile.to_vec())) as ArrayRef)]);
    let shown = preview(&[source], 20, 80);
    assert_eq!(shown.lines().count(), 1 + hostile.len());
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
    for invisible in ['\u{202e}', '\u{200b}', '\u{e0041}'] {
        assert!(!shown.contains(invisible));
    }
    assert!(shown.contains("\\u{1b}[2Jgone") && shown.contains("a\\r\\nb\\tc"));
}

#[test]
fn a_long_cell_is_cut_visibly() {
    let long = "x".repeat(1_000_000);
    let source = batch(vec![("c", Arc::new(StringArray::from(vec![long])) as ArrayRef)]);
    let shown = preview(&[source], 1, 80);
    assert_eq!(shown, format!("c\n{}…\n", "x".repeat(31)));
}
