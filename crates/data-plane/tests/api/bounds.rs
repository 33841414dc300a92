//! Files that are small and would become large, and files that are none.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use dataspace_data_plane::{
    Plan, Table,
    chunk::{BATCH_LEN_MAX, BATCH_ROWS},
    errors::{OpenError, ROW_LEN_MAX, RowError, RunError},
};
use dataspace_policy::MaskMethod::{Drop, Hash, Truncate};
use dataspace_policy::{Duty, Operator};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::common::{CONTRACT, batch, filter, key, mask, number, open, told};
use crate::parquet_cases::parquet;

/// The rows of each batch, each no longer than the bound.
fn batches(table: &Table, duties: &[Duty]) -> Result<Vec<usize>, RunError> {
    let plan = Plan::compile(duties, &table.schema(), &key(1), CONTRACT).unwrap();
    plan.run(table)?
        .map(|batch| {
            let batch = batch?;
            assert!(batch.num_rows() == 1 || batch.get_array_memory_size() < 2 * BATCH_LEN_MAX);
            Ok(batch.num_rows())
        })
        .collect()
}

#[test]
fn a_header_of_commas_alone_is_refused() {
    let (_directory, table) = open("t.csv", vec![b','; ROW_LEN_MAX - 1]);
    let error = table.unwrap_err();
    assert!(matches!(error, OpenError::ColumnCount { found } if found == ROW_LEN_MAX), "{error}");
    let mut csv = b"a,b\n".to_vec();
    csv.resize(ROW_LEN_MAX, b',');
    let (_directory, table) = open("t.csv", csv);
    assert!(matches!(table.unwrap_err(), OpenError::Row(RowError::Ragged { row: 1, .. })));
}

#[test]
fn batches_are_bounded_in_bytes_whatever_the_duties_leave() {
    let text = "x".repeat(6 << 20);
    let rows = 9;
    let texts: ArrayRef = Arc::new(StringArray::from(vec![text.as_str(); rows]));
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..9));
    let source = batch(vec![("id", ids), ("t", texts)]);
    let table = Table::from_batches(source.schema_ref(), vec![source.clone()]).unwrap();
    assert_eq!(batches(&table, &[]).unwrap(), [2, 2, 2, 2, 1]);
    let few = filter("id", Operator::Gt, vec![number("5")]);
    assert_eq!(batches(&table, &[few]).unwrap(), [2, 1]);
    assert_eq!(batches(&table, &[mask("id", Drop)]).unwrap(), [2, 2, 2, 2, 1]);
    assert_eq!(batches(&table, &[mask("t", Truncate { chars: 9 })]).unwrap(), [9]);
    assert_eq!(batches(&table, &[mask("t", Hash)]).unwrap(), [9]);
}

#[test]
fn the_borders_of_batches_of_long_rows_do_not_tell_of_hidden_rows() {
    let long = "x".repeat(5 << 20);
    let build = |hidden: usize| {
        let mut texts = Vec::new();
        let mut marks = Vec::new();
        for _ in 0..7 {
            texts.extend(vec![long.as_str(); hidden + 1]);
            marks.extend(vec![0; hidden]);
            marks.push(1);
        }
        let source = batch(vec![
            ("t", Arc::new(StringArray::from(texts)) as ArrayRef),
            ("mark", Arc::new(Int64Array::from(marks))),
        ]);
        Table::from_batches(source.schema_ref(), vec![source.clone()]).unwrap()
    };
    let shown = [filter("mark", Operator::Eq, vec![number("1")])];
    assert_eq!(batches(&build(0), &shown).unwrap(), batches(&build(2), &shown).unwrap());
}

#[test]
fn a_large_value_of_a_dictionary_is_not_multiplied_in_memory() {
    let value = "x".repeat(1 << 20);
    let values: ArrayRef = Arc::new(StringArray::from(vec![value]));
    let keys = Int32Array::from(vec![0; 200]);
    let column = DictionaryArray::<Int32Type>::try_new(keys, values).unwrap();
    let source = batch(vec![("c", Arc::new(column) as ArrayRef)]);
    let table = Table::from_batches(source.schema_ref(), vec![source.clone()]).unwrap();
    assert!(batches(&table, &[]).unwrap().iter().all(|rows| *rows <= 15));
}

/// A column of few bytes in the file and many in memory.
fn bomb(columns: usize, len: usize) -> Vec<u8> {
    let text = "x".repeat(len);
    let column: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let names: Vec<_> = (0..columns).map(|n| format!("c{n}")).collect();
    let source =
        RecordBatch::try_from_iter(names.iter().map(|n| (n, Arc::clone(&column)))).unwrap();
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder()
        .set_compression(zstd)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), source.schema(), Some(properties)).unwrap();
    writer.write(&source).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn pages_that_decompress_to_too_much_are_refused() {
    let (_directory, table) = open("t", bomb(1, 65 << 20));
    let error = batches(&table.unwrap(), &[]).unwrap_err();
    assert!(told(&error).contains("at most"), "{}", told(&error));
    // None too large, but all together.
    let bytes = bomb(9, 60 << 20);
    assert!(bytes.len() < 1 << 20);
    let (_directory, table) = open("t", bytes);
    let error = batches(&table.unwrap(), &[]).unwrap_err();
    assert!(told(&error).contains("the pages of all columns"), "{}", told(&error));
}

#[test]
fn a_row_longer_than_any_batch_is_refused() {
    let (_directory, table) = open("t", bomb(1, 20 << 20));
    let error = batches(&table.unwrap(), &[]).unwrap_err();
    assert!(matches!(error, RunError::RowTooLong));
    let (_directory, table) = open("t", bomb(1, 20 << 20));
    let masked = batches(&table.unwrap(), &[mask("c0", Hash)]);
    assert_eq!(masked.unwrap(), [1]);
}

#[test]
fn columns_that_are_not_needed_are_not_decoded() {
    let (_directory, table) = open("t", bomb(9, 60 << 20));
    let duties: Vec<_> = (1..9).map(|n| mask(&format!("c{n}"), Drop)).collect();
    let duties = [duties, vec![mask("c0", Hash)]].concat();
    assert_eq!(batches(&table.unwrap(), &duties).unwrap(), [1]);
}

#[test]
fn a_wide_table_comes_through_in_full_batches() {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5000));
    let names: Vec<_> = (0..200).map(|n| format!("c{n}")).collect();
    let source =
        RecordBatch::try_from_iter(names.iter().map(|n| (n, Arc::clone(&column)))).unwrap();
    let (_directory, table) = open("t", parquet(&source));
    assert_eq!(batches(&table.unwrap(), &[]).unwrap(), [BATCH_ROWS, 5000 - BATCH_ROWS]);
}

#[test]
fn what_is_no_regular_file_is_not_opened() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe.csv");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    let mut paths = vec![directory.path().to_owned(), "/dev/zero".into(), "/dev/null".into()];
    if made.is_ok_and(|status| status.success()) {
        paths.push(pipe);
    }
    for path in paths.into_iter().filter(|path| path.exists()) {
        assert!(matches!(Table::open(&path).unwrap_err(), OpenError::NotRegular), "{path:?}");
    }
}

#[test]
fn a_table_that_became_another_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    std::fs::write(&path, "a,b\n1,2\n").unwrap();
    let table = Table::open(&path).unwrap();
    for other in ["b,a\n1,2\n", "a\n1\n", ""] {
        std::fs::write(&path, other).unwrap();
        assert!(table.read().is_err());
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(table.read().is_err());
}
