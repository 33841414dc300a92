//! The purposes of a space and how they stand to each other.

use std::collections::{BTreeMap, BTreeSet};

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

use crate::profile::ProfileError;

/// Most scenarios in one line from a scenario to its broadest one, both included.
pub const BROADER_LEVELS_MAX: usize = 8;

/// A purpose for which data may be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Scenario {
    /// What it means, for people.
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

/// For each scenario, itself and every broader one.
pub(crate) fn hierarchy(
    scenarios: &BTreeMap<Name, Scenario>,
) -> Result<BTreeMap<Name, BTreeSet<Name>>, ProfileError> {
    for (scenario, Scenario { broader, .. }) in scenarios {
        if let Some(broader) = broader
            && !scenarios.contains_key(broader)
        {
            let (scenario, broader) = (scenario.clone(), broader.clone());
            return Err(ProfileError::UnknownBroader { scenario, broader });
        }
    }
    scenarios.keys().map(|one| Ok((one.clone(), with_broader(one, scenarios)?))).collect()
}

fn with_broader(
    scenario: &Name,
    scenarios: &BTreeMap<Name, Scenario>,
) -> Result<BTreeSet<Name>, ProfileError> {
    let mut all = BTreeSet::new();
    let mut next = Some(scenario);
    while let Some(one) = next {
        // In a circle, one comes back.
        if all.len() == BROADER_LEVELS_MAX || !all.insert(one.clone()) {
            return Err(ProfileError::Hierarchy { scenario: scenario.clone() });
        }
        next = scenarios.get(one).and_then(|scenario| scenario.broader.as_ref());
    }
    Ok(all)
}
