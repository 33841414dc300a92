//! How a log is signed, and what was made from its records is made durable meanwhile.

use std::io;
use std::sync::Arc;

use dataspace_primitives::Signer;
use dataspace_tlog::{Checkpoint, LeafIndex};

use crate::append::error::{AppendError, PoisonCause};
use crate::error::SignCheckpointError;
use crate::log::Log;
use crate::medium::mark::{Mark, SETTLE_EVERY, list_sum};
use crate::medium::signed_sizes;

impl Log {
    /// Signs the durable log as it is and stores the checkpoint. Give it to others: only a
    /// checkpoint held elsewhere shows a rollback.
    ///
    /// # Errors
    /// [`SignCheckpointError`] if `signer` is not the operator, or storing fails.
    pub fn checkpoint(&self, signer: &dyn Signer) -> Result<Checkpoint, SignCheckpointError> {
        self.sign(signer, None)
    }

    /// Signs, and settles what was made from the records if enough of them came, or an archive is
    /// to be noted.
    pub(crate) fn sign(
        &self,
        signer: &dyn Signer,
        archive: Option<LeafIndex>,
    ) -> Result<Checkpoint, SignCheckpointError> {
        let poisoned = |cause| SignCheckpointError::Poisoned { cause };
        let check = || match self.writer.queue.check() {
            Err(AppendError::Poisoned { cause }) => Err(poisoned(cause)),
            _ => Ok(()),
        };
        // Before the lock, too: a waker that is told here of the failure may ask for a checkpoint.
        check()?;
        let _one_at_a_time =
            self.checkpointing.lock().map_err(|_| poisoned(Arc::new(PoisonCause::Panic)))?;
        check()?;
        // What cannot be written now is not settled now.
        let is_written = self.writer.readable().map(|_| ());
        let (size, root, unsettled) = {
            let given_up = |_| poisoned(self.writer.queue.poison(PoisonCause::Panic));
            let state = self.state().map_err(given_up)?;
            match self.writer.storage.check_place(state.segment.file()) {
                Err(error) if error.kind() == io::ErrorKind::StaleNetworkFileHandle => {
                    drop(state);
                    return Err(poisoned(self.writer.queue.poison(PoisonCause::Moved(error))));
                }
                checked => checked?,
            }
            let size = state.edge.size();
            let new = size.as_u64().saturating_sub(state.mark.size);
            let is_due = archive.is_some() || (new >= SETTLE_EVERY && state.unwritten.is_empty());
            let (archive, list) = (archive.or(state.mark.archive), list_sum(&state.segments));
            let mark = Mark { archive, list, ..state.next_mark() };
            (size, state.root, is_due.then(|| (state.edge.clone(), mark)))
        };
        let checkpoint = Checkpoint::sign(self.origin(), size, root, signer)?;
        let settled = match unsettled {
            None => None,
            Some((edge, mark)) => {
                let is_written = is_written.map_err(io::Error::other);
                let settled = is_written.and_then(|()| self.writer.settle(&edge));
                // What is made of archived records cannot be made again.
                if archive.is_some() {
                    settled.map(|()| Some(mark))?
                } else {
                    settled.ok().map(|()| mark)
                }
            }
        };
        self.writer.storage.write_checkpoint(checkpoint.as_note().as_bytes())?;
        // For publishing the log only.
        let _may_be_missing = signed_sizes::note(&*self.writer.storage, size);
        // A mark that the stored checkpoint does not cover would be of no use.
        if let Some(mark) = settled {
            mark.write(&*self.writer.storage)?;
            if let Ok(mut state) = self.writer.state.write() {
                state.mark = mark;
            }
        }
        Ok(checkpoint)
    }
}
