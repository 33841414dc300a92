//! Sealing.

use std::fmt;
use std::io::{self, Write};

use dataspace_primitives::{Digest, Name, cbor};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use crate::chunk::{ChunkKey, NotAuthentic, TAG_LEN};
use crate::content_key::{ContentKey, OtherKey, WrapError};
use crate::header::{CONTENT_LEN_MAX, ChunkLen, Header, SALT_LEN};
use crate::recipient::Recipient;
use crate::sealed::{self, HeadError};

/// What is to be sealed, and for whom.
#[derive(Clone, Debug)]
pub struct Seal {
    contract: Digest,
    product: Name,
    chunk_len: ChunkLen,
    content_len: Option<u64>,
    recipient: Option<Recipient>,
}

/// Why a content was not sealed. What was written until then is of no use, and refused by readers.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SealError {
    /// The seed is all zeros: it was used, and wiped.
    #[error("the seed was not drawn, or was used before; draw another")]
    Seed,
    /// The content key could not be wrapped.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// The header could not be written.
    #[error("the header of the sealed file cannot be written")]
    Header(#[from] cbor::EncodeError),
    /// The head would be longer than readers take; not for a [`Name`].
    #[error("the head of the sealed file is too long")]
    HeadTooLong,
    /// More content than was declared, or than [`CONTENT_LEN_MAX`].
    #[error("the content is longer than it was declared or than {CONTENT_LEN_MAX} bytes")]
    TooLong,
    /// Less content than was declared.
    #[error("the content is shorter than it was declared")]
    TooShort,
    /// The cipher failed; not for keys of the right length.
    #[error("the content cannot be encrypted")]
    Cipher,
    /// An earlier write failed, after which nothing more is sealed.
    #[error("an earlier write of the sealed file failed; begin again")]
    Failed,
    /// That of the writer.
    #[error("the sealed file cannot be written")]
    Write(#[source] io::Error),
}

impl From<SealError> for io::Error {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Write(error) => error,
            other => Self::new(io::ErrorKind::InvalidInput, other),
        }
    }
}

impl Seal {
    /// Bytes that are drawn for a sealed file: its content key, its salt, and what the key is wrapped with.
    pub const SEED_LEN: usize = ContentKey::LEN + SALT_LEN + ContentKey::WRAP_SEED_LEN;

    /// A content of `product`, for the contract with this id, in chunks of the default length, with a key
    /// that is released later.
    #[must_use]
    pub fn new(contract: Digest, product: Name) -> Self {
        let chunk_len = ChunkLen::default();
        Self { contract, product, chunk_len, content_len: None, recipient: None }
    }

    /// Puts the key into the file, wrapped for this consumer.
    #[must_use]
    pub fn recipient(mut self, recipient: Recipient) -> Self {
        self.recipient = Some(recipient);
        self
    }

    /// Declares the content's length in bytes, where it is known: readers of ranges need not look at the
    /// last chunk first.
    #[must_use]
    pub fn content_len(mut self, bytes: u64) -> Self {
        self.content_len = Some(bytes);
        self
    }

    /// In chunks of this length.
    #[must_use]
    pub fn chunk_len(mut self, chunk_len: ChunkLen) -> Self {
        self.chunk_len = chunk_len;
        self
    }

    /// Writes the head of the file; the content is written into what this gives. The seed must be 96
    /// bytes of a cryptographic random source, drawn for this file alone, and is wiped here.
    ///
    /// # Errors
    /// [`SealError`]
    pub fn begin<W: Write>(
        self,
        mut to: W,
        seed: &mut [u8; Self::SEED_LEN],
    ) -> Result<Sealer<W>, SealError> {
        if self.content_len.is_some_and(|len| len > CONTENT_LEN_MAX) {
            return Err(SealError::TooLong);
        }
        let (mut key, salt, mut wrap) = split(seed)?;
        let key = ContentKey::from_bytes(&mut key);
        let header =
            Header::new(self.contract, self.product, self.chunk_len, self.content_len, *salt)?;
        let wrapped = match &self.recipient {
            Some(recipient) => Some(key.wrap(&header, recipient, &mut wrap)?),
            None => None,
        };
        let (chunk_key, mac) = key.derive(&header).map_err(|OtherKey| SealError::Cipher)?;
        let head = sealed::head(&header, &mac, wrapped).map_err(|error| match error {
            HeadError::Encode(error) => SealError::Header(error),
            HeadError::TooLong => SealError::HeadTooLong,
        })?;
        to.write_all(&head).map_err(SealError::Write)?;
        let chunk = Zeroizing::new(Vec::with_capacity(self.chunk_len.in_memory() + TAG_LEN));
        let chunks = Chunks { key: chunk_key, next: 0, content_len: 0, is_failed: false };
        Ok(Sealer { to, header, key, chunks, chunk })
    }
}

type Key = Zeroizing<[u8; 32]>;

/// Content key, salt and the seed for wrapping: no two from the same bytes.
fn split(seed: &mut [u8; Seal::SEED_LEN]) -> Result<(Key, Key, Key), SealError> {
    let drawn = Zeroizing::new(*seed);
    seed.zeroize();
    let ([key, salt, wrap], []) = drawn.as_chunks::<32>() else { return Err(SealError::Seed) };
    if [key, salt, wrap].contains(&&[0; 32]) {
        return Err(SealError::Seed);
    }
    Ok((Zeroizing::new(*key), Zeroizing::new(*salt), Zeroizing::new(*wrap)))
}

/// Seals what is written into it. The file is whole when [`finish`](Self::finish) was called, and refused by
/// readers before. Keeps one chunk in memory; `flush` does not write it, because a chunk that is sealed can
/// take no more.
pub struct Sealer<W: Write> {
    to: W,
    header: Header,
    key: ContentKey,
    chunks: Chunks,
    chunk: Zeroizing<Vec<u8>>,
}

/// Result of sealing.
#[derive(Debug)]
pub struct Finished<W> {
    /// The writer, with all of the file in it.
    pub to: W,
    /// Header of the file.
    pub header: Header,
    /// Key of the file, for one who keeps it in order to [release](ContentKey::wrap) it later.
    pub key: ContentKey,
    /// Bytes of the content.
    pub content_len: u64,
}

struct Chunks {
    key: ChunkKey,
    /// Index of the next chunk.
    next: u64,
    content_len: u64,
    is_failed: bool,
}

impl<W: Write> Sealer<W> {
    /// Header of the file.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Writes the last chunk and flushes the writer.
    ///
    /// # Errors
    /// [`SealError`]; the file is of no use then.
    pub fn finish(mut self) -> Result<Finished<W>, SealError> {
        if self.chunks.is_failed {
            return Err(SealError::Failed);
        }
        let content_len = self.chunks.content_len;
        if self.header.content_len().is_some_and(|declared| content_len < declared) {
            return Err(SealError::TooShort);
        }
        self.write_chunk(true)?;
        self.to.flush().map_err(SealError::Write)?;
        Ok(Finished { to: self.to, header: self.header, key: self.key, content_len })
    }

    /// Writes all of the content as `write_all` does, but encrypts it where it lies instead of copying it
    /// before: for one who needs it no longer. What is left in `content` afterwards means nothing.
    ///
    /// # Errors
    /// [`SealError`]; the file is of no use then.
    pub fn write_in_place(&mut self, content: &mut [u8]) -> Result<(), SealError> {
        let chunk_len = self.header.chunk_len().in_memory();
        let mut rest = content;
        while !rest.is_empty() {
            if self.chunk.len() >= chunk_len {
                self.write_chunk(false)?;
            }
            // What may be in the last chunk waits in memory.
            if self.chunk.is_empty() && rest.len() > chunk_len {
                let (chunk, later) =
                    rest.split_at_mut_checked(chunk_len).ok_or(SealError::Cipher)?;
                self.count(chunk.len())?;
                self.write_chunk_in_place(chunk)?;
                rest = later;
            } else {
                let taken = self.take(rest)?;
                rest = rest.get_mut(taken..).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Seals the chunk in memory, and writes it.
    fn write_chunk(&mut self, is_last: bool) -> Result<(), SealError> {
        let index = self.chunks.next()?;
        let tag = self.chunks.key.seal(index, is_last, &mut self.chunk)?;
        self.chunk.extend_from_slice(tag.as_ref());
        self.to.write_all(&self.chunk).map_err(SealError::Write)?;
        self.chunk.clear();
        self.chunks.is_failed = false;
        Ok(())
    }

    /// Seals a full chunk that is not the last one where it lies, and writes it.
    fn write_chunk_in_place(&mut self, chunk: &mut [u8]) -> Result<(), SealError> {
        let index = self.chunks.next()?;
        let tag = self.chunks.key.seal(index, false, chunk)?;
        self.to.write_all(chunk).map_err(SealError::Write)?;
        self.to.write_all(tag.as_ref()).map_err(SealError::Write)?;
        self.chunks.is_failed = false;
        Ok(())
    }

    /// Counts content that is taken now.
    fn count(&mut self, len: usize) -> Result<(), SealError> {
        if self.chunks.is_failed {
            return Err(SealError::Failed);
        }
        let len_max = self.header.content_len().unwrap_or(CONTENT_LEN_MAX);
        let len = u64::try_from(len).ok();
        let len = len.and_then(|len| self.chunks.content_len.checked_add(len));
        let Some(len) = len.filter(|len| *len <= len_max) else {
            self.chunks.is_failed = true;
            return Err(SealError::TooLong);
        };
        self.chunks.content_len = len;
        Ok(())
    }

    fn take(&mut self, content: &[u8]) -> Result<usize, SealError> {
        let chunk_len = self.header.chunk_len().in_memory();
        // Only now is it known that the full chunk is not the last one.
        if self.chunk.len() >= chunk_len && !content.is_empty() {
            self.write_chunk(false)?;
        }
        let room = chunk_len.saturating_sub(self.chunk.len()).min(content.len());
        let taken = content.get(..room).unwrap_or_default();
        self.count(taken.len())?;
        self.chunk.extend_from_slice(taken);
        Ok(taken.len())
    }
}

impl Sealer<Vec<u8>> {
    /// Takes out what is sealed so far, to be sent on: the file is all that is taken out, in this order, and what
    /// [`finish`](Self::finish) gives.
    #[must_use]
    pub fn take_sealed(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.to)
    }
}

impl Chunks {
    /// The index of the chunk to be sealed now, given out once.
    fn next(&mut self) -> Result<u64, SealError> {
        if self.is_failed {
            return Err(SealError::Failed);
        }
        // INVARIANT: until all of the chunk was written nothing else is sealed, so that no nonce is used twice.
        self.is_failed = true;
        let index = self.next;
        self.next += 1;
        Ok(index)
    }
}

impl From<NotAuthentic> for SealError {
    fn from(_: NotAuthentic) -> Self {
        Self::Cipher
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        Ok(self.take(content)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl<W: Write> fmt::Debug for Sealer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("header", &self.header).finish_non_exhaustive()
    }
}
