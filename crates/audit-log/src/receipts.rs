//! Receipts for what is in a log, signed by its operator.

use dataspace_primitives::{Signer, key::SignerError};
use dataspace_tlog::engine::cose::{self, Proof};
use dataspace_tlog::{
    Checkpoint, LeafIndex, Receipt, TreeSize, log_reader::ExtendsError, receipt::ReceiptError,
};
use thiserror::Error;

use crate::log::Log;
use crate::reader::ProveError;

/// Why a receipt is not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SignReceiptError {
    /// The log does not hold what the checkpoint covers.
    #[error("the checkpoint is not of this log")]
    Checkpoint(#[from] ExtendsError),
    /// The log has no such proof.
    #[error("the log does not prove it")]
    Prove(#[from] ProveError),
    /// Every log extends the empty one and itself; no receipt is needed.
    #[error("nothing to prove between a log of {from} records and one of {to}")]
    NothingToProve {
        /// The size of the earlier state.
        from: TreeSize,
        /// The size of the later state.
        to: TreeSize,
    },
    /// The signer does not hold the operator's key.
    #[error("the signer does not hold the key of the log's operator")]
    NotOperator,
    /// The key cannot be used.
    #[error("the key of the log's operator did not sign")]
    Signer(#[from] SignerError),
    /// The receipt cannot be written.
    #[error("the receipt cannot be put together")]
    Form(#[from] ReceiptError),
}

impl Log {
    /// The receipt for the record at `index`, from the root of `checkpoint`, which this log must hold.
    ///
    /// # Errors
    /// [`SignReceiptError`] if the record is not under the checkpoint, or `signer` is not the
    /// operator.
    pub fn inclusion_receipt(
        &self,
        index: LeafIndex,
        checkpoint: &Checkpoint,
        signer: &dyn Signer,
    ) -> Result<Receipt, SignReceiptError> {
        self.verify_extends(checkpoint)?;
        let proof = self.inclusion_proof(index, checkpoint.size())?;
        sign(checkpoint, &Proof::Inclusion(proof), signer)
    }

    /// A receipt that this log extends its first `from` records, signed over the root of `checkpoint`, which
    /// it must hold.
    ///
    /// # Errors
    /// [`SignReceiptError`] if there is no such extension, or `signer` is not the operator.
    pub fn consistency_receipt(
        &self,
        from: TreeSize,
        checkpoint: &Checkpoint,
        signer: &dyn Signer,
    ) -> Result<Receipt, SignReceiptError> {
        let to = checkpoint.size();
        if from == TreeSize::EMPTY || from == to {
            return Err(SignReceiptError::NothingToProve { from, to });
        }
        self.verify_extends(checkpoint)?;
        let proof = self.consistency_proof(from, to)?;
        sign(checkpoint, &Proof::Consistency(proof), signer)
    }
}

fn sign(
    checkpoint: &Checkpoint,
    proof: &Proof,
    signer: &dyn Signer,
) -> Result<Receipt, SignReceiptError> {
    let origin = checkpoint.origin();
    if signer.key_id().as_str() != origin.key_url() {
        return Err(SignReceiptError::NotOperator);
    }
    let bytes = cose::to_be_signed(origin, proof.size(), &checkpoint.root());
    let signature = signer.sign(&bytes)?;
    let key = origin.key();
    if !key.is_ok_and(|key| key.verifies(&bytes, &signature)) {
        return Err(SignReceiptError::NotOperator);
    }
    Ok(Receipt::from_bytes(&cose::write(origin, proof, &signature)?)?)
}
