//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/cbor_strict.rs"]
mod cbor_strict;
#[cfg(test)]
#[path = "../../../fuzz/checks/cose_envelope.rs"]
mod cose_envelope;

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
    fn the_corpus_of_cbor_strict_breaks_nothing() {
        replay("cbor_strict", super::cbor_strict::check);
    }

    #[test]
    fn the_corpus_of_cose_envelope_breaks_nothing() {
        replay("cose_envelope", super::cose_envelope::check);
    }
}
