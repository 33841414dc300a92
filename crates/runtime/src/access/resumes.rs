//! The releases that broke off on their way, and may be resumed by their consumers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use dataspace_identity::Did;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_usage_contract::ContractId;
use parking_lot::Mutex;

use crate::access::asked::{Decided, Receipt};
use crate::access::error::NotResumed;
use crate::access::slot::Slot;
use crate::access::turns::Shared;
use crate::exchange::{RESUMED_MAX, RESUMED_WITHIN};

/// Releases that are kept for it, of one contract and in all. The oldest are given up for new ones.
const OF_CONTRACT_MAX: usize = 16;
const KEPT_MAX: usize = 4_096;

/// The releases that may be resumed, by their requests.
#[derive(Default)]
pub(crate) struct Resumes(Mutex<Table>);

#[derive(Default)]
struct Table {
    entries: HashMap<Digest, Entry>,
    /// In the order in which they began.
    order: BTreeMap<u64, Digest>,
    of_contract: BTreeMap<(ContractId, u64), Digest>,
    began: u64,
}

struct Entry {
    number: u64,
    kept: Kept,
    resumed: u32,
    /// When nobody asked for more of it; `None` while somebody does, as far as is known.
    left_at: Option<UnixMillis>,
}

/// What a release is resumed with.
#[derive(Clone)]
pub(crate) struct Kept {
    pub(crate) decided: Arc<Decided>,
    pub(crate) clauses: Vec<String>,
    pub(crate) receipt: Receipt,
    pub(crate) shared: Arc<Shared>,
    /// Bytes that may be lost on their way, over all turns: of what a contract counts, little leaves again.
    pub(crate) lost_max: u64,
    /// One place among the open releases of the contract, while any turn is open.
    pub(crate) slot: Weak<Slot>,
}

impl Resumes {
    /// Keeps a release that begins. Gives those that are given up for it, and have broken off.
    pub(crate) fn keep(&self, kept: Kept) -> Vec<Arc<Shared>> {
        let Shared { request, contract, .. } = *kept.shared;
        let given_up = {
            let mut table = self.0.lock();
            let first = (contract, 0)..=(contract, u64::MAX);
            let mut given_up = Vec::new();
            if table.of_contract.range(first.clone()).count() >= OF_CONTRACT_MAX
                && let Some((_, oldest)) = table.of_contract.range(first).next()
            {
                let oldest = *oldest;
                given_up.extend(table.remove(oldest));
            }
            if table.entries.len() >= KEPT_MAX
                && let Some((_, oldest)) = table.order.first_key_value()
            {
                let oldest = *oldest;
                given_up.extend(table.remove(oldest));
            }
            let number = table.began;
            table.began = number.saturating_add(1);
            table.order.insert(number, request);
            table.of_contract.insert((contract, number), request);
            let entry = Entry { number, kept, resumed: 0, left_at: None };
            given_up.extend(table.entries.insert(request, entry));
            given_up
        };
        broken_off(given_up)
    }

    /// Notes that nobody asks for more of a release in this turn, unless another one has begun. False if it is not
    /// kept, so that no other turn can begin.
    pub(crate) fn leave(&self, shared: &Arc<Shared>, turn: u32, now: UnixMillis) -> bool {
        let mut table = self.0.lock();
        match table.entries.get_mut(&shared.request) {
            Some(entry) if Arc::ptr_eq(&entry.kept.shared, shared) => {
                if shared.is_current(turn) {
                    entry.left_at = Some(now);
                }
                true
            }
            _ => false,
        }
    }

    /// Forgets a release that stopped in this turn. False if another turn has begun.
    pub(crate) fn remove(&self, shared: &Arc<Shared>, turn: u32) -> bool {
        let mut table = self.0.lock();
        let is_it = |entry: &Entry| Arc::ptr_eq(&entry.kept.shared, shared);
        let is_current = shared.is_current(turn);
        if is_current && table.entries.get(&shared.request).is_some_and(is_it) {
            let _stopped = table.remove(shared.request);
        }
        is_current
    }

    /// Gives up what broke off too long ago, or all that did, and gives it.
    pub(crate) fn sweep(&self, now: UnixMillis, all: bool) -> Vec<Arc<Shared>> {
        let given_up = {
            let mut table = self.0.lock();
            let is_over = |entry: &Entry| {
                entry.left_at.is_some_and(|left_at| all || now.since(left_at) > RESUMED_WITHIN)
            };
            let over = table.entries.iter().filter(|(_, entry)| is_over(entry));
            let over: Vec<_> = over.map(|(request, _)| *request).collect();
            over.into_iter().filter_map(|request| table.remove(request)).collect()
        };
        broken_off(given_up)
    }

    /// Returns true if a release is kept for this request, which this consumer made.
    pub(crate) fn is_of(&self, request: Digest, consumer: &Did) -> bool {
        let table = self.0.lock();
        table.entries.get(&request).is_some_and(|entry| entry.kept.receipt.consumer == *consumer)
    }

    /// Begins the next turn at a release, by a consumer that has so many bytes; it ends the turn before.
    pub(crate) fn take(
        &self,
        request: Digest,
        bytes: u64,
        now: UnixMillis,
    ) -> Result<(Kept, u32), NotResumed> {
        let mut table = self.0.lock();
        let entry = table.entries.get_mut(&request).ok_or(NotResumed::Unknown)?;
        if entry.left_at.is_some_and(|left_at| now.since(left_at) > RESUMED_WITHIN) {
            return Err(NotResumed::Unknown);
        }
        if bytes > entry.kept.shared.bytes() {
            return Err(NotResumed::Ahead);
        }
        if entry.resumed >= RESUMED_MAX {
            return Err(NotResumed::TooOften { max: RESUMED_MAX });
        }
        let lost_max = entry.kept.lost_max;
        if !entry.kept.shared.lose_after(bytes, lost_max) {
            return Err(NotResumed::Lost { max: lost_max });
        }
        entry.resumed = entry.resumed.saturating_add(1);
        entry.left_at = None;
        // WHY under the lock: from here on no other turn says that it left.
        Ok((entry.kept.clone(), entry.kept.shared.next()))
    }

    /// A turn at it has begun, with this place among the open releases.
    pub(crate) fn went_on(&self, request: Digest, slot: Weak<Slot>) {
        if let Some(entry) = self.0.lock().entries.get_mut(&request) {
            entry.kept.slot = slot;
        }
    }
}

impl Table {
    fn remove(&mut self, request: Digest) -> Option<Entry> {
        let entry = self.entries.remove(&request)?;
        self.order.remove(&entry.number);
        self.of_contract.remove(&(entry.kept.shared.contract, entry.number));
        Some(entry)
    }
}

/// Those that nobody asks for; each of the others ends by itself.
fn broken_off(given_up: Vec<Entry>) -> Vec<Arc<Shared>> {
    let left = given_up.into_iter().filter(|entry| entry.left_at.is_some());
    left.map(|entry| entry.kept.shared).collect()
}
