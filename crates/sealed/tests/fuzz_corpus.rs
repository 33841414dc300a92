//! The fuzz target's check on its committed corpus, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/changed.rs"]
mod changed;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;
#[cfg(test)]
#[path = "../../../fuzz/checks/sealed.rs"]
mod sealed;

#[cfg(test)]
mod tests {
    use super::replay::{replay, replay_named};

    #[test]
    fn the_corpus_of_sealed_breaks_nothing() {
        replay("sealed", super::sealed::check);
    }

    /// A corpus whose files are of an old format would go on passing, and test nothing.
    #[test]
    fn the_seeds_of_sealed_are_what_their_names_say() {
        let mut missing = vec!["ok_declared", "ok_empty", "ok_one_chunk", "ok_three_chunks"];
        replay_named("sealed", |name, input| {
            missing.retain(|one| *one != name);
            let is_opened = super::sealed::is_opened(input);
            assert_eq!(is_opened, name.starts_with("ok_"), "{name}: {is_opened}");
        });
        assert!(missing.is_empty(), "no seeds {missing:?}");
    }
}
