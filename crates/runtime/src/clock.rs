//! The one place that reads a clock.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use dataspace_primitives::UnixMillis;
use thiserror::Error;

/// Where the monitor gets the time from.
pub trait Clock: Send + Sync {
    /// The present time. Should not go back; [`ClockError`] tells what happens if it does.
    fn now(&self) -> UnixMillis;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock file")]
    fn now(&self) -> UnixMillis {
        // Before 1970 counts as 1970, after 9999 as 9999: both fail every validity.
        let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let millis = elapsed.map_or(0, |elapsed| elapsed.as_millis());
        let millis = u64::try_from(millis).unwrap_or(u64::MAX);
        UnixMillis::new(millis).unwrap_or(UnixMillis::MAX)
    }
}

/// A clock that stands still until it is set: for tests and simulations.
#[derive(Debug)]
pub struct ManualClock(Mutex<UnixMillis>);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: UnixMillis) -> Self {
        Self(Mutex::new(now))
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now: UnixMillis) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = now;
    }

    /// Sets the clock forward.
    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.checked_add(by).unwrap_or(UnixMillis::MAX);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The clock was set back: whoever can do that could keep expired contracts alive.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the clock shows {now}, but the log knows of {high_water}; set the clock right, then try again"
)]
pub struct ClockError {
    /// What the clock shows.
    pub now: UnixMillis,
    /// The latest time that was seen before.
    pub high_water: UnixMillis,
}

/// How far the clock may be behind what was seen: a correction by NTP, not a manipulation.
/// Meanwhile time stands still.
const TOLERANCE: Duration = Duration::from_secs(2);

/// Time that never goes back, not even across restarts: the latest record of the log is part of
/// the high-water mark.
pub(crate) struct SteadyClock {
    clock: Box<dyn Clock>,
    high_water: AtomicU64,
}

impl SteadyClock {
    pub(crate) fn new(clock: Box<dyn Clock>, high_water: UnixMillis) -> Self {
        Self { clock, high_water: AtomicU64::new(high_water.as_millis()) }
    }

    pub(crate) fn now(&self) -> Result<UnixMillis, ClockError> {
        let now = self.clock.now();
        let before = self.high_water.fetch_max(now.as_millis(), Ordering::AcqRel);
        let high_water = UnixMillis::new(before).unwrap_or(UnixMillis::MAX);
        if high_water.since(now) > TOLERANCE {
            return Err(ClockError { now, high_water });
        }
        Ok(now.max(high_water))
    }
}
