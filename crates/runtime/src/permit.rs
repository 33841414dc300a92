//! The proofs that one access collects on its way. Each can only be made from the one before.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Weak};

use dataspace_audit_log::{AccessRecord, Appended, Event, LeafIndex, Record, TEXTS_MAX, Verdict};
use dataspace_identity::Did;
use dataspace_policy::Uses;
use dataspace_primitives::{Digest, Signed, UnixMillis, Verified};
use dataspace_usage_contract::{AccessRequest, ContractId, PublishedProfile};

use crate::denial::DenialReason;
use crate::error::AccessError;
use crate::facts;
use crate::members::Member;
use crate::release::{OpenData, Release};
use crate::space::Inner;
use crate::state::Contract;

/// A signed request that is fresh, not replayed, and by the contract's consumer. Good for one
/// decision.
pub struct Received {
    pub(crate) request: Verified<AccessRequest>,
    pub(crate) contract: Arc<Contract>,
}

/// What was decided on, permit or denial: all that facts are made of.
pub(crate) struct Decided {
    pub(crate) received: Received,
    pub(crate) member: Arc<Member>,
    pub(crate) profile: Arc<PublishedProfile>,
    pub(crate) now: UnixMillis,
    pub(crate) uses: Uses,
}

/// The contract permits, and nobody forbids. Cannot be cloned or made by hand, and lives no longer
/// than the pass through the monitor (`'m`) in which it was given, so that nothing it rests on can
/// change before it is recorded.
#[must_use = "a permit releases nothing until it is reserved and recorded"]
pub struct Permit<'m> {
    pub(crate) grant: Grant,
    pub(crate) pass: PhantomData<&'m ()>,
}

pub(crate) struct Grant {
    /// Not kept open by what is kept for later.
    pub(crate) node: Weak<Inner>,
    pub(crate) decided: Box<Decided>,
    /// The clauses that permit.
    pub(crate) clauses: Vec<String>,
    pub(crate) data: Box<OpenData>,
}

/// The access is denied, for these reasons. As a permit, it lives no longer than the pass in which
/// it was given, until it is recorded.
#[must_use = "a denial is to be recorded"]
pub struct Denial<'m> {
    pub(crate) node: Weak<Inner>,
    pub(crate) decided: Box<Decided>,
    pub(crate) reasons: Vec<DenialReason>,
    pub(crate) pass: PhantomData<&'m ()>,
}

/// A permit for which a use of the contract is taken.
#[must_use = "the use is taken; record it"]
pub struct Reserved<P> {
    pub(crate) inner: P,
    pub(crate) uses: u64,
}

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

/// Meanwhile another access used the contract, so the permit may no longer be right: decide
/// again.
pub struct Conflict {
    received: Box<Received>,
}

impl Conflict {
    /// The request, for another decision.
    #[must_use]
    pub fn into_received(self) -> Received {
        *self.received
    }
}

/// Where a decision stands in the log, and the consumer's signed request: what both sides keep.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The record of the decision.
    pub index: LeafIndex,
    /// The contract.
    pub contract: ContractId,
    /// The consumer.
    pub consumer: Did,
    /// The request as signed.
    pub request: Signed<AccessRequest>,
}

impl Decided {
    pub(crate) fn receipt(&self, appended: &Appended) -> Receipt {
        Receipt {
            index: appended.index(),
            contract: self.received.contract.id,
            consumer: self.received.request.value().consumer.clone(),
            request: self.received.request.signed().clone(),
        }
    }
}

impl Decided {
    fn record(&self, verdict: Verdict) -> Record {
        let contract = &self.received.contract;
        let access = AccessRecord {
            contract: *contract.id.as_digest(),
            program: contract.program,
            profile: self.profile.profile().version,
            request: Digest::of(self.received.request.signed().as_bytes()),
            facts: facts::recorded(&self.facts()),
            verdict,
        };
        Record::new(self.now, Event::Access(access))
    }
}

impl Permit<'_> {
    /// The clauses that permit.
    #[must_use]
    pub fn clauses(&self) -> &[String] {
        &self.grant.clauses
    }

    /// Takes a use of the contract.
    ///
    /// # Errors
    /// [`Conflict`] if the contract was used since the permit was given: decide again.
    pub fn reserve(self) -> Result<Reserved<Self>, Conflict> {
        let Decided { received, uses, now, .. } = &*self.grant.decided;
        match received.contract.reserve(*uses, *now) {
            Some(uses) => Ok(Reserved { inner: self, uses }),
            None => Err(Conflict { received: Box::new(self.grant.decided.received) }),
        }
    }
}

impl Reserved<Permit<'_>> {
    /// Makes the permit durable, together with the use that it takes: one record, one sync.
    ///
    /// # Errors
    /// [`AccessError::Append`]: then nothing may be released.
    pub fn record(self) -> Result<Recorded<Permit<'static>>, AccessError> {
        let grant = self.inner.grant;
        let node = grant.node.upgrade().ok_or(AccessError::Closed)?;
        let terms = &grant.decided.received.contract.agreement.value().terms;
        let duties = facts::duties(terms);
        let record = grant.decided.record(Verdict::Permit { uses: self.uses, duties });
        let appended = node.log.append(&record)?;
        node.sign_if_due(appended.index().as_u64().saturating_add(1));
        Ok(Recorded { inner: Permit { grant, pass: PhantomData }, appended })
    }
}

impl Denial<'_> {
    /// Why; never empty.
    #[must_use]
    pub fn reasons(&self) -> &[DenialReason] {
        &self.reasons
    }

    /// Makes the denial durable.
    ///
    /// # Errors
    /// [`AccessError::Append`]: then there is no answer but an error.
    pub fn record(self) -> Result<Recorded<Denial<'static>>, AccessError> {
        let node = self.node.upgrade().ok_or(AccessError::Closed)?;
        // A denial that does not fit a record would not be recorded at all: the first reasons are
        // the ones to keep.
        let mut room = REASONS_LEN_MAX;
        let reasons = self.reasons.iter().map(DenialReason::recorded);
        let reasons = reasons.take(TEXTS_MAX).take_while(|text| {
            room = room.saturating_sub(text.len());
            room > 0
        });
        let reasons = reasons.collect();
        let record = self.decided.record(Verdict::Deny { reasons });
        let appended = node.log.append(&record)?;
        node.sign_if_due(appended.index().as_u64().saturating_add(1));
        let Self { node, decided, reasons, .. } = self;
        Ok(Recorded { inner: Denial { node, decided, reasons, pass: PhantomData }, appended })
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
        for (i, reason) in self.reasons().iter().enumerate() {
            let separator = if i > 0 { "; " } else { "" };
            write!(f, "{separator}{reason}")?;
        }
        Ok(())
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

opaque_debug!(Received, Reserved<P>, Recorded<D>, Conflict);

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
