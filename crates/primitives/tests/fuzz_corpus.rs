//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/cbor_strict.rs"]
mod cbor_strict;
#[cfg(test)]
#[path = "../../../fuzz/checks/cose_envelope.rs"]
mod cose_envelope;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpus_of_cbor_strict_breaks_nothing() {
        replay("cbor_strict", super::cbor_strict::check);
    }

    #[test]
    fn the_corpus_of_cose_envelope_breaks_nothing() {
        replay("cose_envelope", super::cose_envelope::check);
    }
}
