use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::note::NOTE_LEN_MAX;

const SEGMENT_FILE: &str = "entries.seg";
const CHECKPOINT_FILE: &str = "checkpoint";
const CHECKPOINT_TEMP_FILE: &str = "checkpoint.tmp";
const LOCK_FILE: &str = "lock";

/// Where a log lives: one growing segment and one small checkpoint.
///
/// One log owns it alone: whoever holds the value may assume that nobody else writes.
pub trait Storage: Send + Sync + fmt::Debug {
    /// Bytes in the segment.
    ///
    /// # Errors
    /// Whatever the medium says.
    fn len(&self) -> io::Result<u64>;

    /// Whether the segment is empty.
    ///
    /// # Errors
    /// Whatever the medium says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if there are fewer; whatever else the medium says.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`, without making them durable. After an error any part
    /// of them may have been written.
    ///
    /// # Errors
    /// Whatever the medium says.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything written so far durable, and the segment's length with it.
    ///
    /// # Errors
    /// Whatever the medium says; then nothing is known about what was written.
    fn sync_data(&self) -> io::Result<()>;

    /// Cuts the segment to `len` bytes; durable on return.
    ///
    /// # Errors
    /// Whatever the medium says.
    fn truncate(&self, len: u64) -> io::Result<()>;

    /// The stored checkpoint, if there is one.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if it is longer than a note can be; whatever else the
    /// medium says.
    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>>;

    /// Replaces the checkpoint, whole or not at all; durable on return.
    ///
    /// # Errors
    /// Whatever the medium says; then either checkpoint may be there.
    fn write_checkpoint(&self, note: &[u8]) -> io::Result<()>;
}

/// A directory of the local file system, locked for this process (`flock`), readable by its
/// owner alone.
#[derive(Debug)]
pub struct FileStorage {
    dir: PathBuf,
    segment: File,
    /// Holds the lock until dropped.
    _lock: File,
}

impl FileStorage {
    /// Opens `dir` for a new log; makes the directory (not its parents) if it is not there.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another log holds the directory; whatever else the file
    /// system says.
    pub fn create(dir: &Path) -> io::Result<Self> {
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => done?,
        }
        let lock = lock(dir)?;
        let segment = open(&dir.join(SEGMENT_FILE), true)?;
        sync_dir(dir)?;
        match dir.parent() {
            Some(parent) if parent.as_os_str().is_empty() => sync_dir(Path::new("."))?,
            Some(parent) => sync_dir(parent)?,
            None => {}
        }
        Ok(Self { dir: dir.to_owned(), segment, _lock: lock })
    }

    /// Opens the log in `dir`.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is none, [`io::ErrorKind::WouldBlock`] if another
    /// holds it; whatever else the file system says.
    pub fn open(dir: &Path) -> io::Result<Self> {
        // The segment comes first, so that asking for a log that is not there leaves no trace.
        let segment = open(&dir.join(SEGMENT_FILE), false)?;
        let lock = lock(dir)?;
        Ok(Self { dir: dir.to_owned(), segment, _lock: lock })
    }
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(create).truncate(false).mode(0o600).open(path)
}

fn lock(dir: &Path) -> io::Result<File> {
    let file = open(&dir.join(LOCK_FILE), true)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let text = "another log holds this directory";
            Err(io::Error::new(io::ErrorKind::WouldBlock, text))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

impl Storage for FileStorage {
    fn len(&self) -> io::Result<u64> {
        Ok(self.segment.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.segment.read_exact_at(buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.segment.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.segment.sync_data()
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.segment.set_len(len)?;
        self.segment.sync_all()
    }

    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.dir.join(CHECKPOINT_FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut note = Vec::new();
        let len_max = u64::try_from(NOTE_LEN_MAX).unwrap_or(u64::MAX);
        file.take(len_max + 1).read_to_end(&mut note)?;
        if note.len() > NOTE_LEN_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the checkpoint is too long"));
        }
        Ok(Some(note))
    }

    fn write_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        let temp = self.dir.join(CHECKPOINT_TEMP_FILE);
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&temp)?;
        file.write_all(note)?;
        file.sync_all()?;
        fs::rename(&temp, self.dir.join(CHECKPOINT_FILE))?;
        sync_dir(&self.dir)
    }
}
