//! Who supplies facts.

use std::fmt;

/// Who supplies a fact. The crate's page has a table. A later one is worth less; the last one among
/// the facts of a clause gives its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// The space authority, in what it signed: credentials and the profile.
    Authority,
    /// A party that the space's profile trusts, in a signed statement.
    Trusted,
    /// The provider's node: its clock, its log, its register of products.
    Provider,
    /// The consumer, in its signed request.
    Consumer,
    /// Nobody yet: it is never known.
    Nobody,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Authority => "the space authority",
            Self::Trusted => "a party that the space trusts",
            Self::Provider => "the provider's node",
            Self::Consumer => "the consumer",
            Self::Nobody => "nobody",
        })
    }
}
