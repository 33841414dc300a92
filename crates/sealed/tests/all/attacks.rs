//! Files that someone changed: refused, and what was given out before is from the beginning of the content.

use std::io::Cursor;

use dataspace_sealed::{ContentKey, Sealed, read::ReadError};
use proptest::prelude::*;

use crate::support::{content, finished, head_len, read, read_ranges, seal, sealed, why};

/// Bytes of a full chunk in these files.
const CHUNK: usize = 1_024 + 16;

/// Reading fails in every way of reading, and gives nothing that is not from the beginning of the content.
fn assert_is_refused(file: &[u8], key: &ContentKey, content: &[u8], what: &str) {
    let (given, _) = read(file, key).expect_err(what);
    assert!(content.starts_with(&given), "{what}");
    let Ok(sealed) = Sealed::read(Cursor::new(file)) else { return };
    let Ok(mut opened) = sealed.ranges(key) else { return };
    let len = usize::try_from(opened.content_len()).unwrap();
    let mut found = vec![0; len];
    assert!(opened.read_range(0, &mut found).is_err(), "{what}");
    // Whatever single range is read is what was sealed there.
    for from in (0..len).step_by(512) {
        let mut piece = [0; 1];
        if opened.read_range(u64::try_from(from).unwrap(), &mut piece).is_ok() {
            assert_eq!(Some(&piece[0]), content.get(from), "{what}");
        }
    }
}

/// Head and chunks.
fn parts(file: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let (head, chunks) = file.split_at(head_len(file));
    (head, chunks.chunks(CHUNK).collect())
}

fn joined(head: &[u8], chunks: &[&[u8]]) -> Vec<u8> {
    [head, &chunks.concat()].concat()
}

/// Both kinds of files: with the length in the header, and without.
fn files(content: &[u8]) -> [(Vec<u8>, ContentKey); 2] {
    let declared = finished(seal().content_len(u64::try_from(content.len()).unwrap()), content, 31);
    [sealed(content), (declared.to, declared.key)]
}

#[test]
fn chunks_in_another_order_are_refused() {
    let content = content(4_096);
    for (file, key) in files(&content) {
        let (head, chunks) = parts(&file);
        for first in 0..chunks.len() {
            for second in 0..first {
                let mut chunks = chunks.clone();
                chunks.swap(first, second);
                assert_is_refused(&joined(head, &chunks), &key, &content, "swapped");
                // And one in place of the other.
                chunks[first] = chunks[second];
                assert_is_refused(&joined(head, &chunks), &key, &content, "repeated");
            }
        }
    }
}

#[test]
fn a_file_that_was_cut_is_refused_at_every_length() {
    let content = content(2_100);
    for (file, key) in files(&content) {
        for len in 0..file.len() {
            let cut = &file[..len];
            assert!(read(cut, &key).is_err(), "{len}");
            if let Ok(sealed) = Sealed::read(Cursor::new(cut)) {
                assert!(sealed.ranges(&key).is_err(), "{len}");
            }
        }
    }
}

#[test]
fn a_file_without_its_first_or_a_middle_chunk_is_refused() {
    let content = content(5_000);
    for (file, key) in files(&content) {
        let (head, chunks) = parts(&file);
        for left_out in 0..chunks.len() {
            let mut chunks = chunks.clone();
            chunks.remove(left_out);
            assert_is_refused(&joined(head, &chunks), &key, &content, "left out");
        }
        assert_is_refused(head, &key, &content, "no chunks");
    }
}

#[test]
fn a_file_that_was_continued_is_refused() {
    for len in [0, 1, 1_024, 2_048, 2_500] {
        let content = content(len);
        for (file, key) in files(&content) {
            let (_, chunks) = parts(&file);
            let tails: [&[u8]; 6] =
                [&[0], &[0; 15], &[0; 16], &[0; CHUNK], chunks[0], chunks[chunks.len() - 1]];
            for tail in tails {
                assert_is_refused(&[&file, tail].concat(), &key, &content, "continued");
            }
            assert_is_refused(&[&file[..], &file[..]].concat(), &key, &content, "twice");
        }
    }
}

/// Of two files for the same contract, even with the same content.
#[test]
fn chunks_of_another_file_are_refused() {
    let content = content(3_000);
    let (file, key) = sealed(&content);
    let other = finished(seal(), &content, 32).to;
    let ((head, chunks), (other_head, other_chunks)) = (parts(&file), parts(&other));
    for at in 0..chunks.len() {
        let mut chunks = chunks.clone();
        chunks[at] = other_chunks[at];
        assert_is_refused(&joined(head, &chunks), &key, &content, "a chunk");
    }
    assert_is_refused(&joined(head, &other_chunks), &key, &content, "all chunks");
    assert_is_refused(&joined(other_head, &chunks), &key, &content, "a head");
}

/// The same key and content with other lengths of chunks: no chunk of one is one of the other.
#[test]
fn a_header_of_the_same_key_with_other_lengths_is_refused() {
    let content = content(4_096);
    let ours = finished(seal(), &content, 33);
    let longer = dataspace_sealed::ChunkLen::new(2_048).unwrap();
    for (other, len) in [
        (seal().content_len(4_096), 4_096),
        (seal().content_len(1_024), 1_024),
        (seal().chunk_len(longer), 4_096),
    ] {
        let other = finished(other, &content[..len], 33);
        assert_eq!(other.key.to_bytes(), ours.key.to_bytes());
        let mixed = joined(parts(&other.to).0, &parts(&ours.to).1);
        assert_is_refused(&mixed, &ours.key, &content, "another header");
    }
}

#[test]
fn no_bit_of_a_file_can_be_changed() {
    let content = content(2_100);
    for (file, key) in files(&content) {
        let head_len = head_len(&file);
        let (mut refused, mut unread) = (0, 0);
        for at in 0..file.len() {
            // Every bit of the head, one of each byte of the chunks.
            for bit in if at < head_len { 0..8 } else { at % 8..at % 8 + 1 } {
                let mut changed = file.clone();
                changed[at] ^= 1 << bit;
                match read(&changed, &key) {
                    // The wrapped key is not read by one who has the key.
                    Ok(found) => {
                        assert_eq!(found, content);
                        let (changed, good) =
                            (Sealed::read(&changed[..]).unwrap(), Sealed::read(&file[..]).unwrap());
                        assert_ne!(changed.wrapped_key(), good.wrapped_key());
                        assert_eq!(changed.header(), good.header());
                        unread += 1;
                    }
                    Err((given, _)) => {
                        assert!(content.starts_with(&given));
                        refused += 1;
                    }
                }
            }
        }
        assert_eq!(unread, 8 * 80);
        assert_eq!(refused + unread, 7 * head_len + file.len());
    }
}

#[test]
fn an_empty_last_chunk_behind_others_is_refused() {
    // Such a file cannot be made without the key: this one would be taken but for the rule.
    let (file, key) = sealed(&content(1_024));
    let empty = [&file[..], &[0; 16]].concat();
    let (given, error) = read(&empty, &key).unwrap_err();
    assert!(given.is_empty() && matches!(why(&error), Some(ReadError::Chunk)), "{error}");
    assert!(matches!(read_ranges(&empty, &key, 1), Err(ReadError::Len)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn whatever_is_done_to_a_file_only_the_content_comes_out(
        len in 0_usize..4_000,
        changes in prop::collection::vec((0_u8..6, any::<usize>(), any::<usize>(), any::<u8>()), 1..5),
    ) {
        let content = content(len);
        let (file, key) = sealed(&content);
        let mut changed = file.clone();
        for (operation, at, other, byte) in changes {
            let at = at % (changed.len() + 1);
            let other = other % (changed.len() + 1);
            match operation {
                0 => changed.truncate(at),
                1 => changed.insert(at, byte),
                2 if at < changed.len() => changed[at] ^= byte,
                3 => changed.splice(at..at, file[..other.min(file.len())].iter().copied()).for_each(drop),
                4 => drop(changed.drain(at.min(other)..at.max(other))),
                _ => changed.rotate_left(at),
            }
        }
        match read(&changed, &key) {
            Ok(found) => prop_assert_eq!(found, content.clone()),
            Err((given, _)) => prop_assert!(content.starts_with(&given)),
        }
        if let Ok(sealed) = Sealed::read(Cursor::new(&changed))
            && let Ok(mut opened) = sealed.ranges(&key)
        {
            let mut found = vec![0; usize::try_from(opened.content_len()).unwrap()];
            if opened.read_range(0, &mut found).is_ok() {
                prop_assert_eq!(found, content);
            }
        }
    }
}
