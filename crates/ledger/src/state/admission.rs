//! Admissions and revocations: what is checked of them, and what they do.

use std::sync::Arc;

use dataspace_identity::{
    Admitted, MembershipCredential, MembershipRevocation, credential::AdmitError,
};
use dataspace_primitives::{Signed, UnixMillis, Verified};
use dataspace_tlog::LeafIndex;

use crate::refusal::Refusal;
use crate::state::change::{Change, Kind};

use crate::state::in_force::SpaceState;
use crate::state::members::{Member, REVOKED_AHEAD_MAX, is_of_leap};

impl SpaceState {
    pub(super) fn check_admission(
        &self,
        credential: Signed<MembershipCredential>,
        now: UnixMillis,
    ) -> Result<Change, Refusal> {
        self.check_admitted(self.anchors.admit(credential, now)?, now)
    }

    /// A credential that was verified at `now`.
    ///
    /// # Errors
    /// [`Refusal`] if it admits nobody in this space, was revoked, or is not the newest.
    pub fn check_admitted(&self, admitted: Admitted, now: UnixMillis) -> Result<Change, Refusal> {
        let credential = admitted.credential();
        if !admitted.is_member_at(now) {
            let (subject, validity) = (admitted.did().clone(), credential.validity);
            return Err(AdmitError::NotValid { subject, validity, now }.into());
        }
        let rules = &self.profile.profile().entities;
        if let Some((what, value)) = rules.refuses(&credential.roles, credential.region) {
            return Err(Refusal::NotAdmissible { what, value });
        }
        let subject = || admitted.did().clone();
        if let Some(MembershipRevocation { revoked_at, .. }) = self.revocations.of(admitted.did())
            && admitted.is_revoked_by(*revoked_at)
        {
            let (subject, revoked_at) = (subject(), *revoked_at);
            return Err(Refusal::Revoked { subject, revoked_at });
        }
        if let Some(member) = self.members.get(admitted.did()) {
            if member.admitted.credential() == credential && !member.is_over {
                return Err(Refusal::AlreadyInForce);
            }
            if let Some(current) = member.last_good()
                && !admitted.is_newer_than(current)
            {
                let (subject, current, found) =
                    (subject(), current.credential().issued_at, credential.issued_at);
                return Err(Refusal::OlderCredential { subject, current, found });
            }
        }
        Ok(Change(Kind::Admission(admitted)))
    }

    pub(super) fn check_revocation(
        &self,
        revocation: Signed<MembershipRevocation>,
        now: UnixMillis,
    ) -> Result<Change, Refusal> {
        self.check_revoked(self.anchors.check_revocation(revocation, now)?)
    }

    /// A revocation that was verified.
    ///
    /// # Errors
    /// [`Refusal`] if it ends nothing more, or too many are kept.
    pub fn check_revoked(
        &self,
        revocation: Verified<MembershipRevocation>,
    ) -> Result<Change, Refusal> {
        let MembershipRevocation { subject, revoked_at, .. } = revocation.value();
        match self.revocations.of(subject) {
            // All that it ends has ended.
            Some(last) if last.revoked_at >= *revoked_at => Err(Refusal::AlreadyInForce),
            None if !self.members.contains_key(subject)
                && !self.revocations.has_room(REVOKED_AHEAD_MAX) =>
            {
                Err(Refusal::TooManyRevoked { subject: subject.clone() })
            }
            _ => Ok(Change(Kind::Revocation(revocation))),
        }
    }

    pub(super) fn apply_admission(&mut self, admitted: Admitted, admitted_by: LeafIndex) {
        let did = admitted.did().clone();
        let mut earlier = Vec::new();
        match self.members.get(&did) {
            None => self.revocations.admitted(&did),
            Some(member) => {
                earlier.clone_from(&member.earlier);
                earlier.push((member.admitted_by, member.admitted.clone()));
            }
        }
        let (revocation, is_over, void_since) = (None, false, None);
        let member = Member { admitted, admitted_by, earlier, revocation, is_over, void_since };
        self.members.insert(did, Arc::new(member));
    }

    pub(super) fn apply_revocation(&mut self, revocation: &Verified<MembershipRevocation>) {
        let revocation = revocation.value();
        let member = self.members.get_mut(&revocation.subject);
        let is_known = member.is_some();
        if let Some(member) = member
            && member.admitted.is_revoked_by(revocation.revoked_at)
        {
            let revocation = Some(revocation.clone());
            *member = Arc::new(Member { revocation, ..member.as_ref().clone() });
        }
        self.revocations.keep(revocation.clone(), is_known);
    }

    /// Ends the memberships that are over by `from`, since the log may have called them so, and those of
    /// later times than `to`. A newer credential readmits.
    pub(super) fn end_members(&mut self, from: UnixMillis, to: UnixMillis) {
        for member in self.members.values_mut() {
            let void_since = is_of_leap(&member.admitted, to).then_some(to).or(member.void_since);
            if void_since.is_some() || member.admitted.credential().validity.until() <= from {
                let changed = Member { is_over: true, void_since, ..member.as_ref().clone() };
                *member = Arc::new(changed);
            }
        }
    }
}
