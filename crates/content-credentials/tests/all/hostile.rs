//! Files that somebody worked on: cut, moved, changed, made up. Whatever they are, an answer comes soon, and no
//! reservation is lost but with all credentials.

use std::sync::OnceLock;

use dataspace_content_credentials::{ContentCredentials, Standing};
use proptest::prelude::*;

use crate::support::{
    ALL, JPEG, MP4, PNG, WAV, builder, chunk, chunks, not_allowed, plain, png_with, read, sign,
    signed,
};

fn broken(credentials: &ContentCredentials) -> &str {
    assert!(!credentials.forbids().is_empty(), "{credentials}");
    match credentials.standing() {
        Standing::Broken { why } => why,
        other => panic!("{other}"),
    }
}

#[test]
fn a_changed_file_has_credentials_that_do_not_hold() {
    for format in ALL {
        for assertions in [&[][..], &[not_allowed()]] {
            let mut bytes = signed(format, assertions);
            // The manifest of a recording stands behind its samples.
            let at = if format == WAV { 100 } else { bytes.len() - 40 };
            bytes[at] ^= 0x15;
            let credentials = read(&bytes);
            let why = broken(&credentials);
            assert!(why.contains("ash.mismatch"), "{format}: {why}");
        }
    }
}

#[test]
fn a_manifest_of_another_file_does_not_hold() {
    let one = signed(PNG, &[not_allowed()]);
    let all = chunks(&one);
    let (_, manifest) = all.iter().find(|(name, _)| *name == b"caBX").unwrap();
    let other = plain(PNG, 99);
    let head = 8 + chunks(&other)[0].1.len();
    let moved = [&other[..head], manifest, &other[head..]].concat();
    assert!(broken(&read(&moved)).contains("ash.mismatch"));
    // And two of them are not one.
    let twice = [&one[..head], manifest, &one[head..]].concat();
    broken(&read(&twice));
}

#[test]
fn a_file_without_its_manifest_is_one_that_never_had_one() {
    let one = signed(PNG, &[not_allowed()]);
    let kept = chunks(&one).into_iter().filter(|(name, _)| *name != b"caBX");
    let stripped: Vec<u8> = kept.fold(one[..8].to_vec(), |all, (_, chunk)| [&all, chunk].concat());
    let credentials = read(&stripped);
    assert_eq!(*credentials.standing(), Standing::Absent);
    assert!(credentials.forbids().is_empty());
}

#[test]
fn a_manifest_that_was_cut_or_emptied_does_not_hold() {
    let one = signed(PNG, &[not_allowed()]);
    let all = chunks(&one);
    let (_, manifest) = all.iter().find(|(name, _)| *name == b"caBX").unwrap();
    let content = &manifest[8..manifest.len() - 4];
    for len in [0, 1, 8, 16, 40, content.len() / 2, content.len() - 1] {
        let credentials = read(&png_with(&chunk("caBX", &content[..len])));
        broken(&credentials);
    }
    broken(&read(&png_with(&chunk("caBX", &[0; 5_000]))));
    broken(&read(&png_with(&chunk("caBX", &[0xff; 5_000]))));
}

#[test]
fn one_who_signed_over_a_change_says_so_in_its_own_name() {
    // Credentials can be taken away and replaced by others: who signed is told.
    let credentials = read(&sign(builder(JPEG, &[]), JPEG, &plain(JPEG, 7)));
    assert!(matches!(credentials.standing(), Standing::Intact { .. }));
    assert!(credentials.to_string().contains("on no list that was given"), "{credentials}");
}

#[test]
fn a_manifest_that_is_too_long_is_not_read() {
    let long = vec![0; (16 << 20) + 1];
    assert!(broken(&read(&png_with(&chunk("caBX", &long)))).contains("more than 16777216 bytes"));
    // A length that nothing is behind.
    for len in [1_u32 << 25, u32::MAX] {
        let mut short = chunk("caBX", b"manifest");
        short[..4].copy_from_slice(&len.to_be_bytes());
        assert!(broken(&read(&png_with(&short))).contains("more than"));
        let mut wav = plain(WAV, 7);
        wav.extend_from_slice(b"C2PA");
        wav.extend_from_slice(&len.to_le_bytes());
        assert!(broken(&read(&wav)).contains("more than"));
    }
    let credentials = b"\xd8\xfe\xc3\xd6\x1b\x0e\x48\x3c\x92\x97\x58\x28\x87\x7e\xc4\x81";
    let mut film = plain(MP4, 7);
    film.extend_from_slice(&1_u32.to_be_bytes());
    film.extend_from_slice(b"uuid");
    film.extend_from_slice(&(1_u64 << 40).to_be_bytes());
    film.extend_from_slice(credentials);
    assert!(broken(&read(&film)).contains("more than"));
}

#[test]
fn a_file_of_too_many_parts_is_not_read() {
    let is_too_much = |bytes: &[u8]| {
        let credentials = read(bytes);
        assert!(broken(&credentials).contains("more than 131072 parts"), "{credentials}");
    };
    is_too_much(&png_with(&chunk("tEXt", b"").repeat(140_000)));
    is_too_much(&[&plain(WAV, 7)[..], &b"LIST\0\0\0\0".repeat(140_000)].concat());
    is_too_much(&[&plain(MP4, 7)[..], &b"\0\0\0\x08free".repeat(140_000)].concat());
    let jpeg = plain(JPEG, 7);
    is_too_much(&[&jpeg[..2], &b"\xff\xe1\0\x02".repeat(140_000), &jpeg[2..]].concat());
    // Boxes that end within their own heads: each step is a part.
    for len in 2..8_u8 {
        let boxes = [0, 0, 0, len, b'f', b'r', b'e', b'e'].repeat(200_000);
        broken(&read(&[&plain(MP4, 7)[..], &boxes].concat()));
    }
    let one = [&plain(MP4, 7)[..], &[0, 0, 0, 1].repeat(100_000)].concat();
    drop(read(&one));
}

#[test]
fn boxes_within_boxes_have_an_end() {
    for depth in [30_u32, 33, 1_000, 30_000] {
        let heads: Vec<u8> = (0..depth)
            .flat_map(|level| [&((depth - level) * 8).to_be_bytes()[..], b"moov"].concat())
            .collect();
        drop(read(&[&plain(MP4, 7)[..], &heads].concat()));
        let heads: Vec<u8> = (0..depth)
            .flat_map(|level| [&((depth - level) * 8).to_be_bytes()[..], b"meta"].concat())
            .collect();
        drop(read(&[&plain(MP4, 7)[..], &heads].concat()));
        // The same in a manifest.
        let heads: Vec<u8> = (0..depth)
            .flat_map(|level| [&((depth - level) * 8).to_be_bytes()[..], b"jumb"].concat())
            .collect();
        broken(&read(&png_with(&chunk("caBX", &heads))));
        // And as a value of a manifest.
        let nested = [vec![0x81; depth.try_into().unwrap()], vec![0]].concat();
        let mut bytes = signed(PNG, &[not_allowed()]);
        let at = bytes.windows(7).position(|bytes| bytes == b"entries").unwrap();
        let len = nested.len().min(200);
        bytes.splice(at..at + len, nested[..len].iter().copied());
        broken(&read(&bytes));
    }
}

fn known(format: &str) -> &'static [u8] {
    static FILES: OnceLock<Vec<(&'static str, Vec<u8>)>> = OnceLock::new();
    let files = FILES.get_or_init(|| {
        ALL.iter().map(|format| (*format, signed(format, &[not_allowed()]))).collect()
    });
    &files.iter().find(|(known, _)| *known == format).unwrap().1
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Of a file that reserves training, whatever becomes of it: it is forbidden, or all credentials are gone.
    #[test]
    fn a_change_anywhere_frees_nothing(
        format in prop::sample::select(ALL.to_vec()),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8, 0..40_usize), 1..4,
        ),
    ) {
        let mut bytes = known(format).to_vec();
        for (at, byte, kind, len) in changes {
            let at = at.index(bytes.len());
            let until = (at + len).min(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.drain(at..until)),
                2 => {
                    let again = bytes[at..until].to_vec();
                    bytes.splice(at..at, again);
                }
                _ => bytes.truncate(at),
            }
            if bytes.is_empty() {
                return Ok(());
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let path = crate::support::file(&dir, &bytes);
        let read = ContentCredentials::read(&path, &dataspace_content_credentials::TrustList::none());
        if let Ok(credentials) = read {
            let is_gone = *credentials.standing() == Standing::Absent;
            prop_assert!(is_gone || !credentials.forbids().is_empty(), "{}", credentials);
        }
    }

    #[test]
    fn bytes_of_a_known_beginning_are_read_to_an_end(
        format in prop::sample::select(ALL.to_vec()),
        keep in any::<prop::sample::Index>(),
        noise in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let bytes = known(format);
        let bytes = [&bytes[..keep.index(bytes.len())], &noise].concat();
        let dir = tempfile::tempdir().unwrap();
        let path = crate::support::file(&dir, &bytes);
        drop(ContentCredentials::read(&path, &dataspace_content_credentials::TrustList::none()));
    }
}
