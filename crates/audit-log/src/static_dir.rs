//! A published log in a directory of the local file system.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::directory;
use crate::segment::to_u64;
use crate::static_files::{CHECKPOINT_PATH, StaticFiles, StaticStore};
use crate::static_sync::WholeSync;
use crate::tile::{BundleId, TileId};

const LOCK_FILE: &str = ".publisher.lock";
const TEMP_FILE: &str = ".publisher.tmp";
/// New files that are synced and named together, at most.
const BATCH_FILES_MAX: usize = 512;
const BATCH_BYTES_MAX: usize = 64 << 20;
/// For more new files than these, one sync of the whole file system costs less than one for each.
const ALONE_FILES_MAX: usize = 32;
/// How often a file is opened again that was replaced while it was opened.
const OPEN_TRIES: usize = 16;

/// A directory that is read. Inside it nothing but plain directories and regular files is
/// followed or opened, and no path is asked for that is not one of a published log.
#[derive(Clone, Debug)]
pub struct StaticDir {
    root: PathBuf,
}

/// A directory that is written, locked for this process (`flock`). Its files get the access
/// rights that the process gives to new files: they are there to be served.
///
/// A file gets its name when its bytes are durable. Where the system can be relied upon to make
/// many files durable at once (`syncfs` of Linux 5.8 on ext4, XFS and Btrfs), it does so for
/// publications of more than 32 files; elsewhere each file is synced alone.
#[derive(Debug)]
pub struct PublishDir {
    dir: StaticDir,
    /// Syncs many files at once, if that can be relied upon.
    whole: Option<WholeSync>,
    /// Files that are written and have no name yet; never any without `whole`.
    batch: Vec<Unnamed>,
    batch_bytes: usize,
    /// Directories whose entries may not be durable.
    dirty: BTreeSet<PathBuf>,
    /// Holds the lock until dropped.
    _lock: File,
}

/// A file that is written beside the log.
#[derive(Debug)]
struct Unnamed {
    place: PathBuf,
    temp: PathBuf,
    /// Open as long as it may be synced alone.
    file: Option<File>,
}

impl StaticDir {
    /// The published log in the directory `root`, which may itself be reached by a link.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The file system's path, if all directories on the way are directories. `None` if one is
    /// not there.
    fn locate(&self, path: &str) -> io::Result<Option<PathBuf>> {
        let known = path == CHECKPOINT_PATH
            || path.parse::<TileId>().is_ok()
            || path.parse::<BundleId>().is_ok();
        if !known {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a path of a log"));
        }
        let mut place = self.root.clone();
        let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
        for dir in dirs.split('/').filter(|dir| !dir.is_empty()) {
            place.push(dir);
            match fs::symlink_metadata(&place) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Err(invalid("a directory of the log is something else")),
            }
        }
        place.push(name);
        Ok(Some(place))
    }
}

impl StaticFiles for StaticDir {
    fn read_into(&self, path: &str, len_max: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
        bytes.clear();
        let Some(place) = self.locate(path)? else { return Ok(false) };
        for _ in 0..OPEN_TRIES {
            let opened = match open_file(&place) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                opened => opened?,
            };
            if let Some(file) = opened {
                file.take(to_u64(len_max).saturating_add(1)).read_to_end(bytes)?;
                return Ok(true);
            }
        }
        Err(invalid("the file is replaced again and again"))
    }
}

/// Opens a regular file; `None` if another one took its name meanwhile, as checkpoints do.
fn open_file(place: &Path) -> io::Result<Option<File>> {
    let expected = fs::symlink_metadata(place)?;
    // WHY: a pipe would block, a device would never end, a link leads elsewhere.
    if !expected.is_file() {
        return Err(invalid("a file of the log is something else"));
    }
    let file = File::open(place)?;
    let opened = file.metadata()?;
    Ok(((opened.dev(), opened.ino()) == (expected.dev(), expected.ino())).then_some(file))
}

impl PublishDir {
    /// Opens `root` to publish into it; makes the directory (not its parents) if it is not there.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another publisher holds it; whatever else the file system
    /// says.
    pub fn open(root: &Path) -> io::Result<Self> {
        match fs::create_dir(root) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => done?,
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let held = "another publisher holds this directory";
        let lock = directory::lock(&root.join(LOCK_FILE), &options, held)?;
        directory::sync_parent(root)?;
        remove_temporary(root)?;
        Ok(Self {
            dir: StaticDir::new(root),
            whole: WholeSync::of(File::open(root)?),
            batch: Vec::new(),
            batch_bytes: 0,
            dirty: BTreeSet::new(),
            _lock: lock,
        })
    }

    /// Makes the directories on the way to `path` and remembers that they are to be synced.
    fn make_way(&mut self, path: &str) -> io::Result<PathBuf> {
        if let Some(place) = self.dir.locate(path)? {
            self.mark(path);
            return Ok(place);
        }
        let mut dir = self.dir.root.clone();
        let (dirs, _) = path.rsplit_once('/').unwrap_or(("", path));
        for name in dirs.split('/').filter(|name| !name.is_empty()) {
            dir.push(name);
            match fs::create_dir(&dir) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                done => done?,
            }
        }
        self.mark(path);
        self.dir.locate(path)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn mark(&mut self, path: &str) {
        let mut dir = self.dir.root.clone();
        self.dirty.insert(dir.clone());
        let (dirs, _) = path.rsplit_once('/').unwrap_or(("", path));
        for name in dirs.split('/').filter(|name| !name.is_empty()) {
            dir.push(name);
            if !self.dirty.contains(&dir) {
                self.dirty.insert(dir.clone());
            }
        }
    }

    /// Writes and syncs the bytes beside the log, then gives them their name.
    fn write(&self, place: &Path, bytes: &[u8]) -> io::Result<()> {
        let temp = self.dir.root.join(TEMP_FILE);
        write_new(&temp, bytes)?.sync_all()?;
        fs::rename(&temp, place)
    }

    /// Writes the bytes beside the log, to be synced and named with others.
    fn write_later(&mut self, place: PathBuf, bytes: &[u8]) -> io::Result<()> {
        let temp = self.dir.root.join(format!("{TEMP_FILE}.{}", self.batch.len()));
        let file = write_new(&temp, bytes)?;
        let file = (self.batch.len() < ALONE_FILES_MAX).then_some(file);
        self.batch.push(Unnamed { place, temp, file });
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
        batch.iter().try_for_each(|one| fs::rename(&one.temp, &one.place))
    }
}

impl StaticFiles for PublishDir {
    fn read_into(&self, path: &str, len_max: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
        self.dir.read_into(path, len_max, bytes)
    }
}

impl StaticStore for PublishDir {
    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let place = self.make_way(path)?;
        if self.batch.iter().any(|one| one.place.as_os_str() == place.as_os_str()) {
            self.name_batch()?;
        }
        // The lock keeps other publishers out between this look and the renaming.
        match fs::symlink_metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => match self.whole {
                Some(_) => self.write_later(place, bytes),
                None => self.write(&place, bytes),
            },
            Err(error) => Err(error),
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.name_batch()?;
        // A directory is forgotten only when it is synced.
        while let Some(dir) = self.dirty.last() {
            directory::sync(dir)?;
            self.dirty.pop_last();
        }
        Ok(())
    }

    fn replace_checkpoint(&mut self, note: &[u8]) -> io::Result<()> {
        let place = self.make_way(CHECKPOINT_PATH)?;
        self.write(&place, note)?;
        directory::sync(&self.dir.root)
    }

    fn remove_partial(&mut self, path: &str) -> io::Result<()> {
        // Located by the name of its first file, so that the checks are the same.
        let Some(first) = self.dir.locate(&format!("{path}.p/1"))? else { return Ok(()) };
        let Some(dir) = first.parent() else { return Ok(()) };
        fs::remove_dir_all(dir)
    }
}

/// Writes a file that is new.
fn write_new(temp: &Path, bytes: &[u8]) -> io::Result<File> {
    // WHY: what a crash left, or a link that somebody laid there, is not written through.
    match fs::remove_file(temp) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        done => done?,
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(temp)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Removes files that a crash left beside the log. What is there under their names and is no file
/// stays, and is reported when the name is needed.
fn remove_temporary(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(TEMP_FILE.as_bytes()) && !entry.file_type()?.is_dir()
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn invalid(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
