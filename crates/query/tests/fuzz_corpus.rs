//! The fuzz target's check on its committed corpus, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/query_text.rs"]
mod query_text;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;
#[cfg(test)]
#[path = "../../../fuzz/checks/scan_description.rs"]
mod scan_description;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpus_of_query_text_breaks_nothing() {
        replay("query_text", super::query_text::check);
    }

    #[test]
    fn the_corpus_of_scan_descriptions_breaks_nothing() {
        replay("scan_description", super::scan_description::check);
    }
}
