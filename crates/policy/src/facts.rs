use std::collections::BTreeSet;

use dataspace_primitives::{Name, Region, UnixMillis};

use crate::action::Action;

/// All that a decision may look at, gathered anew for each access. No keys, no data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Who asks: the consumer's DID.
    pub participant: String,
    /// What the space authority says the consumer may be.
    pub roles: BTreeSet<Name>,
    /// Where the consumer is established.
    pub region: Region,
    /// What is asked for.
    pub product: Name,
    /// The product's class in the space.
    pub product_class: Name,
    /// What the consumer wants to do.
    pub action: Action,
    /// What for, in the consumer's signed words.
    pub purpose: Name,
    /// When: the provider's clock.
    pub now: UnixMillis,
    /// How often the contract was used before.
    pub uses: u64,
}
