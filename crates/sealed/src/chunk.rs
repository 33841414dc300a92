//! Chunks: STREAM over AES-256-GCM.

use dataspace_primitives::Digest;
use ring::aead::{Aad, LessSafeKey, Nonce, Tag, UnboundKey};

/// Bytes that a chunk is longer than its content.
pub(crate) const TAG_LEN: usize = 16;

/// [`TAG_LEN`], for lengths of files.
pub(crate) const TAG_LEN_U64: u64 = 16;

/// A chunk is not what was sealed at its place.
#[derive(Debug)]
pub(crate) struct NotAuthentic;

/// Seals and opens chunks of one file.
pub(crate) struct ChunkKey {
    key: LessSafeKey,
    header: Digest,
}

impl ChunkKey {
    pub(crate) fn new(key: UnboundKey, header: Digest) -> Self {
        Self { key: LessSafeKey::new(key), header }
    }

    /// Encrypts `content`, which is the chunk with this index, in place, and gives its tag.
    ///
    /// INVARIANT: the caller never seals two contents with the same index.
    pub(crate) fn seal(
        &self,
        index: u64,
        is_last: bool,
        content: &mut [u8],
    ) -> Result<Tag, NotAuthentic> {
        let aad = Aad::from(self.header.as_bytes());
        self.key
            .seal_in_place_separate_tag(nonce(index, is_last), aad, content)
            .map_err(|_| NotAuthentic)
    }

    /// Decrypts `chunk` in place. Until that succeeded, no byte of it may leave.
    pub(crate) fn open<'a>(
        &self,
        index: u64,
        is_last: bool,
        chunk: &'a mut [u8],
    ) -> Result<&'a [u8], NotAuthentic> {
        let aad = Aad::from(self.header.as_bytes());
        match self.key.open_in_place(nonce(index, is_last), aad, chunk) {
            Ok(content) => Ok(content),
            Err(_) => Err(NotAuthentic),
        }
    }
}

/// The index in 11 bytes, big-endian, and 1 for the last chunk of a file, else 0.
fn nonce(index: u64, is_last: bool) -> Nonce {
    let number = u128::from(index) << 8 | u128::from(is_last);
    let [_, _, _, _, nonce @ ..] = number.to_be_bytes();
    Nonce::assume_unique_for_key(nonce)
}
