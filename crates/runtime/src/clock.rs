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

    /// Time that passed since some moment before this clock was made, by another clock that nobody can
    /// set. Where there is one, a reading of [`Clock::now`] that leaps ahead of it is refused.
    fn passed(&self) -> Option<Duration> {
        None
    }
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

    /// Since the machine started, time asleep included.
    fn passed(&self) -> Option<Duration> {
        #[cfg(target_os = "linux")]
        let clock = rustix::time::ClockId::Boottime;
        #[cfg(not(target_os = "linux"))]
        let clock = rustix::time::ClockId::Monotonic;
        Duration::try_from(rustix::time::clock_gettime(clock)).ok()
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

/// The clock is wrong, so that nothing is decided and nothing recorded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ClockError {
    /// It was set back, which could keep expired contracts alive.
    #[error(
        "the clock shows {now}, but the log knows of {high_water}; set the clock right. If it is \
         right, a wrong reading was recorded before: `Setup::set_clock_back` ends all contracts and \
         restarts at the right time"
    )]
    Behind {
        /// The clock's reading.
        now: UnixMillis,
        /// The latest time that was seen before.
        high_water: UnixMillis,
    },
    /// It leapt ahead of the time that passed since it was last read. A wrong reading must not get
    /// into the log, which never forgets one.
    #[error(
        "the clock shows {now}, but by the time that passed it is {expected}; set the clock right, or \
         open the node again if it is"
    )]
    Leapt {
        /// The clock's reading.
        now: UnixMillis,
        /// The reading if it had run evenly.
        expected: UnixMillis,
    },
}

/// How far the clock may be behind what was seen: a correction by NTP, not a manipulation.
/// Meanwhile time stands still.
pub(crate) const TOLERANCE: Duration = Duration::from_secs(2);

/// How far the clock may run ahead of the time that passed, from one reading to the next.
const LEAP_MAX: Duration = Duration::from_secs(60);

/// Time that never goes back, not even across restarts: the latest record of the log is part of
/// the high-water mark.
pub(crate) struct SteadyClock {
    clock: Box<dyn Clock>,
    high_water: AtomicU64,
    /// The last good reading of the clock, less the time that had passed by then: in
    /// milliseconds, and [`u64::MAX`] as long as that is not known.
    offset: AtomicU64,
}

impl SteadyClock {
    pub(crate) fn new(clock: Box<dyn Clock>, high_water: UnixMillis) -> Self {
        let (now, passed) = (clock.now(), clock.passed());
        // A clock that is behind already is no measure.
        let offset = passed.filter(|_| high_water.since(now) <= TOLERANCE);
        let offset = offset.map_or(u64::MAX, |passed| now.saturating_sub(passed).as_millis());
        Self { clock, high_water: high_water.as_millis().into(), offset: offset.into() }
    }

    pub(crate) fn now(&self) -> Result<UnixMillis, ClockError> {
        let passed = self.clock.passed();
        let now = self.clock.now();
        let offset = passed.map(|passed| self.check_leap(now, passed)).transpose()?;
        let before = self.high_water.fetch_max(now.as_millis(), Ordering::AcqRel);
        let high_water = UnixMillis::new(before).unwrap_or(UnixMillis::MAX);
        if high_water.since(now) > TOLERANCE {
            return Err(ClockError::Behind { now, high_water });
        }
        if let Some(offset) = offset {
            self.offset.store(offset, Ordering::Release);
        }
        Ok(now.max(high_water))
    }

    /// The latest time that was seen, also while the clock is wrong: for what need not be of now.
    #[cfg(feature = "provider")]
    pub(crate) fn latest(&self) -> UnixMillis {
        let seen = || UnixMillis::new(self.high_water.load(Ordering::Acquire));
        self.now().ok().or_else(seen).unwrap_or(UnixMillis::MAX)
    }

    /// Checks that `now` is not ahead of the time that passed since the last good reading.
    fn check_leap(&self, now: UnixMillis, passed: Duration) -> Result<u64, ClockError> {
        // A clock that shows less than the time since the machine started is behind every log.
        let offset = now.saturating_sub(passed).as_millis();
        let last = self.offset.load(Ordering::Acquire);
        if u128::from(offset.saturating_sub(last)) <= LEAP_MAX.as_millis() {
            return Ok(offset);
        }
        let started = UnixMillis::new(last).unwrap_or(UnixMillis::MAX);
        let expected = started.checked_add(passed).unwrap_or(UnixMillis::MAX);
        Err(ClockError::Leapt { now, expected })
    }
}
