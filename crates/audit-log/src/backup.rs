//! Copies of a log from which it can be opened again.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use dataspace_tlog::engine::to_u64;
use dataspace_tlog::{Checkpoint, Directory, LeafIndex, TreeSize, note::CheckpointError};
use thiserror::Error;

use crate::log::Log;
use crate::medium::file_storage::CHECKPOINT_FILE;
use crate::medium::hashes;
use crate::medium::mark::Mark;
use crate::medium::read_only::{ReadOnlyStorage, end_of_group};
use crate::medium::segment::segment_of;
use crate::medium::storage::{Storage, StoredFile};
use crate::open::recovery::{OpenError, Recovery};

/// Bytes that are copied at once.
const CHUNK_LEN: usize = 1 << 20;

/// A copy of a log that is being made: a directory under a temporary name beside its destination. It
/// is removed unless [`finish`](Self::finish) gives it its name.
///
/// Opening the copy for writing continues the log from there. If the first log continues too, there are
/// two logs of one name, and their checkpoints show it ([`ForkProof`](dataspace_tlog::ForkProof)).
#[derive(Debug)]
pub struct Backup {
    to: PathBuf,
    parent: Directory,
    temp: String,
    copy: Directory,
    is_done: bool,
}

/// Why a log is not copied. Nothing is left of the copy.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Something exists at the destination.
    #[error("`{}` is there already; give a name that is free", path.display())]
    Exists {
        /// Where the copy was to be.
        path: PathBuf,
    },
    /// No checkpoint was signed yet, so that nothing would show whether the copy is good.
    #[error("no checkpoint was signed yet; let the node record something, and try again")]
    Unsigned,
    /// The stored checkpoint does not verify.
    #[error("the stored checkpoint does not verify")]
    Checkpoint(#[from] CheckpointError),
    /// What was copied does not open: the log itself is damaged.
    #[error("what was copied does not open; the log itself is damaged")]
    Open(#[source] OpenError),
    /// The log cannot be read, or the copy not be written.
    #[error("the log cannot be copied")]
    Io(#[from] io::Error),
}

/// Copies the log in `dir` to the new directory `to`. If a log that may write has it open, the copy
/// has what its last checkpoint covers; else all of it. What was copied is opened once, to see that
/// it opens and is what the checkpoint covers.
///
/// # Errors
/// [`BackupError`].
pub fn backup(dir: &Path, to: &Path) -> Result<Recovery, BackupError> {
    let backup = Backup::begin(to)?;
    let (log, recovery) = backup.copy_log(dir)?;
    drop(log);
    backup.finish()?;
    Ok(recovery)
}

impl Backup {
    /// Begins a copy that will become the new directory `to`.
    ///
    /// # Errors
    /// [`BackupError::Exists`]; [`BackupError::Io`] if no directory can be made beside it.
    pub fn begin(to: &Path) -> Result<Self, BackupError> {
        let to = std::path::absolute(to)?;
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "not a name for a directory");
        let name = to.file_name().ok_or_else(invalid)?;
        let parent = Directory::open(to.parent().ok_or_else(invalid)?)?;
        if parent.has(name)? {
            return Err(BackupError::Exists { path: to });
        }
        let (temp, copy) = parent.make_temporary_directory("backup")?;
        Ok(Self { to, parent, temp, copy, is_done: false })
    }

    /// The directory as it is now, to put more into it.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.copy
    }

    /// Copies the log in `dir`, as [`backup`] does. Returns the copy, opened to be read.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn copy_log(&self, dir: &Path) -> Result<(Log, Recovery), BackupError> {
        let storage = match ReadOnlyStorage::open(dir) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ReadOnlyStorage::open_running(dir)?
            }
            storage => storage?,
        };
        let note = storage.read_checkpoint()?.ok_or(BackupError::Unsigned)?;
        let segments = storage.segments()?.into_iter();
        let segments = segments
            .map(|first| Ok((first, storage.len(StoredFile::Segment(first))?)))
            .collect::<io::Result<Vec<_>>>()?;
        let mark = Mark::read(&storage)?;
        self.copy_parts(&storage, &Parts { mark, note, segments })
    }

    fn copy_parts(
        &self,
        storage: &dyn Storage,
        parts: &Parts,
    ) -> Result<(Log, Recovery), BackupError> {
        let Parts { mark, note, segments } = parts;
        let text = str::from_utf8(note).map_err(|_| CheckpointError::Form)?;
        let origin = Checkpoint::claimed_origin(text)?;
        Checkpoint::verify(text, &origin)?;
        for (first, len) in segments {
            self.copy(storage, StoredFile::Segment(*first), *len)?;
        }
        // Up to the mark, hashes and offsets are whole and do not change; without one, the hashes of
        // what was archived are all that cannot be made again.
        let first = segments.first().map_or(0, |(first, _)| first.as_u64());
        let known = mark.map_or(first, |mark| mark.size);
        for (file, len) in hashes::lens(known) {
            self.copy(storage, file, len)?;
        }
        if let Some(mark) = mark {
            self.copy(storage, StoredFile::Offsets, hashes::offset_at(mark.size))?;
            let file = self.copy.make_file(StoredFile::Mark.to_string())?;
            put(file, &mark.to_bytes())?;
        }
        put(self.copy.make_file(CHECKPOINT_FILE)?, note)?;
        self.copy.sync()?;
        let copied = ReadOnlyStorage::open(self.copy.path())?;
        Log::open_on(Box::new(copied), origin).map_err(BackupError::Open)
    }

    fn copy(&self, storage: &dyn Storage, file: StoredFile, len: u64) -> io::Result<()> {
        let mut to = self.copy.make_file(file.to_string())?;
        let (mut at, mut bytes) = (0, vec![0; CHUNK_LEN]);
        while at < len {
            let left = usize::try_from(len - at).unwrap_or(usize::MAX).min(CHUNK_LEN);
            let chunk = bytes.get_mut(..left).unwrap_or_default();
            storage.read_at(file, at, chunk)?;
            to.write_all(chunk)?;
            at += to_u64(left);
        }
        to.sync_all()
    }

    /// Makes all of the copy durable, and gives the directory its name.
    ///
    /// # Errors
    /// [`BackupError::Exists`] if something has that name meanwhile; [`BackupError::Io`].
    pub fn finish(mut self) -> Result<(), BackupError> {
        self.copy.sync()?;
        let name = self.to.file_name().unwrap_or_default();
        match self.parent.rename_new(&self.temp, name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(BackupError::Exists { path: self.to.clone() });
            }
            done => done?,
        }
        self.is_done = true;
        Ok(self.parent.sync()?)
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        if !self.is_done {
            // Under a name that nobody else has.
            let _left_behind = fs::remove_dir_all(self.parent.path().join(&self.temp));
        }
    }
}

/// What of a log is copied.
struct Parts {
    /// Read before the checkpoint.
    mark: Option<Mark>,
    note: Vec<u8>,
    /// With the bytes that count of each.
    segments: Vec<(LeafIndex, u64)>,
}

fn put(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

impl Log {
    /// Copies what the stored checkpoint covers to a new directory, while the log goes on. Nothing
    /// else of the log waits for it but [`archive`](Self::archive). Returns the copy, opened to be
    /// read.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn backup_into(&self, backup: &Backup) -> Result<(Self, Recovery), BackupError> {
        let poisoned = |_| io::Error::other("the log is poisoned until it is opened again");
        // So that no segment is removed meanwhile.
        let _archives_nothing = self.archiving.lock().map_err(poisoned)?;
        drop(self.writer.readable().map_err(io::Error::other)?);
        let storage = &*self.writer.storage;
        // WHY first: a mark covers no more than the checkpoint that was stored before it.
        let mark = Mark::read(storage)?;
        let note = storage.read_checkpoint()?.ok_or(BackupError::Unsigned)?;
        let text = str::from_utf8(&note).map_err(|_| CheckpointError::Form)?;
        let size = Checkpoint::verify(text, self.origin())?.size();
        let last = size.as_u64().checked_sub(1).map(LeafIndex::new).ok_or(BackupError::Unsigned)?;
        let all = self.segments().map_err(io::Error::other)?;
        let end = segment_of(&all, last).ok_or(BackupError::Unsigned)?;
        let mut segments = Vec::new();
        for first in all.into_iter().filter(|first| *first <= end) {
            let file = StoredFile::Segment(first);
            let is_end = first == end;
            let len = if is_end { end_of_group(storage, file, last) } else { storage.len(file) };
            segments.push((first, len?));
        }
        backup.copy_parts(storage, &Parts { mark, note, segments })
    }

    /// As [`backup_into`](Self::backup_into), to the new directory `to`. Returns how many records it
    /// has.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn backup(&self, to: &Path) -> Result<TreeSize, BackupError> {
        let backup = Backup::begin(to)?;
        let (copy, recovery) = self.backup_into(&backup)?;
        drop(copy);
        backup.finish()?;
        Ok(recovery.size())
    }
}
