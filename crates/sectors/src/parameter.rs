//! What a template, or a sector's profile, leaves open, and what may be given for it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use dataspace_identity::Did;
use dataspace_policy::{Number, Scalar, lint::Finding};
use dataspace_primitives::{Name, Region, UnixMillis, region::Regions};
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{Disambiguation, TimeZoneDatabase};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::arguments::{Argument, ENTRIES_MAX};
use crate::language::{Language, Texts};

/// Most countries, names, purposes, classes or roles in one argument.
pub const VALUES_MAX: usize = dataspace_policy::constraint::VALUES_MAX;

const PARSER: DateTimeParser = DateTimeParser::new().disambiguation(Disambiguation::Reject);
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// One thing that a template, or a sector's profile, leaves open.
#[derive(Clone, Debug)]
pub struct Parameter {
    pub(crate) name: Name,
    pub(crate) kind: Kind,
    pub(crate) given: Given,
    pub(crate) text: Texts,
}

/// What stands for a parameter where nobody gives an argument.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    /// This.
    Default(Argument),
    /// Nothing: an argument must be given. It looks like this.
    Example(Argument),
}

/// What may be given for a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Kind {
    /// A whole number.
    Whole {
        /// The least one.
        from: u32,
        /// The greatest one.
        to: u32,
    },
    /// A number of days of 24 hours.
    Days {
        /// The fewest; at least 1.
        from: u32,
        /// The most.
        to: u32,
    },
    /// An instant: RFC 3339 in UTC (`2027-01-01T00:00:00Z`), or the time on the wall in a zone of the
    /// IANA database (RFC 9557, `2027-01-01T20:00[Europe/Paris]`), if that time is there just once.
    Instant,
    /// A time zone of the IANA database, such as `Europe/Berlin`.
    Zone,
    /// A text of one line.
    Text {
        /// The longest, in bytes of UTF-8; at most 128.
        most: u32,
    },
    /// An amount of money in digits and the code of its currency: `2.50 EUR`.
    Money,
    /// A participant, by DID.
    Participant,
    /// A column of the product, exactly as the table has it; of a JSON document, a part by its pointer.
    Column,
    /// Columns of the product, or pointers into a JSON document, none twice.
    Columns {
        /// The fewest.
        from: u32,
        /// The most.
        to: u32,
    },
    /// Values that a column is compared with: texts and whole numbers, 1 to 256.
    Cells,
    /// Names, 1 to 64, none twice.
    Names,
    /// Countries by the codes of ISO 3166-1, and `EU` and `EEA` for theirs, 1 to 64 in all.
    Regions,
    /// Purposes of the sector, 1 to 64, none twice.
    Purposes,
    /// Product classes of the sector, 1 to 64, none twice.
    Classes,
    /// Roles of the sector, 1 to 64, none twice.
    Roles,
}

/// Why an argument is refused. It tells the parameter and what may be given, not what was given; only
/// [`Together`](Self::Together) may name a column or a time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// An argument for what is no parameter.
    #[error("argument {number} is for no parameter; the parameters are {known}")]
    Unknown {
        /// Its place in the order of the names, from 1.
        number: usize,
        /// The parameters that there are.
        known: String,
    },
    /// A parameter without a default, and without an argument.
    #[error("{parameter} is missing: {expected}")]
    Missing {
        /// The parameter.
        parameter: Name,
        /// What may be given.
        expected: String,
    },
    /// An argument of another kind, or out of its range.
    #[error("{parameter} must be {expected}")]
    Kind {
        /// The parameter.
        parameter: Name,
        /// What may be given, with its range.
        expected: String,
    },
    /// The terms would have a clause that can never have an effect.
    #[error("with these arguments a clause has no effect: {0}")]
    NoEffect(Finding),
    /// Each argument is right by itself, and together they make no terms.
    #[error("the arguments do not go together: {why}")]
    Together {
        /// Which rule is broken.
        why: String,
    },
}

/// An argument that was compared with its parameter.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    /// As terms write it.
    pub(crate) json: Value,
    /// As people read it; a list, one by one.
    pub(crate) words: Vec<String>,
}

/// The words of a sector that arguments are taken from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) purposes: BTreeSet<Name>,
    pub(crate) classes: BTreeSet<Name>,
    pub(crate) roles: BTreeSet<Name>,
}

impl Parameter {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What may be given for it.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Its meaning, for people.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        self.text.get(language)
    }

    /// What stands for it where nothing is given; `None` if an argument must be given.
    #[must_use]
    pub fn default(&self) -> Option<&Argument> {
        match &self.given {
            Given::Default(default) => Some(default),
            Given::Example(_) => None,
        }
    }

    /// An argument that may be given: the default if there is one.
    #[must_use]
    pub fn example(&self) -> &Argument {
        match &self.given {
            Given::Default(one) | Given::Example(one) => one,
        }
    }

    /// Compares an argument with what may be given.
    pub(crate) fn bind(
        &self,
        argument: Option<&Argument>,
        known: &Known,
    ) -> Result<Bound, ArgumentError> {
        let (parameter, expected) = (self.name.clone(), || self.kind.to_string());
        let Some(argument) = argument.or(self.default()) else {
            return Err(ArgumentError::Missing { parameter, expected: expected() });
        };
        self.kind
            .bind(argument, known)
            .ok_or_else(|| ArgumentError::Kind { parameter, expected: expected() })
    }
}

impl Kind {
    fn bind(&self, argument: &Argument, known: &Known) -> Option<Bound> {
        match (self, argument) {
            (Self::Whole { from, to }, Argument::Whole(whole)) => {
                let whole = u32::try_from(*whole).ok().filter(|one| from <= one && one <= to)?;
                Some(Bound::one(whole, whole.to_string()))
            }
            (Self::Days { from, to }, Argument::Whole(days)) => {
                let days = u32::try_from(*days).ok().filter(|one| from <= one && one <= to)?;
                Some(Bound::one(u64::from(days) * 86_400, days.to_string()))
            }
            (Self::Instant, Argument::Text(text)) => {
                let at = instant(text)?;
                Some(Bound::one(at.as_millis(), at.to_string()))
            }
            (Self::Zone, Argument::Text(text)) => {
                let zone = ZONES.get(text).ok().filter(|zone| zone.iana_name() == Some(text))?;
                Some(Bound::text(zone.iana_name()?))
            }
            (Self::Text { most }, Argument::Text(text)) => {
                let is_short = u32::try_from(text.len()).is_ok_and(|len| len <= *most);
                Some(Bound::text(text.parse::<Name>().ok().filter(|_| is_short)?.as_str()))
            }
            (Self::Money, Argument::Text(text)) if is_money(text) => Some(Bound::text(text)),
            (Self::Participant, Argument::Text(text)) => {
                Some(Bound::text(text.parse::<Did>().ok()?.as_str()))
            }
            (Self::Column, Argument::Text(text)) => {
                Some(Bound::text(text.parse::<Name>().ok()?.as_str()))
            }
            (Self::Columns { from, to }, Argument::List(all)) => {
                let columns = names(all)?;
                let count = u32::try_from(columns.len()).ok()?;
                let is_right = columns.len() == all.len() && *from <= count && count <= *to;
                is_right.then(|| Bound::list(columns.iter().map(Name::as_str)))
            }
            (Self::Cells, Argument::List(all)) if (1..=ENTRIES_MAX).contains(&all.len()) => {
                let cells = all.iter().map(cell).collect::<Option<Vec<_>>>()?;
                let json = cells.iter().map(|(json, _)| json.clone()).collect();
                Some(Bound { json, words: cells.into_iter().map(|(_, words)| words).collect() })
            }
            (Self::Names, Argument::List(all)) => among(all, |_| true),
            (Self::Regions, Argument::List(all)) => {
                let mut regions = BTreeSet::new();
                for one in all.iter().take(VALUES_MAX + 1) {
                    let Argument::Text(text) = one else { return None };
                    regions.extend(text.parse::<Regions>().ok()?.as_set().iter().copied());
                }
                let is_right = (1..=VALUES_MAX).contains(&regions.len()) && all.len() <= VALUES_MAX;
                is_right.then(|| Bound::list(regions.iter().map(Region::as_str)))
            }
            (Self::Purposes, Argument::List(all)) => among(all, |one| known.purposes.contains(one)),
            (Self::Classes, Argument::List(all)) => among(all, |one| known.classes.contains(one)),
            (Self::Roles, Argument::List(all)) => among(all, |one| known.roles.contains(one)),
            _ => None,
        }
    }
}

/// What may be given, with its range: `a whole number from 1 to 100`.
impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole { from, to } => write!(f, "a whole number from {from} to {to}"),
            Self::Days { from, to } => write!(f, "a number of days from {from} to {to}"),
            Self::Instant => f.write_str(
                "an instant such as 2027-01-01T00:00:00Z or 2027-01-01T20:00[Europe/Paris]",
            ),
            Self::Zone => f.write_str("a time zone such as Europe/Berlin"),
            Self::Text { most } => write!(f, "a text of one line, 1 to {most} bytes"),
            Self::Money => f.write_str("an amount of money such as 2.50 EUR"),
            Self::Participant => f.write_str("the DID of a participant"),
            Self::Column => f.write_str("the name of a column"),
            Self::Columns { from, to } => write!(f, "{from} to {to} names of columns, none twice"),
            Self::Cells => write!(f, "1 to {ENTRIES_MAX} texts or whole numbers"),
            Self::Names => write!(f, "1 to {VALUES_MAX} names"),
            Self::Regions => {
                write!(f, "1 to {VALUES_MAX} countries by their codes, such as FR; EU and EEA too")
            }
            Self::Purposes => write!(f, "1 to {VALUES_MAX} purposes of the sector"),
            Self::Classes => write!(f, "1 to {VALUES_MAX} product classes of the sector"),
            Self::Roles => write!(f, "1 to {VALUES_MAX} roles of the sector"),
        }
    }
}

impl Kind {
    /// What may be given, with its range: `a whole number from 1 to 100`.
    #[must_use]
    pub fn words(&self, language: Language) -> String {
        match language {
            Language::English => self.to_string(),
            Language::Chinese => self.in_chinese(),
        }
    }

    fn in_chinese(&self) -> String {
        match self {
            Self::Whole { from, to } => format!("{from} 至 {to} 的整数"),
            Self::Days { from, to } => format!("{from} 至 {to} 天"),
            Self::Instant => {
                "时刻，如 2027-01-01T00:00:00Z 或 2027-01-01T20:00[Europe/Paris]".into()
            }
            Self::Zone => "时区，如 Europe/Berlin".into(),
            Self::Text { most } => format!("一行文本，1 至 {most} 字节"),
            Self::Money => "金额，如 2.50 EUR".into(),
            Self::Participant => "参与方的 DID".into(),
            Self::Column => "列名".into(),
            Self::Columns { from, to } => format!("{from} 至 {to} 个列名，不得重复"),
            Self::Cells => format!("1 至 {ENTRIES_MAX} 个文本或整数"),
            Self::Names => format!("1 至 {VALUES_MAX} 个名称，不得重复"),
            Self::Regions => {
                format!("1 至 {VALUES_MAX} 个国家或地区的代码，如 FR，亦可为 EU、EEA")
            }
            Self::Purposes => format!("1 至 {VALUES_MAX} 个本行业的使用目的，不得重复"),
            Self::Classes => format!("1 至 {VALUES_MAX} 个本行业的产品类别，不得重复"),
            Self::Roles => format!("1 至 {VALUES_MAX} 个本行业的角色，不得重复"),
        }
    }
}

impl Bound {
    fn one(json: impl Into<Value>, words: String) -> Self {
        Self { json: json.into(), words: vec![words] }
    }

    fn text(text: &str) -> Self {
        Self::one(text, text.to_owned())
    }

    fn list<'a>(all: impl Iterator<Item = &'a str> + Clone) -> Self {
        Self { json: all.clone().collect(), words: all.map(str::to_owned).collect() }
    }

    /// The entries, if it is a list.
    pub(crate) fn entries(&self) -> Option<Vec<Self>> {
        let all = self.json.as_array()?.iter().zip(&self.words);
        Some(all.map(|(json, words)| Self::one(json.clone(), words.clone())).collect())
    }

    /// As much as it adds to what it is put into, and more than that.
    pub(crate) fn size(&self) -> usize {
        self.words.iter().map(|one| one.len() + 4).sum()
    }

    /// As people read it in a sentence.
    pub(crate) fn in_words(&self, language: Language) -> String {
        let comma = match language {
            Language::English => ", ",
            Language::Chinese => "、",
        };
        self.words.join(comma)
    }
}

fn names(all: &[Argument]) -> Option<BTreeSet<Name>> {
    let one = |one: &Argument| match one {
        Argument::Text(text) => text.parse::<Name>().ok(),
        _ => None,
    };
    all.iter().map(one).collect()
}

fn among(all: &[Argument], is_known: impl Fn(&Name) -> bool) -> Option<Bound> {
    let names = names(all)?;
    let is_count = (1..=VALUES_MAX).contains(&all.len()) && names.len() == all.len();
    let is_right = is_count && names.iter().all(is_known);
    is_right.then(|| Bound::list(names.iter().map(Name::as_str)))
}

fn cell(argument: &Argument) -> Option<(Value, String)> {
    let (scalar, words) = match argument {
        Argument::Text(text) => (Scalar::Text(text.parse().ok()?), text.clone()),
        Argument::Whole(whole) => {
            let words = whole.to_string();
            (Scalar::Number(words.parse::<Number>().ok()?), words)
        }
        Argument::List(_) => return None,
    };
    Some((serde_json::to_value(scalar).ok()?, words))
}

fn instant(text: &str) -> Option<UnixMillis> {
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    let at = PARSER.parse_zoned_datetime_with(&ZONES, text).ok()?;
    // What would be cut off is refused.
    if at.timestamp().subsec_nanosecond() % 1_000_000 != 0 {
        return None;
    }
    UnixMillis::new(u64::try_from(at.timestamp().as_millisecond()).ok()?)
}

/// Up to twelve digits, none, or two, after a point, and three letters.
fn is_money(text: &str) -> bool {
    let Some((amount, currency)) = text.split_once(' ') else { return false };
    let (whole, cents) = amount.split_once('.').unwrap_or((amount, "00"));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (1..=12).contains(&whole.len())
        && is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && cents.len() == 2
        && is_digits(cents)
        && currency.len() == 3
        && currency.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// As a parameter stands in a file. It has a default, or else an example.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Written {
    name: Name,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    default: Option<Argument>,
    #[serde(default)]
    example: Option<Argument>,
    text: Texts,
}

impl Written {
    /// The parameter; its name alone, if it has neither a default nor an example, or both.
    pub(crate) fn read(self) -> Result<Parameter, Name> {
        let Self { name, kind, default, example, text } = self;
        let given = match (default, example) {
            (Some(default), None) => Given::Default(default),
            (None, Some(example)) => Given::Example(example),
            _ => return Err(name),
        };
        Ok(Parameter { name, kind, given, text })
    }
}
