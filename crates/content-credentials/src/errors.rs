//! Why nothing is read, and nothing wrapped.

use std::io;

use dataspace_primitives::Digest;
use thiserror::Error;

use crate::limits::{FILM_LEN_MAX, PICTURE_LEN_MAX, TRUST_LEN_MAX};

/// Why a file is not looked at. Whatever is wrong with its credentials is no error, but forbids.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is not there, or cannot be read.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
    /// A directory, a pipe, a device.
    #[error("it is not a regular file")]
    NotRegular,
    /// Not of a kind in which credentials are looked for.
    #[error("it is no JPEG, PNG, WAV or MP4, by its first bytes; register it without credentials")]
    Kind,
    /// Too long to look into.
    #[error(
        "the file has {len} bytes; pictures may have {PICTURE_LEN_MAX}, recordings and films {FILM_LEN_MAX}"
    )]
    Len {
        /// Its bytes.
        len: u64,
    },
    /// Somebody writes to it.
    #[error("the file was changed while it was read")]
    Changed,
}

/// A product and credentials that are not of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the credentials are of another file than the product; read those of its own file")]
pub struct OtherFile {
    /// SHA-256 of the product's file; `None` if it is not made of one.
    pub product: Option<Digest>,
    /// SHA-256 of the file whose credentials were read.
    pub credentials: Digest,
}

/// Why a list of certificates is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TrustListError {
    /// Longer than [`TRUST_LEN_MAX`].
    #[error("the list has {len} bytes, {TRUST_LEN_MAX} are possible")]
    Len {
        /// Its bytes.
        len: usize,
    },
    /// It is not a list of certificates.
    #[error("the list is no list of X.509 certificates in PEM")]
    NotPem,
}
