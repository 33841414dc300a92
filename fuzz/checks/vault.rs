//! What a witness keeps, in memory, for one log.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use dataspace_identity::Origin;
use dataspace_tlog::witness::SeenStore;

#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) note: Option<Vec<u8>>,
    pub(crate) fork: Option<Vec<u8>>,
}

/// Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vault(Arc<Mutex<Kept>>);

impl Vault {
    pub(crate) fn get(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().expect("nobody panics while holding it")
    }
}

impl SeenStore for Vault {
    fn read(&self, _: &Origin) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get().note.clone())
    }

    fn write(&self, _: &Origin, note: &[u8]) -> io::Result<()> {
        self.get().note = Some(note.to_vec());
        Ok(())
    }

    fn read_fork(&self, _: &Origin) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get().fork.clone())
    }

    fn write_fork(&self, _: &Origin, proof: &[u8]) -> io::Result<()> {
        self.get().fork = Some(proof.to_vec());
        Ok(())
    }
}
