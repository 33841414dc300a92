//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/contract_documents.rs"]
mod contract_documents;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::{replay, replay_named};

    #[test]
    fn the_corpus_of_contract_documents_breaks_nothing() {
        replay("contract_documents", super::contract_documents::check);
    }

    /// A corpus whose documents are of an old format would go on passing, and test nothing.
    #[test]
    fn the_seeds_of_contract_documents_are_what_their_names_say() {
        let mut missing: Vec<_> = [
            "offer",
            "acceptance",
            "policies",
            "agreement",
            "termination",
            "deletion",
            "profile",
            "statement",
            "request",
        ]
        .iter()
        .flat_map(|kind| [format!("ok_{kind}"), format!("ok_document_{kind}")])
        .collect();
        let mut wrong = Vec::new();
        replay_named("contract_documents", |name, input| {
            let found = super::contract_documents::kinds(input);
            missing.retain(|one| one != name);
            let said = name
                .strip_prefix("ok_")
                .map(|kind| kind.trim_start_matches("document_").split('_').next().unwrap());
            if !said.map_or(found.is_empty(), |kind| found.contains(&kind)) {
                wrong.push(format!("{name}: {found:?}"));
            }
        });
        assert!(wrong.is_empty() && missing.is_empty(), "wrong: {wrong:?}, missing: {missing:?}");
    }
}
