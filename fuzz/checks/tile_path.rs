//! A path is read only if it is the one spelling of a tile or bundle that some tree has.
//!
//! The input is a path, and also the numbers of a tile.

use dataspace_tlog::{
    TreeSize,
    tree::{BundleId, TILE_LEVEL_MAX, TILE_WIDTH, TileId},
};

pub(crate) fn check(bytes: &[u8]) {
    if let Ok(path) = std::str::from_utf8(bytes) {
        let (tile, bundle) = (path.parse::<TileId>(), path.parse::<BundleId>());
        assert!(tile.is_err() || bundle.is_err(), "{path:?} is both");
        if let Ok(tile) = tile {
            assert_eq!(tile.to_string(), path);
            assert_tile(tile);
        }
        if let Ok(bundle) = bundle {
            assert_eq!(bundle.to_string(), path);
            assert_tile(bundle.tile());
        }
    }
    let Some(([level, low, high, shift], rest)) = bytes.split_first_chunk::<4>() else { return };
    let width = u16::from_be_bytes([*high, *low]);
    let index = rest.iter().take(8).fold(0_u64, |index, byte| index << 8 | u64::from(*byte));
    let index = index >> (shift & 63);
    if let Ok(tile) = TileId::new(*level, index, width) {
        assert_eq!((tile.level(), tile.index(), tile.width()), (*level, index, width));
        assert_tile(tile);
        return;
    }
    let is_small = index < 1 << (48_u32.saturating_sub(8 * u32::from(*level)));
    let is_plain = *level < TILE_LEVEL_MAX && (1..=TILE_WIDTH).contains(&width);
    assert!(!is_small || !is_plain, "{level} {index} {width}");
}

fn assert_tile(tile: TileId) {
    assert!(tile.level() <= TILE_LEVEL_MAX && (1..=TILE_WIDTH).contains(&tile.width()));
    let path = tile.to_string();
    assert_eq!(path.parse(), Ok(tile));
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'/' | b'x' | b'p' | b'.');
    assert!(path.strip_prefix("tile/").is_some_and(|rest| rest.bytes().all(plain)), "{path}");
    assert!(!path.contains("..") && !path.contains("//") && path.len() <= 64, "{path}");
    // The smallest tree that has it has it so.
    let leaves = tile.leaves();
    let size = TreeSize::new(leaves.end);
    assert_eq!(TileId::in_tree(tile.level(), tile.index(), size), Some(tile));
    let less = TileId::in_tree(tile.level(), tile.index(), TreeSize::new(leaves.end - 1));
    assert_eq!(less.map_or(0, TileId::width), tile.width() - 1);
    assert!(BundleId::from(tile).leaves().start <= leaves.start);
}
