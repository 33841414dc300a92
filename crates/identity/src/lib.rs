//! Who takes part in a data space: [`Did`]s, the [`SecretKey`]s behind them, the [`SpaceId`] and the
//! [`Origin`] that say to which space and which log a document belongs, and the
//! [`MembershipCredential`] that admits a participant.
//!
//! # What it refuses to do
//! It makes no randomness (a key comes from a seed that the caller drew) and reads no clock (the
//! time of a check is an argument). A secret key is wiped when dropped, never printed, never
//! serialised.
//!
//! # Example
//! ```
//! use dataspace_identity::{Admitted, MembershipCredential, SecretKey, SpaceId, TrustAnchors};
//! use dataspace_primitives::{Region, Signed, Validity};
//!
//! let authority = SecretKey::from_seed(&mut [1; 32])?; // draw real seeds at random
//! let institute = SecretKey::from_seed(&mut [2; 32])?;
//! let (from, until) = ("2026-01-01T00:00:00Z".parse()?, "2027-01-01T00:00:00Z".parse()?);
//! let space = SpaceId::new(authority.did().clone(), "materials".parse()?);
//! let credential = MembershipCredential {
//!     space: space.clone(),
//!     subject: institute.did().clone(),
//!     name: "Institute of Metals".parse()?,
//!     serial: 1,
//!     issued_at: from,
//!     roles: ["consumer".parse()?].into(),
//!     attributes: [("BusinessPartnerNumber".parse()?, "BPNL00000003AYRE".parse()?)].into(),
//!     region: Region::parse("DE")?,
//!     validity: Validity::new(from, until)?,
//! };
//! let signed = Signed::sign(&credential, &authority)?;
//!
//! let anchors = TrustAnchors::new(space);
//! let admitted: Admitted = anchors.admit(signed, "2026-06-01T00:00:00Z".parse()?)?;
//! assert_eq!(admitted.did(), institute.did());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//! Two DID methods (`did:key`, `did:web`) and one kind of key (Ed25519). Nothing is fetched: the keys of a
//! `did:web` come from [`KeyDocument`]s. At most [`ROLES_MAX`] roles, [`ATTRIBUTES_MAX`] attributes, and
//! [`KEYS_MAX`] keys at a time.

mod credential;
mod did;
mod did_error;
#[cfg(feature = "key-files")]
mod key_file;
mod keys;
mod multikey;
mod origin;
mod revocation;
mod secret_key;
mod secrets;
mod space;

pub use crate::credential::{
    ATTRIBUTES_MAX, AdmitError, Admitted, CLOCK_SKEW, MembershipCredential, ROLES_MAX, TrustAnchors,
};
pub use crate::did::Did;
pub use crate::did_error::{DID_LEN_MAX, ParseDidError};
#[cfg(feature = "key-files")]
pub use crate::key_file::{KEY_TEXT_LEN_MAX, KeyTextError, Seal};
pub use crate::keys::{
    DidKeys, KEY_DOCUMENTS_MAX, KEYS_MAX, KeyDocument, KeyDocumentError, KnownKeys, ParticipantKey,
    PastKeys, Resolver, claimed_keys,
};
pub use crate::origin::{LOG_NAME_LEN_MAX, Origin, ParseOriginError};
pub use crate::revocation::{MembershipRevocation, RevocationError};
pub use crate::secret_key::{ParseKeyError, SecretKey};
pub use crate::secrets::{RootSecret, Secrets, SecretsError};
pub use crate::space::SpaceId;
