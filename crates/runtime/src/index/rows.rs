//! The rows of the index, and how records of the log change them. Nothing here touches a file.

use std::collections::{BTreeMap, HashMap, VecDeque};

use dataspace_identity::Did;
use dataspace_ledger::{facts::Stated, state::Place, times::REQUEST_KEPT};
use dataspace_policy::facts::Metered;
use dataspace_primitives::{Digest, Name, UnixMillis};
use dataspace_tlog::{Event, LeafIndex, Record, Verdict};
use dataspace_usage_contract::{ContractId, Termination, quota::Counts};

/// The uses of a contract that the log records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Made {
    /// Records of permits: what the contract adds to its consumer's uses of the product.
    pub(crate) permits: u64,
    pub(crate) counts: Counts,
    /// What plays and seconds came to.
    pub(crate) metered: Metered,
}

impl Made {
    pub(super) fn merge(self, other: Self) -> Self {
        let permits = self.permits.saturating_add(other.permits);
        let metered = later(self.metered, other.metered);
        Self { permits, counts: self.counts.merge(other.counts), metered }
    }
}

/// The later one of two, as far as it says something.
fn later(one: Metered, other: Metered) -> Metered {
    let Metered { plays, played_until, .. } = if other.plays.is_some() { other } else { one };
    Metered { plays, played_until, seconds: other.seconds.or(one.seconds) }
}

/// A request that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) request: Digest,
    pub(crate) at: UnixMillis,
}

impl Answered {
    /// Returns true if the request could no longer be taken for fresh, so that nobody need remember it: it is
    /// old, or its contract ended when the clock was set back from times like its own.
    pub(super) fn is_over(&self, high_water: UnixMillis) -> bool {
        high_water.since(self.at) > REQUEST_KEPT || self.at > high_water
    }
}

/// One row, as it is read: all changes, then relations, contracts, terminations, requests.
pub(crate) enum Row<'a> {
    /// A record of the log, and its place: every one but those of accesses, terminations, and contracts that
    /// keep nobody out.
    Change(LeafIndex, &'a [u8]),
    /// So many contracts will come.
    Contracts(u64),
    /// A consumer and a product; contracts name it by its number, from 0 on.
    Relation(&'a Did, &'a Name),
    /// A contract, the number of its relation, and its uses.
    Contract(Place, u32, Made),
    Terminated(Termination),
    Request(Answered),
}

/// The index's account of the log up to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// Records that it covers.
    pub(crate) size: u64,
    /// Rows, and the digest over all of its content.
    pub(crate) rows: u64,
    pub(crate) digest: Digest,
    /// The latest time of these records, since the clock was last set back.
    pub(crate) high_water: UnixMillis,
}

impl Default for Base {
    /// There is no index.
    fn default() -> Self {
        let digest = Digest::from_bytes([0; Digest::LEN]);
        Self { size: 0, rows: 0, digest, high_water: UnixMillis::MIN }
    }
}

/// Rows that the records from a place on add to an index of the records before it.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Records before its end: those of the index, and its own.
    pub(crate) size: u64,
    /// Everything but accesses, contracts and terminations, as recorded.
    pub(super) changes: BTreeMap<u64, Vec<u8>>,
    /// Contracts in the order of their conclusions.
    pub(super) concluded: Vec<ContractId>,
    pub(super) terminated: Vec<ContractId>,
    /// Uses by contract.
    pub(super) made: HashMap<ContractId, Made>,
    pub(super) requests: VecDeque<Answered>,
    /// True if no request before these can be fresh.
    pub(super) forgets_requests: bool,
    pub(super) high_water: UnixMillis,
}

impl Tail {
    /// Nothing yet after `base`.
    pub(crate) fn after(base: &Base) -> Self {
        Self {
            size: base.size,
            changes: BTreeMap::new(),
            concluded: Vec::new(),
            terminated: Vec::new(),
            made: HashMap::new(),
            requests: VecDeque::new(),
            forgets_requests: false,
            high_water: base.high_water,
        }
    }

    /// Takes in the next record, encoded as `bytes`.
    pub(crate) fn take(&mut self, index: LeafIndex, record: &Record, bytes: &[u8]) {
        let (index, at) = (index.as_u64(), record.time);
        self.size = index.saturating_add(1);
        self.high_water = self.high_water.max(at);
        match &record.event {
            Event::ClockSetBack { .. } => {
                self.high_water = at;
                self.requests.clear();
                self.forgets_requests = true;
                self.changes.insert(index, bytes.to_vec());
            }
            // The last one is in no provider's log.
            Event::Archived { .. }
            | Event::Opened { .. }
            | Event::Denials { .. }
            | Event::Released(_)
            | Event::Consumer(_) => {}
            Event::Access(access) => {
                if let Verdict::Permit { uses, .. } = access.verdict {
                    let contract = ContractId::from_digest(access.contract);
                    let made = self.made.entry(contract).or_default();
                    made.permits = made.permits.saturating_add(1);
                    made.counts.restore(uses, at);
                    // Its fold has checked it.
                    let metered = Stated::read(access).map(|stated| stated.uses.metered);
                    made.metered = later(made.metered, metered.unwrap_or_default());
                }
                self.requests.push_back(Answered { request: access.request, at });
            }
            Event::Concluded { contract, .. } => {
                self.concluded.push(ContractId::from_digest(*contract));
            }
            Event::Terminated { contract, .. } => {
                self.terminated.push(ContractId::from_digest(*contract));
            }
            Event::Profile { .. }
            | Event::Admission { .. }
            | Event::MembershipRevoked { .. }
            | Event::Keys { .. }
            | Event::Product { .. }
            | Event::Deleted { .. }
            | Event::Policies { .. }
            | Event::Stated { .. } => {
                self.changes.insert(index, bytes.to_vec());
            }
        }
        while let Some(first) = self.requests.front()
            && first.is_over(self.high_water)
        {
            self.requests.pop_front();
        }
    }
}
