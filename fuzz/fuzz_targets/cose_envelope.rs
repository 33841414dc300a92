#![no_main]

#[path = "../checks/cose_envelope.rs"]
mod cose_envelope;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cose_envelope::check(bytes));
