//! HMAC-SHA-256 (FIPS 198-1), many times with one key.

use dataspace_primitives::Zeroizing;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// SHA-256 works on blocks of so many bytes.
pub(crate) const BLOCK_LEN: usize = 64;

/// HMAC-SHA-256 that has taken a key, and maybe the beginning of a message. To go on from there costs no more
/// than to copy it. It is wiped when dropped.
#[derive(Clone)]
pub(crate) struct KeyedHash(Hmac<Sha256>);

impl KeyedHash {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // FIPS 198-1, section 4, step 3: a key that is shorter than a block is filled up with zeros.
        let mut block = Zeroizing::new([0; BLOCK_LEN]);
        let (first, _) = block.split_at_mut(key.len());
        first.copy_from_slice(key);
        Self(Hmac::new((&*block).into()))
    }

    /// Takes more of the message.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Of the message that ends here.
    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use ring::hmac;

    use super::KeyedHash;

    #[test]
    fn it_is_the_same_as_that_of_another_library() {
        for len in (0..200).chain([1_000, 5_000]) {
            let message: Vec<u8> = (0..len).map(|at: u32| at.to_le_bytes()[0]).collect();
            let key = [u8::try_from(len % 251).unwrap(); 32];
            let (head, tail) = message.split_at(message.len() / 3);
            let mut start = KeyedHash::new(&key);
            start.update(head);
            let mut rest = start.clone();
            rest.update(tail);
            let expected = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &message);
            assert_eq!(rest.finish(), expected.as_ref(), "{len} bytes");
        }
    }
}
