//! The fuzz target's check on its committed corpus, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;
#[cfg(test)]
#[path = "../../../fuzz/checks/terms_odrl.rs"]
mod terms_odrl;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpus_of_odrl_documents_breaks_nothing() {
        replay("terms_odrl", super::terms_odrl::check);
    }
}
