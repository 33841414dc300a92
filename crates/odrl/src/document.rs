//! What a document is read into.

use dataspace_policy::Terms;
use dataspace_primitives::UnixMillis;

/// An ODRL document: the terms, and what else it says.
///
/// The rest is not part of the terms: compare it with the contract's parties, product and time before
/// the contract is concluded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OdrlPolicy {
    /// What the rules say. [`Terms::check`] holds.
    pub terms: Terms,
    /// `@type`.
    pub kind: Option<OdrlKind>,
    /// `@id`.
    pub id: Option<String>,
    /// `target`: the product.
    pub target: Option<String>,
    /// `assigner`: the provider.
    pub assigner: Option<String>,
    /// `assignee`: the consumer.
    pub assignee: Option<String>,
    /// `timestamp`: when it was agreed.
    pub timestamp: Option<UnixMillis>,
}

/// Kinds of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OdrlKind {
    /// Rules by themselves.
    Set,
    /// What a provider offers.
    Offer,
    /// What was agreed.
    Agreement,
}
