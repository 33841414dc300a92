//! Constants that columns are compared with.

use std::fmt;

use dataspace_primitives::{Name, shown};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A constant of a row filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scalar {
    /// Compared with text columns, by Unicode scalar values, and with columns of dates and instants,
    /// where it is a date (`2026-11-23`) or an instant (`2026-11-23T21:00:00Z`).
    Text(Name),
    /// Compared with number columns.
    Number(Number),
    /// Compared with boolean columns.
    Boolean(bool),
}

/// As in plain words: `"Fe2O3"`, `12`, `true`.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{}", shown(&format!("{text:?}"))),
            Self::Number(number) => number.fmt(f),
            Self::Boolean(boolean) => boolean.fmt(f),
        }
    }
}

/// A finite decimal number in its one spelling (`12`, `-0.5`, `100000`): signed documents hold no
/// binary floats.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Number(String);

/// Not a finite decimal in its shortest spelling.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a number is a finite decimal in its shortest spelling, such as 12 or -0.5")]
pub struct InvalidNumber;

impl Number {
    /// The value as a whole number, if it is one that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    /// The nearest binary float.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Number {
    type Error = InvalidNumber;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.len() > 32 {
            return Err(InvalidNumber);
        }
        let whole = text.parse::<i64>().is_ok_and(|value| value.to_string() == text);
        let decimal = text
            .parse::<f64>()
            .is_ok_and(|value| value.is_finite() && value.to_string() == text && text != "-0");
        if whole || decimal { Ok(Self(text)) } else { Err(InvalidNumber) }
    }
}

impl std::str::FromStr for Number {
    type Err = InvalidNumber;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<Number> for String {
    fn from(number: Number) -> Self {
        number.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
