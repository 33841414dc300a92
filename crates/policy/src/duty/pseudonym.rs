//! What pseudonyms can be joined with.

use std::fmt;

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

use crate::phrase::quoted;

/// The contracts in which equal values have one pseudonym.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PseudonymScope {
    /// This contract alone.
    Contract,
    /// All contracts of this consumer with this provider's node, and no other consumer's.
    Consumer,
}

impl PseudonymScope {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Contract, Self::Consumer];

    /// Its name in ODRL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Consumer => "consumer",
        }
    }
}

/// Completes the sentence that begins with the column: `by pseudonyms of …`.
pub(super) fn words(
    f: &mut fmt::Formatter<'_>,
    column: &Name,
    scope: PseudonymScope,
    domain: Option<&Name>,
) -> fmt::Result {
    let scope = match scope {
        PseudonymScope::Contract => "in this contract and in no other",
        PseudonymScope::Consumer => {
            "in all contracts of this consumer with this provider, and not with those of others"
        }
    };
    if let Some(domain) = domain {
        let domain = quoted(domain);
        write!(f, "by pseudonyms of the domain {domain}: equal values of all columns with ")?;
        return write!(f, "pseudonyms of {domain} can be joined, {scope}");
    }
    write!(f, "by pseudonyms of this consumer: equal values of columns ")?;
    write!(f, "{} with such pseudonyms can be joined, {scope}", quoted(column))
}
