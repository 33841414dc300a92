//! The lists that values of facts are taken from.

use std::fmt;

/// What a value is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ValueKind {
    /// A scenario of the space's profile.
    Purpose,
    /// A class of products in the space's profile.
    Class,
    /// A role of participants in the space's profile.
    Role,
    /// A country of ISO 3166-1.
    Region,
    /// The DID of a participant.
    Participant,
    /// The name of a space.
    Space,
    /// A contract's identifier.
    Contract,
    /// A state of a payment.
    Payment,
    /// A day of the week, 1 to 7.
    Weekday,
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Purpose => "purpose",
            Self::Class => "product class",
            Self::Role => "role",
            Self::Region => "region",
            Self::Participant => "participant",
            Self::Space => "space",
            Self::Contract => "contract",
            Self::Payment => "payment",
            Self::Weekday => "weekday",
        })
    }
}
