#![no_main]

#[path = "../checks/duties.rs"]
mod duties;
#[path = "../checks/stated_table.rs"]
mod stated_table;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stated_table::check(bytes));
