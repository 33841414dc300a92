use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use dataspace_tlog::engine::to_u64;
use dataspace_tlog::{Directory, LeafIndex, note::NOTE_LEN_MAX};
use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::io::Errno;

use crate::medium::storage::{Storage, StoredFile};

pub(crate) const CHECKPOINT_FILE: &str = "checkpoint";

/// Files that are kept open.
pub(crate) const OPEN_MAX: usize = 64;
/// Descriptors that are kept for a moment in which the process has no others.
const SPARE: usize = 2;

/// Bytes that are written at once to take room.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// A directory of the local file system, locked for this process (`flock` on the directory itself),
/// readable by its owner alone.
///
/// No link in it is followed, and nothing is written to a file that has a second name. Where the
/// directory, or the segment that grows, is moved or replaced, nothing more is written from the next
/// segment or checkpoint on.
#[derive(Debug)]
pub struct FileStorage {
    /// Holds the lock until dropped.
    dir: Directory,
    open: RwLock<HashMap<StoredFile, Arc<File>>>,
    spare: Mutex<Vec<File>>,
}

impl FileStorage {
    /// Opens `dir` for a new log; makes the directory (not its parents) if it is not there.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another log holds the directory; whatever else the file
    /// system says.
    pub fn create(dir: &Path) -> io::Result<Self> {
        Self::locked(Directory::make(dir)?)
    }

    /// Opens the log in `dir`.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is none, [`io::ErrorKind::WouldBlock`] if another
    /// holds it; whatever else the file system says.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Self::locked(open_log(dir)?)
    }

    fn locked(dir: Directory) -> io::Result<Self> {
        dir.lock("another log holds this directory")?;
        dir.remove_temporary()?;
        let this = Self { dir, open: RwLock::default(), spare: Mutex::default() };
        this.keep_spare();
        Ok(this)
    }

    fn file(&self, file: StoredFile) -> io::Result<Arc<File>> {
        self.opened(file, || self.dir.write(file.to_string()))
    }

    fn file_or_new(&self, file: StoredFile) -> io::Result<Arc<File>> {
        self.opened(file, || {
            let name = file.to_string();
            match self.dir.write(&name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => return opened,
            }
            self.dir.check()?;
            let new = match self.dir.make_file(&name) {
                // Who writes and who settles may both make it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    self.dir.write(&name)?
                }
                new => new?,
            };
            self.dir.sync()?;
            Ok(new)
        })
    }

    fn opened(
        &self,
        file: StoredFile,
        open: impl Fn() -> io::Result<File>,
    ) -> io::Result<Arc<File>> {
        if let Some(known) = self.open.read().unwrap_or_else(PoisonError::into_inner).get(&file) {
            return Ok(Arc::clone(known));
        }
        let opened = Arc::new(self.with_spare(open)?);
        let mut all = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= OPEN_MAX {
            close_segments(&mut all);
        }
        all.insert(file, Arc::clone(&opened));
        Ok(opened)
    }

    /// What `open` gives. If there is no descriptor left for it, some are closed first that were kept.
    fn with_spare<T>(&self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        let is_out = |error: &io::Error| {
            let code = error.raw_os_error();
            code == Some(Errno::MFILE.raw_os_error()) || code == Some(Errno::NFILE.raw_os_error())
        };
        match open() {
            Err(error) if is_out(&error) => {
                close_segments(&mut self.open.write().unwrap_or_else(PoisonError::into_inner));
                self.spare.lock().unwrap_or_else(PoisonError::into_inner).clear();
                open()
            }
            opened => opened,
        }
    }

    fn keep_spare(&self) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        while spare.len() < SPARE {
            let Ok(one) = self.dir.handle() else { return };
            spare.push(one);
        }
    }

    fn forget(&self, file: StoredFile) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&file);
    }
}

/// Closes the segments that are only read: all but the last one.
fn close_segments(open: &mut HashMap<StoredFile, Arc<File>>) {
    let segments = open.keys().filter(|file| matches!(file, StoredFile::Segment(_)));
    let last = segments.max().copied();
    open.retain(|file, _| !matches!(file, StoredFile::Segment(_)) || Some(*file) == last);
}

/// A directory in which there is a log, or a part of one.
pub(crate) fn open_log(dir: &Path) -> io::Result<Directory> {
    let dir = Directory::open(dir)?;
    if segments(&dir)?.is_empty() && !dir.has(CHECKPOINT_FILE)? {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no log here"));
    }
    Ok(dir)
}

/// The first records of the segments in `dir`, sorted.
pub(crate) fn segments(dir: &Directory) -> io::Result<Vec<LeafIndex>> {
    let mut found = Vec::new();
    for name in dir.names()? {
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
        if let StoredFile::Segment(_) = file {
            self.dir.check_process()?;
        }
        self.file_or_new(file)?.write_all_at(bytes, offset)
    }

    fn reserve(&self, file: StoredFile, len: u64) -> io::Result<()> {
        self.dir.check_process()?;
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
        self.dir.check()?;
        let file = self.file(file)?;
        file.set_len(len)?;
        file.sync_all()
    }

    fn remove(&self, file: StoredFile) -> io::Result<()> {
        self.dir.check()?;
        self.forget(file);
        match self.dir.remove(file.to_string()) {
            // Of an earlier call it is not known whether it is durable.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done?,
        }
        self.dir.sync()
    }

    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        self.with_spare(|| self.dir.read_all(CHECKPOINT_FILE, NOTE_LEN_MAX))
    }

    fn write_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        let replaced = self.with_spare(|| self.dir.replace(CHECKPOINT_FILE, note));
        self.keep_spare();
        replaced
    }

    fn nonce(&self) -> io::Result<[u8; 16]> {
        let mut nonce = [0; 16];
        let drawn = SystemRandom::new().fill(&mut nonce);
        drawn.map_err(|_| io::Error::other("the system gave no randomness"))?;
        Ok(nonce)
    }

    fn check_place(&self, growing: StoredFile) -> io::Result<()> {
        self.dir.check()?;
        let name = growing.to_string();
        if self.dir.is_at(&name, &*self.file(growing)?)? {
            return Ok(());
        }
        let text = format!(
            "`{}` was removed or replaced while it was written; open the log again",
            self.dir.path().join(name).display()
        );
        Err(io::Error::new(io::ErrorKind::StaleNetworkFileHandle, text))
    }
}
