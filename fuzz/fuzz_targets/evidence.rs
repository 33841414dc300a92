#![no_main]

#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/evidence.rs"]
mod evidence;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evidence::check(bytes));
