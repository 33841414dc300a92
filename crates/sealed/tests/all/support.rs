//! One contract, one consumer, and files sealed for them.

use std::cell::RefCell;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::rc::Rc;

use dataspace_primitives::{Digest, UnixMillis, Validity};
use dataspace_sealed::{
    ChunkLen, ContentKey, Contract, RecipientSecret, Seal, Sealed, read::ReadError, seal::Finished,
};

/// Bytes that no two numbers share.
pub(crate) fn drawn<const N: usize>(number: u64) -> [u8; N] {
    let blocks =
        (0..).map(|at: u64| Digest::of(&[number.to_be_bytes(), at.to_be_bytes()].concat()));
    let bytes: Vec<u8> = blocks.flat_map(|block| *block.as_bytes()).take(N).collect();
    bytes.try_into().unwrap()
}

/// Content in which no two places look alike.
pub(crate) fn content(len: usize) -> Vec<u8> {
    let blocks = (0..).map(|at: u64| Digest::of(&at.to_le_bytes()));
    blocks.flat_map(|block| *block.as_bytes()).take(len).collect()
}

pub(crate) fn contract() -> Contract {
    let validity = Validity::new(day("2026-01-01"), day("2027-01-01")).unwrap();
    Contract { id: Digest::of(b"agreement"), product: "alloys".parse().unwrap(), validity }
}

pub(crate) fn day(day: &str) -> UnixMillis {
    format!("{day}T00:00:00Z").parse().unwrap()
}

pub(crate) fn now() -> UnixMillis {
    day("2026-06-01")
}

pub(crate) fn consumer() -> RecipientSecret {
    RecipientSecret::from_seed(&mut drawn(1)).unwrap()
}

/// In chunks of 1 KiB, for the consumer, without a declared length.
pub(crate) fn seal() -> Seal {
    let contract = contract();
    Seal::new(contract.id, contract.product)
        .recipient(*consumer().recipient())
        .chunk_len(ChunkLen::MIN)
}

pub(crate) fn finished(seal: Seal, content: &[u8], seed: u64) -> Finished<Vec<u8>> {
    let mut sealer = seal.begin(Vec::new(), &mut drawn(seed)).unwrap();
    sealer.write_all(content).unwrap();
    sealer.finish().unwrap()
}

/// A file for the consumer, and its key.
pub(crate) fn sealed(content: &[u8]) -> (Vec<u8>, ContentKey) {
    let Finished { to, key, .. } = finished(seal(), content, 2);
    (to, key)
}

/// Where the first chunk begins.
pub(crate) fn head_len(file: &[u8]) -> usize {
    10 + usize::from(u16::from_be_bytes([file[8], file[9]]))
}

/// Why nothing was read, or what was read in order before the error.
pub(crate) fn read(file: &[u8], key: &ContentKey) -> Result<Vec<u8>, (Vec<u8>, io::Error)> {
    let failed =
        |error: Box<dyn std::error::Error + Send + Sync>| (Vec::new(), io::Error::other(error));
    let sealed = Sealed::read(file).map_err(|error| failed(error.into()))?;
    let mut opened = sealed.open(key).map_err(|error| failed(error.into()))?;
    let mut content = Vec::new();
    match opened.read_to_end(&mut content) {
        Ok(_) => Ok(content),
        Err(error) => {
            let again = opened.read(&mut [0]).unwrap_err();
            assert!(
                matches!(why(&again), Some(ReadError::Failed)),
                "an error is for ever: {again}"
            );
            Err((content, error))
        }
    }
}

/// The reason in an error of reading.
pub(crate) fn why(error: &io::Error) -> Option<&ReadError> {
    error.get_ref().and_then(|error| error.downcast_ref())
}

/// Every byte by ranges, in pieces of this length.
pub(crate) fn read_ranges(
    file: &[u8],
    key: &ContentKey,
    piece: usize,
) -> Result<Vec<u8>, ReadError> {
    let mut ranges = Sealed::read(Cursor::new(file)).unwrap().ranges(key)?;
    let mut content = vec![0; usize::try_from(ranges.content_len()).unwrap()];
    let mut from = 0;
    for piece in content.chunks_mut(piece) {
        ranges.read_range(from, piece)?;
        from += u64::try_from(piece.len()).unwrap();
    }
    Ok(content)
}

/// From which byte until which, for each call.
pub(crate) type Reads = Rc<RefCell<Vec<(u64, u64)>>>;

/// A file that notes what is read of it.
pub(crate) struct Watched<R> {
    inner: R,
    at: u64,
    reads: Reads,
}

impl<R> Watched<R> {
    pub(crate) fn new(inner: R) -> (Self, Reads) {
        let reads = Reads::default();
        (Self { inner, at: 0, reads: Rc::clone(&reads) }, reads)
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(to)?;
        let until = self.at + u64::try_from(len).unwrap();
        self.reads.borrow_mut().push((self.at, until));
        self.at = until;
        Ok(len)
    }
}

impl<R: Seek> Seek for Watched<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.inner.seek(to)?;
        Ok(self.at)
    }
}

/// Hexadecimal digits of bytes, and back.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

pub(crate) fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
