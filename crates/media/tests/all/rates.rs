//! How often traces are found, and how often where there are none: with seeds, so that the figures of
//! `docs/media.md` can be made again (`cargo test -p dataspace-media rates -- --nocapture`).

use std::path::Path;

use dataspace_media::{Compared, Picture, WavAudio};
use image::DynamicImage;
use image::imageops::FilterType;

use crate::support::*;

/// Contracts whose copies are searched: the documents have the figures of 20.
fn right() -> u32 {
    std::env::var("DATASPACE_RATES").map_or(4, |number| number.parse().unwrap())
}

/// Contracts that none of these copies is of.
const WRONG: std::ops::Range<u32> = 1_000_000..1_001_000;

/// The rates of one way of changing copies.
struct Rate {
    found: u32,
    least: f64,
    mean: f64,
    chance: u32,
    most: f64,
}

/// Finds the copies of the contracts, and none of the wrong ones.
fn rate(compare: impl Fn(u32) -> Compared) -> Rate {
    let mut rate = Rate { found: 0, least: f64::MAX, mean: 0.0, chance: 0, most: f64::MIN };
    for number in 0..right() {
        let compared = compare(number);
        let one = compared.of_contract(&Root(1), &contract(number)).unwrap();
        rate.found += u32::from(one.is_found());
        rate.least = rate.least.min(one.score);
        rate.mean += one.score / f64::from(right());
        // Each copy is asked for a part of the wrong ones.
        for wrong in WRONG.skip(number as usize).step_by(right() as usize) {
            let other = compared.of_contract(&Root(1), &contract(wrong)).unwrap();
            rate.chance += u32::from(other.is_found());
            rate.most = rate.most.max(other.score);
        }
    }
    rate
}

fn row(name: &str, rate: &Rate) {
    let Rate { found, least, mean, chance, most } = rate;
    let all = right();
    println!("| {name} | {found} of {all} | {mean:.1} | {least:.1} | {chance} | {most:.1} |");
}

type Change = (&'static str, fn(&DynamicImage) -> Vec<u8>, bool);

fn noisy(image: &DynamicImage, scatter: f64) -> Vec<u8> {
    let (mut dice, mut image) = (Dice(7), image.to_rgb8());
    for value in image.iter_mut() {
        *value = (f64::from(*value) + scatter * dice.normal()).round().clamp(0.0, 255.0) as u8;
    }
    png(&DynamicImage::ImageRgb8(image))
}

fn scaled(image: &DynamicImage, part: f64) -> DynamicImage {
    let side = |side: u32| (f64::from(side) * part).round() as u32;
    image.resize_exact(side(image.width()), side(image.height()), FilterType::Lanczos3)
}

fn cut(image: &DynamicImage, edge: f64) -> DynamicImage {
    let of = |side: u32| (f64::from(side) * edge).round() as u32;
    let (x, y) = (of(image.width()) + 3, of(image.height()) + 1);
    image.crop_imm(x, y, image.width() - 2 * x, image.height() - 2 * y)
}

/// Cut, and as large as before.
fn back(image: &DynamicImage) -> DynamicImage {
    cut(image, 0.1).resize_exact(image.width(), image.height(), FilterType::Lanczos3)
}

/// Each with whether all copies must be found.
const PICTURES: [Change; 22] = [
    ("as it left", |image| png(image), true),
    ("JPEG, quality 90", |image| jpeg(image, 90), true),
    ("JPEG, quality 75", |image| jpeg(image, 75), true),
    ("JPEG, quality 50", |image| jpeg(image, 50), true),
    ("JPEG, quality 30", |image| jpeg(image, 30), false),
    ("a tenth cut off at each edge", |image| png(&cut(image, 0.1)), true),
    ("a third cut off at each edge", |image| png(&cut(image, 0.33)), false),
    ("a tenth cut off at each edge, JPEG 75", |image| jpeg(&cut(image, 0.1), 75), true),
    ("3/4 of the size", |image| png(&scaled(image, 0.75)), true),
    ("3/4 of the size, JPEG 75", |image| jpeg(&scaled(image, 0.75), 75), true),
    ("half the size", |image| png(&scaled(image, 0.5)), true),
    ("half the size, JPEG 75", |image| jpeg(&scaled(image, 0.5), 75), false),
    ("a quarter of the size", |image| png(&scaled(image, 0.25)), false),
    ("4/3 of the size", |image| png(&scaled(image, 4.0 / 3.0)), true),
    (
        "brighter and with more contrast",
        |image| png(&image.brighten(12).adjust_contrast(15.0)),
        true,
    ),
    ("gray", |image| png(&image.grayscale()), true),
    ("noise of 5 levels", |image| noisy(image, 5.0), true),
    ("blurred by 1.5 pixels", |image| png(&image.blur(1.5)), false),
    ("a tenth cut off, 3/4 of the size", |image| png(&scaled(&cut(image, 0.1), 0.75)), true),
    (
        "a tenth cut off, 3/4 of the size, JPEG 75",
        |image| jpeg(&scaled(&cut(image, 0.1), 0.75), 75),
        true,
    ),
    ("a tenth cut off, in the old size, JPEG 75", |image| jpeg(&back(image), 75), true),
    ("turned by 1 degree", |image| png(&turned(image, 1.0)), false),
];

/// Turned around its middle.
fn turned(image: &DynamicImage, degrees: f64) -> DynamicImage {
    let from = image.to_rgb8();
    let (width, height) = from.dimensions();
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (mx, my) = (f64::from(width) / 2.0, f64::from(height) / 2.0);
    let to = image::RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (f64::from(x) - mx, f64::from(y) - my);
        let (u, v) = (u * cos - v * sin + mx, u * sin + v * cos + my);
        let at = |value: f64, most: u32| value.round().clamp(0.0, f64::from(most - 1)) as u32;
        *from.get_pixel(at(u, width), at(v, height))
    });
    DynamicImage::ImageRgb8(to)
}

fn pictures(path: &Path, is_strict: bool) {
    let picture = Picture::open(path).unwrap();
    let original = image::open(path).unwrap();
    let copies: Vec<DynamicImage> = (0..right())
        .map(|number| {
            let bytes = delivered(&picture, &[TRACE], None, number).unwrap();
            image::load_from_memory(&bytes).unwrap()
        })
        .collect();
    let name = path.file_name().unwrap().to_string_lossy();
    println!(
        "\n{name}, {} by {}: PSNR {:.1} dB",
        original.width(),
        original.height(),
        psnr(&original, &copies[0])
    );
    println!(
        "| what was done | found | mean score | least | wrong ones found | their best score |"
    );
    println!("|---|---|---|---|---|---|");
    for (name, change, is_sure) in PICTURES {
        let rate = rate(|number| picture.compare(&change(&copies[number as usize])).unwrap());
        row(name, &rate);
        assert_eq!(rate.chance, 0, "{name}");
        assert!(!is_strict || !is_sure || rate.found == right(), "{name}: {} found", rate.found);
    }
    // Several recipients take the mean of their copies: each is found in it.
    for together in [2, 4, 8].into_iter().filter(|some| *some <= right()) {
        let rate = rate(|number| {
            let all = (0..together).map(|k| copies[((number + k) % right()) as usize].to_rgb8());
            let all: Vec<_> = all.collect();
            let mean = image::RgbImage::from_fn(original.width(), original.height(), |x, y| {
                let pixels = all.iter().map(|one| one.get_pixel(x, y).0.map(u32::from));
                let sums = pixels.fold([0; 3], |sum, one| [0, 1, 2].map(|k| sum[k] + one[k]));
                image::Rgb(sums.map(|sum| ((sum + together / 2) / together) as u8))
            });
            picture.compare(&jpeg(&DynamicImage::ImageRgb8(mean), 90)).unwrap()
        });
        row(&format!("the mean of {together} copies, JPEG 90"), &rate);
        assert!(!is_strict || together > 4 || rate.found == right());
    }
    let bare = rate(|_| picture.compare(&jpeg(&original, 75)).unwrap());
    row("the original, JPEG 75", &bare);
    assert_eq!(bare.found, 0);
}

#[test]
fn rates_of_a_made_picture() {
    let dir = tempfile::tempdir().unwrap();
    let image = DynamicImage::ImageRgb8(landscape(480, 320, 5));
    pictures(&saved(dir.path(), "landscape.png", &image), true);
}

#[test]
fn rates_of_real_pictures() {
    for name in ["chelsea.png", "coffee.png"] {
        let Some(path) = shared(name) else { return };
        pictures(&path, true);
    }
}

type Effect = (&'static str, fn(&[Vec<f64>], u32) -> Vec<u8>, bool);

fn noise(sound: &[Vec<f64>], below: f64) -> Vec<Vec<f64>> {
    let mut dice = Dice(11);
    let count = sound.iter().map(Vec::len).sum::<usize>() as f64;
    let power = sound.iter().flatten().map(|one| one * one).sum::<f64>() / count;
    let scatter = (power / 10.0_f64.powf(below / 10.0)).sqrt();
    each(sound, |one| one + scatter * dice.normal())
}

fn part(sound: &[Vec<f64>], from: f64, until: f64) -> Vec<Vec<f64>> {
    let at = |part: f64| (sound[0].len() as f64 * part) as usize;
    sound.iter().map(|channel| channel[at(from)..at(until)].to_vec()).collect()
}

/// The mean of each sample and the one before.
fn dull(sound: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut before = 0.0;
    each(sound, |one| one.midpoint(std::mem::replace(&mut before, one)))
}

const SOUNDS: [Effect; 13] = [
    ("as it left", |sound, rate| wav(sound, rate, 16), true),
    ("8 bits", |sound, rate| wav(sound, rate, 8), true),
    ("noise 30 dB below", |sound, rate| wav(&noise(sound, 30.0), rate, 16), true),
    ("noise 20 dB below", |sound, rate| wav(&noise(sound, 20.0), rate, 16), false),
    ("noise 10 dB below", |sound, rate| wav(&noise(sound, 10.0), rate, 16), false),
    ("half as loud", |sound, rate| wav(&each(sound, |one| one / 2.0), rate, 16), true),
    ("a tenth as loud, 8 bits", |sound, rate| wav(&each(sound, |one| one / 10.0), rate, 8), false),
    ("cut off at 0.6 of the loudest", |sound, rate| wav(&clipped(sound), rate, 16), false),
    ("its middle third", |sound, rate| wav(&part(sound, 0.334, 0.667), rate, 16), false),
    ("its second half, 8 bits", |sound, rate| wav(&part(sound, 0.503, 1.0), rate, 8), false),
    ("high tones weakened", |sound, rate| wav(&dull(sound), rate, 16), false),
    ("every other sample left out", |sound, rate| wav(&sampled(sound), rate, 16), false),
    ("one channel", |sound, rate| wav(&sound[..1], rate, 16), true),
];

fn clipped(sound: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let most = sound.iter().flatten().fold(0.0_f64, |most, one| most.max(one.abs())) * 0.6;
    each(sound, |one| one.clamp(-most, most))
}

/// Half as many frames a second and back: what lies between is the mean.
fn sampled(sound: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut sound = sound.to_vec();
    for channel in &mut sound {
        for n in (1..channel.len().saturating_sub(1)).step_by(2) {
            channel[n] = channel[n - 1].midpoint(channel[n + 1]);
        }
    }
    sound
}

fn sounds(path: &Path, is_strict: bool) {
    let audio = WavAudio::open(path).unwrap();
    let (spec, original) = heard(&std::fs::read(path).unwrap());
    let copies: Vec<_> = (0..right())
        .map(|number| heard(&delivered(&audio, &[TRACE], None, number).unwrap()).1)
        .collect();
    println!(
        "\n{}, {} Hz, {} channels, {:.2} s: SNR {:.1} dB",
        path.file_name().unwrap().to_string_lossy(),
        spec.sample_rate,
        spec.channels,
        original[0].len() as f64 / f64::from(spec.sample_rate),
        snr(&original, &copies[0])
    );
    println!(
        "| what was done | found | mean score | least | wrong ones found | their best score |"
    );
    println!("|---|---|---|---|---|---|");
    for (name, change, is_sure) in SOUNDS {
        let rate = rate(|number| {
            audio.compare(&change(&copies[number as usize], spec.sample_rate)).unwrap()
        });
        row(name, &rate);
        assert_eq!(rate.chance, 0, "{name}");
        assert!(!is_strict || !is_sure || rate.found == right(), "{name}: {} found", rate.found);
    }
    let bare = rate(|_| audio.compare(&wav(&original, spec.sample_rate, 8)).unwrap());
    row("the original, 8 bits", &bare);
    assert_eq!(bare.found, 0);
}

#[test]
fn rates_of_made_speech() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("speech.wav");
    std::fs::write(&path, wav(&[speech(16_000, 10.0, 3)], 16_000, 16)).unwrap();
    sounds(&path, true);
}

#[test]
fn rates_of_real_speech() {
    let Some(path) = shared("7_jackson_0.wav") else { return };
    sounds(&path, false);
}
