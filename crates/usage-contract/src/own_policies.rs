//! A provider's own policies.

use dataspace_identity::{Origin, Resolver, SpaceId};
use dataspace_policy::{
    Layer, Policies, Vocabulary, named::UnmatchedValue, policies::InvalidPolicies,
};
use dataspace_primitives::{Payload, Signed, UnixMillis, Verified, signed::VerifyError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A provider's own policies for all its products in a space, signed by it: they forbid, whatever
/// its contracts permit. Each statement replaces the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProviderPolicies {
    /// The space in which they hold.
    pub space: SpaceId,
    /// The node where they hold; its operator is the provider, who signs.
    pub log: Origin,
    /// 1 for the first statement, and one more for each after it.
    pub version: u64,
    /// Cedar text; each policy has an `@id` and forbids. Empty: the policies are withdrawn.
    pub cedar: String,
}

impl Payload for ProviderPolicies {
    const TYPE: &'static str = "application/vnd.dataspace.provider-policies+cbor";
}

/// A provider's policies that passed every check, ready to decide.
#[derive(Debug)]
pub struct PublishedPolicies {
    statement: Verified<ProviderPolicies>,
    policies: Policies,
}

/// Why a provider's policies are refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProviderPoliciesError {
    /// The provider did not sign them.
    #[error("the provider's policies do not verify")]
    Verify(#[from] VerifyError),
    /// Signed by the provider, for another space.
    #[error("the policies are for the space {found}; this is the space {expected}")]
    Space {
        /// This space.
        expected: Box<SpaceId>,
        /// The space that they name.
        found: Box<SpaceId>,
    },
    /// Signed by the provider, for another one of its nodes.
    #[error("the policies are for the log `{found}`; this is the log `{expected}`")]
    Log {
        /// This node's log.
        expected: Origin,
        /// The log that they name.
        found: Origin,
    },
    /// An older statement must not come back, and none may be left out.
    #[error("the policies have version {found}; the next one is {expected}")]
    Version {
        /// The version that would follow.
        expected: u64,
        /// The version found.
        found: u64,
    },
    /// The text is not acceptable Cedar, or permits something.
    #[error(transparent)]
    Policies(#[from] InvalidPolicies),
    /// A policy names a purpose, class, role or region that the space does not have.
    #[error(transparent)]
    Value(#[from] UnmatchedValue),
}

impl PublishedPolicies {
    /// Takes in what the operator of `log` signed for `space` and this node, to follow on `last`. What a
    /// policy names must be in the `vocabulary` of the space's profile in force; a later profile need
    /// not have it.
    ///
    /// # Errors
    /// [`ProviderPoliciesError`]; what was in force stays so.
    pub fn publish(
        statement: Signed<ProviderPolicies>,
        (space, log): (&SpaceId, &Origin),
        vocabulary: &Vocabulary<'_>,
        last: Option<&Self>,
        resolver: &dyn Resolver,
        now: UnixMillis,
    ) -> Result<Self, ProviderPoliciesError> {
        let statement = statement.verify(&resolver.keys(log.operator()), now)?;
        let ProviderPolicies { space: of, log: on, version: found, cedar } = statement.value();
        if of != space {
            let (expected, found) = (Box::new(space.clone()), Box::new(of.clone()));
            return Err(ProviderPoliciesError::Space { expected, found });
        }
        if on != log {
            let (expected, found) = (log.clone(), on.clone());
            return Err(ProviderPoliciesError::Log { expected, found });
        }
        let (expected, found) = (Self::next_version(last), *found);
        if found != expected {
            return Err(ProviderPoliciesError::Version { expected, found });
        }
        let policies = Policies::parse(cedar, Layer::Provider)?;
        policies.check_values(vocabulary)?;
        Ok(Self { statement, policies })
    }

    /// The version of the statement that follows on `last`.
    #[must_use]
    pub fn next_version(last: Option<&Self>) -> u64 {
        last.map_or(0, |last| last.statement.value().version).saturating_add(1)
    }

    /// The statement.
    #[must_use]
    pub fn statement(&self) -> &ProviderPolicies {
        self.statement.value()
    }

    /// The statement as signed.
    #[must_use]
    pub fn signed(&self) -> &Signed<ProviderPolicies> {
        self.statement.signed()
    }

    /// The compiled policies.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }
}
