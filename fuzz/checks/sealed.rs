//! Whatever is made of a sealed file, nothing comes out but what was sealed, from its beginning and in order.

use std::io::{Cursor, Read as _, Write as _};
use std::sync::LazyLock;

use dataspace_primitives::{Digest, UnixMillis, Validity};
use dataspace_sealed::sealed::HEAD_LEN_MAX;
use dataspace_sealed::{ChunkLen, ContentKey, Contract, RecipientSecret, Seal, Sealed};

use super::changed::changed;

/// A good file, its content and its key.
struct Good {
    file: Vec<u8>,
    head_len: usize,
    content: Vec<u8>,
    key: ContentKey,
}

static FILES: LazyLock<[Good; 2]> = LazyLock::new(|| [good(2, None), good(3, Some(CONTENT_LEN))]);

/// Three chunks, and a bit.
const CONTENT_LEN: usize = 3 * 1_024 + 100;

fn secret() -> RecipientSecret {
    RecipientSecret::from_seed(&mut [1; 32]).expect("a seed")
}

fn contract() -> Contract {
    let product = "alloys".parse().expect("a name");
    Contract { id: Digest::of(b"agreement"), product, validity: Validity::ALWAYS }
}

fn good(number: u8, declared: Option<usize>) -> Good {
    let content: Vec<u8> =
        (0..CONTENT_LEN).map(|at| number ^ Digest::of(&at.to_le_bytes()).as_bytes()[0]).collect();
    let contract = contract();
    let mut seal = Seal::new(contract.id, contract.product)
        .recipient(*secret().recipient())
        .chunk_len(ChunkLen::MIN);
    if let Some(len) = declared {
        seal = seal.content_len(len as u64);
    }
    let mut sealer = seal.begin(Vec::new(), &mut [number; 96]).expect("it can be sealed");
    let mut file = Vec::new();
    sealer.write_all(&content).expect("it fits");
    let finished = sealer.finish().expect("it is whole");
    file.extend_from_slice(&finished.to);
    let head_len = file.len() - CONTENT_LEN - 4 * 16;
    Good { file, head_len, content, key: finished.key }
}

/// Returns true if the file is one for the consumer of these checks, whole and unchanged.
pub(crate) fn is_opened(file: &[u8]) -> bool {
    let Ok(sealed) = Sealed::read(file) else { return false };
    let now = UnixMillis::MIN;
    let Ok(key) = sealed.unwrap_key(&secret(), &contract(), now) else { return false };
    let Ok(mut opened) = sealed.open(&key) else { return false };
    let mut content = Vec::new();
    let is_whole = opened.read_to_end(&mut content).is_ok();
    let ranges = Sealed::read(Cursor::new(file)).map(|sealed| sealed.ranges(&key));
    if is_whole {
        let mut ranges = ranges.expect("it was read").expect("it was opened");
        let mut again = vec![0; content.len()];
        ranges.read_range(0, &mut again).expect("all of it");
        assert!(again == content, "ranges differ");
    }
    is_whole
}

pub(crate) fn check(bytes: &[u8]) {
    is_opened(bytes);
    if let Ok(sealed) = Sealed::read(bytes) {
        assert!(sealed.header().as_bytes().len() < HEAD_LEN_MAX);
    }
    let [first, second] = &*FILES;
    for (good, other) in [(first, second), (second, first)] {
        only_the_content_comes_out(good, &changed(&good.file, &other.file, bytes));
        only_the_content_comes_out(good, &[&good.file[..good.head_len], bytes].concat());
    }
}

fn only_the_content_comes_out(good: &Good, file: &[u8]) {
    let Ok(sealed) = Sealed::read(file) else { return };
    let Ok(mut opened) = sealed.open(&good.key) else { return };
    let mut found = Vec::new();
    let is_whole = opened.read_to_end(&mut found).is_ok();
    assert!(good.content.starts_with(&found), "another content");
    assert!(!is_whole || found == good.content, "a part for the whole");

    let Ok(sealed) = Sealed::read(Cursor::new(file)) else { return };
    let Ok(mut ranges) = sealed.ranges(&good.key) else {
        assert!(!is_whole, "ranges refuse what is whole");
        return;
    };
    assert_eq!(ranges.content_len(), good.content.len() as u64, "another length");
    let mut piece = [0; 100];
    for (at, expected) in good.content.chunks(piece.len()).enumerate() {
        let piece = &mut piece[..expected.len()];
        if ranges.read_range(at as u64 * 100, piece).is_ok() {
            assert!(piece == expected, "another range");
        } else {
            assert!(!is_whole, "ranges refuse what is whole");
        }
    }
}
