//! Ranges: the same bytes as in order, from no more chunks than needed.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use dataspace_sealed::{Seal, Sealed, read::ReadError};
use proptest::prelude::*;

use crate::support::{Reads, Watched, content, contract, drawn, finished, head_len, seal, sealed};

/// Indices of the chunks that were read since the last time, without the head.
fn touched(reads: &Reads, head_len: u64, sealed_chunk: u64) -> Vec<u64> {
    let reads = std::mem::take(&mut *reads.borrow_mut());
    let reads = reads.into_iter().filter(|(from, until)| *until > head_len && from < until);
    let mut chunks: Vec<u64> = reads
        .flat_map(|(from, until)| {
            from.saturating_sub(head_len) / sealed_chunk..=(until - 1 - head_len) / sealed_chunk
        })
        .collect();
    chunks.sort_unstable();
    chunks.dedup();
    chunks
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_range_is_the_slice_of_the_content(
        len in 0_usize..6_000,
        ranges in prop::collection::vec((0_usize..6_100, 0_usize..3_000), 1..10),
        is_declared: bool,
    ) {
        let content = content(len);
        let mut seal = seal();
        if is_declared {
            seal = seal.content_len(u64::try_from(len).unwrap());
        }
        let file = finished(seal, &content, 4);
        let mut opened = Sealed::read(Cursor::new(&file.to)).unwrap().ranges(&file.key).unwrap();
        prop_assert_eq!(opened.content_len(), u64::try_from(len).unwrap());
        for (from, range_len) in ranges {
            let mut found = vec![0xa5; range_len];
            let result = opened.read_range(u64::try_from(from).unwrap(), &mut found);
            if let Some(expected) = content.get(from..from + range_len) {
                prop_assert!(result.is_ok());
                prop_assert_eq!(&found, expected);
            } else {
                prop_assert!(matches!(result, Err(ReadError::BeyondEnd)));
                prop_assert_eq!(found, vec![0xa5; range_len]);
            }
        }
    }
}

#[test]
fn ranges_at_the_edge_of_numbers_are_beyond_the_end() {
    let (file, key) = sealed(&content(2_048));
    let mut opened = Sealed::read(Cursor::new(&file)).unwrap().ranges(&key).unwrap();
    for from in [2_048, 2_049, u64::MAX - 1, u64::MAX, 1 << 40, 1 << 63] {
        assert!(matches!(opened.read_range(from, &mut [0]), Err(ReadError::BeyondEnd)), "{from}");
    }
    opened.read_range(2_048, &mut []).unwrap();
    opened.read_range(2_047, &mut [0]).unwrap();
}

#[test]
fn a_range_in_the_chunk_that_is_held_reads_nothing() {
    let (file, key) = sealed(&content(5_000));
    let (watched, reads) = Watched::new(Cursor::new(&file));
    let mut opened = Sealed::read(watched).unwrap().ranges(&key).unwrap();
    let head_len = u64::try_from(head_len(&file)).unwrap();
    // To know where the content ends.
    assert_eq!(touched(&reads, head_len, 1_040), [4]);
    for (from, len, expected) in [
        (4_096, 904, vec![]),
        (0, 1, vec![0]),
        (5, 1_019, vec![]),
        (5, 1_020, vec![1]),
        (2_047, 2_050, vec![2, 3, 4]),
        (4_999, 1, vec![]),
    ] {
        opened.read_range(from, &mut vec![0; len]).unwrap();
        assert_eq!(touched(&reads, head_len, 1_040), expected, "{from} {len}");
    }
}

/// The measure: 64 KiB of a sealed GiB touch at most two chunks, and opening touches none if the length
/// is declared.
#[test]
fn a_range_of_64_kib_in_a_gib_touches_at_most_two_chunks() {
    const GIB: u64 = 1 << 30;
    const CHUNK: u64 = 1 << 16;
    for is_declared in [true, false] {
        let contract = contract();
        let mut seal = Seal::new(contract.id, contract.product);
        if is_declared {
            seal = seal.content_len(GIB);
        }
        let mut sealer = seal.begin(Sparse::default(), &mut drawn(6)).unwrap();
        let mut block = vec![0; 1 << 16];
        for index in 0..GIB / CHUNK {
            block[..8].copy_from_slice(&index.to_le_bytes());
            sealer.write_all(&block).unwrap();
        }
        let file = sealer.finish().unwrap();
        let (head_len, sealed_chunk) = (file.to.head_len, CHUNK + 16);
        let (watched, reads) = Watched::new(Sparse { at: 0, ..file.to });
        let mut opened = Sealed::read(watched).unwrap().ranges(&file.key).unwrap();
        let expected = if is_declared { vec![] } else { vec![16_383] };
        assert_eq!(touched(&reads, head_len, sealed_chunk), expected);

        for (first, skip) in
            [(0, 0), (0, 1), (8_191, 0), (8_191, 65_535), (16_382, 40_000), (16_383, 0)]
        {
            let mut found = vec![1; 1 << 16];
            opened.read_range(first * CHUNK + skip, &mut found).unwrap();
            let touched = touched(&reads, head_len, sealed_chunk);
            assert!(touched.len() <= 2, "{first} {skip}: {touched:?}");
            let mark = if skip == 0 { 0 } else { usize::try_from(CHUNK - skip).unwrap() };
            let marked = first + u64::from(skip > 0);
            let len = 8.min(found.len() - mark);
            assert_eq!(found[mark..mark + len], marked.to_le_bytes()[..len]);
        }
    }
}

/// A file that keeps only the chunks that a test looks at. One write is one chunk.
#[derive(Default)]
struct Sparse {
    kept: BTreeMap<u64, Vec<u8>>,
    head_len: u64,
    len: u64,
    at: u64,
}

impl Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = u64::try_from(bytes.len()).unwrap();
        if self.len == 0 {
            self.head_len = len;
            self.kept.insert(0, bytes.to_vec());
        } else if [0, 1, 8_191, 8_192, 16_382, 16_383]
            .contains(&((self.len - self.head_len) / 65_552))
        {
            self.kept.insert(self.len, bytes.to_vec());
        }
        self.len += len;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Sparse {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let (begin, bytes) = self.kept.range(..=self.at).next_back().unwrap();
        let rest = bytes.get(usize::try_from(self.at - begin).unwrap()..).unwrap();
        let len = rest.len().min(to.len());
        assert!(len > 0 || to.is_empty(), "nothing is kept at {}", self.at);
        to[..len].copy_from_slice(&rest[..len]);
        self.at += u64::try_from(len).unwrap();
        Ok(len)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.at.checked_add_signed(by).unwrap(),
            SeekFrom::End(by) => self.len.checked_add_signed(by).unwrap(),
        };
        Ok(self.at)
    }
}
