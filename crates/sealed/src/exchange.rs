//! HPKE (RFC 9180) in base mode, for the one suite of sealed files, with the randomness that a caller drew.

use std::convert::Infallible;

use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable as _, HpkeError, Kem as _, OpModeR, OpModeS, Serializable as _};
use zeroize::{Zeroize as _, Zeroizing};

type Kem = hpke::kem::X25519HkdfSha256;
type Kdf = hpke::kdf::HkdfSha256;
type Aead = hpke::aead::AesGcm256;

/// A private key, wiped when it is dropped.
pub(crate) type PrivateKey = <Kem as hpke::Kem>::PrivateKey;

/// Bytes of keys (`Npk`, `Nenc`), and of what an ephemeral key is derived from (`Nsk`).
pub(crate) const KEY_LEN: usize = 32;

/// Bytes of the authentication tag (`Nt`).
pub(crate) const TAG_LEN: usize = 16;

/// The key pair that `DeriveKeyPair` gives (RFC 9180 §7.1.3). The seed is wiped.
pub(crate) fn key_pair(seed: &mut [u8; KEY_LEN]) -> (PrivateKey, [u8; KEY_LEN]) {
    let (private, public) = Kem::derive_keypair(seed);
    seed.zeroize();
    (private, public.to_bytes().into())
}

/// The encapsulated key and the ciphertext of `SealBase` (RFC 9180 §6.1); the ephemeral key is derived
/// from `seed`, which is wiped. `None` if the recipient's key gives no secret (§7.1.4).
pub(crate) fn seal(
    recipient: &[u8; KEY_LEN],
    info: &[u8],
    aad: &[u8],
    plain: &[u8],
    seed: &mut [u8; KEY_LEN],
) -> Option<([u8; KEY_LEN], Vec<u8>)> {
    let mut drawn = Drawn { bytes: Zeroizing::new(*seed), left: KEY_LEN, is_overdrawn: false };
    seed.zeroize();
    let sealed = encapsulate(recipient, info, aad, plain, &mut drawn);
    // INVARIANT: nothing leaves that more randomness than was drawn went into.
    sealed.ok().filter(|_| !drawn.is_overdrawn)
}

fn encapsulate(
    recipient: &[u8; KEY_LEN],
    info: &[u8],
    aad: &[u8],
    plain: &[u8],
    drawn: &mut Drawn,
) -> Result<([u8; KEY_LEN], Vec<u8>), HpkeError> {
    let recipient = <Kem as hpke::Kem>::PublicKey::from_bytes(recipient)?;
    let (encapsulated, sealed) = hpke::single_shot_seal_with_rng::<Aead, Kdf, Kem>(
        &OpModeS::Base,
        &recipient,
        info,
        plain,
        aad,
        drawn,
    )?;
    Ok((encapsulated.to_bytes().into(), sealed))
}

/// `OpenBase` (RFC 9180 §6.1); `None` for every reason that it can fail for.
pub(crate) fn open(
    secret: &PrivateKey,
    encapsulated: &[u8; KEY_LEN],
    info: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let encapsulated = <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
    let plain = hpke::single_shot_open::<Aead, Kdf, Kem>(
        &OpModeR::Base,
        secret,
        &encapsulated,
        info,
        sealed,
        aad,
    );
    plain.ok().map(Zeroizing::new)
}

/// The bytes that the caller drew, given out once.
struct Drawn {
    bytes: Zeroizing<[u8; KEY_LEN]>,
    left: usize,
    is_overdrawn: bool,
}

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        let from = KEY_LEN - self.left;
        match self.bytes.get(from..).and_then(|rest| rest.get(..to.len())) {
            Some(bytes) => {
                to.copy_from_slice(bytes);
                self.left -= to.len();
            }
            None => self.is_overdrawn = true,
        }
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { panic!("half a byte") };
        pairs
            .iter()
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn key(hex: &str) -> [u8; KEY_LEN] {
        bytes(hex).try_into().unwrap()
    }

    /// The vectors of RFC 9180 for this suite (kem 32, kdf 1, aead 2) in base mode, first message.
    #[test]
    fn the_known_answer_of_rfc_9180_is_given() {
        let mut ephemeral = key("2cd7c601cefb3d42a62b04b7a9041494c06c7843818e0ce28a8f704ae7ab20f9");
        let mut seed = key("dac33b0e9db1b59dbbea58d59a14e7b5896e9bdf98fad6891e99d1686492b9ee");
        let public = key("430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c");
        let encapsulated = key("6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256");
        let info = bytes("4f6465206f6e2061204772656369616e2055726e");
        let plain = bytes("4265617574792069732074727574682c20747275746820626561757479");
        let sealed = bytes(
            "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a",
        );

        let pair = key_pair(&mut seed);
        assert_eq!(pair.1, public);
        assert_eq!(seed, [0; KEY_LEN]);
        let found = seal(&public, &info, b"Count-0", &plain, &mut ephemeral).unwrap();
        assert_eq!(found, (encapsulated, sealed.clone()));
        assert_eq!(ephemeral, [0; KEY_LEN]);
        let opened = open(&pair.0, &encapsulated, &info, b"Count-0", &sealed).unwrap();
        assert_eq!(*opened, plain);
        assert!(open(&pair.0, &encapsulated, &info, b"Count-1", &sealed).is_none());
        assert!(open(&pair.0, &encapsulated, b"another", b"Count-0", &sealed).is_none());
    }

    #[test]
    fn more_randomness_than_was_drawn_is_noticed() {
        let mut drawn =
            Drawn { bytes: Zeroizing::new([7; KEY_LEN]), left: KEY_LEN, is_overdrawn: false };
        assert_eq!(drawn.try_next_u64().unwrap(), u64::from_le_bytes([7; 8]));
        drawn.try_fill_bytes(&mut [0; 24]).unwrap();
        assert!(!drawn.is_overdrawn);
        drawn.try_next_u32().unwrap();
        assert!(drawn.is_overdrawn);
    }
}
