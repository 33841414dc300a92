//! The parts of a node, and how its log is signed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dataspace_audit_log::{Log, Recovery, error::SignCheckpointError};
use dataspace_identity::TrustAnchors;
use dataspace_primitives::UnixMillis;
use dataspace_tlog::{Checkpoint, LeafIndex, Record, TreeSize};
use parking_lot::Mutex;

use crate::access::resumes::Resumes;
use crate::clock::SteadyClock;
use crate::contracts::ActiveContracts;
use crate::error::WriteError;
use crate::gate::Gate;
use crate::index::error::IndexError;
use crate::index::{Index, IndexState};
use crate::keys::Keys;
use crate::observer::Observer;
use crate::offers::Offers;
use crate::rivals::Rivals;
use crate::stamps::StampKey;
use crate::throttle::Throttle;

pub(crate) struct Inner {
    pub(crate) keys: Keys,
    pub(crate) clock: SteadyClock,
    pub(crate) log: Log,
    pub(crate) gate: Gate,
    pub(crate) contracts: ActiveContracts,
    pub(crate) opened: Option<Opened>,
    pub(crate) index: Index,
    pub(crate) limits: Limits,
    /// Whom a node of this space believes.
    pub(crate) anchors: TrustAnchors,
    pub(crate) signed: LastSigned,
    pub(crate) observer: Box<dyn Observer>,
    /// For the stamps in reports.
    pub(crate) stamp_key: StampKey,
    pub(crate) throttle: Throttle,
    pub(crate) resumes: Resumes,
    pub(crate) rivals: Rivals,
    pub(crate) offers: Offers,
    /// Held while archiving.
    pub(crate) archiving: Mutex<()>,
    /// Records that this node knows to be in the log.
    pub(crate) recorded: AtomicU64,
}

/// Limits that an owner may choose.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// Records after which a checkpoint is signed, and time.
    pub(crate) checkpoint_every: u64,
    pub(crate) checkpoint_within: Duration,
    /// Releases that one contract may have open.
    pub(crate) open_max: u32,
    /// Contracts whose documents are kept in memory.
    pub(crate) contracts_max: usize,
}

/// The last checkpoint that was signed since the node was opened.
pub(crate) struct LastSigned {
    /// Records under it.
    size: AtomicU64,
    /// When, in milliseconds.
    at: AtomicU64,
    /// Held while signing the next one.
    next: Mutex<()>,
}

impl LastSigned {
    pub(crate) fn new(size: u64, at: UnixMillis) -> Self {
        Self { size: size.into(), at: at.as_millis().into(), next: Mutex::new(()) }
    }
}

/// Result of opening an existing node.
pub(crate) struct Opened {
    pub(crate) recovery: Recovery,
    pub(crate) index: IndexState,
    /// Records in the log once the opening was recorded.
    pub(crate) size: u64,
}

impl Inner {
    pub(crate) fn checkpoint(&self) -> Result<Checkpoint, WriteError> {
        Ok(self.signed_checkpoint()?)
    }

    fn signed_checkpoint(&self) -> Result<Checkpoint, SignCheckpointError> {
        let checkpoint = self.log.checkpoint(&self.keys.log)?;
        self.signed.size.fetch_max(checkpoint.size().as_u64(), Ordering::AcqRel);
        if let Ok(now) = self.clock.now() {
            self.signed.at.store(now.as_millis(), Ordering::Release);
        }
        Ok(checkpoint)
    }

    /// Signs the log with the record at `index` in it, unless somebody has meanwhile. A caller that waits
    /// here for another one is probably covered by its checkpoint.
    pub(crate) fn sign_covering(&self, index: LeafIndex) -> Result<(), SignCheckpointError> {
        self.recorded.fetch_max(index.as_u64().saturating_add(1), Ordering::AcqRel);
        let _one_at_a_time = self.signed.next.lock();
        if self.signed.size.load(Ordering::Acquire) > index.as_u64() {
            return Ok(());
        }
        self.signed_checkpoint().map(drop)
    }

    /// Signs the log if enough records came since the last checkpoint, `size` being now, or the last
    /// one is old.
    pub(crate) fn sign_if_due(&self, size: u64) {
        self.recorded.fetch_max(size, Ordering::AcqRel);
        let is_due = || {
            let Limits { checkpoint_every, checkpoint_within, .. } = self.limits;
            let signed = self.signed.size.load(Ordering::Acquire);
            let within = u64::try_from(checkpoint_within.as_millis()).unwrap_or(u64::MAX);
            let last = self.signed.at.load(Ordering::Acquire);
            let is_old =
                || self.clock.now().is_ok_and(|now| now.as_millis().saturating_sub(last) >= within);
            size >= signed.saturating_add(checkpoint_every) || (size > signed && is_old())
        };
        // One thread signs, the others go on. If it fails, the record is durable all the same, and
        // the next ones try again.
        if is_due()
            && let Some(_one_at_a_time) = self.signed.next.try_lock()
            && is_due()
        {
            let _next_ones_try_again = self.checkpoint();
        }
    }

    /// Returns true if a log of `size` records has got no record since the node was opened, and few
    /// records stand behind its index: writing that, which reads all of its rows, can wait.
    fn is_untouched(&self, size: u64) -> bool {
        self.opened.as_ref().is_some_and(|opened| {
            let few = matches!(&opened.index, IndexState::Used { replayed, .. } if *replayed < 64);
            opened.size == size && few
        })
    }

    /// Gives denials that are not recorded one by one their places in the log, as numbers.
    pub(crate) fn record_sums(&self) -> Result<(), WriteError> {
        // WHY not by the clock alone: while it is wrong, the log is still to be signed and closed.
        let now = self.clock.latest();
        for sum in self.throttle.take(now) {
            let appended = self.log.append(&Record::new(now, sum))?;
            self.recorded.fetch_max(appended.index().as_u64().saturating_add(1), Ordering::AcqRel);
        }
        Ok(())
    }

    /// Signs what no checkpoint covers, and writes the index if it is due.
    pub(crate) fn tend(&self) -> Result<(), WriteError> {
        self.end_releases(false);
        self.record_sums()?;
        self.settle()?;
        let recorded = self.recorded.load(Ordering::Acquire);
        if let Some(last) = recorded.checked_sub(1) {
            self.sign_covering(LeafIndex::new(last))?;
        }
        if let Some(written) =
            self.index.write_if_due(recorded, (&self.log, &self.gate), &self.keys.log)
        {
            self.tell_index(&written);
        }
        Ok(())
    }

    /// Makes durable what nobody waited for: the reports of releases.
    fn settle(&self) -> Result<(), WriteError> {
        self.log.flush()?;
        let size = self.log.size().map_or(0, TreeSize::as_u64);
        self.recorded.fetch_max(size, Ordering::AcqRel);
        Ok(())
    }

    /// Writes the index of the log as it is.
    pub(crate) fn write_index(&self) -> Result<(), Arc<IndexError>> {
        let written = self.index.write(None, (&self.log, &self.gate), &self.keys.log);
        self.tell_index(&written);
        written.map(drop)
    }

    fn tell_index(&self, written: &Result<TreeSize, Arc<IndexError>>) {
        self.observer.index(written.as_ref().copied().map_err(|error| &**error));
    }
}

/// Tries to sign what is not signed yet, and to write the index of it.
impl Drop for Inner {
    fn drop(&mut self) {
        self.end_releases(true);
        let _a_closing_log_may_take_none = self.record_sums();
        let _nor_make_any_durable = self.settle();
        let size = self.log.size().map_or(0, TreeSize::as_u64);
        if size > self.signed.size.load(Ordering::Acquire) {
            let _the_log_is_whole_without_it = self.checkpoint();
        }
        if !self.is_untouched(size) {
            let _the_log_is_enough = self.write_index();
        }
    }
}
