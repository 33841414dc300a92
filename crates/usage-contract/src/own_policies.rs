use dataspace_identity::Did;
use dataspace_policy::{InvalidPolicies, Layer, Policies, UnmatchedValue, Vocabulary};
use dataspace_primitives::{Name, Payload, Signed, UnixMillis, Verified, VerifyError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A provider's own policies for all its products in a space, signed by it: they forbid, whatever
/// its contracts permit. Each statement replaces the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProviderPolicies {
    /// The space in which they hold.
    pub space: Name,
    /// Whose they are, and who signs.
    pub provider: Did,
    /// 1 for the first statement, and one more for each after it.
    pub version: u64,
    /// Cedar text; each policy has an `@id` and forbids. Empty: there are none any more.
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
    /// Signed by the provider, for another space or in another name.
    #[error("the policies are of `{provider}` in the space {space}")]
    Elsewhere {
        /// The provider that they name.
        provider: Did,
        /// The space that they name.
        space: Name,
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
    /// Takes in what `provider` signed for `space`, to follow on `last`. What a policy names must be in
    /// the `vocabulary` of the space's profile in force; a later profile need not have it.
    ///
    /// # Errors
    /// [`ProviderPoliciesError`]; what was in force stays so.
    pub fn publish(
        statement: Signed<ProviderPolicies>,
        (space, provider): (&Name, &Did),
        vocabulary: &Vocabulary<'_>,
        last: Option<&Self>,
        now: UnixMillis,
    ) -> Result<Self, ProviderPoliciesError> {
        let statement = statement.verify(&Did::trust_all([provider]), now)?;
        let ProviderPolicies { space: of, provider: by, version: found, cedar } = statement.value();
        if (of, by) != (space, provider) {
            let (provider, space) = (by.clone(), of.clone());
            return Err(ProviderPoliciesError::Elsewhere { provider, space });
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

    /// What forbids.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }
}
