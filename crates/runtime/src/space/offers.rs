//! What a provider shows to everybody in its catalogue.

use std::collections::BTreeMap;
use std::ops::Bound;

use dataspace_primitives::{Signed, UnixMillis, Verified};
use dataspace_usage_contract::{Offer, OfferId, offer::OfferError};

use crate::entries::{OfferEntry, OfferFilter, PAGE_MAX};
use crate::offers::{self, OfferStoreError};
use crate::space::DataSpace;

impl DataSpace {
    /// Shows an offer of this node in its [catalogue](crate::Call::Catalogue) until it expires, also after the node
    /// was opened again.
    ///
    /// # Errors
    /// [`OfferStoreError`] if it is not an offer of this node, or for one consumer alone.
    pub fn publish_offer(&self, offer: Signed<Offer>) -> Result<OfferId, OfferStoreError> {
        let now = self.now()?;
        let offer = Offer::verify_signature(offer, self.provider(), &*self.keys(), now)?;
        if let Some(consumer) = &offer.value().consumer {
            return Err(OfferStoreError::Addressed { consumer: consumer.clone() });
        }
        if offer.value().log != *self.inner.log.origin() {
            let (provider, log) = (self.provider().clone(), offer.value().log.clone());
            return Err(OfferError::Log { provider, log }.into());
        }
        let id = offers::id(&offer);
        let store = &self.inner.offers;
        self.with_offers(now, |offers| {
            store.write(&offer)?;
            offers.insert(id, offer);
            Ok(id)
        })
    }

    /// Takes an offer out of the catalogue. Returns false if it was not there. Those who have it can accept it
    /// until it expires.
    ///
    /// # Errors
    /// [`OfferStoreError`] if the folder cannot be changed.
    pub fn withdraw_offer(&self, offer: OfferId) -> Result<bool, OfferStoreError> {
        let store = &self.inner.offers;
        self.with_offers(self.now()?, |offers| {
            if !offers.contains_key(&offer) {
                return Ok(false);
            }
            store.remove(offer)?;
            Ok(offers.remove(&offer).is_some())
        })
    }

    /// Published offers in the order of their identifiers: at most `limit` and [`PAGE_MAX`], after `after`.
    ///
    /// # Errors
    /// [`OfferStoreError`] if they cannot be read.
    pub fn list_offers(
        &self,
        filter: &OfferFilter,
        after: Option<OfferId>,
        limit: usize,
    ) -> Result<Vec<OfferEntry>, OfferStoreError> {
        let now = self.now()?;
        self.with_offers(now, |offers| {
            let entries = following(offers, after).map(|(id, offer)| {
                let Offer { provider, product, expires_at, .. } = offer.value();
                let (provider, product) = (provider.clone(), product.clone());
                OfferEntry { id: *id, provider, product, expires_at: *expires_at, contract: None }
            });
            let entries = entries.filter(|entry| filter.takes(entry, now));
            Ok(entries.take(limit.min(PAGE_MAX)).collect())
        })
    }

    /// A page of the catalogue, of documents of at most `len_max` bytes together.
    pub(crate) fn open_offers(
        &self,
        after: Option<OfferId>,
        now: UnixMillis,
        len_max: usize,
    ) -> Result<Vec<(OfferId, Signed<Offer>)>, OfferStoreError> {
        self.with_offers(now, |offers| {
            let open = following(offers, after).filter(|(_, offer)| now < offer.value().expires_at);
            let mut left = len_max;
            let page = open.take(PAGE_MAX).map_while(|(id, offer)| {
                left = left.checked_sub(offer.signed().as_bytes().len())?;
                Some((*id, offer.signed().clone()))
            });
            Ok(page.collect())
        })
    }

    fn with_offers<T>(
        &self,
        now: UnixMillis,
        act: impl FnOnce(&mut BTreeMap<OfferId, Verified<Offer>>) -> Result<T, OfferStoreError>,
    ) -> Result<T, OfferStoreError> {
        self.inner.offers.with((self.provider(), &*self.keys()), now, act)
    }
}

fn following(
    offers: &BTreeMap<OfferId, Verified<Offer>>,
    after: Option<OfferId>,
) -> impl Iterator<Item = (&OfferId, &Verified<Offer>)> {
    offers.range((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded))
}
