//! Where an index is kept.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use dataspace_tlog::Directory;

/// Keeps one snapshot of what a node knows: some bytes that are read and written as a whole. What it
/// hands out is checked against the log and the operator's signature, so it need not be trusted; a
/// snapshot that is lost costs a longer opening.
///
/// One node uses it at a time.
pub trait Snapshots: Send + Sync {
    /// The last stored snapshot; `None` if there is none.
    ///
    /// # Errors
    /// The error of the medium.
    fn load(&self) -> io::Result<Option<Box<dyn Read>>>;

    /// Stores what `write` writes, in place of what is there: a load at any moment, and after a
    /// crash at any moment, gets all of the old or all of the new. If `write` fails, or is never
    /// called, the old one stays. `write` may load meanwhile.
    ///
    /// # Errors
    /// That of `write`, or what the medium says.
    fn store(&self, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()>;
}

/// A file `index` in a directory.
#[derive(Clone, Debug)]
pub struct DirectorySnapshots {
    dir: PathBuf,
}

/// In memory; for tests, and for nodes whose log is short. All clones are the same.
#[derive(Clone, Default)]
pub struct MemorySnapshots(Arc<Mutex<Option<Arc<[u8]>>>>);

/// The file in the node's directory.
const FILE: &str = "index";

impl DirectorySnapshots {
    /// In `dir`, which must be there.
    pub fn new(dir: impl AsRef<Path>) -> Self {
        Self { dir: dir.as_ref().to_owned() }
    }

    /// Removes a copy that is of no use.
    pub(crate) fn remove(&self) -> io::Result<()> {
        Directory::open(&self.dir)?.remove(FILE)
    }
}

impl Snapshots for DirectorySnapshots {
    fn load(&self) -> io::Result<Option<Box<dyn Read>>> {
        match Directory::open(&self.dir).and_then(|dir| dir.read(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => Ok(Some(Box::new(file?))),
        }
    }

    fn store(&self, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let dir = Directory::open(&self.dir)?;
        // Only a new file: anyone who can write here could have linked the old one to another one.
        let (new, mut file) = dir.make_temporary(FILE)?;
        let stored = write(&mut file)
            .and_then(|()| file.sync_all())
            .and_then(|()| dir.rename(&new, FILE))
            .and_then(|()| dir.sync());
        if stored.is_err() {
            // Room that is needed elsewhere, if the disk is full.
            let _may_not_be_there = dir.remove(&new);
        }
        stored
    }
}

impl Snapshots for MemorySnapshots {
    fn load(&self) -> io::Result<Option<Box<dyn Read>>> {
        let stored = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(stored.map(|bytes| Box::new(io::Cursor::new(bytes)) as Box<dyn Read>))
    }

    fn store(&self, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut bytes = Vec::new();
        write(&mut bytes)?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes.into());
        Ok(())
    }
}

/// Copies what is stored, if anything is. It is checked when the copy is used.
pub(crate) fn copy(from: &dyn Snapshots, to: &dyn Snapshots) -> io::Result<()> {
    let Some(mut content) = from.load()? else { return Ok(()) };
    to.store(&mut |to| io::copy(&mut content, to).map(drop))
}

impl fmt::Debug for MemorySnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySnapshots").finish_non_exhaustive()
    }
}
