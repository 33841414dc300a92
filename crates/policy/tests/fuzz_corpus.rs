//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/cedar_text.rs"]
mod cedar_text;
#[cfg(test)]
#[path = "../../../fuzz/checks/naive_terms.rs"]
mod naive_terms;
#[cfg(test)]
#[path = "../../../fuzz/checks/terms.rs"]
mod terms;

#[cfg(test)]
mod replay {
    fn replay(target: &str, check: fn(&[u8])) {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus");
        let files = std::fs::read_dir(format!("{corpus}/{target}")).unwrap();
        let inputs: Vec<_> = files.map(|file| std::fs::read(file.unwrap().path())).collect();
        assert!(inputs.len() >= 10, "a corpus of {} files", inputs.len());
        for input in inputs {
            check(&input.unwrap());
        }
    }

    #[test]
    fn the_corpus_of_cedar_text_breaks_nothing() {
        replay("cedar_text", super::cedar_text::check);
    }

    #[test]
    fn the_corpus_of_terms_breaks_nothing() {
        replay("terms", super::terms::check);
    }
}
