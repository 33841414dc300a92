//! How far dates and instants are cut.

use std::fmt;

use dataspace_primitives::time::days_from_civil;
use serde::{Deserialize, Serialize};

/// To the beginning of what a date or an instant is cut, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CalendarPart {
    /// Its minute.
    Minute,
    /// Its hour.
    Hour,
    /// Its day.
    Day,
    /// Its month.
    Month,
    /// Its year.
    Year,
}

impl CalendarPart {
    /// A date or an instant, as [`instant_nanos`] takes them, cut; a date stays one.
    #[must_use]
    pub fn cut(self, text: &str) -> String {
        let (date, time) = match text.split_once(['T', ' ']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let first = |text: &str, len: usize| text.get(..len).unwrap_or(text).to_owned();
        let (date, time_len) = match self {
            Self::Minute => (date.to_owned(), 5),
            Self::Hour => (date.to_owned(), 2),
            Self::Day => (date.to_owned(), 0),
            Self::Month => (first(date, 7) + "-01", 0),
            Self::Year => (first(date, 4) + "-01-01", 0),
        };
        match time {
            None => date,
            Some(time) => {
                let rest = "00:00:00".get(time_len..).unwrap_or_default();
                format!("{date}T{}{rest}Z", first(time, time_len))
            }
        }
    }

    /// Returns false if the text, a date or an instant as CSV has it, says more.
    pub(super) fn allows(self, cell: &str) -> bool {
        let cell = cell.strip_suffix('Z').unwrap_or(cell);
        let (date, time) = match cell.split_once([' ', 'T']) {
            Some((date, time)) => (
                date,
                time.split_once('.').map_or(time, |(time, rest)| {
                    if rest.bytes().all(|digit| digit == b'0') { time } else { "" }
                }),
            ),
            None => (cell, "00:00:00"),
        };
        let is_midnight = time == "00:00:00";
        match self {
            Self::Minute => time.len() == 8 && time.ends_with(":00"),
            Self::Hour => time.len() == 8 && time.ends_with(":00:00"),
            Self::Day => is_midnight,
            Self::Month => is_midnight && date.ends_with("-01"),
            Self::Year => is_midnight && date.ends_with("-01-01"),
        }
    }
}

impl fmt::Display for CalendarPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        })
    }
}

/// An instant as filters and CSV spell it, in nanoseconds since 1970: a date (`2026-11-23`), or a date and
/// a time in UTC (`2026-11-23T21:00:00Z`, with up to nine digits behind the seconds; a space instead of
/// the `T`, and no `Z`, are the same). Years 0000 to 9999. `None` if the text is none.
#[must_use]
pub fn instant_nanos(text: &str) -> Option<i128> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time.strip_suffix('Z').unwrap_or(time))),
        None => (text, None),
    };
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = date.as_bytes() else { return None };
    let (year, month) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?);
    let days = days_from_civil(year, month, number(&[d1, d2])?)?;
    let nanos = match time {
        None => 0,
        Some(time) => nanos_of_day(time)?,
    };
    Some(i128::from(days) * 86_400_000_000_000 + i128::from(nanos))
}

fn nanos_of_day(time: &str) -> Option<i64> {
    let (whole, fraction) = time.split_once('.').map_or((time, None), |(a, b)| (a, Some(b)));
    let &[h1, h2, b':', m1, m2, b':', s1, s2] = whole.as_bytes() else { return None };
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let nanos = match fraction {
        None => 0,
        Some(digits) if (1..=9).contains(&digits.len()) => {
            let zeros = u32::try_from(9 - digits.len()).ok()?;
            number(digits.as_bytes())? * 10_i64.pow(zeros)
        }
        Some(_) => return None,
    };
    Some(((hour * 60 + minute) * 60 + second) * 1_000_000_000 + nanos)
}

/// Of at most nine digits.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0'))
    })
}
