#![no_main]

#[path = "../checks/sector_files.rs"]
mod sector_files;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sector_files::check(bytes));
