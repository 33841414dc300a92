#![no_main]

#[path = "../checks/add_checkpoint.rs"]
mod add_checkpoint;
#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/disk.rs"]
mod disk;
#[path = "../checks/forked_log.rs"]
mod forked_log;
#[path = "../checks/vault.rs"]
mod vault;
#[path = "../checks/witness_world.rs"]
mod witness_world;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| add_checkpoint::check(bytes));
