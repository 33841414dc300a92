//! Secrets, pictures and sounds from seeds, and what was done to copies.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use dataspace_data_plane::product::{ProductError, Recipient};
use dataspace_data_plane::{Piece, Product};
use dataspace_policy::Duty;
use dataspace_policy::duty::{Mark, MarkMethod};
use dataspace_primitives::{Digest, Part, Secrets, Zeroizing, secrets::SecretsError};
use hound::{SampleFormat, WavSpec};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

pub(crate) const TRACE: Duty = Duty::Mark(Mark { method: MarkMethod::Trace });
pub(crate) const VISIBLE: Duty = Duty::Mark(Mark { method: MarkMethod::Visible });

/// Those of a provider with this number.
pub(crate) struct Root(pub(crate) u8);

impl Secrets for Root {
    fn derive(&self, purpose: &str, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        let message = [&[self.0], purpose.as_bytes(), &[0], context].concat();
        Ok(Zeroizing::new(*Digest::of(&message).as_bytes()))
    }
}

/// The identifier of a contract.
pub(crate) fn contract(number: u32) -> [u8; 32] {
    *Digest::of(&number.to_be_bytes()).as_bytes()
}

pub(crate) fn recipient(contract: &[u8]) -> Recipient<'_> {
    Recipient { contract, consumer: "did:key:z6Mk" }
}

/// What leaves.
pub(crate) fn delivered(
    product: &dyn Product,
    duties: &[Duty],
    part: Option<&Part>,
    of: u32,
) -> Result<Vec<u8>, ProductError> {
    let mut delivery = product.open(duties, part, &Root(1), recipient(&contract(of)))?;
    assert!(delivery.schema().is_none());
    let mut all = Vec::new();
    let mut place = match part {
        Some(Part::Bytes { from, .. }) => *from,
        _ => 0,
    };
    while let Some(piece) = delivery.next()? {
        let Piece::Bytes { at, bytes } = piece else { panic!("rows") };
        assert_eq!(at, place);
        assert!(!bytes.is_empty() && bytes.len() <= dataspace_data_plane::media::MEDIA_PIECE_LEN);
        place += bytes.len() as u64;
        all.extend_from_slice(&bytes);
    }
    assert!(delivery.next()?.is_none());
    Ok(all)
}

/// A file of the shared real data; prints that the test is skipped where there is none.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DATASPACE_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let file = root.join("audio-visual").join(path);
    if !file.exists() {
        println!("skipped: there is no {}", file.display());
    }
    Some(file).filter(|file| file.exists())
}

/// Numbers that look random (xorshift).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From −1 to 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// About normal, with a scatter of 1.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit() / 2.0).sum()
    }
}

/// A landscape: a smooth sky above something rough.
pub(crate) fn landscape(width: u32, height: u32, seed: u64) -> RgbImage {
    let mut dice = Dice(seed);
    let waves: Vec<[f64; 4]> = (0..12).map(|_| [(); 4].map(|()| dice.unit())).collect();
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (f64::from(x) / f64::from(height), f64::from(y) / f64::from(height));
        let is_ground = v > 0.5 + 0.1 * (u * 5.0).sin();
        let rough: f64 = waves
            .iter()
            .map(|[a, b, c, d]| (u * 90.0 * a + v * 90.0 * b + c * 7.0).sin() * (0.4 + d.abs()))
            .sum();
        let grain = if is_ground { 8.0 * dice.unit() } else { 0.0 };
        let level = if is_ground { 90.0 + 9.0 * rough + grain } else { 200.0 - 60.0 * v };
        Rgb([level, level * 0.9 + 10.0, level * 0.8 + 30.0].map(|one| one.clamp(0.0, 255.0) as u8))
    })
}

/// A picture as a file in `dir`.
pub(crate) fn saved(dir: &Path, name: &str, image: &DynamicImage) -> PathBuf {
    let path = dir.join(name);
    if path.extension().is_some_and(|one| one == "jpg") {
        std::fs::write(&path, jpeg(image, 90)).unwrap();
    } else {
        image.save_with_format(&path, ImageFormat::Png).unwrap();
    }
    path
}

pub(crate) fn png(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

pub(crate) fn jpeg(image: &DynamicImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    DynamicImage::ImageRgb8(image.to_rgb8()).write_with_encoder(encoder).unwrap();
    bytes
}

/// Peak signal-to-noise ratio of two pictures, in decibels.
pub(crate) fn psnr(one: &DynamicImage, other: &DynamicImage) -> f64 {
    let (one, other) = (one.to_rgb8(), other.to_rgb8());
    assert_eq!(one.dimensions(), other.dimensions());
    let squares: f64 = one
        .as_raw()
        .iter()
        .zip(other.as_raw())
        .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
        .sum();
    10.0 * (255.0_f64.powi(2) * one.as_raw().len() as f64 / squares).log10()
}

/// Something like speech: syllables of some harmonics, with pauses. Of one channel.
pub(crate) fn speech(rate: u32, secs: f64, seed: u64) -> Vec<f64> {
    let mut dice = Dice(seed);
    let frames = (f64::from(rate) * secs) as usize;
    let (mut sound, mut phase) = (Vec::with_capacity(frames), 0.0_f64);
    while sound.len() < frames {
        let (len, pitch) = (0.12 + 0.08 * dice.unit().abs(), 110.0 + 30.0 * dice.unit());
        let colours = [(); 8].map(|()| dice.unit());
        let loud = 0.15 + 0.1 * dice.unit();
        let count = (len * f64::from(rate)) as usize;
        for n in 0..count {
            let envelope = (std::f64::consts::PI * n as f64 / count as f64).sin();
            phase += std::f64::consts::TAU * pitch / f64::from(rate);
            let voiced: f64 = colours
                .iter()
                .enumerate()
                .map(|(k, colour)| colour * ((k + 1) as f64 * phase).sin())
                .sum();
            sound.push(loud * envelope * (voiced * 0.4 + 0.02 * dice.unit()));
        }
        sound.extend(std::iter::repeat_n(0.0, (0.04 * f64::from(rate)) as usize));
    }
    sound.truncate(frames);
    sound
}

/// A WAV file of whole numbers, by `hound`.
pub(crate) fn wav(sound: &[Vec<f64>], rate: u32, bits: u16) -> Vec<u8> {
    let spec = WavSpec {
        channels: sound.len() as u16,
        sample_rate: rate,
        bits_per_sample: bits,
        sample_format: SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    let most = ((1_i64 << (bits - 1)) - 1) as f64;
    for frame in 0..sound[0].len() {
        for channel in sound {
            writer.write_sample((channel[frame] * most).round().clamp(-most, most) as i32).unwrap();
        }
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

/// The channels of a WAV file, by `hound`, from −1 to 1.
pub(crate) fn heard(bytes: &[u8]) -> (WavSpec, Vec<Vec<f64>>) {
    let reader = hound::WavReader::new(bytes).unwrap();
    let spec = reader.spec();
    let most = ((1_i64 << (spec.bits_per_sample - 1)) - 1) as f64;
    let mut sound = vec![Vec::new(); usize::from(spec.channels)];
    for (n, sample) in reader.into_samples::<i32>().enumerate() {
        sound[n % usize::from(spec.channels)].push(f64::from(sample.unwrap()) / most);
    }
    (spec, sound)
}

/// Signal-to-noise ratio of two sounds, in decibels.
pub(crate) fn snr(one: &[Vec<f64>], other: &[Vec<f64>]) -> f64 {
    let pairs = || one.iter().flatten().zip(other.iter().flatten());
    let signal: f64 = pairs().map(|(a, _)| a * a).sum();
    let noise: f64 = pairs().map(|(a, b)| (a - b) * (a - b)).sum();
    10.0 * (signal / noise).log10()
}

/// The same for the loudness of each channel.
pub(crate) fn each(sound: &[Vec<f64>], mut change: impl FnMut(f64) -> f64) -> Vec<Vec<f64>> {
    sound.iter().map(|channel| channel.iter().map(|one| change(*one)).collect()).collect()
}
