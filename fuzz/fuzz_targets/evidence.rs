#![no_main]

#[path = "../checks/evidence.rs"]
mod evidence;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evidence::check(bytes));
