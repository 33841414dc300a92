//! A text is a key or it is not; what is written is read back.

use dataspace_identity::{RootSecret, SecretKey};

pub(crate) fn check(bytes: &[u8]) {
    if let Ok(key) = SecretKey::from_text(bytes, None) {
        let text = key.to_pem(None).expect("a key can be written");
        let again = SecretKey::from_text(text.as_bytes(), None).expect("it was written here");
        assert_eq!(again.did(), key.did());
    }
    let _may_be_none = RootSecret::from_text(bytes, None);
}
