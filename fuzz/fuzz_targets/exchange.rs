#![no_main]

#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/evidence.rs"]
mod evidence;
#[path = "../checks/exchange.rs"]
mod exchange;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| exchange::check(bytes));
