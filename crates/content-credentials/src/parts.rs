//! The parts of a file, counted before the engine reads them, and what of them is a manifest.
//!
//! The engine keeps a note of each part, and reads each manifest whole. What is malformed is left to it: here is only seen
//! that there is not too much of it.

use std::io::{self, Read, Seek, SeekFrom};

use crate::kind::Kind;
use crate::limits::{MANIFEST_LEN_MAX, PARTS_MAX};

/// The box of content credentials in an MP4, and the identifier of a store in JUMBF.
const IN_MP4: [u8; 16] = *b"\xd8\xfe\xc3\xd6\x1b\x0e\x48\x3c\x92\x97\x58\x28\x87\x7e\xc4\x81";
const IN_JUMBF: [u8; 16] = *b"c2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71";

/// What was seen of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    parts: usize,
    /// Bytes of manifests.
    manifest: u64,
    /// There is one, or what looks as if it were one.
    pub(crate) has_manifest: bool,
}

/// Why the engine does not get a file.
pub(crate) enum TooMuch {
    Parts,
    Manifest,
    Io(io::Error),
}

impl From<io::Error> for TooMuch {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Seen {
    fn part(&mut self) -> Result<(), TooMuch> {
        self.parts += 1;
        if self.parts > PARTS_MAX { Err(TooMuch::Parts) } else { Ok(()) }
    }

    fn manifest(&mut self, len: u64) -> Result<(), TooMuch> {
        self.has_manifest = true;
        self.manifest = self.manifest.saturating_add(len);
        if self.manifest > MANIFEST_LEN_MAX { Err(TooMuch::Manifest) } else { Ok(()) }
    }
}

/// Looks through a file of `len` bytes.
pub(crate) fn look(kind: Kind, from: &mut (impl Read + Seek), len: u64) -> Result<Seen, TooMuch> {
    from.rewind()?;
    let mut seen = Seen::default();
    match kind {
        Kind::Jpeg => look_at_jpeg(from, &mut seen)?,
        Kind::Png => look_at_chunks(from, (8, len), true, &mut seen)?,
        Kind::Wav => look_at_chunks(from, (12, len), false, &mut seen)?,
        Kind::Mp4 => look_at_boxes(from, len, &mut seen)?,
    }
    from.rewind()?;
    Ok(seen)
}

/// Markers anywhere, which are no fewer than there are segments. Manifests cannot be longer than the file, which is short.
fn look_at_jpeg(from: &mut impl Read, seen: &mut Seen) -> Result<(), TooMuch> {
    let (mut buffer, mut kept) = (vec![0; 1 << 16], Vec::new());
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        kept.extend_from_slice(buffer.get(..read).unwrap_or_default());
        for pair in kept.windows(2) {
            if let [0xff, marker] = *pair
                && !matches!(marker, 0 | 0xff | 0xd0..=0xd7)
            {
                seen.part()?;
            }
        }
        if kept.windows(IN_JUMBF.len()).any(|bytes| bytes == IN_JUMBF) {
            seen.has_manifest = true;
        }
        // The last pair may go on; what is counted twice is little.
        let keep = kept.len().saturating_sub(IN_JUMBF.len());
        kept.drain(..keep);
    }
}

/// Chunks of a PNG (length before name, big-endian, a sum behind), or of a WAV (name before length,
/// little-endian, even lengths).
fn look_at_chunks(
    from: &mut (impl Read + Seek),
    (mut at, end): (u64, u64),
    is_png: bool,
    seen: &mut Seen,
) -> Result<(), TooMuch> {
    while let (Some(first), Some(second)) =
        (read_at(from, at, end)?, read_at(from, at.saturating_add(4), end)?)
    {
        seen.part()?;
        let (name, len) = if is_png {
            (second, u32::from_be_bytes(first))
        } else {
            (first, u32::from_le_bytes(second))
        };
        let len = u64::from(len);
        if name == if is_png { *b"caBX" } else { *b"C2PA" } {
            seen.manifest(len)?;
        }
        let behind = if is_png { 4 } else { len % 2 };
        at = at.saturating_add(8).saturating_add(len).saturating_add(behind);
    }
    Ok(())
}

/// Boxes that have boxes within, as the engine reads them.
const CONTAINERS: [[u8; 4]; 16] = [
    *b"moov", *b"trak", *b"mdia", *b"minf", *b"stbl", *b"moof", *b"traf", *b"edts", *b"udta",
    *b"dinf", *b"tref", *b"treg", *b"mvex", *b"mfra", *b"meta", *b"schi",
];

/// Boxes of an MP4, within each other, without recursion.
fn look_at_boxes(from: &mut (impl Read + Seek), len: u64, seen: &mut Seen) -> Result<(), TooMuch> {
    let mut waiting = vec![(0, len)];
    while let Some((mut at, end)) = waiting.pop() {
        while let Some([a, b, c, d, name @ ..]) = read_at::<8>(from, at, end)? {
            seen.part()?;
            let (len, head) = match u32::from_be_bytes([a, b, c, d]) {
                1 => match read_at::<8>(from, at.saturating_add(8), end)? {
                    Some(len) => (u64::from_be_bytes(len), 16),
                    None => break,
                },
                len => (u64::from(len), 8),
            };
            let inner = at.saturating_add(head);
            if name == *b"uuid" && read_at::<16>(from, inner, end)? == Some(IN_MP4) {
                // One that goes to the end, or says nothing of its length, is as long as what is left.
                let len = if len < head { end.saturating_sub(at) } else { len };
                seen.manifest(len)?;
            }
            // The engine goes on from where the box says that it ends, even within its own head: each step costs a part.
            let next = at.saturating_add(len.max(1)).min(end);
            if CONTAINERS.contains(&name) && next > inner {
                waiting.push((inner, next));
                if name == *b"meta" {
                    // There are two kinds of it: counted as both.
                    waiting.push((inner.saturating_add(4), next));
                }
            }
            if len == 0 {
                break;
            }
            at = next;
        }
    }
    Ok(())
}

/// The bytes at a place; `None` if they would go beyond the end.
fn read_at<const N: usize>(
    from: &mut (impl Read + Seek),
    at: u64,
    end: u64,
) -> Result<Option<[u8; N]>, TooMuch> {
    let mut bytes = [0; N];
    let until = u64::try_from(N).ok().and_then(|len| at.checked_add(len));
    if until.is_none_or(|until| until > end) {
        return Ok(None);
    }
    from.seek(SeekFrom::Start(at))?;
    from.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}
