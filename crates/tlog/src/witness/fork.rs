//! One file that shows anybody that a log's operator signed two histories.

use dataspace_identity::Origin;
use dataspace_primitives::Digest;
use dataspace_primitives::cbor::{self, DecodeError, EncodeError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::note::checkpoint::{Checkpoint, CheckpointError};
use crate::tree::Tree;
use crate::tree::hash::TreeError;
use crate::tree::proof::{ConsistencyProof, PATH_LEN_MAX, ProofError};
use crate::witness::finding::Finding;

/// Longest fork proof, in bytes.
pub const FORK_LEN_MAX: usize = 16_384;

/// Two checkpoints of one log that cannot both be true, and what shows it: one file, verifiable
/// by anybody who knows the log's origin. Says nothing until verified.
///
/// # What can be proved, and what cannot
/// - **Two roots for one size**: both are signed, that is all.
/// - **A later checkpoint that does not extend an earlier one**: a path from another root at the
///   earlier size up to the later checkpoint's root. It pins down what the later tree began with,
///   and that is not what was signed. The path comes from the later tree; an operator that shows
///   nobody its later tree gives nobody this proof, but then it cannot prove consistency either.
/// - **A rollback alone cannot be proved.** A checkpoint bears no time, and an old one can be
///   shown again by anybody. Who holds one of m records and is shown fewer knows that it is not
///   shown the newest, and can show nobody whose fault that is. As soon as the log grows beyond
///   m again with other records, it is a fork. Cosignatures bear times: they tell how fresh a
///   view is, and catch a witness that rolls back; not the operator.
///
/// An honest operator cannot be accused: to make such a proof without two contradicting signatures of the
/// operator, one must find a collision of SHA-256 or forge a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ForkProof {
    v: u8,
    earlier: String,
    later: String,
    /// The root of the later tree at the earlier one's size.
    root: Digest,
    /// The consistency proof from there to the later checkpoint.
    path: Vec<Digest>,
}

/// Why a fork is not shown.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ForkError {
    /// Not a fork proof.
    #[error("the bytes are not a fork proof")]
    Decode(#[from] DecodeError),
    /// A version of the format that this library does not know.
    #[error("fork proof version {found} is not known here")]
    Version {
        /// The version found.
        found: u8,
    },
    /// More than [`PATH_LEN_MAX`] hashes.
    #[error("the fork proof holds more hashes than any log needs")]
    TooMany,
    /// A checkpoint does not verify, or is of another log.
    #[error("a checkpoint of the fork proof does not verify")]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoints are not in order, or have other signatures than the operator's one.
    #[error("the checkpoints are not in their one order and form")]
    Order,
    /// The later tree begins with the earlier one, so that nothing is contradicted.
    #[error("the checkpoints do not contradict each other")]
    Consistent,
    /// The path does not lead to the later root.
    #[error("the path does not show what the later tree began with")]
    Proof(#[from] ProofError),
    /// The tree given is not the one of the later checkpoint.
    #[error("the tree given is not the one of the later checkpoint")]
    Tree(#[from] TreeError),
}

impl ForkProof {
    /// The version of the format that this library writes.
    pub const VERSION: u8 = 1;

    /// From two checkpoints of one size with different roots.
    ///
    /// # Errors
    /// [`ForkError`] if they do not contradict each other.
    pub fn of_one_size(one: &Checkpoint, other: &Checkpoint) -> Result<Self, ForkError> {
        let (one, other) = (one.to_bare()?, other.to_bare()?);
        let (earlier, later) = if one.text() < other.text() { (one, other) } else { (other, one) };
        Self::new(&earlier, &later, later.root(), Vec::new())
    }

    /// From two checkpoints and the tree under the later one, which somebody has who can read the
    /// log.
    ///
    /// # Errors
    /// [`ForkError`] if the tree is not the one of `later`, or nothing is contradicted.
    pub fn of_tree(
        earlier: &Checkpoint,
        later: &Checkpoint,
        tree: &Tree,
    ) -> Result<Self, ForkError> {
        let root = tree.root_at(earlier.size())?;
        let proof = tree.consistency_proof(earlier.size(), later.size())?;
        Self::new(&earlier.to_bare()?, &later.to_bare()?, root, proof.path)
    }

    /// From two checkpoints and a consistency proof that leads to the later root, but not from
    /// the earlier one. `None` if this proof shows no contradiction: most do not.
    #[must_use]
    pub fn of_path(earlier: &Checkpoint, later: &Checkpoint, path: &[Digest]) -> Option<Self> {
        if earlier.size() == later.size() {
            return Self::of_one_size(earlier, later).ok();
        }
        let proof =
            ConsistencyProof { from: earlier.size(), to: later.size(), path: path.to_vec() };
        let root = proof.shown_from_root(&later.root())?;
        Self::new(&earlier.to_bare().ok()?, &later.to_bare().ok()?, root, proof.path).ok()
    }

    /// From two checkpoints and what the log under the later one says of the earlier size.
    pub(crate) fn of_history(
        earlier: &Checkpoint,
        later: &Checkpoint,
        root: Digest,
        proof: ConsistencyProof,
    ) -> Result<Self, ForkError> {
        Self::new(&earlier.to_bare()?, &later.to_bare()?, root, proof.path)
    }

    fn new(
        earlier: &Checkpoint,
        later: &Checkpoint,
        root: Digest,
        path: Vec<Digest>,
    ) -> Result<Self, ForkError> {
        let (earlier_note, later_note) = (earlier.as_note().to_owned(), later.as_note().to_owned());
        let proof = Self { v: Self::VERSION, earlier: earlier_note, later: later_note, root, path };
        // WHY: an accusation that does not hold would be found out only when it is made.
        proof.verify(earlier.origin())?;
        Ok(proof)
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// [`EncodeError`] never for a proof that was made or decoded here.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        cbor::to_canonical(self)
    }

    /// Decodes a file, without believing anything in it.
    ///
    /// # Errors
    /// [`ForkError`] if it is too long, malformed, or not in its one encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ForkError> {
        let proof: Self = cbor::from_canonical(bytes, FORK_LEN_MAX)?;
        if proof.v != Self::VERSION {
            return Err(ForkError::Version { found: proof.v });
        }
        if proof.path.len() > PATH_LEN_MAX { Err(ForkError::TooMany) } else { Ok(proof) }
    }

    /// The log that the file *claims* to be about; use it to find out whom to ask.
    ///
    /// # Errors
    /// [`ForkError::Checkpoint`] if the first line is not an origin.
    pub fn claimed_origin(&self) -> Result<Origin, ForkError> {
        Ok(Checkpoint::claimed_origin(&self.earlier)?)
    }

    /// Checks that the operator of the log `origin` signed both checkpoints, and that they
    /// contradict each other.
    ///
    /// # Errors
    /// [`ForkError`] names the first thing that does not hold.
    pub fn verify(&self, origin: &Origin) -> Result<VerifiedFork, ForkError> {
        let earlier = Checkpoint::verify(&self.earlier, origin)?;
        let later = Checkpoint::verify(&self.later, origin)?;
        let (from, to) = (earlier.size(), later.size());
        if self.root == earlier.root() || (from == to && later.root() == earlier.root()) {
            return Err(ForkError::Consistent);
        }
        let is_bare = earlier.to_bare()? == earlier && later.to_bare()? == later;
        if !is_bare || (from, earlier.text()) > (to, later.text()) {
            return Err(ForkError::Order);
        }
        match self.path.len() {
            // What the later tree has at its own size needs no proof.
            0 if from == to && self.root == later.root() => {}
            len if from == to => return Err(ProofError::PathLen { len }.into()),
            _ => {
                let proof = ConsistencyProof { from, to, path: self.path.clone() };
                proof.verify(&self.root, &later.root())?;
            }
        }
        Ok(VerifiedFork { earlier, later })
    }
}

/// Two checkpoints that [`ForkProof::verify`] found to contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedFork {
    earlier: Checkpoint,
    later: Checkpoint,
}

impl VerifiedFork {
    /// The checkpoint of the smaller tree, or the first of two of one size.
    #[must_use]
    pub fn earlier(&self) -> &Checkpoint {
        &self.earlier
    }

    /// The checkpoint that contradicts it.
    #[must_use]
    pub fn later(&self) -> &Checkpoint {
        &self.later
    }

    /// In plain words, what is proved, and what is not.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let (origin, m, n) = (self.earlier.origin(), self.earlier.size(), self.later.size());
        let (one, other) = (self.earlier.root(), self.later.root());
        let contradiction = if m == n {
            format!("these are two different histories of {m} records")
        } else {
            format!("the history of {n} records does not begin with the one of {m}")
        };
        let proved = [
            format!("the operator of the log {origin} signed a tree of {m} records, root {one}"),
            format!("the same key signed a tree of {n} records, root {other}"),
            format!("{contradiction}: the holder of that key broke its promise to only append"),
        ];
        let not_proved = [
            "which of the two histories is true",
            "which was signed first: checkpoints bear no time",
            "whether the operator did it, or somebody who has the operator's key",
            "which records differ: that takes the records themselves",
        ];
        let not_proved = not_proved.map(|text| Finding::NotProved(text.to_owned()));
        proved.map(Finding::Proved).into_iter().chain(not_proved).collect()
    }
}
