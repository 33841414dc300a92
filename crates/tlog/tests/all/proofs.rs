//! What a branch shows of itself.

use dataspace_primitives::Digest;
use dataspace_tlog::{TreeSize, tree::Tree};

use crate::support::Branch;

impl Branch {
    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The path of the consistency proof; empty if there is none.
    pub(crate) fn path(&self, from: u64, to: u64) -> Vec<Digest> {
        let proof = self.tree.consistency_proof(TreeSize::new(from), TreeSize::new(to));
        proof.map(|proof| proof.path).unwrap_or_default()
    }
}
