//! From offer and acceptance to the agreement that both parties signed.

use dataspace_identity::{Did, Origin, Resolver, SpaceId, claimed_keys, did::ParseDidError};
use dataspace_policy::{
    Compiler, Program, Scope, Terms, cedar_text::COMPILER_VERSION, policies::InvalidPolicies,
    terms::InvalidTerms,
};
use dataspace_primitives::{
    CoSignature, Digest, Name, Payload, Signed, Signer, UnixMillis, Validity, Verified,
    cbor::{self, EncodeError},
    signed::{SignError, VerifyError},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::{ContractId, OfferId};
use crate::offer::{self, Offer, OfferError};

/// A usage contract: what provider and consumer both signed, over the same canonical bytes.
///
/// It states no time at which it was made: the parties could state any. That is the time of its
/// record in the provider's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Agreement {
    /// The space under whose profile it runs.
    pub space: SpaceId,
    /// The provider's node where it runs. Its uses are counted there and nowhere else.
    pub log: Origin,
    /// Who opens the data; signs.
    pub provider: Did,
    /// Who uses it; signs.
    pub consumer: Did,
    /// The product.
    pub product: Name,
    /// The product's class in the space.
    pub product_class: Name,
    /// The readable form.
    pub terms: Terms,
    /// The version of the compiler that made the Cedar text ([`COMPILER_VERSION`]).
    pub compiler: u32,
    /// The Cedar text that decides: exactly what that version compiles the terms to.
    pub cedar: String,
    /// When it holds: half-open.
    pub validity: Validity,
    /// The offer that was accepted.
    pub offer: OfferId,
}

impl Payload for Agreement {
    const TYPE: &'static str = "application/vnd.dataspace.agreement+cbor";
    const SIGNATURES: usize = 2;
}

/// A consumer's signed acceptance of one offer. Carries its signature under the agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Acceptance {
    /// The offer that is accepted.
    pub offer: OfferId,
    /// Who accepts and signs.
    pub consumer: Did,
    /// The agreement that follows from the two.
    pub contract: ContractId,
    /// The consumer's signature under that agreement.
    pub signature: CoSignature,
}

impl Payload for Acceptance {
    const TYPE: &'static str = "application/vnd.dataspace.acceptance+cbor";
}

/// Why an offer does not become an agreement.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AgreeError {
    /// The offer itself is not good.
    #[error("the offer is not acceptable")]
    Offer(#[from] OfferError),
    /// Accepted, or concluded, at or after [`Offer::expires_at`].
    #[error("offer `{offer}` expired at {expires_at}; it is now {now}")]
    Expired {
        /// The offer.
        offer: OfferId,
        /// First instant at which it could no longer be accepted.
        expires_at: UnixMillis,
        /// The time of the attempt.
        now: UnixMillis,
    },
    /// Offered to somebody else.
    #[error("offer `{offer}` is not made to `{consumer}`")]
    NotAddressed {
        /// The offer.
        offer: OfferId,
        /// Who tried to accept.
        consumer: Did,
    },
    /// Nobody can agree with themselves.
    #[error("provider and consumer are the same participant")]
    SameParticipant,
    /// The acceptance belongs to another offer.
    #[error("the acceptance is for offer `{found}`, not for `{expected}`")]
    OtherOffer {
        /// The offer at hand.
        expected: OfferId,
        /// The offer that the acceptance names.
        found: OfferId,
    },
    /// The acceptance is not signed by the consumer that it names.
    #[error("the acceptance names `{consumer}`, who did not sign it")]
    Consumer {
        /// The consumer named.
        consumer: Did,
    },
    /// The consumer signed another agreement than the one that follows from the offer.
    #[error("the acceptance is for contract `{found}`; the offer leads to `{expected}`")]
    OtherAgreement {
        /// The contract that follows from offer and acceptance.
        expected: ContractId,
        /// The contract that the consumer signed.
        found: ContractId,
    },
    /// The log is another participant's, who cannot run the provider's contracts.
    #[error("the agreement names the log `{log}`, which is not one of its provider `{provider}`")]
    Log {
        /// The provider named.
        provider: Did,
        /// The log named.
        log: Origin,
    },
    /// The terms must not be signed.
    #[error("the terms cannot be signed")]
    Terms(#[from] InvalidTerms),
    /// The Cedar text that follows from the terms is not acceptable.
    #[error("the policies of the agreement are refused")]
    Policies(#[from] InvalidPolicies),
    /// The Cedar text is not what the terms say.
    #[error("the Cedar text of the agreement is not what its terms compile to")]
    TextDiffers,
    /// A signature does not verify.
    #[error("a signature does not verify")]
    Verify(#[from] VerifyError),
    /// A signer is not a DID that we know.
    #[error("a signer is unknown")]
    Signer(#[from] ParseDidError),
    /// Correctly signed, but not by the two parties that it names.
    #[error("the agreement is not signed by the two participants that it names")]
    Parties,
    /// It cannot be encoded or is too long.
    #[error("the agreement cannot be signed")]
    Sign(#[from] SignError),
    /// It cannot be encoded.
    #[error("the agreement cannot be encoded")]
    Encode(#[from] EncodeError),
}

impl Agreement {
    /// The agreement that offer and consumer make at `now`, the same bytes on both sides; and its program,
    /// since both signers check that it can be decided.
    fn draft(
        offer: &Verified<Offer>,
        consumer: &Did,
        now: UnixMillis,
        compiler: &Compiler,
    ) -> Result<(Self, Program), AgreeError> {
        offer::check_provider(offer)?;
        let id = offer::id(offer);
        let offer = offer.value();
        if now >= offer.expires_at {
            return Err(AgreeError::Expired { offer: id, expires_at: offer.expires_at, now });
        }
        if offer.consumer.as_ref().is_some_and(|addressee| addressee != consumer) {
            return Err(AgreeError::NotAddressed { offer: id, consumer: consumer.clone() });
        }
        if offer.provider == *consumer {
            return Err(AgreeError::SameParticipant);
        }
        let scope =
            Scope { consumer: consumer.as_str().to_owned(), product: offer.product.clone() };
        let cedar = offer.terms.to_cedar(&scope)?;
        let program = compiler.compile(&cedar)?;
        let agreement = Self {
            space: offer.space.clone(),
            log: offer.log.clone(),
            provider: offer.provider.clone(),
            consumer: consumer.clone(),
            product: offer.product.clone(),
            product_class: offer.product_class.clone(),
            terms: offer.terms.clone(),
            compiler: COMPILER_VERSION,
            cedar,
            validity: offer.validity,
            offer: id,
        };
        Ok((agreement, program))
    }

    fn id(&self) -> Result<ContractId, EncodeError> {
        Ok(ContractId::from_digest(Digest::of(&cbor::to_canonical(self)?)))
    }

    /// As the provider: turns an accepted offer into the agreement that both have signed.
    ///
    /// # Errors
    /// [`AgreeError`] if the acceptance is not for this offer, comes too late, or signs anything
    /// else than what follows from the offer.
    pub fn conclude(
        offer: &Verified<Offer>,
        acceptance: &Verified<Acceptance>,
        provider: &dyn Signer,
        resolver: &dyn Resolver,
        now: UnixMillis,
    ) -> Result<Verified<Self>, AgreeError> {
        let parties = (provider, acceptance);
        Ok(Self::conclude_with(offer, parties, resolver, now, &Compiler::default())?.0)
    }

    /// As [`conclude`](Self::conclude), by the compiler of all contracts of a node; gives the program of
    /// the Cedar text as well, which is compiled once.
    ///
    /// # Errors
    /// [`AgreeError`] as there.
    pub fn conclude_with(
        offer: &Verified<Offer>,
        (provider, acceptance): (&dyn Signer, &Verified<Acceptance>),
        resolver: &dyn Resolver,
        now: UnixMillis,
        compiler: &Compiler,
    ) -> Result<(Verified<Self>, Program), AgreeError> {
        let id = offer::id(offer);
        let Acceptance { offer: accepted, consumer, contract, signature } = acceptance.value();
        if !consumer.has_signed(acceptance) {
            return Err(AgreeError::Consumer { consumer: consumer.clone() });
        }
        if *accepted != id {
            return Err(AgreeError::OtherOffer { expected: id, found: *accepted });
        }
        let (agreement, program) = Self::draft(offer, consumer, now, compiler)?;
        let expected = agreement.id()?;
        if expected != *contract {
            return Err(AgreeError::OtherAgreement { expected, found: *contract });
        }
        let countersignature = CoSignature::sign(&agreement, provider)?;
        let signed = Signed::assemble(&agreement, vec![signature.clone(), countersignature])?;
        Ok((Self::verify_parties(signed, resolver, now)?, program))
    }

    /// Checks an agreement: that it is signed by the two participants that it names, that the log is
    /// its provider's, that its Cedar text is acceptable, and that it is what the terms compile to.
    /// It does not check that they are members of a space.
    ///
    /// An agreement of another version of the compiler stays good, and its text decides. It cannot be
    /// checked here that this text says what the terms say; [`Agreement::compiled_elsewhere`] reports it.
    ///
    /// # Errors
    /// [`AgreeError`] if a signature, the log or the text is not good.
    pub fn verify(
        agreement: Signed<Self>,
        resolver: &dyn Resolver,
        now: UnixMillis,
    ) -> Result<Verified<Self>, AgreeError> {
        Ok(Self::verify_with(agreement, resolver, now, &Compiler::default())?.0)
    }

    /// As [`verify`](Self::verify), by the compiler of all contracts of a node; gives the program of the
    /// Cedar text as well.
    ///
    /// # Errors
    /// [`AgreeError`] as there.
    pub fn verify_with(
        agreement: Signed<Self>,
        resolver: &dyn Resolver,
        now: UnixMillis,
        compiler: &Compiler,
    ) -> Result<(Verified<Self>, Program), AgreeError> {
        let agreement = Self::verify_parties(agreement, resolver, now)?;
        agreement.value().check_text()?;
        let program = compiler.compile(&agreement.value().cedar)?;
        Ok((agreement, program))
    }

    /// Checks that the two participants whom it names signed it, for a log of its provider.
    fn verify_parties(
        agreement: Signed<Self>,
        resolver: &dyn Resolver,
        now: UnixMillis,
    ) -> Result<Verified<Self>, AgreeError> {
        let keys = claimed_keys(&agreement, resolver)?;
        let agreement = agreement.verify(&keys, now)?;
        let Self { provider, consumer, log, .. } = agreement.value();
        let both_signed = provider != consumer
            && provider.has_signed(&agreement)
            && consumer.has_signed(&agreement);
        if !both_signed {
            return Err(AgreeError::Parties);
        }
        if log.operator() != provider {
            let (provider, log) = (provider.clone(), log.clone());
            return Err(AgreeError::Log { provider, log });
        }
        Ok(agreement)
    }

    /// Checks that the Cedar text is exactly what the terms compile to, if it is of this version of
    /// the compiler.
    fn check_text(&self) -> Result<(), AgreeError> {
        if self.compiled_elsewhere().is_some() {
            return Ok(());
        }
        let scope =
            Scope { consumer: self.consumer.as_str().to_owned(), product: self.product.clone() };
        let same = self.terms.to_cedar(&scope)? == self.cedar;
        if same { Ok(()) } else { Err(AgreeError::TextDiffers) }
    }

    /// The version of the compiler that made the Cedar text, if it is not the one here: then nobody
    /// has checked here that the text, which decides, says what the terms say.
    #[must_use]
    pub fn compiled_elsewhere(&self) -> Option<u32> {
        (self.compiler != COMPILER_VERSION).then_some(self.compiler)
    }
}

/// The identifier of an agreement whose signatures were checked.
#[must_use]
pub fn contract_id(agreement: &Verified<Agreement>) -> ContractId {
    ContractId::from_digest(agreement.digest())
}

impl Acceptance {
    /// As the consumer: accepts an offer, after checking that its terms can be decided.
    ///
    /// # Errors
    /// [`AgreeError`] if the offer is not good, not for this consumer, or expired at `now`.
    pub fn sign(
        offer: &Verified<Offer>,
        consumer: &dyn Signer,
        now: UnixMillis,
    ) -> Result<Signed<Self>, AgreeError> {
        let did = Did::of(consumer)?;
        let (agreement, _) = Agreement::draft(offer, &did, now, &Compiler::default())?;
        let acceptance = Self {
            offer: offer::id(offer),
            consumer: did,
            contract: agreement.id()?,
            signature: CoSignature::sign(&agreement, consumer)?,
        };
        Ok(Signed::sign(&acceptance, consumer)?)
    }
}
