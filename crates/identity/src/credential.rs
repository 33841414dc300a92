use std::collections::BTreeSet;

use dataspace_primitives::{
    Name, Payload, Region, Signed, UnixMillis, Validity, Verified, VerifyError,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::did::Did;

/// Most roles that one credential can give.
pub const ROLES_MAX: usize = 16;

/// The space authority's statement that a participant belongs to the space. Follows the W3C
/// Verifiable Credentials data model (`issuer`, subject, validity), secured with COSE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MembershipCredential {
    /// The space authority, which signs.
    pub issuer: Did,
    /// The participant who is admitted.
    pub subject: Did,
    /// The participant's name, as the authority checked it.
    pub name: Name,
    /// What the participant may be in this space (`provider`, `consumer`, …); at most
    /// [`ROLES_MAX`].
    pub roles: BTreeSet<Name>,
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
    /// The credential does not verify against the authority's key.
    #[error("the membership credential does not verify")]
    Verify(#[from] VerifyError),
    /// Signed by the authority, yet in another issuer's name.
    #[error("the credential names `{issuer}` as its issuer, who is not this space's authority")]
    Issuer {
        /// The issuer that the credential names.
        issuer: Did,
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
    /// More than [`ROLES_MAX`] roles, or none.
    #[error("a membership has 1 to {ROLES_MAX} roles, this one has {found}")]
    Roles {
        /// Roles in the credential.
        found: usize,
    },
}

/// Whom a verifier believes about membership: the authority of one space.
#[derive(Clone, Debug)]
pub struct TrustAnchors {
    authority: Did,
}

impl TrustAnchors {
    /// Believes `authority` and nobody else.
    #[must_use]
    pub fn new(authority: Did) -> Self {
        Self { authority }
    }

    /// The space authority.
    #[must_use]
    pub fn authority(&self) -> &Did {
        &self.authority
    }

    /// Checks a membership credential at the time `now`.
    ///
    /// # Errors
    /// [`AdmitError`] if the credential is not the authority's, is out of its time, or has no
    /// roles.
    pub fn admit(
        &self,
        credential: Signed<MembershipCredential>,
        now: UnixMillis,
    ) -> Result<Admitted, AdmitError> {
        let credential = credential.verify(&self.authority.trusted_keys(), now)?;
        let MembershipCredential { issuer, subject, roles, validity, .. } = credential.value();
        if *issuer != self.authority {
            return Err(AdmitError::Issuer { issuer: issuer.clone() });
        }
        if !validity.contains(now) {
            let (subject, validity) = (subject.clone(), *validity);
            return Err(AdmitError::NotValid { subject, validity, now });
        }
        if roles.is_empty() || roles.len() > ROLES_MAX {
            return Err(AdmitError::Roles { found: roles.len() });
        }
        Ok(Admitted { credential })
    }
}

/// A participant whose membership was checked by [`TrustAnchors::admit`]. Membership ends with
/// its validity or by revocation, so later uses ask again with [`Admitted::is_member_at`].
#[derive(Clone, Debug)]
pub struct Admitted {
    credential: Verified<MembershipCredential>,
}

impl Admitted {
    /// The participant.
    #[must_use]
    pub fn did(&self) -> &Did {
        &self.credential.value().subject
    }

    /// What the authority stated.
    #[must_use]
    pub fn credential(&self) -> &MembershipCredential {
        self.credential.value()
    }

    /// The credential as the authority signed it.
    #[must_use]
    pub fn signed(&self) -> &Signed<MembershipCredential> {
        self.credential.signed()
    }

    /// Whether the credential's validity includes `at`. Says nothing about revocation.
    #[must_use]
    pub fn is_member_at(&self, at: UnixMillis) -> bool {
        self.credential().validity.contains(at)
    }
}
