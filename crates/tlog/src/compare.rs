//! Comparison of two checkpoints of one log.

use dataspace_identity::Origin;
use thiserror::Error;

use crate::log_reader::{LogReader, LogReaderError};
use crate::note::checkpoint::Checkpoint;
use crate::tree::hash::TreeSize;
use crate::tree::proof::{ConsistencyProof, ProofError};
use crate::witness::fork::{ForkError, ForkProof};

/// Result of comparing two checkpoints of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Comparison {
    /// They are of the same tree.
    Same,
    /// The larger tree extends the smaller one; the proof, which is verified, shows it to others.
    Extends(ConsistencyProof),
    /// They contradict each other; the proof, which is verified, shows it to others.
    Forked(Box<ForkProof>),
}

/// Why two checkpoints cannot be compared.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CompareError {
    /// The checkpoints are of two logs.
    #[error("the checkpoints belong to two logs, `{one}` and `{other}`")]
    Origins {
        /// The log of the one.
        one: Origin,
        /// The log of the other.
        other: Origin,
    },
    /// The log that was given is not the one under the later checkpoint, so that it shows nothing.
    #[error(
        "the log that was given does not begin with the {size} records of the later checkpoint"
    )]
    OtherHistory {
        /// Records under the later checkpoint.
        size: TreeSize,
    },
    /// The log does not answer.
    #[error("the log under the later checkpoint cannot be read")]
    Log(#[source] LogReaderError),
    /// The fork cannot be shown.
    #[error("the fork cannot be shown")]
    Fork(#[from] ForkError),
    /// The proof that the log gives is wrong.
    #[error("the consistency proof of the log is wrong")]
    Proof(#[from] ProofError),
}

/// Compares two checkpoints of one log. `log` is the log under the larger of the two trees, as far as the
/// operator shows it: without it, checkpoints of different sizes say nothing about each other. It is not
/// asked if both have the same size.
///
/// # Errors
/// [`CompareError`].
pub fn compare(
    one: &Checkpoint,
    other: &Checkpoint,
    log: &dyn LogReader,
) -> Result<Comparison, CompareError> {
    if one.origin() != other.origin() {
        let (one, other) = (one.origin().clone(), other.origin().clone());
        return Err(CompareError::Origins { one, other });
    }
    let (earlier, later) = if one.size() <= other.size() { (one, other) } else { (other, one) };
    let (from, to) = (earlier.size(), later.size());
    if from == to {
        return Ok(if earlier.root() == later.root() {
            Comparison::Same
        } else {
            Comparison::Forked(Box::new(ForkProof::of_one_size(earlier, later)?))
        });
    }
    if log.root_at(to).map_err(CompareError::Log)? != later.root() {
        return Err(CompareError::OtherHistory { size: to });
    }
    let root = log.root_at(from).map_err(CompareError::Log)?;
    let proof = log.consistency_proof(from, to).map_err(CompareError::Log)?;
    proof.verify(&root, &later.root())?;
    if root == earlier.root() {
        return Ok(Comparison::Extends(proof));
    }
    Ok(Comparison::Forked(Box::new(ForkProof::of_history(earlier, later, root, proof)?)))
}
