//! Terms as ODRL and back.

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod costs;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod digest;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod operands;
#[cfg(test)]
mod vectors;

#[cfg(test)]
#[path = "../../../../fuzz/checks/terms_odrl.rs"]
mod terms_odrl;

#[cfg(test)]
mod replay {
    #[test]
    fn the_corpus_of_odrl_documents_breaks_nothing() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/terms_odrl");
        let files = std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path());
        let files: Vec<_> = files.collect();
        assert!(files.len() >= 10, "a corpus of {} files", files.len());
        for file in files {
            super::terms_odrl::check(&std::fs::read(file).unwrap());
        }
    }
}
