//! The real tables, where they are at hand.

use dataspace_data_plane::{
    Plan, Table,
    chunk::BATCH_ROWS,
    formats::{Format, write},
    write_csv,
};
use dataspace_policy::MaskMethod::{Drop, Hash, Round, Truncate};
use dataspace_policy::Operator;

use crate::common::{CONTRACT, filter, holds_bytes, key, mask, number, shared, text};

#[test]
fn transport_properties_are_released_under_duties() {
    let Some(path) = shared("materials/transport.parquet") else {
        return;
    };
    let table = Table::open(path).unwrap();
    assert_eq!(table.row_count(), Some(47_737));
    let duties = [
        filter("pretty_formula", Operator::IsAnyOf, vec![text("Fe2O3"), text("Fe3O4")]),
        filter("S_p", Operator::Gt, vec![number("0")]),
        mask("mp_id", Hash),
        mask("sigma_p", Drop),
        mask("S_n", Round { decimals: -1 }),
        mask("PF_p", Round { decimals: 2 }),
    ];
    let plan = Plan::compile(&duties, &table.schema(), &key(3), CONTRACT).unwrap();
    let batches: Vec<_> = plan.run(&table).unwrap().map(Result::unwrap).collect();
    let mut csv = Vec::new();
    let count = write_csv(&mut csv, &plan.output_schema(), &batches).unwrap();
    assert!((10..22).contains(&count), "{count}");
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.lines().skip(1).all(|line| line.contains(",Fe2O3,") || line.contains(",Fe3O4,")));
    assert!(!csv.contains("mp-") && !csv.contains("sigma_p"));
    for batch in &batches {
        assert!(!holds_bytes(batch, b"mp-"));
        assert!(!holds_bytes(batch, b"BaTe"));
    }
}

#[test]
fn drives_are_released_with_coarse_positions() {
    let Some(path) = shared("automotive/drives.parquet") else {
        return;
    };
    let table = Table::open(path).unwrap();
    let duties = [
        filter("drive", Operator::Lteq, vec![number("3")]),
        mask("gps_lat", Round { decimals: 1 }),
        mask("gps_long", Round { decimals: 1 }),
        mask("gps_minute", Truncate { chars: 2 }),
        mask("time_utc", Round { decimals: -4 }),
    ];
    let plan = Plan::compile(&duties, &table.schema(), &key(3), CONTRACT).unwrap();
    let schema = plan.output_schema();
    assert!(schema.metadata().is_empty());
    let (lat, minute) =
        (schema.index_of("gps_lat").unwrap(), schema.index_of("gps_minute").unwrap());
    let mut rows = 0;
    for batch in plan.run(&table).unwrap() {
        let batch = batch.unwrap();
        rows += batch.num_rows();
        let narrow = batch.project(&[lat, minute]).unwrap();
        for row in crate::common::rows(&narrow) {
            let (lat, minute) = row.split_once(',').unwrap();
            assert!(lat.split_once('.').is_none_or(|(_, decimals)| decimals.len() == 1), "{lat}");
            assert!(minute.chars().count() <= 2);
        }
    }
    assert!(rows > 100);
}

#[test]
fn a_whole_table_comes_through_in_full_batches() {
    let Some(path) = shared("automotive/drives.parquet") else {
        return;
    };
    let table = Table::open(path).unwrap();
    let plan = Plan::compile(&[], &table.schema(), &key(3), CONTRACT).unwrap();
    let lens: Vec<_> = plan.run(&table).unwrap().map(|b| b.unwrap().num_rows()).collect();
    assert_eq!(lens.iter().sum::<usize>(), 23_187);
    assert!(lens.iter().rev().skip(1).all(|len| *len == BATCH_ROWS));
}

#[test]
fn the_example_table_opens() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/data/thermoelectrics.csv");
    let table = Table::open(path).unwrap();
    let schema = table.schema();
    assert_eq!(schema.field(0).name(), "mp_id");
    assert!(schema.fields().iter().skip(2).all(|field| field.data_type().is_floating()));
    assert_eq!(table.row_count(), Some(55));
}

/// Rows from the first one, in a format.
fn written(table: &Table, format: Format, batches: usize) -> (u64, Vec<u8>) {
    let mut out = Vec::new();
    let batches = table.read().unwrap().take(batches);
    (write(format, &table.schema(), batches, &mut out).unwrap(), out)
}

#[test]
fn real_rows_come_back_from_every_format_that_is_read() {
    for path in ["materials/transport.parquet", "automotive/drives.parquet"] {
        let Some(path) = shared(path) else { continue };
        let (table, directory) = (Table::open(path).unwrap(), tempfile::tempdir().unwrap());
        let (rows, expected) = written(&table, Format::Csv, 1);
        for (format, name) in
            [(Format::Csv, "t.csv"), (Format::JsonLines, "t.jsonl"), (Format::Parquet, "t.parquet")]
        {
            let copy = directory.path().join(name);
            std::fs::write(&copy, written(&table, format, 1).1).unwrap();
            let copy = Table::open(copy).unwrap();
            assert_eq!(copy.row_count(), Some(rows));
            let found = written(&copy, Format::Csv, usize::MAX).1;
            assert!(found == expected, "{name}");
        }
    }
}
