//! Reading a content in order.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::ops::Range;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::chunk::{ChunkKey, NotAuthentic, TAG_LEN};
use crate::header::{CONTENT_LEN_MAX, Header};

/// Why a content is not given out. In an [`io::Error`] of reading it is the source.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The key is not that of the file, or the file's header was changed.
    #[error("the key does not open this file")]
    Key,
    /// That of the reader.
    #[error("the sealed file cannot be read")]
    Read(#[source] io::Error),
    /// A chunk is not what was sealed at its place: changed, moved, of another file, or the file was cut
    /// or continued.
    #[error("the sealed file was changed: a chunk is not authentic at its place")]
    Chunk,
    /// The file ends within a chunk's tag, or is longer or shorter than its header says.
    #[error("the sealed file has another length than it was sealed with")]
    Len,
    /// The content is longer than [`CONTENT_LEN_MAX`].
    #[error("the sealed file holds more content than {CONTENT_LEN_MAX} bytes")]
    TooLong,
    /// The range goes past the end of the content.
    #[error("the range ends after the content")]
    BeyondEnd,
    /// An earlier read was refused, after which nothing more is given out.
    #[error("the sealed file was refused before")]
    Failed,
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Read(error) => error,
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}

impl From<NotAuthentic> for ReadError {
    fn from(_: NotAuthentic) -> Self {
        Self::Chunk
    }
}

/// The content of a sealed file, in order. Each chunk is authenticated before a byte of it is given out;
/// the content is whole only when the end was read without an error.
///
/// Reading fails with [`io::ErrorKind::InvalidData`] and a [`ReadError`] where the file was changed, and then
/// forever.
pub struct Content<R> {
    from: R,
    header: Header,
    key: ChunkKey,
    /// One chunk, and the byte behind it, which shows that it is not the last.
    buffer: Zeroizing<Vec<u8>>,
    /// Content in `buffer` that was authenticated and not yet given out.
    pending: Range<usize>,
    state: State,
}

enum State {
    /// The chunk with this index comes next; its first byte, if it was read before; bytes of content before it.
    Next {
        index: u64,
        first: Option<u8>,
        before: u64,
    },
    /// The last chunk was authenticated.
    End,
    Failed,
}

impl<R: Read> Content<R> {
    pub(crate) fn new(from: R, header: Header, key: ChunkKey) -> Self {
        let buffer = Zeroizing::new(vec![0; header.chunk_len().in_memory() + TAG_LEN + 1]);
        let state = State::Next { index: 0, first: None, before: 0 };
        Self { from, header, key, buffer, pending: 0..0, state }
    }

    /// Header of the file, which is authentic.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Reads and authenticates the next chunk, if all of the one before it was given out.
    fn fill(&mut self) -> Result<(), ReadError> {
        if !self.pending.is_empty() {
            return Ok(());
        }
        let (index, first, before) = match self.state {
            State::Next { index, first, before } => (index, first, before),
            State::End => return Ok(()),
            State::Failed => return Err(ReadError::Failed),
        };
        self.state = State::Failed;
        let chunk_max = self.header.chunk_len().in_memory() + TAG_LEN;
        let read = read_up_to(&mut self.from, first, &mut self.buffer)?;
        let (is_last, len) = if read > chunk_max { (false, chunk_max) } else { (true, read) };
        let content_len = len.checked_sub(TAG_LEN).ok_or(ReadError::Len)?;
        // Only an empty content has an empty chunk: so it is cut in one way alone.
        if content_len == 0 && index > 0 {
            return Err(ReadError::Len);
        }
        let after = u64::try_from(content_len).ok().and_then(|len| before.checked_add(len));
        let after = after.filter(|after| *after <= CONTENT_LEN_MAX).ok_or(ReadError::TooLong)?;
        let is_as_declared = match self.header.content_len() {
            Some(declared) if is_last => after == declared,
            Some(declared) => after < declared,
            None => true,
        };
        if !is_as_declared {
            return Err(ReadError::Len);
        }
        let chunk = self.buffer.get_mut(..len).ok_or(ReadError::Len)?;
        self.pending = 0..self.key.open(index, is_last, chunk)?.len();
        self.state = if is_last {
            State::End
        } else {
            let first = self.buffer.get(chunk_max).copied();
            State::Next { index: index + 1, first, before: after }
        };
        Ok(())
    }
}

/// Puts `first` and what the reader gives into `to`, until that is full or the reader at its end.
fn read_up_to(from: &mut impl Read, first: Option<u8>, to: &mut [u8]) -> Result<usize, ReadError> {
    let mut read = 0;
    if let (Some(first), Some(place)) = (first, to.first_mut()) {
        *place = first;
        read = 1;
    }
    while let Some(rest) = to.get_mut(read..).filter(|rest| !rest.is_empty()) {
        let room = rest.len();
        match from.read(rest) {
            Ok(0) => break,
            Ok(len) => read += len.min(room),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ReadError::Read(error)),
        }
    }
    Ok(read)
}

impl<R: Read> BufRead for Content<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill()?;
        Ok(self.buffer.get(self.pending.clone()).unwrap_or_default())
    }

    fn consume(&mut self, len: usize) {
        self.pending.start = self.pending.start.saturating_add(len).min(self.pending.end);
    }
}

impl<R: Read> Read for Content<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        let content = self.fill_buf()?;
        let len = content.len().min(to.len());
        if let (Some(to), Some(content)) = (to.get_mut(..len), content.get(..len)) {
            to.copy_from_slice(content);
        }
        self.consume(len);
        Ok(len)
    }
}

impl<R> fmt::Debug for Content<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("header", &self.header).finish_non_exhaustive()
    }
}
