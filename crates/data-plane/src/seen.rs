//! What is known of a file of text that may change after it was opened as a table.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::file::Stamp;
use crate::table_error::{ReadError, in_words};

/// States of a file that were read to their end.
pub(crate) struct Seen {
    last: Mutex<Last>,
    /// Held by the one who reads.
    reading: Mutex<()>,
}

struct Last {
    /// The state that fits the format.
    good: Stamp,
    /// A later one that does not, and why.
    bad: Option<(Stamp, String)>,
    /// How often the file was read over.
    reads: u64,
}

impl Seen {
    pub(crate) fn new(good: Stamp) -> Self {
        Self { last: Mutex::new(Last { good, bad: None, reads: 0 }), reading: Mutex::default() }
    }

    /// Checks that a state of the file fits, so that a release does not end in the midst of it. Reads nothing.
    pub(crate) fn check(&self, stamp: &Stamp) -> Result<(), ReadError> {
        let last = self.last();
        match &last.bad {
            _ if last.good == *stamp => Ok(()),
            Some((bad, why)) if bad == stamp => Err(ReadError::Unfit { why: why.clone() }),
            _ => Err(ReadError::NotLookedOver),
        }
    }

    /// Reads all of a file whose state is not known yet: once, however many ask.
    pub(crate) fn look_over(
        &self,
        now: impl Fn() -> Result<Stamp, ReadError>,
        all: impl FnOnce() -> Result<(Stamp, Result<(), ReadError>), ReadError>,
    ) -> Result<(), ReadError> {
        let known = |stamp: &Stamp| match self.check(stamp) {
            Err(ReadError::NotLookedOver) => None,
            known => Some(known),
        };
        if let Some(known) = known(&now()?) {
            return known;
        }
        let reads = self.last().reads;
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let state = now()?;
        if let Some(known) = known(&state) {
            return known;
        }
        // WHY not once more: of a file that changes all the time, each of many would read all.
        if self.last().reads != reads {
            return self.check(&state);
        }
        let (stamp, read) = all()?;
        self.last().reads = reads.saturating_add(1);
        match read {
            Ok(()) => self.last().good = stamp,
            // WHY these alone: what a disk could not read now, it may read the next time.
            Err(error @ (ReadError::Row(_) | ReadError::Changed)) => {
                self.last().bad = Some((stamp, in_words(&error)));
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
