//! Which log a log's own files say that they are.

use dataspace_identity::Origin;
use dataspace_tlog::Checkpoint;

use crate::medium::segment;
use crate::medium::storage::Storage;
use crate::open::recovery::OpenError;

/// The log that the checkpoint, or else the first segment, says that it is.
pub(crate) fn claimed_origin(storage: &dyn Storage) -> Result<Option<Origin>, OpenError> {
    let note = storage.read_checkpoint()?.and_then(|note| String::from_utf8(note).ok());
    let claimed = note.and_then(|note| Checkpoint::claimed_origin(&note).ok());
    Ok(match (claimed, storage.segments()?.first()) {
        (None, Some(first)) => segment::claimed_origin(storage, *first)?,
        (claimed, _) => claimed,
    })
}
