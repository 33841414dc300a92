#![no_main]

#[path = "../checks/contract_documents.rs"]
mod contract_documents;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| contract_documents::check(bytes));
