//! Rows as files, read back by other readers than those of the library.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use arrow_array::types::{Date64Type, TimestampMillisecondType, TimestampSecondType};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Date64Array, Decimal128Array, Decimal256Array,
    Float32Array, Float64Array, Int64Array, LargeBinaryArray, NullArray, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
    cast::AsArray,
};
use arrow_ipc::reader::StreamReader;
use arrow_schema::{DataType, Schema, TimeUnit};
use bytes::Bytes;
use dataspace_data_plane::{
    MediaFile, Plan, Product,
    errors::{ReadError, RunError},
    formats::{Format, ROW_GROUP_LEN, write, write_delivery},
    render::WriteError,
    write_csv,
};
use dataspace_policy::{MaskMethod, Operator};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use serde_json::value::RawValue;

use crate::common::{CONTRACT, batch, compile, filter, key, mask, number, open, rows};

const ALL: [Format; 4] = [Format::Csv, Format::JsonLines, Format::ArrowIpc, Format::Parquet];

fn written(format: Format, schema: &Schema, batches: &[RecordBatch]) -> Vec<u8> {
    let mut out = Vec::new();
    let rows = write(format, schema, batches.iter().map(Ok::<_, Infallible>), &mut out).unwrap();
    assert_eq!(rows, batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>());
    out
}

/// Every type that leaves.
fn every_type() -> RecordBatch {
    let zone = "UTC";
    batch(vec![
        ("null", Arc::new(NullArray::new(3)) as ArrayRef),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("int", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]))),
        ("unsigned", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None, Some(0)]))),
        ("narrow", Arc::new(Float32Array::from(vec![Some(0.1), None, Some(-1e-30)]))),
        ("float", Arc::new(Float64Array::from(vec![Some(f64::NAN), None, Some(-0.0)]))),
        ("large", Arc::new(Float64Array::from(vec![1e300, f64::INFINITY, f64::NEG_INFINITY]))),
        (
            "decimal",
            Arc::new(
                Decimal128Array::from(vec![Some(5), None, Some(-10_i128.pow(37))])
                    .with_precision_and_scale(38, 2)
                    .unwrap(),
            ),
        ),
        (
            "wide",
            Arc::new(
                Decimal256Array::from(vec![Some(7.into()), None, Some((-7).into())])
                    .with_precision_and_scale(60, 3)
                    .unwrap(),
            ),
        ),
        ("text", Arc::new(StringArray::from(vec![Some("a,\"\n\u{1}é"), None, Some("")]))),
        ("day", Arc::new(Date32Array::from(vec![Some(i32::MAX), None, Some(-719_529)]))),
        ("day64", Arc::new(Date64Array::from(vec![Some(86_400_001), None, Some(-1)]))),
        ("s", Arc::new(TimestampSecondArray::from(vec![Some(1), None, Some(-1)]))),
        ("us", Arc::new(TimestampMicrosecondArray::from(vec![Some(1), None, Some(i64::MAX)]))),
        (
            "ns",
            Arc::new(
                TimestampNanosecondArray::from(vec![Some(1), None, Some(i64::MIN)])
                    .with_timezone(zone),
            ),
        ),
    ])
}

fn json(bytes: &[u8]) -> Vec<serde_json::Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn arrow_gives_back_every_type_and_no_metadata() {
    let batch = every_type();
    let bytes = written(Format::ArrowIpc, &batch.schema(), &[batch.clone(), batch.slice(1, 2)]);
    let reader = StreamReader::try_new(bytes.as_slice(), None).unwrap();
    assert!(reader.schema().metadata().is_empty());
    let read: Vec<_> = reader.map(Result::unwrap).collect();
    assert_eq!(read.len(), 2);
    assert_eq!(read[0].columns(), batch.columns());
    assert_eq!(read[1].columns(), batch.slice(1, 2).columns());
}

#[test]
fn parquet_gives_back_every_type_with_seconds_and_long_days_as_milliseconds() {
    let batch = every_type();
    let bytes = written(Format::Parquet, &batch.schema(), std::slice::from_ref(&batch));
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap();
    assert_eq!(reader.metadata().file_metadata().created_by(), Some("dataspace"));
    assert!(reader.schema().metadata().is_empty());
    let read: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    assert_eq!(read.len(), 1);
    let millis = |name: &str| {
        let array = read[0].column_by_name(name).unwrap();
        array.as_primitive::<TimestampMillisecondType>().iter().collect::<Vec<_>>()
    };
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let name = field.name();
        match field.data_type() {
            DataType::Date64 => {
                let days = column.as_primitive::<Date64Type>().iter();
                assert_eq!(millis(name), days.collect::<Vec<_>>());
            }
            DataType::Timestamp(TimeUnit::Second, _) => {
                let seconds = column.as_primitive::<TimestampSecondType>().iter();
                let expected: Vec<_> = seconds.map(|s| s.map(|s| s * 1000)).collect();
                assert_eq!(millis(name), expected);
            }
            _ => assert_eq!(read[0].column_by_name(name).unwrap(), column, "{name}"),
        }
    }
}

#[test]
fn an_instant_that_milliseconds_cannot_hold_is_refused_and_not_wrapped() {
    let seconds = TimestampSecondArray::from(vec![i64::MAX / 1000 + 1]);
    let batch = batch(vec![("s", Arc::new(seconds) as ArrayRef)]);
    let error = write(Format::Parquet, &batch.schema(), [Ok::<_, Infallible>(&batch)], Vec::new());
    assert!(matches!(error.unwrap_err(), WriteError::Range { column } if column == "s"));
}

#[test]
fn json_has_every_column_in_every_line_and_all_digits() {
    let batch = every_type();
    let bytes = written(Format::JsonLines, &batch.schema(), std::slice::from_ref(&batch));
    let text = String::from_utf8(bytes.clone()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let schema = batch.schema();
    let null = schema.fields().iter().map(|f| format!("\"{}\":null", f.name()));
    let null = null.collect::<Vec<_>>().join(",");
    assert_eq!(lines[1], format!("{{{null}}}").replace("\"large\":null", "\"large\":\"inf\""));
    for exact in [
        "\"bool\":true",
        "\"int\":-9223372036854775808",
        "\"unsigned\":18446744073709551615",
        "\"narrow\":0.1",
        "\"float\":\"NaN\"",
        "\"large\":1e300",
        "\"decimal\":0.05",
        "\"wide\":0.007",
        "\"text\":\"a,\\\"\\n\\u0001é\"",
        "\"day\":\"+5881580-07-11\"",
        "\"day64\":\"1970-01-02 00:00:00.001\"",
        "\"ns\":\"1970-01-01 00:00:00.000000001Z\"",
    ] {
        assert!(lines[0].contains(exact), "{exact} in {}", lines[0]);
    }
    assert!(lines[2].contains("\"decimal\":-100000000000000000000000000000000000.00"));
    assert!(lines[2].contains("\"float\":-0.0") && lines[2].contains("\"large\":\"-inf\""));
    assert_eq!(json(&bytes).len(), 3);
    assert_eq!(json(&bytes)[2]["text"], "");
}

#[test]
fn json_is_json_whatever_the_spelling_of_the_source() {
    let (_directory, table) = open("t.csv", "b,f,\"a\"\"b\"\nTrue,1e-07,x\nFalse,2.5,\"\"\n");
    let table = table.unwrap();
    let mut out = Vec::new();
    write(Format::JsonLines, &table.schema(), table.read().unwrap(), &mut out).unwrap();
    let lines = json(&out);
    assert_eq!(lines[0], serde_json::json!({"b": true, "f": 1e-7, "a\"b": "x"}));
    assert_eq!(lines[1], serde_json::json!({"b": false, "f": 2.5, "a\"b": null}));
}

#[test]
fn csv_is_the_one_that_write_csv_writes() {
    let batch = every_type();
    let mut expected = Vec::new();
    write_csv(&mut expected, &batch.schema(), [&batch]).unwrap();
    assert_eq!(written(Format::Csv, &batch.schema(), &[batch]), expected);
}

#[test]
fn a_file_without_rows_has_its_columns() {
    let schema = every_type().schema();
    assert!(written(Format::Csv, &schema, &[]).starts_with(b"null,bool,int"));
    assert!(written(Format::JsonLines, &schema, &[]).is_empty());
    let bytes = written(Format::ArrowIpc, &schema, &[]);
    let reader = StreamReader::try_new(bytes.as_slice(), None).unwrap();
    assert_eq!(reader.schema().fields().len(), schema.fields().len());
    let bytes = written(Format::Parquet, &schema, &[]);
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap();
    assert_eq!(reader.schema().fields().len(), schema.fields().len());
    assert_eq!(reader.metadata().num_row_groups(), 0);
}

#[test]
fn what_a_release_hides_is_in_none_of_the_formats() {
    let hidden = "a-hidden-name";
    let csv = format!("who,what,n\n{hidden},open,1\nother,{hidden}-too,7\nthird,plain,2\n");
    let (_directory, table) = open("t.csv", csv);
    let table = table.unwrap();
    let duties = [mask("who", MaskMethod::Drop), filter("n", Operator::Lt, vec![number("5")])];
    let plan = Plan::compile(&duties, &table.schema(), &key(1), CONTRACT).unwrap();
    for format in ALL {
        let mut out = Vec::new();
        let rows = write(format, &plan.output_schema(), plan.run(&table).unwrap(), &mut out);
        assert_eq!(rows.unwrap(), 2);
        for secret in [hidden.as_bytes(), b"python", b"spelling", b"t.csv"] {
            let holds = out.windows(secret.len()).any(|window| window == secret);
            assert!(!holds, "{format:?} tells {}", String::from_utf8_lossy(secret));
        }
        assert!(out.windows(4).any(|window| window == b"open"));
    }
}

#[test]
fn a_delivery_is_written_as_its_batches_are() {
    let (_directory, table) = open("t.csv", "n,t\n1,a\n2,b\n3,c\n");
    let table = table.unwrap();
    let duties = [filter("n", Operator::Gt, vec![number("1")])];
    let plan = Plan::compile(&duties, &table.schema(), &key(1), CONTRACT).unwrap();
    for format in ALL {
        let mut delivery = Product::open(&table, &duties, None, &key(1), CONTRACT).unwrap();
        let (mut delivered, mut expected) = (Vec::new(), Vec::new());
        assert_eq!(write_delivery(format, delivery.as_mut(), &mut delivered).unwrap(), 2);
        write(format, &plan.output_schema(), plan.run(&table).unwrap(), &mut expected).unwrap();
        assert_eq!(delivered, expected);
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.bin");
    std::fs::write(&path, b"bytes").unwrap();
    let media = MediaFile::open(&path, "application/octet-stream".parse().unwrap()).unwrap();
    for format in ALL {
        let mut delivery = media.open(&[], None, &key(1), CONTRACT).unwrap();
        let error = write_delivery(format, delivery.as_mut(), Vec::new()).unwrap_err();
        assert!(matches!(error, WriteError::NotRows), "{error}");
    }
}

#[test]
fn the_spelling_of_a_source_is_not_told_by_binary_formats() {
    let (_directory, table) = open("t.csv", "f\n1e-07\n2.5\n");
    let table = table.unwrap();
    for format in [Format::ArrowIpc, Format::Parquet] {
        let mut out = Vec::new();
        write(format, &table.schema(), table.read().unwrap(), &mut out).unwrap();
        assert!(!out.windows(8).any(|window| window == b"spelling"), "{format:?}");
    }
}

#[test]
fn rows_that_end_early_make_no_parquet_file_and_are_an_error_everywhere() {
    let batch = every_type();
    for format in ALL {
        let mut out = Vec::new();
        let batches = [Ok(&batch), Err(RunError::Read(ReadError::Changed))];
        let error = write(format, &batch.schema(), batches, &mut out).unwrap_err();
        assert!(matches!(error, WriteError::Rows(_)), "{format:?}: {error}");
        assert_eq!(error.to_string(), "the rows end early");
        if format == Format::Parquet {
            assert!(ParquetRecordBatchReaderBuilder::try_new(Bytes::from(out)).is_err());
        }
    }
}

#[test]
fn a_type_that_does_not_leave_is_written_in_no_format() {
    let bytes = LargeBinaryArray::from(vec![&b"x"[..]]);
    let batch = batch(vec![("b", Arc::new(bytes) as ArrayRef)]);
    let other = every_type();
    for format in ALL {
        let error = write(format, &batch.schema(), [Ok::<_, Infallible>(&batch)], Vec::new());
        assert!(matches!(error.unwrap_err(), WriteError::ColumnType { column } if column == "b"));
        let error = write(format, &other.schema(), [Ok::<_, Infallible>(&batch)], Vec::new());
        assert!(matches!(error.unwrap_err(), WriteError::OtherSchema), "{format:?}");
    }
}

/// Takes so many bytes and fails.
struct Full(usize);

impl io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_of_the_disk_wherever_it_happens() {
    let batch = every_type();
    for format in ALL {
        let whole = written(format, &batch.schema(), std::slice::from_ref(&batch)).len();
        for room in 0..whole {
            let batches = [Ok::<_, Infallible>(&batch)];
            let error = write(format, &batch.schema(), batches, Full(room)).unwrap_err();
            assert!(matches!(error, WriteError::Io(_)), "{format:?} at {room}: {error:?}");
        }
    }
}

#[test]
fn row_groups_end_while_rows_still_come() {
    // Texts that neither a dictionary nor a compressor makes shorter.
    let mut state = 1_u64;
    let mut noise = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{state:016x}")
    };
    let texts: Vec<String> = (0..4096).map(|_| (0..64).map(|_| noise()).collect()).collect();
    let batch = batch(vec![("t", Arc::new(StringArray::from(texts)) as ArrayRef)]);
    let count = 2 * ROW_GROUP_LEN / (4096 * 1024) + 1;
    let batches = std::iter::repeat_n(&batch, count).map(Ok::<_, Infallible>);
    let mut out = Vec::new();
    write(Format::Parquet, &batch.schema(), batches, &mut out).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(out)).unwrap();
    let groups = reader.metadata().row_groups();
    assert!(groups.len() >= 2, "{} row groups", groups.len());
    for group in groups {
        let len = usize::try_from(group.total_byte_size()).unwrap();
        assert!(len <= ROW_GROUP_LEN + 8 * 1024 * 1024, "{len} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn rows_come_back_from_every_format_as_they_were(
        texts in prop::collection::vec(prop::option::of("\\PC{1,8}"), 1..20),
        floats in prop::collection::vec(prop::option::of(any::<f64>()), 20),
        ints in prop::collection::vec(prop::option::of(any::<i64>()), 20),
    ) {
        let len = texts.len();
        let source = batch(vec![
            ("t", Arc::new(StringArray::from(texts)) as ArrayRef),
            ("f", Arc::new(Float64Array::from(floats[..len].to_vec()))),
            ("i", Arc::new(Int64Array::from(ints[..len].to_vec()))),
        ]);
        let expected = compile(&[], &source.schema()).unwrap().apply(&source).unwrap();
        let schema = expected.schema();

        let bytes = written(Format::ArrowIpc, &schema, std::slice::from_ref(&expected));
        let read = StreamReader::try_new(bytes.as_slice(), None).unwrap().next().unwrap().unwrap();
        prop_assert_eq!(rows(&read), rows(&expected));

        let bytes = written(Format::Parquet, &schema, std::slice::from_ref(&expected));
        let (_directory, table) = open("t.parquet", &bytes);
        prop_assert_eq!(crate::common::all_rows(&table.unwrap()), rows(&expected));

        let bytes = written(Format::JsonLines, &schema, std::slice::from_ref(&expected));
        let floats = expected.column(1).as_primitive::<arrow_array::types::Float64Type>();
        let ints = expected.column(2).as_primitive::<arrow_array::types::Int64Type>();
        for (row, line) in json(&bytes).iter().enumerate() {
            // The reader's own floats may be a bit off; these are the standard library's.
            let as_is = std::str::from_utf8(&bytes).unwrap().lines().nth(row).unwrap();
            let raw: HashMap<&str, &RawValue> = serde_json::from_str(as_is).unwrap();
            let text = expected.column(0).as_string::<i32>();
            prop_assert_eq!(line["t"].as_str(), text.is_valid(row).then(|| text.value(row)));
            let int = ints.is_valid(row).then(|| ints.value(row));
            prop_assert_eq!(line["i"].as_i64(), int);
            match floats.is_valid(row).then(|| floats.value(row)) {
                Some(value) if value.is_finite() => {
                    let read: f64 = raw["f"].get().parse().unwrap();
                    prop_assert_eq!(read.to_bits(), value.to_bits());
                }
                Some(value) => prop_assert_eq!(line["f"].as_str(), Some(&*format!("{value:?}"))),
                None => prop_assert!(line["f"].is_null()),
            }
        }
    }
}
