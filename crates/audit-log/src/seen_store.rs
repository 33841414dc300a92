use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use dataspace_primitives::Digest;

use crate::fork::FORK_LEN_MAX;
use crate::note::NOTE_LEN_MAX;
use crate::origin::Origin;

const LOCK_FILE: &str = "lock";

/// Where the latest checkpoint of each log is kept, and the first proof of a fork.
///
/// Whoever holds the value may assume that nobody else writes. Calls for one log come one after
/// the other; for several logs, at the same time.
pub trait SeenStore: Send + Sync + fmt::Debug {
    /// The note that was kept for `origin`, if there is one.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if it is longer than a note can be; whatever else the
    /// medium says.
    fn read(&self, origin: &Origin) -> io::Result<Option<Vec<u8>>>;

    /// Replaces the note of `origin`, whole or not at all; durable on return.
    ///
    /// # Errors
    /// Whatever the medium says; then either note may be there.
    fn write(&self, origin: &Origin, note: &[u8]) -> io::Result<()>;

    /// The proof of a fork that was kept for `origin`, if there is one.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if it is longer than one can be; whatever else the medium
    /// says.
    fn read_fork(&self, origin: &Origin) -> io::Result<Option<Vec<u8>>>;

    /// Keeps the proof of a fork of `origin`, whole or not at all; durable on return.
    ///
    /// # Errors
    /// Whatever the medium says.
    fn write_fork(&self, origin: &Origin, proof: &[u8]) -> io::Result<()>;
}

/// A directory of the local file system, locked for this process (`flock`), readable by its
/// owner alone. Restoring an older copy of it is a rollback that nothing in it can find.
#[derive(Debug)]
pub struct SeenDirectory {
    dir: PathBuf,
    /// Holds the lock until dropped.
    _lock: File,
}

impl SeenDirectory {
    /// Opens `dir`; makes it (not its parents) if it is not there.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another process holds the directory; whatever else the
    /// file system says.
    pub fn open(dir: &Path) -> io::Result<Self> {
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            done => done?,
        }
        // WHY: also of a directory that is there already: a crash may have come between making and
        // syncing it, and a power failure could still take it, and what was seen with it.
        match dir.parent() {
            Some(parent) if parent.as_os_str().is_empty() => sync(Path::new("."))?,
            Some(parent) => sync(parent)?,
            None => {}
        }
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(dir.join(LOCK_FILE))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { dir: dir.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                let text = "another process holds this directory";
                Err(io::Error::new(io::ErrorKind::WouldBlock, text))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn path(&self, origin: &Origin, kind: &str) -> PathBuf {
        self.dir.join(format!("{}.{kind}", origin_hash(origin)))
    }

    fn replace(&self, origin: &Origin, kind: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(origin, kind);
        let temp = self.path(origin, &format!("{kind}.tmp"));
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&temp)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temp, &path)?;
        sync(&self.dir)
    }
}

/// SHA-256 of the origin in lower-case hexadecimal digits: the name of a log in the paths of
/// C2SP tlog-witness.
#[must_use]
pub fn origin_hash(origin: &Origin) -> String {
    let digest = Digest::of(origin.as_str().as_bytes()).to_string();
    digest.trim_start_matches("sha256:").to_owned()
}

fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn read(path: &Path, len_max: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(len_max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > len_max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is too long"));
    }
    Ok(Some(bytes))
}

impl SeenStore for SeenDirectory {
    fn read(&self, origin: &Origin) -> io::Result<Option<Vec<u8>>> {
        read(&self.path(origin, "checkpoint"), NOTE_LEN_MAX)
    }

    fn write(&self, origin: &Origin, note: &[u8]) -> io::Result<()> {
        self.replace(origin, "checkpoint", note)
    }

    fn read_fork(&self, origin: &Origin) -> io::Result<Option<Vec<u8>>> {
        read(&self.path(origin, "fork"), FORK_LEN_MAX)
    }

    fn write_fork(&self, origin: &Origin, proof: &[u8]) -> io::Result<()> {
        self.replace(origin, "fork", proof)
    }
}
