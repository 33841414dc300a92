//! What the content credentials of a media file reserve, and a product that carries it out.
//!
//! A picture, recording or film can bear *content credentials* (C2PA): a signed manifest about where it comes from. In it,
//! its makers can say whether models may be trained on it (`c2pa.training-mining`, `cawg.training-mining`). Who
//! registers such a file as a product reads its [`ContentCredentials`] and wraps the product in
//! [`Credentialed`]: from then on the product itself forbids `train`
//! ([`Product::forbids`](dataspace_data_plane::Product::forbids)). A node records that with the registration, refuses offers that
//! permit it, and denies requests for it whatever a contract permits, with the reason
//! `forbidden-by-product`, which an auditor finds again from the log alone.
//!
//! # What forbids
//! | in the file | `train` |
//! |---|---|
//! | no credentials | is not forbidden by this |
//! | credentials that hold, without a word on training, or with `allowed` alone | is not forbidden by this |
//! | `notAllowed` or `constrained` for any use, in the file's own manifest or in one of an ingredient | forbidden |
//! | words on training that cannot be read, or were redacted | forbidden |
//! | credentials that do not hold: changed, of another file, too large, malformed | forbidden |
//! | credentials that lie elsewhere (a URL) | forbidden; nothing is fetched |
//!
//! Every use of the vocabulary counts (`ai_training`, `ai_generative_training`, `data_mining`, `ai_inference`), and every other
//! that somebody adds: contracts have one word for all of them. What is `constrained` depends on words that no machine
//! reads; a consumer who may train all the same agrees with the rights holder on another file.
//!
//! # Whom it believes
//! Nobody, for a reservation: it counts if its signature and hashes hold, by any signer. Who is a signer of
//! note is told ([`Standing::Trusted`], [`Standing::Intact`]), by a list that the operator gives
//! ([`TrustList`]); none comes with the crate. A file whose credentials were taken away looks like
//! one that never had any: a reservation hinders those who keep to it. But a product that forbade it once cannot be
//! attached again without it.
//!
//! # Example
//! ```no_run
//! use dataspace::{DataSpace, MediaFile};
//! use dataspace_content_credentials::{ContentCredentials, Credentialed, TrustList};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let node: DataSpace = todo!();
//! let credentials = ContentCredentials::read("poster.jpg", &TrustList::none())?;
//! println!("{credentials}"); // for the operator: what was found, and what follows
//! let file = MediaFile::open("poster.jpg", "image/jpeg".parse()?)?;
//! node.register("poster".parse()?, "pictures".parse()?, Credentialed::new(file, credentials)?)?;
//! # Ok(()) }
//! ```
//!
//! # Limits
//! JPEG, PNG, WAV, and the family of MP4 (MP4, MOV, M4A, HEIC, AVIF). Pictures of [`PICTURE_LEN_MAX`](limits::PICTURE_LEN_MAX)
//! bytes, others of [`FILM_LEN_MAX`](limits::FILM_LEN_MAX); a manifest of
//! [`MANIFEST_LEN_MAX`](limits::MANIFEST_LEN_MAX) bytes, [`PARTS_MAX`](limits::PARTS_MAX) parts of a file,
//! [`INGREDIENTS_MAX`](limits::INGREDIENTS_MAX) ingredients: what is beyond does not hold. A file is read three times
//! at most. Nothing is written, and nothing is fetched: it is built without a client for any network. The
//! library that reads manifests is `c2pa`; what it panics at is taken for credentials that do not hold.

mod credentialed;
mod credentials;
mod engine;
pub mod errors;
mod kind;
pub mod limits;
mod parts;
mod reservation;
mod settings;
mod standing;
mod trust;

pub use crate::credentialed::Credentialed;
pub use crate::credentials::ContentCredentials;
pub use crate::reservation::{Reservation, Said};
pub use crate::standing::Standing;
pub use crate::trust::TrustList;
