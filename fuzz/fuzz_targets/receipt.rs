#![no_main]

#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/disk.rs"]
mod disk;
#[path = "../checks/forked_log.rs"]
mod forked_log;
#[path = "../checks/receipt.rs"]
mod receipt;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| receipt::check(bytes));
