#![no_main]

#[path = "../checks/template_arguments.rs"]
mod template_arguments;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| template_arguments::check(bytes));
