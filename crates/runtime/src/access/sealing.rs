//! A release that leaves as a sealed file.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use dataspace_data_plane::{Piece, write_csv};
use dataspace_sealed::{Recipient, Seal, Sealer, seal::SealError};
use dataspace_tlog::LeafIndex;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::access::release::{Leaving, Release, ReleaseError};
use crate::access::turns::Left;
use crate::random::{RandomError, Randomness as _, SystemRandomness};

/// Why a sealed file is not written to its end. What was written until then opens nowhere as a whole.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SealToError {
    /// The consumer's request does not ask for a sealed file.
    #[error("the consumer did not ask for a sealed file; take the pieces")]
    NotAsked,
    /// The release stops, or fails.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// No key can be drawn for the file.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The content cannot be sealed.
    #[error("the release cannot be sealed")]
    Seal(#[from] SealError),
    /// That of the writer.
    #[error("the sealed file cannot be written")]
    Write(#[from] io::Error),
}

/// A sealed file that was written to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Bytes of the file.
    pub bytes: u64,
    /// The record of the report of what left; `None` if it could not be written.
    pub report: Option<LeafIndex>,
}

/// Seals what a release gives out, piece by piece.
pub(crate) struct Sealing {
    /// `None` once the last chunk was sealed.
    sealer: Option<Sealer<Vec<u8>>>,
}

impl Sealing {
    pub(crate) fn new(release: &Release) -> Result<Self, SealToError> {
        let key = release.seal_for().ok_or(SealToError::NotAsked)?;
        let what = "its key is not a usable X25519 public key";
        let invalid = |_| SealError::Write(io::Error::other(what));
        let recipient = Recipient::from_bytes(key).map_err(invalid)?;
        let mut seed = Zeroizing::new([0; Seal::SEED_LEN]);
        SystemRandomness.fill(&mut seed[..])?;
        let (contract, product) = release.sealed_as();
        let seal = Seal::new(*contract.as_digest(), product.clone()).recipient(recipient);
        let mut sealer = seal.begin(Vec::new(), &mut seed)?;
        if let Some(schema) = release.schema() {
            let mut header = Vec::new();
            let none = std::iter::empty::<RecordBatch>();
            write_csv(&mut header, &schema, none).map_err(ReleaseError::from)?;
            sealer.write_all(&header)?;
        }
        Ok(Self { sealer: Some(sealer) })
    }

    /// The next bytes of the file; `None` at its end.
    pub(crate) fn next(&mut self, release: &mut Release) -> Result<Option<Vec<u8>>, SealToError> {
        loop {
            match release.next_left(|leaving, left| self.form(leaving, left))? {
                Some(bytes) if bytes.is_empty() => {}
                next => return Ok(next),
            }
        }
    }

    fn form(
        &mut self,
        leaving: Option<Leaving>,
        left: &Left,
    ) -> Result<Option<(Vec<u8>, Left)>, SealToError> {
        let Some(mut sealer) = self.sealer.take() else { return Ok(None) };
        let bytes = match leaving {
            Some(Leaving { piece, texts }) => {
                match piece {
                    Piece::Rows(_) => {
                        for mut text in texts {
                            sealer.write_in_place(&mut text)?;
                        }
                    }
                    Piece::Bytes { bytes, .. } => sealer.write_all(&bytes)?,
                    _ => return Err(ReleaseError::Kind.into()),
                }
                let bytes = sealer.take_sealed();
                self.sealer = Some(sealer);
                bytes
            }
            None => sealer.finish()?.to,
        };
        // WHY the sealed bytes: they are what leaves, and what the consumer can compare without opening them.
        let left = if bytes.is_empty() { left.clone() } else { left.and(0, [&*bytes]) };
        Ok(Some((bytes, left)))
    }
}

impl Release {
    /// Writes all that is released as one sealed file, for the key in the consumer's signed request and for this
    /// contract: rows as CSV (RFC 4180, with `\n`) with a header; bytes of a file from the first one that was asked for on. As with pieces, it is asked before and after each of
    /// them whether the access still stands. The report of what left is of the bytes of the file.
    ///
    /// # Errors
    /// [`SealToError`]; what was written then cannot be opened as a whole.
    pub fn seal_to(mut self, mut to: impl Write) -> Result<Delivered, SealToError> {
        let (mut sealing, mut bytes) = (Sealing::new(&self)?, 0_u64);
        while let Some(next) = sealing.next(&mut self)? {
            to.write_all(&next)?;
            bytes = bytes.saturating_add(u64::try_from(next.len()).unwrap_or(u64::MAX));
        }
        to.flush()?;
        Ok(Delivered { bytes, report: self.report() })
    }
}
