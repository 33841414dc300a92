//! The requests that were decided.

use std::collections::{HashMap, VecDeque};

use dataspace_primitives::Digest;
use dataspace_tlog::LeafIndex;

/// So many of the last requests are remembered. No node takes a request that is much older than an
/// hour, so one that comes back later is a forgery that its signed time shows, too.
const REMEMBERED_MAX: usize = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Requests {
    decided: HashMap<Digest, LeafIndex>,
    order: VecDeque<Digest>,
}

impl Requests {
    /// Notes the request of the decision at `index`; gives the earlier decision on the same one.
    pub(super) fn note(&mut self, request: Digest, index: LeafIndex) -> Option<LeafIndex> {
        if let Some(earlier) = self.decided.get(&request) {
            return Some(*earlier);
        }
        if self.order.len() == REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.decided.remove(&oldest);
        }
        self.decided.insert(request, index);
        self.order.push_back(request);
        None
    }
}
