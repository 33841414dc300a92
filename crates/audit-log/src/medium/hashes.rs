//! The tree of a log: full tiles on disk, with all nodes between their leaves and their root; the
//! right edge of each level in memory.
//!
//! ```text
//! tile = 256 hashes, 128 over two of them, 64 over four, … 2 over 128, zeros up to 16 KiB
//! ```
//! The leaves of level `L` are the roots of the full tiles of level `L − 1`, so that the first half
//! of a tile is a hash tile of C2SP tlog-tiles.

use std::io;

use dataspace_primitives::Digest;
use dataspace_tlog::engine::{
    nodes::{self, Nodes},
    to_u64,
};
use dataspace_tlog::{
    LeafIndex, TreeSize,
    tree::{ConsistencyProof, InclusionProof, Tree, TreeError, empty_root},
};
use thiserror::Error;

use crate::medium::storage::{Storage, StoredFile};

/// Levels of binary nodes in a tile.
pub(crate) const TILE_HEIGHT: u32 = 8;
/// Leaves of a full tile.
pub(crate) const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;
/// Bytes of a stored tile.
pub(crate) const TILE_LEN: u64 = 16 << 10;
const HASH_LEN: u64 = 32;

/// The right edge of the tree: for each level the tile that is not full.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edge {
    size: u64,
    levels: Vec<Level>,
}

#[derive(Clone, Debug, Default)]
struct Level {
    /// Full tiles, which are on disk.
    full: u64,
    /// The leaves after them, fewer than [`TILE_WIDTH`].
    rest: Tree,
}

/// Tiles that became full, one after the other in a file, to be written.
#[derive(Debug)]
pub(crate) struct FullTiles {
    pub(crate) file: StoredFile,
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Why a node of the tree is not known.
#[derive(Debug, Error)]
pub(crate) enum NodeError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl Edge {
    pub(crate) fn size(&self) -> TreeSize {
        TreeSize::new(self.size)
    }

    /// The root of the whole tree, for which the edge alone is looked at.
    pub(crate) fn root(&self, storage: &dyn Storage) -> io::Result<Digest> {
        match (Stored { edge: self, storage }).root_at(self.size()) {
            Err(NodeError::Io(error)) => Err(error),
            // Every tree has a root of its own size.
            root => Ok(root.unwrap_or_else(|_| empty_root())),
        }
    }

    /// Appends leaves; returns the tiles that became full.
    pub(crate) fn extend(&mut self, leaves: &[Digest]) -> Vec<FullTiles> {
        let mut full = Vec::new();
        for leaf in leaves {
            self.size += 1;
            self.push(0, *leaf, &mut full);
        }
        full
    }

    fn push(&mut self, level: u8, leaf: Digest, done: &mut Vec<FullTiles>) {
        let at = usize::from(level);
        if at == self.levels.len() {
            self.levels.push(Level::default());
        }
        let Some(Level { full, rest }) = self.levels.get_mut(at) else { return };
        rest.push(leaf);
        if rest.size().as_u64() < TILE_WIDTH {
            return;
        }
        let (file, offset) = (StoredFile::Hashes(level), *full * TILE_LEN);
        let known = done.iter().position(|tiles| tiles.file == file);
        let at = known.unwrap_or_else(|| {
            done.push(FullTiles { file, offset, bytes: Vec::new() });
            done.len() - 1
        });
        if let Some(tiles) = done.get_mut(at) {
            push_tile(&mut tiles.bytes, rest);
        }
        *full += 1;
        let root = rest.root();
        *rest = Tree::new();
        self.push(level + 1, root, done);
    }

    /// What of each level is not full: what has to be written so that [`Edge::load`] finds it.
    pub(crate) fn rests(&self) -> impl Iterator<Item = (StoredFile, u64, Vec<u8>)> {
        (0..).zip(&self.levels).map(|(level, Level { full, rest })| {
            let leaves = rest.row(0).iter().flat_map(|hash| *hash.as_bytes()).collect();
            (StoredFile::Hashes(level), full * TILE_LEN, leaves)
        })
    }

    /// The edge of the tree of this size, as the files say. Nothing in it is verified.
    pub(crate) fn load(storage: &dyn Storage, size: u64) -> io::Result<Self> {
        let levels = levels(size).map(|(level, full, width)| {
            let rest = read_leaves(storage, (level, full), width)?;
            Ok(Level { full, rest })
        });
        Ok(Self { size, levels: levels.collect::<io::Result<_>>()? })
    }

    /// The file that is too short for [`Edge::load`].
    pub(crate) fn short(storage: &dyn Storage, size: u64) -> io::Result<Option<StoredFile>> {
        for (file, len) in lens(size) {
            if storage.len(file)? < len {
                return Ok(Some(file));
            }
        }
        Ok(None)
    }
}

/// Why what was made from the segments is not durable.
#[derive(Debug)]
pub(crate) enum SettleError {
    /// It can be tried again.
    Write(io::Error),
    /// What the system has of it may be lost, and asking again would lie.
    Sync(io::Error),
}

impl From<SettleError> for io::Error {
    fn from(error: SettleError) -> Self {
        let (SettleError::Write(error) | SettleError::Sync(error)) = error;
        error
    }
}

/// Makes durable what was made from the segments, up to this edge of the tree.
pub(crate) fn settle(storage: &dyn Storage, edge: &Edge) -> Result<(), SettleError> {
    for (file, offset, bytes) in edge.rests() {
        storage.write_at(file, offset, &bytes).map_err(SettleError::Write)?;
        storage.sync_data(file).map_err(SettleError::Sync)?;
    }
    storage.sync_data(StoredFile::Offsets).map_err(SettleError::Sync)
}

/// The levels of a tree of so many leaves: which, its full tiles, and the leaves after them.
fn levels(size: u64) -> impl Iterator<Item = (u8, u64, u64)> {
    let mut leaves = size;
    (0..).map_while(move |level| {
        let (full, width) = (leaves / TILE_WIDTH, leaves % TILE_WIDTH);
        let known = (leaves > 0).then_some((level, full, width));
        leaves = full;
        known
    })
}

/// The files of a tree of so many leaves, and how many bytes of each it needs.
pub(crate) fn lens(size: u64) -> impl Iterator<Item = (StoredFile, u64)> {
    levels(size).map(|(level, full, width)| {
        (StoredFile::Hashes(level), full.saturating_mul(TILE_LEN).saturating_add(width * HASH_LEN))
    })
}

/// The first leaves of a tile of a level, as they stand in the file.
fn read_leaves(storage: &dyn Storage, (level, tile): (u8, u64), width: u64) -> io::Result<Tree> {
    let mut bytes = vec![0; usize::try_from(width * HASH_LEN).unwrap_or(0)];
    storage.read_at(StoredFile::Hashes(level), tile * TILE_LEN, &mut bytes)?;
    Ok(tree_of(&bytes))
}

fn tree_of(leaves: &[u8]) -> Tree {
    let mut tree = Tree::new();
    leaves.as_chunks().0.iter().for_each(|hash| tree.push(Digest::from_bytes(*hash)));
    tree
}

/// Checks that the full tiles of a tree of this size are consistent, and that their roots are the leaves
/// of the level above; names the first file that is wrong.
pub(crate) fn damaged_tile(storage: &dyn Storage, size: u64) -> io::Result<Option<StoredFile>> {
    for (level, full, _) in levels(size) {
        let (file, above) = (StoredFile::Hashes(level), StoredFile::Hashes(level + 1));
        for tile in 0..full {
            let mut bytes = vec![0; usize::try_from(TILE_LEN).unwrap_or(0)];
            storage.read_at(file, tile * TILE_LEN, &mut bytes)?;
            let leaves =
                usize::try_from(TILE_WIDTH * HASH_LEN).ok().and_then(|len| bytes.get(..len));
            let tree = tree_of(leaves.unwrap_or_default());
            let mut made = Vec::new();
            push_tile(&mut made, &tree);
            if made != bytes {
                return Ok(Some(file));
            }
            let mut parent = [0; 32];
            let at = (tile / TILE_WIDTH) * TILE_LEN + (tile % TILE_WIDTH) * HASH_LEN;
            storage.read_at(above, at, &mut parent)?;
            if tree.root().as_bytes() != &parent {
                return Ok(Some(above));
            }
        }
    }
    Ok(None)
}

/// Appends a full tile as it is stored.
fn push_tile(bytes: &mut Vec<u8>, tile: &Tree) {
    let len = bytes.len() + usize::try_from(TILE_LEN).unwrap_or(0);
    bytes.reserve(len - bytes.len());
    for height in 0..TILE_HEIGHT {
        tile.row(height).iter().for_each(|hash| bytes.extend_from_slice(hash.as_bytes()));
    }
    bytes.resize(len, 0);
}

/// The whole tree: edge and files.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a> {
    pub(crate) edge: &'a Edge,
    pub(crate) storage: &'a dyn Storage,
}

impl Stored<'_> {
    pub(crate) fn size(&self) -> TreeSize {
        self.edge.size()
    }

    pub(crate) fn root_at(mut self, size: TreeSize) -> Result<Digest, NodeError> {
        let leaves = self.size();
        nodes::root_at(&mut self, leaves, size)
    }

    pub(crate) fn inclusion_proof(
        mut self,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<InclusionProof, NodeError> {
        let leaves = self.size();
        nodes::inclusion_proof(&mut self, leaves, (index, size))
    }

    pub(crate) fn consistency_proof(
        mut self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, NodeError> {
        let leaves = self.size();
        nodes::consistency_proof(&mut self, leaves, (from, to))
    }

    pub(crate) fn leaf(mut self, index: LeafIndex) -> Result<Digest, NodeError> {
        self.node(0, index.as_u64())
    }

    /// The leaves of a tile as they stand in the file; those of the edge if it is not full.
    pub(crate) fn tile(&self, level: u8, tile: u64) -> io::Result<Tree> {
        let known = self.edge.levels.get(usize::from(level));
        if let Some(level) = known.filter(|level| level.full == tile) {
            return Ok(level.rest.clone());
        }
        read_leaves(self.storage, (level, tile), TILE_WIDTH)
    }

    /// Looks for the tile that is wrong among those on the way from a leaf to the root.
    pub(crate) fn damaged(mut self, leaf: u64) -> Option<StoredFile> {
        let mut index = leaf;
        for level in (0_u8..).take(self.edge.levels.len()) {
            let tile = index / TILE_WIDTH;
            let file = StoredFile::Hashes(level);
            let Ok(tree) = self.tile(level, tile) else { return Some(file) };
            let base = TILE_HEIGHT * u32::from(level);
            let is_full = tree.size().as_u64() == TILE_WIDTH;
            let heights = 1..TILE_HEIGHT + u32::from(is_full);
            for height in heights {
                let width = TILE_WIDTH >> height;
                let is_same = (tile * width..).zip(tree.row(height)).all(|(index, hash)| {
                    self.node(base + height, index).is_ok_and(|found| found == *hash)
                });
                if !is_same {
                    return Some(file);
                }
            }
            index = tile;
        }
        None
    }
}

impl Nodes for Stored<'_> {
    type Error = NodeError;

    fn node(&mut self, height: u32, index: u64) -> Result<Digest, NodeError> {
        let (level, height) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
        let (tile, within) =
            (index >> (TILE_HEIGHT - height), index & ((TILE_WIDTH >> height) - 1));
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        let known = self.edge.levels.get(usize::from(level));
        if let Some(level) = known.filter(|level| level.full == tile) {
            return Ok((&level.rest).node(height, within)?);
        }
        // The rows before this one: 256 + 128 + …
        let row = 2 * TILE_WIDTH - ((2 * TILE_WIDTH) >> height);
        let offset = tile * TILE_LEN + (row + within) * HASH_LEN;
        let mut hash = [0; 32];
        self.storage.read_at(StoredFile::Hashes(level), offset, &mut hash)?;
        Ok(Digest::from_bytes(hash))
    }
}

/// Appends the offset of a record, 8 bytes.
pub(crate) fn push_offset(bytes: &mut Vec<u8>, start: u64) {
    bytes.extend_from_slice(&start.to_be_bytes());
}

/// Where the first of these records stands within the file of offsets.
pub(crate) fn offset_at(index: u64) -> u64 {
    index * to_u64(size_of::<u64>())
}
