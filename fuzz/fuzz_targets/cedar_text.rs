#![no_main]

#[path = "../checks/cedar_text.rs"]
mod cedar_text;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cedar_text::check(bytes));
