#![no_main]

#[path = "../checks/duties.rs"]
mod duties;
#[path = "../checks/json_table.rs"]
mod json_table;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| json_table::check(bytes));
