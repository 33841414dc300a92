use dataspace_primitives::Digest;

use crate::tree::{LeafIndex, Tree};

/// What is durable: the tree, where each record stands, and where the segment ends.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) tree: Tree,
    /// Offset of the length prefix of each record.
    starts: Vec<u64>,
    /// Offset after the last whole group.
    pub(crate) end: u64,
}

impl State {
    pub(crate) fn new(end: u64) -> Self {
        Self { tree: Tree::new(), starts: Vec::new(), end }
    }

    /// Takes in one durable group.
    pub(crate) fn extend(
        &mut self,
        starts: impl Iterator<Item = u64>,
        leaves: &[Digest],
        end: u64,
    ) {
        self.starts.extend(starts);
        for leaf in leaves {
            self.tree.push(*leaf);
        }
        self.end = end;
    }

    /// Where the record stands, and its leaf hash.
    pub(crate) fn locate(&self, index: LeafIndex) -> Option<(u64, Digest)> {
        let at = usize::try_from(index.as_u64()).ok()?;
        Some((*self.starts.get(at)?, *self.tree.leaf(index)?))
    }
}
