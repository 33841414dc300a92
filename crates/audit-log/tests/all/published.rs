//! Roots, proofs and entries from tiles, against the tree in memory and other implementations.

use std::sync::LazyLock;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use dataspace_primitives::Digest;
use dataspace_tlog::{
    LeafIndex, LogReader as _, StaticFiles, StaticLog, TreeSize,
    log_reader::ExtendsError,
    published::{FnFiles, OpenStaticError, StaticLogError},
    tree::{BundleId, TileId, Tree, TreeError},
};
use sha2::Sha256;
use tlog_tiles::{TileHashReader, TileReader};

use crate::site::{Site, checkpoint, entry, publish, site, tree};
use crate::support::{key, origin};

const SMALL: u64 = 300;
const LARGE: u64 = 70_000;

static LARGE_TREE: LazyLock<Tree> = LazyLock::new(|| tree(LARGE));
static LARGE_SITE: LazyLock<Site> = LazyLock::new(|| site(&[1, 300, 65_000, LARGE]));

fn size(n: u64) -> TreeSize {
    TreeSize::new(n)
}

fn index(n: u64) -> LeafIndex {
    LeafIndex::new(n)
}

fn concat(path: &[Digest]) -> Vec<u8> {
    path.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// Everything about one size: of the tiles as published for it, in memory, by `ct-merkle`.
fn assert_all_proofs(
    log: &StaticLog<Site>,
    tree: &Tree,
    n: u64,
    theirs: &MemoryBackedTree<Sha256, Vec<u8>>,
) {
    let root = tree.root_at(size(n)).unwrap();
    assert_eq!(log.root_at(size(n)).unwrap(), root);
    assert_eq!(&theirs.root().as_bytes()[..], root.as_bytes());
    for m in 0..n {
        let proof = log.inclusion_proof(index(m), size(n)).unwrap();
        assert_eq!(proof, tree.inclusion_proof(index(m), size(n)).unwrap());
        proof.verify(tree.leaf(index(m)).unwrap(), &root).unwrap();
        let peer = theirs.prove_inclusion(usize::try_from(m).unwrap());
        assert_eq!(peer.as_bytes(), concat(&proof.path));
    }
    for m in 0..=n {
        let proof = log.consistency_proof(size(m), size(n)).unwrap();
        assert_eq!(proof, tree.consistency_proof(size(m), size(n)).unwrap());
        proof.verify(&tree.root_at(size(m)).unwrap(), &root).unwrap();
        if m > 0 {
            let peer = theirs.prove_consistency(usize::try_from(n - m).unwrap());
            assert_eq!(peer.as_bytes(), concat(&proof.path), "{m} to {n}");
        }
    }
}

#[test]
fn the_proofs_from_the_tiles_of_every_small_tree_are_those_of_the_tree() {
    let (site, tree) = (Site::default(), tree(SMALL));
    let mut publisher = site.publisher();
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for n in 1..=SMALL {
        theirs.push(entry(n - 1));
        publish(&mut publisher, &checkpoint(&tree, n)).unwrap();
        let log = StaticLog::open(site.clone(), &origin()).unwrap();
        assert_eq!(log.size(), size(n));
        assert_all_proofs(&log, &tree, n, &theirs);
    }
}

#[test]
fn a_larger_log_gives_the_proofs_of_all_its_earlier_sizes() {
    let (site, tree) = (site(&[SMALL]), tree(SMALL));
    let log = StaticLog::open(site, &origin()).unwrap();
    let mut theirs = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for n in 1..=SMALL {
        theirs.push(entry(n - 1));
        assert_all_proofs(&log, &tree, n, &theirs);
    }
}

/// Sizes around those at which tiles change, and some between.
fn sizes() -> Vec<u64> {
    let edges = [
        1, 2, 255, 256, 257, 511, 512, 513, 65_279, 65_280, 65_535, 65_536, 65_537, 65_792, 69_999,
        LARGE,
    ];
    let mut sizes: Vec<_> = edges.into_iter().chain((0..20).map(|n| n * n * 171 + 301)).collect();
    sizes.sort_unstable();
    sizes
}

#[test]
fn the_proofs_of_a_large_log_are_those_of_the_tree() {
    let log = StaticLog::open(LARGE_SITE.clone(), &origin()).unwrap();
    let tree = &*LARGE_TREE;
    for n in sizes() {
        let root = tree.root_at(size(n)).unwrap();
        assert_eq!(log.root_at(size(n)).unwrap(), root);
        for m in sizes().into_iter().filter(|m| *m <= n) {
            for m in [m - 1, m / 2, n - m].into_iter().filter(|m| *m < n) {
                let proof = log.inclusion_proof(index(m), size(n)).unwrap();
                assert_eq!(proof, tree.inclusion_proof(index(m), size(n)).unwrap());
            }
            let proof = log.consistency_proof(size(m), size(n)).unwrap();
            assert_eq!(proof, tree.consistency_proof(size(m), size(n)).unwrap());
            proof.verify(&tree.root_at(size(m)).unwrap(), &root).unwrap();
        }
    }
}

/// Our files as the other implementation asks for them.
struct Theirs<'s>(&'s Site);

impl TileReader for Theirs<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &tlog_tiles::Tile| {
            let path = tile.path().replace("tile/8/", "tile/");
            let mut bytes = Vec::new();
            assert!(self.0.read_into(&path, 8_192, &mut bytes).unwrap(), "{path} is not there");
            bytes
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

#[test]
fn another_implementation_finds_the_same_proofs_in_our_files() {
    let tree = &*LARGE_TREE;
    let root = tlog_tiles::Hash(*tree.root().as_bytes());
    let reader = Theirs(&LARGE_SITE);
    let by = TileHashReader::new(LARGE, root, &reader);
    let log = StaticLog::open(LARGE_SITE.clone(), &origin()).unwrap();
    for m in sizes() {
        let theirs = tlog_tiles::prove_record(LARGE, m - 1, &by).unwrap();
        let ours = log.inclusion_proof(index(m - 1), size(LARGE)).unwrap();
        assert_eq!(theirs.iter().flat_map(|hash| hash.0).collect::<Vec<_>>(), concat(&ours.path));
        let theirs = tlog_tiles::prove_tree(LARGE, m, &by).unwrap();
        let ours = log.consistency_proof(size(m), size(LARGE)).unwrap();
        assert_eq!(theirs.iter().flat_map(|hash| hash.0).collect::<Vec<_>>(), concat(&ours.path));
    }
}

#[test]
fn every_flipped_bit_of_a_proof_from_tiles_is_refused() {
    let log = StaticLog::open(LARGE_SITE.clone(), &origin()).unwrap();
    let tree = &*LARGE_TREE;
    let leaf = *tree.leaf(index(65_000)).unwrap();
    let good = log.inclusion_proof(index(65_000), size(LARGE)).unwrap();
    let extends = log.consistency_proof(size(65_000), size(LARGE)).unwrap();
    let from = tree.root_at(size(65_000)).unwrap();
    let flip = |path: &[Digest], bit: usize| {
        let mut path = path.to_vec();
        let mut bytes = *path[bit / 256].as_bytes();
        bytes[bit % 256 / 8] ^= 1 << (bit % 8);
        path[bit / 256] = Digest::from_bytes(bytes);
        path
    };
    for bit in 0..256 * good.path.len() {
        let mut bad = good.clone();
        bad.path = flip(&good.path, bit);
        assert!(bad.verify(&leaf, &tree.root()).is_err());
    }
    for bit in 0..256 * extends.path.len() {
        let mut bad = extends.clone();
        bad.path = flip(&extends.path, bit);
        assert!(bad.verify(&from, &tree.root()).is_err());
    }
}

#[test]
fn entries_are_read_and_checked() {
    let log = StaticLog::open(LARGE_SITE.clone(), &origin()).unwrap();
    for n in sizes() {
        assert_eq!(log.entry(index(n - 1)).unwrap(), entry(n - 1));
    }
    let mut next = 200;
    log.replay(200..1_100, |at, bytes| {
        assert_eq!((at.as_u64(), bytes), (next, &entry(next)[..]));
        next += 1;
        Ok::<_, StaticLogError>(())
    })
    .unwrap();
    assert_eq!(next, 1_100);
}

#[test]
fn what_the_tree_does_not_have_is_refused() {
    let log = StaticLog::open(site(&[300]), &origin()).unwrap();
    let tree_error = |error| match error {
        StaticLogError::Tree(error) => error,
        other => panic!("{other}"),
    };
    let big = size(301);
    let missing = TreeError::Size { size: big, leaves: size(300) };
    assert_eq!(tree_error(log.root_at(big).unwrap_err()), missing);
    assert_eq!(tree_error(log.inclusion_proof(index(0), big).unwrap_err()), missing);
    assert_eq!(tree_error(log.consistency_proof(size(1), big).unwrap_err()), missing);
    assert_eq!(
        tree_error(log.inclusion_proof(index(5), size(5)).unwrap_err()),
        TreeError::Index { index: index(5), size: size(5) }
    );
    assert_eq!(
        tree_error(log.consistency_proof(size(6), size(5)).unwrap_err()),
        TreeError::Order { from: size(6), to: size(5) }
    );
    for n in [300, u64::MAX] {
        tree_error(log.entry(index(n)).unwrap_err());
    }
    tree_error(log.replay(299..302, |_, _| Ok::<_, StaticLogError>(())).unwrap_err());
}

#[test]
fn a_missing_partial_tile_is_read_from_the_full_one() {
    let tree = tree(600);
    let site = site(&[300, 600]);
    let old = checkpoint(&tree, 300);
    // Partial tiles of 300 that are full at 600 may be removed.
    site.get().files.retain(|path, _| !path.starts_with("tile/0/001.p/"));
    site.get().files.retain(|path, _| !path.starts_with("tile/entries/001.p/"));
    let log = StaticLog::open_at(site.clone(), old.clone()).unwrap();
    assert_eq!(log.entry(index(299)).unwrap(), entry(299));
    assert!(log.entry(index(300)).is_err());
    let proof = log.inclusion_proof(index(299), size(300)).unwrap();
    assert_eq!(proof, tree.inclusion_proof(index(299), size(300)).unwrap());
    // The rest of the full tile is nothing that this checkpoint speaks of.
    let mut rest = site.files();
    rest.get_mut("tile/0/001").unwrap()[8_191] ^= 1;
    assert!(StaticLog::open_at(Site::of(rest), old.clone()).is_ok());
    let mut bad = site.files();
    bad.get_mut("tile/0/001").unwrap()[43 * 32] ^= 1;
    assert!(matches!(StaticLog::open_at(Site::of(bad), old), Err(OpenStaticError::Root)));
}

#[test]
fn a_client_asks_for_no_more_tiles_than_it_needs() {
    let site = LARGE_SITE.clone();
    let log = StaticLog::open(site.clone(), &origin()).unwrap();
    site.get().reads.lock().unwrap().clear();
    log.entry(index(100)).unwrap();
    log.inclusion_proof(index(100), size(LARGE)).unwrap();
    log.entry(index(101)).unwrap();
    let reads = site.get().reads.lock().unwrap().clone();
    let expected = ["tile/entries/000", "tile/1/000", "tile/0/000", "tile/entries/000"];
    assert_eq!(reads, expected);
}

#[test]
fn any_function_that_gives_bytes_is_a_log() {
    let files = site(&[SMALL]).files();
    let get = FnFiles(|path: &str, _: usize| Ok(files.get(path).cloned()));
    let log = StaticLog::open(get, &origin()).unwrap();
    assert_eq!(log.entry(index(7)).unwrap(), entry(7));
    let tree = tree(SMALL);
    log.verify_extends(&checkpoint(&tree, 123)).unwrap();
}

#[test]
fn a_kept_checkpoint_shows_a_rollback_and_a_fork() {
    let (old, tree) = (site(&[200]), tree(300));
    let log = StaticLog::open(old, &origin()).unwrap();
    log.verify_extends(&checkpoint(&tree, 200)).unwrap();
    let error = log.verify_extends(&checkpoint(&tree, 201)).unwrap_err();
    assert!(
        matches!(error, ExtendsError::RolledBack { signed, found } if (signed, found) == (size(201), size(200))),
        "{error}"
    );
    let mut forked = Tree::new();
    (0..100).for_each(|n| forked.push(dataspace_tlog::tree::leaf_hash(&[n])));
    let error = log.verify_extends(&checkpoint(&forked, 100)).unwrap_err();
    assert!(matches!(error, ExtendsError::Forked { signed } if signed == size(100)));
}

#[test]
fn a_checkpoint_of_another_key_or_log_is_refused() {
    let site = site(&[5]);
    let other = dataspace_identity::Origin::new(key(2).did()).unwrap();
    let error = StaticLog::open(site.clone(), &other).unwrap_err();
    assert!(matches!(error, OpenStaticError::Checkpoint(_)));
    let named = dataspace_identity::Origin::named(key(1).did(), "b").unwrap();
    assert!(matches!(StaticLog::open(site, &named), Err(OpenStaticError::Checkpoint(_))));
    let error = StaticLog::open(Site::default(), &origin()).unwrap_err();
    assert!(matches!(error, OpenStaticError::NoCheckpoint));
}

#[test]
fn the_empty_log_can_be_published_and_read() {
    let site = site(&[0]);
    let log = StaticLog::open(site.clone(), &origin()).unwrap();
    assert_eq!(log.root_at(TreeSize::EMPTY).unwrap(), dataspace_tlog::tree::empty_root());
    assert!(log.entry(index(0)).is_err());
    assert_eq!(site.files().len(), 1);
}

#[test]
fn the_files_of_70000_entries_are_those_of_the_specification() {
    let files = site(&[LARGE]).files();
    let mut expected: Vec<_> = TileId::all(size(LARGE)).map(|tile| tile.to_string()).collect();
    expected.extend(BundleId::all(size(LARGE)).map(|bundle| bundle.to_string()));
    expected.push("checkpoint".to_owned());
    expected.sort();
    assert_eq!(files.keys().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
    assert_eq!(files["tile/0/273.p/112"].len(), 112 * 32);
    assert_eq!(files["tile/1/000"].len(), 8_192);
}
