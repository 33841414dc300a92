use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, Int64Array, LargeStringArray, RecordBatch,
    StringArray, StringViewArray,
};
use arrow_schema::{DataType, Field, Schema};
use dataspace_data_plane::{
    Plan, Table,
    chunk::BATCH_ROWS,
    errors::{OpenError, ROW_LEN_MAX, ReadError, RowError, RunError},
    product::{Piece, Product, ProductError},
};
use dataspace_policy::MaskMethod;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::common::{CONTRACT, all_rows, batch, key, mask, open};

fn types(csv: &str) -> Vec<DataType> {
    let (_directory, table) = open("t.csv", csv);
    let schema = table.unwrap().schema();
    schema.fields().iter().map(|f| f.data_type().clone()).collect()
}

fn sample() -> RecordBatch {
    let dictionary: DictionaryArray<Int8Type> = [Some("x"), None, Some("x")].into_iter().collect();
    batch(vec![
        ("id", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])) as ArrayRef),
        ("value", Arc::new(Float64Array::from(vec![0.5, f64::NAN, -1.0]))),
        ("large", Arc::new(LargeStringArray::from(vec!["a", "b", "c"]))),
        ("view", Arc::new(StringViewArray::from(vec!["a", "b", "long enough for a buffer"]))),
        ("kind", Arc::new(dictionary)),
    ])
}

fn parquet(batch: &RecordBatch, compression: Compression) -> Vec<u8> {
    let mut out = Vec::new();
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = ArrowWriter::try_new(&mut out, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    out
}

#[test]
fn a_column_of_a_csv_has_the_type_that_all_its_values_have() {
    let csv = "t,b,i,f,x,n\na,True,1,1,1,\n,False,,2.5,a,\nc,,-3,1e+22,,\n";
    let (_directory, table) = open("t.csv", csv);
    let table = table.unwrap();
    assert_eq!(
        types(csv),
        [
            DataType::Utf8,
            DataType::Boolean,
            DataType::Int64,
            DataType::Float64,
            DataType::Utf8,
            DataType::Utf8
        ]
    );
    assert_eq!(table.row_count(), Some(3));
    let expected = ["a,True,1,1,1,", ",False,,2.5,a,", "c,,-3,1e+22,,"];
    assert_eq!(all_rows(&table), expected);
}

#[test]
fn a_late_row_of_another_type_makes_the_column_a_text() {
    let rows: Vec<_> = (0..20_000).map(|i| i.to_string()).collect();
    let csv = format!("a\n{}\nlate\n", rows.join("\n"));
    let (_directory, table) = open("t.csv", &csv);
    let table = table.unwrap();
    assert_eq!(table.schema().field(0).data_type(), &DataType::Utf8);
    assert_eq!(all_rows(&table).len(), 20_001);
    assert!(table.read().unwrap().all(|b| b.unwrap().num_rows() <= BATCH_ROWS));
}

#[test]
fn codes_and_long_identifiers_stay_texts() {
    for value in
        ["007", "+5", "-0.", "1_000", "123456789012345678901", "1e999", "0x10", " 5", "nan"]
    {
        assert_eq!(types(&format!("a\n{value}\n")), [DataType::Utf8], "{value}");
    }
    // As floats these two would be equal.
    let csv = "a\n9007199254740993\n0.5\n";
    assert_eq!(types(csv), [DataType::Utf8]);
    assert_eq!(types("a\n9223372036854775807\n-9223372036854775808\n"), [DataType::Int64]);
}

#[test]
fn quotes_line_ends_a_byte_order_mark_and_separators_are_understood() {
    let bytes = "\u{feff}a,b\r\n\"x, \"\"y\"\"\nz\",1\r\n";
    let (_directory, table) = open("t.CSV", bytes);
    let table = table.unwrap();
    assert_eq!(table.schema().field(0).name(), "a");
    assert_eq!(table.row_count(), Some(1));
    for (name, bytes) in [("t.csv", "a;b\n1;2\n"), ("t.tsv", "a\tb\n1\t2\n")] {
        let (_directory, table) = open(name, bytes);
        assert_eq!(all_rows(&table.unwrap()), ["1,2"]);
    }
}

#[test]
fn ragged_rows_are_refused_with_their_number() {
    for csv in ["a,b\n1,2\n3\n", "a,b\n1,2\n3,4,5\n"] {
        let (_directory, table) = open("t.csv", csv);
        let error = table.unwrap_err();
        assert!(matches!(error, OpenError::Row(RowError::Ragged { row: 2, expected: 2, .. })));
    }
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let (_directory, table) = open("t.csv", b"a,b\n1,\xff\xfe\n");
    let error = table.unwrap_err();
    assert!(matches!(error, OpenError::Row(RowError::NotUtf8 { row: 1, line: 2, .. })));
}

#[test]
fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
    let mut csv = b"a,b\n1,\"".to_vec();
    csv.resize(csv.len() + ROW_LEN_MAX + 100_000, b'x');
    let (_directory, table) = open("t.csv", csv);
    let error = table.unwrap_err();
    assert!(matches!(error, OpenError::Row(RowError::TooLong { row: 1, line: 2 })));
}

#[test]
fn a_large_field_within_the_limit_is_read() {
    let field = "x".repeat(3_000_000);
    let (_directory, table) = open("t.csv", format!("a\n{field}\n{field}\n"));
    let table = table.unwrap();
    assert_eq!(all_rows(&table), [field.clone(), field]);
}

#[test]
fn columns_that_cannot_be_told_apart_are_refused() {
    let (_directory, table) = open("t.csv", "a,b,a\n1,2,3\n");
    assert!(matches!(table.unwrap_err(), OpenError::DuplicateColumn { column } if column == "a"));
    let (_directory, table) = open("t.csv", ",a\n0,1\n");
    assert!(matches!(table.unwrap_err(), OpenError::UnnamedColumn { index: 0 }));
    let fields = vec![Field::new("a", DataType::Int8, true); 2];
    let error = Table::from_batches(&Schema::new(fields), vec![]).unwrap_err();
    assert!(matches!(error, OpenError::DuplicateColumn { .. }));
}

#[test]
fn empty_and_overwide_tables_are_refused() {
    let (_directory, table) = open("t.csv", "");
    assert!(matches!(table.unwrap_err(), OpenError::ColumnCount { found: 0 }));
    let wide: Vec<_> = (0..5000).map(|i| format!("c{i}")).collect();
    let (_directory, table) = open("t.csv", wide.join(","));
    assert!(matches!(table.unwrap_err(), OpenError::ColumnCount { found: 5000 }));
    let (_directory, table) = open("t.csv", "a,b\n");
    assert_eq!(table.unwrap().row_count(), Some(0));
}

#[test]
fn other_formats_are_refused_with_the_accepted_ones() {
    for (name, bytes) in [
        ("t.xlsx", &b"PK\x03\x04"[..]),
        ("t.csv", b"SQLite format 3\0"),
        ("t.parquet", b"a,b\n1,2\n"),
        ("t", b"a,b\n1,2\n"),
        ("t.json", b"[]"),
        ("t.parquet", b""),
    ] {
        let (_directory, table) = open(name, bytes);
        let error = table.unwrap_err();
        assert!(matches!(error, OpenError::Format), "{name}");
        assert!(error.to_string().contains("Parquet") && error.to_string().contains("CSV"));
    }
}

#[test]
fn parquet_is_known_by_its_content_and_comes_out_as_it_went_in() {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, zstd] {
        let (_directory, table) = open("t.csv", parquet(&sample(), compression));
        let table = table.unwrap();
        assert_eq!(table.row_count(), Some(3));
        let expected = ["1,0.5,a,a,x", ",NaN,b,b,", "3,-1.0,c,long enough for a buffer,x"];
        assert_eq!(all_rows(&table), expected);
        assert!(table.schema().metadata().is_empty());
    }
}

#[test]
fn the_descriptor_is_the_same_for_every_format_of_the_same_columns() {
    let columns = batch(vec![
        ("a", Arc::new(StringViewArray::from(vec!["x"])) as ArrayRef),
        ("b", Arc::new(Int64Array::from(vec![1]))),
    ]);
    let memory = Table::from_batches(columns.schema_ref(), vec![columns.clone()]).unwrap();
    let (_d1, csv) = open("t.csv", "a,b\nx,1\n");
    let (_d2, file) = open("t", parquet(&columns, Compression::UNCOMPRESSED));
    let digest = memory.descriptor_digest();
    assert_eq!(csv.unwrap().descriptor_digest(), digest);
    assert_eq!(file.unwrap().descriptor_digest(), digest);
    let pinned = "sha256:".to_owned() + PINNED;
    assert_eq!(digest.to_string(), pinned);
    for other in ["b,a\n1,x\n", "a,b\nx,1.5\n", "ab,\u{e9}\nx,1\n", "a,c\nx,1\n"] {
        let (_directory, table) = open("t.csv", other);
        assert_ne!(table.unwrap().descriptor_digest(), digest);
    }
}

const PINNED: &str = "3d4aff7383f7792e97e17924f1c6fa3edd5b3fa37f865fc2c76e04e5da103287";

#[test]
fn a_file_that_changed_since_it_was_opened_is_refused() {
    let (directory, table) = open("t.csv", "a\n1\n2\n");
    let table = table.unwrap();
    let path = directory.path().join("t.csv");
    std::fs::write(&path, "a\n1\nx\n").unwrap();
    assert!(matches!(table.read(), Err(ReadError::Row(RowError::CellType { row: 2, .. }))));
    std::fs::write(&path, "b\n1\n").unwrap();
    assert!(matches!(table.read(), Err(ReadError::Changed)));
    std::fs::remove_file(&path).unwrap();
    assert!(table.read().is_err());

    let (directory, table) = open("t", parquet(&sample(), Compression::SNAPPY));
    let other = batch(vec![("a", Arc::new(StringArray::from(vec!["x"])) as ArrayRef)]);
    let path = directory.path().join("t");
    std::fs::write(path, parquet(&other, Compression::SNAPPY)).unwrap();
    assert!(matches!(table.unwrap().read(), Err(ReadError::Changed)));
}

#[test]
fn a_file_that_changed_is_read_over_once_and_never_by_who_opens_it_as_a_product() {
    let (directory, table) = open("t.csv", "a\n1\n2\n");
    let table = table.unwrap();
    let path = directory.path().join("t.csv");
    let opened = || match Product::open(&table, &[], None, &key(1), CONTRACT) {
        Ok(mut data) => Ok(data.next().unwrap()),
        Err(ProductError::Run(RunError::Read(error))) => Err(error),
        Err(other) => panic!("{other:?}"),
    };
    assert!(opened().is_ok());
    std::fs::write(&path, "a\n1\n2\nx\n").unwrap();
    assert!(matches!(opened(), Err(ReadError::NotLookedOver)));
    Product::look_over(&table);
    let Err(ReadError::Unfit { why }) = opened() else { panic!() };
    // Asked once more, it says the same and reads nothing.
    assert!(matches!(table.look_over(), Err(ReadError::Unfit { why: same }) if same == why));
    assert!(why.contains("row 3"), "{why}");
    // Good again, and other rows.
    std::fs::write(&path, "a\n1\n").unwrap();
    Product::look_over(&table);
    let Ok(Some(Piece::Rows(rows))) = opened() else { panic!() };
    assert_eq!(rows.num_rows(), 1);
    // Gone.
    std::fs::remove_file(&path).unwrap();
    Product::look_over(&table);
    assert!(matches!(opened(), Err(ReadError::Io(_))));
}

#[test]
fn a_release_ends_with_the_first_error() {
    let mut csv = "a\n".to_owned();
    (0..3 * BATCH_ROWS).for_each(|_| csv.push_str("1\n"));
    let (directory, table) = open("t.csv", &csv);
    let table = table.unwrap();
    // Changed while it is read. In the contract's own order nothing leaves before the end.
    for (duties, before) in [(vec![], 2), (vec![mask("a", MaskMethod::Round { decimals: 0 })], 0)] {
        std::fs::write(directory.path().join("t.csv"), &csv).unwrap();
        let plan = Plan::compile(&duties, &table.schema(), &key(1), CONTRACT).unwrap();
        let run = plan.run(&table).unwrap();
        let changed = format!("{}x\n", csv.strip_suffix("1\n").unwrap());
        std::fs::write(directory.path().join("t.csv"), changed).unwrap();
        let results: Vec<_> = run.collect();
        assert_eq!(results.len(), before + 1);
        let last = results.last().unwrap();
        assert!(matches!(last, Err(RunError::Read(ReadError::Row(RowError::CellType { .. })))));
    }
}

#[test]
fn error_texts_hold_neither_paths_nor_values() {
    let missing = Table::open("/no/such/secret-place.csv").unwrap_err();
    let (_d1, ragged) = open("secret-place.csv", "a,b\nsecret-place\n");
    let (_d2, damaged) = open("secret-place", b"PAR1secret-placePAR1");
    for error in [missing, ragged.unwrap_err(), damaged.unwrap_err()] {
        let mut shown = format!("{error:?}");
        let mut next: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = next {
            shown += &error.to_string();
            next = error.source();
        }
        assert!(!shown.contains("secret-place"), "{shown}");
    }
    let (_d3, table) = open("secret-place.csv", "a\n1\n");
    assert!(!format!("{:?}", table.unwrap()).contains("secret-place"));
}

#[test]
fn a_batch_of_other_columns_is_not_taken_into_a_table() {
    let schema = Schema::new(vec![Field::new("a", DataType::Int8, true)]);
    let error = Table::from_batches(&schema, vec![sample()]).unwrap_err();
    assert!(matches!(error, OpenError::BatchSchema { index: 0 }));
}

/// Opens and reads to the end, whatever comes.
fn survive(path: &std::path::Path, bytes: &[u8]) -> bool {
    std::fs::write(path, bytes).unwrap();
    Table::open(path)
        .is_ok_and(|table| table.read().is_ok_and(|mut batches| batches.all(|batch| batch.is_ok())))
}

#[test]
fn a_parquet_file_cut_anywhere_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t");
    let whole = parquet(&sample(), Compression::SNAPPY);
    assert!(survive(&path, &whole));
    // The footer, at the end, byte by byte.
    let footer = whole.len().saturating_sub(64);
    for len in (0..footer).step_by(7).chain(footer..whole.len()) {
        assert!(!survive(&path, &whole[..len]), "cut at {len}");
    }
}

#[test]
fn a_parquet_file_with_flipped_bytes_does_not_panic() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t");
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
        let whole = parquet(&sample(), compression);
        for at in (0..whole.len()).step_by(2) {
            for flip in [0x01, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                survive(&path, &bytes);
            }
        }
    }
}

#[test]
fn a_csv_file_with_flipped_bytes_does_not_panic() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.csv");
    let whole = "a,b,c\n1,\"x \"\"y\"\"\",true\n-2.5,é,\n".as_bytes();
    for at in 0..whole.len() {
        for byte in [0, b'"', b',', b'\n', b'\r', b'-', b'e', b'9', 0x80, 0xff] {
            let mut bytes = whole.to_vec();
            bytes[at] = byte;
            survive(&path, &bytes);
        }
    }
}

/// All messages of the refusal.
fn refusal(bytes: &[u8]) -> String {
    let (_directory, table) = open("t", bytes);
    let refused: Box<dyn std::error::Error> = match table {
        Err(refused) => refused.into(),
        Ok(table) => {
            table.read().and_then(Iterator::collect::<Result<Vec<_>, _>>).unwrap_err().into()
        }
    };
    let mut cause = &*refused;
    let mut text = cause.to_string();
    while let Some(below) = cause.source() {
        cause = below;
        text = format!("{text}: {cause}");
    }
    text
}

#[test]
fn what_claims_more_than_it_holds_is_refused_before_memory_is_taken_for_it() {
    let whole = parquet(&sample(), Compression::UNCOMPRESSED);
    // A dictionary page's header: its kind, its length twice, the structure with its count.
    let [0x15, 4, 0x15, length, 0x15, _, 0x4c, 0x15, count, ..] = whole[4..] else {
        panic!("the sample begins with another page: {:x?}", &whole[4..20]);
    };
    assert!(length < 0x7e && count < 0x7e);
    let patched = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        refusal(&bytes)
    };
    let told = patched(12, 0x7e);
    assert!(told.contains("cannot hold the 63 values that its header counts"), "{told}");
    let told = patched(7, 0x7f);
    assert!(told.contains("the page at byte 4 claims -64 bytes"), "{told}");
    let root = whole.windows(7).rposition(|bytes| bytes == b"schema\x15").unwrap();
    let told = patched(root + 7, 0x7f);
    assert!(told.contains("counts -64 columns in one group"), "{told}");
}
