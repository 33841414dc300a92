//! Who agreed with whom.

use dataspace_identity::{Did, MembershipCredential};
use dataspace_primitives::Name;
use serde_json::Value;

use crate::json::object;

/// The two who signed a contract.
pub(super) struct Parties {
    pub(super) provider: Party,
    pub(super) consumer: Party,
}

/// A participant, by the credential that it had when the contract was concluded.
pub(super) struct Party(pub(super) MembershipCredential);

impl Party {
    pub(super) fn did(&self) -> &Did {
        &self.0.subject
    }

    pub(super) fn name(&self) -> &str {
        self.0.name.as_str()
    }

    pub(super) fn to_json(&self) -> Value {
        let roles: Vec<_> = self.0.roles.iter().map(Name::as_str).collect();
        object! {
            "did": self.did().as_str(),
            "name": self.name(),
            "region": self.0.region.to_string(),
            "roles": roles,
        }
    }
}

impl Parties {
    /// The name of one of them.
    pub(super) fn name_of<'a>(&'a self, did: &'a Did) -> &'a str {
        let parties = [&self.provider, &self.consumer];
        parties.into_iter().find(|one| one.did() == did).map_or(did.as_str(), Party::name)
    }
}
