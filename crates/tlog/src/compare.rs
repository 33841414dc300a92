//! Two checkpoints of one log, held against each other.

use std::error::Error;

use dataspace_identity::Origin;
use dataspace_primitives::Digest;
use thiserror::Error;

use crate::note::checkpoint::Checkpoint;
use crate::published::static_files::StaticFiles;
use crate::published::static_log::{StaticLog, StaticLogError};
use crate::tree::hash::TreeSize;
use crate::tree::proof::{ConsistencyProof, ProofError};
use crate::witness::fork::{ForkError, ForkProof};

/// A log that can be asked what it was: a [`StaticLog`], or the `Log` of `dataspace-audit-log`.
pub trait History {
    /// Why it does not answer.
    type Error: Error + 'static;

    /// The root over the first `size` records.
    ///
    /// # Errors
    /// There are fewer, or the log is damaged.
    fn root_at(&mut self, size: TreeSize) -> Result<Digest, Self::Error>;

    /// The proof that the log of `to` records extends the one of `from`.
    ///
    /// # Errors
    /// There are fewer records, `from` is larger than `to`, or the log is damaged.
    fn consistency_proof(
        &mut self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, Self::Error>;
}

impl<F: StaticFiles> History for StaticLog<F> {
    type Error = StaticLogError;

    fn root_at(&mut self, size: TreeSize) -> Result<Digest, StaticLogError> {
        Self::root_at(self, size)
    }

    fn consistency_proof(
        &mut self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, StaticLogError> {
        Self::consistency_proof(self, from, to)
    }
}

/// What two checkpoints of one log say of each other.
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
pub enum CompareError<E: Error + 'static> {
    /// The checkpoints are of two logs.
    #[error("the checkpoints are of two logs, `{one}` and `{other}`")]
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
    History(#[source] E),
    /// The fork cannot be shown.
    #[error("the fork cannot be shown")]
    Fork(#[from] ForkError),
    /// The proof that the log gives is wrong.
    #[error("the consistency proof of the log is wrong")]
    Proof(#[from] ProofError),
}

/// Holds two checkpoints of one log against each other. `history` is the log under the larger of the
/// two trees, as far as the operator shows it: without it, checkpoints of different sizes say nothing
/// of each other. It is not asked where both are of one size.
///
/// # Errors
/// [`CompareError`].
pub fn compare<H: History>(
    one: &Checkpoint,
    other: &Checkpoint,
    history: &mut H,
) -> Result<Comparison, CompareError<H::Error>> {
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
    if history.root_at(to).map_err(CompareError::History)? != later.root() {
        return Err(CompareError::OtherHistory { size: to });
    }
    let root = history.root_at(from).map_err(CompareError::History)?;
    let proof = history.consistency_proof(from, to).map_err(CompareError::History)?;
    proof.verify(&root, &later.root())?;
    if root == earlier.root() {
        return Ok(Comparison::Extends(proof));
    }
    Ok(Comparison::Forked(Box::new(ForkProof::of_history(earlier, later, root, proof)?)))
}
