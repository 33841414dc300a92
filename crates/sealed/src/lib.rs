//! Files sealed for one contract: [`Seal`] encrypts a content for it, [`Sealed`] opens it, in order or
//! [by ranges](SealedFile).
//!
//! A sealed file can lie anywhere: on a consumer's disk, in a store of others, on a stick. It is opened with
//! a [`ContentKey`], and that is what a provider (or one who releases keys for it) gives a consumer: wrapped
//! for the consumer's [`Recipient`] key, in the file or apart from it.
//!
//! # What it refuses to do
//! It gives out no byte that was not authenticated, at its own place, in this file. It opens nothing for
//! another contract or product than the caller names, nor outside the contract's time. It makes no
//! randomness and reads no clock. It allocates two chunks' worth of memory, whatever lengths a file declares.
//!
//! # Example
//! ```
//! use std::io::{Cursor, Read, Write};
//!
//! use dataspace_primitives::{Digest, UnixMillis, Validity};
//! use dataspace_sealed::{Contract, RecipientSecret, Seal, Sealed};
//! # fn drawn<const N: usize>() -> [u8; N] { std::array::from_fn(|at| u8::try_from(at).unwrap_or(1)) }
//!
//! // The consumer draws a key once, and tells the provider its public half.
//! let secret = RecipientSecret::from_seed(&mut drawn())?;
//!
//! // The provider seals for the contract that both signed.
//! let (id, product) = (Digest::of(b"the agreement"), "alloys".parse()?);
//! let contract = Contract { id, product, validity: Validity::ALWAYS };
//! let seal = Seal::new(contract.id, contract.product.clone()).recipient(*secret.recipient());
//! let mut sealer = seal.begin(Vec::new(), &mut drawn())?;
//! sealer.write_all(b"S235;360")?;
//! let file = sealer.finish()?.to;
//!
//! // The consumer opens it while the contract lives.
//! let now: UnixMillis = "2026-06-01T00:00:00Z".parse()?;
//! let sealed = Sealed::read(Cursor::new(&file))?;
//! let key = sealed.unwrap_key(&secret, &contract, now)?;
//! let mut text = String::new();
//! sealed.open(&key)?.read_to_string(&mut text)?;
//! assert_eq!(text, "S235;360");
//!
//! // Or only a range of it.
//! let mut range = [0; 3];
//! Sealed::read(Cursor::new(&file))?.ranges(&key)?.read_range(5, &mut range)?;
//! assert_eq!(&range, b"360");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is composed
//! All of it is standard, and put together as in age and Tink:
//! - The content key is wrapped by HPKE (RFC 9180, base mode; DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
//!   AES-256-GCM). Its `info` holds the contract's id, its `aad` the digest of the header.
//! - HKDF-SHA-256 (RFC 5869) derives from content key and salt, for this header alone, the key of the
//!   chunks and that of an HMAC over the header. The HMAC commits to the key: no file opens differently
//!   under two keys.
//! - The content is cut into chunks of one length, sealed by AES-256-GCM (NIST SP 800-38D) as in STREAM (Hoang,
//!   Reyhanitabar, Rogaway, Vizard 2015): the nonce is the chunk's index and a flag on the last one, the
//!   header's digest is associated data.
//!
//! So a chunk swapped, cut off, added, repeated, or taken from another file is refused, and so is another
//! header. The wrapped key is not part of the header: a key can be [wrapped](ContentKey::wrap) for a
//! consumer later, without touching the ciphertext.
//!
//! # How a consumer's node opens one
//! `SealedStore` of `dataspace-runtime` does all of this, and records each opening. Who has another node does it so:
//!
//! 1. It makes a [`RecipientSecret`] from a seed of its own, keeps the seed as it keeps its signing key, and gives
//!    the provider the [`Recipient`] over the channel that proves who it is.
//! 2. It reads the file's head by [`Sealed::read`], which believes nothing yet.
//! 3. It builds [`Contract`] from the agreement that it verified, and asks its own clock, for
//!    [`Sealed::unwrap_key`]; or [`Sealed::unwrap_released`], if the key came apart from the file. It
//!    does so for each use, and drops the [`ContentKey`] after it: then an end of the contract ends the use.
//! 4. It reads by [`Sealed::open`], to the end: what is given out before an error is authentic, but not all. Or by
//!    [`Sealed::ranges`].
//!
//! # Limits
//! - A content has at most [`CONTENT_LEN_MAX`](header::CONTENT_LEN_MAX) bytes, a head at most
//!   [`HEAD_LEN_MAX`](sealed::HEAD_LEN_MAX).
//! - That a contract is over is checked by the node that holds the consumer's key. One who was given a key and keeps
//!   it can go on reading what it has, as it could have kept the plain content.
//! - It does not prove who sealed a file: anyone who knows a public key and a contract's id can seal for them.
//!   A provider's signature over the file's digest proves it.
//! - The length of the content can be seen, and so can contract and product.
//! - Keys are wiped from memory, but for the schedule of AES inside `ring`, which does not wipe its own.

mod chunk;
pub mod content_key;
mod exchange;
pub mod header;
pub mod range;
pub mod read;
pub mod recipient;
pub mod seal;
pub mod sealed;
mod wrapped;

pub use crate::content_key::ContentKey;
pub use crate::header::{ChunkLen, Header};
pub use crate::range::SealedFile;
pub use crate::read::Content;
pub use crate::recipient::{Recipient, RecipientSecret};
pub use crate::seal::{Seal, Sealer};
pub use crate::sealed::{Contract, Sealed};
pub use crate::wrapped::WrappedKey;
