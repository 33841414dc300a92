//! The head of a sealed file, and what it takes to open it.

use std::fmt;
use std::io::{self, Read, Seek};

use dataspace_primitives::{Digest, Name, UnixMillis, Validity, cbor};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};
use thiserror::Error;

use crate::content_key::{ContentKey, MAC_LEN, OtherKey};
use crate::header::{Header, InvalidHeader};
use crate::range::SealedFile;
use crate::read::{Content, ReadError};
use crate::recipient::RecipientSecret;
use crate::wrapped::WrappedKey;

/// Most bytes of a file before its chunks: magic number, length, and the part that has this length.
pub const HEAD_LEN_MAX: usize = START_LEN + PART_LEN_MAX;

/// The first bytes of a sealed file.
pub const MAGIC: [u8; 8] = *b"DSSEALED";

/// Magic number, and the length of what follows in two bytes, big-endian.
const START_LEN: usize = MAGIC.len() + 2;
const PART_LEN_MAX: usize = 1_024;

/// Header, HMAC and wrapped key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wire {
    header: ByteBuf,
    mac: ByteArray<MAC_LEN>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<WrappedKey>,
}

/// Why a head cannot be written.
#[derive(Debug)]
pub(crate) enum HeadError {
    Encode(cbor::EncodeError),
    TooLong,
}

/// The bytes before the chunks.
pub(crate) fn head(
    header: &Header,
    mac: &[u8; MAC_LEN],
    key: Option<WrappedKey>,
) -> Result<Vec<u8>, HeadError> {
    let (header, mac) = (ByteBuf::from(header.as_bytes()), ByteArray::new(*mac));
    let part = cbor::to_canonical(&Wire { header, mac, key }).map_err(HeadError::Encode)?;
    if part.len() > PART_LEN_MAX {
        return Err(HeadError::TooLong);
    }
    let len = u16::try_from(part.len()).map_err(|_| HeadError::TooLong)?;
    Ok([&MAGIC[..], &len.to_be_bytes(), &part].concat())
}

/// Why a file is not taken for a sealed one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SealedError {
    /// That of the reader.
    #[error("the sealed file cannot be read")]
    Read(#[source] io::Error),
    /// It begins with other bytes than [`MAGIC`].
    #[error("this is not a sealed file")]
    Magic,
    /// It ends before its head does.
    #[error("the sealed file ends within its head")]
    Truncated,
    /// Its head declares more bytes than [`HEAD_LEN_MAX`].
    #[error("the head of the sealed file is too long")]
    TooLong,
    /// Its head is not in its one encoding.
    #[error("the head of the sealed file is malformed")]
    Form(#[source] cbor::DecodeError),
    /// Its header is not one.
    #[error(transparent)]
    Header(#[from] InvalidHeader),
}

/// Why a content key is not given out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UnwrapError {
    /// The file was sealed for another contract.
    #[error("the file is sealed for another contract")]
    Contract,
    /// The file is of another product than the contract's.
    #[error("the file is sealed for another product")]
    Product,
    /// The contract has not begun, or is over.
    #[error("the contract is not in force now")]
    NotInForce,
    /// No key came with the file.
    #[error("the file holds no key; ask the provider to release it")]
    NoKey,
    /// The key was wrapped for another recipient, contract or file, or was changed.
    #[error("the key in the file is not for this recipient and file")]
    Key,
}

/// The contract under which a file is opened, as its consumer verified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Digest that names the contract.
    pub id: Digest,
    /// Product that it is about.
    pub product: Name,
    /// When it is in force. Where it was terminated before its time, until then.
    pub validity: Validity,
}

/// A sealed file whose head was read. Nothing in it is believed yet.
pub struct Sealed<R> {
    from: R,
    header: Header,
    mac: [u8; MAC_LEN],
    key: Option<WrappedKey>,
}

impl<R: Read> Sealed<R> {
    /// Reads the head, from where the reader stands, and no byte more. Takes at most [`HEAD_LEN_MAX`]
    /// bytes.
    ///
    /// # Errors
    /// [`SealedError`]
    pub fn read(mut from: R) -> Result<Self, SealedError> {
        let mut start = [0; START_LEN];
        read_exact(&mut from, &mut start)?;
        let [magic @ .., high, low] = start;
        if magic != MAGIC {
            return Err(SealedError::Magic);
        }
        let len = usize::from(u16::from_be_bytes([high, low]));
        if len > PART_LEN_MAX {
            return Err(SealedError::TooLong);
        }
        let mut part = vec![0; len];
        read_exact(&mut from, &mut part)?;
        let wire: Wire = cbor::from_canonical(&part, PART_LEN_MAX).map_err(SealedError::Form)?;
        let header = Header::from_canonical(wire.header.into_vec(), PART_LEN_MAX)?;
        Ok(Self { from, header, mac: *wire.mac, key: wire.key })
    }

    /// Opens the content, to be read from its beginning.
    ///
    /// # Errors
    /// [`ReadError::Key`] if the key is not that of the file, or the header was changed.
    pub fn open(self, key: &ContentKey) -> Result<Content<R>, ReadError> {
        let chunks = key.verify(&self.header, &self.mac).map_err(|OtherKey| ReadError::Key)?;
        Ok(Content::new(self.from, self.header, chunks))
    }

    /// Opens the content, to be read anywhere. If the header declares no length, this reads the last chunk, which
    /// proves where the content ends.
    ///
    /// # Errors
    /// [`ReadError`] if the key is not that of the file, the header was changed, or the file has not the
    /// length that it must have.
    pub fn ranges(self, key: &ContentKey) -> Result<SealedFile<R>, ReadError>
    where
        R: Seek,
    {
        let chunks = key.verify(&self.header, &self.mac).map_err(|OtherKey| ReadError::Key)?;
        SealedFile::new(self.from, self.header, chunks)
    }
}

impl<R> Sealed<R> {
    /// What the file says about itself; true once the file was opened.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The wrapped key in the file, if there is one.
    #[must_use]
    pub const fn wrapped_key(&self) -> Option<&WrappedKey> {
        self.key.as_ref()
    }

    /// Unwraps the key in the file, for use now under this contract.
    ///
    /// # Errors
    /// [`UnwrapError`]
    pub fn unwrap_key(
        &self,
        secret: &RecipientSecret,
        contract: &Contract,
        now: UnixMillis,
    ) -> Result<ContentKey, UnwrapError> {
        let wrapped = self.key.as_ref().ok_or(UnwrapError::NoKey)?;
        self.unwrap_released(wrapped, secret, contract, now)
    }

    /// Unwraps a key that was [released](ContentKey::wrap) for this file, for use now under this contract.
    ///
    /// # Errors
    /// [`UnwrapError`]
    pub fn unwrap_released(
        &self,
        wrapped: &WrappedKey,
        secret: &RecipientSecret,
        contract: &Contract,
        now: UnixMillis,
    ) -> Result<ContentKey, UnwrapError> {
        if *self.header.contract() != contract.id {
            return Err(UnwrapError::Contract);
        }
        if *self.header.product() != contract.product {
            return Err(UnwrapError::Product);
        }
        if !contract.validity.contains(now) {
            return Err(UnwrapError::NotInForce);
        }
        ContentKey::unwrap(wrapped, &self.header, secret).ok_or(UnwrapError::Key)
    }
}

fn read_exact(from: &mut impl Read, to: &mut [u8]) -> Result<(), SealedError> {
    from.read_exact(to).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => SealedError::Truncated,
        _ => SealedError::Read(error),
    })
}

impl<R> fmt::Debug for Sealed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("header", &self.header).finish_non_exhaustive()
    }
}
