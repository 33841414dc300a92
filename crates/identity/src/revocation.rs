use dataspace_primitives::{Name, Payload, Signed, UnixMillis, Verified, VerifyError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::credential::TrustAnchors;
use crate::did::Did;

/// The space authority's statement that a participant no longer belongs to the space. Final: who
/// comes back gets a new credential, issued later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MembershipRevocation {
    /// The space authority, which signs.
    pub issuer: Did,
    /// The participant whose membership ends.
    pub subject: Did,
    /// When it was revoked, by the authority's clock.
    pub revoked_at: UnixMillis,
    /// Why, in a few words that the participant may see.
    pub reason: Name,
}

impl Payload for MembershipRevocation {
    const TYPE: &'static str = "application/vnd.dataspace.membership-revocation+cbor";
}

/// Why a revocation is not believed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// It does not verify against the authority's key.
    #[error("the revocation does not verify")]
    Verify(#[from] VerifyError),
    /// Signed by the authority, yet in another issuer's name.
    #[error("the revocation names `{issuer}` as its issuer, who is not this space's authority")]
    Issuer {
        /// The issuer that the revocation names.
        issuer: Did,
    },
}

impl TrustAnchors {
    /// Checks that the space authority itself revoked a membership.
    ///
    /// # Errors
    /// [`RevocationError`] if it was anybody else.
    pub fn check_revocation(
        &self,
        revocation: Signed<MembershipRevocation>,
        now: UnixMillis,
    ) -> Result<Verified<MembershipRevocation>, RevocationError> {
        let revocation = revocation.verify(&self.authority().trusted_keys(), now)?;
        let issuer = &revocation.value().issuer;
        if issuer != self.authority() {
            return Err(RevocationError::Issuer { issuer: issuer.clone() });
        }
        Ok(revocation)
    }
}
