//! A DID has one spelling, and a key one DID.

use dataspace_identity::Did;
use dataspace_primitives::cbor;

pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(did) = text.parse::<Did>() {
        assert_eq!(did.as_str(), text, "a second spelling");
        if let Ok(key) = did.public_key() {
            assert_eq!(Did::from_public_key(&key), did);
        }
        assert!(did.key_url().is_none_or(|url| url.starts_with(text)));
        let bytes = cbor::to_canonical(&did).ok();
        let again = bytes.and_then(|bytes| cbor::from_canonical::<Did>(&bytes, 128).ok());
        assert_eq!(again, Some(did), "lost on the wire");
    }
    // Any 32 bytes as a key: most are refused, none has two spellings.
    if let Some(key) = bytes.first_chunk::<32>()
        && let Ok(key) = dataspace_primitives::PublicKey::from_bytes(key)
    {
        let did = Did::from_public_key(&key);
        assert_eq!(did.as_str().parse::<Did>().as_ref(), Ok(&did), "a usable key without a DID");
        assert_eq!(did.public_key(), Ok(key));
    }
}
