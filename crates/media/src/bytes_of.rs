//! The bytes of a file of the provider's, as the data plane gives them out.

use bytes::Bytes;
use dataspace_data_plane::errors::RunError;
use dataspace_data_plane::product::{ProductError, Recipient};
use dataspace_data_plane::{Delivery, MediaFile, Piece, Product as _};
use dataspace_primitives::{Part, Secrets, Zeroizing, secrets::SecretsError};

/// A file as it is needs none.
struct None;

impl Secrets for None {
    fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
        Err(SecretsError::new("a file as it is needs none"))
    }
}

/// Opens a file, or a part of it, as it is: one that was changed is refused, now and later.
pub(crate) fn open(
    file: &MediaFile,
    part: Option<&Part>,
) -> Result<Box<dyn Delivery>, ProductError> {
    file.open(&[], part, &None, Recipient { contract: &[], consumer: "" })
}

/// The next bytes; `None` at the end.
pub(crate) fn next(delivery: &mut dyn Delivery) -> Result<Option<Bytes>, RunError> {
    Ok(match delivery.next()? {
        Some(Piece::Bytes { bytes, .. }) => Some(bytes),
        // A file has no other pieces.
        _ => Option::None,
    })
}

/// All that is left of it, which was checked to be little.
pub(crate) fn rest(delivery: &mut dyn Delivery) -> Result<Vec<u8>, RunError> {
    let mut all = Vec::new();
    while let Some(bytes) = next(delivery)? {
        all.extend_from_slice(&bytes);
    }
    Ok(all)
}
