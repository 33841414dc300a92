//! A change of what a consumer holds, and what it does once it is recorded.

use dataspace_policy::facts::Metered;
use dataspace_primitives::{Digest, UnixMillis, Verified};
use dataspace_tlog::{
    LeafIndex,
    record::{ReceivedAnswer, ReceivedRecord},
};
use dataspace_usage_contract::{
    Acceptance, Agreement, ContractId, Offer, OfferId, Termination, contract_id,
};

use crate::consumer::{ConsumerState, HeldContract, KeptFile, KeptOffer};
use crate::state::change::Change;
use crate::state::contract::{Document, Place};

/// A record of a consumer's log that passed every check and only has to be applied.
#[derive(Debug)]
#[must_use]
pub struct ConsumerChange(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
    /// Of the log alone.
    Nothing,
    /// Of the space: profile, members and keys.
    Space(Box<Change>),
    Begun,
    Offered(Verified<Offer>),
    Accepted(Verified<Acceptance>),
    Concluded {
        document: Box<Document>,
        at: UnixMillis,
    },
    Terminated(Verified<Termination>),
    Deleted {
        contract: ContractId,
    },
    Opening {
        contract: ContractId,
        /// Its number, and what plays come to.
        uses: Option<(u64, Metered)>,
        at: UnixMillis,
    },
    Requested {
        request: Digest,
        contract: ContractId,
    },
    Received {
        received: ReceivedRecord,
        contract: ContractId,
    },
}

impl ConsumerState {
    /// Puts a change in force that is recorded at `index`.
    pub fn apply(&mut self, change: ConsumerChange, index: LeafIndex) {
        match change.0 {
            Kind::Nothing => {}
            Kind::Begun => self.has_begun = true,
            Kind::Space(change) => self.space.apply(*change, index),
            Kind::Offered(offer) => {
                let id = OfferId::from_digest(offer.digest());
                let Offer { provider, product, expires_at, .. } = offer.value();
                let (provider, product) = (provider.clone(), product.clone());
                let (expires_at, accepted) = (*expires_at, None);
                let kept = KeptOffer { index, provider, product, expires_at, accepted };
                self.documents.insert(Digest::of(offer.signed().as_bytes()), id);
                self.offers.insert(id, kept);
            }
            Kind::Accepted(acceptance) => {
                let Acceptance { offer, contract, .. } = acceptance.value();
                if let Some(kept) = self.offers.get_mut(offer) {
                    kept.accepted = Some((*contract, index));
                }
            }
            Kind::Concluded { document, at } => {
                let agreement = document.agreement();
                self.space.insert_held(&Place::of(&document, (index, at)), agreement.value());
                let Agreement { provider, log, product, validity, .. } = agreement.value();
                let held = HeldContract {
                    index,
                    held_since: at,
                    provider: provider.clone(),
                    log: log.clone(),
                    product: product.clone(),
                    validity: *validity,
                    released: 0,
                    denied: 0,
                    complained: 0,
                    is_ended: false,
                    opened: 0,
                    deleted: None,
                };
                self.contracts.insert(contract_id(agreement), held);
            }
            Kind::Deleted { contract } => {
                if let Some(held) = self.contracts.get_mut(&contract) {
                    held.deleted = Some(index);
                }
            }
            Kind::Opening { contract, uses, at } => {
                let known = self.space.contract(contract);
                if let (Ok(known), Some((uses, metered))) = (known, uses) {
                    known.restore(uses, at, metered);
                    if let Some(held) = self.contracts.get_mut(&contract) {
                        held.opened = held.opened.saturating_add(1);
                    }
                }
            }
            Kind::Terminated(termination) => {
                // Where the judgement of openings looks.
                let ended = termination.value().clone();
                self.space.terminations.insert(ended.contract, ended);
                if let Some(held) = self.contracts.get_mut(&termination.value().contract) {
                    held.is_ended = true;
                }
            }
            Kind::Requested { request, contract } => {
                self.waiting.insert(request, (contract, index));
            }
            Kind::Received { received, contract } => {
                self.waiting.remove(&received.request);
                if let (Some(header), ReceivedAnswer::Released { bytes, content, .. }) =
                    (received.sealed, &received.answer)
                {
                    let (content, bytes) = (*content, *bytes);
                    let file = KeptFile { index, contract, header, content, bytes };
                    self.files.insert(received.request, file);
                    self.files_of.entry(contract).or_default().insert(received.request);
                }
                if let Some(held) = self.contracts.get_mut(&contract) {
                    held.count(&received);
                }
            }
        }
    }
}

impl HeldContract {
    fn count(&mut self, received: &ReceivedRecord) {
        let counted = match received.answer {
            ReceivedAnswer::Released { .. } => Some(&mut self.released),
            ReceivedAnswer::Denied { .. } => Some(&mut self.denied),
            ReceivedAnswer::None { .. } => None,
        };
        if let Some(counted) = counted {
            *counted = counted.saturating_add(1);
        }
        if !received.complaints.is_empty() {
            self.complained = self.complained.saturating_add(1);
        }
    }
}
