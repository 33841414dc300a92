use std::fmt;
use std::str::FromStr;

use dataspace_primitives::{Digest, digest::ParseDigestError};
use serde::{Deserialize, Serialize};

/// Names a contract: the SHA-256 of the canonical bytes of the [`Agreement`](crate::Agreement),
/// which both parties signed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContractId(Digest);

/// Names an offer: the SHA-256 of the canonical bytes of the [`Offer`](crate::Offer).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OfferId(Digest);

macro_rules! digest_id {
    ($id:ident) => {
        impl $id {
            /// Takes a digest that names one.
            #[must_use]
            pub const fn from_digest(digest: Digest) -> Self {
                Self(digest)
            }

            /// The digest.
            #[must_use]
            pub const fn as_digest(&self) -> &Digest {
                &self.0
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $id {
            type Err = ParseDigestError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

digest_id!(ContractId);
digest_id!(OfferId);
