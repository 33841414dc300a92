#![no_main]

#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/checkpoint.rs"]
mod checkpoint;
#[path = "../checks/disk.rs"]
mod disk;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checkpoint::check(bytes));
