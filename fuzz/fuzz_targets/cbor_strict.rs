#![no_main]

#[path = "../checks/cbor_strict.rs"]
mod cbor_strict;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cbor_strict::check(bytes));
