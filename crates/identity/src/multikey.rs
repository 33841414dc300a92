//! A public key as one word: `z6Mk…`, the Multikey of W3C Controlled Identifiers (multibase base58btc
//! over multicodec `ed25519-pub`), which is what stands in a `did:key`.

use dataspace_primitives::PublicKey;

use crate::did_error::ParseDidError;

/// Multicodec prefix of an Ed25519 public key (`ed25519-pub`, varint 0xed).
const ED25519_PUB: [u8; 2] = [0xed, 0x01];
/// `z` and at most 47 of base58, and some room.
const LEN_MAX: usize = 56;

pub(crate) fn write(key: &PublicKey) -> String {
    let bytes = [&ED25519_PUB[..], key.as_bytes()].concat();
    format!("z{}", bs58::encode(bytes).into_string())
}

/// The bytes of the key, which may not be a point of the curve. Only one text has them: 34 bytes that do
/// not begin with zero have a single spelling.
pub(crate) fn decode(text: &str) -> Result<[u8; PublicKey::LEN], ParseDidError> {
    let base58 = text.strip_prefix('z').ok_or(ParseDidError::Method)?;
    if text.len() > LEN_MAX {
        return Err(ParseDidError::Encoding);
    }
    let mut bytes = [0; LEN_MAX];
    let len = bs58::decode(base58).onto(&mut bytes).map_err(|_| ParseDidError::Encoding)?;
    let key = bytes.get(..len).and_then(|bytes| bytes.strip_prefix(&ED25519_PUB));
    key.and_then(|key| key.try_into().ok()).ok_or(ParseDidError::Key)
}

pub(crate) fn read(text: &str) -> Result<PublicKey, ParseDidError> {
    PublicKey::from_bytes(&decode(text)?).map_err(|_| ParseDidError::Key)
}
