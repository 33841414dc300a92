#![no_main]

#[path = "../checks/key_document.rs"]
mod key_document;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| key_document::check(bytes));
