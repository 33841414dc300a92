//! What comes out is what went in; what is not whole is not taken for whole.

use std::io::{self, BufRead as _, Read as _, Write};

use dataspace_sealed::{
    ChunkLen, Sealed, header::CONTENT_LEN_MAX, read::ReadError, seal::SealError,
};
use proptest::prelude::*;

use crate::support::{
    consumer, content, contract, drawn, finished, head_len, now, read, read_ranges, seal, sealed,
    why,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_read_is_what_was_written(
        len in prop_oneof![0_usize..6_000, (0_usize..5).prop_map(|chunks| chunks << 10)],
        written in prop::collection::vec(1_usize..3_000, 1..8),
        piece in 1_usize..4_000,
        is_declared: bool,
    ) {
        let content = content(len);
        let mut seal = seal();
        if is_declared {
            seal = seal.content_len(u64::try_from(len).unwrap());
        }
        let mut sealer = seal.begin(Vec::new(), &mut drawn(2)).unwrap();
        let mut rest = &content[..];
        for len in written.iter().cycle() {
            let (now, later) = rest.split_at((*len).min(rest.len()));
            sealer.write_all(now).unwrap();
            sealer.flush().unwrap();
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        let file = sealer.finish().unwrap();
        prop_assert_eq!(file.content_len, u64::try_from(len).unwrap());
        let chunks = len.div_ceil(1024).max(1);
        prop_assert_eq!(file.to.len(), head_len(&file.to) + len + 16 * chunks);

        let opened = Sealed::read(&file.to[..]).unwrap();
        prop_assert_eq!(opened.header(), &file.header);
        let key = opened.unwrap_key(&consumer(), &contract(), now()).unwrap();
        prop_assert_eq!(key.to_bytes(), file.key.to_bytes());
        prop_assert_eq!(read(&file.to, &key).unwrap(), content.clone());
        prop_assert_eq!(read_ranges(&file.to, &key, piece).unwrap(), content);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_sealed_in_place_is_what_is_sealed_otherwise(
        pieces in prop::collection::vec((0_usize..5_000, any::<bool>()), 0..6),
    ) {
        let content = content(pieces.iter().map(|(len, _)| len).sum());
        let mut sealer = seal().begin(Vec::new(), &mut drawn(2)).unwrap();
        let mut rest = &content[..];
        for (len, is_in_place) in pieces {
            let (now, later) = rest.split_at(len);
            if is_in_place {
                sealer.write_in_place(&mut now.to_vec()).unwrap();
            } else {
                sealer.write_all(now).unwrap();
            }
            rest = later;
        }
        prop_assert_eq!(sealer.finish().unwrap().to, sealed(&content).0);
    }
}

#[test]
fn a_content_in_the_longest_chunks_is_read_from_a_reader_that_gives_a_byte_at_a_time() {
    struct Slow<'a>(&'a [u8], bool);
    impl io::Read for Slow<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let len = to.len().min(1);
            self.0.read(&mut to[..len])
        }
    }
    let content = content((1 << 20) + 1);
    let file = finished(seal().chunk_len(ChunkLen::MAX), &content, 5);
    let mut opened = Sealed::read(Slow(&file.to, false)).unwrap().open(&file.key).unwrap();
    let mut found = Vec::new();
    opened.read_to_end(&mut found).unwrap();
    assert!(found == content);
}

#[test]
fn what_is_buffered_is_given_out_once() {
    let content = content(3_000);
    let (file, key) = sealed(&content);
    let mut opened = Sealed::read(&file[..]).unwrap().open(&key).unwrap();
    let mut found = Vec::new();
    loop {
        let buffered = opened.fill_buf().unwrap();
        if buffered.is_empty() {
            break;
        }
        let taken = buffered.len().min(700);
        found.extend_from_slice(&buffered[..taken]);
        opened.consume(taken);
    }
    opened.consume(usize::MAX);
    assert_eq!(opened.fill_buf().unwrap(), b"");
    assert_eq!(found, content);
}

#[test]
fn the_default_chunk_has_64_kib() {
    assert_eq!(ChunkLen::default().bytes(), 65_536);
    for bytes in [0, 1, 512, 1_023, 1_025, 3_072, 65_535, (1 << 20) + 1, 1 << 21, 1 << 40, u64::MAX]
    {
        assert!(ChunkLen::new(bytes).is_err(), "{bytes}");
    }
    for log2 in 10..=20 {
        assert_eq!(ChunkLen::new(1 << log2).unwrap().bytes(), 1 << log2);
    }
}

#[test]
fn a_file_that_was_not_finished_is_refused() {
    for len in [0, 1, 1_024, 1_025, 2_048] {
        let (whole, key) = sealed(&content(len));
        assert!(read(&whole, &key).is_ok(), "{len}");
        let mut file = Vec::new();
        let mut sealer = seal().begin(&mut file, &mut drawn(2)).unwrap();
        sealer.write_all(&content(len)).unwrap();
        drop(sealer);
        assert!(whole.starts_with(&file), "{len}");
        assert!(read(&file, &key).is_err(), "{len}");
    }
}

#[test]
fn a_content_of_another_length_than_declared_is_not_sealed() {
    for (declared, written) in [(10, 9), (10, 0), (1_024, 1_023), (4_000, 1_024)] {
        let mut sealer = seal().content_len(declared).begin(Vec::new(), &mut drawn(2)).unwrap();
        sealer.write_all(&content(written)).unwrap();
        assert!(matches!(sealer.finish(), Err(SealError::TooShort)), "{declared} {written}");
    }
    for (declared, written) in [(10, 11), (0, 1), (1_024, 1_025), (1_024, 9_000)] {
        let mut sealer = seal().content_len(declared).begin(Vec::new(), &mut drawn(2)).unwrap();
        let error = sealer.write_all(&content(written)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(sealer.write(b"more").is_err());
        assert!(matches!(sealer.finish(), Err(SealError::Failed)));
        let mut sealer = seal().content_len(declared).begin(Vec::new(), &mut drawn(2)).unwrap();
        let error = sealer.write_in_place(&mut content(written)).unwrap_err();
        assert!(matches!(error, SealError::TooLong));
        let error = sealer.write_in_place(&mut content(1)).unwrap_err();
        assert!(matches!(error, SealError::Failed));
    }
    let too_long = seal().content_len(CONTENT_LEN_MAX + 1).begin(Vec::new(), &mut drawn(2));
    assert!(matches!(too_long, Err(SealError::TooLong)));
    seal().content_len(CONTENT_LEN_MAX).begin(Vec::new(), &mut drawn(2)).unwrap();
}

/// Nothing may be sealed twice with one nonce: so a writer that failed is given up.
#[test]
fn nothing_is_sealed_after_a_failed_write() {
    struct Full(usize, Vec<u8>);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let len = bytes.len().min(self.0);
            self.0 -= len;
            self.1.extend_from_slice(&bytes[..len]);
            if len == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(len) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut full = Full(1_000, Vec::new());
    let mut sealer = seal().begin(&mut full, &mut drawn(2)).unwrap();
    let error = sealer.write_all(&content(5_000)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(sealer.write_all(&content(5_000)).is_err());
    assert!(matches!(sealer.finish(), Err(SealError::Failed)));
    assert_eq!(full.1.len(), 1_000);
    let mut sealer = seal().begin(Full(1_000, Vec::new()), &mut drawn(2)).unwrap();
    let error = sealer.write_in_place(&mut content(5_000)).unwrap_err();
    assert!(matches!(error, SealError::Write(_)));
    let error = sealer.write_in_place(&mut content(5_000)).unwrap_err();
    assert!(matches!(error, SealError::Failed));
    assert!(seal().begin(Full(3, Vec::new()), &mut drawn(2)).is_err());
}

#[test]
fn a_seed_is_wiped_and_not_taken_twice() {
    let mut seed = drawn(2);
    seal().begin(Vec::new(), &mut seed).unwrap();
    assert_eq!(seed, [0; 96]);
    assert!(matches!(seal().begin(Vec::new(), &mut seed), Err(SealError::Seed)));
    // And no third of it was left out.
    for third in 0..3 {
        let mut seed = drawn::<96>(2);
        seed[32 * third..32 * (third + 1)].fill(0);
        assert!(matches!(seal().begin(Vec::new(), &mut seed), Err(SealError::Seed)));
    }
}

#[test]
fn an_error_of_the_reader_is_passed_on() {
    struct Broken<'a>(&'a [u8]);
    impl io::Read for Broken<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(io::ErrorKind::TimedOut.into()) } else { self.0.read(to) }
        }
    }
    let (file, key) = sealed(&content(3_000));
    let mut opened = Sealed::read(Broken(&file[..2_000])).unwrap().open(&key).unwrap();
    let mut found = Vec::new();
    let error = opened.read_to_end(&mut found).unwrap_err();
    assert_eq!((error.kind(), found.len()), (io::ErrorKind::TimedOut, 1_024));
    assert!(matches!(why(&opened.read(&mut [0]).unwrap_err()), Some(ReadError::Failed)));
}
