#![no_main]

#[path = "../checks/entry_bundle.rs"]
mod entry_bundle;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entry_bundle::check(bytes));
