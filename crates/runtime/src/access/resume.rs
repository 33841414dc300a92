//! Releases that broke off on their way, and may be resumed by the same signed request.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use dataspace_data_plane::Piece;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_tlog::record::ReleaseEnd;
use dataspace_usage_contract::ContractId;
use parking_lot::Mutex;
use ring::digest::{Context, SHA256};

use crate::access::asked::{Decided, Receipt};
use crate::access::error::{AccessError, NotResumed};
use crate::access::release::{Leaving, Release, ReleaseError, Slot};
use crate::access::report::{Shared, finish};
use crate::exchange::{RESUMED_MAX, RESUMED_WITHIN};
use crate::node::Inner;
use crate::space::DataSpace;

/// Releases that are kept for it, of one contract and in all. The oldest are given up for new ones.
const OF_CONTRACT_MAX: usize = 16;
const KEPT_MAX: usize = 16_384;

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
    /// One place among the open releases of the contract, while any turn is open.
    pub(crate) slot: Weak<Slot>,
}

impl Resumes {
    /// Keeps a release that begins.
    fn keep(&self, kept: Kept, node: &Inner) {
        let (request, contract) = (kept.shared.request(), kept.shared.contract());
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
        drop_all(&given_up, node);
    }

    /// Notes that nobody asks for more of a release. False if it is not kept.
    pub(crate) fn leave(&self, request: Digest, shared: &Arc<Shared>, now: UnixMillis) -> bool {
        let mut table = self.0.lock();
        match table.entries.get_mut(&request) {
            Some(entry) if Arc::ptr_eq(&entry.kept.shared, shared) => {
                entry.left_at = Some(now);
                true
            }
            _ => false,
        }
    }

    /// Forgets a release that stopped.
    pub(crate) fn remove(&self, request: Digest, shared: &Arc<Shared>) {
        let mut table = self.0.lock();
        if table.entries.get(&request).is_some_and(|one| Arc::ptr_eq(&one.kept.shared, shared)) {
            let _stopped = table.remove(request);
        }
    }

    /// Gives up what was left too long ago, or all that was left.
    pub(crate) fn sweep(&self, node: &Inner, all: bool) {
        let now = node.clock.latest();
        let given_up = {
            let mut table = self.0.lock();
            let is_over = |entry: &Entry| {
                entry.left_at.is_some_and(|left_at| all || now.since(left_at) > RESUMED_WITHIN)
            };
            let over = table.entries.iter().filter(|(_, entry)| is_over(entry));
            let over: Vec<_> = over.map(|(request, _)| *request).collect();
            over.into_iter().filter_map(|request| table.remove(request)).collect::<Vec<_>>()
        };
        drop_all(&given_up, node);
    }

    /// What the next turn at a release goes on with.
    fn take(&self, request: Digest, now: UnixMillis) -> Result<Kept, NotResumed> {
        let mut table = self.0.lock();
        let entry = table.entries.get_mut(&request).ok_or(NotResumed::Unknown)?;
        if entry.left_at.is_some_and(|left_at| now.since(left_at) > RESUMED_WITHIN) {
            return Err(NotResumed::Unknown);
        }
        if entry.resumed >= RESUMED_MAX {
            return Err(NotResumed::TooOften { max: RESUMED_MAX });
        }
        entry.resumed = entry.resumed.saturating_add(1);
        // WHY before it goes on: nobody must give it up meanwhile.
        entry.left_at = None;
        Ok(entry.kept.clone())
    }

    /// A turn at it has begun, with this place among the open releases.
    fn went_on(&self, request: Digest, slot: Weak<Slot>) {
        if let Some(entry) = self.0.lock().entries.get_mut(&request) {
            entry.kept.slot = slot;
        }
    }
}

impl Table {
    fn remove(&mut self, request: Digest) -> Option<Entry> {
        let entry = self.entries.remove(&request)?;
        self.order.remove(&entry.number);
        self.of_contract.remove(&(entry.kept.shared.contract(), entry.number));
        Some(entry)
    }
}

/// Reports those that nobody asks for any more; of the others each ends by itself.
fn drop_all(given_up: &[Entry], node: &Inner) {
    for entry in given_up.iter().filter(|entry| entry.left_at.is_some()) {
        entry.kept.shared.end(node, ReleaseEnd::Dropped);
    }
}

/// What is left out of a release that is resumed: the consumer has it.
pub(crate) struct Skip {
    bytes: u64,
    /// Of what was left out so far.
    content: Context,
    /// SHA-256 of what the consumer has.
    has: Digest,
}

impl Skip {
    /// The rest of what leaves, once so much was left out.
    pub(crate) fn cut(&mut self, mut leaving: Leaving) -> Result<Leaving, ReleaseError> {
        if self.bytes == 0 {
            return Ok(leaving);
        }
        let mut rest = Vec::new();
        for mut text in std::mem::take(&mut leaving.texts) {
            self.advance(&mut text);
            if !text.is_empty() {
                rest.push(text);
            }
        }
        leaving.texts = rest;
        if let Piece::Bytes { at, bytes } = &mut leaving.piece {
            let skipped = self.count(bytes);
            let _has = bytes.split_to(skipped);
            *at = at.saturating_add(u64::try_from(skipped).unwrap_or(u64::MAX));
        }
        if self.bytes == 0 { self.check().map(|()| leaving) } else { Ok(leaving) }
    }

    fn advance(&mut self, text: &mut Vec<u8>) {
        let skipped = self.count(text);
        text.drain(..skipped);
    }

    /// How many of these bytes are left out.
    fn count(&mut self, bytes: &[u8]) -> usize {
        let len = bytes.len().min(usize::try_from(self.bytes).unwrap_or(usize::MAX));
        let (skipped, _) = bytes.split_at(len);
        self.content.update(skipped);
        self.bytes = self.bytes.saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        len
    }

    /// At the end of the data, or of what is left out.
    pub(crate) fn check(&self) -> Result<(), ReleaseError> {
        let is_same = self.bytes == 0 && finish(self.content.clone()) == self.has;
        if is_same { Ok(()) } else { Err(ReleaseError::Changed) }
    }
}

impl Release {
    /// Lets the consumer resume it, from now on until it stops, and for [`RESUMED_WITHIN`] after it broke off or
    /// ended.
    pub(crate) fn keep(&self) {
        let Some((node, kept)) = self.node().zip(self.kept()) else { return };
        node.resumes.keep(kept, &node);
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
        inner.resumes.sweep(inner, false);
        // WHY no signature is checked: it was, and these are the bytes that were signed.
        let (request, now) = (Digest::of(request), inner.clock.now()?);
        let kept = inner.resumes.take(request, now)?;
        let shared = Arc::clone(&kept.shared);
        let resumed = inner.go_on(kept, Skip { bytes, content: Context::new(&SHA256), has });
        if resumed.is_err() {
            let _waits_for_another_try = inner.resumes.leave(request, &shared, now);
        }
        Ok(resumed?)
    }
}

impl Inner {
    fn go_on(self: &Arc<Self>, kept: Kept, skip: Skip) -> Result<Release, NotResumed> {
        if skip.bytes > kept.shared.bytes() || (skip.bytes == 0 && skip.check().is_err()) {
            return Err(NotResumed::Ahead);
        }
        let data = self.enter().open(&kept.decided.asked, kept.slot.upgrade());
        let data = data.map_err(|reason| NotResumed::Closed { reason: Box::new(reason) })?;
        if data.data.version() != kept.shared.version() {
            return Err(NotResumed::Changed);
        }
        let account = kept.shared.next_turn();
        self.resumes.went_on(kept.shared.request(), Arc::downgrade(&data.slot));
        Ok(Release::resumed(Arc::downgrade(self), kept, (data, account), skip))
    }
}
