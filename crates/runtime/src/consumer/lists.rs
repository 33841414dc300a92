//! What a consumer holds, in pages, and what it owes.

use dataspace_identity::Did;
use dataspace_ledger::{
    Evidence, Refusal,
    consumer::{HeldContract, KeptOffer},
    evidence::EVIDENCE_LEN_MAX,
};
use dataspace_policy::{Assurance, ClauseId, ClauseKind, Legal};
use dataspace_primitives::{Digest, Name, UnixMillis, Validity};
use dataspace_tlog::{Event, LeafIndex, Record, record::ConsumerEvent};
use dataspace_usage_contract::{ContractId, OfferId};

use crate::consumer::ConsumerNode;
use crate::consumer::error::ConsumerError;
use crate::consumer::incoming::evidence_name;
use crate::entries::{OfferEntry, OfferFilter, PAGE_MAX};

/// A contract that a consumer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldEntry {
    /// Its identifier: where the next page goes on.
    pub id: ContractId,
    /// Who opens the data.
    pub provider: Did,
    /// What.
    pub product: Name,
    /// When it holds.
    pub validity: Validity,
    /// Requests that were answered with data.
    pub released: u64,
    /// Requests that were denied.
    pub denied: u64,
    /// Answers, or requests without one, that gave reason to complain.
    pub complained: u64,
    /// True if a party ended it before its time.
    pub is_ended: bool,
}

/// Which contracts.
#[derive(Clone, Debug, Default)]
pub struct HeldFilter {
    /// With this provider alone.
    pub provider: Option<Did>,
    /// For this product alone.
    pub product: Option<Name>,
    /// Without those that were ended.
    pub leaves_out_ended: bool,
}

/// What a consumer owes under a contract: a clause that no machine of the provider's enforces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The clause.
    pub clause: ClauseId,
    /// In plain words.
    pub words: String,
    /// By when it must be done, counted from when the contract was held here; `None` if it has no such time.
    pub due: Option<UnixMillis>,
}

impl ConsumerNode {
    /// Offers that are kept, in the order of their identifiers: at most `limit` and [`PAGE_MAX`], after `after`.
    ///
    /// # Errors
    /// [`ConsumerError`] if the clock is wrong.
    pub fn list_offers(
        &self,
        filter: &OfferFilter,
        after: Option<OfferId>,
        limit: usize,
    ) -> Result<Vec<OfferEntry>, ConsumerError> {
        let now = self.about_now()?;
        let state = self.inner.state.lock();
        let entries = state.offers(after).map(|(id, offer)| {
            let KeptOffer { provider, product, expires_at, accepted, .. } = offer.clone();
            let contract = accepted.map(|(contract, _)| contract);
            OfferEntry { id, provider, product, expires_at, contract }
        });
        let entries = entries.filter(|entry| filter.takes(entry, now));
        Ok(entries.take(limit.min(PAGE_MAX)).collect())
    }

    /// Contracts that are held, in the order of their identifiers: at most `limit` and [`PAGE_MAX`], after
    /// `after`.
    #[must_use]
    pub fn list_contracts(
        &self,
        filter: &HeldFilter,
        after: Option<ContractId>,
        limit: usize,
    ) -> Vec<HeldEntry> {
        let takes = |held: &HeldContract| {
            filter.provider.as_ref().is_none_or(|provider| held.provider == *provider)
                && filter.product.as_ref().is_none_or(|product| held.product == *product)
                && !(filter.leaves_out_ended && held.is_ended)
        };
        let state = self.inner.state.lock();
        let held = state.contracts(after).filter(|(_, held)| takes(held));
        let entries = held.map(|(id, held)| {
            let HeldContract { provider, product, validity, .. } = held.clone();
            let HeldContract { released, denied, complained, is_ended, .. } = *held;
            HeldEntry { id, provider, product, validity, released, denied, complained, is_ended }
        });
        entries.take(limit.min(PAGE_MAX)).collect()
    }

    /// What this consumer owes under a contract: prohibitions and obligations that bind it by law.
    ///
    /// # Errors
    /// [`ConsumerError`] if it is not held here.
    pub fn owed(&self, contract: ContractId) -> Result<Vec<Owed>, ConsumerError> {
        let since = self.inner.state.lock().contract(contract)?.held_since;
        let agreement = self.agreement(contract)?;
        let terms = &agreement.value().terms;
        let clauses = terms.clauses().into_iter().filter(|clause| {
            clause.assurance == Assurance::Legal && clause.id.kind != ClauseKind::Permission
        });
        let owed = clauses.map(|clause| {
            let at = usize::from(clause.id.number).saturating_sub(1);
            let due = match terms.legal.get(at) {
                Some(Legal::DeleteAfter(secs)) if clause.id.kind == ClauseKind::Legal => {
                    let after = std::time::Duration::from_secs(*secs);
                    Some(since.checked_add(after).unwrap_or(UnixMillis::MAX))
                }
                _ => None,
            };
            Owed { clause: clause.id, words: clause.words, due }
        });
        Ok(owed.collect())
    }

    /// Requests without an answer, by their records in this node's log: the node stopped before it was recorded,
    /// or it is still on its way.
    #[must_use]
    pub fn waiting(&self) -> Vec<LeafIndex> {
        let state = self.inner.state.lock();
        let mut waiting: Vec<_> = state.waiting().map(|(_, _, index)| index).collect();
        waiting.sort_unstable();
        waiting
    }

    /// The evidence that came with the answer recorded at `index` of this node's log; `None` if none did.
    ///
    /// # Errors
    /// [`ConsumerError`] if there is no answer at this place, or the file is not the one that was recorded.
    pub fn evidence_at(&self, index: LeafIndex) -> Result<Option<Evidence>, ConsumerError> {
        let record = Record::from_bytes(&self.inner.log.read(index)?).map_err(Refusal::from)?;
        let Event::Consumer(ConsumerEvent::Received(received)) = record.event else {
            return Err(Refusal::Mismatch.into());
        };
        let Some(digest) = received.evidence else { return Ok(None) };
        let name = evidence_name(&received.request);
        let read = self.inner.evidence.read_all(&name, EVIDENCE_LEN_MAX);
        let bytes = read.map_err(ConsumerError::Evidence)?.unwrap_or_default();
        if Digest::of(&bytes) != digest {
            return Err(Refusal::Mismatch.into());
        }
        let bad = |error| ConsumerError::Evidence(std::io::Error::other(error));
        Evidence::from_bytes(&bytes).map(Some).map_err(bad)
    }
}
