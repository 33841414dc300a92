#![no_main]

#[path = "../checks/membership_credential.rs"]
mod membership_credential;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| membership_credential::check(bytes));
