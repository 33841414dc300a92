//! Who takes part in a data space: [`Did`]s, the [`SecretKey`]s behind them, and the
//! [`MembershipCredential`] with which the space authority admits a participant.
//!
//! # What it refuses to do
//! It makes no randomness (a key comes from a seed that the caller drew) and reads no clock (the
//! time of a check is an argument). A secret key is wiped when dropped, never printed, never
//! serialised.
//!
//! # Example
//! ```
//! use dataspace_identity::{Admitted, MembershipCredential, SecretKey, TrustAnchors};
//! use dataspace_primitives::{Region, Signed, Validity};
//!
//! let authority = SecretKey::from_seed(&mut [1; 32])?; // draw real seeds at random
//! let institute = SecretKey::from_seed(&mut [2; 32])?;
//! let (from, until) = ("2026-01-01T00:00:00Z".parse()?, "2027-01-01T00:00:00Z".parse()?);
//! let credential = MembershipCredential {
//!     issuer: authority.did().clone(),
//!     subject: institute.did().clone(),
//!     name: "Institute of Metals".parse()?,
//!     roles: ["consumer".parse()?].into(),
//!     region: Region::parse("DE")?,
//!     validity: Validity::new(from, until)?,
//! };
//! let signed = Signed::sign(&credential, &authority)?;
//!
//! let anchors = TrustAnchors::new(authority.did().clone());
//! let admitted: Admitted = anchors.admit(signed, "2026-06-01T00:00:00Z".parse()?)?;
//! assert_eq!(admitted.did(), institute.did());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//! One DID method (`did:key`) with one kind of key (Ed25519); at most [`ROLES_MAX`] roles.

mod credential;
mod did;
mod revocation;
mod secret_key;

pub use crate::credential::{AdmitError, Admitted, MembershipCredential, ROLES_MAX, TrustAnchors};
pub use crate::did::{Did, ParseDidError};
pub use crate::revocation::{MembershipRevocation, RevocationError};
pub use crate::secret_key::SecretKey;
