//! What a provider states about a file: types, days and instants, decimal commas, missing values.

use std::cell::RefCell;
use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, TimestampMicrosecondType};
use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime};
use dataspace_data_plane::{
    ColumnType, Plan, Table, TableOptions,
    errors::{OpenError, ReadError, RowError, RunError},
    options::DateFormat,
};
use dataspace_primitives::Digest;
use proptest::prelude::*;

use crate::common::{CONTRACT, all_rows, key};

thread_local! {
    /// Files stay until the test ends.
    static KEPT: RefCell<Vec<tempfile::TempDir>> = const { RefCell::new(Vec::new()) };
}

struct File(PathBuf);

fn file(name: &str, bytes: impl AsRef<[u8]>) -> File {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    KEPT.with_borrow_mut(|kept| kept.push(directory));
    File(path)
}

impl File {
    fn open(&self, options: &TableOptions) -> Result<Table, OpenError> {
        Table::open_with(&self.0, options)
    }

    fn write(&self, bytes: &str) {
        std::fs::write(&self.0, bytes).unwrap();
    }
}

fn types(table: &Table) -> Vec<String> {
    table.schema().fields().iter().map(|field| field.data_type().to_string()).collect()
}

/// The rows of a CSV file of the one column `a`.
fn column(cells: &str, column_type: ColumnType) -> Result<Vec<String>, OpenError> {
    let options = TableOptions::new().column("a", column_type).delimiter(b';');
    file("t.csv", format!("a\n{cells}\n")).open(&options).map(|table| all_rows(&table))
}

fn column_error(cells: &str, column_type: ColumnType) -> RowError {
    match column(cells, column_type).unwrap_err() {
        OpenError::Row(error) => error,
        other => panic!("{other}"),
    }
}

const ISO: DateFormat = DateFormat::YearMonthDay;
const FORMATS: [(DateFormat, &str); 4] = [
    (DateFormat::YearMonthDay, "%Y-%m-%d"),
    (DateFormat::DayMonthYear, "%d.%m.%Y"),
    (DateFormat::MonthDayYear, "%m/%d/%Y"),
    (DateFormat::Digits, "%Y%m%d"),
];

#[test]
fn days_are_read_in_the_stated_format_alone() {
    for (format, good) in [
        (DateFormat::YearMonthDay, "2026-01-31"),
        (DateFormat::DayMonthYear, "31.01.2026"),
        (DateFormat::MonthDayYear, "01/31/2026"),
        (DateFormat::Digits, "20260131"),
    ] {
        for cell in ["2026-01-31", "31.01.2026", "01/31/2026", "20260131"] {
            let read = column(cell, ColumnType::Date(format));
            if cell == good {
                assert_eq!(read.unwrap(), ["2026-01-31"]);
            } else {
                let error = read.unwrap_err().to_string();
                let names = error.contains("row 1 (line 2)") && error.contains("`a`");
                assert!(names && error.contains(&format.to_string()), "{error}");
            }
        }
    }
}

#[test]
fn days_that_do_not_exist_and_other_spellings_are_refused() {
    for cell in [
        "2026-02-29",
        "2026-00-10",
        "2026-13-01",
        "2026-01-00",
        "2026-01-32",
        "1900-02-29",
        "2026-1-31",
        "26-01-31",
        "02026-01-31",
        "+2026-01-31",
        "-026-01-31",
        " 2026-01-31",
        "2026-01-31 ",
        "2026-01-31T00:00:00",
        "2026/01/31",
        "2026-01-3１",
        "today",
        "-",
    ] {
        let error = column_error(&format!("2026-01-30\n{cell}"), ColumnType::Date(ISO));
        assert!(matches!(error, RowError::CellType { row: 2, line: 3, .. }), "{cell}: {error}");
    }
    assert_eq!(
        column("2024-02-29\n\n0000-01-01\n9999-12-31", ColumnType::Date(ISO)).unwrap().len(),
        4
    );
}

#[test]
fn instants_are_put_into_utc_and_local_times_stay() {
    let instant = ColumnType::Instant { date: ISO, fraction_digits: 3 };
    let cells = "2026-01-31 23:59:59.5+01:00\n2026-01-31T23:59:59Z\n2026-01-31 23:59:59,123-0530\n2026-12-31 23:30:00-01";
    let expected = [
        "2026-01-31 22:59:59.500Z",
        "2026-01-31 23:59:59Z",
        "2026-02-01 05:29:59.123Z",
        "2027-01-01 00:30:00Z",
    ];
    assert_eq!(column(cells, instant).unwrap(), expected);
    let local = ColumnType::DateTime { date: DateFormat::DayMonthYear, fraction_digits: 0 };
    let read = column("31.01.2026 00:00:00", local).unwrap();
    assert_eq!(read, ["2026-01-31 00:00:00"]);
    for (digits, data_type) in
        [(0, "Timestamp(s)"), (1, "Timestamp(ms)"), (6, "Timestamp(µs)"), (7, "Timestamp(ns)")]
    {
        let column_type = ColumnType::DateTime { date: ISO, fraction_digits: digits };
        let options = TableOptions::new().column("a", column_type);
        assert_eq!(types(&file("t.csv", "a\n").open(&options).unwrap()), [data_type]);
    }
}

#[test]
fn instants_of_other_forms_are_refused() {
    let with_zone = ColumnType::Instant { date: ISO, fraction_digits: 3 };
    for cell in [
        "2026-01-31 23:59:59",
        "2026-01-31",
        "2026-01-31 24:00:00Z",
        "2026-01-31 23:60:00Z",
        "2026-01-31 23:59:60Z",
        "2026-01-31 23:59:59.1234Z",
        "2026-01-31 23:59:59.Z",
        "2026-01-31 23:59Z",
        "2026-01-31  23:59:59Z",
        "2026-01-31 23:59:59z",
        "2026-01-31 23:59:59 Z",
        "2026-01-31 23:59:59+24:00",
        "2026-01-31 23:59:59+01:60",
        "2026-01-31 23:59:59+1",
        "2026-01-31 23:59:59UTC",
        "2026-01-31 23:59:59Z+01",
        "2026-02-30 00:00:00Z",
        "2026-01-31 2３:59:59Z",
    ] {
        let error = column_error(cell, with_zone).to_string();
        assert!(error.contains("YYYY-MM-DD hh:mm:ss.fff") && error.contains("zone"), "{error}");
    }
    let local = ColumnType::DateTime { date: ISO, fraction_digits: 9 };
    for cell in ["2026-01-31 23:59:59Z", "2026-01-31 23:59:59+00:00", "1600-01-01 00:00:00"] {
        // The last one lies beyond what nanoseconds can hold.
        column_error(cell, local);
    }
}

#[test]
fn digits_beyond_those_of_the_types_are_refused_before_the_file_is_read() {
    for (precision, scale) in [(0, 0), (39, 2), (38, 38), (2, 3), (255, 255)] {
        let error = column("x", ColumnType::Decimal { precision, scale }).unwrap_err();
        assert!(matches!(error, OpenError::StatedDigits { .. }), "{error}");
    }
    for digits in [10, 255] {
        for column_type in [
            ColumnType::Instant { date: ISO, fraction_digits: digits },
            ColumnType::DateTime { date: ISO, fraction_digits: digits },
        ] {
            let error = column("x", column_type).unwrap_err();
            assert!(matches!(error, OpenError::StatedFraction { .. }), "{error}");
        }
    }
}

#[test]
fn decimals_have_the_digits_that_are_stated() {
    let decimal = |precision, scale| ColumnType::Decimal { precision, scale };
    assert_eq!(
        column("999.99\n-999.9\n1\n0.05", decimal(5, 2)).unwrap(),
        ["999.99", "-999.90", "1.00", "0.05"]
    );
    for cell in ["1000", "1000.00", "0.001", "1e2", "1,5", "1.", ".5", "+1", "NaN", "007", "--1"] {
        column_error(cell, decimal(5, 2));
    }
    assert_eq!(column("0.05\n-0.99", decimal(2, 2)).unwrap(), ["0.05", "-0.99"]);
    column_error("1.00", decimal(2, 2));
    let long = "12345678901234567890123456789012345678";
    assert_eq!(column(long, decimal(38, 0)).unwrap(), [long]);
}

#[test]
fn a_decimal_comma_is_read_where_it_is_stated() {
    let csv = "a;b;c;d\n1,5;1,50;1;x,y\n-0,25;2,00;2;1.5\n";
    let plain = file("t.csv", csv);
    let comma = TableOptions::new().decimal_comma();
    let table = plain.open(&comma).unwrap();
    assert_eq!(types(&table), ["Float64", "Decimal128(38, 2)", "Int64", "Utf8"]);
    assert_eq!(all_rows(&table), ["1.5,1.50,1,\"x,y\"", "-0.25,2.00,2,1.5"]);
    // Without it these are texts.
    let table = plain.open(&TableOptions::new().delimiter(b';')).unwrap();
    assert_eq!(types(&table), ["Utf8", "Utf8", "Int64", "Utf8"]);
    // A point separates thousands there, or is a mistake.
    for cell in ["1.234,5", "1.5", "1,2,3", "1.234"] {
        let options = comma.clone().column("a", ColumnType::Float);
        let error = file("t.csv", format!("a;b\n1,5;x\n{cell};y\n")).open(&options).unwrap_err();
        assert!(matches!(error, OpenError::Row(RowError::CellType { row: 2, .. })), "{cell}");
        let options = comma.clone().column("a", ColumnType::Decimal { precision: 9, scale: 2 });
        assert!(file("t.csv", format!("a;b\n{cell};y\n")).open(&options).is_err());
        let guessed = file("t.csv", format!("a;b\n1,5;x\n{cell};y\n")).open(&comma).unwrap();
        assert_eq!(types(&guessed), ["Utf8", "Utf8"]);
        assert_eq!(
            guessed.read().unwrap().next().unwrap().unwrap().column(0).as_string::<i32>().value(1),
            cell
        );
    }
    // Commas separate the fields if that is said.
    let options = comma.clone().delimiter(b',');
    let table = file("t.csv", "a,b\n\"1,5\",2\n").open(&options).unwrap();
    assert_eq!(all_rows(&table), ["1.5,2"]);
}

#[test]
fn words_for_missing_values_are_no_values_in_any_column() {
    let csv = "n,t,f\n1,NA,0.5\nNA,-,-\n3,x,\n-,\"NA\",2.5\n";
    let options = TableOptions::new().missing("NA").missing("-");
    let table = file("t.csv", csv).open(&options).unwrap();
    assert_eq!(types(&table), ["Int64", "Utf8", "Float64"]);
    assert_eq!(all_rows(&table), ["1,,0.5", ",,", "3,x,", ",,2.5"]);
    assert_eq!(types(&file("t.csv", csv).open(&TableOptions::new()).unwrap()), ["Utf8"; 3]);
    // Only the whole cell is the word.
    let table = file("t.csv", "t,u\nNAB,n\n NA,na\n").open(&options).unwrap();
    assert_eq!(all_rows(&table), ["NAB,n", " NA,na"]);
    let json = "{\"n\":1,\"t\":\"NA\"}\n{\"n\":\"-\",\"t\":\"\"}\n{\"n\":3}\n";
    let table = file("t.jsonl", json).open(&options.clone().missing("")).unwrap();
    assert_eq!(types(&table), ["Int64", "Utf8"]);
    let batch = table.read().unwrap().next().unwrap().unwrap();
    assert_eq!(
        batch.columns().iter().map(|column| column.null_count()).collect::<Vec<_>>(),
        [1, 3]
    );
}

#[test]
fn json_lines_have_stated_types_with_or_without_quotes() {
    let json = "{\"d\":\"31.01.2026\",\"p\":12.5,\"f\":\"1,5\",\"i\":\"7\"}\n\
        {\"d\":null,\"p\":\"3,25\",\"f\":2.5,\"i\":8}\n{\"f\":\"NaN\"}\n";
    let options = TableOptions::new()
        .decimal_comma()
        .column("d", ColumnType::Date(DateFormat::DayMonthYear))
        .column("p", ColumnType::Decimal { precision: 9, scale: 2 })
        .column("f", ColumnType::Float)
        .column("i", ColumnType::Integer);
    let table = file("t.jsonl", json).open(&options).unwrap();
    assert_eq!(all_rows(&table), ["2026-01-31,12.50,1.5,7", ",3.25,2.5,8", ",,NaN,"]);
    // A number of JSON has a point, whatever is said about texts.
    let error = file("t.jsonl", "{\"f\":\"1.5\"}").open(&options).unwrap_err();
    assert!(matches!(error, OpenError::Row(RowError::CellType { row: 1, line: 1, .. })));
    let error = file("t.jsonl", "{\"d\":20260131}").open(&options).unwrap_err().to_string();
    assert!(error.contains("`d`") && error.contains("DD.MM.YYYY"), "{error}");
}

#[test]
fn a_stated_file_keeps_its_types_when_its_values_change() {
    let options = TableOptions::new()
        .missing("n/a")
        .column("id", ColumnType::Text)
        .column("day", ColumnType::Date(ISO))
        .column("price", ColumnType::Decimal { precision: 12, scale: 2 })
        .column("seen", ColumnType::Instant { date: ISO, fraction_digits: 6 });
    let source = file("t.csv", "id,day,price,seen\n");
    let table = source.open(&options).unwrap();
    let plan = Plan::compile(&[], &table.schema(), &key(1), CONTRACT).unwrap();
    for rows in [
        "1,2026-01-31,5,2026-01-31T00:00:00Z\n",
        "007,n/a,5.5,n/a\n,,,\n",
        "x,0001-01-01,-9999999999.99,1600-01-01 00:00:00.000001+14:00\n",
    ] {
        source.write(&format!("id,day,price,seen\n{rows}"));
        let again = source.open(&options).unwrap();
        assert_eq!(again.schema(), table.schema());
        assert_eq!(again.descriptor_digest(), table.descriptor_digest());
        assert!(plan.run(&table).unwrap().all(|batch| batch.is_ok()), "{rows}");
    }
    // What does not fit is refused before a row leaves, by line and column.
    source.write("id,day,price,seen\n1,2026-01-31,5,n/a\n2,31.01.2026,5,n/a\n");
    let error = plan.run(&table).unwrap_err();
    let RunError::Read(ReadError::Row(error)) = error else { panic!("{error}") };
    assert!(
        matches!(&error, RowError::CellType { row: 2, line: 3, column, .. } if column == "day")
    );
    assert!(!error.to_string().contains("31.01"));
}

fn digest(options: &TableOptions) -> Digest {
    file("t.csv", "a;b\n").open(&options.clone().delimiter(b';')).unwrap().descriptor_digest()
}

#[test]
fn the_digest_covers_what_is_stated() {
    let date = |format| TableOptions::new().column("a", ColumnType::Date(format));
    let texts = || TableOptions::new().column("a", ColumnType::Text);
    let all = [
        TableOptions::new(),
        TableOptions::new().column("a", ColumnType::Integer),
        TableOptions::new().column("a", ColumnType::Decimal { precision: 9, scale: 2 }),
        TableOptions::new().column("a", ColumnType::Decimal { precision: 9, scale: 3 }),
        TableOptions::new().column("a", ColumnType::Decimal { precision: 8, scale: 3 }),
        date(DateFormat::YearMonthDay),
        date(DateFormat::DayMonthYear),
        TableOptions::new().column("b", ColumnType::Date(DateFormat::DayMonthYear)),
        date(DateFormat::DayMonthYear).column("b", ColumnType::Date(DateFormat::MonthDayYear)),
        TableOptions::new().column("a", ColumnType::DateTime { date: ISO, fraction_digits: 3 }),
        TableOptions::new().column("a", ColumnType::Instant { date: ISO, fraction_digits: 3 }),
        TableOptions::new().column("a", ColumnType::Instant { date: ISO, fraction_digits: 6 }),
        texts().decimal_comma(),
        texts().missing("NA"),
        texts().missing("-"),
        texts().missing("NA").missing("-"),
        texts().missing("NA").decimal_comma(),
    ];
    let digests: Vec<_> = all.iter().map(digest).collect();
    for (index, one) in digests.iter().enumerate() {
        assert!(!digests[..index].contains(one), "{:?}", all[index]);
    }
    // What says the same has the same digest.
    assert_eq!(digest(&texts()), digest(&TableOptions::new()));
    let swapped = texts().missing("-").missing("NA").missing("-");
    assert_eq!(digest(&swapped), digest(&all[15]));
}

#[test]
fn nothing_about_texts_can_be_stated_for_a_parquet_file() {
    let parquet = file("t.parquet", b"PAR1");
    for options in [TableOptions::new().missing("NA"), TableOptions::new().decimal_comma()] {
        let error = parquet.open(&options).unwrap_err();
        assert!(matches!(error, OpenError::Stated { .. }), "{error}");
    }
    let options = TableOptions::new().column("a", ColumnType::Text);
    assert!(matches!(parquet.open(&options).unwrap_err(), OpenError::StatedColumn { .. }));
}

#[test]
fn a_type_that_is_stated_twice_is_the_last_one() {
    let options =
        TableOptions::new().column("a", ColumnType::Text).column("a", ColumnType::Integer);
    assert_eq!(types(&file("t.csv", "a\n1\n").open(&options).unwrap()), ["Int64"]);
}

fn epoch() -> NaiveDate {
    NaiveDate::from_ymd_opt(1970, 1, 1).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn days_are_those_of_another_calendar(days in prop::collection::vec(-719_528_i32..2_932_897, 1..40)) {
        for (format, pattern) in FORMATS {
            let cells = days.iter().map(|day| {
                (epoch() + Duration::days(i64::from(*day))).format(pattern).to_string()
            });
            let csv = format!("a\n{}\n", cells.collect::<Vec<_>>().join("\n"));
            let options = TableOptions::new().column("a", ColumnType::Date(format));
            let source = file("t.csv", csv);
            let batch = source.open(&options).unwrap().read().unwrap().next().unwrap().unwrap();
            prop_assert_eq!(batch.column(0).as_primitive::<Date32Type>().values(), days.as_slice());
        }
    }

    #[test]
    fn a_cell_that_is_read_as_a_day_is_how_the_day_is_written(cell in "[0-3][0-9]([-./]?[0-9]){2,3}[-./]?[0-9]{2,4}") {
        for (format, pattern) in FORMATS {
            let options = TableOptions::new().column("a", ColumnType::Date(format));
            let read = file("t.csv", format!("a\n{cell}\n")).open(&options);
            let known = NaiveDate::parse_from_str(&cell, pattern);
            let known = known.is_ok_and(|day| day.format(pattern).to_string() == cell);
            prop_assert_eq!(read.is_ok(), known, "{} as {}", cell, pattern);
        }
    }

    #[test]
    fn instants_are_those_of_another_calendar(
        micros in -62_000_000_000_000_000_i64..250_000_000_000_000_000,
        offset in -(24 * 60 - 1)..24 * 60_i32,
        digits in 0_u32..7,
    ) {
        let unit = 10_i64.pow(6 - digits);
        let micros = micros.div_euclid(unit) * unit;
        let utc = DateTime::from_timestamp_micros(micros).unwrap().naive_utc();
        let local: NaiveDateTime = utc + Duration::minutes(i64::from(offset));
        let (sign, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs());
        let fraction = format!("{:06}", local.and_utc().timestamp_subsec_micros());
        let fraction: String = fraction.chars().take(usize::try_from(digits).unwrap()).collect();
        let point = if digits == 0 { "" } else { "." };
        let cell = format!(
            "{}{point}{fraction}{sign}{:02}:{:02}",
            local.format("%Y-%m-%d %H:%M:%S"), minutes / 60, minutes % 60
        );
        let column_type = ColumnType::Instant { date: ISO, fraction_digits: 6 };
        let options = TableOptions::new().column("a", column_type);
        let source = file("t.csv", format!("a\n{cell}\n"));
        let batch = source.open(&options).unwrap().read().unwrap().next().unwrap().unwrap();
        prop_assert_eq!(batch.column(0).as_primitive::<TimestampMicrosecondType>().value(0), micros, "{}", cell);
    }
}
