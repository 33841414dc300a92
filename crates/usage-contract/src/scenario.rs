//! The purposes of a space.

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

/// Most scenarios in one line from a scenario to its broadest one, both included.
pub const BROADER_LEVELS_MAX: usize = 8;

/// A purpose for which data may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Scenario {
    /// Its meaning, for people.
    pub description: Name,
    /// The broader scenario that this one is part of (SKOS `broader`).
    pub broader: Option<Name>,
}

impl Scenario {
    /// One that is part of no other.
    #[must_use]
    pub fn new(description: Name) -> Self {
        Self { description, broader: None }
    }
}
