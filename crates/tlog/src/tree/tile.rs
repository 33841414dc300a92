//! Names of the files of a published log (C2SP tlog-tiles): hash tiles and entry bundles.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use thiserror::Error;

use crate::tree::hash::{LeafIndex, TreeSize};

/// Hashes in a full tile, and entries in a full bundle (C2SP tlog-tiles, "Merkle Tree").
pub const TILE_WIDTH: u16 = 256;
/// Highest level at which a tree has a tile. C2SP allows paths up to level 63, but a tree whose
/// size is a `u64` has nothing above level 7.
pub const TILE_LEVEL_MAX: u8 = 7;

/// Levels of the tree that one tile spans: 256 = 2^8.
pub(crate) const TILE_HEIGHT: u32 = 8;
/// Longest path of a tile or bundle: `tile/entries/`, seven groups of digits, `.p/255`.
const PATH_LEN_MAX: usize = 64;
const GROUP: u64 = 1_000;

/// Which hash tile: the hashes `256·index ..` of those at the level, as many as the width says.
///
/// Some tree has this tile: nothing else can be constructed. Its `Display` is its path, and
/// [`FromStr`] reads exactly what `Display` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    level: u8,
    index: u64,
    width: u16,
}

/// Which entry bundle: the entries under the tile of level 0 at the same place. Its `Display` is
/// its path, and [`FromStr`] reads exactly what `Display` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BundleId {
    tile: TileId,
}

/// Why no tree has such a tile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TileIdError {
    /// Above [`TILE_LEVEL_MAX`].
    #[error("a tile has a level from 0 to {TILE_LEVEL_MAX}, not {level}")]
    Level {
        /// The level asked for.
        level: u8,
    },
    /// Neither a partial nor a full tile.
    #[error("a tile has 1 to {TILE_WIDTH} hashes, not {width}")]
    Width {
        /// The width asked for.
        width: u16,
    },
    /// Beyond the largest tree that has a size.
    #[error("no tree is so large that it has the tile {index} at level {level}")]
    Index {
        /// The level asked for.
        level: u8,
        /// The index asked for.
        index: u64,
    },
}

/// Why a text is not the path of a tile or bundle.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseTilePathError {
    /// Not the one spelling of a path.
    #[error("a path is `tile/<level or entries>/<index in groups of 3 digits>[.p/<width>]`")]
    Form,
    /// A path that no tree has.
    #[error(transparent)]
    Id(#[from] TileIdError),
}

impl TileId {
    /// The tile of `width` hashes at this place.
    ///
    /// # Errors
    /// [`TileIdError`] unless some tree has it.
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, TileIdError> {
        if level > TILE_LEVEL_MAX {
            return Err(TileIdError::Level { level });
        }
        if width == 0 || width > TILE_WIDTH {
            return Err(TileIdError::Width { width });
        }
        // The leaves before the tile's end must be a number that a tree can have.
        let hashes = index.checked_mul(u64::from(TILE_WIDTH));
        let end = hashes.and_then(|start| start.checked_add(u64::from(width)));
        match end.and_then(|end| end.checked_mul(leaves_per_hash(level))) {
            Some(_) => Ok(Self { level, index, width }),
            None => Err(TileIdError::Index { level, index }),
        }
    }

    /// The tile that the tree of `size` leaves has at this place, full or partial; `None` if it
    /// has none there.
    #[must_use]
    pub fn in_tree(level: u8, index: u64, size: TreeSize) -> Option<Self> {
        if level > TILE_LEVEL_MAX {
            return None;
        }
        let hashes = hashes_at(level, size);
        let left = hashes.checked_sub(index.checked_mul(u64::from(TILE_WIDTH))?)?;
        let width = u16::try_from(left).unwrap_or(TILE_WIDTH).min(TILE_WIDTH);
        Self::new(level, index, width).ok()
    }

    /// All tiles of the tree of `size` leaves, the lowest level first, each level in order.
    pub fn all(size: TreeSize) -> impl Iterator<Item = Self> {
        (0..=TILE_LEVEL_MAX).flat_map(move |level| {
            let tiles = hashes_at(level, size).div_ceil(u64::from(TILE_WIDTH));
            (0..tiles).filter_map(move |index| Self::in_tree(level, index, size))
        })
    }

    /// The partial tiles of the tree of `size` leaves, the lowest level first: at most one at each
    /// level. The root is made of them alone.
    pub fn edge(size: TreeSize) -> impl Iterator<Item = Self> {
        (0..=TILE_LEVEL_MAX).filter_map(move |level| {
            let index = hashes_at(level, size) / u64::from(TILE_WIDTH);
            Self::in_tree(level, index, size)
        })
    }

    /// Its level, 0 to [`TILE_LEVEL_MAX`]. Hashes of level 0 are leaf hashes.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.level
    }

    /// Tiles before it at its level.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.index
    }

    /// Hashes in it, 1 to [`TILE_WIDTH`].
    #[must_use]
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Returns true if it will never grow.
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The full tile at the same place, unless no tree is so large.
    #[must_use]
    pub fn to_full(self) -> Option<Self> {
        Self::new(self.level, self.index, TILE_WIDTH).ok()
    }

    /// The leaves under it.
    #[must_use]
    pub fn leaves(self) -> Range<u64> {
        // INVARIANT: `new` has computed the end.
        let per_hash = leaves_per_hash(self.level);
        let start = self.index * u64::from(TILE_WIDTH);
        start * per_hash..(start + u64::from(self.width)) * per_hash
    }

    /// The tile of the tree of `size` leaves in which this one, if it is full, is one hash, and
    /// the place of that hash.
    pub(crate) fn parent(self, size: TreeSize) -> Option<(Self, u16)> {
        let slot = u16::try_from(self.index % u64::from(TILE_WIDTH)).ok()?;
        let parent = Self::in_tree(self.level + 1, self.index / u64::from(TILE_WIDTH), size)?;
        (self.is_full() && slot < parent.width).then_some((parent, slot))
    }

    /// Bytes in the file of this tile.
    pub(crate) fn len_bytes(self) -> usize {
        usize::from(self.width) * dataspace_primitives::Digest::LEN
    }
}

impl BundleId {
    /// The bundle of `width` entries at this place.
    ///
    /// # Errors
    /// [`TileIdError`] unless some tree has it.
    pub fn new(index: u64, width: u16) -> Result<Self, TileIdError> {
        Ok(Self { tile: TileId::new(0, index, width)? })
    }

    /// The bundle in which the tree of `size` leaves has the entry at `index`, if it has it.
    #[must_use]
    pub fn of_entry(index: LeafIndex, size: TreeSize) -> Option<Self> {
        let place = index.as_u64() / u64::from(TILE_WIDTH);
        let tile = TileId::in_tree(0, place, size)?;
        size.contains(index).then_some(Self { tile })
    }

    /// All bundles of the tree of `size` leaves, in order.
    pub fn all(size: TreeSize) -> impl Iterator<Item = Self> {
        let bundles = size.as_u64().div_ceil(u64::from(TILE_WIDTH));
        (0..bundles).filter_map(move |index| TileId::in_tree(0, index, size).map(Into::into))
    }

    /// Bundles before it.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.tile.index
    }

    /// Entries in it, 1 to [`TILE_WIDTH`].
    #[must_use]
    pub const fn width(self) -> u16 {
        self.tile.width
    }

    /// Returns true if it will never grow.
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.tile.is_full()
    }

    /// The full bundle at the same place, unless no tree is so large.
    #[must_use]
    pub fn to_full(self) -> Option<Self> {
        self.tile.to_full().map(Into::into)
    }

    /// The tile of level 0 with the leaf hashes of its entries.
    #[must_use]
    pub const fn tile(self) -> TileId {
        self.tile
    }

    /// The entries in it.
    #[must_use]
    pub fn leaves(self) -> Range<u64> {
        self.tile.leaves()
    }
}

/// The bundle under a tile of level 0; under a higher tile, that of its place at level 0.
impl From<TileId> for BundleId {
    fn from(tile: TileId) -> Self {
        Self { tile: TileId { level: 0, ..tile } }
    }
}

/// 256^level. The level is at most [`TILE_LEVEL_MAX`].
fn leaves_per_hash(level: u8) -> u64 {
    1_u64.checked_shl(TILE_HEIGHT * u32::from(level)).unwrap_or(0)
}

/// Hashes at the level in the tree of `size` leaves.
fn hashes_at(level: u8, size: TreeSize) -> u64 {
    size.as_u64().checked_shr(TILE_HEIGHT * u32::from(level)).unwrap_or(0)
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        write_place(f, self.index, self.width)
    }
}

impl fmt::Display for BundleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tile/entries/")?;
        write_place(f, self.tile.index, self.tile.width)
    }
}

fn write_place(f: &mut fmt::Formatter<'_>, index: u64, width: u16) -> fmt::Result {
    let mut unit = 1;
    while index / unit >= GROUP {
        unit *= GROUP;
    }
    while unit > 1 {
        write!(f, "x{:03}/", index / unit % GROUP)?;
        unit /= GROUP;
    }
    write!(f, "{:03}", index % GROUP)?;
    if width == TILE_WIDTH { Ok(()) } else { write!(f, ".p/{width}") }
}

impl FromStr for TileId {
    type Err = ParseTilePathError;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        let (level, place) = split_head(path)?;
        let level = level.parse().map_err(|_| ParseTilePathError::Form)?;
        let (index, width) = parse_place(place)?;
        let tile = Self::new(level, index, width)?;
        // Signs, superfluous zeros and groups are parsed, but nobody writes them.
        if tile.to_string() == path { Ok(tile) } else { Err(ParseTilePathError::Form) }
    }
}

impl FromStr for BundleId {
    type Err = ParseTilePathError;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        let ("entries", place) = split_head(path)? else { return Err(ParseTilePathError::Form) };
        let (index, width) = parse_place(place)?;
        let bundle = Self::new(index, width)?;
        if bundle.to_string() == path { Ok(bundle) } else { Err(ParseTilePathError::Form) }
    }
}

fn split_head(path: &str) -> Result<(&str, &str), ParseTilePathError> {
    if path.len() > PATH_LEN_MAX {
        return Err(ParseTilePathError::Form);
    }
    let rest = path.strip_prefix("tile/").ok_or(ParseTilePathError::Form)?;
    rest.split_once('/').ok_or(ParseTilePathError::Form)
}

fn parse_place(place: &str) -> Result<(u64, u16), ParseTilePathError> {
    let form = |_| ParseTilePathError::Form;
    let (groups, width) = match place.split_once(".p/") {
        Some((groups, width)) => (groups, width.parse().map_err(form)?),
        None => (place, TILE_WIDTH),
    };
    let mut index = 0_u64;
    for group in groups.split('/') {
        let group: u64 = group.strip_prefix('x').unwrap_or(group).parse().map_err(form)?;
        let next = index.checked_mul(GROUP).and_then(|index| index.checked_add(group));
        index = next.ok_or(ParseTilePathError::Form)?;
    }
    Ok((index, width))
}
