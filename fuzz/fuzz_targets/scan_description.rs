#![no_main]

#[path = "../checks/scan_description.rs"]
mod scan_description;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| scan_description::check(bytes));
