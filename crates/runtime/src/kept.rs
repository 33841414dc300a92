//! Records of conclusions whose segments were archived: they hold the documents of contracts, which a
//! node goes on needing.
//!
//! One file for each archiving, `kept-<place of its first record>`, never changed. What is read from it
//! is believed as little as what is read from a log: a contract's document must have its digest.
//!
//! ```text
//! "dataspace-kept1\n", number u64; for each record, in their order: place u64, offset u64, length u32
//! the records
//! ```

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use dataspace_audit_log::{Log, reader::ReadError};
use dataspace_tlog::{Directory, LeafIndex, record::RECORD_LEN_MAX};
use parking_lot::RwLock;

const MAGIC: [u8; 16] = *b"dataspace-kept1\n";
const PREFIX: &str = "kept-";
const ENTRY_LEN: u64 = 8 + 8 + 4;
const ENTRIES_AT: u64 = 16 + 8;

/// The files of a node.
pub(crate) struct Kept {
    dir: PathBuf,
    /// The place of the first record of each, ascending.
    firsts: RwLock<Vec<u64>>,
}

fn name(first: u64) -> String {
    format!("{PREFIX}{first:020}")
}

fn firsts(dir: &Directory) -> io::Result<Vec<u64>> {
    let names = dir.names()?;
    let mut firsts: Vec<u64> = names
        .iter()
        .filter_map(|name| name.to_str()?.strip_prefix(PREFIX))
        .filter(|number| number.len() == 20)
        .filter_map(|number| number.parse().ok())
        .collect();
    firsts.sort_unstable();
    Ok(firsts)
}

impl Kept {
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        let firsts = RwLock::new(firsts(&Directory::open(dir)?)?);
        Ok(Self { dir: dir.to_owned(), firsts })
    }

    /// The record at a place in the log, from the log or, if it was archived, from here.
    pub(crate) fn read_or(&self, log: &Log, index: LeafIndex) -> Result<Vec<u8>, ReadError> {
        match log.read(index) {
            Err(ReadError::Archived { index }) => {
                self.read(index.as_u64())?.ok_or(ReadError::Archived { index })
            }
            read => read,
        }
    }

    fn read(&self, index: u64) -> io::Result<Option<Vec<u8>>> {
        let first = {
            let firsts = self.firsts.read();
            let after = firsts.partition_point(|first| *first <= index);
            after.checked_sub(1).and_then(|at| firsts.get(at)).copied()
        };
        let Some(first) = first else { return Ok(None) };
        let file = Directory::open(&self.dir)?.read(name(first))?;
        let mut head = [0; 24];
        file.read_exact_at(&mut head, 0)?;
        let (magic, count) = head.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(damaged());
        }
        let count = u64::from_be_bytes(count.try_into().map_err(|_| damaged())?);
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            let mut entry = [0; 20];
            let at = middle.checked_mul(ENTRY_LEN).and_then(|at| at.checked_add(ENTRIES_AT));
            file.read_exact_at(&mut entry, at.ok_or_else(damaged)?)?;
            let (place, rest) = entry.split_first_chunk().ok_or_else(damaged)?;
            let (offset, len) = rest.split_first_chunk().ok_or_else(damaged)?;
            match u64::from_be_bytes(*place).cmp(&index) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let len = u32::from_be_bytes(len.try_into().map_err(|_| damaged())?);
                    let len = usize::try_from(len).unwrap_or(usize::MAX);
                    if len > RECORD_LEN_MAX {
                        return Err(damaged());
                    }
                    let mut record = vec![0; len];
                    file.read_exact_at(&mut record, u64::from_be_bytes(*offset))?;
                    return Ok(Some(record));
                }
            }
        }
        Ok(None)
    }

    /// Keeps the records of `log` at these places, which ascend. Durable when it returns.
    pub(crate) fn keep<E>(&self, log: &Log, places: &[LeafIndex]) -> Result<(), E>
    where
        E: From<io::Error> + From<ReadError>,
    {
        let Some(first) = places.first().map(|place| place.as_u64()) else { return Ok(()) };
        let dir = Directory::open(&self.dir)?;
        let (new, file) = dir.make_temporary(PREFIX)?;
        let written = write(file, log, places).and_then(|()| {
            dir.rename(&new, &name(first))?;
            Ok(dir.sync()?)
        });
        if written.is_err() {
            let _may_not_be_there = dir.remove(&new);
            return written;
        }
        let mut firsts = self.firsts.write();
        if let Err(at) = firsts.binary_search(&first) {
            firsts.insert(at, first);
        }
        Ok(())
    }

    /// Copies what is kept in `dir`.
    pub(crate) fn copy(dir: &Path, to: &Directory) -> io::Result<()> {
        let dir = Directory::open(dir)?;
        for first in firsts(&dir)? {
            let (mut from, mut to) = (dir.read(name(first))?, to.make_file(name(first))?);
            io::copy(&mut from, &mut to)?;
            to.sync_all()?;
        }
        Ok(())
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }
}

fn write<E>(file: std::fs::File, log: &Log, places: &[LeafIndex]) -> Result<(), E>
where
    E: From<io::Error> + From<ReadError>,
{
    let count = u64::try_from(places.len()).unwrap_or(u64::MAX);
    let mut at = ENTRIES_AT.saturating_add(count.saturating_mul(ENTRY_LEN));
    let mut entries = Vec::with_capacity(places.len());
    let mut file = BufWriter::with_capacity(1 << 18, file);
    file.seek(SeekFrom::Start(at))?;
    for place in places {
        let record = log.read(*place)?;
        file.write_all(&record)?;
        let len = u32::try_from(record.len()).map_err(|_| damaged())?;
        entries.push((place.as_u64(), at, len));
        at = at.saturating_add(len.into());
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&MAGIC)?;
    file.write_all(&count.to_be_bytes())?;
    for (place, at, len) in entries {
        file.write_all(&place.to_be_bytes())?;
        file.write_all(&at.to_be_bytes())?;
        file.write_all(&len.to_be_bytes())?;
    }
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(file.sync_all()?)
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the records of archived contracts are damaged")
}
