#![no_main]

#[path = "../checks/changed.rs"]
mod changed;
#[path = "../checks/disk.rs"]
mod disk;
#[path = "../checks/evidence.rs"]
mod evidence;
#[path = "../checks/node_index.rs"]
mod node_index;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| node_index::check(bytes));
