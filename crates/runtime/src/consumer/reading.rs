//! Which answers are being read.

use std::collections::HashSet;
use std::sync::Arc;

use dataspace_primitives::Digest;
use parking_lot::Mutex;

/// The requests whose answers are being read.
#[derive(Default)]
pub(crate) struct BeingRead(Arc<Mutex<HashSet<Digest>>>);

/// One of them, as long as this exists.
pub(crate) struct Reading {
    all: Arc<Mutex<HashSet<Digest>>>,
    request: Digest,
}

impl BeingRead {
    /// `None` if it is being read already.
    pub(crate) fn begin(&self, request: Digest) -> Option<Reading> {
        let all = Arc::clone(&self.0);
        let is_new = all.lock().insert(request);
        is_new.then_some(Reading { all, request })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.all.lock().remove(&self.request);
    }
}
