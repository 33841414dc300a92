use dataspace_primitives::Digest;

use crate::tree::hash::{empty_root, node_hash};
use crate::tree::tile::{TILE_HEIGHT, TILE_WIDTH};

/// A tile with all complete subtrees between its hashes, 16 KiB for a full one.
#[derive(Clone, Debug)]
pub(crate) struct HashTile {
    width: u16,
    /// The hashes, then those of each pair, and so on.
    nodes: Vec<Digest>,
}

impl HashTile {
    /// `None` unless the bytes are hashes, and 1 to 256 of them.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<{ Digest::LEN }>();
        if !rest.is_empty() {
            return None;
        }
        Self::new(hashes.iter().map(|hash| Digest::from_bytes(*hash)))
    }

    fn new(hashes: impl Iterator<Item = Digest>) -> Option<Self> {
        let mut nodes = Vec::with_capacity(2 * usize::from(TILE_WIDTH));
        nodes.extend(hashes);
        let width = u16::try_from(nodes.len()).ok().filter(|w| (1..=TILE_WIDTH).contains(w))?;
        let (mut start, mut len) = (0, nodes.len());
        while len > 1 {
            for pair in 0..len / 2 {
                let at = start + 2 * pair;
                let [left, right] = *nodes.get(at..)?.first_chunk()?;
                nodes.push(node_hash(&left, &right));
            }
            (start, len) = (start + len, len / 2);
        }
        Some(Self { width, nodes })
    }

    pub(crate) fn hashes(&self) -> &[Digest] {
        self.nodes.get(..usize::from(self.width)).unwrap_or_default()
    }

    pub(crate) fn hash(&self, slot: u16) -> Option<Digest> {
        self.node(0, u64::from(slot))
    }

    /// The hash over the hashes `index·2^height ..` of the tile, if they are all in it.
    pub(crate) fn node(&self, height: u32, index: u64) -> Option<Digest> {
        let width = usize::from(self.width);
        let start: usize = (0..height).map(|below| width.checked_shr(below).unwrap_or(0)).sum();
        let index = usize::try_from(index).ok()?;
        let known = index < width.checked_shr(height).unwrap_or(0);
        known.then(|| self.nodes.get(start + index).copied())?
    }

    /// The hash that the level above has of a full tile.
    pub(crate) fn root(&self) -> Option<Digest> {
        self.node(TILE_HEIGHT, 0)
    }
}

/// The root of a tree whose partial tiles, from level 0 on, have these hashes; at a level without
/// a partial tile there are none.
pub(crate) fn edge_root<'a>(levels: impl IntoIterator<Item = &'a [Digest]>) -> Digest {
    let mut root = None;
    for mut hashes in levels {
        // The smallest complete subtree stands last.
        while !hashes.is_empty() {
            let complete = 1 << hashes.len().trailing_zeros();
            let (rest, last) = hashes.split_at(hashes.len() - complete);
            let left = fold(last);
            root = Some(root.map_or(left, |right| node_hash(&left, &right)));
            hashes = rest;
        }
    }
    root.unwrap_or_else(empty_root)
}

/// The root over a power of two of hashes, at most 256 of them.
pub(crate) fn fold(hashes: &[Digest]) -> Digest {
    let mut row = [Digest::from_bytes([0; Digest::LEN]); TILE_WIDTH as usize];
    let mut len = 0;
    let (pairs, rest) = hashes.as_chunks::<2>();
    for (to, [left, right]) in row.iter_mut().zip(pairs) {
        *to = node_hash(left, right);
        len += 1;
    }
    if let [one] = rest {
        return *one;
    }
    while len > 1 {
        len /= 2;
        for at in 0..len {
            if let Some([left, right]) = row.get(2 * at..).and_then(<[Digest]>::first_chunk) {
                let hash = node_hash(left, right);
                if let Some(to) = row.get_mut(at) {
                    *to = hash;
                }
            }
        }
    }
    row.first().copied().unwrap_or_else(empty_root)
}
