//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/changed.rs"]
mod changed;
#[cfg(test)]
#[path = "../../../fuzz/checks/disk.rs"]
mod disk;
#[cfg(test)]
#[path = "../../../fuzz/checks/evidence.rs"]
mod evidence;
#[cfg(test)]
#[path = "../../../fuzz/checks/exchange.rs"]
mod exchange;
#[cfg(test)]
#[path = "../../../fuzz/checks/node_index.rs"]
mod node_index;
#[cfg(test)]
#[path = "../../../fuzz/checks/register_file.rs"]
mod register_file;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;
#[cfg(test)]
#[cfg(feature = "sealed")]
#[path = "../../../fuzz/checks/sealed_store.rs"]
mod sealed_store;

#[cfg(test)]
mod tests {
    use dataspace_identity::SecretKey;
    use dataspace_ledger::Evidence;

    use super::replay::{replay, replay_named};

    #[test]
    fn the_corpus_of_indexes_breaks_nothing() {
        replay("node_index", super::node_index::check);
    }

    #[test]
    fn the_corpus_of_registers_breaks_nothing() {
        replay("register_file", super::register_file::check);
    }

    #[test]
    fn the_corpus_of_exchanges_breaks_nothing() {
        replay("exchange", super::exchange::check);
    }

    #[cfg(feature = "sealed")]
    #[test]
    fn the_corpus_of_sealed_stores_breaks_nothing() {
        replay("sealed_store", super::sealed_store::check);
    }

    #[test]
    fn the_corpus_of_evidence_breaks_nothing() {
        replay("evidence", super::evidence::check);
    }

    /// A corpus whose files are of an old format would go on passing, and test nothing. With
    /// `UPDATE_CORPUS` set, writes good files of another authority than that of the check.
    #[test]
    fn the_seeds_of_evidence_are_what_their_names_say() {
        let authority = SecretKey::from_seed(&mut [8; 32]).unwrap();
        let good = ["ok_permit", "ok_permit_alone", "ok_denial", "ok_denial_alone", "ok_report"];
        if std::env::var_os("UPDATE_CORPUS").is_some() {
            let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/evidence");
            let world = super::evidence::world(8).unwrap();
            assert_eq!(&world.authority, authority.did());
            for (name, bytes) in good.iter().zip(world.good) {
                std::fs::write(format!("{corpus}/{name}"), bytes).unwrap();
            }
        }
        let mut missing = good.to_vec();
        replay_named("evidence", |name, input| {
            missing.retain(|one| *one != name);
            let evidence = Evidence::from_bytes(input);
            let verified = evidence.is_ok_and(|one| one.verify(authority.did()).is_ok());
            assert_eq!(verified, name.starts_with("ok_"), "{name}: {verified}");
        });
        assert!(missing.is_empty(), "no seeds {missing:?}");
    }
}
