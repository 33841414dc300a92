//! Recordings: what leaves under which duties, in whole and in parts.

use std::fs;

use dataspace_data_plane::Product as _;
use dataspace_data_plane::errors::{PartError, PlanError, RunError};
use dataspace_data_plane::product::{ProductError, Version};
use dataspace_media::WavAudio;
use dataspace_media::audio::{OpenWavError, PREVIEW_SECS};
use dataspace_policy::Duty;
use dataspace_policy::duty::{ColumnMask, MaskMethod};
use dataspace_primitives::{Part, Secrets as _};
use tempfile::TempDir;

use crate::support::*;

fn opened(bytes: &[u8]) -> (TempDir, WavAudio) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    fs::write(&path, bytes).unwrap();
    let audio = WavAudio::open(path).unwrap();
    (dir, audio)
}

fn stereo(secs: f64, bits: u16) -> Vec<u8> {
    wav(&[speech(8_000, secs, 1), speech(8_000, secs, 2)], 8_000, bits)
}

#[test]
fn without_duties_the_same_samples_leave() {
    for bits in [16, 24] {
        let bytes = stereo(1.0, bits);
        let (_dir, audio) = opened(&bytes);
        let copy = delivered(&audio, &[], None, 1).unwrap();
        assert_eq!(copy.len() as u64, audio.len());
        let ((spec, sound), (copy_spec, copied)) = (heard(&bytes), heard(&copy));
        assert_eq!((spec.channels, spec.sample_rate), (copy_spec.channels, copy_spec.sample_rate));
        assert_eq!(copy_spec.bits_per_sample, bits);
        assert_eq!(sound, copied);
        assert_eq!(audio.millis(), 1_000);
    }
}

#[test]
fn what_stands_beside_the_samples_stays() {
    let mut bytes = stereo(1.0, 16);
    // Behind the samples, and before them.
    bytes.extend_from_slice(b"LIST\x0e\0\0\0INFOIART\x02\0\0\0Me");
    bytes.splice(12..12, *b"junk\x04\0\0\0Mine");
    let (_dir, audio) = opened(&bytes);
    for duties in [&[][..], &[TRACE]] {
        let copy = delivered(&audio, duties, None, 1).unwrap();
        assert!(!copy.windows(4).any(|some| matches!(some, b"LIST" | b"Mine" | b"IART")));
        assert_eq!(heard(&copy).1[0].len(), 8_000);
    }
}

/// The mark by its definition, written a second time: each block of two milliseconds is louder or softer by
/// a parabola of 1.5 percent.
fn marked_naively(bytes: &[u8], root: u8, of: u32) -> Vec<u8> {
    use ring::hmac::{HMAC_SHA256, Key, sign};
    let secret = Root(root).derive("media-traces", &contract(of)).unwrap();
    let content = dataspace_primitives::Digest::of(bytes);
    let message = [&b"dataspace/media-trace/v1\0"[..], content.as_bytes()].concat();
    let key = Key::new(HMAC_SHA256, sign(&Key::new(HMAC_SHA256, &*secret), &message).as_ref());
    let mut reader = hound::WavReader::new(bytes).unwrap();
    let (spec, mut out) = (reader.spec(), Vec::new());
    let block = (spec.sample_rate / 500).max(8) as usize;
    for (n, sample) in reader.samples::<i32>().enumerate() {
        let (frame, sample) = (n / usize::from(spec.channels), sample.unwrap());
        let (number, place) = (frame / block, frame % block);
        let tag = sign(&key, &((number / 256) as u64).to_be_bytes());
        let bit = tag.as_ref()[number % 256 / 8] >> (number % 8) & 1;
        let u = (place as f32 + 0.5) / block as f32;
        let depth = 0.015 * f64::from(4.0 * u * (1.0 - u)) * if bit == 1 { 1.0 } else { -1.0 };
        let most = (1_i64 << (spec.bits_per_sample - 1)) as f64;
        let value = (f64::from(sample) + f64::from(sample) * depth).round();
        let value = value.clamp(-most, most - 1.0) as i32;
        out.extend_from_slice(&value.to_le_bytes()[..usize::from(spec.bits_per_sample / 8)]);
    }
    out
}

#[test]
fn a_traced_copy_is_what_the_definition_says_and_every_range_is_its_own() {
    for (bits, secs) in [(16, 3.0), (24, 3.0), (24, 3.001)] {
        let bytes = wav(
            &[speech(8_000, secs, 1), speech(8_000, secs, 2), speech(8_000, secs, 3)],
            8_000,
            bits,
        );
        let (_dir, audio) = opened(&bytes);
        let whole = delivered(&audio, &[TRACE], None, 5).unwrap();
        let naive = marked_naively(&bytes, 1, 5);
        assert_eq!(&whole[44..44 + naive.len()], naive);
        assert_eq!(whole.len(), 44 + naive.len().next_multiple_of(2));
        let len = whole.len() as u64;
        let mut dice = Dice(3);
        let mut ranges =
            vec![(0, 1), (0, 44), (43, 45), (44, 45), (len - 1, len), (0, len), (len - 7, len)];
        ranges.extend((0..200).map(|_| {
            let from = dice.next() % len;
            (from, (from + 1 + dice.next() % 3_000).min(len))
        }));
        for (from, until) in ranges {
            let part = Part::bytes(from, until).unwrap();
            let found = delivered(&audio, &[TRACE], Some(&part), 5).unwrap();
            assert_eq!(found, whole[from as usize..until as usize], "{from} to {until}");
        }
    }
}

#[test]
fn long_recordings_leave_in_pieces() {
    // Frames of nine bytes, which do not divide a piece.
    let channels: Vec<_> = (1..=3).map(|seed| speech(48_000, 9.0, seed)).collect();
    let bytes = wav(&channels, 48_000, 24);
    let (_dir, audio) = opened(&bytes);
    let whole = delivered(&audio, &[TRACE], None, 5).unwrap();
    assert!(whole.len() > 3 << 20);
    assert_eq!(&whole[44..], marked_naively(&bytes, 1, 5));
    let part = Part::bytes(1_234_567, 3_456_789).unwrap();
    assert_eq!(delivered(&audio, &[TRACE], Some(&part), 5).unwrap(), whole[1_234_567..3_456_789]);
}

#[test]
fn the_first_seconds_are_a_recording_of_their_own() {
    let sound = speech(8_000, 40.0, 1);
    let bytes = wav(&[sound], 8_000, 16);
    let (dir, whole) = opened(&bytes);
    let path = dir.path().join("a.wav");
    let preview = || WavAudio::open(&path).unwrap().first_seconds(PREVIEW_SECS).unwrap();
    assert_eq!((whole.millis(), preview().millis()), (40_000, 30_000));
    let heard_part = heard(&delivered(&preview(), &[], None, 1).unwrap()).1;
    assert_eq!(heard_part[0], heard(&bytes).1[0][..240_000]);
    // No byte beyond.
    let len = preview().len();
    assert_eq!(len, 44 + 480_000);
    let past = Part::bytes(len - 1, len + 1).unwrap();
    let error = delivered(&preview(), &[], Some(&past), 1).unwrap_err();
    assert!(matches!(error, ProductError::Part(PartError::Range { len: 480_044, .. })), "{error}");
    // Another thing to agree on; as long as it is, it is the whole.
    assert_ne!(preview().descriptor_digest(), whole.descriptor_digest());
    let same = WavAudio::open(&path).unwrap().first_seconds(41).unwrap();
    assert_eq!(same.descriptor_digest(), whole.descriptor_digest());
    assert_eq!(same.first_seconds(5).unwrap().first_seconds(9).unwrap().millis(), 5_000);
    let none = WavAudio::open(&path).unwrap().first_seconds(0);
    assert!(matches!(none, Err(OpenWavError::Empty)));
    // Its trace is found, too.
    let copy = delivered(&preview(), &[TRACE], None, 4).unwrap();
    let compared = whole.compare(&copy).unwrap();
    assert!(compared.of_contract(&Root(1), &contract(4)).unwrap().is_found());
    assert!(!compared.of_contract(&Root(1), &contract(5)).unwrap().is_found());
}

#[test]
fn a_copy_is_found_wherever_it_was_cut() {
    let sound = vec![speech(44_100, 6.0, 8)];
    let bytes = wav(&sound, 44_100, 16);
    let (_dir, audio) = opened(&bytes);
    let copy = heard(&delivered(&audio, &[TRACE], None, 9).unwrap()).1;
    for (from, until) in [(1, 264_600), (12_345, 100_000), (133_333, 264_599)] {
        let piece = vec![copy[0][from..until].to_vec()];
        let compared = audio.compare(&wav(&piece, 44_100, 16)).unwrap();
        let found = compared.of_contract(&Root(1), &contract(9)).unwrap();
        assert!(found.score > 12.0 && compared.likeness() > 0.99, "{from}: {found:?}");
    }
    // Behind something else, and of other codings.
    let mut long = vec![0.1; 30_001];
    long.extend_from_slice(&copy[0]);
    for (bits, found) in
        [8, 16, 24, 32].map(|bits| (bits, audio.compare(&wav(&[long.clone()], 44_100, bits))))
    {
        let found = found.unwrap().of_contract(&Root(1), &contract(9)).unwrap();
        assert!(found.is_found(), "{bits} bits: {found:?}");
    }
}

#[test]
fn duties_that_cannot_be_carried_out_are_refused() {
    let (_dir, audio) = opened(&stereo(2.0, 16));
    assert_eq!(audio.check(&[TRACE]), Ok(()));
    assert_eq!(audio.check(&[TRACE, VISIBLE]), Err(PlanError::Unmarked { clause: 1 }));
    let mask = Duty::Mask(ColumnMask { column: "a".parse().unwrap(), method: MaskMethod::Drop });
    assert_eq!(audio.check(std::slice::from_ref(&mask)), Err(PlanError::MarkedAlone { clause: 0 }));
    assert!(delivered(&audio, &[mask], None, 1).is_err());
    let rows = Part::rows(None, Some(1)).unwrap();
    let error = delivered(&audio, &[TRACE], Some(&rows), 1).unwrap_err();
    assert!(matches!(error, ProductError::Part(PartError::Kind { .. })));
    // Silence bears nothing, nor does what is short or hardly to be heard.
    let quiet = each(&[speech(8_000, 5.0, 1)], |one| one / 8_000.0);
    for sound in [vec![vec![0.0; 80_000]], vec![speech(8_000, 0.2, 1)], quiet] {
        let (_dir, audio) = opened(&wav(&sound, 8_000, 16));
        assert_eq!(audio.check(&[]), Ok(()));
        assert_eq!(audio.check(&[TRACE]), Err(PlanError::TooLittle { clause: 0 }));
        assert!(delivered(&audio, &[TRACE], None, 1).is_err());
    }
    // So the first second may bear none where the whole does.
    let mut sound = vec![0.0; 8_000];
    sound.extend(speech(8_000, 5.0, 1));
    let (dir, audio) = opened(&wav(&[sound], 8_000, 16));
    assert_eq!(audio.check(&[TRACE]), Ok(()));
    let first = WavAudio::open(dir.path().join("a.wav")).unwrap().first_seconds(1).unwrap();
    assert_eq!(first.check(&[TRACE]), Err(PlanError::TooLittle { clause: 0 }));
}

#[test]
fn a_file_that_was_changed_is_refused() {
    let bytes = stereo(2.0, 16);
    let (dir, audio) = opened(&bytes);
    let version = audio.open(&[TRACE], None, &Root(1), recipient(b"c")).unwrap().version();
    assert_eq!(version, Some(Version::State(audio.content())));
    let mut other = bytes;
    other[1_000] ^= 1;
    fs::write(dir.path().join("a.wav"), other).unwrap();
    let error = delivered(&audio, &[TRACE], None, 1).unwrap_err();
    assert!(matches!(error, ProductError::Run(RunError::ChangedFile)), "{error}");
    assert!(audio.compare(&stereo(2.0, 16)).is_err());
}
