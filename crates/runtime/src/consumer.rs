//! The consumer's half: offers that it keeps, contracts that it holds with many providers, what it asked for,
//! what came, and what it owes, in a log of its own.

pub(crate) mod arrival;
mod began;
pub(crate) mod complaint;
pub(crate) mod error;
pub(crate) mod incoming;
pub(crate) mod lists;
mod parts;
mod reading;
mod resume;
#[cfg(feature = "sealed")]
pub mod sealed;
pub(crate) mod setup;
pub(crate) mod talk;
mod watch;

pub use self::error::ConsumerError;
pub use self::incoming::Arrived;
pub use self::lists::{HeldEntry, HeldFilter, Owed};
pub use self::setup::ConsumerSetupError;
pub use self::talk::fetch_profile;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use dataspace_audit_log::{Log, Recovery, append::AppendError};
use dataspace_identity::{Did, KeyDocument, MembershipCredential, MembershipRevocation};
use dataspace_ledger::{ConsumerState, Refusal, state::Member};
use dataspace_primitives::{
    Digest, Name, Payload, Signed, UnixMillis, Verified, signed::VerifyError,
};
use dataspace_tlog::{
    Checkpoint, Directory, Event, LeafIndex, Record, Seen,
    record::{ConsumerEvent, EncodedRecord},
};
use dataspace_usage_contract::{
    Acceptance, AccessRequest, Agreement, ContractId, Offer, OfferId, PublishedProfile,
    SpaceProfile, Termination,
};
use parking_lot::Mutex;
use serde_bytes::ByteBuf;

use crate::clock::{ClockError, SteadyClock};
use crate::consumer::reading::BeingRead;
use crate::error::WriteError;
use crate::keys::Keys;
use crate::request::{NewRequest, sign_request};

/// Agreements that are kept decoded; others are read from the log.
const AGREEMENTS_MAX: usize = 1_024;

/// One consumer's node in a space: its contracts with any number of providers, and its log, in one
/// directory. Cheap to clone; all clones are the same node.
///
/// Everything that it signs is recorded before it is handed out, and everything that comes is verified. It
/// believes the space authority, and of the others what they signed.
#[derive(Clone)]
pub struct ConsumerNode {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    keys: Keys,
    authority: Did,
    clock: SteadyClock,
    log: Log,
    recovery: Option<Recovery>,
    state: Mutex<ConsumerState>,
    agreements: Mutex<HashMap<ContractId, Arc<Verified<Agreement>>>>,
    /// Checkpoints of the providers' logs.
    seen: Seen,
    /// Checkpoints that came beside others, and are to be proved to fit.
    unproved: Mutex<Vec<Checkpoint>>,
    reading: BeingRead,
    /// Evidence of decisions.
    evidence: Directory,
    /// Records under the last checkpoint; held while signing the next one.
    signed: Mutex<u64>,
    /// Sealed files and their keys.
    #[cfg(feature = "sealed")]
    sealed: crate::consumer::sealed::kept::Kept,
}

/// A document of this node's own log.
fn signed<T: Payload>(document: ByteBuf) -> Result<Signed<T>, ConsumerError> {
    Ok(Signed::from_bytes(document.into_vec()).map_err(Refusal::from)?)
}

fn unwritten(error: AppendError) -> ConsumerError {
    WriteError::from(error).into()
}

fn document<T>(signed: &Signed<T>) -> ByteBuf {
    ByteBuf::from(signed.as_bytes())
}

impl ConsumerNode {
    /// The consumer whose node this is.
    #[must_use]
    pub fn consumer(&self) -> &Did {
        &self.inner.keys.participant
    }

    /// The time by which this node works.
    ///
    /// # Errors
    /// [`ClockError`] if the clock was set back.
    pub fn now(&self) -> Result<UnixMillis, ClockError> {
        self.inner.clock.now()
    }

    /// This node's own log: what it agreed to, asked for, and got.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.inner.log
    }

    /// Result of opening the log; `None` for a node that is new.
    #[must_use]
    pub fn recovery(&self) -> Option<&Recovery> {
        self.inner.recovery.as_ref()
    }

    /// Signs this node's log as it is.
    ///
    /// # Errors
    /// [`WriteError`] if it cannot be signed.
    pub fn checkpoint(&self) -> Result<Checkpoint, WriteError> {
        Ok(self.inner.log.checkpoint(&self.inner.keys.log)?)
    }

    /// Closes the node, if this is its last clone. Gives the checkpoint of its log.
    ///
    /// # Errors
    /// [`WriteError`] if the log cannot be signed.
    pub fn close(self) -> Result<Checkpoint, WriteError> {
        self.inner.log.flush()?;
        self.checkpoint()
    }

    /// Puts a newer profile of the authority in force here. Returns false if it is in force already.
    ///
    /// # Errors
    /// [`ConsumerError`] if it is not the authority's, or not newer.
    pub fn publish(&self, profile: &Signed<SpaceProfile>) -> Result<bool, ConsumerError> {
        let (authority, now) = (&self.inner.authority, self.about_now()?);
        let published = PublishedProfile::publish(profile.clone(), authority, now);
        let version = published.map_err(Refusal::from)?.profile().version;
        self.record_once(Event::Profile { version, document: document(profile) })
    }

    /// Keeps a participant's credential: providers', and one's own if it is wanted in the log. Returns false if
    /// it is kept already.
    ///
    /// # Errors
    /// [`ConsumerError`] if it is not the authority's, was revoked, or is older than the one that is kept.
    pub fn admit(&self, credential: &Signed<MembershipCredential>) -> Result<bool, ConsumerError> {
        self.record_once(Event::Admission { document: document(credential) })
    }

    /// Ends a membership: no more offers and contracts of this provider are taken. Returns false if that
    /// is known already.
    ///
    /// # Errors
    /// [`ConsumerError`] if it is not the authority's.
    pub fn revoke(&self, revocation: &Signed<MembershipRevocation>) -> Result<bool, ConsumerError> {
        self.record_once(Event::MembershipRevoked { document: document(revocation) })
    }

    /// Records the keys of a participant whose DID is not its key.
    ///
    /// # Errors
    /// [`ConsumerError`] if it is not the next document of a participant that is known here.
    pub fn record_keys(&self, keys: &Signed<KeyDocument>) -> Result<(), ConsumerError> {
        let now = self.about_now()?;
        let previous = {
            let state = self.inner.state.lock();
            let checked =
                state.space().keys().check(keys.clone(), state.space().anchors().space(), now);
            let checked = checked.map_err(Refusal::from)?;
            state.space().key_records_of(&checked.value().subject).last().copied()
        };
        self.record(Event::Keys { previous, document: document(keys) }).map(drop)
    }

    /// Keeps an offer, after checking that a member of this space made it, that this consumer can accept
    /// it, and that its terms can be decided.
    ///
    /// # Errors
    /// [`ConsumerError`] if not.
    pub fn keep(&self, offer: &Signed<Offer>) -> Result<OfferId, ConsumerError> {
        Ok(self.keep_new(offer)?.0)
    }

    /// The same; and whether it is new here.
    fn keep_new(&self, offer: &Signed<Offer>) -> Result<(OfferId, bool), ConsumerError> {
        let known = self.inner.state.lock().offer_of(&Digest::of(offer.as_bytes()));
        if let Some(id) = known {
            return Ok((id, false));
        }
        let id = OfferId::from_digest(self.verify_offer(offer.clone())?.digest());
        let event = ConsumerEvent::Offered { document: document(offer) };
        Ok((id, self.record_once(Event::Consumer(event))?))
    }

    /// An offer that is kept: read its [clauses](dataspace_policy::Terms::clauses) before you accept it.
    ///
    /// # Errors
    /// [`ConsumerError`] if it is not kept here, or no longer verifies.
    pub fn offer(&self, offer: OfferId) -> Result<Verified<Offer>, ConsumerError> {
        self.verify_offer(self.kept(offer)?)
    }

    pub(crate) fn kept(&self, offer: OfferId) -> Result<Signed<Offer>, ConsumerError> {
        let index = self.inner.state.lock().offer(offer)?.index;
        match self.event(index)? {
            Event::Consumer(ConsumerEvent::Offered { document }) => signed(document),
            _ => Err(Refusal::Mismatch.into()),
        }
    }

    fn verify_offer(&self, offer: Signed<Offer>) -> Result<Verified<Offer>, ConsumerError> {
        let now = self.about_now()?;
        let provider = offer.claimed_signers().next().and_then(|id| Did::of_key(id).ok());
        let provider = provider.ok_or(Refusal::Mismatch)?;
        let keys = {
            let state = self.inner.state.lock();
            // Before the terms are compiled, which costs more than a look.
            let is_member = |member: &Arc<Member>| member.is_member_at(now);
            if !state.space().member(&provider).is_some_and(is_member) {
                return Err(Refusal::NotAMember { did: provider }.into());
            }
            Arc::clone(state.space().keys())
        };
        Ok(Offer::verify(offer, &provider, &*keys, now).map_err(Refusal::from)?)
    }

    /// Accepts an offer that is kept here. Recorded before it is handed out: from then on the provider can
    /// put the contract in force. Accepting again gives the same contract.
    ///
    /// # Errors
    /// [`ConsumerError`] if the offer is unknown here, expired, or cannot be decided.
    pub fn accept(&self, offer: OfferId) -> Result<Signed<Acceptance>, ConsumerError> {
        if let Some((_, index)) = self.inner.state.lock().offer(offer)?.accepted {
            return self.accepted_at(index);
        }
        let verified = self.offer(offer)?;
        let signer = &*self.inner.keys.signer;
        let acceptance = Acceptance::sign(&verified, signer, self.about_now()?);
        let acceptance = acceptance.map_err(Refusal::from)?;
        let event = ConsumerEvent::Accepted { document: document(&acceptance) };
        match self.record(Event::Consumer(event)) {
            Ok(_) | Err(ConsumerError::Refused(Refusal::AlreadyAccepted { .. })) => Ok(acceptance),
            Err(error) => Err(error),
        }
    }

    fn accepted_at(&self, index: LeafIndex) -> Result<Signed<Acceptance>, ConsumerError> {
        match self.event(index)? {
            Event::Consumer(ConsumerEvent::Accepted { document }) => signed(document),
            _ => Err(Refusal::Mismatch.into()),
        }
    }

    /// Holds a contract, after checking that exactly this consumer and a member of the space signed it,
    /// and that its text says what its clauses say.
    ///
    /// # Errors
    /// [`ConsumerError`] if not.
    pub fn hold(&self, agreement: &Signed<Agreement>) -> Result<ContractId, ConsumerError> {
        let now = self.about_now()?;
        let keys = Arc::clone(self.inner.state.lock().space().keys());
        // By keys that have ended, too, of a contract whose answer was lost; the record decides.
        let verified = Agreement::verify(agreement.clone(), &keys.past(), now);
        let contract = verified.map_err(Refusal::from)?.digest();
        self.record_once(Event::Concluded { contract, document: document(agreement) })?;
        Ok(ContractId::from_digest(contract))
    }

    /// A contract that is held here.
    ///
    /// # Errors
    /// [`ConsumerError`] if it is not.
    pub fn agreement(
        &self,
        contract: ContractId,
    ) -> Result<Arc<Verified<Agreement>>, ConsumerError> {
        if let Some(known) = self.inner.agreements.lock().get(&contract) {
            return Ok(Arc::clone(known));
        }
        let (held, keys) = {
            let state = self.inner.state.lock();
            (state.contract(contract)?.clone(), Arc::clone(state.space().keys()))
        };
        let Event::Concluded { document, .. } = self.event(held.index)? else {
            return Err(Refusal::Mismatch.into());
        };
        let agreement = Agreement::verify(signed(document)?, &keys.past(), held.held_since);
        let agreement = Arc::new(agreement.map_err(Refusal::from)?);
        if agreement.digest() != *contract.as_digest() {
            return Err(Refusal::Mismatch.into());
        }
        let mut known = self.inner.agreements.lock();
        if known.len() >= AGREEMENTS_MAX {
            known.clear();
        }
        known.insert(contract, Arc::clone(&agreement));
        Ok(agreement)
    }

    /// Signs a request for one access, for a way of your own to the provider. Recorded before it is handed out;
    /// what comes of it is recorded by [`access`](Self::access) alone, which does all of it.
    ///
    /// # Errors
    /// [`ConsumerError`] if the contract is not held here, or was ended.
    pub fn request(
        &self,
        contract: ContractId,
        new: NewRequest,
    ) -> Result<Signed<AccessRequest>, ConsumerError> {
        self.request_for(contract, (new, None))
    }

    /// The same; sealed for this key, if there is one.
    fn request_for(
        &self,
        contract: ContractId,
        new: (NewRequest, Option<[u8; 32]>),
    ) -> Result<Signed<AccessRequest>, ConsumerError> {
        let agreement = self.agreement(contract)?;
        if self.inner.state.lock().contract(contract)?.is_ended {
            return Err(Refusal::AlreadyTerminated { contract }.into());
        }
        let (signer, now) = (&*self.inner.keys.signer, self.about_now()?);
        let key_id = signer.key_id();
        if !self.inner.state.lock().space().keys().is_believed(key_id, now) {
            // A provider would decide on it, and this node not know what it has signed.
            let key_id = key_id.clone();
            return Err(Refusal::from(VerifyError::UntrustedKey { key_id, now }).into());
        }
        let request = sign_request(signer, &agreement, new, now)?;
        let (contract, document) = (*contract.as_digest(), document(&request));
        self.record(Event::Consumer(ConsumerEvent::Requested { contract, document }))?;
        Ok(request)
    }

    /// Ends a contract before its time. Recorded here; it ends when the provider's node records the statement.
    ///
    /// # Errors
    /// [`ConsumerError`] if the contract is not held here, or was ended.
    pub fn end_contract(
        &self,
        contract: ContractId,
        reason: Name,
    ) -> Result<Signed<Termination>, ConsumerError> {
        let (by, declared_at) = (self.consumer().clone(), self.about_now()?);
        let termination = Termination { contract, by, declared_at, reason };
        let termination = Signed::sign(&termination, &*self.inner.keys.signer)?;
        self.take_end(contract, &termination)?;
        Ok(termination)
    }

    /// Takes note of the provider's end of a contract.
    ///
    /// # Errors
    /// [`ConsumerError`] if the contract is not held here, was ended, or neither party signed the statement.
    pub fn take_end(
        &self,
        contract: ContractId,
        termination: &Signed<Termination>,
    ) -> Result<(), ConsumerError> {
        let (contract, document) = (*contract.as_digest(), document(termination));
        self.record(Event::Terminated { contract, document }).map(drop)
    }

    fn about_now(&self) -> Result<UnixMillis, ConsumerError> {
        Ok(self.now().map_err(WriteError::from)?)
    }

    fn event(&self, index: LeafIndex) -> Result<Event, ConsumerError> {
        let record = Record::from_bytes(&self.inner.log.read(index)?);
        Ok(record.map_err(Refusal::from)?.event)
    }

    /// Checks an event against what is in force, gives it its place in the log, and applies it; then waits until
    /// it is durable, and signs the log. The same checks run when it is read back.
    fn record(&self, event: Event) -> Result<LeafIndex, ConsumerError> {
        let is_waited_for = matches!(event, Event::Consumer(ConsumerEvent::Requested { .. }));
        let (index, ()) = self.record_by(|_, _| Ok::<_, ConsumerError>((event, ())))?;
        // Its answer is recorded soon, and signed then.
        if !is_waited_for {
            self.sign_covering(index)?;
        }
        Ok(index)
    }

    /// The same for an event that is made of what is in force in the moment in which it gets its place; not signed yet.
    fn record_by<T, E: From<ConsumerError>>(
        &self,
        make: impl FnOnce(&ConsumerState, UnixMillis) -> Result<(Event, T), E>,
    ) -> Result<(LeafIndex, T), E> {
        let inner = &*self.inner;
        let room = inner.log.room().map_err(unwritten)?;
        let (pending, told) = {
            let mut state = inner.state.lock();
            let now = self.about_now()?;
            let (event, told) = make(&state, now)?;
            let record = Record::new(now, event);
            let encoded = EncodedRecord::try_from(&record).map_err(AppendError::from);
            let encoded = encoded.map_err(unwritten)?;
            let change = match state.check(record) {
                Ok(change) => change,
                Err(refusal) => {
                    drop(state);
                    // What it rests on may not be durable yet.
                    inner.log.flush().map_err(unwritten)?;
                    return Err(ConsumerError::from(refusal).into());
                }
            };
            let pending = room.submit(&encoded).map_err(unwritten)?;
            state.apply(change, pending.index());
            (pending, told)
        };
        Ok((pending.wait().map_err(unwritten)?.index(), told))
    }

    /// The same for what may be in force already; then false.
    fn record_once(&self, event: Event) -> Result<bool, ConsumerError> {
        match self.record(event) {
            Ok(_) => Ok(true),
            Err(ConsumerError::Refused(Refusal::AlreadyInForce)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn sign_covering(&self, index: LeafIndex) -> Result<(), ConsumerError> {
        let mut signed = self.inner.signed.lock();
        if *signed <= index.as_u64() {
            let checkpoint = self.inner.log.checkpoint(&self.inner.keys.log);
            *signed = checkpoint.map_err(ConsumerError::Unsigned)?.size().as_u64();
        }
        Ok(())
    }
}

impl fmt::Debug for ConsumerNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerNode").field("consumer", self.consumer()).finish_non_exhaustive()
    }
}
