//! What a consumer holds, as its own log tells it: the same fold as a provider's, over other records.

pub(crate) mod change;
mod check;

pub use self::change::ConsumerChange;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dataspace_identity::{Did, Origin};
use dataspace_primitives::{Digest, Name, UnixMillis, Validity};
use dataspace_tlog::{LeafIndex, Record};
use dataspace_usage_contract::{ContractId, OfferId};

use crate::refusal::Refusal;
use crate::state::in_force::SpaceState;
use crate::times::Times;

/// An offer that a consumer keeps. The document is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptOffer {
    /// Its record.
    pub index: LeafIndex,
    /// Who offers.
    pub provider: Did,
    /// What.
    pub product: Name,
    /// First instant at which it can no longer be accepted.
    pub expires_at: UnixMillis,
    /// The contract that the consumer has signed for it, whether or not the provider concluded it, and the
    /// record of its acceptance.
    pub accepted: Option<(ContractId, LeafIndex)>,
}

/// A contract that a consumer holds, signed by both. The document is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldContract {
    /// Its record.
    pub index: LeafIndex,
    /// When the consumer got it, by its own clock.
    pub held_since: UnixMillis,
    /// Who opens the data.
    pub provider: Did,
    /// The provider's log in which it runs.
    pub log: Origin,
    /// What.
    pub product: Name,
    /// When it holds.
    pub validity: Validity,
    /// Requests that were answered with data.
    pub released: u64,
    /// Requests that were denied.
    pub denied: u64,
    /// Requests that were answered, or not, in another way than was agreed.
    pub complained: u64,
    /// True if a party ended it before its time.
    pub is_ended: bool,
    /// Openings of its sealed files that were permitted.
    pub opened: u64,
    /// The record by which the keys of its sealed files were stated to be deleted.
    pub deleted: Option<LeafIndex>,
}

/// A sealed file that a consumer keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFile {
    /// The record of its arrival.
    pub index: LeafIndex,
    /// The contract for which it is sealed.
    pub contract: ContractId,
    /// SHA-256 of its header, which no other file has.
    pub header: Digest,
    /// SHA-256 of all of it, as the provider's log reports what left.
    pub content: Digest,
    /// Its bytes.
    pub bytes: u64,
}

/// The state of a consumer in one space: a function of its log's records and of nothing else.
#[derive(Debug)]
pub struct ConsumerState {
    /// Profile, members and keys, as a provider has them.
    space: SpaceState,
    consumer: Did,
    /// True from its second record on, which says that it is a consumer's.
    has_begun: bool,
    offers: BTreeMap<OfferId, KeptOffer>,
    /// The offers by their signed documents, so that one that comes again is known before it is verified.
    documents: HashMap<Digest, OfferId>,
    contracts: BTreeMap<ContractId, HeldContract>,
    /// Requests without an answer, by their digests: under which contracts, and where.
    waiting: HashMap<Digest, (ContractId, LeafIndex)>,
    /// Sealed files, by the requests for which they came.
    files: BTreeMap<Digest, KeptFile>,
    /// The same requests by contract.
    files_of: HashMap<ContractId, BTreeSet<Digest>>,
}

impl ConsumerState {
    /// Begins with the first record, which must be the authority's profile of the space.
    ///
    /// # Errors
    /// [`Refusal`] if it is not.
    pub fn begin(record: Record, authority: &Did, log: Origin) -> Result<Self, Refusal> {
        let consumer = log.operator().clone();
        let space = SpaceState::begin(record, authority, log)?;
        let (offers, documents, contracts, waiting) = Default::default();
        let (has_begun, files, files_of) = Default::default();
        Ok(Self {
            space,
            consumer,
            has_begun,
            offers,
            documents,
            contracts,
            waiting,
            files,
            files_of,
        })
    }

    /// The consumer.
    #[must_use]
    pub fn consumer(&self) -> &Did {
        &self.consumer
    }

    /// Profile, members and keys; and the contracts that are held, with the openings of their sealed files in place
    /// of uses.
    #[must_use]
    pub fn space(&self) -> &SpaceState {
        &self.space
    }

    /// Returns true if the log says that it is a consumer's.
    #[must_use]
    fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The offer with this signed document, whose digest it is; `None` if it is not kept.
    #[must_use]
    pub fn offer_of(&self, document: &Digest) -> Option<OfferId> {
        self.documents.get(document).copied()
    }

    /// An offer.
    ///
    /// # Errors
    /// [`Refusal::UnknownOffer`].
    pub fn offer(&self, offer: OfferId) -> Result<&KeptOffer, Refusal> {
        self.offers.get(&offer).ok_or(Refusal::UnknownOffer { offer })
    }

    /// Offers, in the order of their identifiers, after one of them.
    pub fn offers(&self, after: Option<OfferId>) -> impl Iterator<Item = (OfferId, &KeptOffer)> {
        let offers = self.offers.range((bound(after), std::ops::Bound::Unbounded));
        offers.map(|(id, offer)| (*id, offer))
    }

    /// A contract.
    ///
    /// # Errors
    /// [`Refusal::UnknownContract`].
    pub fn contract(&self, contract: ContractId) -> Result<&HeldContract, Refusal> {
        self.contracts.get(&contract).ok_or(Refusal::UnknownContract { contract })
    }

    /// Contracts, in the order of their identifiers, after one of them.
    pub fn contracts(
        &self,
        after: Option<ContractId>,
    ) -> impl Iterator<Item = (ContractId, &HeldContract)> {
        let contracts = self.contracts.range((bound(after), std::ops::Bound::Unbounded));
        contracts.map(|(id, contract)| (*id, contract))
    }

    /// The contract of a request that waits for an answer.
    ///
    /// # Errors
    /// [`Refusal::UnknownRequest`].
    pub fn waiting_for(&self, request: &Digest) -> Result<ContractId, Refusal> {
        let waiting = self.waiting.get(request);
        Ok(waiting.ok_or(Refusal::UnknownRequest { request: *request })?.0)
    }

    /// A sealed file, by the SHA-256 of the request for which it came. Also one whose key was deleted since.
    ///
    /// # Errors
    /// [`Refusal::UnknownFile`].
    pub fn file(&self, request: &Digest) -> Result<&KeptFile, Refusal> {
        self.files.get(request).ok_or(Refusal::UnknownFile { request: *request })
    }

    /// Sealed files, by their requests, after one of them.
    pub fn files(&self, after: Option<Digest>) -> impl Iterator<Item = (Digest, &KeptFile)> {
        let files = self.files.range((bound(after), std::ops::Bound::Unbounded));
        files.map(|(request, file)| (*request, file))
    }

    /// Sealed files of a contract.
    pub fn files_of(&self, contract: ContractId) -> impl Iterator<Item = (Digest, &KeptFile)> {
        let requests = self.files_of.get(&contract).into_iter().flatten();
        requests.filter_map(|request| Some((*request, self.files.get(request)?)))
    }

    /// Requests without an answer: their digests, contracts and records, in no order.
    pub fn waiting(&self) -> impl Iterator<Item = (Digest, ContractId, LeafIndex)> {
        self.waiting.iter().map(|(request, (contract, index))| (*request, *contract, *index))
    }
}

/// Folds a consumer's log, from its first record on.
#[derive(Debug)]
pub struct ConsumerReplayer {
    authority: Did,
    log: Origin,
    times: Times,
    state: Option<ConsumerState>,
}

impl ConsumerReplayer {
    /// Of this log, in the space of `authority`.
    #[must_use]
    pub fn new(authority: Did, log: Origin) -> Self {
        Self { authority, log, times: Times::after(UnixMillis::MIN), state: None }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// [`Refusal`] if no honest consumer's node would have written it.
    pub fn take(&mut self, index: LeafIndex, record: Record) -> Result<(), Refusal> {
        self.times.take(&record)?;
        match &mut self.state {
            None => {
                let begun = ConsumerState::begin(record, &self.authority, self.log.clone())?;
                self.state = Some(begun);
            }
            Some(state) => {
                let change = state.check(record)?;
                state.apply(change, index);
            }
        }
        Ok(())
    }

    /// What the consumer holds, and the latest time in its log; `None` if the log is not a consumer's, or
    /// has no first records yet.
    #[must_use]
    pub fn finish(self) -> Option<(ConsumerState, UnixMillis)> {
        let state = self.state.filter(ConsumerState::has_begun)?;
        Some((state, self.times.latest()))
    }
}

fn bound<T>(after: Option<T>) -> std::ops::Bound<T> {
    after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded)
}
