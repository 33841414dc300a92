//! The fuzz targets' checks on their committed corpora, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/did.rs"]
mod did;
#[cfg(test)]
#[path = "../../../fuzz/checks/membership_credential.rs"]
mod membership_credential;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpus_of_did_breaks_nothing() {
        replay("did", super::did::check);
    }

    #[test]
    fn the_corpus_of_membership_credential_breaks_nothing() {
        replay("membership_credential", super::membership_credential::check);
    }
}
