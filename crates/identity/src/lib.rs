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
//! `did:web` come from [`KeyDocument`]s. At most [`ROLES_MAX`](credential::ROLES_MAX) roles, [`ATTRIBUTES_MAX`](credential::ATTRIBUTES_MAX) attributes, and
//! [`KEYS_MAX`](keys::KEYS_MAX) keys at a time.

pub mod credential;
pub mod did;
mod did_error;
#[cfg(feature = "key-files")]
pub mod key_file;
pub mod keys;
mod multikey;
pub mod origin;
pub mod revocation;
pub mod secret_key;
mod secrets;
mod space;

pub use crate::credential::{Admitted, MembershipCredential, TrustAnchors};
pub use crate::did::Did;

pub use crate::keys::{DidKeys, KeyDocument, KnownKeys, ParticipantKey, Resolver, claimed_keys};
pub use crate::origin::Origin;
pub use crate::revocation::MembershipRevocation;
pub use crate::secret_key::SecretKey;
pub use crate::secrets::RootSecret;
pub use crate::space::SpaceId;
