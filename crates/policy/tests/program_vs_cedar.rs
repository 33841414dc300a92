//! Random policies, entities and requests, decided by the compiled program and by Cedar.

#![expect(clippy::format_collect, reason = "short texts, shown to people")]

#[cfg(test)]
#[path = "../../../fuzz/checks/program_vs_cedar.rs"]
mod program_vs_cedar;

#[cfg(test)]
mod tests {
    use super::program_vs_cedar::{Counts, Dice, check, check_one, entities};

    fn run(seed: u64, requests: u64) -> Counts {
        let (mut dice, mut counts, entities) = (Dice::seeded(seed), Counts::default(), entities());
        while counts.requests < requests {
            check_one(&mut dice, &entities, &mut counts);
        }
        assert!(counts.requests > counts.texts * 3, "most texts are Cedar: {counts:?}");
        assert!(counts.permitted * 5 > counts.requests, "a fifth is permitted: {counts:?}");
        assert!(counts.with_errors * 2 < counts.requests, "less than half errs: {counts:?}");
        assert!(counts.with_errors * 20 > counts.requests, "a twentieth errs: {counts:?}");
        assert!(counts.with_fallbacks * 200 > counts.requests, "some fall back: {counts:?}");
        counts
    }

    #[test]
    fn the_program_answers_as_cedar_does() {
        run(1, 8_000);
    }

    #[test]
    fn the_corpus_breaks_nothing() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/program_vs_cedar");
        let files = std::fs::read_dir(corpus).unwrap();
        let inputs: Vec<_> = files.map(|file| std::fs::read(file.unwrap().path())).collect();
        assert!(inputs.len() >= 10, "a corpus of {} files", inputs.len());
        for input in inputs {
            check(&input.unwrap());
        }
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
