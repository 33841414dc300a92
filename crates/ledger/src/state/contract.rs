//! The row kept of every contract, and its documents, which stay in the log.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dataspace_identity::{Did, Resolver};
use dataspace_policy::{
    Compiler, Meters, Program, Uses, cedar_text::COMPILER_VERSION, facts::Metered,
};
use dataspace_primitives::{Digest, Name, UnixMillis, Verified};
use dataspace_tlog::{Event, LeafIndex, Record};
use dataspace_usage_contract::{
    Agreement, ContractId, OfferId, contract_id,
    meter::Use,
    quota::{Counts, Quota},
};

use crate::refusal::Refusal;
use crate::state::documents::signed;

/// A concluded contract, as small as it can be: a node has a million of them. What the parties signed is
/// its [`Document`].
pub struct Contract {
    id: ContractId,
    offer: OfferId,
    index: LeafIndex,
    agreed_at: UnixMillis,
    program: Digest,
    compiler: u32,
    relation: Arc<Relation>,
    quota: Mutex<Quota>,
}

/// A consumer and a product: the uses under all of its contracts for it are counted together.
pub struct Relation {
    pub(super) consumer: Did,
    pub(super) product: Name,
    uses: Mutex<u64>,
}

/// What both parties signed, verified, with the program of its text.
#[derive(Debug)]
pub struct Document {
    id: String,
    agreement: Verified<Agreement>,
    program: Program,
}

/// What a contract is known by, apart from its document and its uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The identifier: the digest of the agreement.
    pub id: ContractId,
    /// The offer that was accepted.
    pub offer: OfferId,
    /// The record of the conclusion.
    pub index: LeafIndex,
    /// The time of that record.
    pub agreed_at: UnixMillis,
    /// The digest of the Cedar text that decides.
    pub program: Digest,
    /// Uses that it permits; `None` is unlimited.
    pub limit: Option<u64>,
    /// What it counts beside uses.
    pub meters: Meters,
    /// The version of the compiler that wrote this text.
    pub compiler: u32,
}

impl Place {
    /// Of a contract with these documents, concluded by the record at this place, at its time.
    pub(crate) fn of(document: &Document, (index, agreed_at): (LeafIndex, UnixMillis)) -> Self {
        let agreement = document.agreement().value();
        Self {
            id: contract_id(document.agreement()),
            offer: agreement.offer,
            index,
            agreed_at,
            program: document.program().digest(),
            limit: agreement.terms.uses_max().map(u64::from),
            meters: agreement.terms.meters(),
            compiler: agreement.compiler,
        }
    }
}

impl Contract {
    pub(super) fn new(place: &Place, relation: Arc<Relation>, counts: (Counts, Metered)) -> Self {
        let Place { id, offer, index, agreed_at, program, limit, meters, compiler } = *place;
        let quota = Mutex::new(Quota::with_counts((limit, meters), counts));
        Self { id, offer, index, agreed_at, program, compiler, relation, quota }
    }

    /// What it is known by.
    #[must_use]
    pub fn place(&self) -> Place {
        let Self { id, offer, index, agreed_at, program, compiler, .. } = *self;
        let (limit, meters) = (self.limit(), self.meters());
        Place { id, offer, index, agreed_at, program, limit, meters, compiler }
    }

    /// Its identifier.
    #[must_use]
    pub fn id(&self) -> ContractId {
        self.id
    }

    /// The offer that was accepted.
    #[must_use]
    pub fn offer(&self) -> OfferId {
        self.offer
    }

    /// The record of its conclusion.
    #[must_use]
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// When it was concluded: the time of that record.
    #[must_use]
    pub fn agreed_at(&self) -> UnixMillis {
        self.agreed_at
    }

    /// The digest of the Cedar text that decides.
    #[must_use]
    pub fn program(&self) -> Digest {
        self.program
    }

    /// The version of the compiler that wrote this text, if it is not the one here.
    #[must_use]
    pub fn compiled_elsewhere(&self) -> Option<u32> {
        (self.compiler != COMPILER_VERSION).then_some(self.compiler)
    }

    /// Who uses the data.
    #[must_use]
    pub fn consumer(&self) -> &Did {
        &self.relation.consumer
    }

    /// Which data.
    #[must_use]
    pub fn product(&self) -> &Name {
        &self.relation.product
    }

    /// Uses that it permits; `None` is unlimited.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.quota().limit()
    }

    /// Uses that were made.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.quota().used()
    }

    /// What it counts beside uses.
    #[must_use]
    pub fn meters(&self) -> Meters {
        self.quota().meters()
    }

    /// The plays and seconds that were counted.
    #[must_use]
    pub fn metered(&self) -> Metered {
        self.quota().metered()
    }

    fn quota(&self) -> MutexGuard<'_, Quota> {
        // A quota is whole at every moment: a panic elsewhere cannot have left it half-changed.
        self.quota.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // INVARIANT: who locks both locks the quota first.
    fn uses_by_consumer(&self) -> MutexGuard<'_, u64> {
        self.relation.uses()
    }

    /// All counts, for a decision at `now` on this access.
    #[must_use]
    pub fn uses_at(&self, now: UnixMillis, access: &Use) -> Uses {
        let quota = self.quota();
        Uses { consumer: *self.uses_by_consumer(), ..quota.uses_at(now, access) }
    }

    /// Does `submit`, and takes this access as a use if it `takes` one, if all counts are still those on which was
    /// decided: then no count in a policy is ever exceeded, and the records of a contract, and of a
    /// consumer's contracts for one product, stand in the log in the order of their counts. `None` if
    /// they are others: decide again.
    ///
    /// A use is taken even if `submit` fails: then the log is poisoned and takes no more.
    pub fn submit<T>(
        &self,
        decided_on: Uses,
        (takes, access, now): (bool, &Use, UnixMillis),
        submit: impl FnOnce() -> T,
    ) -> Option<T> {
        let mut quota = self.quota();
        let mut uses_by_consumer = self.uses_by_consumer();
        if (Uses { consumer: *uses_by_consumer, ..quota.uses_at(now, access) }) != decided_on {
            return None;
        }
        if takes {
            // Decided before midnight, and too late for it.
            if quota.is_late(now) {
                return None;
            }
            quota.reserve(now, access).ok()?;
            *uses_by_consumer = uses_by_consumer.saturating_add(1);
        }
        Some(submit())
    }

    /// Does `submit`, and takes a use of each contract, if all counts of all of them are still those on
    /// which was decided, each at its own time; else none is taken. `None` then, and if two of them are of
    /// one consumer for one product, whose uses are counted together.
    ///
    /// The uses are taken even if `submit` fails: then the log is poisoned and takes no more.
    pub fn submit_all<T>(
        decided_on: &[(&Self, Uses, Use, UnixMillis)],
        submit: impl FnOnce() -> T,
    ) -> Option<T> {
        // INVARIANT: quotas before relations, each kind in one order, so that nobody waits in a circle.
        let mut contracts: Vec<_> = decided_on.iter().collect();
        contracts.sort_by_key(|(contract, ..)| (contract.id, std::ptr::from_ref(*contract).addr()));
        let of_relations = contracts.iter().map(|(contract, ..)| &contract.relation);
        let mut relations: Vec<(usize, &Arc<Relation>)> =
            of_relations.map(|relation| (Arc::as_ptr(relation).addr(), relation)).collect();
        relations.sort_by_key(|(address, _)| *address);
        relations.dedup_by_key(|(address, _)| *address);
        // One contract twice is one relation twice, and would wait for itself.
        if relations.len() != contracts.len() {
            return None;
        }
        let mut quotas: Vec<_> = contracts.iter().map(|(contract, ..)| contract.quota()).collect();
        let mut counts: BTreeMap<usize, MutexGuard<'_, u64>> =
            relations.iter().map(|(address, relation)| (*address, relation.uses())).collect();
        let mut still =
            contracts.iter().zip(&quotas).map(|((contract, uses, access, now), quota)| {
                let consumer = **counts.get(&Arc::as_ptr(&contract.relation).addr())?;
                let left = quota.limit().is_none_or(|limit| quota.used() < limit);
                let same = Uses { consumer, ..quota.uses_at(*now, access) } == *uses;
                (same && left && !quota.is_late(*now)).then_some(())
            });
        if !still.all(|one| one.is_some()) {
            return None;
        }
        for ((_, _, access, now), quota) in contracts.iter().zip(&mut quotas) {
            quota.reserve(*now, access).ok()?;
        }
        for uses in counts.values_mut() {
            **uses = uses.saturating_add(1);
        }
        Some(submit())
    }

    /// Returns true if the uses of both are counted together: both are of one consumer for one product.
    #[must_use]
    pub fn shares_counts_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.relation, &other.relation)
    }

    /// Counts a use that the log records.
    pub(crate) fn restore(&self, uses: u64, at: UnixMillis, metered: Metered) {
        self.quota().restore(uses, at, metered);
        let mut uses_by_consumer = self.uses_by_consumer();
        *uses_by_consumer = uses_by_consumer.saturating_add(1);
    }
}

impl Relation {
    pub(super) fn new(consumer: Did, product: Name) -> Self {
        Self { consumer, product, uses: Mutex::default() }
    }

    fn uses(&self) -> MutexGuard<'_, u64> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts uses that a snapshot holds.
    pub(super) fn restore(&self, permits: u64) {
        let mut uses = self.uses();
        *uses = uses.saturating_add(permits);
    }
}

impl Document {
    pub(crate) fn new(agreement: Verified<Agreement>, program: Program) -> Self {
        Self { id: contract_id(&agreement).to_string(), agreement, program }
    }

    /// Reads the documents of a contract from the bytes of the record of its conclusion, and checks
    /// everything in them: signatures, that the text is what the terms compile to, and that it is this
    /// contract.
    ///
    /// # Errors
    /// [`Refusal`] if it is another record, or a document does not hold.
    pub fn read(
        contract: &Contract,
        record: &[u8],
        (resolver, compiler): (&dyn Resolver, &Compiler),
    ) -> Result<Self, Refusal> {
        let record = Record::from_bytes(record)?;
        let Event::Concluded { document, .. } = record.event else {
            return Err(Refusal::Mismatch);
        };
        let agreement = signed(document)?;
        let (agreement, program) =
            Agreement::verify_with(agreement, resolver, record.time, compiler)?;
        let value = agreement.value();
        let is_same = contract_id(&agreement) == contract.id
            && record.time == contract.agreed_at
            && value.offer == contract.offer
            && value.consumer == *contract.consumer()
            && value.product == *contract.product()
            && value.terms.uses_max().map(u64::from) == contract.limit()
            && value.terms.meters() == contract.meters()
            && program.digest() == contract.program
            && value.compiler == contract.compiler;
        if is_same { Ok(Self::new(agreement, program)) } else { Err(Refusal::Mismatch) }
    }

    /// The contract's identifier, as policies read it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The agreement that both parties signed.
    #[must_use]
    pub fn agreement(&self) -> &Verified<Agreement> {
        &self.agreement
    }

    /// The program that decides.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }
}

impl fmt::Debug for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contract").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relation").finish_non_exhaustive()
    }
}
