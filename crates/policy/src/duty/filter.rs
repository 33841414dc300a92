//! Rows that stay.

use std::cmp::Ordering;
use std::fmt;

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

use super::calendar::instant_nanos;
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

    fn allows(&self, cell: &str) -> bool {
        // An empty cell is a missing value or, in a column of texts, an empty text.
        if cell.is_empty() {
            let is_text = self.values.iter().any(|value| matches!(value, Scalar::Text(_)));
            return is_text
                && matches!(self.operator, Operator::Neq | Operator::Lt | Operator::Lteq);
        }
        self.values.iter().any(|value| may_hold(self.operator, value, cell))
    }
}

impl Operator {
    /// Returns true if the comparison holds for a value that is to the constant as `ordering` says.
    #[must_use]
    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Eq | Self::IsAnyOf => ordering.is_eq(),
            Self::Neq => ordering.is_ne(),
            Self::Lt => ordering.is_lt(),
            Self::Lteq => ordering.is_le(),
            Self::Gt => ordering.is_gt(),
            Self::Gteq => ordering.is_ge(),
        }
    }
}

/// Returns false if a cell shows that the comparison does not hold.
pub(super) fn may_hold(operator: Operator, scalar: &Scalar, cell: &str) -> bool {
    match scalar {
        Scalar::Text(text) => {
            // In a column of dates or instants, the text is one.
            let instants = instant_nanos(cell).zip(instant_nanos(text.as_str()));
            // Years after 9999 have a sign.
            let is_later = cell.starts_with('+') && instant_nanos(text.as_str()).is_some();
            operator.holds(cell.cmp(text.as_str()))
                || (is_later && operator.holds(Ordering::Greater))
                || instants.is_some_and(|(cell, constant)| operator.holds(cell.cmp(&constant)))
        }
        Scalar::Boolean(boolean) => match cell.to_ascii_lowercase().parse::<bool>() {
            Ok(cell) => operator.holds(cell.cmp(boolean)),
            Err(_) => false,
        },
        Scalar::Number(number) => {
            let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
            let is_exact = digits(cell) <= 15 && digits(number.as_str()) <= 15;
            // A column of 32 bits is compared in 32 bits.
            let narrow = cell.parse::<f32>().ok().zip(number.as_str().parse().ok());
            let narrow = narrow.and_then(|(cell, constant)| cell.partial_cmp(&constant));
            let wide = cell.parse::<f64>().ok().and_then(|cell| cell.partial_cmp(&number.as_f64()));
            narrow.is_some_and(|ordering| operator.holds(ordering))
                || wide.is_some_and(|wide| operator.holds(wide) || (!is_exact && wide.is_eq()))
        }
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
            write!(f, "{comma}{value}")?;
        }
        Ok(())
    }
}
