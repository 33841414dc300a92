//! Offers.

use dataspace_identity::{Did, Origin, Resolver, SpaceId, did::ParseDidError};
use dataspace_policy::{Program, Scope, Terms, policies::InvalidPolicies, terms::InvalidTerms};
use dataspace_primitives::{
    Name, Payload, Signed, Signer, UnixMillis, Validity, Verified,
    signed::{SignError, VerifyError},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::OfferId;

/// A provider's signed offer of one product under terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Offer {
    /// The space under whose profile the contract will run.
    pub space: SpaceId,
    /// The provider's node where it will run: nowhere else can it be concluded.
    pub log: Origin,
    /// Who offers and signs.
    pub provider: Did,
    /// To whom alone it is offered; `None` to every participant.
    pub consumer: Option<Did>,
    /// The product.
    pub product: Name,
    /// The product's class in the space.
    pub product_class: Name,
    /// The permissions, prohibitions and duties.
    pub terms: Terms,
    /// When the contract would run: half-open.
    pub validity: Validity,
    /// First instant at which the offer can no longer be accepted.
    pub expires_at: UnixMillis,
}

impl Payload for Offer {
    const TYPE: &'static str = "application/vnd.dataspace.offer+cbor";
}

/// Why an offer is not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OfferError {
    /// It does not verify.
    #[error("the offer does not verify")]
    Verify(#[from] VerifyError),
    /// Well signed, but not by the provider that it names.
    #[error("the offer names `{provider}` as its provider, who did not sign it")]
    Provider {
        /// The provider named.
        provider: Did,
    },
    /// The log is another participant's, who cannot run the provider's contracts.
    #[error("the offer names the log `{log}`, which is not one of its provider `{provider}`")]
    Log {
        /// The provider named.
        provider: Did,
        /// The log named.
        log: Origin,
    },
    /// Its terms must not be signed.
    #[error("the terms of the offer cannot be signed")]
    Terms(#[from] InvalidTerms),
    /// The Cedar text that follows from its terms is not acceptable.
    #[error("the policies of the offer are refused")]
    Policies(#[from] InvalidPolicies),
    /// The offer would still be open when the contract is already over.
    #[error("the offer ends at {expires_at}, after the contract, which is valid {validity}")]
    OutlivesContract {
        /// First instant at which the offer can no longer be accepted.
        expires_at: UnixMillis,
        /// When the contract would run.
        validity: Validity,
    },
    /// The signer is not a DID that we know.
    #[error("the signer is unknown")]
    Signer(#[from] ParseDidError),
    /// It cannot be encoded or is too long.
    #[error("the offer cannot be signed")]
    Sign(#[from] SignError),
}

impl Offer {
    /// Checks and signs the offer as its provider.
    ///
    /// # Errors
    /// [`OfferError`] if the key is not the provider's or the terms must not be signed.
    pub fn sign(&self, provider: &dyn Signer) -> Result<Signed<Self>, OfferError> {
        if self.provider != Did::of(provider)? {
            return Err(OfferError::Provider { provider: self.provider.clone() });
        }
        self.check()?;
        Ok(Signed::sign(self, provider)?)
    }

    /// Checks an offer that is said to come from `provider`.
    ///
    /// # Errors
    /// [`OfferError`] if it does not, or if its terms must not be signed.
    pub fn verify(
        offer: Signed<Self>,
        provider: &Did,
        resolver: &dyn Resolver,
        now: UnixMillis,
    ) -> Result<Verified<Self>, OfferError> {
        let offer = Self::verify_signature(offer, provider, resolver, now)?;
        offer.value().check()?;
        Ok(offer)
    }

    /// Checks the signature alone: for the provider, who checked the terms before it signed them, and
    /// compiles them again for each contract.
    ///
    /// # Errors
    /// [`OfferError`] if the offer is not the provider's.
    pub fn verify_signature(
        offer: Signed<Self>,
        provider: &Did,
        resolver: &dyn Resolver,
        now: UnixMillis,
    ) -> Result<Verified<Self>, OfferError> {
        let offer = offer.verify(&resolver.keys(provider), now)?;
        check_provider(&offer)?;
        Ok(offer)
    }

    fn check(&self) -> Result<(), OfferError> {
        if self.log.operator() != &self.provider {
            let (provider, log) = (self.provider.clone(), self.log.clone());
            return Err(OfferError::Log { provider, log });
        }
        // Terms that no consumer could accept are not offered; the provider stands in for one.
        let consumer = self.consumer.as_ref().unwrap_or(&self.provider).as_str().to_owned();
        let scope = Scope { consumer, product: self.product.clone() };
        Program::new(&self.terms.to_cedar(&scope)?)?;
        if self.expires_at > self.validity.until() {
            let (expires_at, validity) = (self.expires_at, self.validity);
            return Err(OfferError::OutlivesContract { expires_at, validity });
        }
        Ok(())
    }
}

/// The identifier of a verified offer.
pub(crate) fn id(offer: &Verified<Offer>) -> OfferId {
    OfferId::from_digest(offer.digest())
}

/// A `Verified<Offer>` says that *somebody trusted* signed; this says that it was the provider.
pub(crate) fn check_provider(offer: &Verified<Offer>) -> Result<(), OfferError> {
    let provider = &offer.value().provider;
    if provider.has_signed(offer) {
        Ok(())
    } else {
        Err(OfferError::Provider { provider: provider.clone() })
    }
}
