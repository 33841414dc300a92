//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/contract_documents.rs"]
mod contract_documents;

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
    fn the_corpus_of_contract_documents_breaks_nothing() {
        replay("contract_documents", super::contract_documents::check);
    }
}
