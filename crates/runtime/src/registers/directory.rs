//! Registers as files of a directory.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dataspace_data_plane::subjects::SubjectId;
use dataspace_primitives::{Digest, Name};
use dataspace_tlog::Directory;
use parking_lot::Mutex;

use super::file::{RegisterFile, Unreadable};
use super::store::{Admitted, Register, RegisterError, Registers, fits};

/// The folder in the node's directory.
const FOLDER: &str = "persons";

/// Registers that stay in memory while others are used. Each takes up to 143 MB, 9 MB for a quarter of a million persons.
const OPEN_MAX: usize = 8;

/// A file for each calendar year of each register, in the folder `persons` of a directory. Files of years that are over can
/// be removed when the law lets you.
///
/// The folder is locked (`flock` on the folder itself) from the first use on, until this is dropped: two nodes would each
/// write what the other one did not read.
pub struct DirectoryRegisters {
    dir: PathBuf,
    /// Holds the lock; `None` before the first use.
    folder: Mutex<Option<Arc<Directory>>>,
    open: Mutex<BTreeMap<Key, Arc<Mutex<State>>>>,
}

/// Name and year.
type Key = (Name, u16);

#[derive(Default)]
enum State {
    #[default]
    Closed,
    Open(Box<RegisterFile>),
    /// It was not in its place once. It is used again when it is; a new one is not made, since it would count from nothing.
    Gone(Box<RegisterFile>),
    /// It could not be written, and what is on the disk is not known.
    Failed,
}

/// The name of the file.
fn file_name(register: &Register<'_>) -> String {
    let name = Digest::of(register.name.as_str().as_bytes()).to_hex();
    format!("{}-{}", name.get(..32).unwrap_or(&name), register.year)
}

impl DirectoryRegisters {
    /// In `dir`, which must be there. The folder is made when the first persons are counted.
    pub fn new(dir: impl AsRef<Path>) -> Self {
        Self { dir: dir.as_ref().to_owned(), folder: Mutex::default(), open: Mutex::default() }
    }

    /// The file of a register, there or not.
    #[must_use]
    pub fn path(&self, register: &Register<'_>) -> PathBuf {
        self.dir.join(FOLDER).join(file_name(register))
    }

    /// The folder, locked; `None` if there is none, and none is made.
    fn folder(&self, may_make: bool) -> io::Result<Option<Arc<Directory>>> {
        let mut held = self.folder.lock();
        if let Some(folder) = &*held {
            // WHY: what is written to a folder that was moved away nobody reads again.
            folder.check()?;
            return Ok(Some(Arc::clone(folder)));
        }
        let path = self.dir.join(FOLDER);
        let opened = if may_make { Directory::make(&path) } else { Directory::open(&path) };
        let folder = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !may_make => return Ok(None),
            folder => folder?,
        };
        folder.lock("another node counts in these registers")?;
        folder.remove_temporary()?;
        Ok(Some(Arc::clone(held.insert(Arc::new(folder)))))
    }

    /// One register, for one release at a time.
    fn state(&self, register: &Register<'_>) -> Arc<Mutex<State>> {
        let mut open = self.open.lock();
        let key = (register.name.clone(), register.year);
        if open.len() >= OPEN_MAX && !open.contains_key(&key) {
            // WHY not those that failed, or whose file is gone: no empty one may take their place.
            open.retain(|_, state| {
                let is_idle = Arc::strong_count(state) == 1;
                !is_idle || matches!(*state.lock(), State::Failed | State::Gone(_))
            });
        }
        Arc::clone(open.entry(key).or_default())
    }

    fn use_file<T>(
        &self,
        register: &Register<'_>,
        used: impl FnOnce(Option<&mut RegisterFile>) -> io::Result<T>,
        may_make: bool,
    ) -> Result<T, RegisterError> {
        let path = self.path(register);
        let failed = |source| RegisterError::Io { path: path.clone(), source };
        let state = self.state(register);
        let mut state = state.lock();
        let name = file_name(register);
        let Some(folder) = self.folder(may_make).map_err(failed)? else {
            return used(None).map_err(failed);
        };
        let file = match &mut *state {
            State::Failed => {
                let text = "it failed before; open the node again";
                return Err(failed(io::Error::other(text)));
            }
            State::Open(file) | State::Gone(file) => file,
            closed @ State::Closed => {
                let Some(file) =
                    open_file(&folder, register, &name, may_make).map_err(|why| match why {
                        Unreadable::Io(source) => failed(source),
                        Unreadable::Damaged(what) => {
                            RegisterError::Damaged { path: path.clone(), what }
                        }
                    })?
                else {
                    return used(None).map_err(failed);
                };
                *closed = State::Open(Box::new(file));
                let State::Open(file) = closed else { return used(None).map_err(failed) };
                file
            }
        };
        if !folder.is_at(&name, file.file()).map_err(failed)? {
            if let State::Open(file) | State::Gone(file) = std::mem::take(&mut *state) {
                *state = State::Gone(file);
            }
            let what = "was removed or replaced while the node used it; close the node";
            return Err(RegisterError::Damaged { path, what });
        }
        used(Some(file)).map_err(|source| {
            *state = State::Failed;
            RegisterError::Io { path: path.clone(), source }
        })
    }
}

/// `None` if there is none, and none is made.
fn open_file(
    folder: &Directory,
    register: &Register<'_>,
    name: &str,
    may_make: bool,
) -> Result<Option<RegisterFile>, Unreadable> {
    match folder.write(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        file => return RegisterFile::open(file?, register).map(Some),
    }
    if !may_make {
        return Ok(None);
    }
    let (new, file) = folder.make_temporary(name)?;
    let made = RegisterFile::create(file, register).and_then(|file| {
        folder.rename(&new, name)?;
        folder.sync()?;
        Ok(file)
    });
    if made.is_err() {
        let _may_not_be_there = folder.remove(&new);
    }
    Ok(Some(made?))
}

impl Registers for DirectoryRegisters {
    fn admit(
        &self,
        register: &Register<'_>,
        persons: &HashSet<SubjectId>,
        at_most: u32,
    ) -> Result<Admitted, RegisterError> {
        let admit = |file: Option<&mut RegisterFile>| {
            let file = file.ok_or(io::ErrorKind::NotFound)?;
            if !fits(&file.persons, persons, at_most) {
                return Ok(Admitted::No);
            }
            file.append(persons)?;
            Ok(Admitted::Yes)
        };
        self.use_file(register, admit, true)
    }

    fn count(&self, register: &Register<'_>) -> Result<u64, RegisterError> {
        let count = |file: Option<&mut RegisterFile>| {
            let persons = file.map_or(0, |file| file.persons.len());
            Ok(u64::try_from(persons).unwrap_or(u64::MAX))
        };
        self.use_file(register, count, false)
    }
}

/// Copies what is there, as it is when it is read.
pub(crate) fn copy(dir: &Path, to: &Directory) -> io::Result<()> {
    let folder = Directory::open(dir)?;
    if !folder.has(FOLDER)? {
        return Ok(());
    }
    let (from, to) = (folder.inner(FOLDER)?, to.make_inner(FOLDER)?);
    for name in from.names()? {
        if name.to_str().is_none_or(|name| name.contains('.')) {
            // A file that is being made.
            continue;
        }
        let (mut from, mut to) = (from.read(&name)?, to.make_file(&name)?);
        io::copy(&mut from, &mut to)?;
        to.sync_all()?;
    }
    to.sync()
}

impl fmt::Debug for DirectoryRegisters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryRegisters").field("dir", &self.dir).finish_non_exhaustive()
    }
}
