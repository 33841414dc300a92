//! Stamps of the state of a product's content, for reports that everybody may read.

use dataspace_primitives::{Digest, Secrets, Zeroizing};
use parking_lot::Mutex;
use ring::hmac;

/// The key of this node's stamps, once it was derived.
#[derive(Default)]
pub(crate) struct StampKey(Mutex<Option<Zeroizing<[u8; 32]>>>);

impl StampKey {
    /// The use for which it is derived.
    const PURPOSE: &str = "content-stamp";

    /// A stamp of a state, always the same one; `None` if the secret cannot be used now.
    pub(crate) fn stamp(&self, state: Digest, secrets: &dyn Secrets) -> Option<Digest> {
        let mut key = self.0.lock();
        let bytes = match &mut *key {
            Some(bytes) => bytes,
            none => none.insert(secrets.derive(Self::PURPOSE, b"").ok()?),
        };
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &**bytes), state.as_bytes());
        Some(Digest::from_bytes(<[u8; Digest::LEN]>::try_from(tag.as_ref()).ok()?))
    }
}
