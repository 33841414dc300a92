//! Membership credentials, and who is believed about them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dataspace_primitives::{
    Digest, Name, Payload, Region, Signed, TrustedKeys, UnixMillis, Validity, Verified, bounded,
    signed::VerifyError,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::did::Did;
use crate::did_error::ParseDidError;
use crate::keys::{DidKeys, Resolver as _};
use crate::space::SpaceId;

/// Most roles that one credential can give.
pub const ROLES_MAX: usize = 16;
/// Most attributes in one credential.
pub const ATTRIBUTES_MAX: usize = 32;
/// How far the authority's clock may be ahead of the clock by which a credential is admitted.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// The space authority's statement that a participant belongs to the space. Follows the W3C
/// Verifiable Credentials data model (its `issuer` is the authority in `space`, beside subject and
/// validity), secured with COSE.
///
/// Of several credentials of one subject the newest is in force: the one that was issued last, and
/// of those issued at the same time the one with the greatest serial number. See
/// [`Admitted::is_newer_than`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MembershipCredential {
    /// The space, whose authority issues the credential and signs it. It says nothing in any other
    /// space.
    pub space: SpaceId,
    /// The participant who is admitted.
    pub subject: Did,
    /// The participant's name, as the authority checked it.
    pub name: Name,
    /// The authority's number for it, counting up, so that credentials issued at the same time have
    /// an order.
    pub serial: u64,
    /// When it was issued, by the authority's clock. A revocation ends all that were issued up to
    /// then. Nothing else depends on it.
    pub issued_at: UnixMillis,
    /// What the participant may be in this space (`provider`, `consumer`, …); at most
    /// [`ROLES_MAX`].
    #[serde(deserialize_with = "bounded::set::<_, _, ROLES_MAX>")]
    pub roles: BTreeSet<Name>,
    /// What the authority states about the participant, such as a business partner number: the
    /// source of the facts that contracts call attributes. At most [`ATTRIBUTES_MAX`].
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "bounded::map::<_, _, _, ATTRIBUTES_MAX>"
    )]
    pub attributes: BTreeMap<Name, Name>,
    /// Where the participant is established.
    pub region: Region,
    /// When the membership holds: half-open.
    pub validity: Validity,
}

impl Payload for MembershipCredential {
    const TYPE: &'static str = "application/vnd.dataspace.membership+cbor";
}

/// Why a participant is not admitted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AdmitError {
    /// The credential does not verify against the authority's key, or is malformed: with more than
    /// [`ROLES_MAX`] roles or [`ATTRIBUTES_MAX`] attributes, for instance.
    #[error("the membership credential does not verify")]
    Verify(#[from] VerifyError),
    /// Signed by the authority, for another space.
    #[error("the credential is for the space {found}; this is the space {expected}")]
    Space {
        /// This space.
        expected: Box<SpaceId>,
        /// The space that the credential names.
        found: Box<SpaceId>,
    },
    /// Issued later than now. A revocation would not reach it.
    #[error("the credential was issued at {issued_at}; it is only {now}")]
    FromTheFuture {
        /// When the authority says that it issued it.
        issued_at: UnixMillis,
        /// The time of the check.
        now: UnixMillis,
    },
    /// Not yet valid, or no longer.
    #[error("the membership of `{subject}` is valid {validity}; it is now {now}")]
    NotValid {
        /// The participant.
        subject: Did,
        /// When the membership holds.
        validity: Validity,
        /// The time of the check.
        now: UnixMillis,
    },
    /// Nobody can sign for the participant, so it could do nothing.
    #[error("nobody can sign for `{subject}`")]
    NoKey {
        /// The participant.
        subject: Did,
        /// Why.
        source: ParseDidError,
    },
    /// No role.
    #[error("a membership has 1 to {ROLES_MAX} roles, this one has none")]
    Roles,
}

/// Whom a verifier believes about membership: the authority of one space.
#[derive(Clone, Debug)]
pub struct TrustAnchors {
    space: SpaceId,
}

impl TrustAnchors {
    /// Believes the authority of `space`, about this space, and nobody else.
    #[must_use]
    pub fn new(space: SpaceId) -> Self {
        Self { space }
    }

    /// The space of `authority` that a credential is for: for a reader who knows an authority and has
    /// documents of one of its spaces.
    ///
    /// # Errors
    /// [`AdmitError`] if the credential is not one of this authority.
    pub fn of_credential(
        credential: &Signed<MembershipCredential>,
        authority: &Did,
        now: UnixMillis,
    ) -> Result<Self, AdmitError> {
        let credential = credential.clone().verify(&DidKeys.keys(authority), now)?;
        let found = &credential.value().space;
        if found.authority != *authority {
            let expected = SpaceId::new(authority.clone(), found.name.clone());
            return Err(AdmitError::Space {
                expected: Box::new(expected),
                found: Box::new(found.clone()),
            });
        }
        Ok(Self::new(found.clone()))
    }

    /// The space.
    #[must_use]
    pub fn space(&self) -> &SpaceId {
        &self.space
    }

    /// The space authority.
    #[must_use]
    pub fn authority(&self) -> &Did {
        &self.space.authority
    }

    /// Checks a membership credential at the time `now`.
    ///
    /// # Errors
    /// [`AdmitError`] if the credential is not the authority's for this space, is out of its time,
    /// or has no roles.
    pub fn admit(
        &self,
        credential: Signed<MembershipCredential>,
        now: UnixMillis,
    ) -> Result<Admitted, AdmitError> {
        let credential = credential.verify(&DidKeys.keys(self.authority()), now)?;
        let MembershipCredential { space, subject, issued_at, roles, validity, .. } =
            credential.value();
        if *space != self.space {
            let (expected, found) = (Box::new(self.space.clone()), Box::new(space.clone()));
            return Err(AdmitError::Space { expected, found });
        }
        if *issued_at > now.checked_add(CLOCK_SKEW).unwrap_or(UnixMillis::MAX) {
            return Err(AdmitError::FromTheFuture { issued_at: *issued_at, now });
        }
        if !validity.contains(now) {
            let (subject, validity) = (subject.clone(), *validity);
            return Err(AdmitError::NotValid { subject, validity, now });
        }
        if roles.is_empty() {
            return Err(AdmitError::Roles);
        }
        if let Err(source @ ParseDidError::Key) = subject.public_key() {
            return Err(AdmitError::NoKey { subject: subject.clone(), source });
        }
        let keys = DidKeys.keys(subject);
        Ok(Admitted { credential, keys })
    }
}

/// A participant whose membership was checked by [`TrustAnchors::admit`]. Membership ends with
/// its validity or by revocation, so later uses ask again with [`Admitted::is_member_at`].
#[derive(Clone, Debug)]
pub struct Admitted {
    credential: Verified<MembershipCredential>,
    keys: TrustedKeys,
}

impl Admitted {
    /// The participant.
    #[must_use]
    pub fn did(&self) -> &Did {
        &self.credential.value().subject
    }

    /// The credential.
    #[must_use]
    pub fn credential(&self) -> &MembershipCredential {
        self.credential.value()
    }

    /// The participant's key, if its DID is one.
    #[must_use]
    pub fn keys(&self) -> &TrustedKeys {
        &self.keys
    }

    /// The credential as the authority signed it.
    #[must_use]
    pub fn signed(&self) -> &Signed<MembershipCredential> {
        self.credential.signed()
    }

    /// Returns true if the credential's validity includes `at`. Says nothing about revocation.
    #[must_use]
    pub fn is_member_at(&self, at: UnixMillis) -> bool {
        self.credential().validity.contains(at)
    }

    /// Returns true if this credential takes the place of `other`, which must be of the same
    /// participant. Of two different credentials one is the newer, whichever arrives first: by time
    /// of issue, serial number, and for want of both the digest of the content.
    #[must_use]
    pub fn is_newer_than(&self, other: &Self) -> bool {
        self.order() > other.order()
    }

    fn order(&self) -> (UnixMillis, u64, Digest) {
        let MembershipCredential { issued_at, serial, .. } = self.credential();
        (*issued_at, *serial, self.credential.digest())
    }

    /// Returns true if a revocation at `revoked_at` ends this credential: it was issued by then.
    #[must_use]
    pub fn is_revoked_by(&self, revoked_at: UnixMillis) -> bool {
        self.credential().issued_at <= revoked_at
    }
}
