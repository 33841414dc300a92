//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/audit_record.rs"]
mod audit_record;
#[cfg(test)]
#[path = "../../../fuzz/checks/changed.rs"]
mod changed;
#[cfg(test)]
#[path = "../../../fuzz/checks/checkpoint.rs"]
mod checkpoint;
#[cfg(test)]
#[path = "../../../fuzz/checks/disk.rs"]
mod disk;
#[cfg(test)]
#[path = "../../../fuzz/checks/evidence.rs"]
mod evidence;
#[cfg(test)]
#[path = "../../../fuzz/checks/log_segment.rs"]
mod log_segment;
#[cfg(test)]
#[path = "../../../fuzz/checks/proof.rs"]
mod proof;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpus_of_audit_record_breaks_nothing() {
        replay("audit_record", super::audit_record::check);
    }

    #[test]
    fn the_corpus_of_checkpoint_breaks_nothing() {
        replay("checkpoint", super::checkpoint::check);
    }

    #[test]
    fn the_corpus_of_evidence_breaks_nothing() {
        replay("evidence", super::evidence::check);
    }

    #[test]
    fn the_corpus_of_log_segment_breaks_nothing() {
        replay("log_segment", super::log_segment::check);
    }

    #[test]
    fn the_corpus_of_proof_breaks_nothing() {
        replay("proof", super::proof::check);
    }
}
