//! The order of the times of records, and how long a request is fresh.

use std::time::Duration;

use dataspace_identity::credential::CLOCK_SKEW;
use dataspace_primitives::UnixMillis;
use dataspace_tlog::{Event, Record};
use dataspace_usage_contract::profile::REQUEST_AGE_SECS_MAX;
use thiserror::Error;

/// Why the time of a record is none that a node writes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TimeError {
    /// It is before that of a record that came before it, for which no node would have waited.
    #[error("its time is {found}, which is before {before}, the time of a record before it")]
    Before {
        /// The record's time.
        found: UnixMillis,
        /// The earliest that it can be.
        before: UnixMillis,
    },
    /// The clock was set back from a time that is not the latest one in the log, or was not set back.
    #[error(
        "it says that the clock was set back from {from} to {to}; the latest time was {latest}"
    )]
    SetBack {
        /// The latest time in the log before it.
        latest: UnixMillis,
        /// From which time, as recorded.
        from: UnixMillis,
        /// The record's time.
        to: UnixMillis,
    },
}

/// Longest age of a request that any profile can allow.
pub const REQUEST_AGE_MAX: Duration = Duration::from_secs(REQUEST_AGE_SECS_MAX as u64);
/// The same, and what the clocks may differ by, on top: a request that is dated ahead is fresh for
/// longer, and its answer may be recorded somewhat later.
pub const REQUEST_KEPT: Duration =
    Duration::from_secs(REQUEST_AGE_SECS_MAX as u64 + 2 * CLOCK_SKEW.as_secs());

/// The order of times in a log: no change is before any record so far, and no access and no end of a
/// release before the last change.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    latest: UnixMillis,
    latest_change: UnixMillis,
}

impl Times {
    /// Continues after records up to the time `latest`.
    #[must_use]
    pub fn after(latest: UnixMillis) -> Self {
        Self { latest, latest_change: UnixMillis::MIN }
    }

    /// The latest time so far, since the clock was last set back.
    #[must_use]
    pub fn latest(&self) -> UnixMillis {
        self.latest
    }

    /// Takes in the next record.
    ///
    /// # Errors
    /// [`TimeError`] if its time does not follow on those before it.
    pub fn take(&mut self, record: &Record) -> Result<(), TimeError> {
        let found = record.time;
        let (checked, is_change) = match &record.event {
            Event::ClockSetBack { from } => {
                if *from != self.latest || found >= *from {
                    let latest = self.latest;
                    return Err(TimeError::SetBack { latest, from: *from, to: found });
                }
                self.latest = found;
                (found, true)
            }
            // A release ends in a pass, as an access is decided in one.
            Event::Access(_) | Event::Released(_) => (self.latest_change, false),
            // Recorded beside everything else, and in force at no time.
            Event::Archived { .. } | Event::Denials { .. } => (found, false),
            Event::Profile { .. }
            | Event::Admission { .. }
            | Event::MembershipRevoked { .. }
            | Event::Keys { .. }
            | Event::Product { .. }
            | Event::Concluded { .. }
            | Event::Terminated { .. }
            | Event::Deleted { .. }
            | Event::Policies { .. }
            | Event::Stated { .. }
            | Event::Opened { .. }
            | Event::Consumer(_) => (self.latest, true),
        };
        let is_before = found < checked;
        self.latest = self.latest.max(found);
        if is_change {
            self.latest_change = self.latest;
        }
        if is_before { Err(TimeError::Before { found, before: checked }) } else { Ok(()) }
    }
}
