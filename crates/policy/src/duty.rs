//! What must be done to the data before it is released.

use std::fmt;

use dataspace_primitives::{Name, shown};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::phrase::quoted;

/// A duty that the provider's monitor carries out on every release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Duty {
    /// Keep only the rows for which the comparison is true. Several filters must all hold.
    Filter(RowFilter),
    /// Hide or coarsen one column. At most one mask for a column.
    Mask(ColumnMask),
}

/// One column and what is done to it. The rows of a release with a mask come in an order of the
/// contract's own, because the table's order could tell what the mask hides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ColumnMask {
    /// The column's name, exactly as in the table.
    pub column: Name,
    /// What is done to its values.
    pub method: MaskMethod,
}

/// How the values of a column are hidden or coarsened. A missing value stays missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MaskMethod {
    /// The column is not delivered at all.
    Drop,
    /// Every value is replaced by a missing one.
    Null,
    /// Every value is replaced by a pseudonym: HMAC-SHA-256 under a key of this contract alone, so
    /// that equal values stay equal within a contract and cannot be joined across contracts.
    Hash,
    /// Numbers are rounded, half away from zero.
    Round {
        /// Digits after the decimal point; negative to the left of it. −[`DECIMALS_MAX`] to
        /// [`DECIMALS_MAX`].
        decimals: i8,
    },
    /// Texts are cut.
    Truncate {
        /// Characters (Unicode scalar values) that stay.
        chars: u32,
    },
}

/// Bound of [`MaskMethod::Round`].
pub const DECIMALS_MAX: i8 = 18;

/// Most values in an `isAnyOf` of a row filter.
pub const FILTER_VALUES_MAX: usize = 256;

/// A comparison of a column with constants. A missing value makes it false.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RowFilter {
    /// The column's name, exactly as in the table.
    pub column: Name,
    /// How it is compared.
    pub operator: Operator,
    /// With what: one value, or several for [`Operator::IsAnyOf`].
    pub values: Vec<Scalar>,
}

/// Comparison operators, named as in ODRL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Neq,
    /// Less.
    Lt,
    /// Less or equal.
    Lteq,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gteq,
    /// Equal to one of several.
    IsAnyOf,
}

/// A constant of a row filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scalar {
    /// Compared with text columns, by Unicode scalar values.
    Text(Name),
    /// Compared with number columns.
    Number(Number),
    /// Compared with boolean columns.
    Boolean(bool),
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

/// Why a duty cannot be carried out, whatever the table looks like.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidDuty {
    /// A filter without a value, or with more than its operator takes.
    #[error("the filter on `{column}` needs {expected}, it has {found} values")]
    ValueCount {
        /// The column of the filter.
        column: Name,
        /// What the operator takes.
        expected: &'static str,
        /// Values found.
        found: usize,
    },
    /// More digits than [`DECIMALS_MAX`] on either side.
    #[error("the mask on `{column}` rounds to {decimals} decimals; −18 to 18 are possible")]
    Decimals {
        /// The column of the mask.
        column: Name,
        /// Digits asked for.
        decimals: i8,
    },
}

impl Duty {
    /// The column that the duty concerns.
    #[must_use]
    pub fn column(&self) -> &Name {
        match self {
            Self::Filter(filter) => &filter.column,
            Self::Mask(mask) => &mask.column,
        }
    }

    /// Checks what can be checked without the table.
    ///
    /// # Errors
    /// [`InvalidDuty`], with the column concerned.
    pub fn check(&self) -> Result<(), InvalidDuty> {
        match self {
            Self::Filter(RowFilter { column, operator, values }) => {
                let (most, expected) = match operator {
                    Operator::IsAnyOf => (FILTER_VALUES_MAX, "1 to 256 values"),
                    _ => (1, "one value"),
                };
                if values.is_empty() || values.len() > most {
                    let (column, found) = (column.clone(), values.len());
                    return Err(InvalidDuty::ValueCount { column, expected, found });
                }
                Ok(())
            }
            Self::Mask(ColumnMask { column, method: MaskMethod::Round { decimals } })
                if decimals.unsigned_abs() > DECIMALS_MAX.unsigned_abs() =>
            {
                Err(InvalidDuty::Decimals { column: column.clone(), decimals: *decimals })
            }
            Self::Mask(_) => Ok(()),
        }
    }
}

/// In plain words: `rows where pretty_formula is one of "Fe2O3", "FeO"`.
impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(filter) => {
                let operator = match filter.operator {
                    Operator::Eq => "is",
                    Operator::Neq => "is not",
                    Operator::Lt => "is less than",
                    Operator::Lteq => "is at most",
                    Operator::Gt => "is more than",
                    Operator::Gteq => "is at least",
                    Operator::IsAnyOf => "is one of",
                };
                write!(f, "only rows where {} {operator} ", quoted(&filter.column))?;
                for (i, value) in filter.values.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    match value {
                        Scalar::Text(text) => {
                            write!(f, "{comma}{}", shown(&format!("{text:?}")))?;
                        }
                        Scalar::Number(number) => write!(f, "{comma}{number}")?,
                        Scalar::Boolean(boolean) => write!(f, "{comma}{boolean}")?,
                    }
                }
                Ok(())
            }
            Self::Mask(ColumnMask { column, method }) => {
                fmt_mask(f, &quoted(column), *method)?;
                f.write_str(", rows reordered")
            }
        }
    }
}

fn fmt_mask(f: &mut fmt::Formatter<'_>, column: &str, method: MaskMethod) -> fmt::Result {
    match method {
        MaskMethod::Drop => write!(f, "column {column} is left out"),
        MaskMethod::Null => write!(f, "column {column} is emptied"),
        MaskMethod::Hash => {
            write!(f, "column {column} is replaced by pseudonyms of this contract")
        }
        MaskMethod::Round { decimals: decimals @ 0.. } => {
            write!(f, "column {column} is rounded to {decimals} decimals")
        }
        MaskMethod::Round { decimals } => {
            let exponent = decimals.unsigned_abs();
            write!(f, "column {column} is rounded to multiples of 10^{exponent}")
        }
        MaskMethod::Truncate { chars } => {
            write!(f, "column {column} is cut to {chars} characters")
        }
    }
}
