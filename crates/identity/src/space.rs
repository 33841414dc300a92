use std::fmt;

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

use crate::did::Did;

/// Which space: its authority, and the name that the authority gave it. Every signed document of a
/// space names it, so that a document of one space says nothing in another one: neither in another
/// space of the same authority, nor in a space of the same name elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SpaceId {
    /// Who founds the space and admits its members.
    pub authority: Did,
    /// Which of the authority's spaces.
    pub name: Name,
}

impl SpaceId {
    /// The space `name` of `authority`.
    #[must_use]
    pub fn new(authority: Did, name: Name) -> Self {
        Self { authority, name }
    }
}

impl fmt::Display for SpaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.name, self.authority)
    }
}
