//! COSE receipts (RFC 9942): a proof and the operator's signature in the form that SCITT tools read.

pub mod cose;
pub(crate) mod error;

pub use self::cose::RECEIPT_LEN_MAX;
pub use self::error::ReceiptError;

use dataspace_identity::Origin;
use dataspace_primitives::{Digest, Signature};

use crate::note::checkpoint::Checkpoint;
use crate::receipt::cose::Proof;

use crate::tree::hash::{LeafIndex, TreeSize, leaf_hash};

/// That a record is in a log, or that a log extends an earlier state of itself, in one file of at
/// most [`RECEIPT_LEN_MAX`] bytes: a COSE_Sign1 with the proof in its unprotected header and the root
/// as its detached payload. Says nothing until verified.
///
/// The signature covers log, size and root, as a checkpoint's does: anyone who has the tree can make
/// receipts for other records from one receipt, but none for a record that is not in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    bytes: Vec<u8>,
    origin: Origin,
    proof: Proof,
    signature: Signature,
}

/// A record that is in the log, by the operator's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedReceipt {
    state: SignedState,
    index: LeafIndex,
    leaf: Digest,
}

/// An earlier state that the log extends, by the operator's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedExtension {
    state: SignedState,
    earlier: TreeSize,
}

/// What the operator signed with a receipt: the same as with a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedState {
    origin: Origin,
    size: TreeSize,
    root: Digest,
}

impl Receipt {
    /// The bytes of the receipt, tagged: an element of the header `receipts` (394) as well.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Decodes a receipt, without believing anything in it.
    ///
    /// # Errors
    /// [`ReceiptError`] if it is too long, or not byte for byte one that this library writes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let (origin, proof, signature) = cose::read(bytes)?;
        Ok(Self { bytes: bytes.to_vec(), origin, proof, signature })
    }

    /// The log that the receipt *says* it is of; use it to look a log up, never to decide.
    #[must_use]
    pub fn claimed_origin(&self) -> &Origin {
        &self.origin
    }

    /// Checks that `record` is in the log `origin`, by the key that the origin holds.
    ///
    /// # Errors
    /// [`ReceiptError`] if this receipt does not prove it.
    pub fn verify(&self, record: &[u8], origin: &Origin) -> Result<VerifiedReceipt, ReceiptError> {
        self.verify_leaf(&leaf_hash(record), origin)
    }

    /// As [`verify`](Self::verify), given only the record's leaf hash: for one that was archived, say.
    /// The hash must come from somebody who saw the record.
    ///
    /// # Errors
    /// [`ReceiptError`] if this receipt does not prove it.
    pub fn verify_leaf(
        &self,
        leaf: &Digest,
        origin: &Origin,
    ) -> Result<VerifiedReceipt, ReceiptError> {
        let Proof::Inclusion(proof) = &self.proof else { return Err(ReceiptError::Kind) };
        let state = self.verify_root(proof.led_to(leaf)?, origin)?;
        Ok(VerifiedReceipt { state, index: proof.index, leaf: *leaf })
    }

    /// Checks that the log extends the state under `earlier`, a checkpoint that was kept.
    ///
    /// # Errors
    /// [`ReceiptError`] if this receipt does not prove it.
    pub fn verify_extends(&self, earlier: &Checkpoint) -> Result<VerifiedExtension, ReceiptError> {
        let Proof::Consistency(proof) = &self.proof else { return Err(ReceiptError::Kind) };
        let (from, size) = (proof.from, earlier.size());
        if from != size {
            return Err(ReceiptError::Earlier { from, size });
        }
        let state = self.verify_root(proof.led_to(&earlier.root())?, earlier.origin())?;
        Ok(VerifiedExtension { state, earlier: size })
    }

    /// Checks that the operator signed `root` for this log and size.
    fn verify_root(&self, root: Digest, origin: &Origin) -> Result<SignedState, ReceiptError> {
        if self.origin != *origin {
            return Err(ReceiptError::Origin { expected: origin.clone() });
        }
        let size = self.proof.size();
        let bytes = cose::to_be_signed(origin, size, &root);
        let key = origin.key();
        if !key.is_ok_and(|key| key.verifies(&bytes, &self.signature)) {
            return Err(ReceiptError::Signature);
        }
        Ok(SignedState { origin: origin.clone(), size, root })
    }
}

impl VerifiedReceipt {
    /// The state that the operator signed.
    #[must_use]
    pub fn state(&self) -> &SignedState {
        &self.state
    }

    /// The record's place in the log.
    #[must_use]
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// The record's leaf hash.
    #[must_use]
    pub fn leaf(&self) -> Digest {
        self.leaf
    }
}

impl VerifiedExtension {
    /// The later state, which the operator signed.
    #[must_use]
    pub fn state(&self) -> &SignedState {
        &self.state
    }

    /// The size of the earlier state, which the later one begins with.
    #[must_use]
    pub fn earlier(&self) -> TreeSize {
        self.earlier
    }
}

impl SignedState {
    /// The log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The size of the tree.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        self.size
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.root
    }
}
