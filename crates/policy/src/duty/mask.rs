//! Columns whose values are hidden or coarsened.

use std::fmt;

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

use super::invalid::InvalidDuty;
use super::kind::Kind;
use crate::clause::Assurance;
use crate::phrase::quoted;

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

/// Hexadecimal digits, lower case, of a pseudonym.
pub const PSEUDONYM_DIGITS: usize = 32;

/// Bound of [`MaskMethod::Round`].
pub const DECIMALS_MAX: i8 = 18;

impl MaskMethod {
    /// One of each, with the number 0 where one goes with it.
    pub const ALL: [Self; 5] = [
        Self::Drop,
        Self::Null,
        Self::Hash,
        Self::Round { decimals: 0 },
        Self::Truncate { chars: 0 },
    ];

    /// Its name in ODRL, and the number that goes with it: the operand, and the number.
    #[must_use]
    pub fn in_odrl(self) -> (&'static str, Option<(&'static str, i64)>) {
        match self {
            Self::Drop => ("dataspace:drop", None),
            Self::Null => ("dataspace:null", None),
            Self::Hash => ("dataspace:hash", None),
            Self::Round { decimals } => {
                ("dataspace:round", Some(("dataspace:decimals", decimals.into())))
            }
            Self::Truncate { chars } => {
                ("dataspace:truncate", Some(("dataspace:characters", chars.into())))
            }
        }
    }

    /// The same with another number; `None` if none goes with it, or if that one is out of range.
    #[must_use]
    pub fn with_number(self, number: i64) -> Option<Self> {
        match self {
            Self::Drop | Self::Null | Self::Hash => None,
            Self::Round { .. } => Some(Self::Round { decimals: number.try_into().ok()? }),
            Self::Truncate { .. } => Some(Self::Truncate { chars: number.try_into().ok()? }),
        }
    }
}

impl Kind for ColumnMask {
    fn column(&self) -> Option<&Name> {
        Some(&self.column)
    }

    fn assurance(&self) -> Assurance {
        Assurance::Enforced
    }

    fn check(&self) -> Result<(), InvalidDuty> {
        match self.method {
            MaskMethod::Round { decimals }
                if decimals.unsigned_abs() > DECIMALS_MAX.unsigned_abs() =>
            {
                Err(InvalidDuty::Decimals { column: self.column.clone(), decimals })
            }
            _ => Ok(()),
        }
    }

    fn allows(&self, cell: &str) -> bool {
        match self.method {
            MaskMethod::Drop => false,
            _ if cell.is_empty() => true,
            MaskMethod::Null => false,
            MaskMethod::Hash => {
                let is_digit = |c| matches!(c, b'0'..=b'9' | b'a'..=b'f');
                cell.len() == PSEUDONYM_DIGITS && cell.bytes().all(is_digit)
            }
            MaskMethod::Round { decimals } => is_rounded(cell, decimals),
            MaskMethod::Truncate { chars } => {
                u32::try_from(cell.chars().count()).is_ok_and(|count| count <= chars)
            }
        }
    }
}

/// Returns false if the text is a number that is not rounded. Beyond the digits that a float has, it
/// cannot be seen.
fn is_rounded(cell: &str, decimals: i8) -> bool {
    let Ok(value) = cell.parse::<f64>() else { return false };
    let scaled = value * 10_f64.powi(decimals.into());
    let (error, is_seen) = ((scaled - scaled.round()).abs(), scaled.abs() < 9e15);
    !is_seen || error <= 1e-9_f64.max(scaled.abs() * 1e-14)
}

/// In plain words: `column id is left out, rows reordered`.
impl fmt::Display for ColumnMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = quoted(&self.column);
        match self.method {
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
        }?;
        f.write_str(", rows reordered")
    }
}
