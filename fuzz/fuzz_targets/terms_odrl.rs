#![no_main]

#[path = "../checks/terms_odrl.rs"]
mod terms_odrl;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| terms_odrl::check(bytes));
