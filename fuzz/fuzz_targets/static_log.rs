#![no_main]

#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/disk.rs"]
mod disk;
#[path = "../checks/static_log.rs"]
mod static_log;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| static_log::check(bytes));
