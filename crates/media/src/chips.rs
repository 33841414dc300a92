//! The pattern of a trace: a sign for each cell of a picture or block of a recording, drawn from a secret.

use dataspace_primitives::{Digest, Secrets, Zeroizing, secrets::SecretsError};
use ring::hmac;

/// The use for which the secret of a contract is derived.
const PURPOSE: &str = "media-traces";

/// Signs in one HMAC.
const SIGNS: u64 = 256;

/// The signs of one product under one contract: HMAC-SHA-256 in counter mode (NIST SP 800-108), under the
/// contract's secret. Another contract, or another product, has signs that tell nothing of these.
pub(crate) struct Chips {
    key: hmac::Key,
    /// The last signs that were made.
    drawn: Option<(u64, hmac::Tag)>,
}

impl Chips {
    pub(crate) fn derive(
        secrets: &dyn Secrets,
        contract: &[u8],
        content: Digest,
    ) -> Result<Self, SecretsError> {
        let secret: Zeroizing<[u8; 32]> = secrets.derive(PURPOSE, contract)?;
        let of_contract = hmac::Key::new(hmac::HMAC_SHA256, &*secret);
        // INVARIANT: a label and 32 bytes, so that no two contents share a message.
        let mut of_product = hmac::Context::with_key(&of_contract);
        of_product.update(b"dataspace/media-trace/v1\0");
        of_product.update(content.as_bytes());
        let key = hmac::Key::new(hmac::HMAC_SHA256, of_product.sign().as_ref());
        Ok(Self { key, drawn: None })
    }

    /// 1 or −1.
    pub(crate) fn sign(&mut self, number: u64) -> f32 {
        let (block, place) = (number / SIGNS, number % SIGNS);
        let tag = match self.drawn {
            Some((drawn, tag)) if drawn == block => tag,
            _ => {
                let tag = hmac::sign(&self.key, &block.to_be_bytes());
                self.drawn = Some((block, tag));
                tag
            }
        };
        let byte = usize::try_from(place / 8).ok().and_then(|at| tag.as_ref().get(at).copied());
        if (byte.unwrap_or_default() >> (place % 8)) & 1 == 1 { 1.0 } else { -1.0 }
    }
}
