//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/changed.rs"]
mod changed;
#[cfg(test)]
#[path = "../../../fuzz/checks/evidence.rs"]
mod evidence;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpus_of_evidence_breaks_nothing() {
        replay("evidence", super::evidence::check);
    }
}
