#![no_main]

#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/cosignature.rs"]
mod cosignature;
#[path = "../checks/disk.rs"]
mod disk;
#[path = "../checks/forked_log.rs"]
mod forked_log;
#[path = "../checks/vault.rs"]
mod vault;
#[path = "../checks/witness_world.rs"]
mod witness_world;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cosignature::check(bytes));
