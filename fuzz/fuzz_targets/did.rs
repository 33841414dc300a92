#![no_main]

#[path = "../checks/did.rs"]
mod did;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| did::check(bytes));
