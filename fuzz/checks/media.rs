//! Pictures and recordings, as products and as copies that came from somewhere: whatever is taken leaves with
//! its marks, in whole as in ranges, and whatever is compared has a score.

use std::fs;

use dataspace_data_plane::{Piece, Product, product::Recipient};
use dataspace_media::{Compared, Mark, MarkMethod, Picture, WavAudio};
use dataspace_policy::Duty;
use dataspace_primitives::{Digest, Part, Secrets, Zeroizing, secrets::SecretsError};

const RECIPIENT: Recipient<'static> = Recipient { contract: b"contract", consumer: "did:key:z6Mk" };

struct OfContext;

impl Secrets for OfContext {
    fn derive(&self, _: &str, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        Ok(Zeroizing::new(*Digest::of(context).as_bytes()))
    }
}

const BOTH: [Duty; 2] = [
    Duty::Mark(Mark { method: MarkMethod::Trace }),
    Duty::Mark(Mark { method: MarkMethod::Visible }),
];

/// What leaves; `None` if nothing does.
fn delivered(product: &dyn Product, duties: &[Duty], part: Option<&Part>) -> Option<Vec<u8>> {
    let opened = product.open(duties, part, &OfContext, RECIPIENT);
    assert!(opened.is_err() || product.check(duties).is_ok(), "opened, and refused before");
    let (mut delivery, mut all) = (opened.ok()?, Vec::new());
    loop {
        match delivery.next() {
            Ok(Some(Piece::Bytes { bytes, .. })) => all.extend_from_slice(&bytes),
            Ok(Some(_)) => panic!("rows"),
            Ok(None) => return Some(all),
            Err(error) => panic!("taken, and then: {error}"),
        }
    }
}

fn scored(compared: &Compared) {
    assert!((-1.01..=1.01).contains(&compared.likeness()), "{}", compared.likeness());
    for contract in 0..4_u8 {
        let found = compared.of_contract(&OfContext, &[contract]).expect("secrets");
        assert!(found.score.is_finite() && !found.is_found(), "{found:?}");
    }
}

fn as_picture(path: &std::path::Path, bytes: &[u8]) {
    let Ok(picture) = Picture::open(path) else { return };
    assert_eq!(delivered(&picture, &[], None).as_deref(), Some(bytes));
    for duties in [&BOTH[..1], &BOTH[1..], &BOTH] {
        // What is too small for a mark does not leave without it.
        let Some(copy) = delivered(&picture, duties, None) else { continue };
        let compared = picture.compare(&copy).expect("its own copy");
        scored(&compared);
        // A flat picture has no likeness to anything.
        assert!(compared.likeness() > 0.3 || compared.likeness() == 0.0, "{}", compared.likeness());
    }
}

fn as_sound(path: &std::path::Path) {
    let Ok(audio) = WavAudio::open(path) else { return };
    assert!(audio.check(&BOTH).is_err(), "a visible mark in sound");
    let short = WavAudio::open(path).and_then(|audio| audio.first_seconds(1)).expect("a second");
    for audio in [audio, short] {
        for duties in [&BOTH[..0], &BOTH[..1]] {
            let Some(whole) = delivered(&audio, duties, None) else { continue };
            let len = whole.len() as u64;
            assert_eq!(len, audio.len());
            for (from, until) in [(0, 1), (43, 47), (len / 3, len / 2 + 1), (len - 1, len)] {
                let part = Part::bytes(from, until).expect("not empty");
                let found = delivered(&audio, duties, Some(&part)).expect("within it");
                assert_eq!(found, whole[from as usize..until as usize], "{from} to {until}");
            }
            let again = path.with_extension("again");
            fs::write(&again, &whole).expect("a file");
            assert_eq!(WavAudio::open(again).expect("a recording").millis(), audio.millis());
            scored(&audio.compare(&whole).expect("its own copy"));
        }
    }
}

pub(crate) fn check(bytes: &[u8]) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a");
    fs::write(&path, bytes).expect("a file");
    as_picture(&path, bytes);
    as_sound(&path);
    // As a copy of something good.
    let own = dir.path().join("own.wav");
    let sound: Vec<u8> =
        (0..8_000_u32).flat_map(|n| (n * n % 9_973).to_le_bytes()[..2].to_vec()).collect();
    let head = [
        &b"RIFF"[..],
        &16_036_u32.to_le_bytes(),
        b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data",
        &16_000_u32.to_le_bytes(),
        &sound[..16_000],
    ];
    fs::write(&own, head.concat()).expect("a file");
    if let Ok(compared) = WavAudio::open(own).expect("a recording").compare(bytes) {
        scored(&compared);
    }
}
