//! Secrets of a node, apart from its signing keys.

use std::fmt;

use dataspace_primitives::{Secrets, secrets::SecretsError};
use ring::hkdf;
use zeroize::{Zeroize, Zeroizing};

/// 32 random bytes from which all other secrets of a node follow, pseudonyms among them: so that its
/// signing keys can be rotated, and pseudonyms stay. Wiped when dropped, redacted in `Debug`.
pub struct RootSecret(Zeroizing<[u8; RootSecret::LEN]>);

impl RootSecret {
    /// Bytes in a root secret.
    pub const LEN: usize = 32;

    /// Takes 32 bytes of a cryptographic random source, which are wiped here.
    #[must_use]
    pub fn from_bytes(bytes: &mut [u8; Self::LEN]) -> Self {
        let secret = Self(Zeroizing::new(*bytes));
        bytes.zeroize();
        secret
    }

    #[cfg(feature = "key-files")]
    pub(crate) fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl Secrets for RootSecret {
    /// By HKDF-SHA-256 (RFC 5869).
    fn derive(&self, purpose: &str, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        let mut derived = Zeroizing::new([0; 32]);
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"dataspace/derive/v1").extract(&*self.0);
        // The length keeps (purpose, context) pairs apart.
        let len = u64::try_from(purpose.len()).unwrap_or(u64::MAX).to_be_bytes();
        let info = [&len[..], purpose.as_bytes(), context];
        // 32 bytes are always within HKDF's 255 blocks.
        root.expand(&info, hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut derived[..]))
            .map_err(|_| SecretsError::new("HKDF failed"))?;
        Ok(derived)
    }
}

impl fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootSecret(..)")
    }
}
