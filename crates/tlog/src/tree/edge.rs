use dataspace_primitives::Digest;

use crate::tree::hash::TreeSize;
use crate::tree::hash_tile::{edge_root, fold};
use crate::tree::tile::{TILE_LEVEL_MAX, TILE_WIDTH, TileId};

/// The right edge of a growing tree: the hashes of its partial tiles, and no others, so at most
/// 64 KiB for a log of any length.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    size: u64,
    levels: [Vec<Digest>; TILE_LEVEL_MAX as usize + 1],
}

impl Edge {
    /// The edge of the tree of `size` leaves, whose partial tiles have these hashes.
    pub(crate) fn new(size: TreeSize, tiles: impl Iterator<Item = (u8, Vec<Digest>)>) -> Self {
        let mut edge = Self { size: size.as_u64(), ..Self::default() };
        for (level, hashes) in tiles {
            if let Some(row) = edge.levels.get_mut(usize::from(level)) {
                *row = hashes;
            }
        }
        edge
    }

    /// Leaves of the tree.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        TreeSize::new(self.size)
    }

    /// Goes back to the beginning of the last partial tile of level 0; gives the leaves taken off.
    pub fn unfinish(&mut self) -> Vec<Digest> {
        self.size -= self.size % u64::from(TILE_WIDTH);
        self.levels.first_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Appends a leaf; hands over the tiles that become full by it, the lowest level first.
    ///
    /// # Errors
    /// The first error of `full`.
    pub fn push<E>(
        &mut self,
        leaf: Digest,
        mut full: impl FnMut(TileId, &[Digest]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.size += 1;
        let size = self.size();
        let mut carry = leaf;
        for (level, row) in (0..).zip(&mut self.levels) {
            row.push(carry);
            if row.len() < usize::from(TILE_WIDTH) {
                break;
            }
            let last = (size.as_u64() >> (8 * u32::from(level))).saturating_sub(1);
            if let Some(id) = TileId::in_tree(level, last / u64::from(TILE_WIDTH), size) {
                full(id, row)?;
            }
            carry = fold(row);
            row.clear();
        }
        Ok(())
    }

    /// The partial tiles, the lowest level first.
    pub fn partial(&self) -> impl Iterator<Item = (TileId, &[Digest])> {
        TileId::edge(self.size()).filter_map(|id| {
            let row = self.levels.get(usize::from(id.level()))?;
            Some((id, row.as_slice()))
        })
    }

    /// The root of the whole tree.
    pub fn root(&self) -> Digest {
        edge_root(self.levels.iter().map(Vec::as_slice))
    }
}

/// The bytes of the tile with these hashes.
pub fn tile_bytes(hashes: &[Digest], bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend(hashes.iter().flat_map(Digest::as_bytes));
}
