#![no_main]

#[path = "../checks/duties.rs"]
mod duties;
#[path = "../checks/parquet_table.rs"]
mod parquet_table;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| parquet_table::check(bytes));
