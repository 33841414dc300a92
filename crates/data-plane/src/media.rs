//! Files of bytes: films, sound, images, documents.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use dataspace_policy::Duty;
use dataspace_primitives::{Digest, Name, Part, Secrets};
use thiserror::Error;

use crate::file::{self, FileError, Snapshot, Stamp};
use crate::plan_error::{PartError, PlanError};
use crate::product::{Delivery, Piece, Product, ProductError, Recipient, Version};
use crate::run_error::RunError;

/// Most bytes of one piece.
pub const MEDIA_PIECE_LEN: usize = 1 << 20;

/// A file of bytes that is given out as it is, in whole or in ranges. No duty can be carried out on it
/// yet, so that a contract with one gives no byte.
///
/// It is one file for ever: its descriptor is the digest of its content. One that was changed is
/// refused, when it is registered and when it is opened.
pub struct MediaFile {
    path: PathBuf,
    media_type: Name,
    content: Digest,
    stamp: Stamp,
}

/// Why a file is not opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenMediaError {
    /// It is not there, or cannot be read.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    /// A directory, a pipe, a device.
    #[error("it is not a regular file")]
    NotRegular,
    /// Somebody writes to it.
    #[error("the file was changed while it was read")]
    Changed,
}

impl From<FileError> for OpenMediaError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io(error) => Self::Io(error),
            FileError::NotRegular => Self::NotRegular,
        }
    }
}

impl MediaFile {
    /// Opens a file, of the media type that the provider states (`video/mp4`), and reads it once in full
    /// for its digest.
    ///
    /// # Errors
    /// [`OpenMediaError`] if it cannot be read, or is no file.
    pub fn open(path: impl AsRef<Path>, media_type: Name) -> Result<Self, OpenMediaError> {
        let path = path.as_ref();
        let (file, stamp) = Snapshot::open(path)?;
        let content = Digest::of_reader(file)?;
        if file::open(path)?.1 != stamp {
            return Err(OpenMediaError::Changed);
        }
        Ok(Self { path: path.to_owned(), media_type, content, stamp })
    }

    /// The SHA-256 of the whole file.
    #[must_use]
    pub fn content(&self) -> Digest {
        self.content
    }

    /// Bytes in the file.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.stamp.len
    }

    /// Returns true if it has no byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Product for MediaFile {
    fn descriptor_digest(&self) -> Digest {
        let mut bytes = b"dataspace/media-descriptor/v1\0".to_vec();
        bytes.extend_from_slice(self.content.as_bytes());
        bytes.extend_from_slice(self.media_type.as_str().as_bytes());
        Digest::of(&bytes)
    }

    fn file_digest(&self) -> Option<Digest> {
        Some(self.content)
    }

    fn check(&self, duties: &[Duty]) -> Result<(), PlanError> {
        if duties.is_empty() { Ok(()) } else { Err(PlanError::NotATable { clause: 0 }) }
    }

    fn open(
        &self,
        duties: &[Duty],
        part: Option<&Part>,
        _: &dyn Secrets,
        _: Recipient<'_>,
    ) -> Result<Box<dyn Delivery>, ProductError> {
        self.check(duties)?;
        let len = self.stamp.len;
        let (from, until) = match part {
            None => (0, len),
            Some(Part::Bytes { from, until }) if *until <= len => (*from, *until),
            Some(Part::Bytes { from, until }) => {
                return Err(PartError::Range { from: *from, until: *until, len }.into());
            }
            Some(Part::Rows { .. }) => return Err(PartError::Kind { asked: "rows" }.into()),
        };
        let (file, stamp) = file::open(&self.path).map_err(|error| match error {
            FileError::Io(error) => RunError::File(error),
            FileError::NotRegular => RunError::ChangedFile,
        })?;
        if stamp != self.stamp {
            return Err(RunError::ChangedFile.into());
        }
        let content = self.content;
        Ok(Box::new(MediaDelivery { file, stamp, content, at: from, until }))
    }
}

impl fmt::Debug for MediaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaFile")
            .field("media_type", &self.media_type)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

struct MediaDelivery {
    file: File,
    stamp: Stamp,
    content: Digest,
    at: u64,
    until: u64,
}

impl Delivery for MediaDelivery {
    fn next(&mut self) -> Result<Option<Piece>, RunError> {
        let left = self.until.saturating_sub(self.at);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(MEDIA_PIECE_LEN);
        if len == 0 {
            return Ok(None);
        }
        let mut bytes = vec![0; len];
        let at = self.at;
        // An error is the end.
        self.at = self.until;
        self.file.read_exact_at(&mut bytes, at).map_err(RunError::File)?;
        // WHY after it: what was written meanwhile may be in these bytes.
        if Stamp::of(&self.file.metadata().map_err(RunError::File)?) != self.stamp {
            return Err(RunError::ChangedFile);
        }
        self.at = at.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        Ok(Some(Piece::Bytes { at, bytes: Bytes::from(bytes) }))
    }

    fn version(&self) -> Option<Version> {
        Some(Version::Content(self.content))
    }
}
