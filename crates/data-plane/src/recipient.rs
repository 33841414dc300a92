//! Whom data are for.

/// For whom data are opened: what the secrets of their duties are derived for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient<'a> {
    /// The contract, by its identifier.
    pub contract: &'a [u8],
    /// The consumer of the contract, by its DID.
    pub consumer: &'a str,
}
