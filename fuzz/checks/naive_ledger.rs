//! A naive model of what is in force: the list of what was accepted, and every question answered by going
//! over it from the beginning. It shares no code with the ledger, and knows no document.

use crate::ledger_plain::{
    CLASSES, Contract, Credential, Deletion, Event, Flaw, Log, Policies, Product, Profile,
    Revocation, Space, Termination, Tried, Who,
};

/// How far the authority's clock may be ahead.
const SKEW: u64 = 60_000;

/// What was accepted, each with its time. The place in the list is the place in the log.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) past: Vec<(u64, Event)>,
}

/// Why an event is refused, by the names of the refusals. Several can be right at once: then those of the
/// document alone come first, since nothing may be believed of it.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    document: Vec<&'static str>,
    state: Vec<&'static str>,
}

impl Refusals {
    /// The names of which one must be told; none if the event is acceptable.
    pub(crate) fn names(&self) -> &[&'static str] {
        if self.document.is_empty() { &self.state } else { &self.document }
    }

    pub(crate) fn document(&mut self, is_wrong: bool, name: &'static str) {
        self.document.extend(is_wrong.then_some(name));
    }

    pub(crate) fn state(&mut self, is_wrong: bool, name: &'static str) {
        self.state.extend(is_wrong.then_some(name));
    }
}

impl Model {
    pub(crate) fn take(&mut self, time: u64, event: Event) {
        self.past.push((time, event));
    }

    /// Whether the first record may be this one.
    pub(crate) fn begins(tried: &Tried) -> Refusals {
        let mut refused = Refusals::default();
        let Event::Profile { said, profile } = tried.event else {
            refused.document(true, "NoProfile");
            return refused;
        };
        let is_forged = tried.is_broken || profile.signer != Who::Authority;
        refused.document(is_forged, "Profile/Verify");
        refused.state(profile.named != Who::Authority, "Profile/Authority");
        refused.state(profile.version == 0, "Profile/Missing");
        refused.state(profile.version != said, "Mismatch");
        refused
    }

    /// Whether a change is acceptable after all that was accepted.
    pub(crate) fn refuses(&self, tried: &Tried) -> Refusals {
        let mut refused = Refusals::default();
        let (now, is_broken) = (tried.time, tried.is_broken);
        match tried.event {
            Event::Profile { said, profile } => {
                refused = Self::begins(tried);
                let current = self.profile();
                let is_same = Profile { signer: current.signer, ..profile } == current;
                let is_elsewhere = profile.space != Space::Here;
                refused.state(is_same, "AlreadyInForce");
                refused.state(is_elsewhere, "Profile/Space");
                refused.state(!is_same && profile.version <= current.version, "Profile/Version");
                debug_assert!(said == profile.version || !refused.names().is_empty());
            }
            Event::Admission(credential, digest) => {
                self.admission(&mut refused, (credential, digest), (now, is_broken));
            }
            Event::Revocation(Revocation { space, signer, subject, revoked_at }) => {
                let is_forged = is_broken || signer != Who::Authority;
                refused.document(is_forged, "Revocation/Verify");
                refused.state(space != Space::Here, "Revocation/Space");
                let is_known = self.revocations(subject).any(|at| at >= revoked_at);
                refused.state(is_known, "AlreadyInForce");
            }
            Event::Product(product) => {
                let known = self.product(product.id);
                refused.state(known.is_some_and(|known| known != product), "ProductChanged");
                let is_new = known.is_none();
                refused.state(is_new && !self.has_class(product.class), "ProductClass");
            }
            Event::Concluded { said, contract } => {
                refused.document(is_broken, "Agree/Verify");
                refused.document(!is_broken && contract.flaw == Flaw::Text, "Agree/TextDiffers");
                refused.document(!is_broken && contract.flaw == Flaw::Parties, "Agree/Parties");
                let is_others =
                    (contract.log == Log::Strangers) != (contract.provider == Who::Stranger);
                refused.document(!is_broken && is_others, "Agree/Log");
                refused.state(said != contract, "Mismatch");
                self.conclusion(&mut refused, &contract, now);
                self.rivals(&mut refused, &contract, now);
            }
            Event::Terminated { said, termination } => {
                let Termination { contract, by, signer } = termination;
                refused.document(is_broken, "Verify");
                let is_known = self.concluded(&contract).is_some();
                refused.state(!is_known, "UnknownContract");
                let is_party = signer == contract.provider || signer == contract.consumer;
                refused.state(is_known && !is_party, "Termination/Verify");
                refused.state(is_known && is_party && by != signer, "Termination/Declarer");
                refused.state(self.is_terminated(&contract), "AlreadyTerminated");
                refused.state(said != contract, "Mismatch");
            }
            Event::Deleted { said, deletion } => {
                let Deletion { contract, log, by, signer, deleted_at } = deletion;
                refused.document(is_broken, "Verify");
                let concluded = self.concluded(&contract);
                refused.state(concluded.is_none(), "UnknownContract");
                let Some((_, agreed_at)) = concluded else { return refused };
                refused.document(!is_broken && signer != contract.consumer, "Deletion/Verify");
                refused.state(log != Log::Here, "Deletion/OtherNode");
                refused.state(by != contract.consumer, "Deletion/NotTheConsumer");
                let is_timely = deleted_at <= now + SKEW && agreed_at <= deleted_at + SKEW;
                refused.state(!is_timely, "Deletion/Time");
                refused.state(self.is_deleted(&contract), "AlreadyDeleted");
                refused.state(said != contract, "Mismatch");
            }
            Event::Policies(Policies { space, log, signer, version, text }) => {
                let is_forged = is_broken || signer != Who::Provider;
                refused.document(is_forged, "Policies/Verify");
                refused.state(space != Space::Here, "Policies/Space");
                refused.state(log != Log::Here, "Policies/Log");
                let next = self.own().map_or(0, |own| own.version) + 1;
                refused.state(version != next, "Policies/Version");
                // One permits, one names what no space has, one what this one may have dropped.
                refused.state(text == 4, "Policies/Policies");
                let is_dropped = text == 1 && self.profile().less.purpose;
                refused.state(text == 5 || is_dropped, "Policies/Value");
            }
            Event::Stated(one) => self.statement(&mut refused, &one, tried),
            Event::Denials { consumer, from, until, count } => {
                refused.state(self.admitted(consumer).is_none(), "NotAMember");
                refused.state(count == 0 || until < from, "Decision");
            }
            Event::Released { contract, .. } => {
                let is_known = self.concluded(&contract).is_some();
                refused.state(!is_known, "UnknownContract");
            }
            Event::SetBack { .. } | Event::Opened | Event::Archived | Event::Access { .. } => {}
        }
        refused
    }

    fn admission(
        &self,
        refused: &mut Refusals,
        (credential, digest): (Credential, [u8; 32]),
        (now, is_broken): (u64, bool),
    ) {
        let Credential { space, signer, subject, issued_at, roles, from, until, .. } = credential;
        let is_forged = is_broken || signer != Who::Authority;
        refused.document(is_forged, "Credential/Verify");
        refused.state(space != Space::Here, "Credential/Space");
        refused.state(issued_at > now + SKEW, "Credential/FromTheFuture");
        refused.state(now < from || until <= now, "Credential/NotValid");
        refused.state(roles == 0, "Credential/Roles");
        refused.state(self.has_no_place(&credential), "NotAdmissible");
        let is_revoked = self.revocations(subject).any(|at| issued_at <= at);
        refused.state(is_revoked, "Revoked");
        let in_force = self.admitted(subject);
        let is_same = in_force.is_some_and(|(_, current, same)| {
            (current, same) == (credential, digest) && !self.is_ended_by_clock(subject)
        });
        refused.state(is_same && !is_revoked, "AlreadyInForce");
        let order = |one: Credential, digest: [u8; 32]| (one.issued_at, one.serial, digest);
        let is_older = self
            .followed(subject)
            .is_some_and(|(current, other)| order(credential, digest) <= order(current, other));
        refused.state(is_older && !is_same, "OlderCredential");
    }

    fn conclusion(&self, refused: &mut Refusals, contract: &Contract, now: u64) {
        refused.state(contract.space != Space::Here, "OtherSpace");
        refused.state(contract.log != Log::Here, "OtherNode");
        refused.state(!self.has_class(contract.class), "ProductClass");
        let known = self.product(contract.product);
        let is_known = known.is_some_and(|known| known.class == contract.class);
        refused.state(!is_known, "UnknownProduct");
        let is_dropped = self.profile().less.purpose && matches!(contract.terms, 1 | 6);
        refused.state(is_dropped, "UnknownPurpose");
        let are_members =
            [contract.provider, contract.consumer].iter().all(|one| self.is_member(*one, now));
        refused.state(!are_members, "NotAMember");
        let is_taken = self.contracts().iter().any(|(_, _, other)| {
            (other.offer, other.consumer) == (contract.offer, contract.consumer)
        });
        refused.state(is_taken, "AlreadyAccepted");
    }

    /// Why the time of a record is none that an honest node writes.
    pub(crate) fn refuses_time(&self, time: u64, event: &Event) -> Option<&'static str> {
        let is_before = match event {
            Event::SetBack { from } => {
                let is_right = *from == self.latest() && time < *from;
                return (!is_right).then_some("SetBack");
            }
            Event::Access { .. } | Event::Released { .. } => time < self.last_change(),
            Event::Archived | Event::Denials { .. } => false,
            _ => time < self.latest(),
        };
        is_before.then_some("Before")
    }

    /// Why a report of the access at a place is none that an honest node writes.
    pub(crate) fn refuses_report(
        &self,
        access: usize,
        contract: &Contract,
        is_possible: bool,
    ) -> Option<&'static str> {
        if !is_possible {
            return Some("Impossible");
        }
        let Some((_, Event::Access { asked, is_permitted: true })) = self.past.get(access) else {
            return Some("NoPermit");
        };
        if self.is_reported(access) {
            return Some("Again");
        }
        (asked.contract != *contract).then_some("OtherContract")
    }

    fn is_reported(&self, place: usize) -> bool {
        self.past.iter().any(|(_, event)| match event {
            Event::Released { access, .. } => *access == place,
            _ => false,
        })
    }

    /// The places of permits without a report.
    pub(crate) fn waiting(&self) -> Vec<usize> {
        let places = self.past.iter().enumerate().filter_map(|(place, (_, event))| match event {
            Event::Access { is_permitted: true, .. } => Some(place),
            _ => None,
        });
        places.filter(|place| !self.is_reported(*place)).collect()
    }

    /// The latest time since the clock was last set back.
    pub(crate) fn latest(&self) -> u64 {
        let mut latest = 0;
        for (time, event) in &self.past {
            let is_set_back = matches!(event, Event::SetBack { .. });
            latest = if is_set_back { *time } else { latest.max(*time) };
        }
        latest
    }

    /// The time of the last change, for which all accesses before it were waited.
    pub(crate) fn last_change(&self) -> u64 {
        let mut last = 0;
        for (time, event) in &self.past {
            let is_beside = matches!(
                event,
                Event::Access { .. }
                    | Event::Released { .. }
                    | Event::Archived
                    | Event::Denials { .. }
            );
            if !is_beside {
                last = *time;
            }
        }
        last
    }

    pub(crate) fn profile(&self) -> Profile {
        let mut last = None;
        for (_, event) in &self.past {
            if let Event::Profile { profile, .. } = event {
                last = Some(*profile);
            }
        }
        last.expect("a log begins with one")
    }

    /// The provider's own policies.
    pub(crate) fn own(&self) -> Option<Policies> {
        let mut last = None;
        for (_, event) in &self.past {
            if let Event::Policies(policies) = event {
                last = Some(*policies);
            }
        }
        last
    }

    fn has_class(&self, class: usize) -> bool {
        !(CLASSES[class] == "secret" && self.profile().less.class)
    }

    /// Whether the newest profile has no place for a role or the region.
    fn has_no_place(&self, credential: &Credential) -> bool {
        let less = self.profile().less;
        let has = |bit: usize| credential.roles & bit != 0;
        let role = has(2) || (has(1) && less.role);
        let region = credential.region == 0 || (credential.region == 2 && less.region);
        role || region
    }

    pub(crate) fn product(&self, id: usize) -> Option<Product> {
        let mut all = self.past.iter().filter_map(|(_, event)| match event {
            Event::Product(product) if product.id == id => Some(*product),
            _ => None,
        });
        all.next()
    }

    /// All credentials of somebody that were admitted, with their places.
    fn credentials(&self, who: Who) -> Vec<(usize, Credential, [u8; 32])> {
        let all = self.past.iter().enumerate().filter_map(|(place, (_, event))| match event {
            Event::Admission(one, digest) if one.subject == who => Some((place, *one, *digest)),
            _ => None,
        });
        all.collect()
    }

    /// The credential in force, or the last one that was.
    pub(crate) fn admitted(&self, who: Who) -> Option<(usize, Credential, [u8; 32])> {
        self.credentials(who).last().copied()
    }

    /// The credential that was in force before the record at `place`.
    pub(crate) fn admitted_before(&self, who: Who, place: usize) -> Option<Credential> {
        let mut all = self.credentials(who);
        all.retain(|(at, ..)| *at < place);
        all.last().map(|(_, one, _)| *one)
    }

    fn revocations(&self, who: Who) -> impl Iterator<Item = u64> {
        self.past.iter().filter_map(move |(_, event)| match event {
            Event::Revocation(one) if one.subject == who => Some(one.revoked_at),
            _ => None,
        })
    }

    /// From which time to which the clock was set back after the record at `place`.
    fn set_back_after(&self, place: usize) -> Vec<(u64, u64)> {
        let after = self.past.iter().skip(place + 1).filter_map(|(time, event)| match event {
            Event::SetBack { from } => Some((*from, *time)),
            _ => None,
        });
        after.collect()
    }

    /// The last time to which the clock was set back after it was admitted, and of which the credential is
    /// later: then it is void.
    fn void_since(&self, place: usize, credential: &Credential) -> Option<u64> {
        let all = self.set_back_after(place);
        all.iter().map(|(_, to)| *to).rfind(|to| is_later(credential, *to))
    }

    /// The credential that a new one has to follow: the last, or if that is void, the last that is not of
    /// later times either.
    fn followed(&self, who: Who) -> Option<(Credential, [u8; 32])> {
        let mut all = self.credentials(who);
        let (place, current, _) = all.last()?;
        if let Some(to) = self.void_since(*place, current) {
            all.retain(|(_, one, _)| !is_later(one, to));
        }
        all.last().map(|(_, one, digest)| (*one, *digest))
    }

    /// Whether a membership ended when the clock was set back: it would have been over by the time until
    /// then, or it is void.
    pub(crate) fn is_ended_by_clock(&self, who: Who) -> bool {
        let Some((place, one, _)) = self.admitted(who) else { return false };
        let is_over = self.set_back_after(place).iter().any(|(from, _)| one.until <= *from);
        is_over || self.void_since(place, &one).is_some()
    }

    /// Whether the credential in force was revoked: it was issued by then.
    pub(crate) fn is_revoked(&self, who: Who) -> bool {
        let Some((_, one, _)) = self.admitted(who) else { return false };
        self.revocations(who).any(|at| one.issued_at <= at)
    }

    pub(crate) fn is_member(&self, who: Who, now: u64) -> bool {
        let Some((_, one, _)) = self.admitted(who) else { return false };
        let is_valid = one.from <= now && now < one.until;
        is_valid && !self.is_revoked(who) && !self.is_ended_by_clock(who)
    }

    /// All contracts, with their places and times.
    pub(crate) fn contracts(&self) -> Vec<(usize, u64, Contract)> {
        let all = self.past.iter().enumerate().filter_map(|(place, (time, event))| match event {
            Event::Concluded { contract, .. } => Some((place, *time, *contract)),
            _ => None,
        });
        all.collect()
    }

    /// The place and time of a contract's conclusion.
    pub(crate) fn concluded(&self, contract: &Contract) -> Option<(usize, u64)> {
        let all = self.contracts();
        let found = all.iter().find(|(_, _, one)| one == contract);
        found.map(|(place, time, _)| (*place, *time))
    }

    pub(crate) fn is_terminated(&self, contract: &Contract) -> bool {
        self.past.iter().any(|(_, event)| match event {
            Event::Terminated { termination, .. } => termination.contract == *contract,
            _ => false,
        })
    }

    pub(crate) fn is_deleted(&self, contract: &Contract) -> bool {
        let of = |event: &Event| matches!(event, Event::Deleted { deletion, .. } if deletion.contract == *contract);
        self.past.iter().any(|(_, event)| of(event))
    }

    /// Whether the clock was set back after the contract was concluded.
    pub(crate) fn ended_by_clock(&self, contract: &Contract) -> bool {
        let place = self.concluded(contract).map(|(place, _)| place);
        place.is_some_and(|place| !self.set_back_after(place).is_empty())
    }
}

/// Whether a credential is of later times than this one.
fn is_later(credential: &Credential, to: u64) -> bool {
    credential.issued_at > to + SKEW || credential.from > to
}
