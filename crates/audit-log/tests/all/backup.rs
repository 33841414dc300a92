//! Copies of a log that grows.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use dataspace_audit_log::{
    FileStorage, Log, ReadOnlyStorage, backup, backup::BackupError, open::OpenError,
};
use dataspace_tlog::{
    Checkpoint, ForkProof, LeafIndex,
    tree::{Tree, leaf_hash},
};

use crate::small_segments::SmallSegments;
use crate::support::{all_numbers, key, number, numbers, origin, small, time};

/// All of its files are as they were written, and it goes on as a log.
fn assert_good(dir: &Path, at_least: u64) -> u64 {
    let storage = ReadOnlyStorage::open(dir).unwrap();
    let checked = Log::check_on(&storage, &origin(), &|_| {}).unwrap();
    drop(storage);
    let (log, recovery) = Log::open(dir, origin()).unwrap();
    let size = recovery.size().as_u64();
    assert!(size >= at_least, "{size} of {at_least}");
    assert_eq!((checked.size(), recovery.bytes_cut()), (recovery.size(), 0));
    assert!(!recovery.is_remade());
    log.verify_extends(recovery.checkpoint().unwrap()).unwrap();
    let last = log.read(LeafIndex::new(size - 1)).unwrap();
    drop(last);
    drop(log.append(&small(9_999_999)).unwrap());
    log.checkpoint(&key(1)).unwrap();
    size
}

/// Says so when dropped.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn thirty_copies_of_a_log_that_four_threads_write_open_and_verify() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = SmallSegments::create(&path);
    drop(log.append_batch(&numbers(0..3)).unwrap());
    log.checkpoint(&key(1)).unwrap();
    let (ends, signed) = (AtomicBool::new(false), AtomicU64::new(3));
    thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (log, ends, signed) = (&log, &ends, &signed);
            scope.spawn(move || {
                for turn in 0.. {
                    if ends.load(Ordering::Relaxed) {
                        return;
                    }
                    let first = thread * 1_000_000 + turn * 100;
                    let count = if turn % 50 == 0 { 90 } else { 1 + turn % 3 };
                    drop(log.append_batch(&numbers(first..first + count)).unwrap());
                    if turn % 7 == thread {
                        let size = log.checkpoint(&key(1)).unwrap().size().as_u64();
                        signed.fetch_max(size, Ordering::Release);
                    }
                    // The log must not grow faster than copies of it are read.
                    thread::sleep(Duration::from_millis(2));
                }
            });
        }
        // Also if a copy is not as it should be.
        let ends = Ends(&ends);
        for round in 0..30 {
            let (before, to) =
                (signed.load(Ordering::Acquire), dir.path().join(format!("{round}")));
            // From outside of the process that writes, and from inside.
            if round % 2 == 0 {
                backup(&path, &to).unwrap();
            } else {
                log.backup(&to).unwrap();
            }
            assert_good(&to, before);
        }
        drop(ends);
    });
    let names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(names.len(), 31, "{names:?}");
}

#[test]
fn a_copy_that_goes_on_beside_the_original_is_a_visible_fork() {
    let dir = tempfile::tempdir().unwrap();
    let (path, to) = (dir.path().join("log"), dir.path().join("copy"));
    let log = Log::create(&path, origin()).unwrap();
    drop(log.append_batch(&numbers(0..20)).unwrap());
    log.checkpoint(&key(1)).unwrap();
    assert_eq!(log.backup(&to).unwrap().as_u64(), 20);
    let (copy, _) = Log::open(&to, origin()).unwrap();
    drop(copy.append(&small(50)).unwrap());
    let of_copy = copy.checkpoint(&key(1)).unwrap();
    drop(log.append_batch(&numbers(20..40)).unwrap());
    let of_log = log.checkpoint(&key(1)).unwrap();
    let mut tree = Tree::new();
    (0..40).for_each(|n| tree.push(leaf_hash(&small(n).to_bytes().unwrap())));
    let proof = ForkProof::of_tree(&of_copy, &of_log, &tree).unwrap();
    proof.verify(&origin()).unwrap();
}

#[test]
fn a_stopped_log_is_copied_whole_and_what_it_archived_stays_proved() {
    let dir = tempfile::tempdir().unwrap();
    let (path, to) = (dir.path().join("log"), dir.path().join("copy"));
    let log = SmallSegments::create(&path);
    for first in (0..6_000).step_by(100) {
        drop(log.append_batch(&numbers(first..first + 100)).unwrap());
    }
    log.checkpoint(&key(1)).unwrap();
    let kept = log.archive(LeafIndex::new(3_000), time(0), &key(1)).unwrap();
    drop(log.append(&small(6_001)).unwrap());
    drop(log);
    backup(&path, &to).unwrap();
    let (copy, recovery) = Log::open(&to, origin()).unwrap();
    assert_eq!((recovery.size().as_u64(), copy.first().unwrap()), (6_002, kept));
    assert_eq!(number(&copy.read(LeafIndex::new(6_001)).unwrap()), 6_001);
    copy.inclusion_proof(LeafIndex::new(7), recovery.size()).unwrap();
}

#[test]
fn a_copy_appears_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (path, to) = (dir.path().join("log"), dir.path().join("copy"));
    let log = Log::create(&path, origin()).unwrap();
    let count = || fs::read_dir(dir.path()).unwrap().count();
    assert!(matches!(log.backup(&to), Err(BackupError::Unsigned)));
    drop(log.append_batch(&numbers(0..5_000)).unwrap());
    log.checkpoint(&key(1)).unwrap();
    fs::create_dir(&to).unwrap();
    assert!(matches!(log.backup(&to), Err(BackupError::Exists { .. })));
    fs::remove_dir(&to).unwrap();
    drop(log);
    let segment = path.join("segment-00000000000000000000");
    let whole = fs::read(&segment).unwrap();
    let mut damaged = whole.clone();
    damaged.truncate(9_000);
    fs::write(&segment, &damaged).unwrap();
    assert!(matches!(backup(&path, &to), Err(BackupError::Open(_))));
    assert_eq!(count(), 1, "something is left behind");
    fs::write(&segment, &whole).unwrap();
    backup(&path, &to).unwrap();
    assert_good(&to, 5_000);
}

/// What `tar` or `cp` can catch of a directory that is written: each file at another moment.
#[test]
fn a_plain_copy_opens_or_says_how_to_make_a_good_one() {
    let dir = tempfile::tempdir().unwrap();
    let (path, early) = (dir.path().join("log"), dir.path().join("early"));
    let log = Log::create(&path, origin()).unwrap();
    for first in (0..5_000).step_by(500) {
        drop(log.append_batch(&numbers(first..first + 500)).unwrap());
    }
    log.checkpoint(&key(1)).unwrap();
    let copy = |to: &Path| {
        assert!(Command::new("cp").arg("-r").arg(&path).arg(to).status().unwrap().success());
    };
    copy(&early);
    for first in (5_000..10_000).step_by(500) {
        drop(log.append_batch(&numbers(first..first + 500)).unwrap());
    }
    log.checkpoint(&key(1)).unwrap();
    drop(log);
    let mut names: Vec<_> =
        fs::read_dir(&path).unwrap().map(|one| one.unwrap().file_name()).collect();
    // Needed to publish alone.
    names.retain(|name| name != "signed");
    assert_eq!(names.len(), 6, "{names:?}");
    let (mut opened, mut refused) = (0, 0);
    // Each file from the one moment or the other.
    for mixed in 0..1_u32 << names.len() {
        let to = dir.path().join("mixed");
        copy(&to);
        for (n, name) in names.iter().enumerate().filter(|(n, _)| mixed & (1 << n) != 0) {
            let _ = n;
            match fs::copy(early.join(name), to.join(name)) {
                Ok(_) => {}
                Err(_) => fs::remove_file(to.join(name)).unwrap(),
            }
        }
        let is_early = |file: &str| {
            let at = names.iter().position(|name| name == file).unwrap();
            mixed & (1 << at) != 0
        };
        let is_lost = is_early("segment-00000000000000000000") && !is_early("checkpoint");
        match Log::open(&to, origin()) {
            Ok((log, recovery)) => {
                assert!(!is_lost, "{mixed:b}: records are lost in silence");
                let size = recovery.size().as_u64();
                assert!(size == 5_000 || size == 10_000);
                if mixed % 16 == 0 {
                    assert_eq!(all_numbers(&log).len() as u64, size);
                }
                drop(log);
                let storage = ReadOnlyStorage::open(&to).unwrap();
                Log::check_on(&storage, &origin(), &|_| {}).unwrap();
                opened += 1;
            }
            Err(error) => {
                assert!(is_lost, "{mixed:b}: {error}");
                assert!(matches!(error, OpenError::Truncated { .. }), "{error:?}");
                assert!(error.to_string().contains("audit backup"), "{error}");
                refused += 1;
            }
        }
        fs::remove_dir_all(&to).unwrap();
    }
    assert_eq!((opened, refused), ((3 << names.len()) / 4, (1 << names.len()) / 4));
}

#[test]
fn a_copy_that_is_remade_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::create(dir.path(), origin()).unwrap();
    drop(log.append_batch(&numbers(0..5_000)).unwrap());
    let checkpoint: Checkpoint = log.checkpoint(&key(1)).unwrap();
    drop(log);
    let offsets = fs::read(dir.path().join("offsets")).unwrap();
    fs::write(dir.path().join("offsets"), &offsets[..1_000]).unwrap();
    let (log, recovery) = Log::open(dir.path(), origin()).unwrap();
    assert!(recovery.is_remade() && recovery.to_string().contains("made again"));
    log.verify_extends(&checkpoint).unwrap();
    assert_eq!(number(&log.read(LeafIndex::new(4_000)).unwrap()), 4_000);
    drop(log);
    let storage = FileStorage::open(dir.path()).unwrap();
    Log::check_on(&storage, &origin(), &|_| {}).unwrap();
}
