//! A contract in force, its counts, and what is open under it.

use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dataspace_audit_log::LeafIndex;
use dataspace_policy::Uses;
use dataspace_primitives::{Digest, UnixMillis, Verified};
use dataspace_usage_contract::{Agreement, ContractId, Quota};

/// A concluded contract.
#[derive(Debug)]
pub(crate) struct Contract {
    pub(crate) id: ContractId,
    /// The place of its conclusion in the log, once that is recorded.
    pub(crate) index: LeafIndex,
    /// As policies read it.
    pub(crate) id_text: String,
    pub(crate) agreement: Verified<Agreement>,
    /// When it was concluded: the time of the record.
    pub(crate) agreed_at: UnixMillis,
    /// The digest of the Cedar text that decides.
    pub(crate) program: Digest,
    pub(super) quota: Mutex<Quota>,
    pub(crate) open: OpenReleases,
    /// Uses of the product by the consumer under all contracts; these share it.
    pub(super) uses_by_consumer: Arc<Mutex<u64>>,
}

/// How many releases of a contract are open.
#[derive(Debug, Default)]
pub(crate) struct OpenReleases(pub(crate) AtomicU32);

impl Contract {
    pub(crate) fn quota(&self) -> MutexGuard<'_, Quota> {
        // A quota is whole at every moment: a panic elsewhere cannot have left it half-changed.
        self.quota.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // INVARIANT: who locks both locks the quota first.
    pub(super) fn uses_by_consumer(&self) -> MutexGuard<'_, u64> {
        self.uses_by_consumer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All counts, for a decision at `now`.
    pub(crate) fn uses_at(&self, now: UnixMillis) -> Uses {
        let quota = self.quota();
        Uses { consumer: *self.uses_by_consumer(), ..quota.uses_at(now) }
    }

    /// Does `submit`, and takes a use if it `takes` one, if all counts are still those on which was
    /// decided: then no count in a policy is ever exceeded, and the records of a contract, and of a
    /// consumer's contracts for one product, stand in the log in the order of their counts.
    ///
    /// A use is taken also if `submit` fails: then the log is poisoned, and takes none any more.
    pub(crate) fn submit<T>(
        &self,
        decided_on: Uses,
        (takes, now): (bool, UnixMillis),
        submit: impl FnOnce() -> T,
    ) -> Option<T> {
        let mut quota = self.quota();
        let mut uses_by_consumer = self.uses_by_consumer();
        if (Uses { consumer: *uses_by_consumer, ..quota.uses_at(now) }) != decided_on {
            return None;
        }
        if takes {
            // Decided before midnight, and too late for it.
            if quota.is_late(now) {
                return None;
            }
            quota.reserve(now).ok()?;
            *uses_by_consumer = uses_by_consumer.saturating_add(1);
        }
        Some(submit())
    }

    /// Counts a use that the log records.
    pub(super) fn restore(&self, uses: u64, at: UnixMillis) {
        self.quota().restore(uses, at);
        let mut uses_by_consumer = self.uses_by_consumer();
        *uses_by_consumer = uses_by_consumer.saturating_add(1);
    }
}
