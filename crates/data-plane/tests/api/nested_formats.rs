//! Structures, lists and maps in every format, read back by other readers than those of the library.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use arrow_array::types::{Float64Type, Int64Type, TimestampMillisecondType};
use arrow_array::{
    Array, ArrayRef, Int64Array, ListArray, RecordBatch, StructArray, TimestampSecondArray,
    cast::AsArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_ipc::reader::StreamReader;
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use dataspace_data_plane::formats::{Format, write};
use dataspace_data_plane::render::{WriteError, csv_columns};
use dataspace_policy::{
    Duty, KeptColumns,
    MaskMethod::{Drop, Null, Truncate},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::common::{apply, batch, mask};
use crate::nested_model::{Row, arrays, row};

fn written(format: Format, batch: &RecordBatch) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::new();
    let rows = std::iter::once(Ok::<_, Infallible>(batch));
    write(format, batch.schema_ref(), rows, &mut out).map(|_| out)
}

/// A value as arrow's own readers have it.
fn value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => json!(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => json!(array.as_string::<i32>().value(row)),
        DataType::Struct(_) => object(array.as_struct(), row),
        DataType::List(_) => items(&array.as_list::<i32>().value(row)),
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            let pair = |at| json!({ "key": value(entries.column(0), at), "value": value(entries.column(1), at) });
            Value::Array((0..entries.len()).map(pair).collect())
        }
        other => panic!("{other}"),
    }
}

fn object(parts: &StructArray, row: usize) -> Value {
    let parts = parts.fields().iter().zip(parts.columns());
    let parts = parts.map(|(field, part)| (field.name().clone(), value(part, row)));
    Value::Object(parts.collect())
}

fn items(items: &ArrayRef) -> Value {
    Value::Array((0..items.len()).map(|at| value(items, at)).collect())
}

fn lines(batches: &[RecordBatch]) -> Vec<Value> {
    let of = |batch: &RecordBatch| {
        let whole = StructArray::from(batch.clone());
        (0..batch.num_rows()).map(|row| object(&whole, row)).collect::<Vec<_>>()
    };
    batches.iter().flat_map(of).collect()
}

fn ipc(bytes: &[u8]) -> Vec<RecordBatch> {
    StreamReader::try_new(bytes, None).unwrap().map(Result::unwrap).collect()
}

fn parquet(bytes: Vec<u8>) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap();
    reader.build().unwrap().map(Result::unwrap).collect()
}

/// A row of CSV by the names of its cells; cells with lists are read as JSON.
fn csv_lines(bytes: &[u8]) -> Vec<Map<String, Value>> {
    let mut reader = csv::Reader::from_reader(bytes);
    let names = reader.headers().unwrap().clone();
    let cell = |(name, cell): (&str, &str)| {
        let is_list = ["parts", "tags", "codes"].contains(&name) && !cell.is_empty();
        let value = if is_list { serde_json::from_str(cell).unwrap() } else { json!(cell) };
        (name.to_owned(), value)
    };
    let record = |record: csv::StringRecord| names.iter().zip(record.iter()).map(cell).collect();
    reader.records().map(|one| record(one.unwrap())).collect()
}

/// The same of what must leave: a cell for each field of a structure.
fn as_csv(name: &str, value: Option<&Value>, columns: &[String], to: &mut Map<String, Value>) {
    if columns.iter().any(|column| column == name) {
        let cell = match value {
            None | Some(Value::Null) => json!(""),
            Some(Value::Number(number)) => json!(number.to_string()),
            Some(other) => other.clone(),
        };
        to.insert(name.to_owned(), cell);
        return;
    }
    let prefix = format!("{name}.");
    let parts = columns.iter().filter_map(|column| column.strip_prefix(&prefix));
    for part in parts {
        let first = part.split('.').next().unwrap();
        let value = value.and_then(|value| value.get(first));
        as_csv(&format!("{prefix}{first}"), value, columns, to);
    }
}

/// What is seen of a value at a path.
type Seen = fn(&str, Value) -> Option<Value>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_come_back_by_the_readers_of_arrow_parquet_json_and_csv(
        all in prop::collection::vec(row(), 1..12),
        seed in any::<u64>(),
        hidden in 0..4_usize,
    ) {
        let keep = |names: &[&str]| Duty::Keep(KeptColumns {
            columns: names.iter().map(|name| name.parse().unwrap()).collect(),
        });
        let (duties, seen): (Vec<Duty>, Seen) = match hidden {
            0 => (vec![], |_, value| Some(value)),
            1 => (vec![mask("parts.serial", Drop), mask("address.geo", Drop)], |path, value| {
                (path != "parts.serial" && !path.starts_with("address.geo")).then_some(value)
            }),
            2 => (vec![keep(&["id", "address.city", "tags", "codes.value"])], |path, value| {
                ["id", "address.city", "tags", "codes.value"].contains(&path).then_some(value)
            }),
            _ => (vec![mask("codes.key", Truncate { chars: 1 })], |path, value| {
                let Value::String(text) = &value else { return Some(value) };
                let first = text.chars().next().map(String::from).unwrap_or_default();
                Some(if path == "codes.key" { json!(first) } else { value })
            }),
        };
        let leaves = apply(&duties, &arrays(&all, seed));
        let sorted = |lines: Vec<Value>| {
            let mut lines: Vec<_> = lines.iter().map(Value::to_string).collect();
            lines.sort();
            lines
        };
        let expected: Vec<Value> = all.iter().map(|row| row.json(&seen)).collect();
        let in_order = sorted(expected.clone());

        let bytes = written(Format::ArrowIpc, &leaves).unwrap();
        prop_assert_eq!(sorted(lines(&ipc(&bytes))), in_order.clone());
        let bytes = written(Format::Parquet, &leaves).unwrap();
        prop_assert_eq!(sorted(lines(&parquet(bytes))), in_order.clone());
        let bytes = written(Format::JsonLines, &leaves).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let read = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(sorted(read), in_order);

        let bytes = written(Format::Csv, &leaves).unwrap();
        let columns = csv_columns(leaves.schema_ref());
        let expected = expected.iter().map(|row| {
            let mut cells = Map::new();
            for name in ["id", "address", "parts", "tags", "codes"] {
                as_csv(name, row.get(name), &columns, &mut cells);
            }
            // Floats of structures keep a point.
            for axis in ["address.geo.lat", "address.geo.lon"] {
                if let Some(Value::String(cell)) = cells.get_mut(axis) && !cell.is_empty() {
                    *cell = format!("{:?}", cell.parse::<f64>().unwrap());
                }
            }
            Value::Object(cells)
        });
        let expected = sorted(expected.collect());
        let read = csv_lines(&bytes).into_iter().map(Value::Object).collect();
        prop_assert_eq!(sorted(read), expected);
    }
}

fn secret(field: Field) -> Field {
    field.with_metadata(HashMap::from([("note".to_owned(), "S3CRET".to_owned())]))
}

/// A structure with a list in it, and notes of its source at every field.
fn noted() -> RecordBatch {
    let item = Arc::new(secret(Field::new("S3CRET", DataType::Int64, true)));
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let lists: ArrayRef =
        Arc::new(ListArray::new(item, OffsetBuffer::new(vec![0, 2].into()), numbers, None));
    let field = secret(Field::new("l", lists.data_type().clone(), true));
    let parts: ArrayRef = Arc::new(StructArray::new(vec![field].into(), vec![lists], None));
    let field = secret(Field::new("s", parts.data_type().clone(), true));
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![parts]).unwrap()
}

#[test]
fn notes_of_the_source_are_in_no_file() {
    let source = noted();
    assert!(format!("{:?}", source.schema()).contains("S3CRET"));
    for leaves in [apply(&[], &source), source] {
        for format in [Format::Csv, Format::JsonLines, Format::ArrowIpc, Format::Parquet] {
            let bytes = written(format, &leaves).unwrap();
            assert!(!bytes.windows(6).any(|bytes| bytes == b"S3CRET"), "{format:?}");
        }
        let expected = vec![json!({ "s": { "l": [1, 2] } })];
        assert_eq!(lines(&ipc(&written(Format::ArrowIpc, &leaves).unwrap())), expected);
        assert_eq!(lines(&parquet(written(Format::Parquet, &leaves).unwrap())), expected);
    }
}

#[test]
fn seconds_in_structures_and_lists_are_milliseconds_in_parquet_and_never_wrap() {
    let listed = |seconds: Vec<i64>| {
        let zone = TimestampSecondArray::from(seconds).with_timezone("UTC");
        let item = Arc::new(Field::new_list_field(zone.data_type().clone(), true));
        let offsets = OffsetBuffer::new(vec![0, i32::try_from(zone.len()).unwrap()].into());
        let list: ArrayRef = Arc::new(ListArray::new(item, offsets, Arc::new(zone), None));
        let field = Field::new("l", list.data_type().clone(), true);
        let parts: ArrayRef = Arc::new(StructArray::new(vec![field].into(), vec![list], None));
        apply(&[], &batch(vec![("s", parts)]))
    };
    let read = parquet(written(Format::Parquet, &listed(vec![-1, 5])).unwrap());
    let list = read[0].column(0).as_struct().column(0).as_list::<i32>().value(0);
    let millis = list.as_primitive::<TimestampMillisecondType>();
    assert_eq!((millis.value(0), millis.value(1)), (-1000, 5000));
    // The first that milliseconds do not hold.
    let error = written(Format::Parquet, &listed(vec![1, i64::MAX / 1000 + 1])).unwrap_err();
    assert!(matches!(&error, WriteError::Range { column } if column == "s"), "{error}");
}

#[test]
fn a_column_emptied_as_a_whole_is_empty_in_every_format() {
    let one = |id| Row {
        id,
        address: None,
        parts: Some(vec![None]),
        tags: Some(vec![Some("S3CRET".to_owned())]),
        codes: None,
    };
    let all = arrays(&[one(1), one(2)], 5);
    let leaves = apply(&[mask("parts", Null), mask("tags", Null)], &all);
    for line in lines(&ipc(&written(Format::ArrowIpc, &leaves).unwrap())) {
        assert_eq!((&line["parts"], &line["tags"]), (&Value::Null, &Value::Null));
    }
    for line in lines(&parquet(written(Format::Parquet, &leaves).unwrap())) {
        assert_eq!((&line["parts"], &line["tags"]), (&Value::Null, &Value::Null));
    }
    for line in csv_lines(&written(Format::Csv, &leaves).unwrap()) {
        assert_eq!((&line["parts"], &line["tags"]), (&json!(""), &json!("")));
    }
}

#[test]
fn bytes_in_a_structure_are_written_in_no_format() {
    let bytes: ArrayRef = Arc::new(arrow_array::BinaryArray::from(vec![&b"S3CRET"[..]]));
    let field = Field::new("raw", DataType::Binary, true);
    let parts: ArrayRef = Arc::new(StructArray::new(vec![field].into(), vec![bytes], None));
    for format in [Format::Csv, Format::JsonLines, Format::ArrowIpc, Format::Parquet] {
        let error = written(format, &batch(vec![("s", Arc::clone(&parts))])).unwrap_err();
        assert!(
            matches!(&error, WriteError::ColumnType { column } if column == "s.raw"),
            "{error}"
        );
    }
}
