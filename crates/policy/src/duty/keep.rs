//! Columns that leave.

use std::collections::BTreeSet;
use std::fmt;

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

use super::invalid::InvalidDuty;
use super::kind::{Kind, is_part_of};
use crate::clause::Assurance;
use crate::phrase::quoted;

/// Most columns that one duty names.
pub const KEPT_COLUMNS_MAX: usize = 1024;

/// The only columns that leave: all others are left out, those too that the table gets later. Once at
/// most in the terms; masks are for columns that it keeps, filters look at any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct KeptColumns {
    /// Their names, exactly as in the table; of parts of nested columns, such as `address.city`; of a document, the JSON pointers of its parts. 1 to [`KEPT_COLUMNS_MAX`].
    pub columns: BTreeSet<Name>,
}

impl Kind for KeptColumns {
    fn column(&self) -> Option<&Name> {
        None
    }

    fn leaves_out(&self, column: &str) -> bool {
        let is_kept = |one: &Name| {
            let one = one.as_str();
            one == column || is_part_of(column, one) || is_part_of(one, column)
        };
        !self.columns.iter().any(is_kept)
    }

    fn assurance(&self) -> Assurance {
        Assurance::Enforced
    }

    fn check(&self) -> Result<(), InvalidDuty> {
        let found = self.columns.len();
        if found == 0 || found > KEPT_COLUMNS_MAX {
            return Err(InvalidDuty::KeptColumns { found });
        }
        Ok(())
    }

    fn allows(&self, _: &str) -> bool {
        true
    }
}

/// In plain words: `only the columns formula, seebeck leave, rows reordered`.
impl fmt::Display for KeptColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (noun, verb) =
            if self.columns.len() == 1 { ("column", "leaves") } else { ("columns", "leave") };
        write!(f, "only the {noun} ")?;
        for (i, column) in self.columns.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{}", quoted(column))?;
        }
        write!(f, " {verb}, rows reordered if there are others")
    }
}
