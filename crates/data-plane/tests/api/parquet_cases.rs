//! Parquet files that are easily read wrongly: an error that names the column, or the exact value.

use std::sync::Arc;

use arrow_array::types::{Decimal256Type, Float16Type, Int32Type};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, Date32Array, Decimal128Array, Decimal256Array,
    DictionaryArray, FixedSizeBinaryArray, Float16Array, Int64Array, IntervalDayTimeArray,
    ListArray, RecordBatch, StringArray, Time64MicrosecondArray, TimestampMillisecondArray,
    UInt64Array,
};
use arrow_schema::DataType;
use dataspace_data_plane::{Plan, Table, TableOptions, errors::PlanError};
use dataspace_policy::MaskMethod::{Drop, Hash, Null, Round};
use dataspace_policy::{Duty, Operator};
use parquet::arrow::ArrowWriter;
use parquet::data_type::{Int32Type as PhysicalInt32, Int96, Int96Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::common::{CONTRACT, all_rows, batch, filter, key, mask, number, rows, told};

pub(crate) fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn opened(bytes: &[u8], options: &TableOptions) -> Table {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t");
    std::fs::write(&path, bytes).unwrap();
    // The file must stay while it is read.
    std::mem::forget(directory);
    Table::open_with(&path, options).unwrap()
}

fn error(bytes: &[u8], options: &TableOptions) -> String {
    let table = opened(bytes, options);
    told(&table.read().and_then(Iterator::collect::<Result<Vec<_>, _>>).unwrap_err())
}

fn masked(table: &Table, duties: &[Duty]) -> Vec<String> {
    let plan = Plan::compile(duties, &table.schema(), &key(1), CONTRACT).unwrap();
    plan.run(table).unwrap().flat_map(|batch| rows(&batch.unwrap())).collect()
}

/// The Julian day of 1970.
const EPOCH: u32 = 2_440_588;

fn int96(values: &[(u32, u64)]) -> Vec<u8> {
    let schema = parse_message_type("message m { required int96 t; }").unwrap();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values: Vec<_> = values
        .iter()
        .map(|(day, nanos)| {
            let (low, high) = (nanos & 0xffff_ffff, nanos >> 32);
            let words = [u32::try_from(low).unwrap(), u32::try_from(high).unwrap(), *day];
            Int96::from(words.to_vec())
        })
        .collect();
    column.typed::<Int96Type>().write_batch(&values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

fn int32(kind: &str, values: &[i32]) -> Vec<u8> {
    let schema = format!("message m {{ required int32 n ({kind}); }}");
    let schema = parse_message_type(&schema).unwrap();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<PhysicalInt32>().write_batch(values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn instants_of_96_bits_are_exact_or_refused() {
    let (plain, micros) = (TableOptions::new(), TableOptions::new().int96_in_microseconds());
    let good = int96(&[(EPOCH, 1), (EPOCH - 1, 86_399_999_999_999)]);
    let expected = ["1970-01-01 00:00:00.000000001", "1969-12-31 23:59:59.999999999"];
    assert_eq!(all_rows(&opened(&good, &plain)), expected);
    let told = error(&good, &micros);
    assert!(told.contains("column `t`, row 0") && told.contains("microseconds"), "{told}");
    // The years 1, 9999 and 290,000: usual in place of "never".
    for (day, text) in
        [(1_721_426, "0001-01-01"), (5_373_484, "9999-12-31"), (108_000_000, "+290981-11-08")]
    {
        let far = int96(&[(EPOCH, 0), (day, 0)]);
        let told = error(&far, &plain);
        assert!(told.contains("column `t`, row 1") && told.contains("1677"), "{told}");
        let shown = all_rows(&opened(&far, &micros));
        assert_eq!(shown[1], format!("{text} 00:00:00"));
    }
    assert!(error(&int96(&[(u32::MAX, u64::MAX)]), &plain).contains("row 0"));
}

#[test]
fn numbers_beyond_the_range_of_their_type_do_not_wrap() {
    let plain = TableOptions::new();
    for (kind, least, most) in [
        ("INTEGER(8,true)", -128, 127),
        ("INTEGER(16,true)", -32768, 32767),
        ("INTEGER(8,false)", 0, 255),
        ("INTEGER(16,false)", 0, 65535),
        ("UINT_8", 0, 255),
    ] {
        let shown = all_rows(&opened(&int32(kind, &[least, most]), &plain));
        assert_eq!(shown, [least.to_string(), most.to_string()]);
        for wrong in [least - 1, most + 1] {
            let told = error(&int32(kind, &[least, wrong]), &plain);
            assert!(told.contains("column `n`, row 1: the number is not in the range"), "{told}");
        }
    }
}

#[test]
fn a_page_whose_checksum_is_wrong_is_an_error() {
    // One page of three numbers, with its checksum.
    let good = include_bytes!("../../../../fuzz/corpus/parquet_table/page_checksum");
    let plain = TableOptions::new();
    assert_eq!(all_rows(&opened(good, &plain)), ["1000", "2000", "3000"]);
    let at = good.windows(4).position(|bytes| bytes == 2000_i32.to_le_bytes()).unwrap();
    let mut bad = good.to_vec();
    bad[at] ^= 1;
    let told = error(&bad, &plain).to_lowercase();
    assert!(told.contains("column `") && told.contains("crc"), "{told}");
}

#[test]
fn rows_are_those_of_the_row_groups_whatever_the_footer_counts() {
    let bytes = include_bytes!("../../../../fuzz/corpus/parquet_table/footer_says_no_rows");
    let table = opened(bytes, &TableOptions::new());
    assert_eq!(table.row_count(), Some(3));
    assert_eq!(all_rows(&table).len(), 3);
}

#[test]
fn the_largest_and_smallest_dates_are_dates() {
    let source =
        batch(vec![("d", Arc::new(Date32Array::from(vec![i32::MIN, 0, i32::MAX])) as ArrayRef)]);
    let expected = ["-5877641-06-23", "1970-01-01", "+5881580-07-11"];
    assert_eq!(all_rows(&opened(&parquet(&source), &TableOptions::new())), expected);
}

#[test]
fn decimals_are_filtered_rounded_and_hashed_exactly() {
    let decimals = Decimal128Array::from(vec![Some(12_345), Some(-5), None, Some(12_350)]);
    let decimals = decimals.with_precision_and_scale(38, 2).unwrap();
    let source = batch(vec![("c", Arc::new(decimals) as ArrayRef)]);
    let table = opened(&parquet(&source), &TableOptions::new());
    for (operator, constant, expected) in [
        (Operator::Eq, "123.45", vec!["123.45"]),
        (Operator::Gt, "123.45", vec!["123.50"]),
        (Operator::Gt, "123.449", vec!["123.45", "123.50"]),
        (Operator::Lt, "-0.04", vec!["-0.05"]),
        (Operator::Lteq, "-0.051", vec![]),
        (Operator::Neq, "123.5", vec!["123.45", "-0.05"]),
        (Operator::Lt, "9223372036854775807", vec!["123.45", "-0.05", "123.50"]),
    ] {
        assert_eq!(masked(&table, &[filter("c", operator, vec![number(constant)])]), expected);
    }
    let mut rounded = masked(&table, &[mask("c", Round { decimals: 1 })]);
    rounded.sort();
    assert_eq!(rounded, ["\"\"", "-0.10", "123.50", "123.50"]);
    let hashed: std::collections::BTreeSet<_> =
        masked(&table, &[mask("c", Hash)]).into_iter().collect();
    assert_eq!(hashed.len(), 4);
}

#[test]
fn every_type_is_exact_or_refused_by_its_column() {
    let item: [Option<Vec<Option<i32>>>; 1] = [Some(vec![Some(1), None])];
    let dictionary: DictionaryArray<Int32Type> = [Some("x")].into_iter().collect();
    let digits = "-12345678901234567890123456789012345678901234567890";
    let digits: Native<Decimal256Type> = digits.parse().unwrap();
    let decimal = Decimal256Array::from(vec![digits]);
    let half = Native::<Float16Type>::from_f32(1.0);
    let shown: Vec<(ArrayRef, &str)> = vec![
        (Arc::new(UInt64Array::from(vec![u64::MAX])), "18446744073709551615"),
        (Arc::new(dictionary), "x"),
        (Arc::new(StringArray::from(vec!["é"])), "é"),
        (
            Arc::new(decimal.with_precision_and_scale(60, 10).unwrap()),
            "-1234567890123456789012345678901234567890.1234567890",
        ),
        (Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(item)), "\"[1,null]\""),
        (
            Arc::new(TimestampMillisecondArray::from(vec![-1]).with_timezone("Europe/Berlin")),
            "1969-12-31 23:59:59.999Z",
        ),
    ];
    for (column, expected) in shown {
        let table = opened(&parquet(&batch(vec![("c", column)])), &TableOptions::new());
        assert_eq!(masked(&table, &[]), [expected]);
        assert!(table.unreleased().is_empty());
    }
    let refused: Vec<ArrayRef> = vec![
        Arc::new(BinaryArray::from(vec![&b"x"[..]])),
        Arc::new(FixedSizeBinaryArray::try_from_iter([[1_u8; 16]].into_iter()).unwrap()),
        Arc::new(Float16Array::from(vec![half])),
        Arc::new(Time64MicrosecondArray::from(vec![1])),
        Arc::new(IntervalDayTimeArray::new_null(1)),
    ];
    for column in refused {
        let source =
            batch(vec![("c", column), ("d", Arc::new(Int64Array::from(vec![7])) as ArrayRef)]);
        let table = opened(&parquet(&source), &TableOptions::new());
        assert_eq!(table.unreleased(), ["c"]);
        let refusal = |duties: &[Duty]| {
            Plan::compile(duties, &table.schema(), &key(1), CONTRACT).unwrap_err()
        };
        let error = refusal(&[]);
        assert!(matches!(&error, PlanError::UnreleasedType { column, .. } if column == "c"));
        assert!(matches!(refusal(&[mask("c", Hash)]), PlanError::ColumnType { .. }));
        let compared = filter("c", Operator::Eq, vec![number("1")]);
        assert!(matches!(refusal(&[compared]), PlanError::ColumnType { .. }));
        assert_eq!(masked(&table, &[mask("c", Drop)]), ["7"]);
        assert_eq!(masked(&table, &[mask("c", Null)]), [",7"]);
        // It is not even decoded.
        let read = table.read().unwrap().next().unwrap().unwrap();
        assert_eq!(read.column(0).null_count(), 1);
    }
}

/// A value of a type whose crate is not at hand.
type Native<T> = <T as ArrowPrimitiveType>::Native;

#[test]
fn texts_of_a_file_are_views_that_leave_as_plain_texts() {
    let source = batch(vec![("t", Arc::new(StringArray::from(vec!["x"])) as ArrayRef)]);
    let table = opened(&parquet(&source), &TableOptions::new());
    let plan = Plan::compile(&[], &table.schema(), &key(1), CONTRACT).unwrap();
    assert_eq!(plan.output_schema().field(0).data_type(), &DataType::Utf8);
}

#[test]
fn odd_names_are_refused_and_shown_safely() {
    let bytes = include_bytes!("../../../../fuzz/corpus/parquet_table/odd_names");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t");
    std::fs::write(&path, bytes).unwrap();
    let told = told(&Table::open(&path).unwrap_err());
    assert!(told.contains("no duty can name column"), "{told}");
    assert!(!told.contains(['\u{202e}', '\u{feff}', '\t', '\n']), "{told}");
}
