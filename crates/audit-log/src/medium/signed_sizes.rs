//! The sizes at which checkpoints were signed, as far as somebody may still ask for their partial
//! tiles: those since the last full tile (C2SP tlog-tiles, "Partial Tiles").
//!
//! ```text
//! signed = 256 sizes, 8 bytes each: size s at the place s mod 256, zeros where there is none
//! ```
//! Nothing in it is believed or needed to be there: it says which beginnings of the last tile are
//! published beside it.

use std::io;

use dataspace_tlog::{TreeSize, tree::TILE_WIDTH};

use crate::medium::storage::{Storage, StoredFile};

const SIZE_LEN: u64 = 8;

/// Notes that a checkpoint of this size was signed.
pub(crate) fn note(storage: &dyn Storage, size: TreeSize) -> io::Result<()> {
    let size = size.as_u64();
    let place = size % u64::from(TILE_WIDTH) * SIZE_LEN;
    storage.write_at(StoredFile::Signed, place, &size.to_be_bytes())
}

/// The sizes up to this one, since the last full tile, at which checkpoints were signed.
pub(crate) fn read(storage: &dyn Storage, until: TreeSize) -> io::Result<Vec<TreeSize>> {
    let (until, width) = (until.as_u64(), u64::from(TILE_WIDTH));
    let len = storage.len(StoredFile::Signed)?.min(width * SIZE_LEN);
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    storage.read_at(StoredFile::Signed, 0, &mut bytes)?;
    let sizes = (0..).zip(bytes.as_chunks().0).filter_map(|(place, size)| {
        let size = u64::from_be_bytes(*size);
        let is_here = size % width == place && size / width == until / width && size <= until;
        (is_here && size > 0).then_some(TreeSize::new(size))
    });
    Ok(sizes.collect())
}
