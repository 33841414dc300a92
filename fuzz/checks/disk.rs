//! A storage in memory that knows the largest buffer it was asked to fill.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use dataspace_audit_log::{
    Storage,
    medium::{SEGMENT_LEN_MAX, StoredFile},
};
use dataspace_tlog::LeafIndex;

#[derive(Debug, Default)]
pub(crate) struct Bytes {
    pub(crate) files: BTreeMap<StoredFile, Vec<u8>>,
    pub(crate) checkpoint: Option<Vec<u8>>,
    pub(crate) largest_read: usize,
    /// Bytes after which a new segment is begun, if not as many as usual.
    pub(crate) segment_len: Option<u64>,
}

/// Clones share one disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<Bytes>>);

impl Disk {
    pub(crate) fn get(&self) -> MutexGuard<'_, Bytes> {
        self.0.lock().expect("nobody panics while holding it")
    }
}

fn index(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof.into())
}

impl Storage for Disk {
    fn segments(&self) -> io::Result<Vec<LeafIndex>> {
        let bytes = self.get();
        let segments = bytes.files.keys().filter_map(|file| match file {
            StoredFile::Segment(first) => Some(*first),
            _ => None,
        });
        Ok(segments.collect())
    }

    fn len(&self, file: StoredFile) -> io::Result<u64> {
        Ok(self.get().files.get(&file).map_or(0, |bytes| bytes.len() as u64))
    }

    fn read_at(&self, file: StoredFile, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut bytes = self.get();
        bytes.largest_read = bytes.largest_read.max(buffer.len());
        let file = bytes.files.get(&file).ok_or(io::ErrorKind::NotFound)?;
        let found = file.get(index(offset)?..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, file: StoredFile, offset: u64, new: &[u8]) -> io::Result<()> {
        let (mut bytes, at) = (self.get(), index(offset)?);
        let end = at + new.len();
        let file = bytes.files.entry(file).or_default();
        if file.len() < end {
            file.resize(end, 0);
        }
        file[at..end].copy_from_slice(new);
        Ok(())
    }

    fn sync_data(&self, _file: StoredFile) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, file: StoredFile, len: u64) -> io::Result<()> {
        self.get().files.entry(file).or_default().truncate(index(len)?);
        Ok(())
    }

    fn remove(&self, file: StoredFile) -> io::Result<()> {
        self.get().files.remove(&file);
        Ok(())
    }

    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get().checkpoint.clone())
    }

    fn write_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        self.get().checkpoint = Some(note.to_vec());
        Ok(())
    }

    fn nonce(&self) -> io::Result<[u8; 16]> {
        // The same each time, so that an input does the same each time.
        Ok(*b"a nonce to fuzz.")
    }

    fn segment_len_max(&self) -> u64 {
        self.get().segment_len.unwrap_or(SEGMENT_LEN_MAX)
    }
}
