//! How far a release has come, over all turns at it.

use dataspace_audit_log::Pending;
use dataspace_data_plane::product::Version;
use dataspace_primitives::Digest;
use dataspace_tlog::LeafIndex;
use dataspace_usage_contract::ContractId;
use parking_lot::Mutex;
use ring::digest::{Context, SHA256};

/// What all turns at one release have in common: the first, and those that resumed it.
pub(crate) struct Shared {
    /// SHA-256 of the signed request.
    pub(crate) request: Digest,
    /// The record of the permit.
    pub(crate) access: LeafIndex,
    pub(crate) contract: ContractId,
    pub(crate) version: Option<Version>,
    turns: Mutex<Turns>,
}

struct Turns {
    /// The turn that goes on; all before it have ended.
    current: u32,
    /// What left in the turn that came furthest.
    most: Left,
    /// Bytes that consumers said were lost on their way.
    lost: u64,
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
    pub(crate) pieces: u64,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    content: Context,
    /// Different subjects in it, if those are counted.
    pub(crate) subjects: Option<u64>,
}

impl Left {
    /// Of no subjects, or of data in which nobody counts them.
    pub(crate) fn nothing(subjects: Option<u64>) -> Self {
        Self { pieces: 0, rows: 0, bytes: 0, content: Context::new(&SHA256), subjects }
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

    /// About so many different subjects in all, if those are counted.
    pub(crate) fn about(self, subjects: Option<u64>) -> Self {
        Self { subjects, ..self }
    }

    /// SHA-256 of it.
    pub(crate) fn digest(&self) -> Digest {
        finish(self.content.clone())
    }
}

impl Shared {
    pub(crate) fn new(
        request: Digest,
        (access, contract): (LeafIndex, ContractId),
        version: Option<Version>,
        most: Left,
    ) -> Self {
        let turns = Turns { current: 0, most, lost: 0, reported: Reported::Open };
        Self { request, access, contract, version, turns: Mutex::new(turns) }
    }

    /// Bytes that have left.
    pub(crate) fn bytes(&self) -> u64 {
        self.turns.lock().most.bytes
    }

    /// Nothing yet, of the same data.
    pub(crate) fn nothing(&self) -> Left {
        Left::nothing(self.turns.lock().most.subjects.map(|_| 0))
    }

    /// The number of the next turn, which ends the one before it.
    pub(crate) fn next(&self) -> u32 {
        let mut turns = self.turns.lock();
        turns.current = turns.current.saturating_add(1);
        turns.current
    }

    /// Takes note that what came after so many bytes was lost; false, and nothing is noted, if this is more than may be
    /// lost in all.
    pub(crate) fn lose_after(&self, bytes: u64, most: u64) -> bool {
        let mut turns = self.turns.lock();
        let lost = turns.lost.saturating_add(turns.most.bytes.saturating_sub(bytes));
        let may_be = lost <= most;
        if may_be {
            turns.lost = lost;
        }
        may_be
    }

    pub(crate) fn is_current(&self, turn: u32) -> bool {
        self.turns.lock().current == turn
    }

    /// So much leaves in this turn; false, and nothing may, if another one has begun.
    pub(crate) fn left(&self, turn: u32, left: &Left) -> bool {
        let mut turns = self.turns.lock();
        if turns.current != turn {
            return false;
        }
        if turns.most.bytes <= left.bytes {
            turns.most = left.clone();
        }
        true
    }

    /// What is to be reported; `None` if it was taken before.
    pub(crate) fn take_report(&self) -> Option<Left> {
        let mut turns = self.turns.lock();
        if !matches!(turns.reported, Reported::Open) {
            return None;
        }
        turns.reported = Reported::Missing;
        Some(turns.most.clone())
    }

    /// The report has its place.
    pub(crate) fn place(&self, pending: Pending) {
        self.turns.lock().reported = Reported::Placed(pending.index(), Some(pending));
    }

    /// The place of the report in the log; `None` while there is none.
    pub(crate) fn report(&self) -> Option<LeafIndex> {
        match &self.turns.lock().reported {
            Reported::Placed(index, _) => Some(*index),
            Reported::Open | Reported::Missing => None,
        }
    }

    /// What waits for the disk.
    pub(crate) fn take_pending(&self) -> Option<Pending> {
        match &mut self.turns.lock().reported {
            Reported::Placed(_, pending) => pending.take(),
            Reported::Open | Reported::Missing => None,
        }
    }
}

/// SHA-256, finished.
pub(crate) fn finish(content: Context) -> Digest {
    let digest = content.finish();
    // A SHA-256 has as many bytes as a `Digest`.
    Digest::from_bytes(<[u8; Digest::LEN]>::try_from(digest.as_ref()).unwrap_or_default())
}
