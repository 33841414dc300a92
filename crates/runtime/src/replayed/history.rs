//! What was in force at each record, by the signed documents alone.

use std::collections::{HashMap, HashSet};

use dataspace_audit_log::{Event, Record};
use dataspace_identity::{Admitted, Did, MembershipRevocation, Origin, TrustAnchors};
use dataspace_policy::{Contracts, Facts};
use dataspace_primitives::{Digest, Name, Payload, Signed, UnixMillis, Verified};
use dataspace_usage_contract::{
    Agreement, ContractId, OfferId, PublishedPolicies, PublishedProfile, Quota, Termination,
};
use serde_bytes::ByteBuf;

use crate::access::denial::DenialReason;
use crate::access::facts::Basis;
use crate::access::stated::Stated;
use crate::replayed::requests::Requests;
use crate::state::error::ChangeError;
use crate::state::members::{is_of_leap, last_good};

#[derive(Debug)]
pub(super) struct History {
    anchors: TrustAnchors,
    log: Origin,
    pub(super) profile: PublishedProfile,
    pub(super) members: HashMap<Did, Member>,
    /// The latest revocation of each participant that has one.
    revoked: HashMap<Did, MembershipRevocation>,
    /// Class and descriptor.
    products: HashMap<Name, (Name, Digest)>,
    pub(super) contracts: HashMap<ContractId, Contract>,
    pub(super) programs: Contracts,
    terminations: HashMap<ContractId, Name>,
    pub(super) own: Option<PublishedPolicies>,
    accepted: HashSet<(OfferId, Did)>,
    pub(super) requests: Requests,
    pub(super) uses_by_consumer: HashMap<(Did, Name), u64>,
}

#[derive(Debug)]
pub(super) struct Member {
    admitted: Admitted,
    /// Credentials before this one, oldest first.
    earlier: Vec<Admitted>,
    revocation: Option<MembershipRevocation>,
    /// Whether it would have been over by the time from which the clock was set back.
    is_over: bool,
    /// The time to which the clock was set back, if the credential is of later times.
    void_since: Option<UnixMillis>,
}

#[derive(Debug)]
pub(super) struct Contract {
    id_text: String,
    pub(super) agreement: Verified<Agreement>,
    /// The time of the record of the conclusion.
    agreed_at: UnixMillis,
    /// Whether the clock was set back since.
    is_ended_by_clock: bool,
    pub(super) program: Digest,
    pub(super) quota: Quota,
}

impl Member {
    fn is_member_at(&self, now: UnixMillis) -> bool {
        self.revocation.is_none() && !self.is_over && self.admitted.is_member_at(now)
    }
}

impl Contract {
    pub(super) fn limit(&self) -> Option<u64> {
        self.quota.limit()
    }
}

impl History {
    /// Of the first record; `None` if that is not a profile.
    pub(super) fn begin(
        record: Record,
        authority: &Did,
        log: Origin,
    ) -> Option<Result<Self, ChangeError>> {
        let Event::Profile { version, document } = record.event else { return None };
        let profile = signed(document)
            .and_then(|signed| Ok(PublishedProfile::publish(signed, authority, record.time)?));
        Some(profile.and_then(|profile| {
            if profile.profile().version != version {
                return Err(ChangeError::Mismatch);
            }
            Ok(Self {
                anchors: TrustAnchors::new(profile.profile().space_id()),
                log,
                profile,
                members: HashMap::new(),
                revoked: HashMap::new(),
                products: HashMap::new(),
                contracts: HashMap::new(),
                programs: Contracts::default(),
                terminations: HashMap::new(),
                own: None,
                accepted: HashSet::new(),
                requests: Requests::default(),
                uses_by_consumer: HashMap::new(),
            })
        }))
    }

    /// Puts in force what a record brought, if it may. Gives a contract whose text another version of
    /// the compiler wrote, and which.
    pub(super) fn apply(
        &mut self,
        record: Record,
    ) -> Result<Option<(ContractId, u32)>, ChangeError> {
        let now = record.time;
        match record.event {
            Event::Profile { version, document } => {
                let authority = self.anchors.authority();
                let profile = PublishedProfile::publish(signed(document)?, authority, now)?;
                profile.check_follows(&self.profile)?;
                if profile.profile().version != version {
                    return Err(ChangeError::Mismatch);
                }
                self.profile = profile;
            }
            Event::Admission { document } => self.admit(document, now)?,
            Event::MembershipRevoked { document } => self.revoke(document, now)?,
            Event::Product { id, class, descriptor } => self.register(id, (class, descriptor))?,
            Event::Concluded { contract, document } => {
                return self.conclude(contract, document, now);
            }
            Event::Terminated { contract, document } => {
                let id = ContractId::from_digest(contract);
                let known = self.contracts.get(&id);
                let known = known.ok_or(ChangeError::UnknownContract { contract: id })?;
                let termination = Termination::verify(signed(document)?, &known.agreement, now)?;
                let reason = termination.value().reason.clone();
                if self.terminations.insert(id, reason).is_some() {
                    return Err(ChangeError::AlreadyTerminated { contract: id });
                }
            }
            Event::Policies { document } => {
                let names = self.profile.profile().vocabulary();
                let (ours, last) = ((self.anchors.space(), &self.log), self.own.as_ref());
                let own = PublishedPolicies::publish(signed(document)?, ours, &names, last, now)?;
                self.own = Some(own);
            }
            Event::ClockSetBack { from } => self.set_clock_back(from, now),
            // Of the log alone, or decided again by the caller.
            Event::Archived { .. } | Event::Opened { .. } | Event::Access(_) => {}
        }
        Ok(None)
    }

    fn set_clock_back(&mut self, from: UnixMillis, to: UnixMillis) {
        for contract in self.contracts.values_mut() {
            contract.is_ended_by_clock = true;
        }
        for member in self.members.values_mut() {
            if is_of_leap(&member.admitted, to) {
                member.void_since = Some(to);
            }
            member.is_over |= member.void_since.is_some()
                || member.admitted.credential().validity.until() <= from;
        }
        // As the node does: all of them are of contracts that have ended.
        self.requests = Requests::default();
    }

    fn register(&mut self, id: Name, product: (Name, Digest)) -> Result<(), ChangeError> {
        match self.products.get(&id) {
            Some(known) if *known == product => {}
            Some(_) => return Err(ChangeError::ProductChanged { product: id }),
            None => self.check_class(&product.0)?,
        }
        self.products.insert(id, product);
        Ok(())
    }

    fn check_class(&self, class: &Name) -> Result<(), ChangeError> {
        if self.profile.profile().data.product_classes.contains(class) {
            return Ok(());
        }
        Err(ChangeError::ProductClass { class: class.clone() })
    }

    fn admit(&mut self, document: ByteBuf, now: UnixMillis) -> Result<(), ChangeError> {
        let admitted = self.anchors.admit(signed(document)?, now)?;
        let credential = admitted.credential();
        let rules = &self.profile.profile().entities;
        if let Some((what, value)) = rules.refuses(&credential.roles, credential.region) {
            return Err(ChangeError::NotAdmissible { what, value });
        }
        let subject = admitted.did().clone();
        if let Some(revoked_at) = self.revoked.get(&subject).map(|last| last.revoked_at)
            && admitted.is_revoked_by(revoked_at)
        {
            return Err(ChangeError::Revoked { subject, revoked_at });
        }
        let mut earlier = Vec::new();
        if let Some(Member { admitted: last, earlier: before, void_since, .. }) =
            self.members.remove(&subject)
        {
            earlier = before;
            earlier.push(last);
            if let Some(current) = last_good(earlier.iter().rev(), void_since)
                && !admitted.is_newer_than(current)
            {
                let current = current.credential().issued_at;
                let found = credential.issued_at;
                return Err(ChangeError::OlderCredential { subject, current, found });
            }
        }
        let (revocation, is_over, void_since) = (None, false, None);
        self.members.insert(subject, Member { admitted, earlier, revocation, is_over, void_since });
        Ok(())
    }

    fn revoke(&mut self, document: ByteBuf, now: UnixMillis) -> Result<(), ChangeError> {
        let revocation = self.anchors.check_revocation(signed(document)?, now)?;
        let revocation: &MembershipRevocation = revocation.value();
        let last = self.revoked.get(&revocation.subject);
        if last.is_some_and(|last| last.revoked_at >= revocation.revoked_at) {
            return Err(ChangeError::AlreadyInForce);
        }
        if let Some(member) = self.members.get_mut(&revocation.subject)
            && member.admitted.is_revoked_by(revocation.revoked_at)
        {
            member.revocation = Some(revocation.clone());
        }
        self.revoked.insert(revocation.subject.clone(), revocation.clone());
        Ok(())
    }

    fn conclude(
        &mut self,
        contract: Digest,
        document: ByteBuf,
        now: UnixMillis,
    ) -> Result<Option<(ContractId, u32)>, ChangeError> {
        let compiler = self.programs.compiler();
        let (agreement, program) = Agreement::verify_with(signed(document)?, now, compiler)?;
        let value = agreement.value();
        if agreement.digest() != contract {
            return Err(ChangeError::Mismatch);
        }
        if value.space != *self.anchors.space() {
            let (expected, found) = (self.anchors.space().clone(), value.space.clone());
            let (expected, found) = (Box::new(expected), Box::new(found));
            return Err(ChangeError::OtherSpace { expected, found });
        }
        if value.log != self.log {
            let (expected, found) = (self.log.clone(), value.log.clone());
            return Err(ChangeError::OtherNode { expected, found });
        }
        self.check_class(&value.product_class)?;
        let class = self.products.get(&value.product).map(|(class, _)| class);
        if class != Some(&value.product_class) {
            return Err(ChangeError::UnknownProduct { product: value.product.clone() });
        }
        for purpose in value.terms.purposes() {
            if !self.profile.profile().scenarios.contains_key(purpose) {
                return Err(ChangeError::UnknownPurpose { purpose: purpose.clone() });
            }
        }
        for did in [&value.provider, &value.consumer] {
            if !self.members.get(did).is_some_and(|member| member.is_member_at(now)) {
                return Err(ChangeError::NotAMember { did: did.clone() });
            }
        }
        if !self.accepted.insert((value.offer, value.consumer.clone())) {
            let (offer, consumer) = (value.offer, value.consumer.clone());
            return Err(ChangeError::AlreadyAccepted { offer, consumer });
        }
        let id = ContractId::from_digest(contract);
        let limit = value.terms.uses_max().map(u64::from);
        let elsewhere = value.compiled_elsewhere().map(|compiler| (id, compiler));
        let known = Contract {
            id_text: id.to_string(),
            program: program.digest(),
            quota: Quota::new(limit),
            agreed_at: now,
            is_ended_by_clock: false,
            agreement,
        };
        self.programs.insert(contract, program);
        self.contracts.insert(id, known);
        Ok(elsewhere)
    }

    /// The facts of an access: of the request as stated, all else as it was.
    pub(super) fn facts<'a>(
        &'a self,
        contract: &'a Contract,
        member: &'a Member,
        stated: &'a Stated<'a>,
        now: UnixMillis,
    ) -> Facts<'a> {
        let basis = Basis {
            agreement: contract.agreement.value(),
            contract: &contract.id_text,
            agreed_at: contract.agreed_at,
            credential: member.admitted.credential(),
            stated,
            purposes: self.profile.purposes(&stated.purpose),
            now,
        };
        basis.facts()
    }

    /// Why membership, contract or profile deny, whatever the policies say.
    pub(super) fn standing(
        &self,
        contract: &Contract,
        member: &Member,
        stated: &Stated<'_>,
        now: UnixMillis,
    ) -> Vec<DenialReason> {
        let mut reasons = Vec::new();
        let (agreement, profile) = (contract.agreement.value(), self.profile.profile());
        let credential = member.admitted.credential();
        if let Some(MembershipRevocation { revoked_at, reason, .. }) = &member.revocation {
            let (revoked_at, reason) = (*revoked_at, reason.clone());
            reasons.push(DenialReason::MembershipRevoked { revoked_at, reason });
        }
        if !member.admitted.is_member_at(now) {
            reasons.push(DenialReason::MembershipOver { validity: credential.validity, now });
        }
        let provider = self.members.get(&agreement.provider);
        if !provider.is_some_and(|provider| provider.is_member_at(now)) {
            reasons.push(DenialReason::ProviderNotAMember);
        }
        if !profile.data.product_classes.contains(&agreement.product_class) {
            let value = agreement.product_class.to_string();
            reasons.push(DenialReason::OutsideProfile { what: "product class", value });
        } else if let Some((what, value)) =
            profile.entities.refuses(&credential.roles, credential.region)
        {
            reasons.push(DenialReason::OutsideProfile { what, value });
        }
        let id = ContractId::from_digest(contract.agreement.digest());
        if let Some(reason) = self.terminations.get(&id) {
            reasons.push(DenialReason::ContractTerminated { reason: reason.clone() });
        }
        if contract.is_ended_by_clock {
            reasons.push(DenialReason::ClockSetBack);
        }
        if !agreement.validity.contains(now) {
            reasons.push(DenialReason::ContractOver { validity: agreement.validity, now });
        }
        if !profile.scenarios.contains_key(&stated.purpose) {
            reasons.push(DenialReason::UnknownPurpose {
                purpose: stated.purpose.clone().into_owned(),
            });
        }
        if !stated.action.is_carried_out() {
            reasons.push(DenialReason::NotCarriedOut { action: stated.action });
        }
        reasons
    }
}

fn signed<T: Payload>(document: ByteBuf) -> Result<Signed<T>, ChangeError> {
    Ok(Signed::from_bytes(document.into_vec())?)
}
