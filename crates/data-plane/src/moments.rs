//! Days and instants as files write them: the formats that a provider can state, strictly.

use dataspace_primitives::time::days_from_civil;

use crate::calendar::DAY_SECONDS;
use crate::options::DateFormat;

/// A number of these digits.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |value, digit| match digit {
        b'0'..=b'9' => value.checked_mul(10)?.checked_add(i64::from(digit - b'0')),
        _ => None,
    })
}

/// Days since 1970 of a date that fills the bytes.
fn days(date: &[u8], format: DateFormat) -> Option<i64> {
    let (year, month, day) = match (format, date) {
        (DateFormat::YearMonthDay, [year @ .., b'-', m1, m2, b'-', d1, d2])
        | (DateFormat::DayMonthYear, [d1, d2, b'.', m1, m2, b'.', year @ ..])
        | (DateFormat::MonthDayYear, [m1, m2, b'/', d1, d2, b'/', year @ ..])
        | (DateFormat::Digits, [year @ .., m1, m2, d1, d2]) => (year, [*m1, *m2], [*d1, *d2]),
        _ => return None,
    };
    if year.len() != 4 {
        return None;
    }
    days_from_civil(number(year)?, number(&month)?, number(&day)?)
}

/// The day of a cell, by its number since 1970.
pub(crate) fn day(cell: &str, format: DateFormat) -> Option<i32> {
    i32::try_from(days(cell.as_bytes(), format)?).ok()
}

/// The units of 10^-`digits` seconds since 1970 of a cell with a date and a time, with at most so many
/// digits of its own behind the point: with a zone, which is then taken into account, or without one.
pub(crate) fn instant(
    cell: &str,
    format: DateFormat,
    (own_digits, digits): (u8, u32),
    zoned: bool,
) -> Option<i64> {
    let (date, time) = cell.as_bytes().split_at_checked(format.len())?;
    let [b' ' | b'T', h1, h2, b':', n1, n2, b':', s1, s2, rest @ ..] = time else { return None };
    let (hour, minute, second) = (number(&[*h1, *h2])?, number(&[*n1, *n2])?, number(&[*s1, *s2])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, zone) = match rest {
        [b'.' | b',', rest @ ..] => {
            let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            rest.split_at_checked(len).filter(|(fraction, _)| !fraction.is_empty())?
        }
        rest => (&[][..], rest),
    };
    (fraction.len() <= usize::from(own_digits)).then_some(())?;
    let missing = digits.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    let fraction = number(fraction)?.checked_mul(10_i64.checked_pow(missing)?)?;
    let offset = if zoned { offset(zone)? } else { zone.is_empty().then_some(0)? };
    let seconds = days(date, format)? * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset;
    let units = i128::from(seconds) * 10_i128.checked_pow(digits)? + i128::from(fraction);
    i64::try_from(units).ok()
}

/// Seconds that clocks of the zone are ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match zone {
        [b'Z'] => return Some(0),
        [sign, h1, h2] => (sign, [*h1, *h2], *b"00"),
        [sign, h1, h2, m1, m2] | [sign, h1, h2, b':', m1, m2] => (sign, [*h1, *h2], [*m1, *m2]),
        _ => return None,
    };
    let sign = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (number(&hours)?, number(&minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}
