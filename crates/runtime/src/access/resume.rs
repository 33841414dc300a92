//! Goes on with releases that broke off.

use std::sync::Arc;

use dataspace_primitives::Digest;

use crate::access::error::{AccessError, NotResumed};
use crate::access::release::Release;
use crate::access::report::Account;
use crate::access::resumes::Kept;
use crate::access::skip::Skip;
use crate::node::Inner;
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
    /// Goes on with a release that broke off on its way, by the same signed request. The consumer has so many
    /// bytes of the content, with this digest. It is the same access: no use is taken, and there is one report.
    pub(crate) fn resume(
        &self,
        request: &[u8],
        (bytes, has): (u64, Digest),
    ) -> Result<Release, AccessError> {
        let inner = &self.inner;
        inner.end_releases(false);
        // WHY no signature is checked: it was, and these are the bytes that were signed.
        let (request, now) = (Digest::of(request), inner.clock.now()?);
        let kept = inner.resumes.take(request, now)?;
        let shared = Arc::clone(&kept.shared);
        let resumed = inner.go_on(kept, (bytes, has));
        if resumed.is_err() {
            let _waits_for_another_try = inner.resumes.leave(&shared, now);
        }
        Ok(resumed?)
    }
}

impl Inner {
    fn go_on(
        self: &Arc<Self>,
        kept: Kept,
        (bytes, has): (u64, Digest),
    ) -> Result<Release, NotResumed> {
        let skip = Skip::new(bytes, has).map_err(|_| NotResumed::Ahead)?;
        if bytes > kept.shared.bytes() {
            return Err(NotResumed::Ahead);
        }
        let data = self.enter().open(&kept.decided.asked, kept.slot.upgrade());
        let data = data.map_err(|reason| NotResumed::Closed { reason: Box::new(reason) })?;
        if data.data.version() != kept.shared.version {
            return Err(NotResumed::Changed);
        }
        let node = Arc::downgrade(self);
        let subjects = data.data.subjects();
        let account = Account::next(node.clone(), Arc::clone(&kept.shared), subjects);
        self.resumes.went_on(kept.shared.request, Arc::downgrade(&data.slot));
        Ok(Release::resumed(node, kept, (data, account), skip))
    }
}
