//! The authority's signature over any content never admits what is not a credential; without it
//! nothing is admitted. The seeds are made from `vectors/documents/membership-credential.hex`.

use dataspace_identity::{
    MembershipCredential, SecretKey, SpaceId, TrustAnchors,
    credential::{ATTRIBUTES_MAX, ROLES_MAX},
};
use dataspace_primitives::{Payload, Signed, UnixMillis, cbor};
use serde::{Deserialize, Serialize};
use serde_cbor::Value;

/// Any content under the credential's type, as a careless authority would sign it.
#[derive(Serialize, Deserialize)]
struct Careless(Value);

impl Payload for Careless {
    const TYPE: &'static str = MembershipCredential::TYPE;
}

fn key(byte: u8) -> SecretKey {
    SecretKey::from_seed(&mut [byte; 32]).expect("every seed gives a usable key")
}

pub(crate) fn check(bytes: &[u8]) {
    let _admitted = is_admitted(bytes);
}

/// Whether the input is admitted: as a document, or as content that the authority signed.
pub(crate) fn is_admitted(bytes: &[u8]) -> bool {
    let (authority, stranger) = (key(1), key(2));
    let space = SpaceId::new(authority.did().clone(), "materials".parse().expect("a name"));
    let anchors = TrustAnchors::new(space.clone());
    let now = UnixMillis::new(1_780_000_000_000).expect("within the range");

    // As a document, which nobody but the authority can sign.
    if let Ok(signed) = Signed::<MembershipCredential>::from_bytes(bytes.to_vec()) {
        assert_eq!(signed.as_bytes(), bytes);
        return anchors.admit(signed, now).is_ok();
    }

    // As content, signed by a stranger and by the authority.
    let Ok(content) = cbor::from_canonical::<Value>(bytes, 1 << 15) else { return false };
    let content = Careless(content);
    let Ok(foreign) = Signed::sign(&content, &stranger) else { return false };
    let foreign = Signed::<MembershipCredential>::from_bytes(foreign.as_bytes().to_vec());
    assert!(anchors.admit(foreign.expect("the same envelope"), now).is_err());

    let Ok(own) = Signed::sign(&content, &authority) else { return false };
    let own = Signed::<MembershipCredential>::from_bytes(own.as_bytes().to_vec());
    let admitted = anchors.admit(own.expect("the same envelope"), now);
    if let Ok(admitted) = &admitted {
        let credential = admitted.credential();
        assert_eq!(credential.space, space);
        assert_eq!(&credential.subject, admitted.did());
        assert!((1..=ROLES_MAX).contains(&credential.roles.len()));
        assert!(credential.attributes.len() <= ATTRIBUTES_MAX);
        assert!(credential.validity.contains(now) && admitted.is_member_at(now));
        assert_eq!(cbor::to_canonical(credential).ok().as_deref(), Some(bytes));
    }
    admitted.is_ok()
}
