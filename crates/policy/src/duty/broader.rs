//! Values that are replaced by broader ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use dataspace_primitives::{Name, shown};
use serde::{Deserialize, Serialize};

/// Most values that one mask names.
pub const BROADER_MAX: usize = 256;

/// What broader value stands for each value of a column, and what for all others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Broader {
    /// For each value, as it is in the table, the one that leaves in its place. Whole numbers are written
    /// in decimal digits. 1 to [`BROADER_MAX`].
    pub values: BTreeMap<Name, Name>,
    /// What leaves in place of all others, those too that the table gets later.
    pub others: Name,
}

impl Broader {
    /// What leaves in place of a value.
    #[must_use]
    pub fn of(&self, value: &str) -> &Name {
        // No name is longer; the comparison is with texts, as what is in a table may be no name.
        let found = self.values.iter().find(|(one, _)| one.as_str() == value);
        found.map_or(&self.others, |(_, broader)| broader)
    }

    /// Returns true if this text may leave.
    #[must_use]
    pub fn may_leave(&self, text: &str) -> bool {
        let mut all = self.values.values().chain([&self.others]);
        all.any(|one| one.as_str() == text)
    }

    /// The values of each broader one.
    #[must_use]
    pub fn groups(&self) -> BTreeMap<&Name, BTreeSet<&Name>> {
        let mut groups = BTreeMap::<_, BTreeSet<_>>::new();
        for (value, broader) in &self.values {
            groups.entry(broader).or_default().insert(value);
        }
        groups
    }

    /// Completes the sentence that begins with the column.
    pub(super) fn words(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |name: &Name| shown(&format!("{:?}", name.as_str())).to_string();
        for (broader, values) in self.groups() {
            let values: Vec<_> = values.into_iter().map(text).collect();
            write!(f, "{} for {}, ", text(broader), values.join(", "))?;
        }
        write!(f, "{} for all others; missing ones stay missing", text(&self.others))
    }
}
