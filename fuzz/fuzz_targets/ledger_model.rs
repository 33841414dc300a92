#![no_main]

#[path = "../checks/dice.rs"]
mod dice;
#[path = "../checks/ledger_documents.rs"]
mod ledger_documents;
#[path = "../checks/ledger_forged.rs"]
mod ledger_forged;
#[path = "../checks/ledger_model.rs"]
mod ledger_model;
#[path = "../checks/ledger_plain.rs"]
mod ledger_plain;
#[path = "../checks/ledger_story.rs"]
mod ledger_story;
#[path = "../checks/naive_counts.rs"]
mod naive_counts;
#[path = "../checks/naive_decision.rs"]
mod naive_decision;
#[path = "../checks/naive_ledger.rs"]
mod naive_ledger;
#[path = "../checks/naive_statements.rs"]
mod naive_statements;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ledger_model::check(bytes));
