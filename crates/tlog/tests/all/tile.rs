use std::collections::BTreeSet;

use dataspace_tlog::{
    LeafIndex, TreeSize,
    tree::{BundleId, ParseTilePathError, TILE_LEVEL_MAX, TILE_WIDTH, TileId, TileIdError},
};
use proptest::prelude::*;

fn size(n: u64) -> TreeSize {
    TreeSize::new(n)
}

#[test]
fn the_paths_are_those_of_the_specification() {
    let cases = [
        (TileId::new(0, 0, 256), "tile/0/000"),
        (TileId::new(0, 999, 256), "tile/0/999"),
        (TileId::new(0, 1000, 256), "tile/0/x001/000"),
        (TileId::new(3, 1_234_067, 256), "tile/3/x001/x234/067"),
        (TileId::new(1, 1_234_067, 1), "tile/1/x001/x234/067.p/1"),
        (TileId::new(2, 0, 255), "tile/2/000.p/255"),
        (TileId::new(7, 0, 255), "tile/7/000.p/255"),
        (TileId::new(0, (1 << 56) - 1, 255), "tile/0/x072/x057/x594/x037/x927/935.p/255"),
    ];
    for (tile, path) in cases {
        let tile = tile.unwrap();
        assert_eq!(tile.to_string(), path);
        assert_eq!(path.parse(), Ok(tile));
    }
    let bundle = BundleId::new(1_234_067, 17).unwrap();
    assert_eq!(bundle.to_string(), "tile/entries/x001/x234/067.p/17");
    assert_eq!(bundle.to_string().parse(), Ok(bundle));
}

#[test]
fn a_path_has_one_spelling() {
    let bad = [
        "",
        "/",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile//000",
        "tile/00/000",
        "tile/01/000",
        "tile/+1/000",
        "tile/-1/000",
        "tile/ 0/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/+00",
        "tile/0/+000",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/xx01/000",
        "tile/0/X001/000",
        "tile/0/x001//000",
        "tile/0/x001/x000",
        "tile/0/1000",
        "tile/0/x1000/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/00",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/65537",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000.p/1/1",
        "tile/0/000.P/1",
        "tile/0/x001.p/1/000",
        "tile/0/..",
        "tile/../0/000",
        "tile/0/../../checkpoint",
        "tile/0/000.p/../../1/000",
        "tile/0/.p/1",
        "tile/0/%30%30%30",
        "tile/0/000\0",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/8/000",
        "tile/63/000",
        "tile/64/000",
        "tile/256/000",
        "tile/7/000",
        "tile/7/001.p/1",
        "tile/0/x072/x057/x594/x037/x927/935",
        "tile/0/x072/x057/x594/x037/x927/936.p/1",
        "tile/0/x018/x446/x744/x073/x709/x551/615",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/data/000",
        "tile/8/0/000",
        "checkpoint",
        "tile/entries",
        "tile/entries/",
        "tile/entries/000.p/256",
        "tile/Entries/000",
        "tile/entries/../0/000",
        "C:\\tile\\0\\000",
        "tile\\0\\000",
    ];
    for path in bad {
        assert!(path.parse::<TileId>().is_err(), "{path}");
        assert!(path.parse::<BundleId>().is_err(), "{path}");
    }
    assert_eq!("tile/0/00".parse::<TileId>(), Err(ParseTilePathError::Form));
    // Each is nothing to the other.
    assert!("tile/entries/000".parse::<TileId>().is_err());
    assert!("tile/0/000".parse::<BundleId>().is_err());
}

#[test]
fn a_tile_that_no_tree_has_cannot_be_named() {
    assert_eq!(TileId::new(8, 0, 1), Err(TileIdError::Level { level: 8 }));
    assert_eq!(TileId::new(0, 0, 0), Err(TileIdError::Width { width: 0 }));
    assert_eq!(TileId::new(0, 0, 257), Err(TileIdError::Width { width: 257 }));
    for level in 0..=TILE_LEVEL_MAX {
        let last = (1_u64 << (56 - 8 * u32::from(level))) - 1;
        let tile = TileId::new(level, last, 255).unwrap();
        assert_eq!(tile.to_full(), None);
        assert!(tile.leaves().end > u64::MAX - (1 << (8 * u32::from(level))));
        assert_eq!(TileId::new(level, last, 256), Err(TileIdError::Index { level, index: last }));
        assert!(TileId::new(level, last + 1, 1).is_err());
        assert!(TileId::new(level, u64::MAX, 256).is_err());
    }
    assert!(BundleId::new(u64::MAX / 256, 256).is_err());
}

#[test]
fn the_tiles_of_70000_entries_are_those_of_the_specification() {
    let tiles: Vec<_> = TileId::all(size(70_000)).collect();
    let count = |level, full| {
        tiles.iter().filter(|tile| (tile.level(), tile.is_full()) == (level, full)).count()
    };
    assert_eq!((count(0, true), count(0, false)), (273, 1));
    assert_eq!((count(1, true), count(1, false)), (1, 1));
    assert_eq!((count(2, true), count(2, false)), (0, 1));
    assert_eq!(tiles.len(), 277);
    let edge: Vec<_> = TileId::edge(size(70_000)).map(|tile| tile.to_string()).collect();
    assert_eq!(edge, ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]);
    let of_256: Vec<_> = TileId::all(size(256)).map(|tile| tile.to_string()).collect();
    assert_eq!(of_256, ["tile/0/000", "tile/1/000.p/1"]);
    let bundles: Vec<_> = BundleId::all(size(70_000)).collect();
    assert_eq!(bundles.len(), 274);
    assert_eq!(bundles[273].to_string(), "tile/entries/273.p/112");
}

#[test]
fn the_empty_tree_has_no_tiles_and_the_largest_has_an_edge() {
    assert_eq!(TileId::all(TreeSize::EMPTY).count(), 0);
    assert_eq!(TileId::edge(TreeSize::EMPTY).count(), 0);
    assert_eq!(BundleId::all(TreeSize::EMPTY).count(), 0);
    let edge: Vec<_> = TileId::edge(size(u64::MAX)).collect();
    assert_eq!(edge.len(), 8);
    assert!(edge.iter().all(|tile| tile.width() == 255));
    assert_eq!(BundleId::of_entry(LeafIndex::new(u64::MAX), size(u64::MAX)), None);
    let last = BundleId::of_entry(LeafIndex::new(u64::MAX - 1), size(u64::MAX)).unwrap();
    assert!(last.leaves().contains(&(u64::MAX - 1)));
}

#[test]
fn every_hash_of_a_tree_is_in_one_tile() {
    for n in (0..1_000).chain([65_535, 65_536, 65_537, 70_000]) {
        for level in 0..=TILE_LEVEL_MAX {
            let tiles: Vec<_> = TileId::all(size(n)).filter(|tile| tile.level() == level).collect();
            let mut next = 0;
            for (place, tile) in (0..).zip(&tiles) {
                assert_eq!((tile.index(), tile.leaves().start), (place, next));
                next = tile.leaves().end;
                assert_eq!(TileId::in_tree(level, place, size(n)), Some(*tile));
            }
            assert_eq!(next, n >> (8 * level) << (8 * level), "level {level} of {n}");
            assert_eq!(TileId::in_tree(level, tiles.len() as u64, size(n)), None);
        }
    }
}

#[test]
fn the_tiles_and_their_paths_are_those_of_another_implementation() {
    let sizes: Vec<_> = (0..600).chain([65_535, 65_536, 65_537, 69_999, 70_000]).collect();
    for (old, new) in sizes.iter().zip(&sizes[1..]) {
        let theirs: BTreeSet<_> = tlog_tiles::Tile::new_tiles(8, *old, *new)
            .iter()
            .map(|tile| tile.path().replace("tile/8/", "tile/"))
            .collect();
        let old: BTreeSet<_> = TileId::all(size(*old)).collect();
        let ours = TileId::all(size(*new)).filter(|tile| !old.contains(tile));
        assert_eq!(ours.map(|tile| tile.to_string()).collect::<BTreeSet<_>>(), theirs);
    }
}

proptest! {
    #[test]
    fn a_tile_is_read_back_from_its_path(
        level in 0_u8..=TILE_LEVEL_MAX,
        index in prop_oneof![0_u64..2_000, any::<u64>().prop_map(|n| n >> 9)],
        width in 1..=TILE_WIDTH,
    ) {
        if let Ok(tile) = TileId::new(level, index, width) {
            prop_assert_eq!(tile.to_string().parse(), Ok(tile));
            let theirs = tlog_tiles::Tile::new(8, level, index, u32::from(width), false);
            prop_assert_eq!(tile.to_string(), theirs.path().replace("tile/8/", "tile/"));
            let bundle = BundleId::from(tile);
            prop_assert_eq!(bundle.to_string().parse(), Ok(bundle));
        }
    }

    #[test]
    fn what_is_read_as_a_path_is_written_the_same(path in "tile/(entries|[0-9x]{1,2})(/x?[0-9]{1,4}){1,4}(\\.p/[0-9]{0,3})?") {
        if let Ok(tile) = path.parse::<TileId>() {
            prop_assert_eq!(tile.to_string(), path.clone());
        }
        if let Ok(bundle) = path.parse::<BundleId>() {
            prop_assert_eq!(bundle.to_string(), path);
        }
    }
}
