#![no_main]

#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/disk.rs"]
mod disk;
#[path = "../checks/fork_proof.rs"]
mod fork_proof;
#[path = "../checks/vault.rs"]
mod vault;
#[path = "../checks/witness_world.rs"]
mod witness_world;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fork_proof::check(bytes));
