//! Checks of a consumer's records, whether they are written now or read back.

use dataspace_identity::{Did, Resolver};
use dataspace_primitives::{Digest, Signed, UnixMillis};
use dataspace_tlog::{Event, Record, record::ConsumerEvent};
use dataspace_usage_contract::{
    Acceptance, Agreement, ContractId, Offer, OfferId, Termination, agreement::AgreeError,
    contract_id,
};
use serde_bytes::ByteBuf;

use crate::consumer::ConsumerState;
use crate::consumer::change::{ConsumerChange, Kind};
use crate::refusal::Refusal;
use crate::state::documents::signed;
use crate::state::read_back::Taken;

impl ConsumerState {
    /// Checks one record, the next after those that were applied: every document in it is verified, and
    /// everything that a change depends on.
    ///
    /// # Errors
    /// [`Refusal`] if no honest node would have written it.
    pub fn check(&self, record: Record) -> Result<ConsumerChange, Refusal> {
        let now = record.time;
        let is_begun = matches!(record.event, Event::Consumer(ConsumerEvent::Begun));
        if self.has_begun == is_begun {
            return Err(Refusal::OtherHalf { whose: "provider" });
        }
        let kind = match record.event {
            Event::Consumer(ConsumerEvent::Begun) => Kind::Begun,
            Event::Profile { .. }
            | Event::Admission { .. }
            | Event::MembershipRevoked { .. }
            | Event::Keys { .. }
            | Event::Archived { .. }
            | Event::Opened { .. }
            | Event::ClockSetBack { .. } => match self.space.check(record)? {
                Taken::Change(change) => Kind::Space(change),
                Taken::Nothing | Taken::Denials(_) | Taken::Access(_) | Taken::Released(_) => {
                    Kind::Nothing
                }
            },
            Event::Consumer(ConsumerEvent::Offered { document }) => self.offered(document, now)?,
            Event::Consumer(ConsumerEvent::Accepted { document }) => {
                self.accepted(document, now)?
            }
            Event::Consumer(ConsumerEvent::Requested { contract, document }) => {
                let contract = ContractId::from_digest(contract);
                self.contract(contract)?;
                // What this consumer signed, it need not verify again.
                Kind::Requested { request: Digest::of(&document), contract }
            }
            Event::Consumer(ConsumerEvent::Received(received)) => {
                let contract = self.waiting_for(&received.request)?;
                if received.contract != *contract.as_digest() {
                    return Err(Refusal::Mismatch);
                }
                Kind::Received { received, contract }
            }
            Event::Concluded { contract, document } => self.concluded((contract, document), now)?,
            Event::Terminated { contract, document } => {
                self.terminated((contract, document), now)?
            }
            Event::Product { .. }
            | Event::Policies { .. }
            | Event::Stated { .. }
            | Event::Denials { .. }
            | Event::Access(_)
            | Event::Released(_) => return Err(Refusal::OtherHalf { whose: "provider" }),
        };
        Ok(ConsumerChange(kind))
    }

    /// An offer of a member of the space that this consumer can accept.
    fn offered(&self, document: ByteBuf, now: UnixMillis) -> Result<Kind, Refusal> {
        let offer: Signed<Offer> = signed(document)?;
        let provider = offer.claimed_signers().next().and_then(|id| Did::of_key(id).ok());
        let provider = provider.ok_or(Refusal::Mismatch)?;
        self.check_member(&provider, now)?;
        // Its terms were compiled before it was recorded, and are again before it is accepted.
        let offer = Offer::verify_signature(offer, &provider, &self.space, now)?;
        let id = OfferId::from_digest(offer.digest());
        if self.offers.contains_key(&id) {
            return Err(Refusal::AlreadyInForce);
        }
        let Offer { space, log, consumer, product_class, terms, .. } = offer.value();
        self.space.check_space(space)?;
        if log.operator() != &provider {
            return Err(Refusal::Mismatch);
        }
        self.check_addressee(consumer.as_ref())?;
        self.space.check_scope(product_class, terms)?;
        Ok(Kind::Offered(offer))
    }

    /// This consumer's acceptance of an offer that it keeps.
    fn accepted(&self, document: ByteBuf, now: UnixMillis) -> Result<Kind, Refusal> {
        let acceptance: Signed<Acceptance> = signed(document)?;
        let acceptance = acceptance.verify(&Resolver::keys(&self.space, &self.consumer), now)?;
        let Acceptance { offer, consumer, .. } = acceptance.value();
        self.check_addressee(Some(consumer))?;
        let kept = self.offer(*offer)?;
        if kept.accepted.is_some() {
            let (offer, consumer) = (*offer, self.consumer.clone());
            return Err(Refusal::AlreadyAccepted { offer, consumer });
        }
        if now >= kept.expires_at {
            let (offer, expires_at) = (*offer, kept.expires_at);
            return Err(AgreeError::Expired { offer, expires_at, now }.into());
        }
        Ok(Kind::Accepted(acceptance))
    }

    /// An agreement that this consumer and the provider signed.
    fn concluded(
        &self,
        (contract, document): (Digest, ByteBuf),
        now: UnixMillis,
    ) -> Result<Kind, Refusal> {
        // By keys that have ended, too: of what this consumer accepted, the answer may have been lost.
        let agreement = Agreement::verify(signed(document)?, &self.space.keys().past(), now)?;
        if agreement.digest() != contract {
            return Err(Refusal::Mismatch);
        }
        let id = contract_id(&agreement);
        if self.contracts.contains_key(&id) {
            return Err(Refusal::AlreadyInForce);
        }
        let Agreement { space, consumer, provider, offer, .. } = agreement.value();
        self.space.check_space(space)?;
        self.check_addressee(Some(consumer))?;
        let accepted = self.offers.get(offer).and_then(|kept| kept.accepted);
        if accepted.is_none_or(|(accepted, _)| accepted != id) {
            self.check_member(provider, now)?;
            self.space.check_signers(agreement.signers(), now)?;
        }
        Ok(Kind::Concluded { agreement, at: now })
    }

    fn terminated(
        &self,
        (contract, document): (Digest, ByteBuf),
        now: UnixMillis,
    ) -> Result<Kind, Refusal> {
        let contract = ContractId::from_digest(contract);
        let held = self.contract(contract)?;
        let parties = [&held.provider, &self.consumer];
        let by = Termination::verify_by(signed(document)?, contract, parties, &self.space, now)?;
        if held.is_ended {
            return Err(Refusal::AlreadyTerminated { contract });
        }
        Ok(Kind::Terminated(by))
    }

    fn check_addressee(&self, addressee: Option<&Did>) -> Result<(), Refusal> {
        match addressee {
            Some(found) if *found != self.consumer => {
                let (expected, found) = (self.consumer.clone(), found.clone());
                Err(Refusal::OtherConsumer { expected, found })
            }
            _ => Ok(()),
        }
    }

    fn check_member(&self, did: &Did, now: UnixMillis) -> Result<(), Refusal> {
        let is_member = self.space.member(did).is_some_and(|member| member.is_member_at(now));
        if is_member { Ok(()) } else { Err(Refusal::NotAMember { did: did.clone() }) }
    }
}
