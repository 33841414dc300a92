//! The proofs that one access collects on its way. Each can only be made from the one before.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Weak};

use dataspace_audit_log::{Appended, Pending, Room, append::AppendError};
use dataspace_ledger::{DenialReason, facts, state::Contract};
use dataspace_tlog::{
    AccessRecord, Event, LeafIndex, Record, Verdict,
    record::{EncodedRecord, TEXTS_MAX},
};
use dataspace_usage_contract::ContractId;

use crate::access::asked::{Asked, Decided, Receipt};
use crate::access::error::{AccessError, in_words};
use crate::access::release::{Grant, Release};
use crate::node::Inner;
use crate::observer::{Decided as Observed, Observer};
use crate::throttle::Room as Throttled;

/// The contract permits, and nobody forbids. Cannot be cloned or made by hand, and lives no longer
/// than the pass through the monitor (`'m`) in which it was given, so that nothing it rests on can
/// change before it has its place in the log.
#[must_use = "a permit releases nothing until it is submitted and recorded"]
pub struct Permit<'m> {
    pub(crate) grant: Grant,
    pub(crate) pass: PhantomData<&'m ()>,
}

/// The access is denied, for these reasons. As a permit, it lives no longer than the pass in which
/// it was given, until it is submitted.
#[must_use = "a denial must be recorded"]
pub struct Denial<'m> {
    pub(crate) node: Weak<Inner>,
    pub(crate) decided: Box<Decided>,
    pub(crate) reasons: Vec<DenialReason>,
    pub(crate) pass: PhantomData<&'m ()>,
}

/// A decision that has its place in the log, behind everything that it rests on, and the use that it
/// takes; not durable yet. Leave the pass, and wait.
#[must_use = "the decision is in the log's queue; wait until it is durable"]
pub struct Submitted<D> {
    inner: D,
    node: Weak<Inner>,
    pending: Pending,
    told: Told,
}

/// The part of a decision that an observer is told.
struct Told {
    contract: ContractId,
    reasons: Vec<&'static str>,
}

impl Told {
    fn tell(&self, observer: &dyn Observer, index: Option<LeafIndex>) {
        let Self { contract, reasons } = self;
        observer.decided(&Observed { contract: *contract, index, reasons });
        if reasons.contains(&MISMATCH) {
            observer.mismatch(*contract);
        }
    }
}

/// The code of a denial by the check against Cedar.
const MISMATCH: &str = "mismatch";

/// A decision that is durable in the audit log. Only this opens the data.
#[must_use = "the decision is recorded; use it"]
pub struct Recorded<D> {
    pub(crate) inner: D,
    pub(crate) appended: Appended,
}

/// The decision on one access.
#[must_use]
pub enum Decision<'m> {
    /// Permitted.
    Permit(Permit<'m>),
    /// Denied.
    Denial(Denial<'m>),
}

/// Why a decision has no place in the log.
#[derive(Debug)]
pub enum NotSubmitted {
    /// Another access used the contract meanwhile, so that the decision may no longer be right.
    Conflict(Conflict),
    /// The log takes no record.
    Failed(AccessError),
}

/// The request of a decision that may no longer be right:
/// [`Monitor::again`](crate::Monitor::again) decides again.
pub struct Conflict {
    pub(crate) node: Weak<Inner>,
    pub(crate) asked: Box<Asked>,
}

impl Decided {
    fn record(&self, verdict: Verdict) -> Result<EncodedRecord, AccessError> {
        let contract = &self.asked.active.contract;
        let access = AccessRecord {
            contract: *contract.id().as_digest(),
            program: contract.program(),
            profile: self.profile.profile().version,
            request: self.asked.digest,
            part: self.asked.request.value().part.clone(),
            facts: self.recorded_facts(),
            verdict,
        };
        let record = EncodedRecord::try_from(&Record::new(self.now, Event::Access(access)));
        Ok(record.map_err(AppendError::from)?)
    }

    /// Gives the verdict its place in the log, if the counts are still those on which was decided: so
    /// the log has all uses in their order, and each decision on the uses before it.
    fn submit<D>(
        self: Box<Self>,
        (node, room): (Weak<Inner>, &mut Option<Room<'_>>),
        (verdict, reasons): (Verdict, Vec<&'static str>),
        decision: impl FnOnce(Weak<Inner>, Box<Self>) -> D,
    ) -> Result<Submitted<D>, NotSubmitted> {
        let open = node.upgrade().ok_or(AccessError::Closed)?;
        let takes = matches!(verdict, Verdict::Permit { .. });
        let record = self.record(verdict)?;
        let Self { asked: asked @ Asked { active, .. }, uses, now, .. } = &*self;
        let access = asked.usage();
        // WHY without room, where none is left: a change may wait for this pass, and others
        // with room for the change. There are no more of these than passes.
        let submitted =
            active.contract.submit(*uses, (takes, &access, *now), || match room.take() {
                Some(room) => room.submit(&record),
                None => open.log.submit_at_once(&record),
            });
        match submitted {
            Some(Ok(pending)) => {
                let told = Told { contract: active.contract.id(), reasons };
                let inner = decision(Weak::clone(&node), self);
                Ok(Submitted { inner, node, pending, told })
            }
            Some(Err(error)) => Err(AccessError::from(error).into()),
            None => Err(NotSubmitted::Conflict(Conflict::of(node, *self))),
        }
    }
}

/// Why several permits have no place in the log, as [`NotSubmitted`].
pub(crate) enum NoneSubmitted {
    Conflict(Vec<Conflict>),
    Failed(AccessError),
}

impl From<AccessError> for NotSubmitted {
    fn from(error: AccessError) -> Self {
        Self::Failed(error)
    }
}

impl Permit<'_> {
    /// The clauses that permit.
    #[must_use]
    pub fn clauses(&self) -> &[String] {
        &self.grant.clauses
    }

    /// Takes a use of the contract and gives the permit its place in the log, in one step. Waits for
    /// nothing.
    ///
    /// # Errors
    /// [`NotSubmitted::Conflict`] if the contract was used since the permit was given: decide again.
    pub fn submit(self) -> Result<Submitted<Permit<'static>>, NotSubmitted> {
        self.submit_in(&mut None)
    }

    pub(crate) fn submit_in(
        self,
        room: &mut Option<Room<'_>>,
    ) -> Result<Submitted<Permit<'static>>, NotSubmitted> {
        let verdict = self.grant.verdict();
        let Grant { node, decided, clauses, data } = self.grant;
        decided.submit((node, room), (verdict, Vec::new()), |node, decided| Permit {
            grant: Grant { node, decided, clauses, data },
            pass: PhantomData,
        })
    }
}

impl Permit<'_> {
    /// Gives all permits their places in the logs of their nodes, and takes a use of each contract, or of
    /// none. `rooms` are of nodes that are behind some of them.
    pub(crate) fn submit_all(
        permits: Vec<Self>,
        rooms: &mut Rooms<'_>,
    ) -> Result<Vec<Submitted<Permit<'static>>>, NoneSubmitted> {
        let mut records = Vec::with_capacity(permits.len());
        for Permit { grant, .. } in &permits {
            let open = grant.node.upgrade().ok_or(AccessError::Closed)?;
            records.push((open, grant.decided.record(grant.verdict())?));
        }
        let decided = permits.iter().map(|Permit { grant: Grant { decided, .. }, .. }| {
            let access = decided.asked.usage();
            (&*decided.asked.active.contract, decided.uses, access, decided.now)
        });
        let submitted = Contract::submit_all(&decided.collect::<Vec<_>>(), || {
            let submit = |(open, record): &(Arc<Inner>, EncodedRecord)| match rooms
                .get_mut(&Arc::as_ptr(open).addr())
                .and_then(Option::take)
            {
                Some(room) => room.submit(record),
                None => open.log.submit_at_once(record),
            };
            // WHY all of them: the uses are taken, and each log that takes records must have its own.
            let all: Vec<_> = records.iter().map(submit).collect();
            all.into_iter().collect::<Result<Vec<_>, _>>()
        });
        let grants = permits.into_iter().map(|permit| permit.grant);
        match submitted {
            Some(Ok(pending)) => {
                let submitted = grants.zip(pending).map(|(grant, pending)| Submitted {
                    node: Weak::clone(&grant.node),
                    told: Told {
                        contract: grant.decided.asked.active.contract.id(),
                        reasons: Vec::new(),
                    },
                    inner: Permit { grant, pass: PhantomData },
                    pending,
                });
                Ok(submitted.collect())
            }
            Some(Err(error)) => Err(AccessError::from(error).into()),
            None => Err(NoneSubmitted::Conflict(grants.map(Grant::into_conflict).collect())),
        }
    }

    /// The denial in its place, since another contract of the same access denies.
    pub(crate) fn into_denial(self) -> Denial<'static> {
        let Grant { node, decided, .. } = self.grant;
        Denial { node, decided, reasons: vec![DenialReason::Together], pass: PhantomData }
    }
}

/// Room in the logs of nodes, by their addresses.
pub(crate) type Rooms<'l> = BTreeMap<usize, Option<Room<'l>>>;

impl Grant {
    fn verdict(&self) -> Verdict {
        let terms = &self.decided.asked.active.document.agreement().value().terms;
        let uses = self.decided.uses.contract.saturating_add(1);
        Verdict::Permit { uses, duties: facts::duties(terms) }
    }

    pub(crate) fn into_conflict(self) -> Conflict {
        Conflict::of(self.node, *self.decided)
    }
}

impl Conflict {
    fn of(node: Weak<Inner>, decided: Decided) -> Self {
        Self { node, asked: Box::new(decided.asked) }
    }
}

impl From<AccessError> for NoneSubmitted {
    fn from(error: AccessError) -> Self {
        Self::Failed(error)
    }
}

impl Inner {
    /// Counts a denial instead of recording it, if its consumer was denied too often.
    fn check_denials(
        &self,
        decided: &Decided,
        reasons: &[DenialReason],
    ) -> Result<(), AccessError> {
        let per_minute = decided.profile.profile().parameters.denials_per_minute;
        let Asked { digest, active, .. } = &decided.asked;
        let room = self.throttle.deny(active.contract.consumer(), decided.now, per_minute);
        let Throttled::Counted { retry_at, due } = room else { return Ok(()) };
        if let Some(sum) = due {
            let record = EncodedRecord::try_from(&Record::new(decided.now, *sum));
            // Nobody waits for it: it is written with the next record.
            let _pending = self.log.submit_at_once(&record.map_err(AppendError::from)?)?;
        }
        // WHY: it has no record, so it may come again; and nobody fills the memory by it.
        self.gate.enter_within().replays.remove(*digest);
        let reasons = reasons.to_vec();
        Err(AccessError::TooManyDenials { reasons, per_minute, retry_at })
    }

    /// Tells the observer of a denial that was only counted.
    pub(crate) fn tell_counted(&self, contract: ContractId, error: &AccessError) {
        let AccessError::TooManyDenials { reasons, .. } = error else { return };
        let reasons = reasons.iter().map(DenialReason::code).collect();
        Told { contract, reasons }.tell(&*self.observer, None);
    }
}

impl<D> Submitted<D> {
    /// Waits until the decision is durable, with all that it rests on: one write and one sync, shared
    /// with everybody who waits.
    ///
    /// # Errors
    /// [`AccessError::Append`]: then nothing may be released, and there is no answer but an error.
    pub fn wait(self) -> Result<Recorded<D>, AccessError> {
        let Self { inner, node, pending, told } = self;
        Ok(recorded(inner, (&node, &told), pending.wait()?))
    }

    /// As [`wait`](Self::wait), for a task of any executor.
    ///
    /// # Errors
    /// [`AccessError::Append`] as there.
    pub async fn wait_async(self) -> Result<Recorded<D>, AccessError> {
        let Self { inner, node, pending, told } = self;
        Ok(recorded(inner, (&node, &told), pending.await?))
    }
}

fn recorded<D>(inner: D, (node, told): (&Weak<Inner>, &Told), appended: Appended) -> Recorded<D> {
    if let Some(node) = node.upgrade() {
        told.tell(&*node.observer, Some(appended.index()));
        node.sign_if_due(appended.index().as_u64().saturating_add(1));
    }
    Recorded { inner, appended }
}

impl Denial<'_> {
    /// Why; never empty.
    #[must_use]
    pub fn reasons(&self) -> &[DenialReason] {
        &self.reasons
    }

    /// Gives the denial its place in the log. Waits for nothing.
    ///
    /// # Errors
    /// [`NotSubmitted::Conflict`] if the contract was used since the denial: decide again.
    pub fn submit(self) -> Result<Submitted<Denial<'static>>, NotSubmitted> {
        let (node, contract) = (Weak::clone(&self.node), self.decided.asked.active.contract.id());
        let submitted = self.submit_in(&mut None);
        if let Err(NotSubmitted::Failed(error)) = &submitted
            && let Some(node) = node.upgrade()
        {
            node.tell_counted(contract, error);
        }
        submitted
    }

    pub(crate) fn into_conflict(self) -> Conflict {
        Conflict::of(self.node, *self.decided)
    }

    pub(crate) fn submit_in(
        self,
        room: &mut Option<Room<'_>>,
    ) -> Result<Submitted<Denial<'static>>, NotSubmitted> {
        let Self { node, decided, reasons, .. } = self;
        let open = node.upgrade().ok_or(AccessError::Closed)?;
        open.check_denials(&decided, &reasons)?;
        // A denial that does not fit a record would not be recorded at all: the first reasons are
        // the ones to keep.
        let mut left = REASONS_LEN_MAX;
        let texts = reasons.iter().map(DenialReason::recorded);
        let texts = texts.take(TEXTS_MAX).take_while(|text| {
            left = left.saturating_sub(text.len());
            left > 0
        });
        let verdict = Verdict::Deny { reasons: texts.collect() };
        let codes = reasons.iter().map(DenialReason::code).collect();
        decided.submit((node, room), (verdict, codes), |node, decided| Denial {
            node,
            decided,
            reasons,
            pass: PhantomData,
        })
    }
}

impl Recorded<Permit<'_>> {
    /// Where the decision stands in the log.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        self.inner.grant.decided.receipt(&self.appended)
    }

    /// Hands the data out: they were opened when the permit was given, so that a table that cannot
    /// be opened costs no use.
    #[must_use = "a release is an iterator; nothing is read before it is asked"]
    pub fn release(self) -> Release {
        let receipt = self.receipt();
        Release::new(self.inner.grant, receipt)
    }
}

impl Recorded<Denial<'_>> {
    /// Where the decision stands in the log.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        self.inner.decided.receipt(&self.appended)
    }

    /// Why; never empty.
    #[must_use]
    pub fn reasons(&self) -> &[DenialReason] {
        &self.inner.reasons
    }
}

impl fmt::Display for Recorded<Denial<'_>> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&in_words(self.reasons()))
    }
}

/// Bytes of reasons in one record, of the 65,535 that a record has for them and the facts.
const REASONS_LEN_MAX: usize = 32 << 10;

macro_rules! opaque_debug {
    ($($name:ident $(<$p:ident>)?),*) => {$(
        impl $(<$p>)? fmt::Debug for $name $(<$p>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

opaque_debug!(Submitted<D>, Recorded<D>, Conflict);

impl fmt::Debug for Denial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Denial").finish_non_exhaustive()
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permit(_) => "Permit",
            Self::Denial(_) => "Denial",
        })
    }
}
