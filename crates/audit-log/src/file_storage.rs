use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::directory::{self, private};
use crate::note::NOTE_LEN_MAX;
use crate::segment::to_u64;
use crate::storage::{Storage, StoredFile};
use crate::tree::LeafIndex;

pub(crate) const CHECKPOINT_FILE: &str = "checkpoint";
pub(crate) const LOCK_FILE: &str = "lock";

/// Files that are kept open.
pub(crate) const OPEN_MAX: usize = 64;

/// Bytes that are written at once to take room.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// A directory of the local file system, locked for this process (`flock`), readable by its
/// owner alone.
#[derive(Debug)]
pub struct FileStorage {
    dir: PathBuf,
    open: RwLock<HashMap<StoredFile, Arc<File>>>,
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
        directory::make_private(dir)?;
        let this = Self::locked(dir)?;
        directory::sync_parent(dir)?;
        Ok(this)
    }

    /// Opens the log in `dir`.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is none, [`io::ErrorKind::WouldBlock`] if another
    /// holds it; whatever else the file system says.
    pub fn open(dir: &Path) -> io::Result<Self> {
        // Looked for first, so that asking for a log that is not there leaves no trace.
        if segments(dir)?.is_empty() && !dir.join(CHECKPOINT_FILE).try_exists()? {
            return Err(io::Error::new(io::ErrorKind::NotFound, "there is no log here"));
        }
        Self::locked(dir)
    }

    fn locked(dir: &Path) -> io::Result<Self> {
        let held = "another log holds this directory";
        let lock = directory::lock(&dir.join(LOCK_FILE), &private(), held)?;
        Ok(Self { dir: dir.to_owned(), open: RwLock::default(), _lock: lock })
    }

    fn path(&self, file: StoredFile) -> PathBuf {
        self.dir.join(file.to_string())
    }

    fn file(&self, file: StoredFile) -> io::Result<Arc<File>> {
        self.opened(file, || private().open(self.path(file)))
    }

    fn file_or_new(&self, file: StoredFile) -> io::Result<Arc<File>> {
        self.opened(file, || match private().open(self.path(file)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Who writes and who settles may both make it.
                let new = private().create(true).truncate(false).open(self.path(file))?;
                directory::sync(&self.dir)?;
                Ok(new)
            }
            opened => opened,
        })
    }

    fn opened(
        &self,
        file: StoredFile,
        open: impl FnOnce() -> io::Result<File>,
    ) -> io::Result<Arc<File>> {
        if let Some(known) = self.open.read().unwrap_or_else(PoisonError::into_inner).get(&file) {
            return Ok(Arc::clone(known));
        }
        let opened = Arc::new(open()?);
        let mut all = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= OPEN_MAX {
            all.clear();
        }
        all.insert(file, Arc::clone(&opened));
        Ok(opened)
    }

    fn forget(&self, file: StoredFile) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&file);
    }
}

/// The first records of the segments in `dir`, sorted.
pub(crate) fn segments(dir: &Path) -> io::Result<Vec<LeafIndex>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let first = name.to_str().and_then(|name| name.strip_prefix("segment-"));
        let Some(first) = first.and_then(|first| first.parse().ok()).map(LeafIndex::new) else {
            continue;
        };
        if name.to_str() == Some(StoredFile::Segment(first).to_string().as_str()) {
            found.push(first);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// All of a checkpoint's file, which is not longer than a note can be.
pub(crate) fn read_note(file: File) -> io::Result<Vec<u8>> {
    directory::read(file, NOTE_LEN_MAX, "the checkpoint is too long")
}

impl Storage for FileStorage {
    fn segments(&self) -> io::Result<Vec<LeafIndex>> {
        segments(&self.dir)
    }

    fn len(&self, file: StoredFile) -> io::Result<u64> {
        match self.file(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            file => Ok(file?.metadata()?.len()),
        }
    }

    fn read_at(&self, file: StoredFile, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file(file)?.read_exact_at(buffer, offset)
    }

    fn write_at(&self, file: StoredFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file_or_new(file)?.write_all_at(bytes, offset)
    }

    fn reserve(&self, file: StoredFile, len: u64) -> io::Result<()> {
        // WHY zeros, not `fallocate`: the first write to a block that was only allocated changes
        // the file's metadata, and each sync would write those too.
        let (opened, mut at) = (self.file_or_new(file)?, self.len(file)?);
        while at < len {
            let left = usize::try_from(len - at).unwrap_or(usize::MAX);
            let zeros = ZEROS.get(..left).unwrap_or(&ZEROS);
            opened.write_all_at(zeros, at)?;
            at += to_u64(zeros.len());
        }
        Ok(())
    }

    fn sync_data(&self, file: StoredFile) -> io::Result<()> {
        self.file(file)?.sync_data()
    }

    fn truncate(&self, file: StoredFile, len: u64) -> io::Result<()> {
        let file = self.file(file)?;
        file.set_len(len)?;
        file.sync_all()
    }

    fn remove(&self, file: StoredFile) -> io::Result<()> {
        self.forget(file);
        match fs::remove_file(self.path(file)) {
            // Of an earlier call it is not known whether it is durable.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
        directory::sync(&self.dir)
    }

    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.dir.join(CHECKPOINT_FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        read_note(file).map(Some)
    }

    fn write_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        directory::replace(&self.dir, CHECKPOINT_FILE, note)
    }

    fn nonce(&self) -> io::Result<[u8; 16]> {
        let mut nonce = [0; 16];
        let drawn = SystemRandom::new().fill(&mut nonce);
        drawn.map_err(|_| io::Error::other("the system gave no randomness"))?;
        Ok(nonce)
    }
}
