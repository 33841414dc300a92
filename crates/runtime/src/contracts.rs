//! Contracts whose documents are in memory: those that were used last. All others are read from the log
//! when they are asked for.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use dataspace_audit_log::Log;
use dataspace_identity::Resolver;
use dataspace_ledger::{
    Refusal,
    state::{Contract, Document},
};
use dataspace_policy::Compiler;
use dataspace_usage_contract::ContractId;
use parking_lot::RwLock;

use crate::error::with_causes;
use crate::kept::Kept;

/// A contract with its documents.
pub(crate) struct Active {
    pub(crate) contract: Arc<Contract>,
    pub(crate) document: Arc<Document>,
    /// How many releases of it are open.
    pub(crate) open: AtomicU32,
}

/// The contracts that are in memory, about `max` of them.
pub(crate) struct ActiveContracts {
    max: usize,
    compiler: Compiler,
    kept: Kept,
    cache: RwLock<Cache>,
}

#[derive(Default)]
struct Cache {
    contracts: HashMap<ContractId, Cached>,
    /// As they came in, or were last kept: the first is looked at next.
    order: VecDeque<ContractId>,
}

struct Cached {
    active: Arc<Active>,
    /// Since it was last looked at.
    is_used: AtomicBool,
}

impl ActiveContracts {
    pub(crate) fn new(max: usize, compiler: Compiler, kept: Kept) -> Self {
        Self { max, compiler, kept, cache: RwLock::default() }
    }

    /// The contract with its documents, if they are in memory.
    pub(crate) fn in_memory(&self, contract: ContractId) -> Option<Arc<Active>> {
        let cache = self.cache.read();
        let cached = cache.contracts.get(&contract)?;
        cached.is_used.store(true, Ordering::Relaxed);
        Some(Arc::clone(&cached.active))
    }

    /// The contract with its documents: from memory, or read from the log and checked.
    ///
    /// # Errors
    /// [`Refusal`] if they cannot be read, or do not hold.
    pub(crate) fn get(
        &self,
        contract: &Arc<Contract>,
        log: &Log,
        resolver: &dyn Resolver,
    ) -> Result<Arc<Active>, Refusal> {
        if let Some(active) = self.in_memory(contract.id()) {
            return Ok(active);
        }
        let record = self.kept.read_or(log, contract.index());
        let record = record.map_err(|error| Refusal::Unreadable {
            contract: contract.id(),
            message: with_causes(&error),
        })?;
        let document = Document::read(contract, &record, (resolver, &self.compiler))?;
        Ok(self.insert(contract, Arc::new(document)))
    }

    /// What is kept of archived segments.
    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Takes the documents in, unless they are here already.
    pub(crate) fn insert(&self, contract: &Arc<Contract>, document: Arc<Document>) -> Arc<Active> {
        let mut cache = self.cache.write();
        if let Some(cached) = cache.contracts.get(&contract.id()) {
            return Arc::clone(&cached.active);
        }
        cache.make_room(self.max);
        let (contract, open) = (Arc::clone(contract), AtomicU32::new(0));
        let active = Arc::new(Active { contract, document, open });
        let cached = Cached { active: Arc::clone(&active), is_used: AtomicBool::new(true) };
        cache.order.push_back(active.contract.id());
        cache.contracts.insert(active.contract.id(), cached);
        active
    }
}

impl Cache {
    /// Removes contracts that were not used since they were last looked at, if nothing of them is
    /// under way, until one more has room: with an open release, its count would be lost. Looks at each
    /// at most twice; so if all are under way, there are more for a while.
    fn make_room(&mut self, max: usize) {
        let mut looks = self.order.len().saturating_mul(2);
        while self.contracts.len() >= max.max(1) && looks > 0 {
            looks -= 1;
            let Some(first) = self.order.pop_front() else { return };
            let Some(cached) = self.contracts.get(&first) else { continue };
            let is_used = cached.is_used.swap(false, Ordering::Relaxed);
            if is_used || Arc::strong_count(&cached.active) > 1 {
                self.order.push_back(first);
            } else {
                self.contracts.remove(&first);
            }
        }
    }
}
