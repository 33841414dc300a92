#![no_main]

#[path = "../checks/program_vs_cedar.rs"]
mod program_vs_cedar;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| program_vs_cedar::check(bytes));
