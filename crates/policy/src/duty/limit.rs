//! A number of rows.

use std::fmt;

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

use super::invalid::InvalidDuty;
use super::kind::Kind;
use crate::clause::Assurance;
use crate::phrase::counted;

/// At most so many rows leave at one access: the first ones in the order in which they leave, whatever
/// columns are asked for. Once at most in the terms, and not where figures of groups leave.
///
/// While the table does not change, every access gives the same rows. When it does, others may be the
/// first: bound the number of accesses too ([`Constraint::Count`](crate::Constraint)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Limit {
    /// Rows. At least 1.
    pub rows: u64,
}

impl Kind for Limit {
    fn column(&self) -> Option<&Name> {
        None
    }

    fn assurance(&self) -> Assurance {
        Assurance::Enforced
    }

    fn check(&self) -> Result<(), InvalidDuty> {
        if self.rows == 0 { Err(InvalidDuty::NoRows) } else { Ok(()) }
    }

    // Rows are counted, not looked at.
    fn allows(&self, _: &str) -> bool {
        true
    }
}

/// In plain words: `at most 1000 rows at one access`.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} at one access", counted(self.rows, "row"))
    }
}
