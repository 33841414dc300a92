//! Tests that every [`Storage`] must pass.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use dataspace_audit_log::{FileStorage, conformance};
//!
//! let dir = tempfile::tempdir()?;
//! let mut number = 0;
//! conformance::storage(&mut || {
//!     number += 1;
//!     Ok(Box::new(FileStorage::create(&dir.path().join(number.to_string()))?))
//! })?;
//! # Ok(()) }
//! ```

use std::io;

use dataspace_tlog::LeafIndex;
use thiserror::Error;

use crate::medium::storage::{Storage, StoredFile};

/// A rule that a back end breaks.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotConformant {
    /// It does something else.
    #[error("{what}")]
    Otherwise {
        /// The rule.
        what: &'static str,
    },
    /// It fails where it should not.
    #[error("it fails")]
    Failed(#[from] io::Error),
}

/// An error that says `what` should hold, unless it does.
///
/// # Errors
/// [`NotConformant::Otherwise`].
pub fn must(holds: bool, what: &'static str) -> Result<(), NotConformant> {
    if holds { Ok(()) } else { Err(NotConformant::Otherwise { what }) }
}

const FILES: [StoredFile; 6] = [
    StoredFile::Segment(LeafIndex::new(0)),
    StoredFile::Segment(LeafIndex::new(1_000_000)),
    StoredFile::Hashes(0),
    StoredFile::Offsets,
    StoredFile::Mark,
    StoredFile::Signed,
];

/// Puts a storage to the test: `new` makes an empty one each time. That what was synced survives a crash
/// cannot be seen from inside a process, and is not tested here.
///
/// # Errors
/// [`NotConformant`] with the first thing that is not as it must be.
pub fn storage(new: &mut dyn FnMut() -> io::Result<Box<dyn Storage>>) -> Result<(), NotConformant> {
    empty(&*new()?)?;
    bytes(&*new()?)?;
    segments(&*new()?)?;
    checkpoint(&*new()?)?;
    let (one, other) = (new()?, new()?);
    let segment = StoredFile::Segment(LeafIndex::new(0));
    one.write_at(segment, 0, b"segment")?;
    one.check_place(segment)?;
    must(one.segment_len_max() >= 1 << 17, "a segment has room for the largest record")?;
    let drawn = [one.nonce()?, one.nonce()?, other.nonce()?];
    let differ = drawn[0] != drawn[1] && drawn[0] != drawn[2] && drawn[1] != drawn[2];
    must(differ, "each nonce is another one")
}

fn empty(storage: &dyn Storage) -> Result<(), NotConformant> {
    must(storage.segments()?.is_empty(), "a new storage has no segment")?;
    must(storage.read_checkpoint()?.is_none(), "a new storage has no checkpoint")?;
    for file in FILES {
        must(storage.len(file)? == 0, "a file that is not there has no bytes")?;
        storage.remove(file)?;
        let end = storage.read_at(file, 0, &mut [0]).map_err(|error| error.kind());
        let is_end = matches!(end, Err(io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound));
        must(is_end, "reading on after the end is an error")?;
    }
    Ok(())
}

fn bytes(storage: &dyn Storage) -> Result<(), NotConformant> {
    for file in FILES {
        storage.write_at(file, 0, b"0123456789")?;
        storage.write_at(file, 4, b"abc")?;
        let mut read = [0; 10];
        storage.read_at(file, 0, &mut read)?;
        must(read == *b"0123abc789", "what was written is read, also before a sync")?;
        storage.sync_data(file)?;
        storage.read_at(file, 3, &mut read[..4])?;
        must(read.starts_with(b"3abc"), "reading begins where it is told to")?;
        must(storage.len(file)? == 10, "writing inside of a file does not change its length")?;
        let end = storage.read_at(file, 5, &mut [0; 6]).map_err(|error| error.kind());
        must(end == Err(io::ErrorKind::UnexpectedEof), "too few bytes are an unexpected end")?;
        storage.write_at(file, 12, b"x")?;
        let mut hole = [9; 3];
        storage.read_at(file, 10, &mut hole)?;
        must(hole == [0, 0, b'x'], "what nobody wrote reads as zeros")?;
        let before = storage.len(file)?;
        storage.reserve(file, 4_096)?;
        let after = storage.len(file)?;
        must(after == before || after == 4_096, "room is taken whole or not at all")?;
        if after > before {
            let mut zeros = [9; 64];
            storage.read_at(file, 1_000, &mut zeros)?;
            must(zeros == [0; 64], "room that was taken reads as zeros")?;
        }
        storage.truncate(file, 5)?;
        must(storage.len(file)? == 5, "a file is cut where it is told to")?;
        storage.write_at(file, 8, b"y")?;
        let mut again = [9; 9];
        storage.read_at(file, 0, &mut again)?;
        must(again == *b"0123a\0\0\0y", "what was cut off does not come back")?;
    }
    // They are files of their own.
    for file in FILES {
        storage.remove(file)?;
        must(storage.len(file)? == 0, "a removed file has no bytes")?;
        let others = FILES.into_iter().filter(|other| *other > file);
        for other in others {
            must(storage.len(other)? > 0, "removing a file leaves the others")?;
        }
    }
    Ok(())
}

fn segments(storage: &dyn Storage) -> Result<(), NotConformant> {
    let all = [0, 7, 255, 70_000, u64::from(u32::MAX) + 1].map(LeafIndex::new);
    for first in [3, 0, 4, 2, 1].into_iter().filter_map(|place: usize| all.get(place)) {
        storage.write_at(StoredFile::Segment(*first), 0, b"segment")?;
    }
    storage.write_at(StoredFile::Offsets, 0, b"no segment")?;
    must(storage.segments()? == all, "segments are listed in ascending order")?;
    storage.remove(StoredFile::Segment(LeafIndex::new(255)))?;
    let left = [0, 7, 70_000, u64::from(u32::MAX) + 1].map(LeafIndex::new);
    must(storage.segments()? == left, "a removed segment is listed no more")
}

fn checkpoint(storage: &dyn Storage) -> Result<(), NotConformant> {
    let long = vec![b'x'; 60_000];
    for note in [&b"a first note"[..], b"another", &long, b"the last one"] {
        storage.write_checkpoint(note)?;
        let read = storage.read_checkpoint()?;
        must(read.as_deref() == Some(note), "a checkpoint replaces the one before it")?;
    }
    must(storage.segments()?.is_empty(), "a checkpoint is no segment")
}
