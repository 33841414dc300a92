#![no_main]

#[path = "../checks/audit_record.rs"]
mod audit_record;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| audit_record::check(bytes));
