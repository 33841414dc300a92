//! What a witness keeps, with planned failures.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dataspace_identity::Origin;
use dataspace_tlog::witness::SeenStore;

#[derive(Debug, Default)]
pub(crate) struct VaultState {
    pub(crate) note: Option<Vec<u8>>,
    pub(crate) fork: Option<Vec<u8>>,
    /// Sizes of the checkpoints written, in their order.
    pub(crate) sizes: Vec<u64>,
    /// Fails writes, before or after they are durable.
    pub(crate) fail_before: bool,
    pub(crate) fail_after: bool,
    pub(crate) panic: bool,
}

/// What a witness keeps of the log `origin`, with planned failures. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vault(Arc<Mutex<VaultState>>);

impl Vault {
    pub(crate) fn get(&self) -> MutexGuard<'_, VaultState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn restart(&self) {
        let mut state = self.get();
        (state.fail_before, state.fail_after, state.panic) = (false, false, false);
    }

    fn write_with(&self, write: impl FnOnce(&mut VaultState)) -> io::Result<()> {
        let mut state = self.get();
        assert!(!state.panic, "planned panic");
        let planned = || io::Error::other("planned failure");
        if state.fail_before {
            return Err(planned());
        }
        write(&mut state);
        if state.fail_after { Err(planned()) } else { Ok(()) }
    }
}

impl SeenStore for Vault {
    fn read(&self, _: &Origin) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get().note.clone())
    }

    fn write(&self, _: &Origin, note: &[u8]) -> io::Result<()> {
        let size = str::from_utf8(note).unwrap().lines().nth(1).unwrap().parse().unwrap();
        self.write_with(|state| {
            state.note = Some(note.to_vec());
            state.sizes.push(size);
        })
    }

    fn read_fork(&self, _: &Origin) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get().fork.clone())
    }

    fn write_fork(&self, _: &Origin, proof: &[u8]) -> io::Result<()> {
        self.write_with(|state| state.fork = Some(proof.to_vec()))
    }
}
