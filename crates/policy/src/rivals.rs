//! Which contracts take away from what is exclusive.

use std::collections::BTreeSet;

use dataspace_primitives::{Region, UnixMillis, Validity};

use crate::exclusive::Exclusive;
use crate::facts::Constraint;
use crate::terms::Terms;

/// Where the data of a contract can go; `None` is everywhere.
type Reach = Option<BTreeSet<Region>>;

impl Exclusive {
    /// Returns true if another consumer's contract with these terms, which runs in the time `other`, would take
    /// away from what is exclusive from the instant `from` on.
    #[must_use]
    pub fn conflicts(&self, from: UnixMillis, (terms, other): (&Terms, Validity)) -> bool {
        let is_in_time = from.max(other.from()) < self.until.min(other.until());
        is_in_time
            && match terms.reach() {
                None => true,
                Some(_) if self.territories.is_empty() => true,
                Some(reach) => !reach.is_disjoint(&self.territories),
            }
    }
}

impl Terms {
    /// Where the data can go by the permissions: the regions of the recipient that each of them demands.
    fn reach(&self) -> Reach {
        let demanded = |all: &[Constraint]| {
            all.iter().find_map(|one| match one {
                Constraint::RecipientRegion(regions) => Some(regions.clone()),
                _ => None,
            })
        };
        let mut reach = BTreeSet::new();
        for rule in &self.permissions {
            reach.extend(demanded(&rule.constraints)?);
        }
        Some(reach)
    }
}
