//! What a log, a publisher and a witness do alike with a directory of the local file system.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::segment::to_u64;

/// Makes `dir` (not its parents) for its owner alone, if it is not there.
pub(crate) fn make_private(dir: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// For files that are readable by their owner alone.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// The file, made if it is not there, and locked for this process until it is dropped.
pub(crate) fn lock(file: &Path, options: &OpenOptions, held: &'static str) -> io::Result<File> {
    let file = options.clone().create(true).truncate(false).open(file)?;
    locked(file.try_lock(), held)?;
    Ok(file)
}

/// `held` says who may have the lock.
pub(crate) fn locked(lock: Result<(), TryLockError>, held: &'static str) -> io::Result<()> {
    match lock {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(io::Error::new(io::ErrorKind::WouldBlock, held)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Makes the names in `dir` durable.
pub(crate) fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes the name of `dir` durable.
pub(crate) fn sync_parent(dir: &Path) -> io::Result<()> {
    match dir.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync(Path::new(".")),
        Some(parent) => sync(parent),
        None => Ok(()),
    }
}

/// Puts a file `name` of these bytes in the place of another one, whole or not at all; durable on
/// return.
pub(crate) fn replace(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temp = dir.join(format!("{name}.tmp"));
    let mut file = private().create(true).truncate(true).open(&temp)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temp, dir.join(name))?;
    sync(dir)
}

/// All of a file, which has at most so many bytes; `too_long` says that it has more.
pub(crate) fn read(file: File, len_max: usize, too_long: &'static str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(to_u64(len_max).saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > len_max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, too_long));
    }
    Ok(bytes)
}
