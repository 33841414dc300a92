//! A sample of the rows.

use std::fmt;

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

use super::invalid::InvalidDuty;
use super::kind::Kind;
use crate::clause::Assurance;
use crate::phrase::quoted;

/// All: the bound of [`Sample::per_million`].
pub const MILLION: u32 = 1_000_000;

/// Keep only a sample of the rows, chosen by the provider's secret for this contract: the same rows at
/// every access, and others under another contract. Once at most in the terms. It looks at the table as it is,
/// before masks.
///
/// A share of the subjects is not a number of them: of a hundred, ten per cent may be seven or twelve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Sample {
    /// How many of a million, on average. 1 to 1,000,000.
    pub per_million: u32,
    /// The column that says whom or what a row is about: all rows of one subject stay, or none; a row in
    /// which it is missing does not. Without one, each row stands for itself, by all of its values; rows that
    /// are equal stay or go together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Name>,
}

impl Kind for Sample {
    // WHY none: the column of the subjects need not leave.
    fn column(&self) -> Option<&Name> {
        None
    }

    fn assurance(&self) -> Assurance {
        Assurance::Enforced
    }

    fn check(&self) -> Result<(), InvalidDuty> {
        if !(1..=MILLION).contains(&self.per_million) {
            return Err(InvalidDuty::PerMillion { found: self.per_million });
        }
        Ok(())
    }

    fn allows(&self, _: &str) -> bool {
        true
    }
}

/// Parts of a million as a percentage: `12.5 %`.
pub(super) fn percent(per_million: u32) -> String {
    let (whole, rest) = (per_million / 10_000, per_million % 10_000);
    let rest = format!("{rest:04}");
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { format!("{whole} %") } else { format!("{whole}.{rest} %") }
}

/// In plain words: `only a sample of 10 % of the rows, while a row does not change the same at every access
/// under this contract`.
impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "only a sample of {} of ", percent(self.per_million))?;
        match &self.subject {
            Some(subject) => {
                let subject = quoted(subject);
                write!(f, "the different {subject}, with all of their rows, the same at every")
            }
            None => f.write_str("the rows, while a row does not change the same at every"),
        }?;
        f.write_str(" access under this contract")
    }
}
