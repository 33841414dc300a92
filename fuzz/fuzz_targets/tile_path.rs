#![no_main]

#[path = "../checks/tile_path.rs"]
mod tile_path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tile_path::check(bytes));
