//! A directory of the local file system into which a log is published.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use dataspace_tlog::engine::paths::{is_known, read_into, walk, walk_dirs};
use dataspace_tlog::{Directory, StaticFiles, published::CHECKPOINT_PATH};
use rustix::fs::{FileType, Mode};

use crate::published::static_store::StaticStore;
use crate::published::static_sync::WholeSync;

const TEMP_FILE: &str = "publisher";
/// New files that are synced and named together, at most.
const BATCH_FILES_MAX: usize = 512;
const BATCH_BYTES_MAX: usize = 64 << 20;
/// For more new files than these, one sync of the whole file system costs less than one for each.
const ALONE_FILES_MAX: usize = 32;
/// Access rights of new files and directories, reduced by the process (`umask`): they are there to be
/// served.
const FILE_MODE: Mode = Mode::from_raw_mode(0o666);
const DIR_MODE: Mode = Mode::from_raw_mode(0o777);

/// A directory that is written, locked for this process (`flock` on the directory itself). Its files
/// get the access rights that the process gives to new files: they are there to be served.
///
/// A file gets its name when its bytes are durable. Where the system can be relied upon to make
/// many files durable at once (`syncfs` of Linux 5.8 on ext4, XFS and Btrfs), it does so for
/// publications of more than 32 files; elsewhere each file is synced alone.
#[derive(Debug)]
pub struct PublishDir {
    /// Holds the lock until dropped.
    root: Arc<Directory>,
    /// Syncs many files at once, if that can be relied upon.
    whole: Option<WholeSync>,
    /// Files that are written and have no name yet; never any without `whole`.
    batch: Vec<Unnamed>,
    batch_bytes: usize,
    /// Directories whose entries may not be durable.
    dirty: BTreeSet<String>,
}

/// A file that is written beside the log.
#[derive(Debug)]
struct Unnamed {
    path: String,
    temp: String,
    /// Open as long as it may be synced alone.
    file: Option<File>,
}

impl PublishDir {
    /// Opens `root` to publish into it; makes the directory (not its parents) if it is not there.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another publisher holds it; whatever else the file system
    /// says.
    pub fn open(root: &Path) -> io::Result<Self> {
        let root = Directory::make_with(root, DIR_MODE)?;
        root.lock("another publisher holds this directory")?;
        root.remove_temporary()?;
        Ok(Self {
            whole: WholeSync::of(root.handle()?),
            root: Arc::new(root),
            batch: Vec::new(),
            batch_bytes: 0,
            dirty: BTreeSet::new(),
        })
    }

    /// Makes the directories on the way to `path` and remembers that they are to be synced.
    fn make_way(&mut self, path: &str) -> io::Result<(Arc<Directory>, String)> {
        let way = walk(&self.root, path, Directory::make_inner)?;
        let mut dirs = path;
        while let Some((before, _)) = dirs.rsplit_once('/') {
            dirs = before;
            if !self.dirty.contains(dirs) {
                self.dirty.insert(dirs.to_owned());
            }
        }
        self.dirty.insert(String::new());
        way.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Writes a file beside the log.
    fn write_new(&self, bytes: &[u8]) -> io::Result<(String, File)> {
        let (temp, mut file) = self.root.make_temporary_with(TEMP_FILE, FILE_MODE)?;
        match file.write_all(bytes) {
            Ok(()) => Ok((temp, file)),
            Err(error) => {
                let _room_that_is_needed = self.root.remove(&temp);
                Err(error)
            }
        }
    }

    /// Writes the bytes beside the log, to be synced and named with others.
    fn write_later(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let (temp, file) = self.write_new(bytes)?;
        let file = (self.batch.len() < ALONE_FILES_MAX).then_some(file);
        self.batch.push(Unnamed { path: path.to_owned(), temp, file });
        self.batch_bytes += bytes.len();
        if self.batch.len() >= BATCH_FILES_MAX || self.batch_bytes >= BATCH_BYTES_MAX {
            self.name_batch()?;
        }
        Ok(())
    }

    /// Makes the files of the batch durable, then gives them their names.
    fn name_batch(&mut self) -> io::Result<()> {
        // WHY taken: after a sync that failed nobody knows what is on the disk, and the next one may
        // say that all is well. So the files stay without a name.
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        match &self.whole {
            Some(whole) if batch.len() > ALONE_FILES_MAX => whole.sync()?,
            _ => batch.iter().filter_map(|one| one.file.as_ref()).try_for_each(File::sync_all)?,
        }
        batch.iter().try_for_each(|one| {
            let way = walk(&self.root, &one.path, Directory::inner)?;
            let (dir, name) = way.ok_or(io::ErrorKind::NotFound)?;
            self.root.rename_into(&one.temp, &dir, &name)
        })
    }
}

impl StaticFiles for PublishDir {
    fn read_into(&self, path: &str, len_max: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
        read_into(&self.root, path, len_max, bytes)
    }
}

impl StaticStore for PublishDir {
    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let (dir, name) = self.make_way(path)?;
        if self.batch.iter().any(|one| one.path == path) {
            self.name_batch()?;
        }
        // The lock keeps other publishers out between this look and the renaming.
        if dir.has(&name)? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if self.whole.is_some() {
            return self.write_later(path, bytes);
        }
        let (temp, file) = self.write_new(bytes)?;
        file.sync_all()?;
        self.root.rename_into(&temp, &dir, &name)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.name_batch()?;
        // A directory is forgotten only when it is synced.
        while let Some(path) = self.dirty.last() {
            let dir = walk_dirs(&self.root, path, Directory::inner)?;
            dir.ok_or(io::ErrorKind::NotFound)?.sync()?;
            self.dirty.pop_last();
        }
        Ok(())
    }

    fn replace_checkpoint(&mut self, note: &[u8]) -> io::Result<()> {
        self.root.replace_with(CHECKPOINT_PATH, note, FILE_MODE)
    }

    fn remove_partial(&mut self, path: &str) -> io::Result<()> {
        // Located by the name of its first file, so that the checks are the same.
        let first = format!("{path}.p/1");
        let Some((dir, _)) = walk(&self.root, &first, Directory::inner)? else { return Ok(()) };
        for name in dir.names()? {
            let is_ours = name.to_str().is_some_and(|name| is_known(&format!("{path}.p/{name}")));
            if is_ours && dir.kind(&name)? != Some(FileType::Directory) {
                dir.remove(&name)?;
            }
        }
        // Unless something else is there, which is nobody's to remove.
        if dir.names()?.is_empty() {
            let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
            if let Some(parent) = walk_dirs(&self.root, dirs, Directory::inner)? {
                parent.remove_inner(&format!("{name}.p"))?;
            }
        }
        Ok(())
    }
}
