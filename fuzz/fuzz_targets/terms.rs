#![no_main]

#[path = "../checks/naive_terms.rs"]
mod naive_terms;
#[path = "../checks/terms.rs"]
mod terms;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| terms::check(bytes));
