#![no_main]

#[path = "../checks/cedar_data.rs"]
mod cedar_data;
#[path = "../checks/cedar_policies.rs"]
mod cedar_policies;
#[path = "../checks/dice.rs"]
mod dice;
#[path = "../checks/program_vs_cedar.rs"]
mod program_vs_cedar;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| program_vs_cedar::check(bytes));
