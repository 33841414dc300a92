//! Pictures: what leaves under which duties.

use std::fs;

use dataspace_data_plane::errors::{PartError, PlanError, RunError};
use dataspace_data_plane::product::ProductError;
use dataspace_data_plane::{MediaFile, Product as _, Table};
use dataspace_media::Picture;
use dataspace_policy::duty::{ColumnMask, KeptColumns, MaskMethod};
use dataspace_policy::{Duty, Operator, RowFilter, Scalar};
use dataspace_primitives::{Digest, Part};
use image::metadata::Orientation;
use image::{
    DynamicImage, GenericImageView as _, ImageDecoder as _, ImageEncoder as _, ImageReader,
};

use crate::support::*;

fn made() -> DynamicImage {
    DynamicImage::ImageRgb8(landscape(320, 240, 9))
}

#[test]
fn without_duties_the_file_leaves_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.png", "a.jpg"] {
        let path = saved(dir.path(), name, &made());
        let (picture, bytes) = (Picture::open(&path).unwrap(), fs::read(&path).unwrap());
        assert_eq!(picture.content(), Digest::of(&bytes));
        assert_eq!(delivered(&picture, &[], None, 1).unwrap(), bytes);
        let part = Part::bytes(10, 1_000).unwrap();
        assert_eq!(delivered(&picture, &[], Some(&part), 1).unwrap(), bytes[10..1_000]);
        let beyond = Part::bytes(10, bytes.len() as u64 + 1).unwrap();
        let error = delivered(&picture, &[], Some(&beyond), 1).unwrap_err();
        assert!(matches!(error, ProductError::Part(PartError::Range { .. })));
    }
}

#[test]
fn a_traced_copy_is_of_the_same_format_and_its_contract_is_found() {
    let dir = tempfile::tempdir().unwrap();
    for (name, format) in [("a.png", image::ImageFormat::Png), ("a.jpg", image::ImageFormat::Jpeg)]
    {
        let path = saved(dir.path(), name, &made());
        let picture = Picture::open(&path).unwrap();
        let copy = delivered(&picture, &[TRACE], None, 7).unwrap();
        assert_eq!(image::guess_format(&copy).unwrap(), format);
        // The same again, and another one for another contract.
        assert_eq!(delivered(&picture, &[TRACE], None, 7).unwrap(), copy);
        assert_ne!(delivered(&picture, &[TRACE], None, 8).unwrap(), copy);
        let (copy_image, original) =
            (image::load_from_memory(&copy).unwrap(), image::open(&path).unwrap());
        assert_eq!(copy_image.color(), original.color());
        assert!(psnr(&copy_image, &original) > 38.0);

        let compared = picture.compare(&copy).unwrap();
        assert!(compared.likeness() > 0.99, "{}", compared.likeness());
        assert!(compared.places() > 1_000);
        let score =
            |root: u8, number| compared.of_contract(&Root(root), &contract(number)).unwrap();
        let found = score(1, 7);
        assert!(found.is_found() && found.by_chance() < 1e-8 && found.score > 20.0);
        // Another contract, and another provider's secret.
        for other in [score(1, 8), score(2, 7)] {
            assert!(!other.is_found() && other.score.abs() < 5.0, "{other:?}");
        }
    }
}

#[test]
fn a_visible_mark_stands_all_over_the_copy_and_leaves_the_trace_findable() {
    let dir = tempfile::tempdir().unwrap();
    let path = saved(dir.path(), "a.png", &made());
    let picture = Picture::open(&path).unwrap().with_text("ARCHIVE é".parse().unwrap()).unwrap();
    let marked = delivered(&picture, &[VISIBLE, TRACE], None, 3).unwrap();
    let (seen, original) = (image::load_from_memory(&marked).unwrap(), image::open(&path).unwrap());
    // In each quarter, many pixels differ by far more than a trace does.
    for (x, y) in [(0, 0), (160, 0), (0, 120), (160, 120)] {
        let far = (x..x + 160)
            .flat_map(|x| (y..y + 120).map(move |y| (x, y)))
            .filter(|(x, y)| {
                let (one, other) = (seen.get_pixel(*x, *y), original.get_pixel(*x, *y));
                one.0[0].abs_diff(other.0[0]) > 20
            })
            .count();
        assert!(far > 200, "{far} pixels at {x}, {y}");
    }
    let found = picture.compare(&marked).unwrap().of_contract(&Root(1), &contract(3)).unwrap();
    assert!(found.is_found(), "{found:?}");
    // Who draws over the trace with another text hides it no better.
    let visible_alone = delivered(&picture, &[VISIBLE], None, 3).unwrap();
    let none = picture.compare(&visible_alone).unwrap();
    assert!(!none.of_contract(&Root(1), &contract(3)).unwrap().is_found());
    // The text is part of what is agreed.
    let bare = Picture::open(&path).unwrap();
    assert_ne!(bare.descriptor_digest(), picture.descriptor_digest());
    assert_eq!(bare.descriptor_digest(), Picture::open(&path).unwrap().descriptor_digest());
}

#[test]
fn only_texts_that_can_be_drawn_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = saved(dir.path(), "a.png", &made());
    for text in ["档案馆", "archive \u{1f600}", &"a".repeat(33)] {
        let error = Picture::open(&path).unwrap().with_text(text.parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains("cannot be drawn"), "{error}");
    }
}

#[test]
fn every_kind_of_pixel_is_copied() {
    let dir = tempfile::tempdir().unwrap();
    let rgb = made();
    let mut alpha = rgb.to_rgba8();
    for (x, _, pixel) in alpha.enumerate_pixels_mut() {
        pixel.0[3] = (x % 256) as u8;
    }
    let alpha = DynamicImage::ImageRgba8(alpha);
    for (name, image, color) in [
        ("gray", DynamicImage::ImageLuma8(rgb.to_luma8()), image::ColorType::L8),
        (
            "gray with alpha",
            DynamicImage::ImageLumaA8(alpha.to_luma_alpha8()),
            image::ColorType::La8,
        ),
        ("alpha", alpha.clone(), image::ColorType::Rgba8),
        ("16 bits", DynamicImage::ImageRgb16(rgb.to_rgb16()), image::ColorType::Rgb8),
        ("gray, 16 bits", DynamicImage::ImageLuma16(rgb.to_luma16()), image::ColorType::L8),
    ] {
        let path = saved(dir.path(), &format!("{name}.png"), &image);
        let picture = Picture::open(path).unwrap();
        let copy = delivered(&picture, &[TRACE, VISIBLE], None, 3).unwrap();
        let seen = image::load_from_memory(&copy).unwrap();
        assert_eq!(seen.color(), color, "{name}");
        if color.has_alpha() {
            let opacity = |image: &DynamicImage| {
                image.to_rgba8().pixels().map(|one| one.0[3]).collect::<Vec<_>>()
            };
            assert_eq!(opacity(&seen), opacity(&alpha), "{name}");
        }
        let found = picture.compare(&copy).unwrap().of_contract(&Root(1), &contract(3)).unwrap();
        assert!(found.is_found(), "{name}: {found:?}");
    }
}

/// A JPEG with a colour profile, and a camera's note that it lies on its side, with a place.
fn noted(image: &DynamicImage, profile: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95);
    encoder.set_icc_profile(profile.to_vec()).unwrap();
    // TIFF: one entry, orientation 6; behind it what nobody is to see.
    let exif = [
        &b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"[..],
        b"GPS 52.52 13.405",
    ];
    encoder.set_exif_metadata(exif.concat()).unwrap();
    image.write_with_encoder(encoder).unwrap();
    bytes
}

#[test]
fn a_copy_is_upright_has_the_colour_profile_and_no_other_note() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jpg");
    let profile = b"sixteen bytes...RGB and the rest";
    fs::write(&path, noted(&made(), profile)).unwrap();
    let picture = Picture::open(&path).unwrap();
    let copy = delivered(&picture, &[TRACE], None, 3).unwrap();
    let mut decoder = ImageReader::new(std::io::Cursor::new(&copy))
        .with_guessed_format()
        .unwrap()
        .into_decoder()
        .unwrap();
    assert_eq!(decoder.dimensions(), (240, 320));
    assert_eq!(decoder.orientation().unwrap(), Orientation::NoTransforms);
    assert_eq!(decoder.icc_profile().unwrap().unwrap(), profile);
    assert!(!copy.windows(3).any(|some| some == b"GPS"));
    assert!(
        picture.compare(&copy).unwrap().of_contract(&Root(1), &contract(3)).unwrap().is_found()
    );
    // A profile for other colours would be a lie.
    let other = dir.path().join("b.jpg");
    fs::write(&other, noted(&made(), b"sixteen bytes...CMYK and the rest")).unwrap();
    let bare = delivered(&Picture::open(&other).unwrap(), &[TRACE], None, 3).unwrap();
    assert!(!bare.windows(4).any(|some| some == b"CMYK"));
    // The file itself, turned by its note.
    let whole = picture.compare(&fs::read(&path).unwrap()).unwrap();
    assert!(whole.likeness() > 0.99);
}

#[test]
fn duties_that_cannot_be_carried_out_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let picture = Picture::open(saved(dir.path(), "a.png", &made())).unwrap();
    let column = || "a".parse().unwrap();
    let mask = Duty::Mask(ColumnMask { column: column(), method: MaskMethod::Drop });
    let keep = Duty::Keep(KeptColumns { columns: [column()].into() });
    let values = vec![Scalar::Boolean(true)];
    let filter = Duty::Filter(RowFilter { column: column(), operator: Operator::Eq, values });
    for duty in [mask, keep, filter] {
        let duties = [TRACE, duty];
        let expected = PlanError::MarkedAlone { clause: 1 };
        assert_eq!(picture.check(&duties).unwrap_err(), expected);
        let error = delivered(&picture, &duties, None, 1).unwrap_err();
        assert!(matches!(error, ProductError::Duty(error) if error == expected));
    }
    assert_eq!(picture.check(&[TRACE, VISIBLE, TRACE]), Ok(()));
    // Ranges of a copy, and rows of anything.
    for part in [Part::bytes(0, 5).unwrap(), Part::rows(None, Some(1)).unwrap()] {
        let error = delivered(&picture, &[TRACE], Some(&part), 1).unwrap_err();
        assert!(matches!(error, ProductError::Part(PartError::Kind { .. })), "{error}");
    }
    // What is too small for a trace can still bear what is seen.
    let small = DynamicImage::ImageRgb8(landscape(127, 127, 1));
    let small = Picture::open(saved(dir.path(), "small.png", &small)).unwrap();
    assert_eq!(small.check(&[VISIBLE, TRACE]), Err(PlanError::TooLittle { clause: 1 }));
    assert_eq!(small.check(&[VISIBLE]), Ok(()));
}

#[test]
fn other_products_bear_no_mark() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    fs::write(&path, "a,b\n1,2\n").unwrap();
    let table = Table::open(&path).unwrap();
    let file = MediaFile::open(&path, "text/csv".parse().unwrap()).unwrap();
    let json = dir.path().join("a.json");
    fs::write(&json, "{\"a\":1}").unwrap();
    let document = dataspace_data_plane::Document::open(&json).unwrap();
    for duty in [TRACE, VISIBLE] {
        let duties = [duty];
        let expected = Err(PlanError::Unmarked { clause: 0 });
        assert_eq!(dataspace_data_plane::Product::check(&table, &duties), expected);
        assert_eq!(document.check(&duties), expected);
        assert!(file.check(&duties).is_err());
        assert!(delivered(&table, &duties, None, 1).is_err());
        assert!(delivered(&document, &duties, None, 1).is_err());
        assert!(delivered(&file, &duties, None, 1).is_err());
    }
}

#[test]
fn a_file_that_was_changed_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = saved(dir.path(), "a.png", &made());
    let picture = Picture::open(&path).unwrap();
    let mut delivery = picture.open(&[TRACE], None, &Root(1), recipient(&contract(1))).unwrap();
    // While it is on its way, and then before.
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    let error = delivery.next().unwrap_err();
    assert!(matches!(error, RunError::ChangedFile), "{error}");
    assert!(delivery.next().unwrap().is_none());
    let error = delivered(&picture, &[TRACE], None, 1).unwrap_err();
    assert!(matches!(error, ProductError::Run(RunError::ChangedFile)), "{error}");
}

#[test]
fn another_picture_is_not_said_to_be_a_copy() {
    let dir = tempfile::tempdir().unwrap();
    let picture = Picture::open(saved(dir.path(), "a.png", &made())).unwrap();
    let other = DynamicImage::ImageRgb8(landscape(200, 300, 77)).rotate180();
    let compared = picture.compare(&png(&other)).unwrap();
    assert!(compared.likeness() < 0.8, "{}", compared.likeness());
    for number in 0..500 {
        assert!(!compared.of_contract(&Root(1), &contract(number)).unwrap().is_found());
    }
}

#[test]
fn a_picture_too_small_for_a_line_of_its_visible_mark_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    // Twelve digits of eight dots each.
    for (width, height, fits) in
        [(96, 24, true), (95, 24, false), (96, 23, false), (1024, 16, false)]
    {
        let picture = DynamicImage::ImageRgb8(landscape(width, height, 3));
        let picture = Picture::open(saved(dir.path(), "a.png", &picture)).unwrap();
        assert_eq!(picture.check(&[VISIBLE]).is_ok(), fits, "{width} by {height}");
        assert_eq!(delivered(&picture, &[VISIBLE], None, 1).is_ok(), fits);
        let labelled = picture.with_text("for the press".parse().unwrap()).unwrap();
        assert!(labelled.check(&[VISIBLE]).is_err(), "{width} by {height}");
    }
}
