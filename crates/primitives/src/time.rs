//! Time, in milliseconds of UTC.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An instant: milliseconds since 1970-01-01T00:00:00Z, UTC, without leap seconds.
///
/// Lies in `0 ..= 253_402_300_799_999` (the last millisecond of the year 9999), so that it
/// always has an RFC 3339 text and always fits an `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct UnixMillis(u64);

const DAY_MILLIS: u64 = 86_400_000;

impl UnixMillis {
    /// 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);
    /// 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// `None` after [`UnixMillis::MAX`].
    #[must_use]
    pub const fn new(millis: u64) -> Option<Self> {
        if millis <= Self::MAX.0 { Some(Self(millis)) } else { None }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The instant `duration` later (rounded down to a millisecond); `None` after
    /// [`UnixMillis::MAX`].
    #[must_use]
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let millis = u64::try_from(duration.as_millis()).ok()?;
        self.0.checked_add(millis).and_then(Self::new)
    }

    /// The instant `duration` earlier, or [`UnixMillis::MIN`].
    #[must_use]
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// Time from `earlier` to `self`; zero if `earlier` is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Days since 1970-01-01, UTC.
    #[must_use]
    pub const fn day_number(self) -> u64 {
        self.0 / DAY_MILLIS
    }

    /// Calendar months since January 1970, UTC.
    #[must_use]
    pub fn month_number(self) -> u64 {
        let (year, month, _) = self.civil();
        // INVARIANT: no earlier than January 1970.
        (year * 12 + month).saturating_sub(1970 * 12 + 1)
    }

    /// Year, month (1-12) and day (1-31), UTC.
    fn civil(self) -> (u64, u64, u64) {
        let days = i64::try_from(self.day_number()).unwrap_or(i64::MAX);
        let (year, month, day) = civil_from_days(days);
        (year.unsigned_abs(), month.unsigned_abs(), day.unsigned_abs())
    }
}

/// Year, month (1-12) and day (1-31) of the proleptic Gregorian calendar (ISO 8601: before the year 1
/// come 0 and -1), of the day that lies `days` days after 1 January 1970. Far enough from there, the
/// same day for all.
// WHY: thirty lines of calendar, compared with `chrono` in this crate's tests, instead of a time
// library in the crate that an auditor builds.
#[must_use]
pub fn civil_from_days(days: i64) -> (i64, i64, i64) {
    // Days are counted from 0000-03-01, in eras of 400 years (146,097 days).
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Days from 1 January 1970 to the day with this year, month (1-12) and day, the inverse of
/// [`civil_from_days`]; `None` if there is no such day, or if the year has more than six digits.
#[must_use]
pub fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year.abs() > 999_999 {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = shifted_year.div_euclid(400) * 146_097 + day_of_era - 719_468;
    // A day that the month does not have (2026-02-30) comes out as another date.
    (civil_from_days(days) == (year, month, day)).then_some(days)
}

/// RFC 3339 in UTC: `2026-11-23T21:00:00Z`, with `.123` before the `Z` where milliseconds are not
/// zero.
impl fmt::Display for UnixMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        let rest = self.0 % DAY_MILLIS;
        let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match rest % 1000 {
            0 => f.write_str("Z"),
            millis => write!(f, ".{millis:03}Z"),
        }
    }
}

/// The text is not an instant of the form `2026-11-23T21:00:00Z` or `2026-11-23T21:00:00.123Z`
/// between 1970 and 9999.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a time is written `2026-11-23T21:00:00Z`, in UTC, from 1970 to 9999")]
pub struct ParseTimeError;

impl FromStr for UnixMillis {
    type Err = ParseTimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text.as_bytes()).ok_or(ParseTimeError)
    }
}

fn parse(text: &[u8]) -> Option<UnixMillis> {
    let (main, millis) = match text {
        [main @ .., b'.', a, b, c, b'Z'] => (main, number(&[*a, *b, *c])?),
        [main @ .., b'Z'] => (main, 0),
        _ => return None,
    };
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2] =
        *main
    else {
        return None;
    };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let [year, month, day] = [year, month, day].map(|part| i64::try_from(part).unwrap_or(i64::MAX));
    let days = u64::try_from(days_from_civil(year, month, day)?).ok()?;
    let millis_of_day = ((hour * 60 + minute) * 60 + second) * 1000 + millis;
    UnixMillis::new(days * DAY_MILLIS + millis_of_day)
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| match digit {
        b'0'..=b'9' => Some(value * 10 + u64::from(digit - b'0')),
        _ => None,
    })
}

impl From<UnixMillis> for u64 {
    fn from(instant: UnixMillis) -> Self {
        instant.0
    }
}

/// The number of milliseconds lies after the year 9999.
impl TryFrom<u64> for UnixMillis {
    type Error = ParseTimeError;

    fn try_from(millis: u64) -> Result<Self, Self::Error> {
        Self::new(millis).ok_or(ParseTimeError)
    }
}
