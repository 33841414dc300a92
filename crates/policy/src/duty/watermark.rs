//! Numbers that bear a mark of the contract.

use std::fmt;

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

use super::invalid::InvalidDuty;
use super::kind::Kind;
use super::sample::percent;
use super::scalar::Number;
use crate::clause::Assurance;
use crate::phrase::quoted;

/// Greatest relative tolerance, in parts of a million: a tenth of the value.
pub const RELATIVE_MAX: u32 = 100_000;

/// Numbers of a column are moved, by no more than the tolerance, so that a copy that turns up elsewhere can
/// be traced to the contract by the provider's secret. Numbers keep their order, and equal ones stay equal. At
/// most one for a column, on columns without masks; not where figures of groups leave.
///
/// It deters and does not prevent: moving all numbers about as far as the tolerance removes the
/// mark. `docs/watermark.md` has measured figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Watermark {
    /// The column's name, exactly as in the table.
    pub column: Name,
    /// How far a number is moved at most.
    pub tolerance: Tolerance,
}

/// How far a number is moved at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tolerance {
    /// By this much, more than 0, in the unit of the column.
    Absolute(Number),
    /// By so many millionths of its own amount, 1 to [`RELATIVE_MAX`].
    Relative(u32),
}

impl Kind for Watermark {
    fn column(&self) -> Option<&Name> {
        Some(&self.column)
    }

    fn assurance(&self) -> Assurance {
        Assurance::Deterrent
    }

    fn check(&self) -> Result<(), InvalidDuty> {
        let is_good = match &self.tolerance {
            Tolerance::Absolute(most) => most.as_f64() > 0.0,
            Tolerance::Relative(most) => (1..=RELATIVE_MAX).contains(most),
        };
        if is_good { Ok(()) } else { Err(InvalidDuty::Tolerance { column: self.column.clone() }) }
    }

    fn allows(&self, cell: &str) -> bool {
        cell.is_empty() || cell.parse::<f64>().is_ok()
    }
}

/// In plain words: `numbers of column S_p are moved by at most 0.1, so that a copy can be traced to this
/// contract`.
impl fmt::Display for Watermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "numbers of column {} are moved by at most ", quoted(&self.column))?;
        match &self.tolerance {
            Tolerance::Absolute(most) => write!(f, "{most}")?,
            Tolerance::Relative(most) => write!(f, "{} of their amount", percent(*most))?,
        }
        f.write_str(", so that a copy can be traced to this contract")
    }
}
