//! Figures of groups instead of rows.

use std::collections::BTreeSet;
use std::fmt;

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

use super::invalid::InvalidDuty;
use super::kind::Kind;
use crate::clause::Assurance;
use crate::phrase::quoted;

/// Most columns that rows are put in groups by.
pub const GROUP_COLUMNS_MAX: usize = 8;

/// Most figures of one group.
pub const FIGURES_MAX: usize = 32;

/// Most subjects that a group can be asked to have.
pub const SUBJECTS_MAX: u32 = 1_000_000;

/// Only figures of groups leave, and no row: of each group the columns that it is made by, `rows` (how many
/// there are), and for each column asked for `mean_…` or `sum_…`. A group with fewer different subjects than
/// asked for is left out, and a figure to which fewer of them contribute is missing. Once at most in the
/// terms, and not with a list of columns that leave. Filters come first, then masks, then the groups are made;
/// subjects are told apart by their values before masks.
///
/// A threshold alone does not stop somebody who compares: answers about data that changed in between, those of
/// two contracts with different filters, or two figures of one group to which nearly the same rows
/// contribute; and one subject may make up most of a sum. Bound the number of answers too
/// ([`Constraint::Count`](crate::Constraint)), and choose figures of columns that are always there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Aggregate {
    /// The columns by which rows are put in groups; none for one group of all. At most
    /// [`GROUP_COLUMNS_MAX`].
    pub by: BTreeSet<Name>,
    /// The column that says whom or what a row is about: a vehicle, a person, a sample. A row in which it is
    /// missing is left out.
    pub subject: Name,
    /// The least number of different subjects. 2 to [`SUBJECTS_MAX`].
    pub least: u32,
    /// Columns of numbers whose mean leaves.
    pub mean: BTreeSet<Name>,
    /// Columns of numbers whose sum leaves. With those above at most [`FIGURES_MAX`].
    pub sum: BTreeSet<Name>,
}

impl Aggregate {
    /// The names of the columns that leave.
    pub fn names(&self) -> impl Iterator<Item = String> {
        let by = self.by.iter().map(|name| name.as_str().to_owned());
        let mean = self.mean.iter().map(|name| format!("mean_{name}"));
        let sum = self.sum.iter().map(|name| format!("sum_{name}"));
        by.chain(["rows".to_owned()]).chain(mean).chain(sum)
    }
}

impl Kind for Aggregate {
    fn column(&self) -> Option<&Name> {
        None
    }

    fn leaves_out(&self, column: &str) -> bool {
        !self.names().any(|name| name == column)
    }

    fn assurance(&self) -> Assurance {
        Assurance::Enforced
    }

    fn check(&self) -> Result<(), InvalidDuty> {
        if !(2..=SUBJECTS_MAX).contains(&self.least) {
            return Err(InvalidDuty::Subjects { least: self.least });
        }
        let figures = self.mean.len().saturating_add(self.sum.len());
        if self.by.len() > GROUP_COLUMNS_MAX || figures > FIGURES_MAX {
            return Err(InvalidDuty::Figures);
        }
        let mut names = BTreeSet::new();
        // A subject among the columns of a group would be shown.
        if self.by.contains(&self.subject) || !self.names().all(|name| names.insert(name)) {
            return Err(InvalidDuty::FigureNames);
        }
        Ok(())
    }

    fn allows(&self, _: &str) -> bool {
        true
    }
}

/// In plain words: `only the number of rows and means of rpm leave, for each model with at least 50 different
/// vin`.
impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("only the number of rows")?;
        for (what, columns) in [("means", &self.mean), ("sums", &self.sum)] {
            for (place, column) in columns.iter().enumerate() {
                match place {
                    0 => write!(f, ", {what} of {}", quoted(column))?,
                    _ => write!(f, ", {}", quoted(column))?,
                }
            }
        }
        f.write_str(" leave, ")?;
        for (place, column) in self.by.iter().enumerate() {
            let before = if place > 0 { ", " } else { "for each " };
            write!(f, "{before}{}", quoted(column))?;
        }
        if self.by.is_empty() {
            f.write_str("for all together")?;
        }
        write!(f, " with at least {} different {}", self.least, quoted(&self.subject))
    }
}
