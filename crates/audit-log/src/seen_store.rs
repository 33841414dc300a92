use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use dataspace_primitives::Digest;

use crate::directory::{self, private};
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
        directory::make_private(dir)?;
        // WHY: also of a directory that is there already: a crash may have come between making and
        // syncing it, and a power failure could still take it, and what was seen with it.
        directory::sync_parent(dir)?;
        let held = "another process holds this directory";
        let lock = directory::lock(&dir.join(LOCK_FILE), &private(), held)?;
        Ok(Self { dir: dir.to_owned(), _lock: lock })
    }

    fn read_file(&self, name: &str, len_max: usize) -> io::Result<Option<Vec<u8>>> {
        match File::open(self.dir.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => directory::read(file?, len_max, "the file is too long").map(Some),
        }
    }
}

fn note_name(origin: &Origin) -> String {
    format!("{}.checkpoint", origin_hash(origin))
}

fn fork_name(origin: &Origin) -> String {
    format!("{}.fork", origin_hash(origin))
}

/// SHA-256 of the origin in lower-case hexadecimal digits: the name of a log in the paths of
/// C2SP tlog-witness.
#[must_use]
pub fn origin_hash(origin: &Origin) -> String {
    let digest = Digest::of(origin.as_str().as_bytes()).to_string();
    digest.trim_start_matches("sha256:").to_owned()
}

impl SeenStore for SeenDirectory {
    fn read(&self, origin: &Origin) -> io::Result<Option<Vec<u8>>> {
        self.read_file(&note_name(origin), NOTE_LEN_MAX)
    }

    fn write(&self, origin: &Origin, note: &[u8]) -> io::Result<()> {
        directory::replace(&self.dir, &note_name(origin), note)
    }

    fn read_fork(&self, origin: &Origin) -> io::Result<Option<Vec<u8>>> {
        self.read_file(&fork_name(origin), FORK_LEN_MAX)
    }

    fn write_fork(&self, origin: &Origin, proof: &[u8]) -> io::Result<()> {
        directory::replace(&self.dir, &fork_name(origin), proof)
    }
}
