//! Who is a member: a function of the credentials and revocations that are recorded, whatever the
//! order in which they came.
//!
//! Of a participant's credentials the newest is in force ([`Admitted::is_newer_than`]), unless it was
//! issued up to the latest revocation.

use std::collections::HashMap;

use dataspace_identity::{Admitted, Did, MembershipRevocation, credential::CLOCK_SKEW};
use dataspace_primitives::UnixMillis;
use dataspace_tlog::LeafIndex;

/// Most participants whose revocation is kept although none of their credentials came yet. Only the
/// authority can make them; none is forgotten for another.
pub const REVOKED_AHEAD_MAX: usize = 65_536;

/// A member of the space.
#[derive(Clone, Debug)]
pub struct Member {
    pub(super) admitted: Admitted,
    /// The record that put it in force.
    pub(super) admitted_by: LeafIndex,
    /// Credentials before this one with their records, oldest first: decisions of their time are
    /// shown by them.
    pub(super) earlier: Vec<(LeafIndex, Admitted)>,
    /// What ended the credential.
    pub(super) revocation: Option<MembershipRevocation>,
    /// True if it would have been over by the time from which the clock was set back, or is of later
    /// times than that to which it was.
    pub(super) is_over: bool,
    /// The time to which the clock was set back, if the credential is of later times.
    pub(super) void_since: Option<UnixMillis>,
}

/// Returns true if a credential is of later times than `to`, to which the clock was set back: then it was
/// admitted by the wrong clock, and no revocation of the present would reach it.
pub(super) fn is_of_leap(admitted: &Admitted, to: UnixMillis) -> bool {
    let credential = admitted.credential();
    let latest = to.checked_add(CLOCK_SKEW).unwrap_or(UnixMillis::MAX);
    credential.issued_at > latest || credential.validity.from() > to
}

impl Member {
    /// The credential in force, or the last one that was.
    #[must_use]
    pub fn admitted(&self) -> &Admitted {
        &self.admitted
    }

    /// The credential that was in force before the record at `index`.
    #[must_use]
    pub fn credential_at(&self, index: LeafIndex) -> Option<&Admitted> {
        let earlier = self.earlier.iter().rev().map(|(by, one)| (*by, one));
        let mut all = std::iter::once((self.admitted_by, &self.admitted)).chain(earlier);
        all.find(|(by, _)| *by < index).map(|(_, one)| one)
    }

    /// The credential that a newcomer has to follow.
    pub(super) fn last_good(&self) -> Option<&Admitted> {
        let earlier = self.earlier.iter().rev().map(|(_, one)| one);
        last_good(std::iter::once(&self.admitted).chain(earlier), self.void_since)
    }

    /// Returns true if it is a member at `now`, by its credential and what ended it.
    #[must_use]
    pub fn is_member_at(&self, now: UnixMillis) -> bool {
        self.revocation.is_none() && !self.is_over && self.admitted.is_member_at(now)
    }
}

/// Of a participant's credentials, newest first, the one that a newcomer has to follow: the newest that
/// is not of later times than that to which the clock was set back.
fn last_good<'a>(
    mut newest_first: impl Iterator<Item = &'a Admitted>,
    void_since: Option<UnixMillis>,
) -> Option<&'a Admitted> {
    newest_first.find(|one| void_since.is_none_or(|to| !is_of_leap(one, to)))
}

/// The latest revocation of each participant that has one.
#[derive(Debug, Default)]
pub(super) struct Revocations {
    latest: HashMap<Did, MembershipRevocation>,
    /// How many of them are of participants that were never admitted.
    ahead: usize,
}

impl Revocations {
    pub(super) fn of(&self, subject: &Did) -> Option<&MembershipRevocation> {
        self.latest.get(subject)
    }

    /// Returns true if one more participant would be too many.
    pub(super) fn has_room(&self, ahead_max: usize) -> bool {
        self.ahead < ahead_max
    }

    pub(super) fn keep(&mut self, revocation: MembershipRevocation, is_known: bool) {
        let is_new = self.latest.insert(revocation.subject.clone(), revocation).is_none();
        self.ahead += usize::from(is_new && !is_known);
    }

    /// The participant is admitted for the first time.
    pub(super) fn admitted(&mut self, subject: &Did) {
        self.ahead -= usize::from(self.latest.contains_key(subject) && self.ahead > 0);
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
