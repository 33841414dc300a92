//! Pictures and recordings whose copies bear marks of their contracts, and the search for these marks.
//!
//! A [`Picture`] (PNG, JPEG) and a [`WavAudio`] (WAV, 16 or 24 bits) are products, as a table is. Under a contract
//! with [`Duty::Mark`](dataspace_policy::Duty::Mark), each copy that leaves bears a trace that nobody is meant to
//! see or hear, or a text that everybody sees, or both. If a copy turns up somewhere, its provider
//! compares it with the product ([`Picture::compare`], [`WavAudio::compare`]) and asks for one
//! contract after the other whether it was theirs.
//!
//! Marks hinder nobody, and anyone who works on a copy long enough removes them: their label is `deterrent`. How
//! often they are found, after what, is measured in `docs/media.md`.
//!
//! # What it refuses to do
//! It leaves out no duty: what asks for more than marks, for a visible mark in sound, or for a trace in what is
//! too small, too short or too quiet, is refused before anybody signs. It takes no file beyond its limits, and
//! finds that out by the head of the file. It calls no copy anybody's by likeness: only a score that
//! chance reaches at most once in 65 million is one ([`compared::SCORE_MIN`]). It knows no contract, reads no clock, and
//! makes no randomness.
//!
//! # Example
//! ```
//! use dataspace_data_plane::{Piece, Product as _, product::Recipient};
//! use dataspace_media::Picture;
//! use dataspace_policy::{Duty, duty::{Mark, MarkMethod}};
//!
//! # use dataspace_primitives::{Digest, Secrets, Zeroizing, secrets::SecretsError};
//! # struct OfNode;
//! # impl Secrets for OfNode {
//! #     fn derive(&self, _: &str, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
//! #         Ok(Zeroizing::new(*Digest::of(context).as_bytes()))
//! #     }
//! # }
//! # let secrets = OfNode;
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("waves.png");
//! # let level = |x: u32, y: u32| 120 + (x * x / 50 + y * 3) % 60;
//! # image::GrayImage::from_fn(320, 240, |x, y| image::Luma([u8::try_from(level(x, y)).unwrap()])).save(&path)?;
//! let picture = Picture::open(&path)?;
//! let duties = [Duty::Mark(Mark { method: MarkMethod::Trace })];
//! // A node does this, with the contract's identifier.
//! let recipient = Recipient { contract: b"contract of A", consumer: "did:key:z6Mk" };
//! let mut delivery = picture.open(&duties, None, &secrets, recipient)?;
//! let mut copy = Vec::new();
//! while let Some(Piece::Bytes { bytes, .. }) = delivery.next()? {
//!     copy.extend_from_slice(&bytes);
//! }
//!
//! // The copy turns up somewhere. Whose was it?
//! let compared = picture.compare(&copy)?;
//! assert!(compared.of_contract(&secrets, b"contract of A")?.is_found());
//! assert!(!compared.of_contract(&secrets, b"contract of B")?.is_found());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is marked, exactly
//! - The signs of a trace are HMAC-SHA-256 in counter mode, under a secret of the contract
//!   ([`Secrets`](dataspace_primitives::Secrets)) and the digest of the product: two contracts, or two products of one contract, have
//!   nothing in common. Without the secret, a copy does not show what its trace is.
//! - A picture is divided into squares of at least 8 pixels, 96 along the shorter side of a large one. Each is a
//!   little brighter or darker in its middle: by one level of 255 where it is smooth, by up to 3.5 where
//!   it is rough. A visible mark is a line of text all over the picture, in black or white at 45 percent: a text
//!   of the provider's ([`Picture::with_text`]) and the first 12 hexadecimal digits of the contract's identifier.
//! - A recording is divided into blocks of two milliseconds. Each is louder or softer by up to 1.5 percent in its
//!   middle, in all channels: 39 dB below the sound itself, and nothing in silence. A sample depends on
//!   itself and its place alone, so a range has the same bytes as the whole.
//!
//! # What leaves
//! - Without duties, a picture leaves as the file that it is, in whole or in ranges. With marks, a copy of it
//!   leaves in whole: of the same format (JPEG with quality 92), upright, 8 bits a channel, with its colour profile and
//!   no other note of place, camera or author. An animated PNG is refused.
//! - A recording leaves as a WAV file with a head of 44 bytes and its samples, in whole or in ranges; lists and
//!   other chunks stay. A stretch of seconds leaves as a WAV file of its own, whose samples are those of the whole.
//!   [`WavAudio::first_seconds`] is a preview: a product of its own. For anything else, a
//!   preview is a rendition that the provider makes and registers.
//!
//! # Limits
//! Pictures: [`PICTURE_LEN_MAX`](decoded::PICTURE_LEN_MAX) bytes, [`SIDE_MAX`](decoded::SIDE_MAX) pixels along a side, [`PIXELS_MAX`](decoded::PIXELS_MAX) in
//! all; to make a copy takes up to about 16 bytes of memory a pixel. For a trace, 128 by 128 pixels. Recordings: 4 GiB,
//! [`CHANNELS_MAX`](wav::CHANNELS_MAX) channels, a head of [`HEAD_LEN_MAX`](wav::HEAD_LEN_MAX) bytes; they leave piece by
//! piece. For a trace, about a third of a second of sound. A comparison holds both recordings in memory, 4 bytes a
//! frame, up to [`COMPARED_FRAMES_MAX`](audio::COMPARED_FRAMES_MAX) frames. Files that cannot be decoded are errors that name place and cause
//! to the provider's operator; a consumer learns that no copy can be made.

mod alignment;
pub mod audio;
mod bytes_of;
mod cells;
mod chips;
pub mod compared;
pub mod decoded;
mod label;
mod marks;
mod modulation;
mod number;
mod overlay;
pub mod picture;
mod plane;
pub mod wav;

pub use dataspace_policy::duty::{Mark, MarkMethod};

pub use crate::audio::WavAudio;
pub use crate::compared::{Compared, Match};
pub use crate::picture::Picture;
