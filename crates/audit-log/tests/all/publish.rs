//! What a publisher writes, in which order, and what it refuses.

use std::convert::Infallible;
use std::io;
use std::ops::ControlFlow;

use dataspace_audit_log::{
    Log, Publisher, Storage as _,
    medium::StoredFile,
    published::{PublishError, Published},
    reader::ReadError,
};
use dataspace_identity::Origin;
use dataspace_tlog::{
    Checkpoint, LeafIndex, LogReader as _, Record, StaticLog, TreeSize,
    published::{Depth, OpenStaticError, verify_static},
    tree::{Tree, leaf_hash},
};

use crate::site::{Site, checkpoint, entry, publish, signed, site, tree};
use crate::support::{Disk, key, numbers, origin, time};

#[test]
fn what_is_published_does_not_depend_on_the_steps() {
    let once = site(&[70_000]).files();
    let steps = site(&[1, 2, 255, 256, 257, 300, 512, 4_000, 65_535, 65_536, 66_000, 70_000]);
    let mut files = steps.files();
    files
        .retain(|path, bytes| once.contains_key(path) || !path.contains(".p/") || bytes.is_empty());
    assert_eq!(files, once);
    let report =
        verify_static(&steps, &origin(), Depth::Hashes, &mut |_| ControlFlow::Continue(()))
            .unwrap();
    assert!(report.is_sound());
    assert_eq!((report.entries(), report.tiles()), (70_000, 277));
}

#[test]
fn a_publication_writes_only_what_is_new() {
    let (site, tree) = (site(&[70_000]), tree(70_300));
    let mut publisher = site.publisher();
    site.get().history.clear();
    let mut asked = Vec::new();
    let done = publisher.publish(&checkpoint(&tree, 70_001), |index| {
        asked.push(index.as_u64());
        Ok::<_, Infallible>(entry(index.as_u64()))
    });
    assert_eq!(done.unwrap(), Published { tiles: 1, bundles: 1 });
    let history = std::mem::take(&mut site.get().history);
    assert_eq!(history, ["tile/entries/273.p/113", "tile/0/273.p/113", "sync", "checkpoint"]);
    // The last partial bundle is written again, and all before it is not read.
    assert!(asked.iter().all(|index| *index >= 273 * 256), "{asked:?}");
    assert_eq!(asked.len(), 2 * 113);
    publish(&mut publisher, &checkpoint(&tree, 70_300)).unwrap();
    let history = std::mem::take(&mut site.get().history);
    let expected = [
        "tile/entries/273",
        "tile/0/273",
        "tile/entries/274.p/156",
        "tile/0/274.p/156",
        "tile/1/001.p/18",
        "sync",
        "checkpoint",
    ];
    assert_eq!(history, expected);
}

#[test]
fn partial_files_are_removed_only_where_the_full_one_is_published() {
    let site = Site::default();
    let tree = tree(1_000);
    let mut publisher = site.publisher();
    for size in [100, 200, 300, 400, 1_000] {
        publish(&mut publisher, &checkpoint(&tree, size)).unwrap();
        publisher.remove_partial().unwrap();
        let files = site.files();
        for path in files.keys().filter(|path| path.contains(".p/")) {
            let (full, _) = path.split_once(".p/").unwrap();
            assert!(!files.contains_key(full), "{path} at {size}");
        }
        // Everybody who holds an earlier checkpoint can still read.
        for old in [100, 200, 300, 400, 1_000].into_iter().filter(|old| *old <= size) {
            let log = StaticLog::open_at(site.clone(), checkpoint(&tree, old)).unwrap();
            for index in [0, 99, old / 2, old - 1] {
                assert_eq!(log.entry(LeafIndex::new(index)).unwrap(), entry(index));
            }
        }
    }
    assert!(site.files().contains_key("tile/1/000.p/1"));
    // A removal that fails is tried again.
    publish(&mut publisher, &checkpoint(&self::tree(1_024), 1_024)).unwrap();
    site.get().fail_after = Some(0);
    publisher.remove_partial().unwrap_err();
    site.get().fail_after = None;
    publisher.remove_partial().unwrap();
    assert!(!site.files().keys().any(|path| path.starts_with("tile/0/003.p/")));
}

#[test]
fn the_same_checkpoint_again_writes_nothing() {
    let (site, tree) = (site(&[300]), tree(300));
    let mut publisher = site.publisher();
    assert_eq!(publisher.published(), Some(&checkpoint(&tree, 300)));
    site.get().history.clear();
    let nothing = publish(&mut publisher, &checkpoint(&tree, 300)).unwrap();
    assert_eq!(nothing, Published::default());
    assert!(site.get().history.is_empty());
}

#[test]
fn an_older_or_foreign_checkpoint_is_refused() {
    let (site, tree) = (site(&[300]), tree(400));
    let before = site.files();
    let mut publisher = site.publisher();
    let error = publish(&mut publisher, &checkpoint(&tree, 299)).unwrap_err();
    assert!(matches!(error, PublishError::Older { .. }));
    let other = Origin::named(key(1).did(), "b").unwrap();
    let foreign = signed(&other, 400, &tree.root());
    let error = publish(&mut publisher, &foreign).unwrap_err();
    assert!(matches!(error, PublishError::Origin { found } if found == other));
    assert!(matches!(Publisher::open(site.clone(), other), Err(OpenStaticError::Checkpoint(_))));
    assert_eq!(site.files(), before);
}

#[test]
fn entries_that_do_not_have_the_root_leave_no_trace() {
    let (site, tree) = (site(&[300]), tree(1_000));
    let before = site.files();
    let mut publisher = site.publisher();
    let mut attempt = |size: u64, root: &Tree, wrong: Option<u64>| {
        let root = root.root_at(TreeSize::new(size)).unwrap();
        publisher.publish(&signed(&origin(), size, &root), |index| {
            let index = index.as_u64();
            Ok::<_, Infallible>(entry(if wrong == Some(index) { index + 1 } else { index }))
        })
    };
    // An entry that was published, in the last partial bundle and thus read again.
    let error = attempt(1_000, &tree, Some(270)).unwrap_err();
    assert!(matches!(error, PublishError::Changed { index } if index == LeafIndex::new(270)));
    let error = attempt(1_000, &tree, Some(600)).unwrap_err();
    assert!(matches!(error, PublishError::Root));
    // A fork that changes an entry long published: the new entries are right, the root is not.
    let mut forked = Tree::new();
    (0..1_000).for_each(|n| forked.push(leaf_hash(&entry(if n == 3 { 4 } else { n }))));
    assert!(matches!(attempt(1_000, &forked, None), Err(PublishError::Root)));
    assert!(matches!(attempt(300, &forked, None), Err(PublishError::Root)));
    assert_eq!(site.files(), before);
    attempt(1_000, &tree, None).unwrap();
}

#[test]
fn a_source_that_fails_leaves_no_trace() {
    let (site, tree) = (site(&[300]), tree(1_000));
    let before = site.files();
    let mut publisher = site.publisher();
    let error = publisher
        .publish(&checkpoint(&tree, 1_000), |index| match index.as_u64() {
            900 => Err(io::Error::other("planned")),
            index => Ok(entry(index)),
        })
        .unwrap_err();
    assert!(matches!(error, PublishError::Source { index, .. } if index == LeafIndex::new(900)));
    assert_eq!(site.files(), before);
    publish(&mut publisher, &checkpoint(&tree, 1_000)).unwrap();
}

#[test]
fn a_file_with_other_bytes_is_never_overwritten() {
    let tree = tree(600);
    for path in ["tile/0/001", "tile/entries/001", "tile/0/002.p/88", "tile/1/000.p/2"] {
        for bytes in [vec![], vec![0; 8_192], vec![7; 20_000]] {
            let site = site(&[300]);
            site.get().files.insert(path.to_owned(), bytes.clone());
            let mut publisher = site.publisher();
            let error = publish(&mut publisher, &checkpoint(&tree, 600)).unwrap_err();
            assert!(matches!(&error, PublishError::Conflict { path: found } if found == path));
            assert_eq!(site.files()[path], bytes);
            assert_eq!(site.publisher().size(), TreeSize::new(300));
            // When somebody has looked and removed it, publishing goes on.
            site.get().files.remove(path);
            publish(&mut publisher, &checkpoint(&tree, 600)).unwrap();
        }
    }
}

#[test]
fn a_damaged_edge_is_not_built_upon() {
    for path in ["tile/0/001.p/44", "tile/1/000.p/1"] {
        let files = site(&[300]).files();
        for at in [0, files[path].len() - 1] {
            let mut files = files.clone();
            files.get_mut(path).unwrap()[at] ^= 1;
            let error = Publisher::open(Site::of(files), origin()).unwrap_err();
            assert!(matches!(error, OpenStaticError::Root));
        }
        let mut files = files.clone();
        files.remove(path);
        assert!(matches!(
            Publisher::open(Site::of(files), origin()),
            Err(OpenStaticError::Read(_))
        ));
    }
}

#[test]
fn a_log_is_published_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::create(&dir.path().join("log"), origin()).unwrap();
    let site = Site::default();
    let mut publisher = site.publisher();
    let mut checkpoints = Vec::new();
    for range in [0..0, 0..1, 1..300, 300..301, 301..900] {
        log.append_batch(&numbers(range)).unwrap();
        let checkpoint = log.checkpoint(&key(1)).unwrap();
        publisher.publish_log(&log, &checkpoint).unwrap();
        checkpoints.push(checkpoint);
    }
    let report =
        verify_static(&site, &origin(), Depth::Records, &mut |_| ControlFlow::Continue(()))
            .unwrap();
    assert!(report.is_sound());
    assert_eq!(report.entries(), 900);
    let reader = StaticLog::open(site.clone(), &origin()).unwrap();
    for checkpoint in &checkpoints {
        reader.verify_extends(checkpoint).unwrap();
        log.verify_extends(checkpoint).unwrap();
    }
    for n in [0, 299, 899] {
        let index = LeafIndex::new(n);
        let all = log.size().unwrap();
        let record = reader.entry(index).unwrap();
        assert_eq!(record, log.read(index).unwrap());
        Record::from_bytes(&record).unwrap();
        let proof = reader.inclusion_proof(index, all).unwrap();
        assert_eq!(proof, log.inclusion_proof(index, all).unwrap());
    }
    // A checkpoint of other records is refused before anything is written.
    let before = site.files();
    let forked = signed(&origin(), 900, &tree(900).root());
    assert!(matches!(publisher.publish_log(&log, &forked), Err(PublishError::Log(_))));
    let ahead = signed(&origin(), 901, &tree(901).root());
    assert!(matches!(publisher.publish_log(&log, &ahead), Err(PublishError::Log(_))));
    assert_eq!(site.files(), before);
}

/// A log of so many records on a disk, and its checkpoint.
fn on_disk(records: u64) -> (Disk, Log, Checkpoint) {
    let disk = Disk::segmented(60_000);
    let log = disk.create();
    for n in (0..records).step_by(100) {
        log.append_batch(&numbers(n..(n + 100).min(records))).unwrap();
    }
    let checkpoint = log.checkpoint(&key(1)).unwrap();
    (disk, log, checkpoint)
}

#[test]
fn a_log_is_read_by_tiles_and_not_by_records() {
    let (disk, log, checkpoint) = on_disk(2_000);
    let before = disk.get().reads;
    Site::default().publisher().publish_log(&log, &checkpoint).unwrap();
    let reads = disk.get().reads - before;
    assert!(reads < 200, "{reads} reads");
}

#[test]
fn what_a_checkpoint_does_not_cover_is_not_read() {
    let (disk, log, checkpoint) = on_disk(700);
    let site = Site::default();
    let mut publisher = site.publisher();
    publisher.publish_log(&log, &checkpoint).unwrap();
    let before = log.size().unwrap();
    let first_after = disk.get().contents();
    log.append_batch(&numbers(700..760)).unwrap();
    // Damage behind the checkpoint, in the tile that it cuts.
    let changed = disk.get().contents().into_iter().filter(|(file, bytes)| {
        matches!(file, StoredFile::Segment(_)) && first_after.get(file) != Some(bytes)
    });
    for (file, bytes) in changed.collect::<Vec<_>>() {
        let from = first_after.get(&file).map_or(0, Vec::len);
        let mut state = disk.get();
        let damaged = &mut state.files.get_mut(&file).unwrap().cache;
        damaged[from..].fill(0xff);
        assert_ne!(*damaged, bytes);
    }
    let again = Site::default();
    again.publisher().publish_log(&log, &checkpoint).unwrap();
    assert_eq!(again.files(), site.files());
    assert_eq!(before, checkpoint.size());
    // Nothing is asked of segments that are gone, where there is nothing new.
    for first in disk.segments().unwrap() {
        disk.get().files.remove(&StoredFile::Segment(first));
    }
    assert_eq!(publisher.publish_log(&log, &checkpoint).unwrap(), Published::default());
}

#[test]
fn a_damaged_record_is_named_and_publishing_goes_on_when_it_is_restored() {
    let (disk, log, checkpoint) = on_disk(1_000);
    let site = Site::default();
    let mut publisher = site.publisher();
    let whole = disk.get().files.clone();
    let index = LeafIndex::new(600);
    let bytes = log.read(index).unwrap();
    for file in disk.segments().unwrap().into_iter().map(StoredFile::Segment) {
        let mut state = disk.get();
        let cache = &mut state.files.get_mut(&file).unwrap().cache;
        if let Some(at) = cache.windows(bytes.len()).position(|found| found == bytes) {
            cache[at + 9] ^= 1;
        }
    }
    let error = publisher.publish_log(&log, &checkpoint).unwrap_err();
    let is_named = matches!(&error, PublishError::Source { index: at, source: ReadError::Corrupt { index: corrupt } }
        if (*at, *corrupt) == (index, index));
    assert!(is_named, "{error:?}");
    assert!(!site.files().contains_key("checkpoint"));
    disk.get().files = whole;
    publisher.publish_log(&log, &checkpoint).unwrap();
    let report =
        verify_static(&site, &origin(), Depth::Records, &mut |_| ControlFlow::Continue(()));
    assert!(report.unwrap().is_sound());
}

#[test]
fn what_was_archived_before_it_was_published_is_named() {
    let (_, log, checkpoint) = on_disk(1_000);
    log.archive(LeafIndex::new(999), time(0), &key(1)).unwrap();
    let first = log.first().unwrap();
    assert!(first.as_u64() > 256, "{first}");
    let error = Site::default().publisher().publish_log(&log, &checkpoint).unwrap_err();
    assert!(matches!(error,
        PublishError::Source { index, source: ReadError::Archived { .. } } if index.as_u64() == 0));
}
