//! What left in a release, counted while it leaves, and reported to the log when it ends.

use std::sync::{Arc, Weak};

use dataspace_audit_log::{Pending, append::AppendError};
use dataspace_data_plane::product::Version;
use dataspace_primitives::Digest;
use dataspace_tlog::{
    Event, LeafIndex, Record,
    record::{ContentVersion, EncodedRecord, ReleaseEnd, ReleaseReport},
};
use dataspace_usage_contract::ContractId;

use crate::access::turns::{Left, Shared};
use crate::node::Inner;
use crate::observer::Ended;

/// The account of one turn at a release. The report of the release gets its place in the log when it
/// [ends](Self::end), or else when it is dropped and cannot be resumed.
pub(crate) struct Account {
    /// Not kept open by it.
    node: Weak<Inner>,
    shared: Arc<Shared>,
    turn: u32,
    left: Left,
}

impl Account {
    /// The first turn.
    pub(crate) fn open(
        node: Weak<Inner>,
        request: Digest,
        access: (LeafIndex, ContractId),
        version: Option<Version>,
    ) -> Self {
        let shared = Arc::new(Shared::new(request, access, version));
        Self { node, shared, turn: 0, left: Left::nothing() }
    }

    /// A turn that has begun.
    pub(crate) fn resumed(node: Weak<Inner>, shared: Arc<Shared>, turn: u32) -> Self {
        Self { node, shared, turn, left: Left::nothing() }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn left(&self) -> &Left {
        &self.left
    }

    /// So much leaves now; false, and nothing may, if the release was resumed meanwhile.
    pub(crate) fn set(&mut self, left: Left) -> bool {
        let may_leave = self.shared.left(self.turn, &left);
        self.left = left;
        may_leave
    }

    /// Returns true if the release was not resumed meanwhile.
    pub(crate) fn is_current(&self) -> bool {
        self.shared.is_current(self.turn)
    }

    /// The place of the report in the log, once the release has ended; `None` also if it could not be written.
    pub(crate) fn index(&self) -> Option<LeafIndex> {
        self.shared.report()
    }

    /// Waits until the report is durable.
    ///
    /// # Errors
    /// [`AppendError`] if the log failed.
    pub(crate) fn wait(&mut self) -> Result<Option<LeafIndex>, AppendError> {
        if let Some(pending) = self.shared.take_pending() {
            let _durable = pending.wait()?;
        } else if self.index().is_some()
            && let Some(node) = self.node.upgrade()
        {
            // Another turn waits, or waited.
            node.log.flush()?;
        }
        Ok(self.index())
    }

    /// Gives the report its place in the log, without waiting for the disk: it is durable with the next record
    /// that somebody waits for, or when the node is tended or closed. The first end counts; where the release was
    /// resumed, that of the last turn.
    pub(crate) fn end(&mut self, end: ReleaseEnd) {
        // Of a node that is closed nobody can say more.
        let Some(node) = self.node.upgrade() else { return };
        // WHY it stays after its end: its last pieces may be lost on their way.
        let is_current = if end == ReleaseEnd::Whole {
            let _is_kept = node.resumes.leave(&self.shared, self.turn, node.clock.latest());
            self.is_current()
        } else {
            node.resumes.remove(&self.shared, self.turn)
        };
        if is_current {
            node.end_release(&self.shared, end);
        }
    }
}

impl Inner {
    /// Reports that a release ended, unless it is reported.
    pub(crate) fn end_release(&self, release: &Shared, end: ReleaseEnd) {
        let Some(left) = release.take_report() else { return };
        let submitted = self.submit_report(release, end, &left);
        let report = submitted.as_ref().map(Pending::index);
        let Shared { contract, access, .. } = *release;
        self.observer.ended(&Ended { contract, access, end, report });
        if let Ok(pending) = submitted {
            release.place(pending);
        }
    }

    fn submit_report(
        &self,
        release: &Shared,
        end: ReleaseEnd,
        left: &Left,
    ) -> Result<Pending, AppendError> {
        let report = ReleaseReport {
            access: release.access,
            contract: *release.contract.as_digest(),
            end,
            pieces: left.pieces,
            rows: left.rows,
            bytes: left.bytes,
            content: left.digest(),
            version: release.version.and_then(|version| shown(version, self)),
        };
        // WHY in a pass: a change takes its time when it has the lock, and is not before any record before it.
        let _pass = self.gate.enter_within();
        let record = Record::new(self.clock.latest(), Event::Released(report));
        // WHY without room: to drop a release must not wait. There are no more of these than there
        // were releases open when the log was last written, since each was recorded before it was opened.
        self.log.submit_at_once(&EncodedRecord::try_from(&record)?)
    }

    /// Gives up releases that nobody resumed in time, or all that broke off.
    pub(crate) fn end_releases(&self, all: bool) {
        for release in self.resumes.sweep(self.clock.latest(), all) {
            self.end_release(&release, ReleaseEnd::Dropped);
        }
    }
}

/// A release that nobody asks any further: it may be resumed for a time, or it ended.
impl Drop for Account {
    fn drop(&mut self) {
        let Some(node) = self.node.upgrade() else { return };
        // Of what is not kept no other turn can begin.
        let is_kept = node.resumes.leave(&self.shared, self.turn, node.clock.latest());
        if !is_kept && self.is_current() {
            node.end_release(&self.shared, ReleaseEnd::Dropped);
        }
    }
}

/// The version as everybody may see it.
fn shown(version: Version, node: &Inner) -> Option<ContentVersion> {
    match version {
        Version::Content(content) => Some(ContentVersion::Content(content)),
        Version::State(state) => {
            node.stamp_key.stamp(state, &*node.keys.secrets).map(ContentVersion::Stamp)
        }
    }
}
