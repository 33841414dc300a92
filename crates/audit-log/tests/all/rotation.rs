//! Logs of many segments, and of so many records that hashes and offsets are settled.

use dataspace_audit_log::{Log, Storage as _, medium::StoredFile, reader::ReadError};
use dataspace_tlog::{
    LeafIndex, TreeSize,
    tree::{Tree, leaf_hash},
};

use crate::support::{Disk, Random, all_numbers, key, number, numbers, small};

/// The same log in memory.
fn tree(records: u64) -> Tree {
    let mut tree = Tree::new();
    for record in numbers(0..records) {
        tree.push(leaf_hash(&record.to_bytes().unwrap()));
    }
    tree
}

/// Appends the numbers up to `end`, `many` at once.
fn grow(log: &Log, end: u64, many: u64) {
    let mut next = log.size().unwrap().as_u64();
    while next < end {
        let after = (next + many).min(end);
        log.append_batch(&numbers(next..after)).unwrap();
        next = after;
    }
}

/// Sizes where tiles begin and end, and some between.
fn sizes(all: u64, random: &mut Random) -> Vec<u64> {
    let mut sizes: Vec<u64> = [1, 2, 255, 256, 257, 511, 512, 4_095, 4_096, 4_097, 65_535]
        .into_iter()
        .chain([65_536, 65_537, 65_792, all - 1, all])
        .chain((0..12).map(|_| 1 + random.next() % all))
        .filter(|size| *size <= all)
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn assert_same(log: &Log, tree: &Tree, random: &mut Random) {
    let all = tree.size().as_u64();
    assert_eq!(log.size().unwrap(), tree.size());
    let sizes = sizes(all, random);
    for (at, size) in sizes.iter().enumerate() {
        let size = TreeSize::new(*size);
        assert_eq!(log.root_at(size).unwrap(), tree.root_at(size).unwrap(), "{size}");
        for index in [0, size.as_u64() - 1, random.next() % size.as_u64()] {
            let index = LeafIndex::new(index);
            let proof = log.inclusion_proof(index, size).unwrap();
            assert_eq!(proof, tree.inclusion_proof(index, size).unwrap());
            assert_eq!(number(&log.read(index).unwrap()), index.as_u64());
        }
        for later in &sizes[at..] {
            let later = TreeSize::new(*later);
            let proof = log.consistency_proof(size, later).unwrap();
            assert_eq!(proof, tree.consistency_proof(size, later).unwrap());
        }
    }
}

fn assert_replays(log: &Log, first: u64) {
    let mut next = first;
    log.replay_from(LeafIndex::new(first), |index, bytes| {
        assert_eq!((index.as_u64(), number(bytes)), (next, next));
        next += 1;
        Ok::<(), ReadError>(())
    })
    .unwrap();
    assert_eq!(next, log.size().unwrap().as_u64());
}

#[test]
fn a_log_of_many_segments_is_the_same_after_reopening() {
    let disk = Disk::segmented(600);
    disk.get().reserves = true;
    let log = disk.create();
    let mut random = Random(1);
    let tree = tree(300);
    for n in 0..300 {
        assert_eq!(log.append(&small(n)).unwrap().index(), LeafIndex::new(n));
    }
    assert!(disk.segments().unwrap().len() > 75);
    assert_same(&log, &tree, &mut random);
    drop(log);
    disk.crash();
    disk.check().unwrap();
    let (log, recovery) = disk.open().unwrap();
    assert_eq!((recovery.size(), recovery.bytes_cut()), (TreeSize::new(300), 0));
    assert_same(&log, &tree, &mut random);
    assert_eq!(all_numbers(&log), (0..300).collect::<Vec<_>>());
}

#[test]
fn a_log_reopened_after_every_record_is_the_same() {
    let disk = Disk::segmented(600);
    let mut log = disk.create();
    for n in 0..60 {
        let _one = log.append(&small(n)).unwrap();
        if n % 3 == 0 {
            log.checkpoint(&key(1)).unwrap();
        }
        drop(log);
        disk.crash();
        log = disk.open().unwrap().0;
    }
    assert_same(&log, &tree(60), &mut Random(2));
}

#[test]
fn a_settled_log_is_the_same_after_reopening() {
    let disk = Disk::segmented(9_000);
    let (tree, mut random) = (tree(9_000), Random(3));
    let mut log = disk.create();
    // Before and after hashes and offsets are settled, and settled again.
    for size in [255, 256, 4_095, 4_096, 4_100, 4_352, 8_191, 8_192, 8_200, 9_000] {
        grow(&log, size, 37);
        let checkpoint = log.checkpoint(&key(1)).unwrap();
        assert_eq!(checkpoint.root(), tree.root_at(TreeSize::new(size)).unwrap());
        drop(log);
        disk.crash();
        log = disk.open().unwrap().0;
        assert_eq!(log.root_at(checkpoint.size()).unwrap(), checkpoint.root());
    }
    assert!(disk.get().files.contains_key(&StoredFile::Mark));
    disk.check().unwrap();
    assert_same(&log, &tree, &mut random);
    assert_replays(&log, 0);
    assert_replays(&log, 4_321);
}

#[test]
fn a_log_of_tiles_over_tiles_is_the_same_after_reopening() {
    let disk = Disk::segmented(1 << 20);
    let (tree, mut random) = (tree(66_000), Random(4));
    let log = disk.create();
    grow(&log, 65_500, 5_000);
    log.checkpoint(&key(1)).unwrap();
    grow(&log, 66_000, 100);
    assert_same(&log, &tree, &mut random);
    drop(log);
    // At the mark of 65,500, and without any.
    for _ in 0..2 {
        disk.crash();
        let (log, recovery) = disk.open().unwrap();
        assert_eq!(recovery.unsigned(), 500);
        assert_same(&log, &tree, &mut random);
        drop(log);
        disk.check().unwrap();
        disk.get().files.remove(&StoredFile::Mark);
    }
    let full = disk.get().files.get(&StoredFile::Hashes(1)).map(|file| file.cache.len());
    // A tile, and the first leaf of the next, which was settled when the mark was gone.
    assert_eq!(full, Some((16 << 10) + 32), "no tile of level 1 became full");
}

/// Reads and bytes of opening a log of so many records.
fn cost_of_opening(records: u64, after: u64) -> (usize, usize, usize) {
    let disk = Disk::segmented(64 << 10);
    let log = disk.create();
    grow(&log, records, 2_000);
    log.checkpoint(&key(1)).unwrap();
    grow(&log, records + after, 1);
    log.checkpoint(&key(1)).unwrap();
    drop(log);
    disk.crash();
    let (log, recovery) = disk.open().unwrap();
    assert_eq!((recovery.size().as_u64(), recovery.unsigned()), (records + after, 0));
    drop(log);
    let state = disk.get();
    (state.reads, state.bytes_read, state.largest_read)
}

#[test]
fn opening_does_not_depend_on_the_length_of_the_log() {
    let long = if crate::support::is_long() { 200_000 } else { 70_000 };
    let (short, long) = (cost_of_opening(5_000, 20), cost_of_opening(long, 20));
    for (reads, bytes, largest) in [short, long] {
        assert!(reads < 200 && bytes < 200_000 && largest < 66_000, "{reads} {bytes} {largest}");
    }
}

#[test]
fn a_log_that_was_never_settled_is_read_from_its_beginning() {
    let disk = Disk::segmented(64 << 10);
    let log = disk.create();
    grow(&log, 4_095, 100);
    log.checkpoint(&key(1)).unwrap();
    drop(log);
    assert!(!disk.get().files.contains_key(&StoredFile::Mark));
    let before = disk.get().bytes_read;
    drop(disk.open().unwrap());
    assert!(disk.get().bytes_read - before > 400_000);
}
