#![no_main]

#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/register_file.rs"]
mod register_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| register_file::check(bytes));
