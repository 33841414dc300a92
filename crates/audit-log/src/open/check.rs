//! Checks that the files of a log are as they were written.

use dataspace_identity::Origin;
use dataspace_tlog::TreeSize;

use crate::medium::hashes::damaged_tile;
use crate::medium::storage::{Storage, StoredFile};
use crate::open::opening::{Made, Opening, Read, is_short};
use crate::open::recovery::{OpenError, Recovery};

/// Reads all records, and checks the files that derive from them. Changes nothing.
pub(crate) fn check(
    storage: &dyn Storage,
    origin: &Origin,
    progress: &dyn Fn(TreeSize),
) -> Result<Recovery, OpenError> {
    let opening = Opening::new(storage, origin, progress)?;
    let Read { edge, end, rubbish_end, .. } = opening.check_all()?;
    let bytes_cut = rubbish_end.saturating_sub(end);
    let (size, checkpoint) = (edge.size(), opening.checkpoint);
    Ok(Recovery { size, bytes_cut, checkpoint, is_remade: false })
}

impl Opening<'_> {
    /// Reads all records, checks them against the checkpoint, and checks the files that derive from them, as
    /// far as those are durable.
    pub(crate) fn check_all(&self) -> Result<Read, OpenError> {
        let (read, _) = self.verify(false)?;
        if self.mark.size > 0 {
            if let Some(file) = damaged_tile(self.storage, self.first().as_u64())? {
                return Err(OpenError::Derived { file });
            }
            self.read(self.first_base()?, Made::Compared)?;
            // Records and hashes are right, so whatever does not fit is the mark.
            let at_mark = self.base_at_mark().and_then(|base| self.read(base, Made::Dropped));
            let is_same = match at_mark {
                Err(OpenError::Io(error)) if !is_short(&error) => return Err(error.into()),
                Err(_) => false,
                Ok(found) => {
                    self.check(&found).is_ok()
                        && (found.edge.size(), found.end) == (read.edge.size(), read.end)
                }
            };
            if !is_same {
                return Err(OpenError::Derived { file: StoredFile::Mark });
            }
        }
        if self.is_mark_damaged {
            return Err(OpenError::Derived { file: StoredFile::Mark });
        }
        Ok(read)
    }
}
