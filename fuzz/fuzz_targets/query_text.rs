#![no_main]

#[path = "../checks/query_text.rs"]
mod query_text;

// The engine's own panics are errors of the query; one of the check still ends the run.
libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|panic| {
        if panic.location().is_some_and(|place| place.file().contains("checks/")) {
            eprintln!("{panic}");
        }
    })),
    |bytes: &[u8]| query_text::check(bytes)
);
