//! Whom data are for.

/// For whom data are opened: what the secrets of their duties are derived for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient<'a> {
    /// The contract, by its identifier: in a node, the 32 bytes of its SHA-256.
    pub contract: &'a [u8],
    /// The consumer of the contract, by its DID.
    pub consumer: &'a str,
}
