//! Checks of a consumer's records, whether they are written now or read back.

use dataspace_identity::{Did, Resolver};
use dataspace_policy::Meters;
use dataspace_primitives::{Digest, Signed, UnixMillis};
use dataspace_tlog::{
    AccessRecord, Event, Record, Verdict,
    record::{ConsumerEvent, ReceivedAnswer},
};
use dataspace_usage_contract::{
    Acceptance, Agreement, ContractId, DeletionStatement, Offer, OfferId, Termination,
    agreement::AgreeError,
    contract_id,
    deletion::{Deleted, FILES_MAX},
};
use serde_bytes::ByteBuf;

use crate::consumer::ConsumerState;
use crate::consumer::change::{ConsumerChange, Kind};
use crate::facts::Stated;
use crate::refusal::Refusal;
use crate::state::contract::Document;
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
                if received.sealed.is_some() {
                    self.check_sealed(contract, &received.answer)?;
                }
                Kind::Received { received, contract }
            }
            Event::Consumer(ConsumerEvent::Opening(access)) => self.opening(&access, now)?,
            Event::Deleted { contract, document } => self.deleted((contract, document), now)?,
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
        let (keys, compiler) = (self.space.keys().past(), self.space.compiler());
        let (agreement, program) = Agreement::verify_with(signed(document)?, &keys, now, compiler)?;
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
        Ok(Kind::Concluded { document: Box::new(Document::new(agreement, program)), at: now })
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

    /// A sealed file is kept whole or not at all, and not once the keys of its contract were deleted.
    fn check_sealed(&self, contract: ContractId, answer: &ReceivedAnswer) -> Result<(), Refusal> {
        if !matches!(answer, ReceivedAnswer::Released { is_whole: true, .. }) {
            return Err(Refusal::Mismatch);
        }
        self.check_room(contract)
    }

    /// Checks that one more sealed file of a contract can be kept.
    ///
    /// # Errors
    /// [`Refusal::AlreadyDeleted`] if its keys were deleted; [`Refusal::TooManyFiles`].
    pub fn check_room(&self, contract: ContractId) -> Result<(), Refusal> {
        if self.contract(contract)?.deleted.is_some() {
            return Err(Refusal::AlreadyDeleted { contract });
        }
        if self.files_of(contract).count() >= FILES_MAX {
            return Err(Refusal::TooManyFiles { contract, max: FILES_MAX });
        }
        Ok(())
    }

    /// A decision on opening a sealed file, as far as this node can have made it.
    fn opening(&self, access: &AccessRecord, now: UnixMillis) -> Result<Kind, Refusal> {
        let fail = |what| Err(Refusal::Decision { what });
        let contract = self.file(&access.request)?.contract;
        let (held, known) = (self.contract(contract)?, self.space.contract(contract)?);
        if *contract.as_digest() != access.contract {
            return Err(Refusal::Mismatch);
        }
        let metered = self.space.check_decision(known, access)?;
        let uses = match access.verdict {
            Verdict::Permit { uses, .. } => Some(uses),
            Verdict::Deny { .. } => None,
        };
        if uses.is_some() {
            if held.deleted.is_some() {
                return fail("the keys of the contract were deleted");
            }
            if !held.validity.contains(now) {
                return fail("the contract is not in force");
            }
            let next = Stated::read(access).map(|stated| known.uses_at(now, &stated.access));
            let is_next = uses == Some(known.used().saturating_add(1))
                && (known.meters() == Meters::default()
                    || next.is_ok_and(|next| next.metered == metered));
            if !is_next {
                return fail("it is not the next opening");
            }
        }
        let uses = uses.map(|uses| (uses, metered));
        Ok(Kind::Opening { contract, uses, at: now })
    }

    /// This consumer's own statement, of all files that it has under the contract.
    fn deleted(
        &self,
        (contract, document): (Digest, ByteBuf),
        now: UnixMillis,
    ) -> Result<Kind, Refusal> {
        let contract = ContractId::from_digest(contract);
        let held = self.contract(contract)?;
        let of =
            Deleted { contract, log: &held.log, consumer: &self.consumer, since: held.held_since };
        let statement = DeletionStatement::verify_of(signed(document)?, of, &self.space, now)?;
        if held.deleted.is_some() {
            return Err(Refusal::AlreadyDeleted { contract });
        }
        let files = self.files_of(contract).map(|(_, file)| file.content).collect();
        if statement.value().files != files {
            return Err(Refusal::Mismatch);
        }
        Ok(Kind::Deleted { contract })
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
