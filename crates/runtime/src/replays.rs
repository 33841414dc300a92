//! Which requests are fresh, and were answered already.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use dataspace_ledger::times::REQUEST_KEPT;
use dataspace_primitives::{Digest, UnixMillis};

/// Requests that were answered, for as long as they could still be taken for fresh.
#[derive(Debug, Default)]
pub(crate) struct Replays(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    requests: HashMap<Digest, UnixMillis>,
    /// In the order in which they can be forgotten.
    order: VecDeque<(UnixMillis, Digest)>,
}

impl Replays {
    /// Remembers a request; `false` if it is known already.
    pub(crate) fn insert(&self, request: Digest, now: UnixMillis) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget(now);
        seen.insert(request, now)
    }

    /// Returns true if a request is known.
    pub(crate) fn has(&self, request: Digest) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.requests.contains_key(&request)
    }

    /// Forgets a request again that was not answered by a record.
    pub(crate) fn remove(&self, request: Digest) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.requests.remove(&request);
        // It came in just now, so it stands among the last.
        if let Some(at) = seen.order.iter().rposition(|(_, one)| *one == request) {
            seen.order.remove(at);
        }
    }

    /// Remembers a request that the log records.
    pub(crate) fn restore(&mut self, request: Digest, at: UnixMillis) {
        let seen = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        seen.forget(at);
        seen.insert(request, at);
    }
}

impl Seen {
    fn insert(&mut self, request: Digest, now: UnixMillis) -> bool {
        if self.requests.contains_key(&request) {
            return false;
        }
        self.requests.insert(request, now);
        self.order.push_back((now, request));
        true
    }

    fn forget(&mut self, now: UnixMillis) {
        while let Some((seen_at, request)) = self.order.front()
            && now.since(*seen_at) > REQUEST_KEPT
        {
            self.requests.remove(request);
            self.order.pop_front();
        }
    }
}
