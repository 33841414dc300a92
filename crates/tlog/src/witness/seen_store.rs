use std::fmt;
use std::io;
use std::path::Path;

use dataspace_identity::Origin;
use dataspace_primitives::Digest;

use crate::directory::Directory;
use crate::note::signed_note::NOTE_LEN_MAX;
use crate::witness::fork::FORK_LEN_MAX;

/// Where the latest checkpoint of each log is kept, and the first proof of a fork.
///
/// Its owner may assume that nobody else writes. Calls for one log come one after the other; for several
/// logs, at the same time.
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

/// A directory of the local file system, locked for this process (`flock` on the directory itself),
/// readable by its owner alone. It keeps nothing more once the directory was moved or replaced.
/// Restoring an older copy of it is a rollback that nothing in it can find.
#[derive(Debug)]
pub struct SeenDirectory(Directory);

impl SeenDirectory {
    /// Opens `dir`; makes it (not its parents) if it is not there.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another process holds the directory; whatever else the
    /// file system says.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let dir = Directory::make(dir)?;
        dir.lock("another process holds this directory")?;
        dir.remove_temporary()?;
        Ok(Self(dir))
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
        self.0.read_all(&note_name(origin), NOTE_LEN_MAX)
    }

    fn write(&self, origin: &Origin, note: &[u8]) -> io::Result<()> {
        self.0.replace(&note_name(origin), note)
    }

    fn read_fork(&self, origin: &Origin) -> io::Result<Option<Vec<u8>>> {
        self.0.read_all(&fork_name(origin), FORK_LEN_MAX)
    }

    fn write_fork(&self, origin: &Origin, proof: &[u8]) -> io::Result<()> {
        self.0.replace(&fork_name(origin), proof)
    }
}
