//! By which permit a view is read.

use dataspace_primitives::{Digest, Name};
use serde::{Deserialize, Serialize};

/// Which recorded permit lets a view be read, and of what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScanPermit {
    /// The contract's identifier.
    pub contract: Digest,
    /// The product.
    pub product: Name,
    /// Digest of the contract's duties ([`duties_digest`](crate::distributed::duties_digest)).
    pub duties: Digest,
    /// The log with the record of the permit: its origin.
    pub log: Name,
    /// The record's place in it.
    pub index: u64,
    /// Digest of the consumer's signed request.
    pub request: Digest,
}
