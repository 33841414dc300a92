//! Strict CBOR: the deterministic encoding of RFC 8949 §4.2.1, and nothing else.
//!
//! Encoding writes the value, then puts the keys of its maps in order; decoding scans the bytes
//! first (size, depth, form, key order, declared lengths), then decodes, encodes again and asks that
//! **the bytes are equal**. So a value has one encoding, and a hash over bytes is a hash over meaning.
//!
//! Allowed are integers, byte strings, text strings, arrays, maps, `true`, `false` and `null`.
//! Tags, floats and every other simple value are refused: no signed document needs them.

mod order;
mod read;
mod scan;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use self::read::Reader;
pub use self::scan::{FormError, Rule};

/// How deep arrays and maps may nest.
pub const DEPTH_MAX: usize = 24;

/// Why bytes are not taken for a value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Longer than the caller's cap.
    #[error("{len} bytes are more than the {len_max} allowed here")]
    TooLong {
        /// Bytes received.
        len: usize,
        /// Bytes allowed.
        len_max: usize,
    },
    /// Not deterministic CBOR.
    #[error(transparent)]
    Form(#[from] FormError),
    /// Good CBOR that is not this type.
    #[error("the value does not have the expected shape")]
    Shape(#[source] serde_cbor::Error),
    /// Decoding dropped or changed something, so the bytes say more than the value.
    #[error("the bytes are not the one encoding of the value that they decode to")]
    NotCanonical,
}

/// Why a value has no canonical encoding.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The value cannot be written as CBOR (an integer beyond 64 bits, for instance).
    #[error("the value cannot be written as CBOR")]
    Shape(#[source] serde_cbor::Error),
    /// The value uses a form that is not allowed (a float, for instance).
    #[error(transparent)]
    Form(#[from] FormError),
}

/// The one canonical encoding of `value`.
///
/// # Errors
/// [`EncodeError`] if the value holds a float or an integer beyond 64 bits, or nests deeper than
/// [`DEPTH_MAX`].
pub fn to_canonical<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let bytes = ordered(value)?;
    // What has another fault than the order of its keys (a float, a key twice) is refused here.
    scan::scan(&bytes, DEPTH_MAX)?;
    Ok(bytes)
}

/// The value's bytes, with the keys of maps in order and else unchecked.
fn ordered<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    // Most documents and records fit, so that the bytes do not move while they are written.
    let mut written = Vec::with_capacity(2048);
    serde_cbor::to_writer(&mut written, &value).map_err(EncodeError::Shape)?;
    Ok(order::in_order(&written, DEPTH_MAX)?)
}

/// The value that is canonically encoded as `bytes`.
///
/// Takes time and memory in proportion to `bytes`, whatever lengths they declare.
///
/// # Errors
/// [`DecodeError`], with the position of the first offending byte where the form is at fault.
pub fn from_canonical<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
    len_max: usize,
) -> Result<T, DecodeError> {
    check_canonical(bytes, len_max)?;
    let value = T::deserialize(&mut Reader::new(bytes)).map_err(DecodeError::Shape)?;
    // Those bytes were checked, so that the same ones need no second check.
    match ordered(&value) {
        Ok(again) if again == bytes => Ok(value),
        _ => Err(DecodeError::NotCanonical),
    }
}

/// Checks the form alone: that `bytes` are one item of deterministic CBOR of at most `len_max`
/// bytes.
///
/// # Errors
/// [`DecodeError::TooLong`] or [`DecodeError::Form`].
pub fn check_canonical(bytes: &[u8], len_max: usize) -> Result<(), DecodeError> {
    if bytes.len() > len_max {
        return Err(DecodeError::TooLong { len: bytes.len(), len_max });
    }
    Ok(scan::scan(bytes, DEPTH_MAX)?)
}

/// Major type and argument of the item at the start of `bytes`, and what follows its head.
pub(crate) fn head(bytes: &[u8]) -> Option<((u8, u64), &[u8])> {
    scan::head(bytes)
}
