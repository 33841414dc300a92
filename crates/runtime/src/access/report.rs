//! What left in a release, counted while it leaves, and reported to the log when it ends.

use std::sync::Weak;

use dataspace_audit_log::{Pending, append::AppendError};
use dataspace_data_plane::product::Version;
use dataspace_primitives::Digest;
use dataspace_tlog::{
    Event, LeafIndex, Record,
    record::{ContentVersion, EncodedRecord, ReleaseEnd, ReleaseReport},
};
use dataspace_usage_contract::ContractId;
use ring::digest::{Context, SHA256};

use crate::node::Inner;
use crate::observer::Ended;

/// The account of one release. Its report gets its place in the log when it [ends](Self::end), or else when it
/// is dropped.
pub(crate) struct Account {
    /// Not kept open by it.
    node: Weak<Inner>,
    access: LeafIndex,
    contract: ContractId,
    version: Option<Version>,
    left: Left,
    reported: Reported,
}

/// The report of a release.
enum Reported {
    /// The release goes on.
    Open,
    /// It ended, and the log took no report.
    Missing,
    /// The report has its place. The record waits for the disk, until somebody does.
    Placed(LeafIndex, Option<Pending>),
}

/// What left so far.
#[derive(Clone)]
pub(crate) struct Left {
    pieces: u64,
    rows: u64,
    bytes: u64,
    content: Context,
    /// Different subjects in them, if those are counted.
    subjects: Option<u64>,
}

impl Left {
    /// With one more piece, of so many rows, in these bytes.
    pub(crate) fn and<'a>(&self, rows: usize, texts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let more = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let mut left = self.clone();
        left.pieces = left.pieces.saturating_add(1);
        left.rows = left.rows.saturating_add(more(rows));
        for text in texts {
            left.content.update(text);
            left.bytes = left.bytes.saturating_add(more(text.len()));
        }
        left
    }
}

impl Account {
    pub(crate) fn open(
        node: Weak<Inner>,
        (access, contract): (LeafIndex, ContractId),
        (version, subjects): (Option<Version>, Option<u64>),
    ) -> Self {
        let content = Context::new(&SHA256);
        let left = Left { pieces: 0, rows: 0, bytes: 0, content, subjects };
        Self { node, access, contract, version, left, reported: Reported::Open }
    }

    pub(crate) fn left(&self) -> &Left {
        &self.left
    }

    /// So much has left now, about so many subjects.
    pub(crate) fn set(&mut self, left: Left, subjects: Option<u64>) {
        self.left = Left { subjects, ..left };
    }

    /// The place of the report in the log, once the release has ended; `None` also if it could not be written.
    pub(crate) fn index(&self) -> Option<LeafIndex> {
        match &self.reported {
            Reported::Placed(index, _) => Some(*index),
            Reported::Open | Reported::Missing => None,
        }
    }

    /// Waits until the report is durable.
    ///
    /// # Errors
    /// [`AppendError`] if the log failed.
    pub(crate) fn wait(&mut self) -> Result<Option<LeafIndex>, AppendError> {
        if let Reported::Placed(_, pending) = &mut self.reported
            && let Some(pending) = pending.take()
        {
            let _durable = pending.wait()?;
        }
        Ok(self.index())
    }

    /// Gives the report its place in the log, without waiting for the disk: it is durable with the next record
    /// that somebody waits for, or when the node is tended or closed. The first end counts.
    pub(crate) fn end(&mut self, end: ReleaseEnd) {
        if !matches!(self.reported, Reported::Open) {
            return;
        }
        self.reported = Reported::Missing;
        // Of a node that is closed nobody can say more.
        let Some(node) = self.node.upgrade() else { return };
        let submitted = self.submit(&node, end);
        let report = submitted.as_ref().map(Pending::index);
        let Self { contract, access, .. } = *self;
        node.observer.ended(&Ended { contract, access, end, report });
        if let Ok(pending) = submitted {
            self.reported = Reported::Placed(pending.index(), Some(pending));
        }
    }

    fn submit(&self, node: &Inner, end: ReleaseEnd) -> Result<Pending, AppendError> {
        let Left { pieces, rows, bytes, content, subjects } = self.left.clone();
        let report = ReleaseReport {
            access: self.access,
            contract: *self.contract.as_digest(),
            end,
            pieces,
            rows,
            bytes,
            content: finish(content),
            version: self.version.and_then(|version| shown(version, node)),
            // What was read and still waits to be sealed did not leave.
            subjects: if pieces == 0 { subjects.map(|_| 0) } else { subjects },
        };
        // WHY in a pass: a change takes its time when it has the lock, and is not before any record before it.
        let _pass = node.gate.enter_within();
        let record = Record::new(node.clock.latest(), Event::Released(report));
        // WHY without room: to drop a release must not wait. There are no more of these than there
        // were releases open when the log was last written, since each was recorded before it was opened.
        node.log.submit_at_once(&EncodedRecord::try_from(&record)?)
    }
}

/// A release that nobody asks any further.
impl Drop for Account {
    fn drop(&mut self) {
        self.end(ReleaseEnd::Dropped);
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

fn finish(content: Context) -> Digest {
    let digest = content.finish();
    // A SHA-256 has as many bytes as a `Digest`.
    Digest::from_bytes(<[u8; Digest::LEN]>::try_from(digest.as_ref()).unwrap_or_default())
}
