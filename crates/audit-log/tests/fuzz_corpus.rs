//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/add_checkpoint.rs"]
mod add_checkpoint;
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
#[path = "../../../fuzz/checks/cosignature.rs"]
mod cosignature;
#[cfg(test)]
#[path = "../../../fuzz/checks/disk.rs"]
mod disk;
#[cfg(test)]
#[path = "../../../fuzz/checks/entry_bundle.rs"]
mod entry_bundle;
#[cfg(test)]
#[path = "../../../fuzz/checks/fork_proof.rs"]
mod fork_proof;
#[cfg(test)]
#[path = "../../../fuzz/checks/forked_log.rs"]
mod forked_log;
#[cfg(test)]
#[path = "../../../fuzz/checks/log_segment.rs"]
mod log_segment;
#[cfg(test)]
#[path = "../../../fuzz/checks/proof.rs"]
mod proof;
#[cfg(test)]
#[path = "../../../fuzz/checks/receipt.rs"]
mod receipt;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;
#[cfg(test)]
#[path = "../../../fuzz/checks/static_log.rs"]
mod static_log;
#[cfg(test)]
#[path = "../../../fuzz/checks/tile_path.rs"]
mod tile_path;
#[cfg(test)]
#[path = "../../../fuzz/checks/vault.rs"]
mod vault;
#[cfg(test)]
#[path = "../../../fuzz/checks/witness_world.rs"]
mod witness_world;

#[cfg(test)]
mod tests {
    use dataspace_tlog::Record;

    use super::replay::{replay, replay_named};

    #[test]
    fn the_corpus_of_audit_record_breaks_nothing() {
        replay("audit_record", super::audit_record::check);
    }

    #[test]
    fn the_corpus_of_checkpoint_breaks_nothing() {
        replay("checkpoint", super::checkpoint::check);
    }

    #[test]
    fn the_corpus_of_log_segment_breaks_nothing() {
        replay("log_segment", super::log_segment::check);
    }

    #[test]
    fn the_corpus_of_proof_breaks_nothing() {
        replay("proof", super::proof::check);
    }

    #[test]
    fn the_corpus_of_tile_path_breaks_nothing() {
        replay("tile_path", super::tile_path::check);
    }

    #[test]
    fn the_corpus_of_entry_bundle_breaks_nothing() {
        replay("entry_bundle", super::entry_bundle::check);
    }

    #[test]
    fn the_corpus_of_static_log_breaks_nothing() {
        replay("static_log", super::static_log::check);
    }

    #[test]
    fn the_corpus_of_add_checkpoint_breaks_nothing() {
        replay("add_checkpoint", super::add_checkpoint::check);
    }

    #[test]
    fn the_corpus_of_cosignature_breaks_nothing() {
        replay("cosignature", super::cosignature::check);
    }

    #[test]
    fn the_corpus_of_fork_proof_breaks_nothing() {
        replay("fork_proof", super::fork_proof::check);
    }
    #[test]
    fn the_corpus_of_receipt_breaks_nothing() {
        replay("receipt", super::receipt::check);
    }

    /// A corpus whose records are of an old format would go on passing, and test nothing.
    #[test]
    fn the_seeds_of_audit_record_are_what_their_names_say() {
        let mut good = 0;
        replay_named("audit_record", |name, input| {
            let decodes = Record::from_bytes(input).is_ok();
            assert!(decodes || !name.starts_with("ok_"), "{name} does not decode");
            assert!(!decodes || !name.starts_with("err_"), "{name} decodes");
            good += u32::from(decodes);
        });
        assert!(good >= 10, "{good} records");
    }
}
