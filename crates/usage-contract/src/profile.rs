//! The profile of a space: its four parts, signed by the authority.

use std::collections::{BTreeMap, BTreeSet};

use dataspace_identity::{Did, DidKeys, Resolver as _, SpaceId};
use dataspace_odrl::{OdrlError, OdrlOperands, OdrlPolicy, invalid_operands::InvalidOperands};
use dataspace_policy::{
    Clause, Layer, Policies, Terms, Vocabulary,
    named::{UnmatchedValue, look},
    policies::InvalidPolicies,
};
use dataspace_primitives::{
    Name, Payload, Region, Signed, UnixMillis, Verified, bounded, signed::VerifyError,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::scenario::{BROADER_LEVELS_MAX, Scenario};
use crate::statement::{About, FactKind, STATEMENT_KINDS_MAX, StatementRule};

/// Most scenarios, roles, regions or product classes of a profile.
pub const PROFILE_LIST_MAX: usize = 512;

/// The rules of a data space: an open environment with defined parameters, for particular
/// scenarios, serving specific entities and opening specific data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SpaceProfile {
    /// The space's name.
    pub space: Name,
    /// Counts up from 1; a space may tighten its rules by a new version.
    pub version: u64,
    /// The space authority, which signs.
    pub authority: Did,
    /// Cipher suite and limits.
    pub parameters: Parameters,
    /// The purposes for which data may be used, at most [`PROFILE_LIST_MAX`].
    #[serde(deserialize_with = "bounded::map::<_, _, _, PROFILE_LIST_MAX>")]
    pub scenarios: BTreeMap<Name, Scenario>,
    /// Who may be admitted.
    pub entities: EntityRules,
    /// Rules for the data that may be opened.
    pub data: DataRules,
    /// Cedar policies of the space, all of them forbids.
    pub policies: String,
    /// What left operands, profiles and contexts of the space's own mean in ODRL documents.
    #[serde(default, skip_serializing_if = "OdrlOperands::is_empty")]
    pub odrl: OdrlOperands,
    /// Whom the space trusts for which kind of signed statements, at most [`STATEMENT_KINDS_MAX`]. What no
    /// kind is named for here, nobody states.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "bounded::map::<_, _, _, STATEMENT_KINDS_MAX>"
    )]
    pub statements: BTreeMap<Name, StatementRule>,
}

/// Oldest age of a request that any profile can allow, in seconds. Nodes remember answered requests for
/// this long, plus the permitted difference of clocks.
pub const REQUEST_AGE_SECS_MAX: u32 = 3_600;

/// Cipher suite and limits of a space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Parameters {
    /// The algorithms in use.
    pub suite: Suite,
    /// How old a signed access request may be, in seconds, 1 to 3,600. A replay within this time
    /// is found out; an older request is refused.
    pub request_age_secs_max: u32,
    /// Denials of one consumer that a node records one by one: so many at once, and so many a minute after
    /// that, 1 to [`DENIALS_PER_MINUTE_MAX`]. More are told, and recorded as a number: nobody can fill a log by asking
    /// for what it may not have.
    #[serde(default = "denials_per_minute", skip_serializing_if = "is_default_rate")]
    pub denials_per_minute: u32,
}

/// Denials of one consumer in a minute that are recorded one by one, unless a profile says otherwise.
pub const DENIALS_PER_MINUTE: u32 = 120;
/// Most that a profile can say.
pub const DENIALS_PER_MINUTE_MAX: u32 = 60_000;

fn denials_per_minute() -> u32 {
    DENIALS_PER_MINUTE
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_default_rate(rate: &u32) -> bool {
    *rate == DENIALS_PER_MINUTE
}

/// Algorithms of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Suite {
    /// Ed25519, SHA-256, AES-256-GCM.
    Intl,
}

/// Who may be admitted to a space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EntityRules {
    /// Roles that the authority gives; 1 to [`PROFILE_LIST_MAX`].
    #[serde(deserialize_with = "bounded::set::<_, _, PROFILE_LIST_MAX>")]
    pub roles: BTreeSet<Name>,
    /// Where participants may be established; empty means anywhere.
    #[serde(deserialize_with = "bounded::set::<_, _, PROFILE_LIST_MAX>")]
    pub regions: BTreeSet<Region>,
}

impl EntityRules {
    /// The first thing about a participant that these rules do not admit: `role` or `region`, and
    /// which one.
    #[must_use]
    pub fn refuses(
        &self,
        roles: &BTreeSet<Name>,
        region: Region,
    ) -> Option<(&'static str, String)> {
        if let Some(role) = roles.iter().find(|role| !self.roles.contains(role)) {
            return Some(("role", role.to_string()));
        }
        let anywhere = self.regions.is_empty();
        (!anywhere && !self.regions.contains(&region)).then(|| ("region", region.to_string()))
    }
}

/// Rules for the data that may be opened in a space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DataRules {
    /// Classes of products; 1 to [`PROFILE_LIST_MAX`].
    #[serde(deserialize_with = "bounded::set::<_, _, PROFILE_LIST_MAX>")]
    pub product_classes: BTreeSet<Name>,
}

impl SpaceProfile {
    /// The space whose profile this is.
    #[must_use]
    pub fn space_id(&self) -> SpaceId {
        SpaceId::new(self.authority.clone(), self.space.clone())
    }

    /// The names that this space defines.
    #[must_use]
    pub fn vocabulary(&self) -> Vocabulary<'_> {
        Vocabulary {
            space: &self.space,
            purposes: self.scenarios.keys().collect(),
            classes: self.data.product_classes.iter().collect(),
            roles: self.entities.roles.iter().collect(),
            is_did: |text| text.parse::<Did>().is_ok(),
        }
    }
}

fn check_looks(what: &'static str, names: &[&Name]) -> Result<(), ProfileError> {
    let mut seen = BTreeMap::new();
    for name in names {
        if let Some(one) = seen.insert(look(name.as_str()), *name) {
            let (one, other) = (one.clone(), (*name).clone());
            return Err(ProfileError::LookAlike { what, one, other });
        }
    }
    Ok(())
}

impl Payload for SpaceProfile {
    const TYPE: &'static str = "application/vnd.dataspace.space-profile+cbor";
}

/// Why a profile is not published.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Not signed by the space authority.
    #[error("the profile does not verify")]
    Verify(#[from] VerifyError),
    /// Signed by the authority, yet it names another one.
    #[error("the profile names `{authority}` as the authority, who did not sign it")]
    Authority {
        /// The authority named.
        authority: Did,
    },
    /// Policies that are not acceptable Cedar, or that permit.
    #[error("the policies of the profile are refused")]
    Policies(#[from] InvalidPolicies),
    /// Operands that cannot have the meaning that the profile gives them.
    #[error("the ODRL operands of the profile are refused")]
    Operands(#[from] InvalidOperands),
    /// A part without which nothing can happen in the space.
    #[error("the profile needs {part}")]
    Missing {
        /// The missing part.
        part: &'static str,
    },
    /// [`Parameters::request_age_secs_max`] out of its range.
    #[error("requests may be 1 to {REQUEST_AGE_SECS_MAX} seconds old, the profile says {found}")]
    RequestAge {
        /// Seconds in the profile.
        found: u32,
    },
    /// [`Parameters::denials_per_minute`] out of its range.
    #[error(
        "1 to {DENIALS_PER_MINUTE_MAX} denials a minute can be recorded one by one, the profile says {found}"
    )]
    DenialRate {
        /// Denials a minute in the profile.
        found: u32,
    },
    /// A policy names a purpose, class, role or region that the space does not have.
    #[error(transparent)]
    Value(#[from] UnmatchedValue),
    /// Two names of one list that people would take for one: by letters that look alike, or by
    /// case. A rule about the one would not hold for the other.
    #[error("the {what} {one:?} and {other:?} look alike; give one of them another name")]
    LookAlike {
        /// `scenarios`, `roles`, `product classes` or `statements`.
        what: &'static str,
        /// One name.
        one: Name,
        /// The other.
        other: Name,
    },
    /// A scenario is part of one that the profile does not have.
    #[error("the scenario `{scenario}` is part of `{broader}`, which the profile does not have")]
    UnknownBroader {
        /// The scenario.
        scenario: Name,
        /// The missing part.
        broader: Name,
    },
    /// A scenario that is part of itself, or too many deep.
    #[error(
        "the scenario `{scenario}` is part of itself or has more than {BROADER_LEVELS_MAX} levels"
    )]
    Hierarchy {
        /// The scenario.
        scenario: Name,
    },
    /// A kind of statements that answers a fact is about something else in the profile.
    #[error("statements of the kind `{kind}` are about {expected}")]
    StatementKind {
        /// The kind.
        kind: Name,
        /// What it is about.
        expected: About,
    },
    /// A profile of another space.
    #[error("the profile is of the space {found}; this is the space {expected}")]
    Space {
        /// The space of the profile in force.
        expected: Box<SpaceId>,
        /// The space of the profile offered.
        found: Box<SpaceId>,
    },
    /// A version that does not follow the one in force.
    #[error("version {found} does not follow version {current} of the space `{space}`")]
    Version {
        /// The space.
        space: Name,
        /// The version in force.
        current: u64,
        /// The version offered.
        found: u64,
    },
}

/// A profile that passed every check, with its policies ready to decide.
#[derive(Debug)]
pub struct PublishedProfile {
    profile: Verified<SpaceProfile>,
    policies: Policies,
    purposes: BTreeMap<Name, BTreeSet<Name>>,
}

impl PublishedProfile {
    /// Checks a profile of the space whose authority is `authority`.
    ///
    /// # Errors
    /// [`ProfileError`]; a profile is refused as a whole.
    pub fn publish(
        profile: Signed<SpaceProfile>,
        authority: &Did,
        now: UnixMillis,
    ) -> Result<Self, ProfileError> {
        let profile = profile.verify(&DidKeys.keys(authority), now)?;
        let value = profile.value();
        if value.authority != *authority {
            return Err(ProfileError::Authority { authority: value.authority.clone() });
        }
        for (is_missing, part) in [
            (value.version == 0, "a version of 1 or more"),
            (value.scenarios.is_empty(), "a scenario"),
            (value.entities.roles.is_empty(), "a role"),
            (value.data.product_classes.is_empty(), "a product class"),
        ] {
            if is_missing {
                return Err(ProfileError::Missing { part });
            }
        }
        let found = value.parameters.request_age_secs_max;
        if found == 0 || found > REQUEST_AGE_SECS_MAX {
            return Err(ProfileError::RequestAge { found });
        }
        let found = value.parameters.denials_per_minute;
        if found == 0 || found > DENIALS_PER_MINUTE_MAX {
            return Err(ProfileError::DenialRate { found });
        }
        let vocabulary = value.vocabulary();
        for (what, names) in [
            ("scenarios", &vocabulary.purposes),
            ("roles", &vocabulary.roles),
            ("product classes", &vocabulary.classes),
            ("statements", &value.statements.keys().collect()),
        ] {
            check_looks(what, names)?;
        }
        for (kind, rule) in &value.statements {
            let expected = FactKind::of(kind).map_or(rule.about, FactKind::about);
            if rule.about != expected {
                return Err(ProfileError::StatementKind { kind: kind.clone(), expected });
            }
        }
        value.odrl.check()?;
        let policies = Policies::parse(&value.policies, Layer::Space)?;
        policies.check_values(&vocabulary)?;
        let purposes = hierarchy(&value.scenarios)?;
        Ok(Self { profile, policies, purposes })
    }

    /// Checks that this profile may follow `current`: same space, a later version.
    ///
    /// # Errors
    /// [`ProfileError::Space`] or [`ProfileError::Version`] otherwise.
    pub fn check_follows(&self, current: &Self) -> Result<(), ProfileError> {
        let (new, old) = (self.profile(), current.profile());
        let (expected, found) = (old.space_id(), new.space_id());
        if expected != found {
            let (expected, found) = (Box::new(expected), Box::new(found));
            return Err(ProfileError::Space { expected, found });
        }
        if new.version <= old.version {
            let (space, current, found) = (old.space.clone(), old.version, new.version);
            return Err(ProfileError::Version { space, current, found });
        }
        Ok(())
    }

    /// The profile.
    #[must_use]
    pub fn profile(&self) -> &SpaceProfile {
        self.profile.value()
    }

    /// The scenario and every broader one; `None` if the space does not have it.
    #[must_use]
    pub fn purposes(&self, scenario: &Name) -> Option<&BTreeSet<Name>> {
        self.purposes.get(scenario)
    }

    /// The profile as the authority signed it.
    #[must_use]
    pub fn signed(&self) -> &Signed<SpaceProfile> {
        self.profile.signed()
    }

    /// Reads an ODRL document, with the space's own operands.
    ///
    /// # Errors
    /// As [`OdrlPolicy::parse`].
    pub fn odrl(&self, text: &str) -> Result<OdrlPolicy, OdrlError> {
        OdrlPolicy::parse_in(text, &self.profile().odrl)
    }

    /// The clauses of terms, in the space's words for its own operands.
    #[must_use]
    pub fn clauses(&self, terms: &Terms) -> Vec<Clause> {
        terms.clauses_in(&self.profile().odrl)
    }

    /// The space's forbids.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }
}

/// For each scenario, itself and every broader one.
fn hierarchy(
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
