//! Reading a content anywhere.

use std::fmt;
use std::io::{Read, Seek, SeekFrom};

use zeroize::Zeroizing;

use crate::chunk::{ChunkKey, TAG_LEN, TAG_LEN_U64};
use crate::header::{CONTENT_LEN_MAX, Header};
use crate::read::ReadError;

/// The content of a sealed file, by ranges. A range reads the chunks that it lies in, each of them
/// authenticated before a byte of it is given out, and keeps the last one in memory for the next range.
///
/// The length of the content is proved when the file is opened: by the header, if that declares it, else by the last
/// chunk. So a file that was cut or continued is refused at once.
pub struct SealedFile<R> {
    from: R,
    header: Header,
    key: ChunkKey,
    /// Where in the file the first chunk begins.
    begin: u64,
    content_len: u64,
    /// Index of the last chunk.
    last: u64,
    buffer: Zeroizing<Vec<u8>>,
    /// The chunk whose authenticated content is in `buffer`, and its length.
    held: Option<(u64, usize)>,
}

impl<R: Read + Seek> SealedFile<R> {
    /// The reader stands at the first chunk.
    pub(crate) fn new(mut from: R, header: Header, key: ChunkKey) -> Result<Self, ReadError> {
        let begin = from.stream_position().map_err(ReadError::Read)?;
        let end = from.seek(SeekFrom::End(0)).map_err(ReadError::Read)?;
        let sealed_len = end.checked_sub(begin).ok_or(ReadError::Len)?;
        let (content_len, last) = geometry(sealed_len, header.chunk_len().bytes())?;
        let declared = header.content_len();
        if declared.is_some_and(|declared| declared != content_len) {
            return Err(ReadError::Len);
        }
        let buffer = Zeroizing::new(vec![0; header.chunk_len().in_memory() + TAG_LEN]);
        let mut file = Self { from, header, key, begin, content_len, last, buffer, held: None };
        if declared.is_none() {
            file.hold(last)?;
        }
        Ok(file)
    }

    /// Header of the file, which is authentic.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes of the content.
    #[must_use]
    pub const fn content_len(&self) -> u64 {
        self.content_len
    }

    /// Fills `into` with the content from its byte `from` on, counted from 0. Reads no other chunks than those
    /// that the range lies in: at most two, if it is not longer than a chunk.
    ///
    /// # Errors
    /// [`ReadError`]; what is in `into` is authentic or as it was, but not all of it was filled.
    pub fn read_range(&mut self, from: u64, into: &mut [u8]) -> Result<(), ReadError> {
        let len = u64::try_from(into.len()).map_err(|_| ReadError::BeyondEnd)?;
        let until = from.checked_add(len).ok_or(ReadError::BeyondEnd)?;
        if until > self.content_len {
            return Err(ReadError::BeyondEnd);
        }
        let chunk_len = self.header.chunk_len();
        let (mut at, mut rest) = (from, into);
        while !rest.is_empty() {
            let content = self.hold(at / chunk_len.bytes())?;
            let skip = usize::try_from(at % chunk_len.bytes()).map_err(|_| ReadError::Len)?;
            let content = content.get(skip..).filter(|content| !content.is_empty());
            let content = content.ok_or(ReadError::Len)?;
            let len = content.len().min(rest.len());
            let (now, later) = rest.split_at_mut_checked(len).ok_or(ReadError::Len)?;
            now.copy_from_slice(content.get(..len).ok_or(ReadError::Len)?);
            at += u64::try_from(len).map_err(|_| ReadError::Len)?;
            rest = later;
        }
        Ok(())
    }

    /// The content of a chunk, read and authenticated if it is not held.
    fn hold(&mut self, index: u64) -> Result<&[u8], ReadError> {
        let len = match self.held {
            Some((held, len)) if held == index => len,
            _ => self.load(index)?,
        };
        self.buffer.get(..len).ok_or(ReadError::Len)
    }

    fn load(&mut self, index: u64) -> Result<usize, ReadError> {
        self.held = None;
        let chunk_len = self.header.chunk_len().bytes();
        let is_last = index == self.last;
        let content_len =
            if is_last { self.content_len - self.last * chunk_len } else { chunk_len };
        let len = usize::try_from(content_len).map_err(|_| ReadError::Len)? + TAG_LEN;
        let at =
            index.checked_mul(chunk_len + TAG_LEN_U64).and_then(|at| at.checked_add(self.begin));
        self.from.seek(SeekFrom::Start(at.ok_or(ReadError::Len)?)).map_err(ReadError::Read)?;
        let chunk = self.buffer.get_mut(..len).ok_or(ReadError::Len)?;
        self.from.read_exact(chunk).map_err(ReadError::Read)?;
        let content_len = self.key.open(index, is_last, chunk)?.len();
        self.held = Some((index, content_len));
        Ok(content_len)
    }
}

/// Bytes of the content, and index of the last chunk, of so many sealed bytes.
fn geometry(sealed_len: u64, chunk_len: u64) -> Result<(u64, u64), ReadError> {
    let sealed_chunk = chunk_len + TAG_LEN_U64;
    // Every chunk but the last is full, and the last is not empty but for an empty content.
    let last = sealed_len.checked_sub(1).ok_or(ReadError::Len)? / sealed_chunk;
    let content = (sealed_len - last * sealed_chunk).checked_sub(TAG_LEN_U64);
    let content = content.filter(|content| *content > 0 || last == 0).ok_or(ReadError::Len)?;
    let content_len = last * chunk_len + content;
    if content_len > CONTENT_LEN_MAX {
        return Err(ReadError::TooLong);
    }
    Ok((content_len, last))
}

impl<R> fmt::Debug for SealedFile<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedFile").field("header", &self.header).finish_non_exhaustive()
    }
}
