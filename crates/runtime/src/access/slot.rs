//! How many releases of a contract are open.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::contracts::Active;

/// One of the releases that a contract may have open.
pub(crate) struct Slot(Arc<Active>);

impl Slot {
    /// `None` if `limit` are taken.
    pub(crate) fn take(active: &Arc<Active>, limit: u32) -> Option<Arc<Self>> {
        let one_more = |open: u32| (open < limit).then(|| open.saturating_add(1));
        active.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(Arc::new(Self(Arc::clone(active))))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}
