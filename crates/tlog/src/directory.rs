//! The one place where files of the local file system are opened: those of a log, of a publisher, of
//! a witness, and those that a node keeps beside its log.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::len::to_u64;

/// How long a writer waits for a reader that only just looks ([`Directory::look`]).
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(10);
/// For their owner alone.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);
/// Ends the names of files that have no name of their own yet.
const TEMP_END: &str = ".tmp";
const TEMP_DIGITS: usize = 16;

/// A directory of the local file system that others may write to as well.
///
/// Everything in it is opened relative to the directory that was opened, whatever becomes of its
/// path. No link is followed, and nothing but regular files is opened: no pipe, no device. What is
/// written has one name, so that no other file changes with it; a file that is replaced is written
/// under a new random name first.
///
/// The path that is given may itself lead through links.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    dir: File,
    id: (u64, u64),
    /// The process that opened it: one that was forked from it has the same lock.
    process: u32,
}

impl Directory {
    /// Opens the directory at `path`.
    ///
    /// # Errors
    /// Whatever the file system says; it is not there, for example, or not a directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        // WHY absolute: the process may go somewhere else meanwhile.
        let path = std::path::absolute(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let dir = File::from(rustix::fs::open(&path, flags, Mode::empty())?);
        let id = id(&dir.metadata()?);
        Ok(Self { path, dir, id, process: std::process::id() })
    }

    /// As [`open`](Self::open); makes the directory (not its parents), for its owner alone, if it is
    /// not there, and makes its name durable.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn make(path: &Path) -> io::Result<Self> {
        Self::make_with(path, Mode::RWXU)
    }

    #[doc(hidden)]
    pub fn make_with(path: &Path, mode: Mode) -> io::Result<Self> {
        match rustix::fs::mkdir(path, mode) {
            Err(Errno::EXIST) => {}
            done => done?,
        }
        let this = Self::open(path)?;
        // WHY: also of a directory that is there already: a crash may have come between making and
        // syncing it, and a power failure could still take it, and what is in it.
        if let Some(parent) = this.path.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(this)
    }

    /// Its absolute path, as it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Locks the directory for this process until the value is dropped. The lock is on the directory
    /// itself: there is no file to remove.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] with the text `held` if somebody else has the lock; whatever
    /// else the file system says.
    pub fn lock(&self, held: &'static str) -> io::Result<()> {
        for _ in 0..LOCK_TRIES {
            match self.dir.try_lock() {
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(error),
                // It may have been moved between opening and locking.
                Ok(()) => return self.check(),
            }
        }
        Err(io::Error::new(io::ErrorKind::WouldBlock, held))
    }

    /// Keeps everybody from locking the directory for a moment: other callers wait for the lock, half a
    /// second at most. The moment ends when the returned guard is dropped.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] with the text `held` if somebody has the lock; whatever else
    /// the file system says.
    #[doc(hidden)]
    pub fn look(&self, held: &'static str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = File::from(rustix::fs::openat(&self.dir, ".", flags, Mode::empty())?);
        match dir.try_lock_shared() {
            Ok(()) => Ok(dir),
            Err(TryLockError::WouldBlock) => Err(io::Error::new(io::ErrorKind::WouldBlock, held)),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Checks that the path still leads to this directory, and that this is the process that opened
    /// it.
    ///
    /// # Errors
    /// [`io::ErrorKind::StaleNetworkFileHandle`] if it does not, or is not.
    pub fn check(&self) -> io::Result<()> {
        self.check_process()?;
        let found = fs::metadata(&self.path).map(|found| id(&found));
        if found.is_ok_and(|found| found == self.id) {
            return Ok(());
        }
        let text = format!(
            "`{}` is no longer the directory that was opened: it was moved, removed or replaced; \
             nothing more is written until it is opened again where it is now",
            self.path.display()
        );
        Err(io::Error::new(io::ErrorKind::StaleNetworkFileHandle, text))
    }

    /// Checks that this is the process that opened the directory.
    ///
    /// # Errors
    /// [`io::ErrorKind::StaleNetworkFileHandle`] if it is one that was forked from it.
    #[doc(hidden)]
    pub fn check_process(&self) -> io::Result<()> {
        if std::process::id() == self.process {
            return Ok(());
        }
        let text = "the process that opened the directory forked this one; open it in one alone";
        Err(io::Error::new(io::ErrorKind::StaleNetworkFileHandle, text))
    }

    /// Returns true if the name still leads to this open file.
    #[doc(hidden)]
    pub fn is_at(&self, name: &str, file: &File) -> io::Result<bool> {
        let found = match rustix::fs::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(false),
            found => found?,
        };
        let open = rustix::fs::fstat(file)?;
        Ok((found.st_dev, found.st_ino) == (open.st_dev, open.st_ino))
    }

    /// Opens a regular file to read.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`]; [`io::ErrorKind::InvalidData`] if it is a link or no file;
    /// whatever else the file system says.
    pub fn read(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let name = name.as_ref();
        let file = self.open_at(name, OFlags::RDONLY)?;
        let is_file = file.metadata()?.is_file();
        if is_file { Ok(file) } else { Err(self.refused(name)) }
    }

    /// Opens a regular file, which is there, to read and write.
    ///
    /// # Errors
    /// As [`read`](Self::read); also if it has another name.
    pub fn write(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        let name = name.as_ref();
        let file = self.open_at(name, OFlags::RDWR)?;
        let found = file.metadata()?;
        match (found.is_file(), found.nlink()) {
            (true, 1) => Ok(file),
            (true, _) => {
                let text = format!(
                    "`{}` has another name, or none: writing to it would change another file; put \
                     a copy of it in its place",
                    self.path.join(name).display()
                );
                Err(io::Error::new(io::ErrorKind::InvalidData, text))
            }
            (false, _) => Err(self.refused(name)),
        }
    }

    /// Makes a file, readable by its owner alone, to read and write.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] if there is anything of this name, a link too; whatever else
    /// the file system says.
    pub fn make_file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.make_file_with(name.as_ref(), PRIVATE)
    }

    pub(crate) fn make_file_with(&self, name: &OsStr, mode: Mode) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        Ok(File::from(rustix::fs::openat(&self.dir, name, flags | OFlags::CLOEXEC, mode)?))
    }

    /// Makes a file under a new random name, to be renamed to `name` or removed. What a crash leaves
    /// of it is removed by [`remove_temporary`](Self::remove_temporary).
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn make_temporary(&self, name: &str) -> io::Result<(String, File)> {
        self.make_temporary_with(name, PRIVATE)
    }

    #[doc(hidden)]
    pub fn make_temporary_with(&self, name: &str, mode: Mode) -> io::Result<(String, File)> {
        let temp = temporary_name(name)?;
        let file = self.make_file_with(temp.as_ref(), mode)?;
        Ok((temp, file))
    }

    /// Makes a directory, for its owner alone, under a new random name.
    #[doc(hidden)]
    pub fn make_temporary_directory(&self, name: &str) -> io::Result<(String, Self)> {
        let temp = temporary_name(name)?;
        rustix::fs::mkdirat(&self.dir, &temp, Mode::RWXU)?;
        let made = self.inner(&temp)?;
        Ok((temp, made))
    }

    /// Renames what is there to a name that nothing has.
    #[doc(hidden)]
    pub fn rename_new(&self, from: &str, to: &OsStr) -> io::Result<()> {
        match renameat_new(&self.dir, from, to) {
            // Not every file system has it.
            Err(Errno::INVAL | Errno::NOSYS) if !self.has(to)? => {
                Ok(rustix::fs::renameat(&self.dir, from, &self.dir, to)?)
            }
            Err(Errno::INVAL | Errno::NOSYS) => Err(io::ErrorKind::AlreadyExists.into()),
            renamed => Ok(renamed?),
        }
    }

    /// Renames a file; durable after the next [`sync`](Self::sync).
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.rename_into(from, self, to)
    }

    #[doc(hidden)]
    pub fn rename_into(&self, from: &str, other: &Self, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.dir, from, &other.dir, to)?)
    }

    /// Puts a file `name` of these bytes in the place of whatever has that name, whole or not at
    /// all; durable on return.
    ///
    /// # Errors
    /// As [`check`](Self::check); whatever else the file system says.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.replace_with(name, bytes, PRIVATE)
    }

    #[doc(hidden)]
    pub fn replace_with(&self, name: &str, bytes: &[u8], mode: Mode) -> io::Result<()> {
        self.check()?;
        let (temp, mut file) = self.make_temporary_with(name, mode)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        let placed = written.and_then(|()| self.rename(&temp, name));
        if placed.is_err() {
            let _may_not_be_there = self.remove(&temp);
        }
        placed?;
        self.sync()
    }

    /// Removes a file or link; durable after the next [`sync`](Self::sync).
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.dir, name.as_ref(), AtFlags::empty())?)
    }

    /// Removes what a crash left of [`make_temporary`](Self::make_temporary). Call it
    /// with the lock held.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn remove_temporary(&self) -> io::Result<()> {
        for name in self.names()? {
            if is_temporary(&name) {
                match self.remove(&name) {
                    // A directory is none of ours.
                    Err(_) if self.kind(&name)? == Some(FileType::Directory) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    removed => removed?,
                }
            }
        }
        Ok(())
    }

    /// The names of all that is in the directory.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name.to_vec()));
            }
        }
        Ok(names)
    }

    /// What has this name; `None` if nothing has.
    #[doc(hidden)]
    pub fn kind(&self, name: &OsStr) -> io::Result<Option<FileType>> {
        match rustix::fs::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            found => Ok(Some(FileType::from_raw_mode(found?.st_mode))),
        }
    }

    /// Returns true if anything has this name.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn has(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        Ok(self.kind(name.as_ref())?.is_some())
    }

    /// All of a file, which has at most `len_max` bytes; `None` if it is not there.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidData`] if it is longer, a link, or no file; whatever else the file
    /// system says.
    pub fn read_all(&self, name: &str, len_max: usize) -> io::Result<Option<Vec<u8>>> {
        let file = match self.read(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(to_u64(len_max).saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() > len_max {
            let shown = self.path.join(name);
            let text = format!("`{}` is too long: it has at most {len_max} bytes", shown.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(Some(bytes))
    }

    /// The directory in this one, which must be one, and no link to one.
    #[doc(hidden)]
    pub fn inner(&self, name: &str) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let dir = match rustix::fs::openat(&self.dir, name, flags, Mode::empty()) {
            Err(Errno::LOOP | Errno::NOTDIR) => return Err(self.refused(name.as_ref())),
            dir => File::from(dir?),
        };
        let (path, id) = (self.path.join(name), id(&dir.metadata()?));
        Ok(Self { path, dir, id, process: self.process })
    }

    /// As [`inner`](Self::inner); makes it if it is not there.
    #[doc(hidden)]
    pub fn make_inner(&self, name: &str) -> io::Result<Self> {
        match rustix::fs::mkdirat(&self.dir, name, Mode::from_raw_mode(0o777)) {
            Err(Errno::EXIST) => {}
            made => made?,
        }
        self.inner(name)
    }

    /// Removes an empty directory in this one.
    #[doc(hidden)]
    pub fn remove_inner(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.dir, name, AtFlags::REMOVEDIR)?)
    }

    /// Makes the names in the directory durable.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn sync(&self) -> io::Result<()> {
        self.dir.sync_all()
    }

    /// Another handle of the same directory.
    #[doc(hidden)]
    pub fn handle(&self) -> io::Result<File> {
        self.dir.try_clone()
    }

    fn open_at(&self, name: &OsStr, access: OFlags) -> io::Result<File> {
        // WHY not to wait: a pipe is opened before it can be known for one.
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.dir, name, flags, Mode::empty()) {
            // A link, a directory that is to be written, a socket.
            Err(Errno::LOOP | Errno::MLINK | Errno::ISDIR | Errno::NXIO | Errno::OPNOTSUPP) => {
                Err(self.refused(name))
            }
            file => Ok(File::from(file?)),
        }
    }

    fn refused(&self, name: &OsStr) -> io::Error {
        let shown = self.path.join(name);
        let text = format!(
            "`{}` is a link or something else than was expected here; nothing is followed or \
             opened but regular files and directories",
            shown.display()
        );
        io::Error::new(io::ErrorKind::InvalidData, text)
    }
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn renameat_new(dir: &File, from: &str, to: &OsStr) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(dir, from, dir, to, rustix::fs::RenameFlags::NOREPLACE)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn renameat_new(_: &File, _: &str, _: &OsStr) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}

fn id(found: &Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

fn temporary_name(name: &str) -> io::Result<String> {
    let mut random = [0; TEMP_DIGITS / 2];
    let drawn = SystemRandom::new().fill(&mut random);
    drawn.map_err(|_| io::Error::other("the system gave no randomness"))?;
    Ok(format!(".{name}.{:016x}{TEMP_END}", u64::from_be_bytes(random)))
}

fn is_temporary(name: &OsStr) -> bool {
    let digits = || {
        let name = name.as_bytes().strip_prefix(b".")?.strip_suffix(TEMP_END.as_bytes())?;
        let (before, digits) = name.split_at_checked(name.len().checked_sub(TEMP_DIGITS)?)?;
        before.ends_with(b".").then_some(digits)
    };
    digits().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_process_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut directory = Directory::open(dir.path()).unwrap();
        directory.check().unwrap();
        // As a child of this process would have it.
        directory.process ^= 1;
        assert!(directory.check().is_err());
        assert!(directory.replace("file", b"bytes").is_err());
        assert_eq!(directory.names().unwrap(), Vec::<OsString>::new());
    }

    #[test]
    fn temporary_names_are_known_again_and_others_are_not() {
        assert!(is_temporary(temporary_name("checkpoint").unwrap().as_ref()));
        for name in ["checkpoint.tmp", ".tmp", ".x.tmp", ".checkpoint.0123456789abcdeg.tmp"] {
            assert!(!is_temporary(name.as_ref()), "{name}");
        }
    }
}
