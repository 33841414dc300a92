//! Which log. That is a matter of identity, since documents name the log to which they belong; here
//! is what a log's own files say.

use std::path::Path;

use dataspace_identity::Did;
pub use dataspace_identity::{LOG_NAME_LEN_MAX, Origin, ParseOriginError};

use crate::checkpoint::Checkpoint;
use crate::file_storage::FileStorage;
use crate::log::Log;
use crate::recovery::{OpenError, Recovery};
use crate::segment;
use crate::storage::Storage;

impl Log {
    /// Opens the log in `dir`, as [`open`](Self::open): whichever log of `operator` it is. Its files
    /// tell, and are held against the operator's signature as always.
    ///
    /// # Errors
    /// [`OpenError`] as for [`open`](Self::open), also if it is a log of somebody else.
    pub fn open_of(dir: &Path, operator: &Did) -> Result<(Self, Recovery), OpenError> {
        let storage = FileStorage::open(dir)?;
        let expected = Origin::new(operator);
        let origin = match claimed_origin(&storage)? {
            Some(found) if found.operator() != operator => {
                return Err(OpenError::Origin { expected, found });
            }
            // Without a name to find, opening says what is wrong.
            found => found.unwrap_or(expected),
        };
        Self::open_on(Box::new(storage), origin)
    }
}

/// The log that the checkpoint, or else the first segment, says that it is.
fn claimed_origin(storage: &dyn Storage) -> Result<Option<Origin>, OpenError> {
    let note = storage.read_checkpoint()?.and_then(|note| String::from_utf8(note).ok());
    let claimed = note.and_then(|note| Checkpoint::claimed_origin(&note).ok());
    Ok(match (claimed, storage.segments()?.first()) {
        (None, Some(first)) => segment::claimed_origin(storage, *first)?,
        (claimed, _) => claimed,
    })
}
