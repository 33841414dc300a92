//! The files of the fuzz corpus, with changes at random: refused or taken, and nothing in between.

use std::fs;

use dataspace_media::{Picture, WavAudio};

use crate::support::*;

#[test]
fn changed_files_break_nothing() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/media");
    let files: Vec<Vec<u8>> = fs::read_dir(corpus)
        .unwrap()
        .map(|file| fs::read(file.unwrap().path()).unwrap())
        .filter(|bytes| bytes.len() > 50)
        .collect();
    let rounds = std::env::var("DATASPACE_ROUNDS").map_or(6, |rounds| rounds.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let (path, mut dice, mut taken) = (dir.path().join("a"), Dice(99), 0);
    for _ in 0..rounds {
        for file in &files {
            let mut bytes = file.clone();
            for _ in 0..=dice.next() % 4 {
                // Mostly in the head.
                let most = if dice.next().is_multiple_of(3) { bytes.len() } else { 64 };
                let at = dice.next() as usize % most.min(bytes.len());
                bytes[at] = match dice.next() % 3 {
                    0 => dice.next() as u8,
                    1 => 0xff,
                    _ => bytes[at] ^ (1 << (dice.next() % 8)),
                };
            }
            if dice.next().is_multiple_of(4) {
                bytes.truncate(dice.next() as usize % bytes.len());
            }
            fs::write(&path, &bytes).unwrap();
            if let Ok(picture) = Picture::open(&path) {
                taken += 1;
                for duties in [&[TRACE][..], &[VISIBLE]] {
                    assert_eq!(
                        picture.promises(duties),
                        delivered(&picture, duties, None, 1).is_ok()
                    );
                }
            }
            if let Ok(audio) = WavAudio::open(&path) {
                taken += 1;
                assert_eq!(audio.promises(&[TRACE]), delivered(&audio, &[TRACE], None, 1).is_ok());
                let compared = audio.compare(&bytes).unwrap();
                let one = compared.of_contract(&Root(1), &contract(1)).unwrap();
                assert!(!one.is_found() && one.score.is_finite());
            }
        }
    }
    assert!(taken > 10, "{taken}");
}

/// Whether the duties were said to be possible.
trait Promised {
    fn promises(&self, duties: &[dataspace_policy::Duty]) -> bool;
}

impl<P: dataspace_data_plane::Product> Promised for P {
    fn promises(&self, duties: &[dataspace_policy::Duty]) -> bool {
        self.check(duties).is_ok()
    }
}
