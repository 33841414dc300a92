//! The public API of the ledger. A test's name is a claim.

#[cfg(test)]
#[path = "../../../../fuzz/checks/dice.rs"]
mod dice;
#[cfg(test)]
#[path = "../../../../fuzz/checks/ledger_documents.rs"]
mod ledger_documents;
#[cfg(test)]
#[path = "../../../../fuzz/checks/ledger_forged.rs"]
mod ledger_forged;
#[cfg(test)]
#[path = "../../../../fuzz/checks/ledger_model.rs"]
mod ledger_model;
#[cfg(test)]
#[path = "../../../../fuzz/checks/ledger_plain.rs"]
mod ledger_plain;
#[cfg(test)]
#[path = "../../../../fuzz/checks/ledger_story.rs"]
mod ledger_story;
#[cfg(test)]
mod model;
#[cfg(test)]
#[path = "../../../../fuzz/checks/naive_counts.rs"]
mod naive_counts;
#[cfg(test)]
#[path = "../../../../fuzz/checks/naive_decision.rs"]
mod naive_decision;
#[cfg(test)]
#[path = "../../../../fuzz/checks/naive_ledger.rs"]
mod naive_ledger;
#[cfg(test)]
#[path = "../../../../fuzz/checks/naive_statements.rs"]
mod naive_statements;
#[cfg(test)]
#[path = "../../../../fuzz/checks/replay.rs"]
mod replay;
