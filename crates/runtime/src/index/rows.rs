//! What the index holds, and what a stretch of the log makes of it. Nothing here touches a file.

use std::collections::{BTreeMap, VecDeque};

use dataspace_audit_log::{Event, LeafIndex, Record, Verdict};
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_usage_contract::Counts;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::state::replays::KEPT;

/// The uses of a contract that the log records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Made {
    /// Records of permits: what the contract adds to its consumer's uses of the product.
    pub(crate) permits: u64,
    pub(crate) counts: Counts,
}

impl Made {
    pub(super) fn merge(self, other: Self) -> Self {
        let permits = self.permits.saturating_add(other.permits);
        Self { permits, counts: self.counts.merge(other.counts) }
    }
}

/// A request that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Answered {
    pub(crate) request: Digest,
    pub(crate) at: UnixMillis,
}

impl Answered {
    /// Whether the request could no longer be taken for fresh, so that nobody need remember it: it is
    /// old, or its contract ended when the clock was set back from times like its own.
    pub(super) fn is_over(&self, high_water: UnixMillis) -> bool {
        high_water.since(self.at) > KEPT || self.at > high_water
    }
}

/// What the index states about the log up to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// Records that it covers.
    pub(crate) size: u64,
    /// Rows, and the digest over all of them.
    pub(crate) rows: u64,
    pub(crate) digest: Digest,
    /// The latest time of these records, since the clock was last set back.
    pub(crate) high_water: UnixMillis,
}

impl Default for Base {
    /// An index without a row.
    fn default() -> Self {
        let (rows, digest) = Sum::default().finish();
        Self { size: 0, rows, digest, high_water: UnixMillis::MIN }
    }
}

/// What the records from a place on add to an index of the records before it.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Records before its end: those of the index, and its own.
    pub(crate) size: u64,
    /// Everything but accesses, as recorded.
    pub(super) changes: BTreeMap<u64, Vec<u8>>,
    /// Uses by contract.
    pub(super) made: BTreeMap<[u8; 32], Made>,
    pub(super) requests: VecDeque<(u64, Answered)>,
    pub(super) high_water: UnixMillis,
}

impl Tail {
    /// Nothing yet after `base`.
    pub(crate) fn after(base: &Base) -> Self {
        let (size, high_water) = (base.size, base.high_water);
        let (changes, made, requests) = Default::default();
        Self { size, changes, made, requests, high_water }
    }

    /// Takes in the next record, of which `bytes` are the encoding.
    pub(crate) fn take(&mut self, index: LeafIndex, record: &Record, bytes: &[u8]) {
        let (index, at) = (index.as_u64(), record.time);
        self.size = index.saturating_add(1);
        self.high_water = self.high_water.max(at);
        match &record.event {
            Event::ClockSetBack { .. } => {
                self.high_water = at;
                self.requests.clear();
                self.changes.insert(index, bytes.to_vec());
            }
            Event::Archived { .. } | Event::Opened { .. } => {}
            Event::Access(access) => {
                if let Verdict::Permit { uses, .. } = access.verdict {
                    let made = self.made.entry(*access.contract.as_bytes()).or_default();
                    made.permits = made.permits.saturating_add(1);
                    made.counts.restore(uses, at);
                }
                self.requests.push_back((index, Answered { request: access.request, at }));
            }
            Event::Profile { .. }
            | Event::Admission { .. }
            | Event::MembershipRevoked { .. }
            | Event::Product { .. }
            | Event::Concluded { .. }
            | Event::Terminated { .. }
            | Event::Policies { .. } => {
                self.changes.insert(index, bytes.to_vec());
            }
        }
        while let Some((_, first)) = self.requests.front()
            && first.is_over(self.high_water)
        {
            self.requests.pop_front();
        }
    }
}

/// One of the tables, in the order in which they are summed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Changes = 1,
    Made = 2,
    Requests = 3,
}

/// The digest over all rows: SHA-256 over table, key and value of each, with their lengths, table
/// by table and in the order of the keys.
pub(super) struct Sum {
    hash: Context,
    rows: u64,
}

impl Default for Sum {
    fn default() -> Self {
        Self { hash: Context::new(&SHA256), rows: 0 }
    }
}

impl Sum {
    pub(super) fn add(&mut self, kind: Kind, key: &[u8], value: &[u8]) {
        self.hash.update(&[kind as u8]);
        for part in [key, value] {
            self.hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            self.hash.update(part);
        }
        self.rows = self.rows.saturating_add(1);
    }

    /// Rows, and the digest over them.
    pub(super) fn finish(self) -> (u64, Digest) {
        let mut bytes = [0; Digest::LEN];
        // A SHA-256 has as many bytes as a `Digest`.
        bytes.iter_mut().zip(self.hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
        (self.rows, Digest::from_bytes(bytes))
    }
}
