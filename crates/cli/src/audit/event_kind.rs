//! Kinds of events, to choose and to name.

use clap::ValueEnum;

/// Kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum EventKind {
    /// The authority published a profile of the space
    Profile,
    /// A participant was admitted
    Admission,
    /// A membership was revoked
    Revocation,
    /// The keys of a participant were stated
    Keys,
    /// A product was registered
    Product,
    /// A contract became active
    Contract,
    /// A contract was ended
    Termination,
    /// A consumer stated that it deleted the keys of a contract
    Deletion,
    /// The provider changed its own policies
    Policies,
    /// A party that the space trusts stated something
    Statement,
    /// Segments were archived
    Archive,
    /// The operator opened the node
    Opened,
    /// The operator set the clock back, which ended all contracts
    ClockSetBack,
    /// Denials of a consumer were recorded as a number
    Denials,
    /// An access was decided
    Access,
    /// A release ended: what left
    Release,
    /// A consumer keeps an offer
    Offer,
    /// A consumer accepted an offer
    Acceptance,
    /// A consumer asked for an access
    Request,
    /// What came to a consumer in answer to a request
    Answer,
    /// A consumer decided on opening a sealed file
    Opening,
    /// Something else: of another version, or no record at all
    Other,
}

impl EventKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Admission => "admission",
            Self::Revocation => "revocation",
            Self::Keys => "keys",
            Self::Product => "product",
            Self::Contract => "contract",
            Self::Termination => "termination",
            Self::Deletion => "deletion",
            Self::Policies => "policies",
            Self::Statement => "statement",
            Self::Archive => "archive",
            Self::Opened => "opened",
            Self::ClockSetBack => "clock-set-back",
            Self::Denials => "denials",
            Self::Access => "access",
            Self::Release => "release",
            Self::Offer => "offer",
            Self::Acceptance => "acceptance",
            Self::Request => "request",
            Self::Answer => "answer",
            Self::Opening => "opening",
            Self::Other => "other",
        }
    }
}
