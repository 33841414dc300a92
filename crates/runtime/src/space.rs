//! One provider's node in a data space.

pub(crate) mod accesses;
pub(crate) mod backup;
pub(crate) mod changes;
mod exclusive;
pub(crate) mod export;
pub(crate) mod lists;
pub(crate) mod offers;
pub(crate) mod together;
pub(crate) mod trace;

pub use self::backup::{NodeBackup, NodeBackupError};
pub use self::export::ExportError;
pub use self::lists::{ContractEntry, ContractFilter, MemberEntry, ProductEntry};
pub use self::together::{AccessAll, AccessAllError, TOGETHER_MAX};
pub use self::trace::TraceError;

use std::fmt;
use std::sync::Arc;

use dataspace_audit_log::{Log, Recovery, error::ArchiveError, reader::ReadError};
use dataspace_identity::{Did, KnownKeys};
use dataspace_ledger::Refusal;
use dataspace_primitives::{UnixMillis, Verified};
use dataspace_tlog::{Checkpoint, LeafIndex};
use dataspace_usage_contract::{Agreement, ContractId};
use thiserror::Error;

use crate::clock::ClockError;
use crate::error::WriteError;
use crate::index::IndexState;
use crate::index::error::IndexError;
use crate::node::Inner;

/// One provider's node: its contracts, its products and its log, in one directory. Cheap to
/// clone; all clones are the same node.
#[derive(Clone)]
pub struct DataSpace {
    pub(crate) inner: Arc<Inner>,
}

/// Why records are not archived.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeArchiveError {
    /// The clock is wrong.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// Without an index that covers them, the node could not be opened again.
    #[error("the index that would stand for the records cannot be written")]
    Index(#[from] Arc<IndexError>),
    /// The documents of contracts cannot be kept.
    #[error("the documents of contracts in these records cannot be kept")]
    Keep(#[from] std::io::Error),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Read(#[from] ReadError),
    /// The log refuses.
    #[error(transparent)]
    Log(#[from] ArchiveError),
}

impl DataSpace {
    /// The provider whose node this is.
    #[must_use]
    pub fn provider(&self) -> &Did {
        &self.inner.keys.participant
    }

    /// The time by which this node decides.
    ///
    /// # Errors
    /// [`crate::clock::ClockError`] if the clock was set back.
    pub fn now(&self) -> Result<UnixMillis, ClockError> {
        self.inner.clock.now()
    }

    /// The log: to read it, prove from it, and compare it with outside checkpoints.
    ///
    /// To archive its beginning, use [`DataSpace::archive`]: without an index that covers them, a
    /// node cannot be opened once records are gone.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.inner.log
    }

    /// Result of opening the log; `None` for a node that was just founded.
    #[must_use]
    pub fn recovery(&self) -> Option<&Recovery> {
        self.inner.opened.as_ref().map(|opened| &opened.recovery)
    }

    /// How the node was opened: by its index or, with the reason, without; `None` for a node that was
    /// just founded.
    #[must_use]
    pub fn index_state(&self) -> Option<&IndexState> {
        self.inner.opened.as_ref().map(|opened| &opened.index)
    }

    /// Why the index could not be written the last time; `None` if it could. Accesses go on, and
    /// the next attempt is made after some thousand records or at close; until then opening the
    /// node would read more of the log.
    #[must_use]
    pub fn index_error(&self) -> Option<Arc<IndexError>> {
        self.inner.index.error()
    }

    /// Writes the index now: opening the node then reads no record before this. Done at close, and by
    /// [`tend`](Self::tend) from time to time.
    ///
    /// # Errors
    /// [`IndexError`]. The log has everything all the same.
    pub fn write_index(&self) -> Result<(), Arc<IndexError>> {
        self.inner.write_index()
    }

    /// Does the background work that is due: signs the records that no checkpoint covers yet, and writes the
    /// index if the log has grown enough. Call it every few seconds from a thread of yours; the library
    /// starts none. A node that is not tended writes its index at close alone: after a crash, opening it
    /// then reads the log from the last index on.
    ///
    /// # Errors
    /// [`WriteError`] if the log cannot be signed. For the index, see [`DataSpace::index_error`].
    pub fn tend(&self) -> Result<(), WriteError> {
        self.inner.tend()
    }

    /// Closes the node, if this is its last clone: waits for what was submitted, signs the log, and
    /// writes the index, so that the next opening reads nothing before this. Gives the checkpoint, which
    /// covers every decision that was answered: give it to others.
    ///
    /// Dropping tries to do the same and reports no error.
    ///
    /// # Errors
    /// [`WriteError`] if the log cannot be signed. That the index cannot be written is no error: opening
    /// the node then reads more of the log.
    pub fn close(self) -> Result<Checkpoint, WriteError> {
        self.inner.end_releases(true);
        self.inner.record_sums()?;
        self.inner.log.flush()?;
        let checkpoint = self.checkpoint()?;
        let _the_log_is_enough = self.write_index();
        Ok(checkpoint)
    }

    /// Removes every segment of the log that lies entirely before `before`, as [`Log::archive`] does,
    /// after writing the index. From then on the node cannot be opened without the index unless the
    /// segments are restored: keep copies of them.
    ///
    /// # Errors
    /// [`NodeArchiveError`]; nothing is removed without an index.
    pub fn archive(&self, before: LeafIndex) -> Result<LeafIndex, NodeArchiveError> {
        let now = self.now()?;
        self.write_index()?;
        // WHY: what another one keeps must not take the place of what this one kept.
        let _one_at_a_time = self.inner.archiving.lock();
        let size = self.inner.index.check(&self.inner.log).map_err(Arc::new)?;
        if !size.contains(before) {
            // It may be in the log by now, but not in the index, nor among what is kept.
            return Err(ReadError::Index { index: before, size }.into());
        }
        self.keep_conclusions(before)?;
        Ok(self.inner.log.archive(before, now, &self.inner.keys.log)?)
    }

    /// Keeps what archiving would take away of contracts: their documents, and the keys that signed them.
    fn keep_conclusions(&self, before: LeafIndex) -> Result<(), NodeArchiveError> {
        let first = self.inner.log.first()?;
        let mut places: Vec<LeafIndex> = {
            let state = self.inner.gate.enter();
            let places = state.space.contracts().map(|contract| contract.index());
            let keys = state.space.key_records().copied();
            places.chain(keys).filter(|place| (first..before).contains(place)).collect()
        };
        places.sort_unstable();
        self.inner.contracts.kept().keep(&self.inner.log, &places)
    }

    /// The provider's own policies that are in force, as Cedar text; empty if there are none.
    #[must_use]
    pub fn policies(&self) -> String {
        let state = self.inner.gate.enter();
        state.space.own().map(|own| own.statement().cedar.clone()).unwrap_or_default()
    }

    /// Signs the log as it is. Give the checkpoint to others: only a checkpoint that somebody else
    /// holds shows a rollback.
    ///
    /// # Errors
    /// [`WriteError`] if the log cannot be signed.
    pub fn checkpoint(&self) -> Result<Checkpoint, WriteError> {
        self.inner.checkpoint()
    }

    /// The agreement of a contract, also of one that is being concluded and is not durable yet. May read it
    /// from the log.
    ///
    /// # Errors
    /// [`Refusal::UnknownContract`], or why it cannot be read.
    pub fn agreement(&self, contract: ContractId) -> Result<Verified<Agreement>, Refusal> {
        let (contract, resolver) = {
            let state = self.inner.gate.enter();
            (Arc::clone(state.space.contract(contract)?), Arc::clone(state.space.keys()))
        };
        let active = self.inner.contracts.get(&contract, &self.inner.log, &resolver.past())?;
        Ok(active.document.agreement().clone())
    }

    /// Which keys speak for whom, as the log says: to verify what participants whose DID is not their
    /// key have signed.
    #[must_use]
    pub fn keys(&self) -> Arc<KnownKeys> {
        Arc::clone(self.inner.gate.enter().space.keys())
    }

    /// Identifiers of all contracts, in no order; also of those that are being concluded.
    #[must_use]
    pub fn contracts(&self) -> Vec<ContractId> {
        let state = self.inner.gate.enter();
        state.space.contracts().map(|contract| contract.id()).collect()
    }

    /// Contracts whose Cedar text another version of the compiler wrote, with the version, in the
    /// order in which they were concluded. The text decides; that it says what the clauses say was
    /// checked when it was signed, and cannot be checked here.
    #[must_use]
    pub fn compiled_elsewhere(&self) -> Vec<(ContractId, u32)> {
        let state = self.inner.gate.enter();
        let elsewhere = state
            .space
            .contracts()
            .filter_map(|one| Some((one.index(), (one.id(), one.compiled_elsewhere()?))));
        let mut elsewhere: Vec<_> = elsewhere.collect();
        elsewhere.sort_by_key(|(index, _)| *index);
        elsewhere.into_iter().map(|(_, one)| one).collect()
    }

    /// The record of its consumer's statement that it deleted what it had under a contract; `None` if there is none.
    #[must_use]
    pub fn deletion(&self, contract: ContractId) -> Option<LeafIndex> {
        self.inner.gate.enter().space.deletion(contract)
    }

    /// Uses that were made of a contract, and its limit.
    #[must_use]
    pub fn uses(&self, contract: ContractId) -> Option<(u64, Option<u64>)> {
        let state = self.inner.gate.enter();
        let contract = state.space.contract(contract).ok()?;
        Some((contract.used(), contract.limit()))
    }
}

impl fmt::Debug for DataSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSpace").field("provider", self.provider()).finish_non_exhaustive()
    }
}
