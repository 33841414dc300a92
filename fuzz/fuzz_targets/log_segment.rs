#![no_main]

#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/disk.rs"]
mod disk;
#[path = "../checks/log_segment.rs"]
mod log_segment;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| log_segment::check(bytes));
