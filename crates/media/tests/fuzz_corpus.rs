//! The fuzz target's check on its committed corpus, without a nightly compiler.

#[cfg(test)]
#[path = "../../../fuzz/checks/media.rs"]
#[expect(clippy::cast_possible_truncation, reason = "what is in memory has a length")]
mod media;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpus_of_media_breaks_nothing() {
        replay("media", super::media::check);
    }
}
