//! The paved path: one provider's node in a data space.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dataspace_audit_log::{
    AppendError, ArchiveError, Checkpoint, EncodedRecord, LeafIndex, Log, Record, Recovery, Room,
    SignCheckpointError,
};
use dataspace_data_plane::Table;
use dataspace_identity::{
    Did, MembershipCredential, MembershipRevocation, SecretKey, TrustAnchors,
};
use dataspace_policy::Terms;
use dataspace_primitives::{Name, Signed, UnixMillis, Validity, Verified};
use dataspace_usage_contract::{
    Acceptance, AccessRequest, AgreeError, Agreement, ContractId, Offer, ProviderPolicies,
    PublishedPolicies, PublishedProfile, SpaceProfile, Termination, contract_id,
};
use parking_lot::Mutex;
use thiserror::Error;

use crate::access::error::AccessError;
use crate::clock::{ClockError, SteadyClock};
use crate::gate::Gate;
use crate::index::{Index, IndexError, IndexState};
use crate::monitor::Monitor;
use crate::permit::{Decision, Denial, NotSubmitted, Permit, Recorded, Submitted};
use crate::release::Release;
use crate::state::change::Change;
use crate::state::check::claimed_contract;
use crate::state::error::{ChangeError, WriteError};
use crate::state::in_force::State;

/// One provider's node: its contracts, its products and its log, in one directory. Cheap to
/// clone; all clones are the same node.
#[derive(Clone)]
pub struct DataSpace {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) key: SecretKey,
    pub(crate) clock: SteadyClock,
    pub(crate) log: Log,
    pub(crate) gate: Gate,
    pub(crate) opened: Option<Opened>,
    pub(crate) index: Index,
    /// Records after which a checkpoint is signed.
    pub(crate) checkpoint_every: u64,
    /// Releases that one contract may have open.
    pub(crate) open_max: u32,
    /// Whom a node of this space believes.
    pub(crate) anchors: TrustAnchors,
    /// Held by whoever signs.
    pub(crate) signing: Mutex<()>,
    /// Records under the last checkpoint that was signed since the node was opened.
    pub(crate) signed: AtomicU64,
    /// Records that this node knows to be in the log.
    pub(crate) recorded: AtomicU64,
}

/// What opening found.
pub(crate) struct Opened {
    pub(crate) recovery: Recovery,
    pub(crate) index: IndexState,
    /// Records in the log once the opening was recorded.
    pub(crate) size: u64,
}

/// What a provider wants to offer; the node adds the space, itself and the product's class.
#[derive(Clone, Debug)]
pub struct NewOffer {
    /// A registered product.
    pub product: Name,
    /// To whom alone; `None` to every participant.
    pub consumer: Option<Did>,
    /// What is permitted, forbidden and done.
    pub terms: Terms,
    /// When the contract would run: half-open.
    pub validity: Validity,
    /// First instant at which the offer can no longer be accepted.
    pub expires_at: UnixMillis,
}

/// What became of a change that is in force now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was recorded, and is in force from now on.
    Now,
    /// It was in force before, all of it, and so was not recorded again.
    AlreadyInForce,
}

/// The answer to one access.
#[must_use]
pub enum Access {
    /// Permitted and recorded: the data.
    Released(Release),
    /// Denied and recorded: the reasons.
    Denied(Recorded<Denial<'static>>),
}

/// Why records are not archived.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeArchiveError {
    /// The clock is wrong.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// Without an index that covers them, the node could not be opened again.
    #[error("the index that would stand for the records cannot be written")]
    Index(#[from] Arc<IndexError>),
    /// The log refuses.
    #[error(transparent)]
    Log(#[from] ArchiveError),
}

/// A decision on its way to the disk.
enum Submission {
    Permit(Submitted<Permit<'static>>),
    Denial(Submitted<Denial<'static>>),
}

impl DataSpace {
    /// The provider whose node this is.
    #[must_use]
    pub fn provider(&self) -> &Did {
        self.inner.key.did()
    }

    /// The time by which this node decides.
    ///
    /// # Errors
    /// [`crate::ClockError`] if the clock was set back.
    pub fn now(&self) -> Result<UnixMillis, ClockError> {
        self.inner.clock.now()
    }

    /// The log: to read, prove and hold against outside checkpoints.
    ///
    /// To archive its beginning, use [`DataSpace::archive`]: without an index that covers them, a
    /// node cannot be opened once records are gone.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.inner.log
    }

    /// What opening the log found; `None` for a node that was just founded.
    #[must_use]
    pub fn recovery(&self) -> Option<&Recovery> {
        self.inner.opened.as_ref().map(|opened| &opened.recovery)
    }

    /// Whether the node was opened by its index, and if not, why; `None` for a node that was just
    /// founded.
    #[must_use]
    pub fn index_state(&self) -> Option<&IndexState> {
        self.inner.opened.as_ref().map(|opened| &opened.index)
    }

    /// Why the index could not be written the last time; `None` if it could. Accesses go on, and
    /// the next attempt is made after some thousand records or at close; until then opening the
    /// node would read more of the log.
    #[must_use]
    pub fn index_error(&self) -> Option<Arc<IndexError>> {
        self.inner.index.error()
    }

    /// Writes the index now: opening the node then reads no record before this. Done by itself from
    /// time to time, and at close.
    ///
    /// # Errors
    /// [`IndexError`]. The log has everything all the same.
    pub fn write_index(&self) -> Result<(), Arc<IndexError>> {
        self.inner.index.write(None, &self.inner.log, &self.inner.key)
    }

    /// Closes the node, if this is its last clone: waits for what was submitted, signs the log, and
    /// writes the index, so that the next opening reads nothing before this. Gives the checkpoint, which
    /// covers every decision that anybody was told of: give it to others.
    ///
    /// Dropping does the same, as well as that is possible, and tells nobody.
    ///
    /// # Errors
    /// [`WriteError`] if the log cannot be signed. That the index cannot be written is no error: opening
    /// the node then reads more of the log.
    pub fn close(self) -> Result<Checkpoint, WriteError> {
        self.inner.log.flush()?;
        let checkpoint = self.checkpoint()?;
        let _the_log_is_enough = self.write_index();
        Ok(checkpoint)
    }

    /// Removes the log's segments of which all records come before `before`, as [`Log::archive`],
    /// after the index was written: from then on the node cannot be opened without it, unless the
    /// segments are restored. Keep copies of them.
    ///
    /// # Errors
    /// [`NodeArchiveError`]; nothing is removed without an index.
    pub fn archive(&self, before: LeafIndex) -> Result<LeafIndex, NodeArchiveError> {
        let now = self.now()?;
        self.write_index()?;
        Ok(self.inner.log.archive(before, now, &self.inner.key)?)
    }

    /// Puts a newer profile of the authority in force, for running contracts too.
    ///
    /// # Errors
    /// [`ChangeError`] if it is not the authority's, not newer, or not acceptable.
    pub fn publish(&self, profile: Signed<SpaceProfile>) -> Result<Applied, ChangeError> {
        let profile =
            PublishedProfile::publish(profile, self.inner.anchors.authority(), self.about_now()?)?;
        self.change_once(|state, _now| state.check_published(profile))
    }

    /// Admits a participant by the authority's credential, which also renews a membership. The newest
    /// credential counts, whatever the order in which they come.
    ///
    /// # Errors
    /// [`ChangeError`] if the credential is not acceptable in this space, was revoked, or is older
    /// than the one in force.
    pub fn admit(&self, credential: Signed<MembershipCredential>) -> Result<Applied, ChangeError> {
        let admitted = self.inner.anchors.admit(credential, self.about_now()?)?;
        self.change_once(|state, now| state.check_admitted(admitted, now))
    }

    /// Ends a membership. From the moment this returns, nothing more is released to the
    /// participant by a credential that was issued up to the revocation; running releases stop before
    /// their next batch. It is kept for credentials that come later, too, and for participants that
    /// nobody here has heard of.
    ///
    /// # Errors
    /// [`ChangeError`] if it is not the authority's.
    pub fn revoke(&self, revocation: Signed<MembershipRevocation>) -> Result<Applied, ChangeError> {
        let revocation = self.inner.anchors.check_revocation(revocation, self.about_now()?)?;
        self.change_once(|state, _now| state.check_revoked(revocation))
    }

    /// Registers a product and attaches its table; after opening a node, attaches it again.
    ///
    /// # Errors
    /// [`ChangeError`] if the space has no such class, or the product was registered with other
    /// columns.
    pub fn register(&self, product: Name, class: Name, table: Table) -> Result<(), ChangeError> {
        let descriptor = table.descriptor_digest();
        let known = {
            let state = self.inner.gate.enter();
            state.check_product(product.clone(), class.clone(), descriptor)?;
            state.products.contains_key(&product)
        };
        if !known {
            let id = product.clone();
            self.change(|state, _now| state.check_product(id, class, descriptor))?;
        }
        let mut state = self.inner.gate.change()?;
        state.tables.insert(product, Arc::new(table));
        Ok(())
    }

    /// Signs an offer, after checking that its terms can be carried out here.
    ///
    /// # Errors
    /// [`ChangeError`] if they cannot.
    pub fn offer(&self, new: NewOffer) -> Result<Signed<Offer>, ChangeError> {
        let state = self.inner.gate.enter();
        let product = state.products.get(&new.product);
        let product =
            product.ok_or(ChangeError::UnknownProduct { product: new.product.clone() })?;
        let offer = Offer {
            space: state.anchors.space().clone(),
            log: self.inner.log.origin().clone(),
            provider: self.provider().clone(),
            consumer: new.consumer,
            product_class: product.class.clone(),
            product: new.product,
            terms: new.terms,
            validity: new.validity,
            expires_at: new.expires_at,
        };
        let Offer { product, product_class, terms, .. } = &offer;
        state.check_contract_terms(product, product_class, terms)?;
        state.check_offered(terms)?;
        Ok(offer.sign(&self.inner.key)?)
    }

    /// Countersigns an accepted offer: from now on the contract is in force.
    ///
    /// # Errors
    /// [`ChangeError`] if offer and acceptance do not fit, the consumer is not a member, or it
    /// accepted the offer before. After [`ChangeError::Unsigned`] the contract is in force: see
    /// [`DataSpace::agreement`], with the identifier in the acceptance.
    pub fn conclude(
        &self,
        offer: Signed<Offer>,
        acceptance: Signed<Acceptance>,
    ) -> Result<Verified<Agreement>, ChangeError> {
        // WHY in this order: whoever has a copy of an offer can send acceptances. They cost two
        // signatures, and only a member's that is new is compiled, outside of every lock.
        let now = self.about_now()?;
        let keys = Did::claimed_keys(&acceptance).map_err(AgreeError::from)?;
        let acceptance = acceptance.verify(&keys, now)?;
        let offer = Offer::verify_signature(offer, self.provider(), now)?;
        let compiler = {
            let state = self.inner.gate.enter();
            state.check_place(&offer.value().space, &offer.value().log)?;
            let Acceptance { offer: accepted, consumer, .. } = acceptance.value();
            state.check_parties(*accepted, (self.provider(), consumer), now)?;
            state.programs.compiler().clone()
        };
        let parties = (&self.inner.key, &acceptance);
        let concluded = Agreement::conclude_with(&offer, parties, now, &compiler)?;
        let agreement = concluded.0.clone();
        self.change(|state, now| {
            let expires_at = offer.value().expires_at;
            if now >= expires_at {
                let offer = agreement.value().offer;
                return Err(AgreeError::Expired { offer, expires_at, now }.into());
            }
            let change = state.check_agreement(concluded, now)?;
            state.check_offered(&offer.value().terms)?;
            Ok(change)
        })?;
        Ok(agreement)
    }

    /// Ends a contract before its time, by the signed statement of either party.
    ///
    /// # Errors
    /// [`ChangeError`] if it is nobody's contract here, or neither party's statement.
    pub fn terminate(&self, termination: Signed<Termination>) -> Result<(), ChangeError> {
        let now = self.about_now()?;
        let id = claimed_contract(&termination, now)?;
        let contract = Arc::clone(self.inner.gate.enter().contract(id)?);
        let termination = Termination::verify(termination, &contract.agreement, now)?;
        self.change(|state, _now| state.check_ended(termination))
    }

    /// As the provider: ends a contract before its time.
    ///
    /// # Errors
    /// [`ChangeError`] as for [`DataSpace::terminate`].
    pub fn end_contract(&self, contract: ContractId, reason: Name) -> Result<(), ChangeError> {
        let declared_at = self.now().map_err(WriteError::from)?;
        let by = self.provider().clone();
        let termination = Termination { contract, by, declared_at, reason };
        self.terminate(Signed::sign(&termination, &self.inner.key)?)
    }

    /// Puts the provider's own policies in force, in place of those before: Cedar text in which
    /// each policy has an `@id` and forbids, whatever contracts permit. Running releases stop
    /// before their next batch if they are forbidden now. An empty text takes the policies back.
    ///
    /// # Errors
    /// [`ChangeError`] if the text is not acceptable; the policies before it stay in force.
    pub fn set_policies(&self, cedar: &str) -> Result<(), ChangeError> {
        loop {
            let now = self.about_now()?;
            let (profile, own) = {
                let state = self.inner.gate.enter();
                (Arc::clone(&state.profile), state.own.clone())
            };
            let (space, log) = (self.inner.anchors.space(), self.inner.log.origin());
            let statement = ProviderPolicies {
                space: space.clone(),
                log: log.clone(),
                version: PublishedPolicies::next_version(own.as_deref()),
                cedar: cedar.trim().to_owned(),
            };
            let statement = Signed::sign(&statement, &self.inner.key)?;
            let names = profile.profile().vocabulary();
            let policies =
                PublishedPolicies::publish(statement, (space, log), &names, own.as_deref(), now)?;
            let made = self.change(|state, _now| {
                // Checked against a profile or a version that is not in force any more.
                let is_same = Arc::ptr_eq(&state.profile, &profile)
                    && state.own.as_ref().map(Arc::as_ptr) == own.as_ref().map(Arc::as_ptr);
                is_same.then(|| Change::Policies(Box::new(policies))).ok_or(ChangeError::Outdated)
            });
            match made {
                Err(ChangeError::Outdated) => {}
                made => return made,
            }
        }
    }

    /// The provider's own policies that are in force, as Cedar text; empty if there are none.
    #[must_use]
    pub fn policies(&self) -> String {
        let state = self.inner.gate.enter();
        state.own.as_ref().map(|own| own.statement().cedar.clone()).unwrap_or_default()
    }

    /// One access, all the way: receive, decide, record, release. No lock is held while it waits for the
    /// disk.
    ///
    /// # Errors
    /// [`AccessError`] if there is no decision. Without a durable record there is no data and no
    /// denial either.
    pub fn access(&self, request: Signed<AccessRequest>) -> Result<Access, AccessError> {
        self.inner.write_index_if_due();
        let request = self.verify_request(request)?;
        match self.submit(request, self.inner.log.room()?)? {
            Submission::Permit(permit) => Ok(Access::Released(permit.wait()?.release())),
            Submission::Denial(denial) => Ok(Access::Denied(denial.wait()?)),
        }
    }

    /// As [`access`](Self::access), for a task of any executor, which runs others while this one waits
    /// for the disk. Once the decision has its place in the log, the use is taken, whether the future
    /// is polled to its end or not.
    ///
    /// # Errors
    /// [`AccessError`] as there.
    pub async fn access_async(
        &self,
        request: Signed<AccessRequest>,
    ) -> Result<Access, AccessError> {
        self.inner.write_index_if_due();
        let request = self.verify_request(request)?;
        let room = self.inner.log.room_async().await?;
        match self.submit(request, room)? {
            Submission::Permit(permit) => {
                Ok(Access::Released(permit.wait_async().await?.release()))
            }
            Submission::Denial(denial) => Ok(Access::Denied(denial.wait_async().await?)),
        }
    }

    /// Decides in one pass, with room that was taken before it.
    fn submit(
        &self,
        request: Verified<AccessRequest>,
        room: Room<'_>,
    ) -> Result<Submission, AccessError> {
        let (monitor, mut room) = (self.inner.enter(), Some(room));
        let mut received = monitor.receive(request)?;
        loop {
            let submitted = match received.decide()? {
                Decision::Permit(permit) => permit.submit_in(&mut room).map(Submission::Permit),
                Decision::Denial(denial) => denial.submit_in(&mut room).map(Submission::Denial),
            };
            received = match submitted {
                Ok(submitted) => return Ok(submitted),
                Err(NotSubmitted::Conflict(conflict)) => monitor.again(conflict)?,
                Err(NotSubmitted::Failed(error)) => return Err(error),
            };
        }
    }

    /// Checks the signature of a request, for [`Monitor::receive`]: outside of the pass, since it takes
    /// most of the time of a decision.
    ///
    /// # Errors
    /// [`AccessError`] if nobody signed it, or it is malformed.
    pub fn verify_request(
        &self,
        request: Signed<AccessRequest>,
    ) -> Result<Verified<AccessRequest>, AccessError> {
        self.inner.verify_request(request)
    }

    /// Enters the monitor, to take the steps of an access one by one. Writes the index before, if it
    /// is due.
    ///
    /// Changes (admissions, contracts, terminations, profiles) wait until it is dropped; the thread
    /// that has it gets [`ChangeError::InsidePass`] for one. Whatever only reads goes on meanwhile.
    #[must_use]
    pub fn enter(&self) -> Monitor<'_> {
        self.inner.write_index_if_due();
        self.inner.enter()
    }

    /// Signs the log as it is. Give the checkpoint to others: only a checkpoint that somebody else
    /// holds shows a rollback.
    ///
    /// # Errors
    /// [`WriteError`] if the log cannot be signed.
    pub fn checkpoint(&self) -> Result<Checkpoint, WriteError> {
        self.inner.checkpoint()
    }

    /// The agreement of a contract.
    #[must_use]
    pub fn agreement(&self, contract: ContractId) -> Option<Verified<Agreement>> {
        let state = self.inner.gate.enter();
        state.contracts.get(&contract).map(|contract| contract.agreement.clone())
    }

    /// Identifiers of all contracts, in no order.
    #[must_use]
    pub fn contracts(&self) -> Vec<ContractId> {
        let state = self.inner.gate.enter();
        state.contracts.values().map(|contract| contract_id(&contract.agreement)).collect()
    }

    /// Contracts whose Cedar text another version of the compiler wrote, with the version, in the
    /// order in which they were concluded. The text decides; that it says what the clauses say was
    /// checked when it was signed, and cannot be checked here.
    #[must_use]
    pub fn compiled_elsewhere(&self) -> Vec<(ContractId, u32)> {
        let state = self.inner.gate.enter();
        let contracts = state.contracts.values();
        let mut elsewhere: Vec<_> = contracts
            .filter_map(|one| {
                let compiler = one.agreement.value().compiled_elsewhere()?;
                Some((one.index, (one.id, compiler)))
            })
            .collect();
        elsewhere.sort_by_key(|(index, _)| *index);
        elsewhere.into_iter().map(|(_, one)| one).collect()
    }

    /// Uses that were made of a contract, and its limit.
    #[must_use]
    pub fn uses(&self, contract: ContractId) -> Option<(u64, Option<u64>)> {
        let state = self.inner.gate.enter();
        let quota = state.contracts.get(&contract)?.quota();
        Some((quota.used(), quota.limit()))
    }

    /// The time at which documents are verified, before a change has a time of its own.
    fn about_now(&self) -> Result<UnixMillis, ChangeError> {
        Ok(self.now().map_err(WriteError::from)?)
    }

    /// Puts a change in force, in the moment in which it gets its place in the log: one after the other,
    /// and none while an access is between decision and log. Then waits, without a lock, until it is
    /// durable and signed: whatever is decided on it meanwhile stands behind it in the log, and so is
    /// not durable before it.
    fn change(
        &self,
        check: impl FnOnce(&State, UnixMillis) -> Result<Change, ChangeError>,
    ) -> Result<(), ChangeError> {
        self.inner.write_index_if_due();
        let room = self.inner.log.room().map_err(WriteError::from)?;
        let pending = {
            let mut state = self.inner.gate.change()?;
            let now = self.inner.clock.now().map_err(WriteError::from)?;
            let change = check(&state, now)?;
            let record = EncodedRecord::try_from(&Record::new(now, change.to_event()));
            let record = record.map_err(AppendError::from).map_err(WriteError::from)?;
            let pending = room.submit(&record).map_err(WriteError::from)?;
            state.apply(change, pending.index());
            pending
        };
        let appended = pending.wait().map_err(WriteError::from)?;
        // WHY not as a `WriteError`: nobody may take it for a change that was not made.
        self.inner.sign_covering(appended.index()).map_err(ChangeError::Unsigned)
    }

    /// The same for a change that may be in force already; durable it is when this returns.
    fn change_once(
        &self,
        check: impl FnOnce(&State, UnixMillis) -> Result<Change, ChangeError>,
    ) -> Result<Applied, ChangeError> {
        match self.change(check) {
            Err(ChangeError::AlreadyInForce) => {
                self.inner.log.flush().map_err(WriteError::from)?;
                Ok(Applied::AlreadyInForce)
            }
            changed => changed.map(|()| Applied::Now),
        }
    }
}

impl Inner {
    fn checkpoint(&self) -> Result<Checkpoint, WriteError> {
        Ok(self.signed_checkpoint()?)
    }

    fn signed_checkpoint(&self) -> Result<Checkpoint, SignCheckpointError> {
        let checkpoint = self.log.checkpoint(&self.key)?;
        self.signed.fetch_max(checkpoint.size().as_u64(), Ordering::AcqRel);
        Ok(checkpoint)
    }

    /// Signs the log with the record at `index` in it, unless somebody has meanwhile. Whoever waits here
    /// for another one is likely to be in its checkpoint.
    fn sign_covering(&self, index: LeafIndex) -> Result<(), SignCheckpointError> {
        self.recorded.fetch_max(index.as_u64().saturating_add(1), Ordering::AcqRel);
        let _one_at_a_time = self.signing.lock();
        if self.signed.load(Ordering::Acquire) > index.as_u64() {
            return Ok(());
        }
        self.signed_checkpoint().map(drop)
    }

    /// Signs the log if enough records came since the last checkpoint: `size` is now.
    pub(crate) fn sign_if_due(&self, size: u64) {
        self.recorded.fetch_max(size, Ordering::AcqRel);
        let is_due =
            || size >= self.signed.load(Ordering::Acquire).saturating_add(self.checkpoint_every);
        // One thread signs, the others go on. If it fails, the record is durable all the same, and
        // the next ones try again.
        if is_due()
            && let Some(_one_at_a_time) = self.signing.try_lock()
            && is_due()
        {
            let _next_ones_try_again = self.checkpoint();
        }
    }

    /// Returns true if a log of `size` records has got no record since the node was opened, and few
    /// records stand behind its index: writing that, which reads all of its rows, can wait.
    fn is_untouched(&self, size: u64) -> bool {
        self.opened.as_ref().is_some_and(|opened| {
            let few = matches!(&opened.index, IndexState::Used { replayed, .. } if *replayed < 64);
            opened.size == size && few
        })
    }

    /// For a moment without locks.
    fn write_index_if_due(&self) {
        self.index.write_if_due(self.recorded.load(Ordering::Acquire), &self.log, &self.key);
    }
}

/// Signs what is not signed yet, and writes the index of it, as well as that is possible while
/// closing.
impl Drop for Inner {
    fn drop(&mut self) {
        let size = self.log.size().map_or(0, dataspace_audit_log::TreeSize::as_u64);
        if size > self.signed.load(Ordering::Acquire) {
            let _the_log_is_whole_without_it = self.checkpoint();
        }
        if !self.is_untouched(size) {
            let _the_log_is_enough = self.index.write(None, &self.log, &self.key);
        }
    }
}

impl fmt::Debug for DataSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSpace").field("provider", self.provider()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Released(release) => f.debug_tuple("Released").field(release).finish(),
            Self::Denied(denied) => f.debug_tuple("Denied").field(&denied.to_string()).finish(),
        }
    }
}
