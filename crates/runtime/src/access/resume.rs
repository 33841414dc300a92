//! Goes on with releases that broke off.

use std::sync::Arc;

use dataspace_primitives::{Digest, Signed, Verified};
use dataspace_usage_contract::ResumeRequest;

use crate::access::error::{AccessError, NotResumed};
use crate::access::monitor::Monitor;
use crate::access::release::Release;
use crate::access::report::Account;
use crate::access::resumes::Kept;
use crate::access::skip::Skip;
use crate::access::slot::Slot;
use crate::space::DataSpace;

impl Release {
    /// Lets the consumer resume it, until it stops, and for [`RESUMED_WITHIN`](crate::exchange::RESUMED_WITHIN) after
    /// it broke off or ended.
    pub(crate) fn keep(&self) {
        let Some((node, kept)) = self.node().zip(self.kept()) else { return };
        for given_up in node.resumes.keep(kept) {
            node.end_release(&given_up, dataspace_tlog::record::ReleaseEnd::Dropped);
        }
    }
}

impl DataSpace {
    /// Goes on with a release that broke off on its way, as its consumer asks. It is the same access: no use is
    /// taken, and there is one report.
    pub(crate) fn resume(&self, request: Signed<ResumeRequest>) -> Result<Release, AccessError> {
        let inner = &self.inner;
        inner.end_releases(false);
        let now = inner.clock.now()?;
        let asked = inner.verify_claimed(request, now)?;
        inner.enter().receive_resuming(&asked)?;
        let ResumeRequest { request, bytes, content, .. } = *asked.value();
        let skip = Skip::new(bytes, content).map_err(|_| NotResumed::Ahead)?;
        let taken = inner.resumes.take(request, bytes, now);
        let (kept, turn) = taken.inspect_err(|_| {
            // WHY: only turns that begin are bounded, and nobody may fill the memory with others.
            inner.enter().state.replays.remove(Digest::of(asked.signed().as_bytes()));
        })?;
        let node = Arc::downgrade(inner);
        // WHY before anything can fail: dropped, it waits for another turn, or is reported.
        let account = Account::resumed(node.clone(), Arc::clone(&kept.shared), turn);
        inner.look_over(&kept.decided.asked.active);
        let data = inner.enter().open(&kept.decided.asked, open_slot(&kept));
        let data = data.map_err(|reason| NotResumed::Closed { reason: Box::new(reason) })?;
        if data.data.version() != kept.shared.version {
            return Err(NotResumed::Changed.into());
        }
        inner.resumes.went_on(request, Arc::downgrade(&data.slot));
        Ok(Release::resumed(node, kept, (data, account), skip))
    }
}

impl Monitor<'_> {
    /// Accepts a request to resume that is fresh, was not made before, and is by the consumer of what is kept.
    fn receive_resuming(&self, asked: &Verified<ResumeRequest>) -> Result<(), AccessError> {
        let ResumeRequest { request, log, consumer, requested_at, .. } = asked.value();
        self.check_log(log)?;
        let (now, space) = (self.inner.clock.now()?, &self.state.space);
        if !consumer.has_signed(asked) || !space.are_believed(asked.signers(), now) {
            return Err(AccessError::Signature);
        }
        // WHY the same word as of none: what others asked for is none of a stranger's business.
        if !self.inner.resumes.is_of(*request, consumer) {
            return Err(NotResumed::Unknown.into());
        }
        self.check_fresh(*requested_at, now)?;
        // WHY after all else: only the consumer of a release may have something remembered.
        if !self.state.replays.insert(Digest::of(asked.signed().as_bytes()), now) {
            return Err(AccessError::Replayed);
        }
        Ok(())
    }
}

/// The place of the turn before among the open releases, unless two are in it already: a provider learns late that a
/// way broke.
fn open_slot(kept: &Kept) -> Option<Arc<Slot>> {
    // This one counts.
    kept.slot.upgrade().filter(|slot| Arc::strong_count(slot) <= 2)
}
