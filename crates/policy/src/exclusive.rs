//! What a contract keeps others out of.

use std::collections::BTreeSet;
use std::fmt;

use dataspace_primitives::{Region, UnixMillis, bounded};
use serde::{Deserialize, Serialize};

use crate::constraint::VALUES_MAX;
use crate::phrase::list;

/// The product is for this consumer alone: until then, and as long as neither party has terminated this
/// contract, the provider's node concludes no contract with anybody else by which its data can go to these
/// territories. The product is what is registered under its name.
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

/// In plain words: `until 2027-01-01T00:00:00Z, unless this contract is terminated before, the provider
/// concludes no contract on the product with another consumer by which the data can go to FR or DE`.
impl fmt::Display for Exclusive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "until {}, unless this contract is terminated before, the provider concludes no contract on",
            self.until
        )?;
        f.write_str(" the product with another consumer")?;
        if !self.territories.is_empty() {
            write!(f, " by which the data can go to {}", list(self.territories.iter(), "or"))?;
        }
        Ok(())
    }
}
