//! A storage in memory that knows the largest buffer it was asked to fill.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use dataspace_audit_log::Storage;

#[derive(Debug, Default)]
pub(crate) struct Bytes {
    pub(crate) segment: Vec<u8>,
    pub(crate) checkpoint: Option<Vec<u8>>,
    pub(crate) largest_read: usize,
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
    fn len(&self) -> io::Result<u64> {
        Ok(self.get().segment.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut bytes = self.get();
        bytes.largest_read = bytes.largest_read.max(buffer.len());
        let found = bytes.segment.get(index(offset)?..).and_then(|rest| rest.get(..buffer.len()));
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, new: &[u8]) -> io::Result<()> {
        let (mut bytes, at) = (self.get(), index(offset)?);
        let end = at + new.len();
        if bytes.segment.len() < end {
            bytes.segment.resize(end, 0);
        }
        bytes.segment[at..end].copy_from_slice(new);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.get().segment.truncate(index(len)?);
        Ok(())
    }

    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get().checkpoint.clone())
    }

    fn write_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        self.get().checkpoint = Some(note.to_vec());
        Ok(())
    }
}
