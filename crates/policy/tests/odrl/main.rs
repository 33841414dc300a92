//! Terms as ODRL and back.

mod arbitrary;
mod digest;
mod hostile;
mod identity;
mod vectors;

#[path = "../../../../fuzz/checks/terms_odrl.rs"]
mod terms_odrl;

#[test]
fn the_corpus_of_odrl_documents_breaks_nothing() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/terms_odrl");
    let files: Vec<_> =
        std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 10, "a corpus of {} files", files.len());
    for file in files {
        terms_odrl::check(&std::fs::read(file).unwrap());
    }
}
