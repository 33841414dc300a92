use dataspace_identity::Origin;
use dataspace_primitives::cbor::DecodeError;
use thiserror::Error;

use crate::tree::hash::TreeSize;
use crate::tree::proof::ProofError;

/// Why bytes are not a receipt, or a receipt does not prove what it was asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// The receipt, or the proof in it, is not deterministic CBOR, or too long.
    #[error("the receipt is not deterministic CBOR")]
    Form(#[from] DecodeError),
    /// Not tagged as a COSE_Sign1.
    #[error("the receipt does not begin with the tag of a COSE_Sign1")]
    Tag,
    /// Not COSE.
    #[error("the receipt is not a COSE_Sign1")]
    Cose,
    /// It carries a payload. Here a verifier computes the root, and is not told it.
    #[error("the receipt carries a payload")]
    Attached,
    /// Headers, algorithms, keys or proofs that no receipt of this library has.
    #[error("the receipt carries headers or proofs that do not belong to its log")]
    Headers,
    /// A receipt of another log.
    #[error("the receipt belongs to another log than `{expected}`")]
    Origin {
        /// The log asked for.
        expected: Origin,
    },
    /// It proves that a log extends another state where a record was to be proved, or the reverse.
    #[error("the receipt proves something other than what was asked")]
    Kind,
    /// It extends another state than the checkpoint's.
    #[error("the receipt extends a log of {from} records, the checkpoint covers {size}")]
    Earlier {
        /// The size of the state that the receipt extends.
        from: TreeSize,
        /// The size under the checkpoint.
        size: TreeSize,
    },
    /// The path leads to no root.
    #[error("the proof in the receipt does not hold")]
    Proof(#[from] ProofError),
    /// The operator did not sign the root that the proof leads to. Deliberately without details: the
    /// record may be another one, or the receipt was changed.
    #[error("the operator did not sign the root that record and receipt lead to")]
    Signature,
}
