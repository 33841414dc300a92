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
use parking_lot::Mutex;
use ring::digest::{Context, SHA256};

use crate::node::Inner;
use crate::observer::Ended;

/// The account of one release. Its report gets its place in the log when it [ends](Self::end), or else when it
/// is dropped and cannot be resumed.
pub(crate) struct Account {
    shared: Arc<Shared>,
    /// Which turn at the release this is: the first, or one that resumed it.
    turn: u32,
    left: Left,
}

/// What all turns at one release have in common.
pub(crate) struct Shared {
    /// Not kept open by it.
    node: Weak<Inner>,
    /// SHA-256 of the signed request.
    request: Digest,
    access: LeafIndex,
    contract: ContractId,
    version: Option<Version>,
    state: Mutex<Turns>,
}

/// How far a release has come.
struct Turns {
    /// The turn that goes on; all before it have ended.
    current: u32,
    /// What left in the turn that came furthest.
    most: Left,
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
}

impl Left {
    fn nothing() -> Self {
        Self { pieces: 0, rows: 0, bytes: 0, content: Context::new(&SHA256) }
    }

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
        request: Digest,
        (access, contract): (LeafIndex, ContractId),
        version: Option<Version>,
    ) -> Self {
        let left = Left::nothing();
        let turns = Turns { current: 0, most: left.clone(), reported: Reported::Open };
        let state = Mutex::new(turns);
        let shared = Arc::new(Shared { node, request, access, contract, version, state });
        Self { shared, turn: 0, left }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn left(&self) -> &Left {
        &self.left
    }

    /// So much has left now.
    pub(crate) fn set(&mut self, left: Left) {
        let mut turns = self.shared.state.lock();
        if turns.current == self.turn && turns.most.bytes <= left.bytes {
            turns.most = left.clone();
        }
        drop(turns);
        self.left = left;
    }

    /// Returns true if the release was not resumed meanwhile.
    pub(crate) fn is_current(&self) -> bool {
        self.shared.state.lock().current == self.turn
    }

    /// The place of the report in the log, once the release has ended; `None` also if it could not be written.
    pub(crate) fn index(&self) -> Option<LeafIndex> {
        match &self.shared.state.lock().reported {
            Reported::Placed(index, _) => Some(*index),
            Reported::Open | Reported::Missing => None,
        }
    }

    /// Waits until the report is durable.
    ///
    /// # Errors
    /// [`AppendError`] if the log failed.
    pub(crate) fn wait(&mut self) -> Result<Option<LeafIndex>, AppendError> {
        let pending = match &mut self.shared.state.lock().reported {
            Reported::Placed(_, pending) => pending.take(),
            Reported::Open | Reported::Missing => None,
        };
        if let Some(pending) = pending {
            let _durable = pending.wait()?;
        }
        Ok(self.index())
    }

    /// Gives the report its place in the log, without waiting for the disk: it is durable with the next record
    /// that somebody waits for, or when the node is tended or closed. The first end counts; where the release was
    /// resumed, that of the last turn.
    pub(crate) fn end(&mut self, end: ReleaseEnd) {
        // Of a node that is closed nobody can say more.
        let Some(node) = self.shared.node.upgrade() else { return };
        if !self.is_current() {
            return;
        }
        if end == ReleaseEnd::Whole {
            // What an earlier turn gave out of other data is not what this one ended with.
            self.shared.state.lock().most = self.left.clone();
            node.resumes.leave(self.shared.request, &self.shared, node.clock.latest());
        } else {
            node.resumes.remove(self.shared.request, &self.shared);
        }
        self.shared.end(&node, end);
    }
}

impl Shared {
    /// SHA-256 of the signed request.
    pub(crate) fn request(&self) -> Digest {
        self.request
    }

    pub(crate) fn contract(&self) -> ContractId {
        self.contract
    }

    pub(crate) fn version(&self) -> Option<Version> {
        self.version
    }

    /// Bytes that have left.
    pub(crate) fn bytes(&self) -> u64 {
        self.state.lock().most.bytes
    }

    /// The next turn, which ends the one before it.
    pub(crate) fn next_turn(self: &Arc<Self>) -> Account {
        let mut turns = self.state.lock();
        turns.current = turns.current.saturating_add(1);
        let turn = turns.current;
        drop(turns);
        Account { shared: Arc::clone(self), turn, left: Left::nothing() }
    }

    /// Reports that the release ended, unless it is reported.
    pub(crate) fn end(&self, node: &Inner, end: ReleaseEnd) {
        let left = {
            let mut turns = self.state.lock();
            if !matches!(turns.reported, Reported::Open) {
                return;
            }
            turns.reported = Reported::Missing;
            turns.most.clone()
        };
        let submitted = self.submit(node, end, left);
        let report = submitted.as_ref().map(Pending::index);
        let Self { contract, access, .. } = *self;
        node.observer.ended(&Ended { contract, access, end, report });
        if let Ok(pending) = submitted {
            self.state.lock().reported = Reported::Placed(pending.index(), Some(pending));
        }
    }

    fn submit(&self, node: &Inner, end: ReleaseEnd, left: Left) -> Result<Pending, AppendError> {
        let Left { pieces, rows, bytes, content } = left;
        let report = ReleaseReport {
            access: self.access,
            contract: *self.contract.as_digest(),
            end,
            pieces,
            rows,
            bytes,
            content: finish(content),
            version: self.version.and_then(|version| shown(version, node)),
        };
        // WHY in a pass: a change takes its time when it has the lock, and is not before any record before it.
        let _pass = node.gate.enter_within();
        let record = Record::new(node.clock.latest(), Event::Released(report));
        // WHY without room: to drop a release must not wait. There are no more of these than there
        // were releases open when the log was last written, since each was recorded before it was opened.
        node.log.submit_at_once(&EncodedRecord::try_from(&record)?)
    }
}

/// A release that nobody asks any further: it may be resumed for a time, or it ended.
impl Drop for Account {
    fn drop(&mut self) {
        let Some(node) = self.shared.node.upgrade() else { return };
        if self.is_current()
            && !node.resumes.leave(self.shared.request, &self.shared, node.clock.latest())
        {
            self.shared.end(&node, ReleaseEnd::Dropped);
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

pub(crate) fn finish(content: Context) -> Digest {
    let digest = content.finish();
    // A SHA-256 has as many bytes as a `Digest`.
    Digest::from_bytes(<[u8; Digest::LEN]>::try_from(digest.as_ref()).unwrap_or_default())
}
