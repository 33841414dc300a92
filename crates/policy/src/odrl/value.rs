//! Right operands: plain, or typed as `{"@value": …, "@type": "xsd:…"}`.

use std::collections::BTreeSet;
use std::time::Duration;

use dataspace_primitives::{Name, UnixMillis};
use serde_json::{Value, json};

use crate::constraint::{Hours, Weekday};
use crate::duty::{Number, Scalar};

use super::error::{OdrlError, OdrlErrorKind};
use super::json::{At, Json};
use super::names::{Term, XSD};

/// The data types that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Datatype {
    /// A text without a type, which may stand for a value of any.
    Plain,
    Text,
    Integer,
    Decimal,
    Boolean,
    DateTime,
    Duration,
}

/// One value of a right operand.
struct Literal<'a> {
    at: At<'a>,
    text: String,
    datatype: Datatype,
}

/// What a type of the XML schema is to us.
fn datatype(text: &str) -> Option<Datatype> {
    let name = text.strip_prefix("xsd:").or_else(|| text.strip_prefix(XSD))?;
    Some(match name {
        "string" | "anyURI" => Datatype::Text,
        "integer" | "int" | "long" | "unsignedInt" | "unsignedLong" | "nonNegativeInteger"
        | "positiveInteger" => Datatype::Integer,
        "decimal" => Datatype::Decimal,
        "boolean" => Datatype::Boolean,
        "dateTime" | "dateTimeStamp" => Datatype::DateTime,
        "duration" | "dayTimeDuration" => Datatype::Duration,
        _ => return None,
    })
}

impl<'a> Literal<'a> {
    fn read(at: &At<'a>) -> Result<Self, OdrlError> {
        let (parent, literal) = (at, |text, datatype| Self { at: at.clone(), text, datatype });
        Ok(match at.json {
            Json::Text(text) => literal(text.clone(), Datatype::Plain),
            Json::Integer(value) => literal(value.to_string(), Datatype::Integer),
            Json::Boolean(value) => literal(value.to_string(), Datatype::Boolean),
            Json::Object(_) => {
                let (mut value, mut found) = (None, Datatype::Plain);
                for (name, at) in at.members()? {
                    match name {
                        "@id" => return Ok(literal(parent.id()?.to_owned(), Datatype::Text)),
                        "@value" => {
                            let plain = match at.json {
                                Json::Object(_) => return Err(at.expected("a plain value")),
                                _ => Self::read(&at)?,
                            };
                            // A number or truth value has its type even without `@type`.
                            if found == Datatype::Plain {
                                found = plain.datatype;
                            }
                            value = Some(plain.text);
                        }
                        "@type" => {
                            found = datatype(at.text()?)
                                .ok_or_else(|| at.error(OdrlErrorKind::UnknownType))?;
                        }
                        _ => return Err(at.error(OdrlErrorKind::UnknownMember)),
                    }
                }
                let missing = OdrlErrorKind::Missing { member: "@value" };
                literal(value.ok_or_else(|| at.error(missing))?, found)
            }
            _ => return Err(at.expected("a text, a whole number, a truth value or a typed value")),
        })
    }

    /// The text, if the value is of this type or says nothing about its type.
    fn of(&self, datatype: Datatype, expected: &'static str) -> Result<&str, OdrlError> {
        if self.datatype == datatype || self.datatype == Datatype::Plain {
            Ok(&self.text)
        } else {
            Err(self.at.expected(expected))
        }
    }
}

/// The only value.
pub(super) fn single<'a>(at: &At<'a>) -> Result<At<'a>, OdrlError> {
    match at.items().as_slice() {
        [one] => Ok(one.clone()),
        _ => Err(at.expected("one value")),
    }
}

/// One name.
pub(super) fn name(at: &At<'_>) -> Result<Name, OdrlError> {
    const EXPECTED: &str = "a text of 1 to 128 bytes without invisible characters";
    Literal::read(at)?.of(Datatype::Text, EXPECTED)?.parse().map_err(|_| at.expected(EXPECTED))
}

/// One text of any type, as it stands.
pub(super) fn any_text(at: &At<'_>) -> Result<Name, OdrlError> {
    let text = Literal::read(at)?.text;
    text.parse().map_err(|_| at.expected("a value of 1 to 128 bytes"))
}

/// Each value read by `one`.
pub(super) fn set<T: Ord>(
    at: &At<'_>,
    one: impl Fn(&At<'_>) -> Result<T, OdrlError>,
) -> Result<BTreeSet<T>, OdrlError> {
    let all: BTreeSet<T> = at.items().iter().map(one).collect::<Result<_, _>>()?;
    if all.is_empty() { Err(at.expected("at least one value")) } else { Ok(all) }
}

/// A whole number that fits.
pub(super) fn integer<T: TryFrom<i128>>(at: &At<'_>) -> Result<T, OdrlError> {
    const EXPECTED: &str = "a whole number in its range";
    let literal = Literal::read(at)?;
    let text = literal.of(Datatype::Integer, EXPECTED)?;
    let value = text.parse::<i128>().ok().and_then(|value| T::try_from(value).ok());
    value.ok_or_else(|| at.expected(EXPECTED))
}

/// `true` or `false`.
pub(super) fn boolean(at: &At<'_>) -> Result<bool, OdrlError> {
    const EXPECTED: &str = "true or false";
    let literal = Literal::read(at)?;
    literal.of(Datatype::Boolean, EXPECTED)?.parse().map_err(|_| at.expected(EXPECTED))
}

/// An instant: `xsd:dateTime` with its offset from UTC, to the millisecond.
pub(super) fn instant(at: &At<'_>) -> Result<UnixMillis, OdrlError> {
    const EXPECTED: &str =
        "a time such as 2026-11-23T21:00:00Z, with its offset, from 1970 to 9999";
    let literal = Literal::read(at)?;
    parse_instant(literal.of(Datatype::DateTime, EXPECTED)?).ok_or_else(|| at.expected(EXPECTED))
}

pub(super) fn parse_instant(text: &str) -> Option<UnixMillis> {
    let (local, offset) = if let Some(local) = text.strip_suffix('Z') {
        (local, 0)
    } else {
        let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
        (local, parse_offset(offset.as_bytes())?)
    };
    let (whole, fraction) = local.split_once('.').unwrap_or((local, "0"));
    // WHY: finer than a millisecond cannot be kept, so it is refused unless it is zero.
    let (kept, rest) = fraction.split_at_checked(fraction.len().min(3))?;
    if kept.is_empty() || !rest.bytes().all(|digit| digit == b'0') {
        return None;
    }
    // The examples of the Dataspace Protocol leave out the seconds.
    let seconds = if whole.len() == "2026-11-23T21:00".len() { ":00" } else { "" };
    let local: UnixMillis = format!("{whole}{seconds}.{kept:0<3}Z").parse().ok()?;
    let millis = i128::from(local.as_millis()) - offset;
    UnixMillis::new(u64::try_from(millis).ok()?)
}

/// Milliseconds east of UTC; at most 14 hours (XML Schema).
fn parse_offset(text: &[u8]) -> Option<i128> {
    let [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] = text else { return None };
    if ![h1, h2, m1, m2].into_iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |tens: u8, ones: u8| i128::from(tens - b'0') * 10 + i128::from(ones - b'0');
    let (hours, minutes) = (number(*h1, *h2), number(*m1, *m2));
    let all = hours * 60 + minutes;
    let is_possible = minutes < 60 && all <= 14 * 60;
    is_possible.then_some(all * if *sign == b'-' { -60_000 } else { 60_000 })
}

/// The next instant: what is later than `at` is not before it.
pub(super) fn after(at: &At<'_>, instant: UnixMillis) -> Result<UnixMillis, OdrlError> {
    let next = instant.checked_add(Duration::from_millis(1));
    next.ok_or_else(|| at.expected("a time before the last millisecond of 9999"))
}

/// Whole seconds: `xsd:duration` of days, hours, minutes and seconds. Years and months differ in
/// length, so they are refused.
pub(super) fn seconds(at: &At<'_>) -> Result<u64, OdrlError> {
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
            if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
                return None;
            }
            sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(*scale)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(sum)
}

/// A constant of a row filter; a number only where it says so.
pub(super) fn scalar(at: &At<'_>) -> Result<Scalar, OdrlError> {
    const NUMBER: &str = "a decimal number that is kept exactly";
    let literal = Literal::read(at)?;
    match literal.datatype {
        Datatype::Plain | Datatype::Text => Ok(Scalar::Text(name(at)?)),
        Datatype::Boolean => Ok(Scalar::Boolean(boolean(at)?)),
        Datatype::Integer | Datatype::Decimal => {
            let number = number(&literal.text).ok_or_else(|| at.expected(NUMBER))?;
            let is_whole = !literal.text.contains('.');
            if is_whole || literal.datatype == Datatype::Decimal {
                Ok(Scalar::Number(number))
            } else {
                Err(at.expected(NUMBER))
            }
        }
        _ => Err(at.expected("a text, a number or a truth value")),
    }
}

/// The one spelling of a decimal.
fn number(text: &str) -> Option<Number> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    let (point, sign) = match (whole, fraction) {
        ("0", "") => ("", ""),
        (_, "") => ("", sign),
        _ => (".", sign),
    };
    format!("{sign}{whole}{point}{fraction}").parse().ok()
}

/// Hours of the week: weekdays, two times of the day, and a time zone.
pub(super) fn hours(at: &At<'_>) -> Result<Hours, OdrlError> {
    const TIME: &str = "a time of the day such as 09:00, up to 24:00";
    let (mut weekdays, mut from, mut until, mut zone) = (None, None, None, None);
    for (member, at) in at.members()? {
        match Term::of(member) {
            Term::Plain("@type") if Term::of(at.text()?) == Term::Own("Hours") => {}
            Term::Plain("@type") => return Err(at.error(OdrlErrorKind::UnknownType)),
            Term::Own(part @ ("weekdays" | "from" | "until" | "zone")) => {
                let is_repeated = match part {
                    "weekdays" => weekdays.replace(set(&at, weekday)?).is_some(),
                    "zone" => zone.replace(name(&at)?).is_some(),
                    _ => {
                        let minute = minute(at.text()?).ok_or_else(|| at.expected(TIME))?;
                        let end = if part == "from" { &mut from } else { &mut until };
                        end.replace(minute).is_some()
                    }
                };
                if is_repeated {
                    return Err(at.error(OdrlErrorKind::DuplicateMember));
                }
            }
            _ => return Err(at.error(OdrlErrorKind::UnknownMember)),
        }
    }
    let missing = |member| move || at.error(OdrlErrorKind::Missing { member });
    Ok(Hours {
        weekdays: weekdays.ok_or_else(missing("dataspace:weekdays"))?,
        from: from.ok_or_else(missing("dataspace:from"))?,
        until: until.ok_or_else(missing("dataspace:until"))?,
        zone: zone.ok_or_else(missing("dataspace:zone"))?,
    })
}

fn weekday(at: &At<'_>) -> Result<Weekday, OdrlError> {
    let text = at.text()?;
    let found = Weekday::ALL.into_iter().find(|day| day.as_str() == text);
    found.ok_or_else(|| at.expected("a day of the week such as Monday"))
}

fn minute(text: &str) -> Option<u16> {
    let [h1, h2, b':', m1, m2] = text.as_bytes() else { return None };
    if ![h1, h2, m1, m2].into_iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |tens: u8, ones: u8| u16::from(tens - b'0') * 10 + u16::from(ones - b'0');
    let (hour, minute) = (number(*h1, *h2), number(*m1, *m2));
    (minute < 60).then_some(hour * 60 + minute)
}

/// What [`hours`] reads.
pub(super) fn of_hours(hours: &Hours) -> Value {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let weekdays: Vec<_> = hours.weekdays.iter().map(|day| day.as_str()).collect();
    json!({
        "@type": "dataspace:Hours",
        "dataspace:weekdays": weekdays,
        "dataspace:from": time(hours.from),
        "dataspace:until": time(hours.until),
        "dataspace:zone": hours.zone.as_str(),
    })
}

/// What [`scalar`] reads.
pub(super) fn of_scalar(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Text(text) => json!(text.as_str()),
        Scalar::Number(number) => typed(number, "decimal"),
        Scalar::Boolean(boolean) => typed(boolean, "boolean"),
    }
}

/// A typed value of the XML schema.
pub(super) fn typed(value: &impl ToString, datatype: &str) -> Value {
    json!({ "@value": value.to_string(), "@type": format!("xsd:{datatype}") })
}

/// One value as itself, several as an array.
pub(super) fn of_values(mut all: Vec<Value>) -> Value {
    match (all.len(), all.pop()) {
        (1, Some(one)) => one,
        (_, Some(last)) => {
            all.push(last);
            Value::Array(all)
        }
        (_, None) => Value::Array(all),
    }
}
