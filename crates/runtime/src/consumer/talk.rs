//! A consumer's calls to providers, over any transport.

use dataspace_identity::{Did, KeyDocument, MembershipCredential, Origin};
use dataspace_ledger::{Refusal, consumer::KeptOffer};
use dataspace_primitives::{Digest, Name, Signed};
use dataspace_tlog::{Checkpoint, Event, Record, tree::ConsistencyProof, witness::TakeError};
use dataspace_usage_contract::{
    ContractId, DeletionStatement, OfferId, SpaceProfile, Termination, profile::ProfileError,
};
use serde_bytes::ByteBuf;

use crate::consumer::ConsumerNode;
use crate::consumer::began::{begin, is_lost, nothing};
use crate::consumer::complaint::Complaint;
use crate::consumer::error::ConsumerError;
use crate::consumer::incoming::{Before, Reply};
use crate::error::with_causes;
use crate::exchange::message::{
    AccessCall, Catalogue, CatalogueCall, ConcludeCall, Consistency, ConsistencyCall, body,
    read_answer, read_whole,
};
use crate::exchange::{Call, CallError, MessageError, Transport};
use crate::request::NewRequest;

/// Most open offers of one provider that are kept.
const OFFERS_MAX: usize = 10_000;
/// Most checkpoints of one log that wait for a proof.
const UNPROVED_MAX: usize = 64;

/// The profile that a provider's catalogue shows, to make a consumer's node with: it is believed only with the
/// authority's signature, which [`ConsumerSetup::create`](crate::ConsumerSetup::create) checks.
///
/// # Errors
/// [`ConsumerError`] if the provider does not answer.
pub fn fetch_profile(provider: &dyn Transport) -> Result<Signed<SpaceProfile>, ConsumerError> {
    Ok(signed(page(provider, None)?.profile)?)
}

fn page(provider: &dyn Transport, after: Option<OfferId>) -> Result<Catalogue, ConsumerError> {
    let call = provider.call(Call::Catalogue, body(&CatalogueCall { after })?)?;
    Ok(read_answer(call)?)
}

fn signed<T: dataspace_primitives::Payload>(document: ByteBuf) -> Result<Signed<T>, MessageError> {
    read_signed(document.into_vec())
}

fn read_signed<T: dataspace_primitives::Payload>(
    document: Vec<u8>,
) -> Result<Signed<T>, MessageError> {
    let malformed = MessageError::Malformed { what: "a document in it is none" };
    Signed::from_bytes(document).map_err(|_| malformed)
}

impl ConsumerNode {
    /// Reads a provider's catalogue: takes a newer profile, the provider's credential and keys, and keeps all
    /// offers to this consumer or to everybody, at most 10,000. Returns those that are new here; all are in
    /// [`list_offers`](Self::list_offers). Whether this consumer is a member, the provider says when it concludes.
    ///
    /// # Errors
    /// [`ConsumerError`] if the provider does not answer, or is not a member of this space. Offers that cannot
    /// be accepted are left out.
    pub fn read_catalogue(&self, provider: &dyn Transport) -> Result<Vec<OfferId>, ConsumerError> {
        let (mut after, mut new, mut room, mut seen) = (None, Vec::new(), None, 0_usize);
        loop {
            let Catalogue { profile, provider: credential, keys, offers, next } =
                page(provider, after)?;
            let mut left = match room {
                Some(left) => left,
                None => self.room_for(&self.take_provider(profile, credential, keys)?)?,
            };
            // Only the last page is empty.
            let is_last = offers.is_empty();
            seen = seen.saturating_add(offers.len());
            if seen > OFFERS_MAX {
                return Err(ConsumerError::CatalogueLen { max: OFFERS_MAX });
            }
            for offer in offers {
                match self.keep_new(&signed(offer)?) {
                    Ok((id, true)) => {
                        new.push(id);
                        left -= 1;
                    }
                    Ok((_, false)) | Err(ConsumerError::Refused(_)) => {}
                    Err(error) => return Err(error),
                }
                if left == 0 {
                    return Err(ConsumerError::CatalogueLen { max: OFFERS_MAX });
                }
            }
            room = Some(left);
            match next {
                // A provider that goes round in circles is left.
                Some(next) if !is_last && after.is_none_or(|after| after < next) => {
                    after = Some(next);
                }
                _ => return Ok(new),
            }
        }
    }

    /// How many more offers of a provider are kept.
    fn room_for(&self, provider: &Did) -> Result<usize, ConsumerError> {
        let now = self.about_now()?;
        let state = self.inner.state.lock();
        let open = |offer: &KeptOffer| offer.provider == *provider && now < offer.expires_at;
        let kept = state.offers(None).filter(|(_, offer)| open(offer)).count();
        let room = OFFERS_MAX.checked_sub(kept).filter(|room| *room > 0);
        room.ok_or(ConsumerError::CatalogueLen { max: OFFERS_MAX })
    }

    fn take_provider(
        &self,
        profile: ByteBuf,
        credential: ByteBuf,
        keys: Vec<ByteBuf>,
    ) -> Result<Did, ConsumerError> {
        let _is_new = ignore_older(self.publish(&signed::<SpaceProfile>(profile)?))?;
        let credential = signed::<MembershipCredential>(credential)?;
        let _is_new = ignore_older(self.admit(&credential))?;
        let anchors = self.inner.state.lock().space().anchors().clone();
        let admitted = anchors.admit(credential, self.about_now()?).map_err(Refusal::from)?;
        for keys in keys {
            // Those that are known are refused, and so is a gap: then signatures do not verify.
            match self.record_keys(&signed::<KeyDocument>(keys)?) {
                Ok(()) | Err(ConsumerError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(admitted.did().clone())
    }

    /// Accepts an offer, has the provider conclude it, and holds the contract. May be called again if the
    /// answer was lost.
    ///
    /// # Errors
    /// [`ConsumerError`] if the provider refuses or cannot be reached; the acceptance is recorded here, and the
    /// contract may be in force.
    pub fn conclude(
        &self,
        provider: &dyn Transport,
        offer: OfferId,
    ) -> Result<ContractId, ConsumerError> {
        let acceptance = self.accept(offer)?;
        let accepted = self.inner.state.lock().offer(offer)?.accepted;
        let offer = ByteBuf::from(self.kept(offer)?.as_bytes());
        let acceptance = ByteBuf::from(acceptance.as_bytes());
        let call = body(&ConcludeCall { offer, acceptance })?;
        let agreement = read_whole(provider.call(Call::Conclude, call)?)?;
        let agreement = read_signed(agreement)?;
        let contract = self.hold(&agreement)?;
        if accepted.is_some_and(|(accepted, _)| accepted == contract) {
            Ok(contract)
        } else {
            Err(ConsumerError::OtherContract)
        }
    }

    /// Asks for one access, and gives the beginning of the answer. Request and answer are recorded.
    ///
    /// # Errors
    /// [`ConsumerError`] if the provider refuses or cannot be reached, which is recorded too. The use may be
    /// counted all the same: ask with a new request.
    pub fn access(
        &self,
        provider: &dyn Transport,
        contract: ContractId,
        new: NewRequest,
    ) -> Result<Reply, ConsumerError> {
        self.access_for(provider, contract, (new, None))
    }

    /// The same; sealed for this key, if there is one.
    pub(crate) fn access_for(
        &self,
        provider: &dyn Transport,
        contract: ContractId,
        (new, seal_for): (NewRequest, Option<[u8; 32]>),
    ) -> Result<Reply, ConsumerError> {
        let log = self.agreement(contract)?.value().log.clone();
        self.inner.seen.follow(&log)?;
        let (part, is_sealed) = (new.part.clone(), seal_for.is_some());
        let request = self.request_for(contract, (new, seal_for))?;
        let mut complaints = Vec::new();
        let answer = self.prove_now(provider, &log, &mut complaints).and_then(|()| {
            let held = self.inner.seen.latest(&log)?;
            let size = held.as_ref().map(Checkpoint::size).unwrap_or_default();
            let call = AccessCall { request: ByteBuf::from(request.as_bytes()), held: size };
            let (began, is_resumed) = match begin(provider, Call::Access, body(&call)?) {
                // The decision may be made, and only its answer lost: then nothing more is counted.
                Err(error) if is_lost(&error) && !is_sealed => {
                    let again = self.begin_after(
                        provider,
                        (Digest::of(request.as_bytes()), &log),
                        nothing(),
                        size,
                    );
                    (again.map_err(|_| error)?, true)
                }
                began => (began?, false),
            };
            Ok((began, is_resumed, held))
        });
        match answer {
            Ok((began, is_resumed, held)) => {
                let reading = None;
                let before = Before { part, is_sealed, is_resumed, reading, held, complaints };
                self.receive(&request, before, began)
            }
            Err(error) => {
                self.unanswered(&request, with_causes(&error), &complaints)?;
                Err(error)
            }
        }
    }

    /// Keeps a checkpoint that came beside another one, until [`prove_now`](Self::prove_now). False if there are
    /// too many.
    pub(super) fn prove_later(&self, new: &Checkpoint) -> bool {
        let mut unproved = self.inner.unproved.lock();
        let of_log = unproved.iter().filter(|one| one.origin() == new.origin()).count();
        let has_room = of_log < UNPROVED_MAX;
        if has_room {
            unproved.push(new.clone());
        }
        has_room
    }

    /// Has the provider prove that all checkpoints that came beside others are of one history.
    fn prove_now(
        &self,
        provider: &dyn Transport,
        log: &Origin,
        complaints: &mut Vec<Complaint>,
    ) -> Result<(), ConsumerError> {
        loop {
            let first = self.inner.unproved.lock().iter().find(|one| one.origin() == log).cloned();
            let Some(one) = first else { return Ok(()) };
            let Some(held) = self.inner.seen.latest(log)? else { return Ok(()) };
            let is_earlier = one.size() <= held.size();
            let (earlier, later) = if is_earlier { (&one, &held) } else { (&held, &one) };
            let (from, to) = (earlier.size(), later.size());
            let asked = provider.call(Call::Consistency, body(&ConsistencyCall { from, to })?);
            let path = match asked {
                Ok(answer) => read_answer(answer).map(|Consistency { path }| path),
                Err(CallError::Refused { .. }) => Ok(Vec::new()),
                // It waits for the next time.
                Err(error) => return Err(error.into()),
            };
            let path = path.unwrap_or_default();
            let proof = ConsistencyProof { from, to, path: path.clone() };
            let is_proved = proof.verify(&earlier.root(), &later.root()).is_ok();
            // What is held only goes on from here, so what fits it now fits it then.
            if !(is_proved && is_earlier) {
                match self.inner.seen.take(&one, &path) {
                    Ok(_) => {}
                    // Another answer moved what is held on: it is proved once more, against that.
                    Err(TakeError::Unproved(_)) if is_proved => continue,
                    Err(TakeError::Fork(_)) => add(complaints, Complaint::Forked),
                    Err(TakeError::Unproved(_)) => add(complaints, Complaint::Unproved),
                    Err(error) => return Err(error.into()),
                }
            }
            let mut unproved = self.inner.unproved.lock();
            if let Some(at) = unproved.iter().position(|other| *other == one) {
                unproved.remove(at);
            }
        }
    }

    /// Ends a contract before its time, here and at the provider. May be called again if the provider was not
    /// reached.
    ///
    /// # Errors
    /// [`ConsumerError`] if the provider does not take it; it is recorded here.
    pub fn terminate(
        &self,
        provider: &dyn Transport,
        contract: ContractId,
        reason: Name,
    ) -> Result<(), ConsumerError> {
        let termination = match self.end_contract(contract, reason) {
            Err(ConsumerError::Refused(Refusal::AlreadyTerminated { .. })) => {
                self.last_termination(contract)?
            }
            ended => ended?,
        };
        let answer = provider.call(Call::Terminate, termination.as_bytes().to_vec())?;
        read_whole(answer)?;
        Ok(())
    }

    /// Gives a provider the [statement](Self::deletion) that the keys of a contract's sealed files are deleted. May be
    /// called again if the provider was not reached.
    ///
    /// # Errors
    /// [`ConsumerError`] if nothing was deleted here, or the provider does not take it.
    pub fn tell_deletion(
        &self,
        provider: &dyn Transport,
        contract: ContractId,
    ) -> Result<(), ConsumerError> {
        let statement = self.deletion(contract)?.ok_or(ConsumerError::NotDeleted { contract })?;
        read_whole(provider.call(Call::Delete, statement.as_bytes().to_vec())?)?;
        Ok(())
    }

    /// This consumer's statement that the keys of a contract's sealed files are deleted; `None` if they are not.
    ///
    /// # Errors
    /// [`ConsumerError`] if the contract is not held here, or the log cannot be read.
    pub fn deletion(
        &self,
        contract: ContractId,
    ) -> Result<Option<Signed<DeletionStatement>>, ConsumerError> {
        let Some(index) = self.inner.state.lock().contract(contract)?.deleted else {
            return Ok(None);
        };
        match self.event(index)? {
            Event::Deleted { document, .. } => super::signed(document).map(Some),
            _ => Err(Refusal::Mismatch.into()),
        }
    }

    /// The statement that ended a contract, which is in this node's log.
    fn last_termination(&self, ended: ContractId) -> Result<Signed<Termination>, ConsumerError> {
        let held = self.inner.state.lock().contract(ended)?.clone();
        let mut found = None;
        self.inner.log.replay_from(held.index, |_, bytes| {
            let record = Record::from_bytes(bytes).map_err(Refusal::from)?;
            if let Event::Terminated { contract, document } = record.event
                && contract == *ended.as_digest()
            {
                found = Some(document);
            }
            Ok::<_, ConsumerError>(())
        })?;
        super::signed(found.ok_or(Refusal::Mismatch)?)
    }
}

fn add(complaints: &mut Vec<Complaint>, complaint: Complaint) {
    if !complaints.contains(&complaint) {
        complaints.push(complaint);
    }
}

/// What is older than what is in force here changes nothing.
fn ignore_older(changed: Result<bool, ConsumerError>) -> Result<bool, ConsumerError> {
    match changed {
        Err(ConsumerError::Refused(
            Refusal::OlderCredential { .. } | Refusal::Profile(ProfileError::Version { .. }),
        )) => Ok(false),
        changed => changed,
    }
}
