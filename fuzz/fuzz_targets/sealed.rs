#![no_main]

#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/sealed.rs"]
mod sealed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealed::check(bytes));
