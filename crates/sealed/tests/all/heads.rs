//! Heads that lie: refused in bounded time and memory, whatever they declare.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use ciborium::Value;
use dataspace_sealed::{
    Sealed,
    header::{CONTENT_LEN_MAX, InvalidHeader},
    read::ReadError,
    sealed::{HEAD_LEN_MAX, SealedError},
};

use crate::support::{content, finished, head_len, seal, sealed};

type Map = Vec<(Value, Value)>;

/// The good head of a file as values: header, and what stands around it.
fn values() -> (Map, Map) {
    let (file, _) = sealed(&content(10));
    let map = |bytes: &[u8]| ciborium::from_reader::<Value, _>(bytes).unwrap().into_map().unwrap();
    let part = map(&file[10..head_len(&file)]);
    let (_, header) = part.iter().find(|(key, _)| key.as_text() == Some("header")).unwrap();
    (map(header.as_bytes().unwrap()), part)
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

fn set(map: &mut Map, key: &str, value: Option<Value>) {
    let at = map.iter().position(|(found, _)| found.as_text() == Some(key));
    match (at, value) {
        (Some(at), Some(value)) => map[at].1 = value,
        (Some(at), None) => drop(map.remove(at)),
        (None, Some(value)) => {
            map.push((key.into(), value));
            map.sort_by_key(|(key, _)| bytes(key));
        }
        (None, None) => {}
    }
}

fn head(part: &[u8]) -> Vec<u8> {
    [b"DSSEALED", &u16::try_from(part.len()).unwrap().to_be_bytes()[..], part].concat()
}

/// A head whose header says something else.
fn with_header(key: &str, value: Option<Value>) -> Vec<u8> {
    let (mut header, mut part) = values();
    set(&mut header, key, value);
    set(&mut part, "header", Some(Value::Bytes(bytes(&Value::Map(header)))));
    head(&bytes(&Value::Map(part)))
}

fn with_part(key: &str, value: Option<Value>) -> Vec<u8> {
    let (_, mut part) = values();
    set(&mut part, key, value);
    head(&bytes(&Value::Map(part)))
}

fn error(file: &[u8]) -> SealedError {
    Sealed::read(file).unwrap_err()
}

#[test]
fn the_values_of_a_good_head_make_it() {
    let (file, _) = sealed(&content(10));
    let (header, _) = values();
    let part = with_part("header", Some(Value::Bytes(bytes(&Value::Map(header)))));
    assert_eq!(part, file[..head_len(&file)]);
}

#[test]
fn what_is_not_a_sealed_file_is_refused() {
    for file in [&b""[..], b"DSSEALED", b"DSSEALED\0", b"DSSEALED\0\x05abc"] {
        assert!(matches!(error(file), SealedError::Truncated), "{file:?}");
    }
    for file in [&b"DSSEALEE\0\0"[..], b"dssealed\0\0", &[0; 100], b"PK\x03\x04 something"] {
        assert!(matches!(error(file), SealedError::Magic), "{file:?}");
    }
    assert!(matches!(error(b"DSSEALED\0\0"), SealedError::Form(_)));
}

#[test]
fn a_head_that_declares_too_much_is_refused_before_it_is_read() {
    for len in [1_025_u16, 4_096, u16::MAX] {
        let file = [b"DSSEALED", &len.to_be_bytes()[..]].concat();
        // What follows would never end.
        let endless = Cursor::new(file).chain(io::repeat(0));
        assert!(matches!(Sealed::read(endless), Err(SealedError::TooLong)), "{len}");
    }
    let file = [b"DSSEALED", &1_024_u16.to_be_bytes()[..], &[0xa0; 1_024]].concat();
    assert_eq!(file.len(), HEAD_LEN_MAX);
    assert!(matches!(error(&file), SealedError::Form(_)));
}

#[test]
fn a_head_has_one_encoding() {
    let (header, part) = values();
    let other_order = |mut map: Map| {
        map.reverse();
        bytes(&Value::Map(map))
    };
    assert!(matches!(error(&head(&other_order(part.clone()))), SealedError::Form(_)));
    let header = with_part("header", Some(Value::Bytes(other_order(header))));
    assert!(matches!(error(&header), SealedError::Header(InvalidHeader::Form(_))));
    assert!(matches!(error(&with_part("more", Some(1.into()))), SealedError::Form(_)));
    assert!(matches!(error(&with_part("mac", None)), SealedError::Form(_)));
    for len in [0, 31, 33, 600] {
        let bytes = Value::Bytes(vec![0; len]);
        assert!(matches!(error(&with_part("mac", Some(bytes.clone()))), SealedError::Form(_)));
        assert!(matches!(error(&with_part("key", Some(bytes))), SealedError::Form(_)));
    }
    let trailing = [bytes(&Value::Map(part)), vec![0]].concat();
    assert!(matches!(error(&head(&trailing)), SealedError::Form(_)));
    // Nesting without end.
    assert!(matches!(error(&head(&[0x81; 1_024])), SealedError::Form(_)));
    assert!(matches!(error(&head(b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff")), SealedError::Form(_)));
}

#[test]
fn a_header_that_is_not_known_is_refused() {
    let header = |key, value| match error(&with_header(key, value)) {
        SealedError::Header(error) => error,
        other => panic!("{other}"),
    };
    for version in [0, 2, i64::MAX] {
        assert!(matches!(header("v", Some(version.into())), InvalidHeader::Version));
    }
    for suite in ["", "x25519-hkdf-sha256-aes256gcm", "X25519-HKDF-SHA256-AES128GCM"] {
        assert!(matches!(header("suite", Some(suite.into())), InvalidHeader::Suite));
    }
    for chunk_len in [0, 1, 16, 512, 1_000, 65_535, 1 << 21, 1 << 40, i64::MAX] {
        assert!(matches!(header("chunkLen", Some(chunk_len.into())), InvalidHeader::ChunkLen(_)));
    }
    for content_len in [CONTENT_LEN_MAX + 1, 1 << 50, u64::MAX] {
        assert!(matches!(header("contentLen", Some(content_len.into())), InvalidHeader::TooLong));
    }
    for (key, value) in [
        ("v", Some((-1).into())),
        ("v", None),
        ("v", Some(Value::Null)),
        ("suite", None),
        ("chunkLen", Some((-1_024).into())),
        ("contentLen", Some((-1).into())),
        ("contentLen", Some(Value::Null)),
        ("contract", Some(Value::Bytes(vec![0; 31]))),
        ("contract", Some(Value::Bytes(vec![0; 33]))),
        ("product", Some("".into())),
        ("product", Some("a\u{202e}b".into())),
        ("product", Some("n".repeat(129).into())),
        ("salt", Some(Value::Bytes(vec![0; 31]))),
        ("salt", Some(Value::Bytes(vec![0; 33]))),
        ("more", Some(1.into())),
    ] {
        let error = header(key, value.clone());
        assert!(matches!(error, InvalidHeader::Form(_)), "{key} {value:?}: {error}");
    }
}

/// A header is known by its HMAC: one who has not the key changes nothing in it.
#[test]
fn a_good_header_that_was_changed_does_not_open() {
    let (file, key) = sealed(&content(10));
    let chunks = &file[head_len(&file)..];
    for (name, value) in [
        ("contract", Value::Bytes(vec![7; 32])),
        ("product", "steels".into()),
        ("chunkLen", 2_048.into()),
        ("chunkLen", (1 << 20).into()),
        ("contentLen", 10.into()),
        ("contentLen", 9.into()),
        ("contentLen", (1_u64 << 40).into()),
        ("salt", Value::Bytes(vec![7; 32])),
    ] {
        let file = [&with_header(name, Some(value))[..], chunks].concat();
        let opened = Sealed::read(&file[..]).unwrap().open(&key);
        assert!(matches!(opened, Err(ReadError::Key)), "{name}");
        let opened = Sealed::read(Cursor::new(&file)).unwrap().ranges(&key);
        assert!(matches!(opened, Err(ReadError::Key)), "{name}");
    }
    let (_, mut part) = values();
    set(&mut part, "mac", Some(Value::Bytes(vec![0; 32])));
    let file = head(&bytes(&Value::Map(part)));
    assert!(matches!(Sealed::read(&file[..]).unwrap().open(&key), Err(ReadError::Key)));
}

/// A file of a size that nobody has: zeros without end.
struct Huge {
    head: Vec<u8>,
    len: u64,
    at: u64,
    read: u64,
}

impl Read for Huge {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len - self.at).unwrap_or(usize::MAX);
        let len = to.len().min(left);
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        for (offset, byte) in to[..len].iter_mut().enumerate() {
            *byte = self.head.get(at.saturating_add(offset)).copied().unwrap_or(0);
        }
        self.at += u64::try_from(len).unwrap();
        self.read += u64::try_from(len).unwrap();
        assert!(self.read < 3 << 20, "reads without end");
        Ok(len)
    }
}

impl Seek for Huge {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.at.checked_add_signed(by).unwrap(),
            SeekFrom::End(by) => self.len.checked_add_signed(by).unwrap(),
        };
        Ok(self.at)
    }
}

/// Sealed by one who has the key and lies: declared lengths, and sizes of files, up to 2^63.
#[test]
fn lengths_that_lie_cost_one_chunk_at_most() {
    for declared in [None, Some(0), Some(1), Some(1 << 20), Some(CONTENT_LEN_MAX)] {
        let mut head = Vec::new();
        let mut seal = seal();
        if let Some(declared) = declared {
            seal = seal.content_len(declared);
        }
        let key = finished(crate::support::seal(), b"", 41).key;
        drop(seal.begin(&mut head, &mut crate::support::drawn(41)).unwrap());
        let begin = u64::try_from(head.len()).unwrap();
        // What a content of the greatest length has.
        let greatest = CONTENT_LEN_MAX + 16 * (CONTENT_LEN_MAX >> 10);
        for sealed_len in
            [0, 1, 15, 16, 17, 1_040, 1_041, 1 << 30, greatest, greatest + 17, 1 << 62]
        {
            let huge = || Huge { head: head.clone(), len: begin + sealed_len, at: 0, read: 0 };
            let opened = Sealed::read(huge()).unwrap().ranges(&key);
            // A header that says as much is believed; no byte of the content is.
            let error = match opened {
                Ok(mut opened) => {
                    assert_eq!(Some(opened.content_len()), declared);
                    if declared == Some(0) {
                        continue;
                    }
                    opened.read_range(0, &mut [0]).unwrap_err()
                }
                Err(error) => error,
            };
            let is_expected = match error {
                ReadError::Chunk | ReadError::Len => sealed_len <= greatest,
                ReadError::TooLong => sealed_len > greatest,
                _ => false,
            };
            assert!(is_expected, "{declared:?} {sealed_len}: {error}");

            let mut opened = Sealed::read(huge()).unwrap().open(&key).unwrap();
            assert!(opened.read(&mut [0]).is_err(), "{declared:?} {sealed_len}");
        }
    }
}

/// In chunks of 1 KiB, whatever the header and the file's size say.
#[test]
fn lengths_that_lie_take_no_memory() {
    let mut head = Vec::new();
    let declared = seal().content_len(CONTENT_LEN_MAX);
    drop(declared.begin(&mut head, &mut crate::support::drawn(42)).unwrap());
    let key = finished(seal(), b"", 42).key;
    let len = u64::try_from(head.len()).unwrap() + CONTENT_LEN_MAX + 16 * (CONTENT_LEN_MAX >> 10);
    let huge = Huge { head: head.clone(), len, at: 0, read: 0 };
    let taken = allocation_counter::measure(|| {
        let mut opened = Sealed::read(huge).unwrap().ranges(&key).unwrap();
        assert_eq!(opened.content_len(), CONTENT_LEN_MAX);
        assert!(opened.read_range(CONTENT_LEN_MAX - 1, &mut [0]).is_err());
    });
    assert!(taken.bytes_max < 16 << 10, "{} bytes", taken.bytes_max);
    let huge = Huge { head, len, at: 0, read: 0 };
    let taken = allocation_counter::measure(|| {
        assert!(Sealed::read(huge).unwrap().open(&key).unwrap().read(&mut [0]).is_err());
    });
    assert!(taken.bytes_max < 16 << 10, "{} bytes", taken.bytes_max);
}
