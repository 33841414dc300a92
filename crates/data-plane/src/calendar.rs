//! Days and instants in words, for every number that a column can hold.
//!
//! The proleptic Gregorian calendar without leap seconds, as ISO 8601 has it: years after 9999
//! have a plus sign, years before 0 a minus sign.

use std::fmt::Write as _;

use dataspace_primitives::time::civil_from_days;

pub(crate) const DAY_SECONDS: i64 = 86_400;

/// A day, by its number since 1970.
pub(crate) fn day(days: i64) -> String {
    let (year, month, day) = civil_from_days(days);
    let sign = match year {
        10_000.. => "+",
        0.. => "",
        _ => "-",
    };
    format!("{sign}{:04}-{month:02}-{day:02}", year.unsigned_abs())
}

/// A day, by the milliseconds since 1970; with a time, if it is not midnight.
pub(crate) fn day_of_millis(millis: i64) -> String {
    if millis.rem_euclid(DAY_SECONDS * 1000) == 0 {
        day(millis.div_euclid(DAY_SECONDS * 1000))
    } else {
        instant(millis, 3)
    }
}

/// An instant, by the units of 10^-`digits` seconds since 1970. The fraction has 3, 6 or 9 digits,
/// as many as it needs.
pub(crate) fn instant(units: i64, digits: u32) -> String {
    let unit = 10_i64.pow(digits);
    let (seconds, fraction) = (units.div_euclid(unit), units.rem_euclid(unit));
    let (days, of_day) = (seconds.div_euclid(DAY_SECONDS), seconds.rem_euclid(DAY_SECONDS));
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let mut text = format!("{} {hour:02}:{minute:02}:{second:02}", day(days));
    if fraction > 0 {
        let nanos = fraction * 10_i64.pow(9 - digits);
        let (len, fraction) = match nanos {
            _ if nanos % 1_000_000 == 0 => (3, nanos / 1_000_000),
            _ if nanos % 1_000 == 0 => (6, nanos / 1_000),
            _ => (9, nanos),
        };
        // Writing to a string does not fail.
        let _ = write!(text, ".{fraction:0len$}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_instants_are_those_of_the_calendar() {
        for (number, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (-25_509, "1900-02-28"),
            (-25_508, "1900-03-01"),
            (2_932_896, "9999-12-31"),
            (2_932_897, "+10000-01-01"),
            (-719_528, "0000-01-01"),
            (-719_529, "-0001-12-31"),
            (i64::from(i32::MAX), "+5881580-07-11"),
            (i64::from(i32::MIN), "-5877641-06-23"),
        ] {
            assert_eq!(day(number), text);
        }
        assert_eq!(instant(1_795_467_600_123, 3), "2026-11-23 21:00:00.123");
        assert_eq!(instant(-1, 9), "1969-12-31 23:59:59.999999999");
        assert_eq!(instant(-1_500_000, 6), "1969-12-31 23:59:58.500");
        assert_eq!(instant(i64::MAX, 3), "+292278994-08-17 07:12:55.807");
        assert_eq!(instant(i64::MIN, 0), "-292277022657-01-27 08:29:52");
        assert_eq!(instant(i64::MAX, 0), "+292277026596-12-04 15:30:07");
        assert_eq!(day_of_millis(86_400_000), "1970-01-02");
        assert_eq!(day_of_millis(86_400_001), "1970-01-02 00:00:00.001");
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = civil_from_days(-1_000_000);
        for days in -999_999..1_000_000 {
            let today = civil_from_days(days);
            let (year, month, day) = before;
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            let expected = match (month, day == last) {
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
                (_, false) => (year, month, day + 1),
            };
            assert_eq!(today, expected);
            before = today;
        }
    }
}
