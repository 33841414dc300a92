#![no_main]

#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/disk.rs"]
mod disk;
#[path = "../checks/fork_proof.rs"]
mod fork_proof;
#[path = "../checks/forked_log.rs"]
mod forked_log;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fork_proof::check(bytes));
