//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/did.rs"]
mod did;
#[cfg(test)]
#[path = "../../../fuzz/checks/key_document.rs"]
mod key_document;
#[cfg(test)]
#[path = "../../../fuzz/checks/key_text.rs"]
mod key_text;
#[cfg(test)]
#[path = "../../../fuzz/checks/membership_credential.rs"]
mod membership_credential;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::{replay, replay_named};

    #[test]
    fn the_corpus_of_did_breaks_nothing() {
        replay("did", super::did::check);
    }

    #[test]
    fn the_corpus_of_key_document_breaks_nothing() {
        replay("key_document", super::key_document::check);
    }

    #[test]
    fn the_seeds_of_key_document_are_what_their_names_say() {
        let mut missing = vec!["ok_content", "ok_document", "ok_two_keys"];
        replay_named("key_document", |name, input| {
            missing.retain(|one| *one != name);
            let is_taken = super::key_document::is_taken(input);
            assert_eq!(is_taken, name.starts_with("ok_"), "{name}: {is_taken}");
        });
        assert!(missing.is_empty(), "no seeds {missing:?}");
    }

    #[test]
    fn the_corpus_of_key_text_breaks_nothing() {
        replay("key_text", super::key_text::check);
    }

    #[test]
    fn the_corpus_of_membership_credential_breaks_nothing() {
        replay("membership_credential", super::membership_credential::check);
    }

    /// A corpus whose documents are of an old format would go on passing, and test nothing.
    #[test]
    fn the_seeds_of_membership_credential_are_what_their_names_say() {
        let mut missing = vec!["ok_content", "ok_document"];
        replay_named("membership_credential", |name, input| {
            missing.retain(|one| *one != name);
            let is_admitted = super::membership_credential::is_admitted(input);
            assert_eq!(is_admitted, name.starts_with("ok_"), "{name}: {is_admitted}");
        });
        assert!(missing.is_empty(), "no seeds {missing:?}");
    }
}
