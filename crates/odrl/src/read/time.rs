//! Instants, days and durations of right operands.

use std::time::Duration;

use dataspace_policy::Constraint;
use dataspace_primitives::{UnixMillis, Validity};

use crate::at::At;
use crate::error::Refused;
use crate::names::Comparison;
use crate::read::offset::{NO_OFFSET, split_offset};
use crate::read::value::{Datatype, Literal};

const DAY_MILLIS: i128 = 86_400_000;

const EXPECTED: &str = "a time such as 2026-11-23T21:00:00Z, with its offset, from 1970 to 9999";

const ONE_INSTANT: &str = "a single instant is over before anything can be decided at it; for a \
                           day write its date with an offset (2026-02-12Z), else from when with \
                           gteq and until when with lt";

/// When something begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// An instant, or one less than a millisecond after it.
    Instant {
        /// Rounded down to a millisecond.
        at: UnixMillis,
        /// True if something was rounded off.
        is_rounded: bool,
    },
    /// A day: its first instant, and that of the next day.
    Day(Validity),
}

/// What comparing the time of an access with a right operand means.
///
/// The time of an access is a whole number of milliseconds, so an instant between two of them
/// decides as the later one does.
pub(crate) fn compared(
    right: At<'_>,
    operator: Comparison,
) -> Result<Option<Constraint>, Refused<'_>> {
    let when = when(right)?;
    // First millisecond at the instant or later; first one that is later than it.
    let (reached, passed) = match when {
        When::Instant { at, is_rounded: false } => (at, after(right, at)),
        When::Instant { at, is_rounded: true } => (after(right, at)?, after(right, at)),
        When::Day(day) => (day.from(), Ok(day.until())),
    };
    Ok(Some(match (operator, when) {
        (Comparison::Gteq, _) => Constraint::From(reached),
        (Comparison::Gt, _) => Constraint::From(passed?),
        (Comparison::Lt, _) => Constraint::Before(reached),
        (Comparison::Lteq, _) => Constraint::Before(passed?),
        (Comparison::Eq, When::Day(day)) => Constraint::Time(day),
        (Comparison::Neq, When::Day(day)) => Constraint::Not(Box::new(Constraint::Time(day))),
        _ => return Ok(None),
    }))
}

/// What helps where [`compared`] has no answer.
pub(crate) const fn uncompared(operator: Comparison) -> &'static str {
    match operator {
        Comparison::Eq | Comparison::Neq => ONE_INSTANT,
        _ => "times are compared with gteq, gt, lt and lteq",
    }
}

/// An instant from which on something has ended: a fraction of a millisecond counts as a whole.
pub(crate) fn end(at: At<'_>) -> Result<UnixMillis, Refused<'_>> {
    match when(at)? {
        When::Instant { at, is_rounded: false } => Ok(at),
        When::Instant { at: instant, is_rounded: true } => after(at, instant),
        When::Day(_) => Err(at.expected(EXPECTED)),
    }
}

/// An instant that nothing is compared with, rounded down to a millisecond.
pub(crate) fn stated(at: At<'_>) -> Result<UnixMillis, Refused<'_>> {
    match when(at)? {
        When::Instant { at, .. } => Ok(at),
        When::Day(_) => Err(at.expected(EXPECTED)),
    }
}

fn when(at: At<'_>) -> Result<When, Refused<'_>> {
    let literal = Literal::read(at)?;
    let (instant, day) = match literal.datatype {
        Datatype::Plain => (parse_instant(&literal.text), parse_day(&literal.text)),
        Datatype::DateTime => (parse_instant(&literal.text), None),
        Datatype::Date => (None, parse_day(&literal.text)),
        _ => (None, None),
    };
    if let Some((at, is_rounded)) = instant {
        return Ok(When::Instant { at, is_rounded });
    }
    if let Some(day) = day {
        return Ok(When::Day(day));
    }
    let with_offset = format!("{}Z", literal.text);
    let lacks_offset = parse_instant(&with_offset).is_some() || parse_day(&with_offset).is_some();
    let refused = at.expected(EXPECTED);
    Err(if lacks_offset { refused.because(NO_OFFSET) } else { refused })
}

/// `xsd:dateTime` with its offset from UTC, and whether it was rounded down to the millisecond.
pub(crate) fn parse_instant(text: &str) -> Option<(UnixMillis, bool)> {
    let (local, offset) = split_offset(text)?;
    let (whole, fraction) = local.split_once('.').unwrap_or((local, "0"));
    if fraction.is_empty() || fraction.len() > FRACTION_MAX {
        return None;
    }
    let (kept, rest) = fraction.split_at_checked(fraction.len().min(3))?;
    if !rest.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // The examples of the Dataspace Protocol leave out the seconds.
    let seconds = if whole.len() == "2026-11-23T21:00".len() { ":00" } else { "" };
    let local: UnixMillis = format!("{whole}{seconds}.{kept:0<3}Z").parse().ok()?;
    let millis = i128::from(local.as_millis()) - offset;
    let at = UnixMillis::new(u64::try_from(millis).ok()?)?;
    Some((at, rest.bytes().any(|digit| digit != b'0')))
}

/// Most digits after the point: nanoseconds, and as many again as zeros of some writers.
const FRACTION_MAX: usize = 18;

/// `xsd:date` with its offset from UTC.
fn parse_day(text: &str) -> Option<Validity> {
    let (date, offset) = split_offset(text)?;
    let midnight: UnixMillis = format!("{date}T00:00:00Z").parse().ok()?;
    let from = i128::from(midnight.as_millis()) - offset;
    let instant = |millis: i128| UnixMillis::new(u64::try_from(millis).ok()?);
    Validity::new(instant(from)?, instant(from + DAY_MILLIS)?).ok()
}

/// The next instant: what is later than `at` is not before it.
fn after(at: At<'_>, instant: UnixMillis) -> Result<UnixMillis, Refused<'_>> {
    let next = instant.checked_add(Duration::from_millis(1));
    next.ok_or_else(|| at.expected("a time before the last millisecond of 9999"))
}

/// Whole seconds: `xsd:duration` of days, hours, minutes and seconds. Years and months differ in
/// length, so they are refused.
pub(crate) fn seconds(at: At<'_>) -> Result<u64, Refused<'_>> {
    const EXPECTED: &str = "a duration such as P30D or PT3600S, without years and months";
    let literal = Literal::read(at)?;
    parse_seconds(literal.of(Datatype::Duration, EXPECTED)?).ok_or_else(|| at.expected(EXPECTED))
}

fn parse_seconds(text: &str) -> Option<u64> {
    let text = text.strip_prefix('P')?;
    let (days, time) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (text, ""),
    };
    if days.is_empty() && time.is_empty() {
        return None;
    }
    parse_parts(days, &[('D', 86_400)])?
        .checked_add(parse_parts(time, &[('H', 3600), ('M', 60), ('S', 1)])?)
}

/// Numbers, each followed by its unit, in the order of the units.
fn parse_parts(mut text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut sum = 0_u64;
    for (unit, scale) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            sum = sum.checked_add(digits(number)?.checked_mul(*scale)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(sum)
}

fn digits(text: &str) -> Option<u64> {
    let are_digits = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if are_digits { text.parse().ok() } else { None }
}

/// A time after the agreement, as the Eclipse Dataspace Components write it in `inForceDate`:
/// `contractAgreement+30d`, in seconds, or `contractAgreement` alone. `None` for what does not
/// begin so.
pub(crate) fn after_agreement(at: At<'_>) -> Result<Option<u64>, Refused<'_>> {
    const EXPECTED: &str = "contractAgreement+ and a whole number of s, m, h or d";
    let literal = Literal::read(at)?;
    let Some(rest) = literal.text.strip_prefix("contractAgreement") else { return Ok(None) };
    if rest.is_empty() {
        return Ok(Some(0));
    }
    let seconds = |rest: &str| {
        let number = rest.trim_start_matches(' ').strip_prefix('+')?.trim_start_matches(' ');
        let scale = match number.bytes().last()? {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            _ => return None,
        };
        digits(number.get(..number.len().checked_sub(1)?)?)?.checked_mul(scale)
    };
    seconds(rest).map(Some).ok_or_else(|| at.expected(EXPECTED))
}
