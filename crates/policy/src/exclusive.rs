//! What a contract keeps others out of.

use std::collections::BTreeSet;
use std::fmt;

use dataspace_primitives::{Region, UnixMillis, Validity, bounded};
use serde::{Deserialize, Serialize};

use crate::constraint::VALUES_MAX;
use crate::facts::Constraint;
use crate::phrase::list;
use crate::terms::Terms;

/// The product is for this consumer alone: until then, the provider's node concludes no contract with
/// anybody else by which its data can go to these territories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Exclusive {
    /// Where, at most [`VALUES_MAX`]; empty means everywhere.
    #[serde(
        default,
        skip_serializing_if = "BTreeSet::is_empty",
        deserialize_with = "bounded::set::<_, _, VALUES_MAX>"
    )]
    pub territories: BTreeSet<Region>,
    /// First instant from which others may have it again. Later than the contract's end, it is a holdback.
    pub until: UnixMillis,
}

/// Where the data of a contract can go; `None` is everywhere.
type Reach = Option<BTreeSet<Region>>;

impl Exclusive {
    /// Returns true if another consumer's contract with these terms, which runs in the time `other`, would take
    /// away from what is exclusive from the instant `from` on.
    #[must_use]
    pub fn conflicts(&self, from: UnixMillis, (terms, other): (&Terms, Validity)) -> bool {
        let is_in_time = other.from() < self.until && from < other.until();
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

/// In plain words: `until 2027-01-01T00:00:00Z, no other consumer gets a contract for this product by which
/// the data can go to FR or DE`.
impl fmt::Display for Exclusive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "until {}, the provider concludes no contract on the product with another",
            self.until
        )?;
        f.write_str(" consumer")?;
        if !self.territories.is_empty() {
            write!(f, " by which the data can go to {}", list(self.territories.iter(), "or"))?;
        }
        Ok(())
    }
}
