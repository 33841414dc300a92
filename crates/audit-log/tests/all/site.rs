//! A published log in memory, which fails and forgets on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use dataspace_audit_log::{
    Publisher,
    published::{PublishError, Published, StaticStore},
};
use dataspace_tlog::{
    Checkpoint, LeafIndex, StaticFiles, TreeSize,
    published::CHECKPOINT_PATH,
    tree::{Tree, leaf_hash},
};

use crate::support::origin;
pub(crate) use crate::tlog_support::signed;

pub(crate) type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) files: Files,
    /// Names that a power failure takes away.
    unsynced: BTreeSet<String>,
    /// Changes so far, and after how many the store fails.
    pub(crate) steps: usize,
    pub(crate) fail_after: Option<usize>,
    /// Paths in the order in which they were put, replaced or synced (`sync`).
    pub(crate) history: Vec<String>,
    pub(crate) reads: Mutex<Vec<String>>,
}

/// Clones share one site.
#[derive(Clone, Debug, Default)]
pub(crate) struct Site(Arc<Mutex<State>>);

impl Site {
    pub(crate) fn get(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn of(files: Files) -> Self {
        let site = Self::default();
        site.get().files = files;
        site
    }

    pub(crate) fn files(&self) -> Files {
        self.get().files.clone()
    }

    /// Power fails: of the names that were not synced, those for which `keeps` says so stay.
    pub(crate) fn crash(&self, mut keeps: impl FnMut(&str) -> bool) {
        let mut state = self.get();
        for path in std::mem::take(&mut state.unsynced) {
            if !keeps(&path) {
                state.files.remove(&path);
            }
        }
        (state.fail_after, state.steps) = (None, 0);
    }

    pub(crate) fn publisher(&self) -> Publisher<Self> {
        Publisher::open(self.clone(), origin()).unwrap()
    }

    fn step(&self, name: &str) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.get();
        if state.fail_after.is_some_and(|after| state.steps >= after) {
            return Err(io::Error::other("planned failure"));
        }
        state.steps += 1;
        state.history.push(name.to_owned());
        Ok(state)
    }
}

impl StaticFiles for Site {
    fn read_into(&self, path: &str, len_max: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
        bytes.clear();
        let state = self.get();
        state.reads.lock().unwrap().push(path.to_owned());
        let Some(found) = state.files.get(path) else { return Ok(false) };
        bytes.extend_from_slice(&found[..found.len().min(len_max + 1)]);
        Ok(true)
    }
}

impl StaticStore for Site {
    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.step(path)?;
        if state.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.files.insert(path.to_owned(), bytes.to_vec());
        state.unsynced.insert(path.to_owned());
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.step("sync")?.unsynced.clear();
        Ok(())
    }

    fn replace_checkpoint(&mut self, note: &[u8]) -> io::Result<()> {
        let mut state = self.step(CHECKPOINT_PATH)?;
        state.files.insert(CHECKPOINT_PATH.to_owned(), note.to_vec());
        Ok(())
    }

    fn remove_partial(&mut self, path: &str) -> io::Result<()> {
        let mut state = self.step(path)?;
        let dir = format!("{path}.p/");
        state.files.retain(|path, _| !path.starts_with(&dir));
        Ok(())
    }
}

/// Entry `n` of the logs in these tests.
pub(crate) fn entry(n: u64) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(n % 251).unwrap(); usize::try_from(n % 7).unwrap()];
    bytes.extend_from_slice(&n.to_be_bytes());
    bytes
}

pub(crate) fn tree(size: u64) -> Tree {
    let mut tree = Tree::new();
    (0..size).for_each(|n| tree.push(leaf_hash(&entry(n))));
    tree
}

/// The checkpoint of the first `size` entries.
pub(crate) fn checkpoint(tree: &Tree, size: u64) -> Checkpoint {
    signed(&origin(), size, &tree.root_at(TreeSize::new(size)).unwrap())
}

pub(crate) fn publish<S: StaticStore>(
    publisher: &mut Publisher<S>,
    checkpoint: &Checkpoint,
) -> Result<Published, PublishError<Infallible>> {
    publisher.publish(checkpoint, |index: LeafIndex| Ok(entry(index.as_u64())))
}

/// A site with the first so many entries, published at each of the sizes.
pub(crate) fn site(sizes: &[u64]) -> Site {
    let site = Site::default();
    let tree = tree(*sizes.last().unwrap());
    let mut publisher = site.publisher();
    for size in sizes {
        publish(&mut publisher, &checkpoint(&tree, *size)).unwrap();
    }
    site
}
