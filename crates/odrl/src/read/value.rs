//! Right operands: plain, or typed as `{"@value": …, "@type": "xsd:…"}`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use dataspace_policy::{Hours, Number, Scalar, Weekday};
use dataspace_primitives::Name;

use crate::at::At;
use crate::error::{OdrlErrorKind, Refused};
use crate::json::Json;
use crate::names::Term;
use crate::read::offset;

/// The data types that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Datatype {
    /// A text without a type, which may stand for a value of any.
    Plain,
    Text,
    Integer,
    Decimal,
    Boolean,
    DateTime,
    Date,
    Duration,
}

/// One value of a right operand.
pub(crate) struct Literal<'a> {
    at: At<'a>,
    pub(crate) text: Cow<'a, str>,
    pub(crate) datatype: Datatype,
}

/// What a type of the XML schema is to us.
fn datatype(term: Term<'_>) -> Option<Datatype> {
    let name = match term {
        Term::Xsd(name) => name,
        // Its values say themselves what they are.
        Term::Edc("dateExpression" | "inForceDate:dateExpression") => return Some(Datatype::Plain),
        _ => return None,
    };
    Some(match name {
        "string" | "anyURI" => Datatype::Text,
        "integer" | "int" | "long" | "unsignedInt" | "unsignedLong" | "nonNegativeInteger"
        | "positiveInteger" => Datatype::Integer,
        "decimal" => Datatype::Decimal,
        "boolean" => Datatype::Boolean,
        "dateTime" | "datetime" | "dateTimeStamp" => Datatype::DateTime,
        "date" => Datatype::Date,
        "duration" | "dayTimeDuration" => Datatype::Duration,
        _ => return None,
    })
}

impl<'a> Literal<'a> {
    pub(crate) fn read(at: At<'a>) -> Result<Self, Refused<'a>> {
        let literal = |text, datatype| Ok(Self { at, text, datatype });
        match at.json {
            Json::Text(text) => literal(Cow::Borrowed(text.as_ref()), Datatype::Plain),
            Json::Integer { is_negative, magnitude } => {
                let sign = if *is_negative { "-" } else { "" };
                literal(format!("{sign}{magnitude}").into(), Datatype::Integer)
            }
            Json::Boolean(value) => literal(value.to_string().into(), Datatype::Boolean),
            Json::Object(_) => Self::typed(at),
            _ => Err(at.expected("a text, a whole number, a truth value or a typed value")),
        }
    }

    fn typed(at: At<'a>) -> Result<Self, Refused<'a>> {
        let (mut value, mut found, mut kind) = (None, Datatype::Plain, None);
        for (term, member) in at.members()? {
            match term {
                Term::Keyword("@id") => {
                    let text = at.names.expanded(at.id()?);
                    return Ok(Self { at, text, datatype: Datatype::Text });
                }
                Term::Keyword("@value") => {
                    let plain = match member.json {
                        Json::Object(_) => return Err(member.expected("a plain value")),
                        _ => Self::read(member)?,
                    };
                    // A number or truth value has its type even without `@type`.
                    if found == Datatype::Plain {
                        found = plain.datatype;
                    }
                    value = Some(plain.text);
                }
                Term::Keyword("@type") => {
                    let known = member.kind().and_then(datatype);
                    found = known.ok_or_else(|| member.error(OdrlErrorKind::UnknownType))?;
                    if kind.replace(member).is_some() {
                        return Err(member.error(OdrlErrorKind::DuplicateMember));
                    }
                }
                Term::Keyword("@language") => {
                    member.text()?;
                }
                _ => return Err(member.error(OdrlErrorKind::UnknownMember)),
            }
        }
        let text = value.ok_or_else(|| at.missing("@value"))?;
        if found == Datatype::Date && !offset::has_offset(&text) {
            return Err(kind
                .unwrap_or(at)
                .error(OdrlErrorKind::UnknownType)
                .because(offset::NO_OFFSET));
        }
        Ok(Self { at, text, datatype: found })
    }

    /// The text, if the value is of this type or says nothing about its type.
    pub(crate) fn of(
        &self,
        datatype: Datatype,
        expected: &'static str,
    ) -> Result<&str, Refused<'a>> {
        if self.datatype == datatype || self.datatype == Datatype::Plain {
            Ok(&self.text)
        } else {
            Err(self.at.expected(expected))
        }
    }
}

/// The only value.
pub(crate) fn single(at: At<'_>) -> Result<At<'_>, Refused<'_>> {
    match at.items().as_slice() {
        [one] => Ok(*one),
        _ => Err(at.expected("one value")),
    }
}

/// One name.
pub(crate) fn name(at: At<'_>) -> Result<Name, Refused<'_>> {
    const EXPECTED: &str = "a text of 1 to 128 bytes without invisible characters";
    Literal::read(at)?.of(Datatype::Text, EXPECTED)?.parse().map_err(|_| at.expected(EXPECTED))
}

/// One text of any type, as it stands.
pub(crate) fn any_text(at: At<'_>) -> Result<Name, Refused<'_>> {
    let text = Literal::read(at)?.text;
    text.parse().map_err(|_| at.expected("a value of 1 to 128 bytes"))
}

/// Each value read by `one`.
pub(crate) fn set<'a, T: Ord>(
    at: At<'a>,
    one: impl Fn(At<'a>) -> Result<T, Refused<'a>>,
) -> Result<BTreeSet<T>, Refused<'a>> {
    let all: BTreeSet<T> = at.items().into_iter().map(one).collect::<Result<_, _>>()?;
    if all.is_empty() { Err(at.expected("at least one value")) } else { Ok(all) }
}

/// What [`integer`] expects.
pub(crate) const INTEGER: &str = "a whole number in its range";

/// A whole number that fits.
pub(crate) fn integer<T: TryFrom<i128>>(at: At<'_>) -> Result<T, Refused<'_>> {
    let literal = Literal::read(at)?;
    let text = literal.of(Datatype::Integer, INTEGER)?;
    let value = text.parse::<i128>().ok().and_then(|value| T::try_from(value).ok());
    value.ok_or_else(|| at.expected(INTEGER))
}

/// `true` or `false`.
pub(crate) fn boolean(at: At<'_>) -> Result<bool, Refused<'_>> {
    const EXPECTED: &str = "true or false";
    let literal = Literal::read(at)?;
    literal.of(Datatype::Boolean, EXPECTED)?.parse().map_err(|_| at.expected(EXPECTED))
}

/// What [`decimal`] expects.
const NUMBER: &str = "a decimal number that is kept exactly";

/// A decimal number.
pub(crate) fn decimal(at: At<'_>) -> Result<Number, Refused<'_>> {
    let literal = Literal::read(at)?;
    let is_number =
        matches!(literal.datatype, Datatype::Plain | Datatype::Integer | Datatype::Decimal);
    number(&literal.text).filter(|_| is_number).ok_or_else(|| at.expected(NUMBER))
}

/// A constant of a row filter; a number only where it says so.
pub(crate) fn scalar(at: At<'_>) -> Result<Scalar, Refused<'_>> {
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
pub(crate) fn hours(at: At<'_>) -> Result<Hours, Refused<'_>> {
    const TIME: &str = "a time of the day such as 09:00, up to 24:00";
    let (mut weekdays, mut from, mut until, mut zone) = (None, None, None, None);
    for (term, at) in at.members()? {
        match term {
            Term::Keyword("@type") if at.kind() == Some(Term::Own("Hours")) => {}
            Term::Keyword("@type") => return Err(at.error(OdrlErrorKind::UnknownType)),
            Term::Own(part @ ("weekdays" | "from" | "until" | "zone")) => {
                let is_repeated = match part {
                    "weekdays" => weekdays.replace(set(at, weekday)?).is_some(),
                    "zone" => zone.replace(name(at)?).is_some(),
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
    let missing = |member| move || at.missing(member);
    Ok(Hours {
        weekdays: weekdays.ok_or_else(missing("dataspace:weekdays"))?,
        from: from.ok_or_else(missing("dataspace:from"))?,
        until: until.ok_or_else(missing("dataspace:until"))?,
        zone: zone.ok_or_else(missing("dataspace:zone"))?,
    })
}

fn weekday(at: At<'_>) -> Result<Weekday, Refused<'_>> {
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
