//! Hostile files, and consumers who look for the trace.

use std::fs;

use dataspace_media::audio::{CompareWavError, OpenWavError};
use dataspace_media::decoded::DecodeError;
use dataspace_media::picture::{CompareError, OpenPictureError};
use dataspace_media::wav::WavError;
use dataspace_media::{Picture, WavAudio};
use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};
use image::DynamicImage;

use crate::support::*;

fn as_picture(bytes: &[u8]) -> Result<Picture, OpenPictureError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    fs::write(&path, bytes).unwrap();
    Picture::open(path)
}

fn as_audio(bytes: &[u8]) -> Result<WavAudio, OpenWavError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a");
    fs::write(&path, bytes).unwrap();
    WavAudio::open(path)
}

fn refusal(bytes: &[u8]) -> DecodeError {
    match as_picture(bytes).unwrap_err() {
        OpenPictureError::Decode(error) => error,
        other => panic!("{other}"),
    }
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    };
    !bytes.iter().fold(!0, step)
}

/// A PNG that states these dimensions, and has the pixels of another one.
fn stated(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(&DynamicImage::ImageRgb8(landscape(16, 16, 1)));
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc(&bytes[12..29]).to_be_bytes();
    bytes[29..33].copy_from_slice(&sum);
    bytes
}

#[test]
fn what_is_no_picture_is_refused() {
    let good = png(&DynamicImage::ImageRgb8(landscape(160, 160, 1)));
    assert!(as_picture(&good).is_ok());
    for bytes in [&b""[..], b"GIF89a", b"\x89PN", b"RIFF\0\0\0\0WEBP", b"<svg/>"] {
        assert!(matches!(refusal(bytes), DecodeError::Format));
    }
    // Damaged, and cut off at every length.
    let mut damaged = good.clone();
    damaged[good.len() / 2] ^= 1;
    let DecodeError::Decoder { read, source } = refusal(&damaged) else { panic!("taken") };
    assert!(read > 8 && read <= good.len() as u64 && !source.to_string().is_empty());
    for len in (8..good.len() - 12).step_by(good.len() / 50) {
        assert!(matches!(refusal(&good[..len]), DecodeError::Decoder { .. }), "{len}");
    }
    let good = jpeg(&DynamicImage::ImageRgb8(landscape(160, 160, 1)), 80);
    assert!(as_picture(&good).is_ok());
    for len in (3..good.len() - 2).step_by(good.len() / 50) {
        let error = refusal(&good[..len]);
        assert!(
            matches!(error, DecodeError::Decoder { .. } | DecodeError::Cut { .. }),
            "{len}: {error}"
        );
    }
}

#[test]
fn pictures_that_would_take_too_much_are_refused_by_their_header() {
    for (width, height) in [(16_385, 1), (1, 16_385), (8_193, 4_097), (u32::MAX / 2, u32::MAX / 2)]
    {
        let bytes = stated(width, height);
        let mut found = None;
        let memory = allocation_counter::measure(|| found = Some(refusal(&bytes)));
        assert!(memory.bytes_max < 1 << 20, "{} bytes", memory.bytes_max);
        let found = found.unwrap();
        let is_so = matches!(found, DecodeError::Dimensions { .. } | DecodeError::Decoder { .. });
        assert!(is_so, "{width} by {height}: {found}");
    }
    // Within the limits, and nothing behind it.
    assert!(matches!(refusal(&stated(8_000, 4_000)), DecodeError::Decoder { .. }));
    assert!(matches!(
        refusal(&stated(0, 5)),
        DecodeError::Decoder { .. } | DecodeError::Dimensions { .. }
    ));
    // A JPEG with the dimensions of a wall.
    let mut wall = jpeg(&DynamicImage::ImageRgb8(landscape(16, 16, 1)), 80);
    let at = wall.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    wall[at + 5..at + 9].copy_from_slice(&[0xff; 4]);
    assert!(matches!(refusal(&wall), DecodeError::Dimensions { width: 65_535, height: 65_535 }));
}

#[test]
fn an_animation_is_refused() {
    let mut bytes = png(&DynamicImage::ImageRgb8(landscape(64, 64, 1)));
    // acTL: two frames, for ever.
    let chunk = [&b"acTL"[..], &2_u32.to_be_bytes(), &0_u32.to_be_bytes()].concat();
    let whole = [&8_u32.to_be_bytes()[..], &chunk, &crc(&chunk).to_be_bytes()].concat();
    bytes.splice(33..33, whole);
    assert!(matches!(refusal(&bytes), DecodeError::Animated));
}

#[test]
fn what_is_no_recording_is_refused() {
    let good = wav(&[speech(8_000, 1.0, 1)], 8_000, 16);
    assert!(as_audio(&good).is_ok());
    let refused = |bytes: &[u8]| match as_audio(bytes).unwrap_err() {
        OpenWavError::Wav(error) => error,
        other => panic!("{other}"),
    };
    let with = |at: usize, bytes: &[u8]| {
        let mut all = good.clone();
        all[at..at + bytes.len()].copy_from_slice(bytes);
        all
    };
    for len in 0..44 {
        assert!(matches!(refused(&good[..len]), WavError::Head { .. }), "{len}");
    }
    let length = refused(&good[..good.len() - 1]);
    assert!(matches!(length, WavError::Length { at: 44, stated: 16_000, found: 15_999, frame: 2 }));
    assert!(length.to_string().starts_with("byte 44: "), "{length}");
    // No channel, no rate, samples that overlap, lengths from nowhere.
    for bytes in [with(22, &[0, 0]), with(34, &[0, 0]), with(34, &[7, 0]), with(20, &[9, 0])] {
        assert!(matches!(refused(&bytes), WavError::Head { .. }));
    }
    let no_rate = with(24, &[0; 8]);
    assert!(matches!(refused(&no_rate), WavError::Shape { rate: 0, .. }));
    for stated in [u32::MAX, u32::MAX - 1, 16_001, 0x8000_0000] {
        let error = refused(&with(40, &stated.to_le_bytes()));
        assert!(matches!(error, WavError::Length { .. } | WavError::Head { .. }), "{error}");
    }
    // Of 8 bits, of floats, of 24 bits in four bytes.
    let eight = wav(&[speech(8_000, 1.0, 1)], 8_000, 8);
    assert!(matches!(refused(&eight), WavError::Samples { bits: 8, .. }));
    let padded = [with(32, &[4, 0, 24, 0]), with(28, &32_000_u32.to_le_bytes())];
    let mut padded_four = padded[0].clone();
    padded_four[28..32].copy_from_slice(&padded[1][28..32]);
    assert!(matches!(refused(&padded_four), WavError::Samples { bits: 24, stored: 4, .. }));
    // A head that never ends.
    let mut endless = good[..12].to_vec();
    for _ in 0..200_000 {
        endless.extend_from_slice(b"junk\0\0\0\0");
    }
    assert!(matches!(refused(&endless), WavError::Head { at: 1_048_576, .. }));
    assert!(matches!(as_audio(&with(40, &[0; 4])), Err(OpenWavError::Empty)));
}

#[test]
fn copies_that_are_none_are_errors_and_not_guesses() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wav");
    fs::write(&path, wav(&[speech(8_000, 1.0, 1)], 8_000, 16)).unwrap();
    let audio = WavAudio::open(path).unwrap();
    let other = wav(&[speech(16_000, 1.0, 1)], 16_000, 16);
    assert!(matches!(audio.compare(&other), Err(CompareWavError::Rate { found: 16_000, .. })));
    assert!(matches!(audio.compare(b"RIFF"), Err(CompareWavError::Copy(_))));
    // Nothing, one frame, silence: nothing is found in them.
    for sound in [vec![], vec![0.5], vec![0.0; 4_000], vec![1.0; 9_000]] {
        let compared = audio.compare(&wav(&[sound], 8_000, 16)).unwrap();
        for number in 0..100 {
            let one = compared.of_contract(&Root(1), &contract(number)).unwrap();
            assert!(one.score.is_finite() && !one.is_found());
        }
    }
    // Floats that are no numbers.
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for n in 0..8_000 {
        writer.write_sample([f32::NAN, f32::INFINITY, f32::MAX, 0.1][n % 4]).unwrap();
    }
    writer.finalize().unwrap();
    let compared = audio.compare(&bytes.into_inner()).unwrap();
    let one = compared.of_contract(&Root(1), &contract(1)).unwrap();
    assert!(one.score.is_finite() && compared.likeness().is_finite());

    let picture = saved(dir.path(), "a.png", &DynamicImage::ImageRgb8(landscape(160, 160, 2)));
    let picture = Picture::open(picture).unwrap();
    assert!(matches!(picture.compare(b"RIFF"), Err(CompareError::Copy(DecodeError::Format))));
    for (width, height) in [(1, 1), (1, 300), (300, 1), (7, 9), (2_000, 3)] {
        let one = DynamicImage::ImageRgb8(landscape(width, height, 3));
        let compared = picture.compare(&png(&one)).unwrap();
        let one = compared.of_contract(&Root(1), &contract(1)).unwrap();
        assert!(one.score.is_finite() && !one.is_found(), "{width} by {height}: {one:?}");
    }
    let flat = DynamicImage::ImageRgb8(image::RgbImage::from_pixel(160, 160, image::Rgb([9; 3])));
    let one = picture.compare(&png(&flat)).unwrap().of_contract(&Root(1), &contract(1)).unwrap();
    assert!(one.score.is_finite() && !one.is_found());
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        Err(SecretsError::new("none here"))
    }
}

#[test]
fn without_a_secret_no_copy_leaves_and_none_is_searched() {
    use dataspace_data_plane::Product as _;
    let dir = tempfile::tempdir().unwrap();
    let path = saved(dir.path(), "a.png", &DynamicImage::ImageRgb8(landscape(160, 160, 2)));
    let picture = Picture::open(&path).unwrap();
    assert!(picture.open(&[TRACE], None, &NoSecrets, recipient(b"c")).is_err());
    assert!(picture.open(&[VISIBLE], None, &NoSecrets, recipient(b"c")).is_ok());
    let compared = picture.compare(&fs::read(&path).unwrap()).unwrap();
    assert!(compared.of_contract(&NoSecrets, b"c").is_err());
}

#[test]
fn two_recipients_cannot_frame_a_third() {
    // What differs between two copies, put onto the original many times over.
    let dir = tempfile::tempdir().unwrap();
    let image = DynamicImage::ImageRgb8(landscape(320, 240, 4));
    let picture = Picture::open(saved(dir.path(), "a.png", &image)).unwrap();
    let copies = [1, 2].map(|number| {
        let bytes = delivered(&picture, &[TRACE], None, number).unwrap();
        image::load_from_memory(&bytes).unwrap().to_rgb8()
    });
    let mut forged = copies[0].clone();
    for (value, other) in forged.iter_mut().zip(copies[1].iter()) {
        *value = (3 * i32::from(*value) - 2 * i32::from(*other)).clamp(0, 255) as u8;
    }
    let compared = picture.compare(&png(&DynamicImage::ImageRgb8(forged))).unwrap();
    for number in 3..1_003 {
        assert!(!compared.of_contract(&Root(1), &contract(number)).unwrap().is_found());
    }
}

#[test]
fn traces_of_two_products_under_one_contract_have_nothing_in_common() {
    let dir = tempfile::tempdir().unwrap();
    let [one, other] = [6, 7].map(|seed| {
        let image = DynamicImage::ImageRgb8(landscape(320, 240, seed));
        let path = saved(dir.path(), &format!("{seed}.png"), &image);
        let picture = Picture::open(&path).unwrap();
        let copy =
            image::load_from_memory(&delivered(&picture, &[TRACE], None, 1).unwrap()).unwrap();
        let pairs = copy.to_rgb8().into_raw().into_iter().zip(image.to_rgb8().into_raw());
        pairs.map(|(a, b)| f64::from(a) - f64::from(b)).collect::<Vec<_>>()
    });
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let common = product(&one, &other) / (product(&one, &one) * product(&other, &other)).sqrt();
    assert!(common.abs() < 0.1, "{common}");
}

#[test]
fn errors_for_consumers_say_nothing_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path =
        saved(dir.path(), "secret-name.png", &DynamicImage::ImageRgb8(landscape(160, 160, 2)));
    let picture = Picture::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let error = delivered(&picture, &[TRACE], None, 1).unwrap_err();
    assert!(!error.to_string().contains("secret-name"), "{error}");
    assert!(!format!("{picture:?}").contains("secret-name"));
}
