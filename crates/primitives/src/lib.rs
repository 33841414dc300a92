//! Types that every crate of dataspace shares: [`Digest`], [`UnixMillis`], [`Name`], [`Region`],
//! strict CBOR ([`cbor`]), the COSE envelope that turns a [`Signed<T>`] into a [`Verified<T>`], and
//! how texts of others are [`shown`] to people.
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
//! A signed document is at most [`DOCUMENT_LEN_MAX`] bytes and nests at most
//! [`cbor::DEPTH_MAX`] deep; times lie between 1970 and 9999; key identifiers have at most
//! [`KeyId::LEN_MAX`] bytes.

pub mod bounded;
pub mod cbor;
mod character;
mod digest;
mod envelope;
mod key;
mod name;
mod part;
mod region;
mod shown;
mod signed;
mod time;
mod validity;

pub use crate::digest::{Digest, ParseDigestError};
pub use crate::envelope::{DOCUMENT_LEN_MAX, EnvelopeError, Payload};
pub use crate::key::{
    InvalidKeyId, InvalidPublicKey, KeyId, PublicKey, Signature, Signer, SignerError, TrustedKeys,
};
pub use crate::name::{InvalidName, Name};
pub use crate::part::{InvalidPart, PART_COLUMNS_MAX, Part};
pub use crate::region::{InvalidRegion, Region, RegionGroup, Regions};
pub use crate::shown::{Shown, shown};
pub use crate::signed::{CoSignature, SignError, Signed, Verified, VerifyError};
pub use crate::time::{ParseTimeError, UnixMillis, civil_from_days};
pub use crate::validity::{EmptyValidity, Validity};
