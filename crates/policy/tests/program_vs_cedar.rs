//! Random policies, entities and requests, decided by the compiled program and by Cedar.

#![expect(clippy::format_collect, reason = "short texts, shown to people")]

#[cfg(test)]
#[path = "../../../fuzz/checks/cedar_data.rs"]
mod cedar_data;
#[cfg(test)]
#[path = "../../../fuzz/checks/cedar_policies.rs"]
mod cedar_policies;
#[cfg(test)]
#[path = "../../../fuzz/checks/dice.rs"]
mod dice;
#[cfg(test)]
#[path = "../../../fuzz/checks/program_vs_cedar.rs"]
mod program_vs_cedar;
#[cfg(test)]
#[path = "../../../fuzz/checks/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::dice::Dice;
    use super::program_vs_cedar::{Counts, check, check_many};
    use super::replay::replay;

    fn run(seed: u64, requests: u64) -> Counts {
        let (mut dice, mut counts) = (Dice::seeded(seed), Counts::default());
        while counts.requests < requests {
            check_many(&mut dice, &mut counts);
        }
        assert!(counts.requests > counts.texts * 3, "most texts are Cedar: {counts:?}");
        assert!(counts.permitted * 5 > counts.requests, "a fifth is permitted: {counts:?}");
        assert!(counts.with_errors * 2 < counts.requests, "less than half errs: {counts:?}");
        assert!(counts.with_errors * 20 > counts.requests, "a twentieth errs: {counts:?}");
        assert!(counts.mixed * 50 > counts.requests, "some fall back in part: {counts:?}");
        assert!(counts.partial * 20 > counts.requests, "some hold unknowns: {counts:?}");
        assert!(counts.with_links * 4 > counts.requests, "some are linked: {counts:?}");
        counts
    }

    #[test]
    fn the_program_answers_as_cedar_does() {
        run(1, 8_000);
    }

    #[test]
    fn the_corpus_breaks_nothing() {
        replay("program_vs_cedar", check);
    }

    /// `DATASPACE_REQUESTS` requests (two million by default) from the seed `DATASPACE_SEED`.
    #[test]
    #[ignore = "takes minutes"]
    fn the_program_answers_as_cedar_does_two_million_times() {
        let number =
            |name, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
        let (seed, requests) =
            (number("DATASPACE_SEED", 2), number("DATASPACE_REQUESTS", 2_000_000));
        let halves =
            [seed, seed + 1].map(|seed| std::thread::spawn(move || run(seed, requests / 2)));
        for half in halves {
            println!("{:?}", half.join().unwrap());
        }
    }
}
