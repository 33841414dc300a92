//! What lists of either half have in common.

use dataspace_identity::Did;
use dataspace_primitives::{Name, UnixMillis};
use dataspace_usage_contract::{ContractId, OfferId};

/// Most entries of one page.
pub const PAGE_MAX: usize = 1_000;

/// An offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferEntry {
    /// Its identifier: where the next page goes on.
    pub id: OfferId,
    /// Who offers.
    pub provider: Did,
    /// What.
    pub product: Name,
    /// First instant at which it can no longer be accepted.
    pub expires_at: UnixMillis,
    /// At the consumer: the contract that it has signed for the offer, concluded or not.
    pub contract: Option<ContractId>,
}

/// Which offers.
#[derive(Clone, Debug, Default)]
pub struct OfferFilter {
    /// Of this provider alone.
    pub provider: Option<Did>,
    /// Of this product alone.
    pub product: Option<Name>,
    /// Also those that have expired.
    pub has_expired: bool,
}

impl OfferFilter {
    pub(crate) fn takes(&self, offer: &OfferEntry, now: UnixMillis) -> bool {
        self.provider.as_ref().is_none_or(|provider| offer.provider == *provider)
            && self.product.as_ref().is_none_or(|product| offer.product == *product)
            && (self.has_expired || now < offer.expires_at)
    }
}
