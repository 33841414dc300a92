//! Who is a member: a function of the credentials and revocations that are recorded, whatever the
//! order in which they came.
//!
//! Of a participant's credentials the newest is in force ([`Admitted::is_newer_than`]), unless it was
//! issued up to the latest revocation.

use std::collections::HashMap;
use std::sync::Arc;

use dataspace_audit_log::LeafIndex;
use dataspace_identity::{AdmitError, Admitted, Did, MembershipCredential, MembershipRevocation};
use dataspace_primitives::{Signed, UnixMillis, Verified};

use crate::change::Change;
use crate::error::ChangeError;
use crate::state::State;

/// Most participants whose revocation is kept although none of their credentials came yet. Only the
/// authority can make them; none is forgotten for another.
pub(crate) const REVOKED_AHEAD_MAX: usize = 65_536;

/// A member of the space.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) admitted: Admitted,
    /// The record that put it in force.
    admitted_by: LeafIndex,
    /// Credentials before this one with their records, oldest first: decisions of their time are
    /// shown by them.
    earlier: Vec<(LeafIndex, Admitted)>,
    /// What ended the credential.
    pub(crate) revocation: Option<MembershipRevocation>,
    /// Whether it would have been over by the time from which the clock was set back.
    is_over: bool,
}

impl Member {
    /// The credential that was in force before the record at `index`.
    pub(crate) fn credential_at(&self, index: LeafIndex) -> Option<&Admitted> {
        let earlier = self.earlier.iter().rev().map(|(by, one)| (*by, one));
        let mut all = std::iter::once((self.admitted_by, &self.admitted)).chain(earlier);
        all.find(|(by, _)| *by < index).map(|(_, one)| one)
    }

    pub(crate) fn is_member_at(&self, now: UnixMillis) -> bool {
        self.revocation.is_none() && !self.is_over && self.admitted.is_member_at(now)
    }
}

/// The latest revocation of each participant that has one.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    latest: HashMap<Did, MembershipRevocation>,
    /// How many of them are of participants that were never admitted.
    ahead: usize,
}

impl Revocations {
    fn of(&self, subject: &Did) -> Option<&MembershipRevocation> {
        self.latest.get(subject)
    }

    /// Whether one more participant would be too many.
    fn has_room(&self, ahead_max: usize) -> bool {
        self.ahead < ahead_max
    }

    fn keep(&mut self, revocation: MembershipRevocation, is_known: bool) {
        let is_new = self.latest.insert(revocation.subject.clone(), revocation).is_none();
        self.ahead += usize::from(is_new && !is_known);
    }

    /// The participant is admitted for the first time.
    fn admitted(&mut self, subject: &Did) {
        self.ahead -= usize::from(self.latest.contains_key(subject) && self.ahead > 0);
    }
}

impl State {
    pub(crate) fn check_admission(
        &self,
        credential: Signed<MembershipCredential>,
        now: UnixMillis,
    ) -> Result<Change, ChangeError> {
        self.check_admitted(self.anchors.admit(credential, now)?, now)
    }

    /// As [`check_admission`](Self::check_admission), of a credential that was verified before.
    pub(crate) fn check_admitted(
        &self,
        admitted: Admitted,
        now: UnixMillis,
    ) -> Result<Change, ChangeError> {
        let credential = admitted.credential();
        if !admitted.is_member_at(now) {
            let (subject, validity) = (admitted.did().clone(), credential.validity);
            return Err(AdmitError::NotValid { subject, validity, now }.into());
        }
        let rules = &self.profile.profile().entities;
        if let Some((what, value)) = rules.refuses(&credential.roles, credential.region) {
            return Err(ChangeError::NotAdmissible { what, value });
        }
        let subject = || admitted.did().clone();
        if let Some(MembershipRevocation { revoked_at, .. }) = self.revocations.of(admitted.did())
            && admitted.is_revoked_by(*revoked_at)
        {
            let (subject, revoked_at) = (subject(), *revoked_at);
            return Err(ChangeError::Revoked { subject, revoked_at });
        }
        if let Some(Member { admitted: current, .. }) =
            self.members.get(admitted.did()).map(Arc::as_ref)
        {
            if current.credential() == credential {
                return Err(ChangeError::AlreadyInForce);
            }
            if !admitted.is_newer_than(current) {
                let (subject, current, found) =
                    (subject(), current.credential().issued_at, credential.issued_at);
                return Err(ChangeError::OlderCredential { subject, current, found });
            }
        }
        Ok(Change::Admission(admitted))
    }

    pub(crate) fn check_revocation(
        &self,
        revocation: Signed<MembershipRevocation>,
        now: UnixMillis,
    ) -> Result<Change, ChangeError> {
        self.check_revoked(self.anchors.check_revocation(revocation, now)?)
    }

    /// As [`check_revocation`](Self::check_revocation), of a revocation that was verified before.
    pub(crate) fn check_revoked(
        &self,
        revocation: Verified<MembershipRevocation>,
    ) -> Result<Change, ChangeError> {
        let MembershipRevocation { subject, revoked_at, .. } = revocation.value();
        match self.revocations.of(subject) {
            // All that it ends has ended.
            Some(last) if last.revoked_at >= *revoked_at => Err(ChangeError::AlreadyInForce),
            None if !self.members.contains_key(subject)
                && !self.revocations.has_room(REVOKED_AHEAD_MAX) =>
            {
                Err(ChangeError::TooManyRevoked { subject: subject.clone() })
            }
            _ => Ok(Change::Revocation(revocation)),
        }
    }

    pub(crate) fn apply_admission(&mut self, admitted: Admitted, admitted_by: LeafIndex) {
        let did = admitted.did().clone();
        let mut earlier = Vec::new();
        match self.members.get(&did) {
            None => self.revocations.admitted(&did),
            Some(member) => {
                earlier.clone_from(&member.earlier);
                earlier.push((member.admitted_by, member.admitted.clone()));
            }
        }
        let member = Member { admitted, admitted_by, earlier, revocation: None, is_over: false };
        self.members.insert(did, Arc::new(member));
    }

    pub(crate) fn apply_revocation(&mut self, revocation: &Verified<MembershipRevocation>) {
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

    /// Ends the memberships that are over by `from`: the log may have called them so. A newer
    /// credential readmits.
    pub(crate) fn end_members(&mut self, from: UnixMillis) {
        for member in self.members.values_mut() {
            if member.admitted.credential().validity.until() <= from {
                *member = Arc::new(Member { is_over: true, ..member.as_ref().clone() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use dataspace_identity::{SecretKey, SpaceId};

    use super::*;

    fn revocation(seed: u8) -> MembershipRevocation {
        let key = SecretKey::from_seed(&mut [seed; 32]).unwrap();
        MembershipRevocation {
            space: SpaceId::new(key.did().clone(), "demo".parse().unwrap()),
            subject: key.did().clone(),
            revoked_at: UnixMillis::MIN,
            reason: "left".parse().unwrap(),
        }
    }

    #[test]
    fn only_revocations_of_people_who_were_never_admitted_take_up_room() {
        let mut revocations = Revocations::default();
        assert!(revocations.has_room(1) && !revocations.has_room(0));
        // Of a member; twice of somebody unknown.
        revocations.keep(revocation(1), true);
        assert!(revocations.has_room(1));
        revocations.keep(revocation(2), false);
        revocations.keep(revocation(2), false);
        assert!(!revocations.has_room(1) && revocations.has_room(2));
        revocations.admitted(&revocation(2).subject);
        assert!(revocations.has_room(1));
        assert!(revocations.of(&revocation(2).subject).is_some());
    }
}
