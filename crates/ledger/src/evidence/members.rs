//! Who the parties were, by the authority's word.

use dataspace_identity::{
    Admitted, Did, DidKeys, MembershipCredential, Resolver as _, TrustAnchors,
    credential::AdmitError,
};
use dataspace_primitives::{Signed, UnixMillis};

use crate::evidence::error::EvidenceError;
use crate::evidence::part::Part;

/// Admits `party` by its credential, as it was at `time`. Where the decision was a denial, its
/// membership may have been over: that is a reason to deny; where the clock was set back, its credential
/// may be of later times.
pub(super) fn admit(
    anchors: &TrustAnchors,
    (part, credential): (Part, Vec<u8>),
    party: &Did,
    (time, is_denial, is_set_back): (UnixMillis, bool, bool),
) -> Result<Admitted, EvidenceError> {
    let credential = Signed::<MembershipCredential>::from_bytes(credential)
        .map_err(|source| EvidenceError::Document { part, source })?;
    let admitted = match anchors.admit(credential.clone(), time) {
        Err(AdmitError::NotValid { validity, .. }) if is_denial && validity.until() <= time => {
            let last = validity.until().saturating_sub(std::time::Duration::from_millis(1));
            anchors.admit(credential, last)
        }
        // Admitted by a clock that was set back since, which is why it was denied.
        Err(AdmitError::NotValid { .. } | AdmitError::FromTheFuture { .. }) if is_set_back => {
            let keys = DidKeys.keys(anchors.authority());
            let content = credential.clone().verify(&keys, time).map_err(AdmitError::from);
            content.and_then(|content| {
                let MembershipCredential { issued_at, validity, .. } = content.value();
                anchors.admit(credential, validity.from().max(*issued_at))
            })
        }
        other => other,
    };
    let admitted = admitted.map_err(|source| EvidenceError::Credential { part, source })?;
    if admitted.did() != party {
        let (expected, found) = (party.clone(), admitted.did().clone());
        return Err(EvidenceError::Subject { part, expected, found });
    }
    Ok(admitted)
}
