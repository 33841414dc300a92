//! Key documents of any content, signed by the authority, by the participant, or by a stranger: what is taken
//! is the next one, of this space, and speaks for nobody else; keys as text, and origins.

use dataspace_identity::{
    Did, KeyDocument, KnownKeys, Origin, Resolver as _, SecretKey, SpaceId, keys::KEYS_MAX,
};
use dataspace_primitives::{Payload, Signed, UnixMillis, cbor};
use serde::{Deserialize, Serialize};
use serde_cbor::Value;

#[derive(Serialize, Deserialize)]
struct Careless(Value);

impl Payload for Careless {
    const TYPE: &'static str = KeyDocument::TYPE;
}

fn key(byte: u8) -> SecretKey {
    SecretKey::from_seed(&mut [byte; 32]).expect("every seed gives a usable key")
}

pub(crate) fn check(bytes: &[u8]) {
    let _taken = is_taken(bytes);
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(origin) = text.parse::<Origin>()
    {
        assert_eq!(origin.as_str(), text, "a second spelling");
        let _may_be_no_point = origin.key();
        assert!(
            Did::of_key(&origin.key_url().parse().expect("a key identifier"))
                .is_ok_and(|did| did == *origin.operator())
                || !origin.operator().is_key()
                || text.contains("/z6Mk")
        );
    }
}

/// Whether the input is taken: as a document, or as content that the authority signed.
pub(crate) fn is_taken(bytes: &[u8]) -> bool {
    let (authority, stranger) = (key(1), key(2));
    let space = SpaceId::new(authority.did().clone(), "materials".parse().expect("a name"));
    let now = UnixMillis::new(1_780_000_000_000).expect("within the range");
    let known = KnownKeys::default();
    if let Ok(signed) = Signed::<KeyDocument>::from_bytes(bytes.to_vec()) {
        assert_eq!(signed.as_bytes(), bytes);
        return known.check(signed, &space, now).is_ok();
    }
    let Ok(content) = cbor::from_canonical::<Value>(bytes, 1 << 15) else { return false };
    let content = Careless(content);
    let signed = |by: &SecretKey| {
        let signed = Signed::sign(&content, by).ok()?;
        Signed::<KeyDocument>::from_bytes(signed.as_bytes().to_vec()).ok()
    };
    let Some(foreign) = signed(&stranger) else { return false };
    assert!(known.check(foreign, &space, now).is_err());
    let Some(own) = signed(&authority) else { return false };
    let Ok(document) = known.check(own, &space, now) else { return false };
    let KeyDocument { space: of, subject, version, keys } = document.value();
    assert!(*of == space && *version >= 1 && (1..=KEYS_MAX).contains(&keys.len()));
    let mut after = known;
    after.add(&document, now);
    let mut count = 0;
    for (id, _, validity) in after.keys(subject).iter() {
        count += 1;
        assert!(subject.owns(id) && validity.from() >= now);
    }
    assert!(count <= keys.len());
    assert!(after.keys(stranger.did()).iter().count() == 1, "others keep their keys");
    true
}
