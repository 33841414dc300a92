//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/cedar_text.rs"]
mod cedar_text;
#[cfg(test)]
#[path = "../../../fuzz/checks/naive_terms.rs"]
mod naive_terms;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;
#[cfg(test)]
#[path = "../../../fuzz/checks/terms.rs"]
mod terms;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpus_of_cedar_text_breaks_nothing() {
        replay("cedar_text", super::cedar_text::check);
    }

    #[test]
    fn the_corpus_of_terms_breaks_nothing() {
        replay("terms", super::terms::check);
    }
}
