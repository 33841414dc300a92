#![no_main]

#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/evidence.rs"]
mod evidence;
#[path = "../checks/sealed_store.rs"]
mod sealed_store;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| sealed_store::check(bytes));
