//! Rows that stay.

use std::fmt;

use dataspace_primitives::{Name, shown};
use serde::{Deserialize, Serialize};

use super::invalid::InvalidDuty;
use super::kind::Kind;
use super::scalar::Scalar;
use crate::clause::Assurance;
use crate::phrase::quoted;

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

impl Kind for RowFilter {
    fn column(&self) -> Option<&Name> {
        Some(&self.column)
    }

    fn assurance(&self) -> Assurance {
        Assurance::Enforced
    }

    fn check(&self) -> Result<(), InvalidDuty> {
        let (most, expected) = match self.operator {
            Operator::IsAnyOf => (FILTER_VALUES_MAX, "1 to 256 values"),
            _ => (1, "one value"),
        };
        let found = self.values.len();
        if found == 0 || found > most {
            return Err(InvalidDuty::ValueCount { column: self.column.clone(), expected, found });
        }
        Ok(())
    }
}

/// In plain words: `only rows where pretty_formula is one of "Fe2O3", "FeO"`.
impl fmt::Display for RowFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.operator {
            Operator::Eq => "is",
            Operator::Neq => "is not",
            Operator::Lt => "is less than",
            Operator::Lteq => "is at most",
            Operator::Gt => "is more than",
            Operator::Gteq => "is at least",
            Operator::IsAnyOf => "is one of",
        };
        write!(f, "only rows where {} {operator} ", quoted(&self.column))?;
        for (i, value) in self.values.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            match value {
                Scalar::Text(text) => write!(f, "{comma}{}", shown(&format!("{text:?}")))?,
                Scalar::Number(number) => write!(f, "{comma}{number}")?,
                Scalar::Boolean(boolean) => write!(f, "{comma}{boolean}")?,
            }
        }
        Ok(())
    }
}
