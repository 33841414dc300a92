//! A consumer's calls to providers, over any transport.

use dataspace_identity::{KeyDocument, MembershipCredential};
use dataspace_ledger::Refusal;
use dataspace_primitives::{Name, Signed};
use dataspace_tlog::{Checkpoint, Event};
use dataspace_usage_contract::{
    ContractId, OfferId, SpaceProfile, Termination, profile::ProfileError,
};
use serde_bytes::ByteBuf;

use crate::consumer::ConsumerNode;
use crate::consumer::error::ConsumerError;
use crate::consumer::incoming::Reply;
use crate::error::with_causes;
use crate::exchange::message::{
    AccessCall, Catalogue, CatalogueCall, ConcludeCall, body, read_answer, read_whole,
};
use crate::exchange::{Call, MessageError, Transport};
use crate::request::NewRequest;

/// Most offers that are kept of one catalogue.
const CATALOGUE_MAX: usize = 10_000;

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
    Ok(Signed::from_bytes(document.into_vec())?)
}

impl ConsumerNode {
    /// Reads a provider's catalogue: takes a newer profile, the provider's credential and keys, and keeps all
    /// offers that this consumer can accept, at most 10,000. Returns those that are new here.
    ///
    /// # Errors
    /// [`ConsumerError`] if the provider does not answer, or is not a member of this space. Offers that cannot
    /// be accepted are left out.
    pub fn read_catalogue(&self, provider: &dyn Transport) -> Result<Vec<OfferId>, ConsumerError> {
        let (mut after, mut new, mut left) = (None, Vec::new(), CATALOGUE_MAX);
        loop {
            let Catalogue { profile, provider: credential, keys, offers, next } =
                page(provider, after)?;
            if after.is_none() {
                self.take_provider(profile, credential, keys)?;
            }
            for offer in offers {
                left = left
                    .checked_sub(1)
                    .ok_or(ConsumerError::CatalogueLen { max: CATALOGUE_MAX })?;
                match self.keep_new(&signed(offer)?) {
                    Ok((id, true)) => new.push(id),
                    Ok((_, false)) | Err(ConsumerError::Refused(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            match next {
                // A provider that goes round in circles is left.
                Some(next) if after.is_none_or(|after| after < next) => after = Some(next),
                _ => return Ok(new),
            }
        }
    }

    fn take_provider(
        &self,
        profile: ByteBuf,
        credential: ByteBuf,
        keys: Vec<ByteBuf>,
    ) -> Result<(), ConsumerError> {
        let _is_new = ignore_older(self.publish(&signed::<SpaceProfile>(profile)?))?;
        let credential = signed::<MembershipCredential>(credential)?;
        let _is_new = ignore_older(self.admit(&credential))?;
        for keys in keys {
            // Those that are known are refused, and so is a gap: then signatures do not verify.
            match self.record_keys(&signed::<KeyDocument>(keys)?) {
                Ok(()) | Err(ConsumerError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
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
        let agreement = Signed::from_bytes(agreement).map_err(MessageError::from)?;
        let contract = self.hold(&agreement)?;
        if accepted == Some(contract) { Ok(contract) } else { Err(ConsumerError::OtherContract) }
    }

    /// Asks for one access, and gives the beginning of the answer. Request and answer are recorded.
    ///
    /// # Errors
    /// [`ConsumerError`] if the provider refuses or cannot be reached, which is recorded too. If it was reached,
    /// the use may be counted all the same: ask with a new request.
    pub fn access(
        &self,
        provider: &dyn Transport,
        contract: ContractId,
        new: NewRequest,
    ) -> Result<Reply, ConsumerError> {
        let log = self.agreement(contract)?.value().log.clone();
        self.inner.seen.follow(&log)?;
        let held = self.inner.seen.latest(&log)?;
        let size = held.as_ref().map(Checkpoint::size).unwrap_or_default();
        let request = self.request(contract, new)?;
        let call = AccessCall { request: ByteBuf::from(request.as_bytes()), held: size };
        match provider.call(Call::Access, body(&call)?) {
            Ok(answer) => self.receive(&request, held, answer),
            Err(error) => {
                self.unanswered(&request, with_causes(&error))?;
                Err(error.into())
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

    /// The statement that ended a contract, which is in this node's log.
    fn last_termination(&self, ended: ContractId) -> Result<Signed<Termination>, ConsumerError> {
        let held = self.inner.state.lock().contract(ended)?.clone();
        let mut found = None;
        self.inner.log.replay_from(held.index, |_, bytes| {
            let record = dataspace_tlog::Record::from_bytes(bytes).map_err(Refusal::from)?;
            if let Event::Terminated { contract, document } = record.event
                && contract == *ended.as_digest()
            {
                found = Some(document);
            }
            Ok::<_, ConsumerError>(())
        })?;
        let document = found.ok_or(Refusal::Mismatch)?;
        Ok(signed(document)?)
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
