//! The end of a membership.

use dataspace_primitives::{Name, Payload, Signed, UnixMillis, Verified, signed::VerifyError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::credential::TrustAnchors;
use crate::did::Did;
use crate::keys::{DidKeys, Resolver as _};
use crate::space::SpaceId;

/// The space authority's statement that a participant no longer belongs to the space. It ends every
/// credential of the subject that was issued up to [`revoked_at`](Self::revoked_at), those included
/// that nobody has seen yet. Final: who comes back gets a new credential, issued later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MembershipRevocation {
    /// The space, whose authority signs. In the authority's other spaces the membership goes on.
    pub space: SpaceId,
    /// The participant whose membership ends.
    pub subject: Did,
    /// When it was revoked, by the authority's clock: credentials issued up to then, this instant
    /// included, have ended. One that lies ahead ends those of the future, too.
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
    /// Signed by the authority, for another space.
    #[error("the revocation is for the space {found}; this is the space {expected}")]
    Space {
        /// This space.
        expected: Box<SpaceId>,
        /// The space that the revocation names.
        found: Box<SpaceId>,
    },
}

impl TrustAnchors {
    /// Checks that the space authority itself revoked a membership of this space.
    ///
    /// # Errors
    /// [`RevocationError`] if it was anybody else, or is about another space.
    pub fn check_revocation(
        &self,
        revocation: Signed<MembershipRevocation>,
        now: UnixMillis,
    ) -> Result<Verified<MembershipRevocation>, RevocationError> {
        let revocation = revocation.verify(&DidKeys.keys(self.authority()), now)?;
        let found = &revocation.value().space;
        if found != self.space() {
            let (expected, found) = (Box::new(self.space().clone()), Box::new(found.clone()));
            return Err(RevocationError::Space { expected, found });
        }
        Ok(revocation)
    }
}
