//! Types that every crate of dataspace shares: [`Digest`], [`UnixMillis`], [`Name`], [`Region`],
//! strict CBOR ([`cbor`]), the COSE envelope that turns a [`Signed<T>`] into a [`Verified<T>`], and
//! how texts of others are [`shown`](fn@shown) to people.
//!
//! # What it refuses to do
//! It reads no clock, makes no randomness, opens no file. It never shows the content of a
//! [`Signed<T>`] before its signatures were checked, and never decodes bytes that are not the
//! one canonical encoding of what they say.
//!
//! # Example
//! ```
//! use dataspace_primitives::{cbor, Digest, UnixMillis, Validity};
//!
//! let from: UnixMillis = "2026-01-01T00:00:00Z".parse()?;
//! let until: UnixMillis = "2027-01-01T00:00:00Z".parse()?;
//! let year = Validity::new(from, until)?;
//! assert!(year.contains(from) && !year.contains(until)); // half-open
//!
//! let bytes = cbor::to_canonical(&year)?;
//! assert_eq!(cbor::from_canonical::<Validity>(&bytes, 64)?, year);
//! assert!(cbor::from_canonical::<Validity>(&[&bytes[..], b"\0"].concat(), 64).is_err());
//! println!("{}", Digest::of(&bytes));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//! A signed document is at most [`DOCUMENT_LEN_MAX`](envelope::DOCUMENT_LEN_MAX) bytes and nests at most
//! [`cbor::DEPTH_MAX`] deep; times lie between 1970 and 9999; key identifiers have at most
//! [`KeyId::LEN_MAX`] bytes.

pub mod bounded;
pub mod cbor;
mod character;
pub mod digest;
pub mod envelope;
pub mod key;
pub mod name;
pub mod part;
pub mod region;
pub mod secrets;
pub mod shown;
pub mod signed;
pub mod time;
pub mod validity;

pub use zeroize::Zeroizing;

pub use crate::digest::Digest;
pub use crate::envelope::Payload;
pub use crate::key::{KeyId, PublicKey, Signature, Signer, TrustedKeys};
pub use crate::name::Name;
pub use crate::part::Part;
pub use crate::region::Region;
pub use crate::secrets::Secrets;
pub use crate::shown::shown;
pub use crate::signed::{CoSignature, Signed, Verified};
pub use crate::time::UnixMillis;
pub use crate::validity::Validity;
