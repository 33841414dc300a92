#![no_main]

#[path = "../checks/csv_table.rs"]
mod csv_table;
#[path = "../checks/duties.rs"]
mod duties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| csv_table::check(bytes));
