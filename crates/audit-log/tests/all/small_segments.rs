use std::io;
use std::path::Path;

use dataspace_audit_log::{
    FileStorage, Log, Recovery, Storage, medium::StoredFile, open::OpenError,
};
use dataspace_tlog::LeafIndex;

use crate::support::origin;

/// Files of a directory, with segments so small that many of them are begun.
#[derive(Debug)]
pub(crate) struct SmallSegments(FileStorage);

impl SmallSegments {
    pub(crate) fn create(dir: &Path) -> Log {
        Log::create_on(Box::new(Self(FileStorage::create(dir).unwrap())), origin()).unwrap()
    }

    pub(crate) fn open(dir: &Path) -> Result<(Log, Recovery), OpenError> {
        Log::open_on(Box::new(Self(FileStorage::open(dir)?)), origin())
    }

    pub(crate) fn check(dir: &Path) -> Result<Recovery, OpenError> {
        Log::check_on(&Self(FileStorage::open(dir)?), &origin(), &|_| {})
    }
}

impl Storage for SmallSegments {
    fn segments(&self) -> io::Result<Vec<LeafIndex>> {
        self.0.segments()
    }

    fn len(&self, file: StoredFile) -> io::Result<u64> {
        self.0.len(file)
    }

    fn read_at(&self, file: StoredFile, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(file, offset, buffer)
    }

    fn write_at(&self, file: StoredFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(file, offset, bytes)
    }

    fn reserve(&self, file: StoredFile, len: u64) -> io::Result<()> {
        self.0.reserve(file, len)
    }

    fn sync_data(&self, file: StoredFile) -> io::Result<()> {
        self.0.sync_data(file)
    }

    fn truncate(&self, file: StoredFile, len: u64) -> io::Result<()> {
        self.0.truncate(file, len)
    }

    fn remove(&self, file: StoredFile) -> io::Result<()> {
        self.0.remove(file)
    }

    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        self.0.read_checkpoint()
    }

    fn write_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        self.0.write_checkpoint(note)
    }

    fn nonce(&self) -> io::Result<[u8; 16]> {
        self.0.nonce()
    }

    fn check_place(&self, growing: StoredFile) -> io::Result<()> {
        self.0.check_place(growing)
    }

    fn segment_len_max(&self) -> u64 {
        8 << 10
    }
}
