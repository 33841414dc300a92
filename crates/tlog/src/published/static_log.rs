use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, PoisonError};

use dataspace_identity::Origin;
use dataspace_primitives::Digest;
use thiserror::Error;

use crate::fault::Fault;
use crate::log_reader::{LogReader, LogReaderError};
use crate::note::checkpoint::{Checkpoint, CheckpointError};
use crate::note::signed_note::NOTE_LEN_MAX;
use crate::published::fetch::{Ahead, Fetched, StaticReadError, fetch_bundle, fetch_tile};
use crate::published::static_files::{CHECKPOINT_PATH, StaticFiles};
use crate::tree::edge::Edge;
use crate::tree::hash::{LeafIndex, TreeError, TreeSize, leaf_hash};
use crate::tree::hash_tile::{HashTile, edge_root};
use crate::tree::nodes::{self, Nodes};
use crate::tree::proof::{ConsistencyProof, InclusionProof};
use crate::tree::tile::{BundleId, TILE_HEIGHT, TILE_LEVEL_MAX, TILE_WIDTH, TileId};

const LEVELS: usize = TILE_LEVEL_MAX as usize + 1;

/// A full tile, and its place in its level.
type Recent = (u64, Arc<HashTile>);

/// A published log (C2SP tlog-tiles) as a client reads it: from files that anybody may have made.
///
/// Every hash that it uses was led back to the root that the operator signed, and every entry to
/// its leaf hash. It keeps the tiles at the right edge and the last full one of each level.
#[derive(Debug)]
pub struct StaticLog<F> {
    files: F,
    checkpoint: Checkpoint,
    /// The partial tile of each level, verified against the root.
    edge: [Option<Arc<HashTile>>; LEVELS],
    /// The full tile that was read last at each level, verified.
    recent: Mutex<[Option<Recent>; LEVELS]>,
}

/// Why a published log is not opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenStaticError {
    /// Nothing was published.
    #[error("there is no checkpoint")]
    NoCheckpoint,
    /// The checkpoint is not signed by the log's operator.
    #[error("the published checkpoint does not verify")]
    Checkpoint(#[from] CheckpointError),
    /// The partial tiles do not lead to the signed root.
    #[error("the tiles at the edge of the tree do not lead to the signed root")]
    Root,
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] StaticReadError),
}

/// Why a published log does not give an entry or proof.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StaticLogError {
    /// The signed tree has no such entry or proof.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] StaticReadError),
    /// The tile is not the one that the operator signed.
    #[error("the hashes in `{path}` are not those of the signed tree")]
    Tile {
        /// The file.
        path: String,
    },
    /// The entry is not the one that the operator signed.
    #[error("entry {index} in `{path}` is not the one of the signed tree")]
    Entry {
        /// The entry.
        index: LeafIndex,
        /// The file.
        path: String,
    },
}

impl OpenStaticError {
    /// Whose fault it is: the published files', unless they cannot be fetched.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Read(error) => error.fault(),
            _ => Fault::Evidence,
        }
    }
}

impl StaticLogError {
    /// Whose fault it is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Tree(_) => Fault::Caller,
            Self::Read(error) => error.fault(),
            Self::Tile { .. } | Self::Entry { .. } => Fault::Evidence,
        }
    }
}

impl<F: StaticFiles> StaticLog<F> {
    /// Reads the checkpoint of the log `origin` and the edge of its tree.
    ///
    /// # Errors
    /// [`OpenStaticError`] if they do not verify.
    pub fn open(files: F, origin: &Origin) -> Result<Self, OpenStaticError> {
        let checkpoint = read_checkpoint(&files, origin)?;
        Self::open_at(files, checkpoint)
    }

    /// Reads the edge of the tree of `checkpoint`, which somebody has kept or got another way.
    ///
    /// # Errors
    /// [`OpenStaticError`] if the files do not lead to its root.
    pub fn open_at(files: F, checkpoint: Checkpoint) -> Result<Self, OpenStaticError> {
        let mut edge = [const { None }; LEVELS];
        let mut bytes = Vec::new();
        for id in TileId::edge(checkpoint.size()) {
            fetch_tile(&files, id, &mut bytes)?;
            if let Some(place) = edge.get_mut(usize::from(id.level())) {
                *place = HashTile::parse(&bytes).map(Arc::new);
            }
        }
        let hashes = edge.iter().map(|tile| tile.as_ref().map_or(&[][..], |tile| tile.hashes()));
        if edge_root(hashes) != checkpoint.root() {
            return Err(OpenStaticError::Root);
        }
        Ok(Self { files, checkpoint, edge, recent: Mutex::new([const { None }; LEVELS]) })
    }

    /// The state that the operator signed.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Entries under the checkpoint.
    #[must_use]
    pub fn size(&self) -> TreeSize {
        self.checkpoint.size()
    }

    /// The root over the first `size` entries.
    ///
    /// # Errors
    /// [`StaticLogError`] if there are fewer, or tiles are damaged.
    pub fn root_at(&self, size: TreeSize) -> Result<Digest, StaticLogError> {
        nodes::root_at(&mut &*self, self.size(), size)
    }

    /// The proof that the entry at `index` is among the first `size` (RFC 9162 §2.1.3.1).
    ///
    /// # Errors
    /// [`StaticLogError`] if it is not, or tiles are damaged.
    pub fn inclusion_proof(
        &self,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<InclusionProof, StaticLogError> {
        nodes::inclusion_proof(&mut &*self, self.size(), (index, size))
    }

    /// The proof that the log of `to` entries extends the one of `from` (RFC 9162 §2.1.4.1).
    ///
    /// # Errors
    /// [`StaticLogError`] if there are fewer, `from` is larger than `to`, or tiles are damaged.
    pub fn consistency_proof(
        &self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, StaticLogError> {
        nodes::consistency_proof(&mut &*self, self.size(), (from, to))
    }

    /// The entry at `index`.
    ///
    /// # Errors
    /// [`StaticLogError`] if there is none, or it is damaged.
    pub fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, StaticLogError> {
        let (size, mut found) = (self.size(), Vec::new());
        if !size.contains(index) {
            return Err(TreeError::Index { index, size }.into());
        }
        self.replay(index.as_u64()..index.as_u64() + 1, |_, entry| {
            found = entry.to_vec();
            Ok::<_, StaticLogError>(())
        })?;
        Ok(found)
    }

    /// Hands the entries of `range` to `visit`, in order, each after it was checked. Holds one
    /// bundle in memory.
    ///
    /// # Errors
    /// The first error of `visit`, or [`StaticLogError`] made into one.
    pub fn replay<E: From<StaticLogError>>(
        &self,
        range: Range<u64>,
        mut visit: impl FnMut(LeafIndex, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let size = self.size();
        nodes::check(size, TreeSize::new(range.end)).map_err(StaticLogError::from)?;
        let (mut next, mut bytes) = (range.start, Vec::new());
        let bundles = (next / u64::from(TILE_WIDTH)..range.end.div_ceil(u64::from(TILE_WIDTH)))
            .filter_map(|place| TileId::in_tree(0, place, size).map(BundleId::from));
        let mut ahead = Ahead::new(&self.files, bundles, BundleId::is_full);
        while next < range.end {
            let index = LeafIndex::new(next);
            let id = BundleId::of_entry(index, size)
                .ok_or(StaticLogError::Tree(TreeError::Index { index, size }))?;
            let fetched =
                fetch_bundle(&self.files, id, &mut bytes).map_err(StaticLogError::from)?;
            let bundle = fetched.bundle(&bytes).map_err(StaticLogError::from)?;
            let tile = self.tile(id.tile())?;
            let leaves = id.leaves();
            for (index, (entry, leaf)) in leaves.clone().zip(bundle.entries().zip(tile.hashes())) {
                if !range.contains(&index) {
                    continue;
                }
                let index = LeafIndex::new(index);
                if leaf_hash(entry) != *leaf {
                    let path = fetched.path.clone();
                    return Err(StaticLogError::Entry { index, path }.into());
                }
                visit(index, entry)?;
            }
            next = leaves.end;
            ahead.step(&self.files);
        }
        Ok(())
    }

    /// The hashes of a partial tile, which lead to the signed root.
    pub(crate) fn partial(&self, id: TileId) -> Option<&[Digest]> {
        let tile = self.edge.get(usize::from(id.level()))?.as_ref()?.hashes();
        (tile.len() == usize::from(id.width())).then_some(tile)
    }

    /// Where a publisher goes on.
    #[doc(hidden)]
    pub fn to_edge(&self) -> Edge {
        let tiles = (0..).zip(&self.edge);
        let tiles =
            tiles.filter_map(|(level, tile)| Some((level, tile.as_ref()?.hashes().to_vec())));
        Edge::new(self.size(), tiles)
    }

    /// The tile, one of the signed tree, verified up to the root.
    fn tile(&self, id: TileId) -> Result<Arc<HashTile>, StaticLogError> {
        let level = usize::from(id.level());
        let not_signed = |path| StaticLogError::Tile { path };
        if !id.is_full() {
            let tile = self.edge.get(level).cloned().flatten();
            return tile.ok_or_else(|| not_signed(id.to_string()));
        }
        // What is in there is verified, whatever became of the thread that put it there.
        let recent = || self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let known = recent().get(level).cloned().flatten();
        if let Some((_, tile)) = known.filter(|(index, _)| *index == id.index()) {
            return Ok(tile);
        }
        // A full tile is one hash of a tile above, which is verified first: at most 8 levels.
        let (parent, slot) = id.parent(self.size()).ok_or_else(|| not_signed(id.to_string()))?;
        let expected = self.tile(parent)?.hash(slot);
        let mut bytes = Vec::new();
        let Fetched { path, .. } = fetch_tile(&self.files, id, &mut bytes)?;
        let tile = HashTile::parse(&bytes).filter(|tile| tile.root() == expected);
        let tile = Arc::new(tile.ok_or_else(|| not_signed(path))?);
        if let Some(place) = recent().get_mut(level) {
            *place = Some((id.index(), Arc::clone(&tile)));
        }
        Ok(tile)
    }
}

impl<F: StaticFiles> LogReader for StaticLog<F> {
    fn origin(&self) -> &Origin {
        self.checkpoint.origin()
    }

    /// The one that it was opened with.
    fn latest_checkpoint(&self) -> Result<Option<Checkpoint>, LogReaderError> {
        Ok(Some(self.checkpoint.clone()))
    }

    fn size(&self) -> Result<TreeSize, LogReaderError> {
        Ok(self.size())
    }

    fn first(&self) -> Result<LeafIndex, LogReaderError> {
        Ok(LeafIndex::default())
    }

    fn record(&self, index: LeafIndex) -> Result<Vec<u8>, LogReaderError> {
        Ok(self.entry(index)?)
    }

    fn visit(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(LeafIndex, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), LogReaderError> {
        let visited = self.replay(range, |index, entry| match visit(index, entry) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(None),
        });
        match visited {
            Err(Some(error)) => Err(StaticLogError::into(error)),
            Ok(()) | Err(None) => Ok(()),
        }
    }

    fn root_at(&self, size: TreeSize) -> Result<Digest, LogReaderError> {
        Ok(self.root_at(size)?)
    }

    fn inclusion_proof(
        &self,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<InclusionProof, LogReaderError> {
        Ok(self.inclusion_proof(index, size)?)
    }

    fn consistency_proof(
        &self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, LogReaderError> {
        Ok(self.consistency_proof(from, to)?)
    }
}

impl From<StaticLogError> for LogReaderError {
    fn from(error: StaticLogError) -> Self {
        Self::new(error.fault(), error)
    }
}

impl<F: StaticFiles> Nodes for &StaticLog<F> {
    type Error = StaticLogError;

    fn node(&mut self, height: u32, index: u64) -> Result<Digest, StaticLogError> {
        let (level, height) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
        // Nodes of this height in one tile, as a power of two.
        let per_tile = TILE_HEIGHT - height;
        let (place, within) = (index >> per_tile, index & ((1 << per_tile) - 1));
        let size = self.size();
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        let missing = || TreeError::Size { size: TreeSize::new(u64::MAX), leaves: size };
        let id = TileId::in_tree(level, place, size).ok_or_else(missing)?;
        Ok(self.tile(id)?.node(height, within).ok_or_else(missing)?)
    }
}

/// The checkpoint as it was published, verified by the key that the origin holds.
pub(crate) fn read_checkpoint(
    files: &impl StaticFiles,
    origin: &Origin,
) -> Result<Checkpoint, OpenStaticError> {
    let mut note = Vec::new();
    let medium = |error| StaticReadError::medium(CHECKPOINT_PATH, error);
    if !files.read_into(CHECKPOINT_PATH, NOTE_LEN_MAX, &mut note).map_err(medium)? {
        return Err(OpenStaticError::NoCheckpoint);
    }
    let note = str::from_utf8(&note).map_err(|_| CheckpointError::Form)?;
    Ok(Checkpoint::verify(note, origin)?)
}
