//! A provider states things of any bytes, read as CSV or JSON lines: refused, or read, and then only
//! what the duties leave gets out, in every format. The first byte says what is stated about the file,
//! the second which types the columns `a` and `b` have.

use std::convert::Infallible;
use std::io::{Write as _, sink};

use dataspace_data_plane::{
    ColumnType, Table, TableOptions,
    formats::{Format, write},
    options::DateFormat,
};

use crate::duties;

fn column_type(byte: u8) -> Option<ColumnType> {
    let date = match byte % 4 {
        0 => DateFormat::YearMonthDay,
        1 => DateFormat::DayMonthYear,
        2 => DateFormat::MonthDayYear,
        _ => DateFormat::Digits,
    };
    Some(match byte {
        0 => return None,
        1 => ColumnType::Boolean,
        2 => ColumnType::Integer,
        3 => ColumnType::Float,
        4 => ColumnType::Decimal { precision: 38, scale: 37 },
        5 => ColumnType::Decimal { precision: 5, scale: 2 },
        6 => ColumnType::Text,
        7 => ColumnType::DateTime { date, fraction_digits: 0 },
        8 => ColumnType::DateTime { date, fraction_digits: 9 },
        9 => ColumnType::Instant { date, fraction_digits: 3 },
        10 => ColumnType::Instant { date, fraction_digits: 6 },
        11 => ColumnType::Instant { date, fraction_digits: 9 },
        _ => ColumnType::Date(date),
    })
}

pub(crate) fn check(bytes: &[u8]) {
    let [file_options, types, bytes @ ..] = bytes else { return };
    let is_json = file_options & 1 != 0;
    let mut options = TableOptions::new();
    if file_options & 2 != 0 {
        options = options.decimal_comma();
    }
    if file_options & 4 != 0 {
        options = options.missing("NA");
    }
    if file_options & 8 != 0 {
        options = options.missing("");
    }
    options = match file_options >> 4 & 3 {
        0 => options,
        1 => options.charset("gb18030"),
        2 => options.charset("utf-16"),
        _ => options.charset("iso-2022-jp"),
    };
    let header = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    for (name, byte) in [("a", types & 15), ("b", types >> 4)] {
        let mut fields = header.split(|byte| matches!(byte, b',' | b';' | b'\t'));
        if let Some(column_type) = column_type(byte)
            && (is_json || fields.any(|field| field == name.as_bytes()))
        {
            options = options.column(name, column_type);
        }
    }
    let suffix = if is_json { ".jsonl" } else { ".csv" };
    let mut file = tempfile::Builder::new().suffix(suffix).tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for a small file");
    let Ok(table) = duties::contained(|| Table::open_with(file.path(), &options)) else { return };
    duties::check(&table);
    let batches = table.read().expect("a table that was read");
    let batches: Vec<_> = batches.map(|batch| batch.expect("a table that was read")).collect();
    for format in [Format::Csv, Format::JsonLines, Format::ArrowIpc, Format::Parquet] {
        let batches = batches.iter().map(Ok::<_, Infallible>);
        let rows = write(format, &table.schema(), batches, sink()).expect("rows to write");
        assert_eq!(Some(rows), table.row_count());
    }
}
