//! What is made from the records cannot be written for a while: the log goes on.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use dataspace_audit_log::{medium::StoredFile, reader::ReadError};
use dataspace_tlog::LeafIndex;

use crate::small_segments::SmallSegments;
use crate::support::{Disk, all_numbers, key, number, numbers, small};

#[test]
fn derived_files_that_cannot_be_written_for_a_while_poison_nothing() {
    let disk = Disk::segmented(60_000);
    let log = disk.create();
    drop(log.append_batch(&numbers(0..300)).unwrap());
    disk.get().fail_offsets = true;
    for first in (300..6_000).step_by(100) {
        drop(log.append_batch(&numbers(first..first + 100)).unwrap());
    }
    // Appended, counted and signed; only reading has to wait.
    assert_eq!(log.size().unwrap().as_u64(), 6_000);
    let checkpoint = log.checkpoint(&key(1)).unwrap();
    assert_eq!(checkpoint.size().as_u64(), 6_000);
    assert!(matches!(log.read(LeafIndex::new(5_999)), Err(ReadError::Io(_))));
    let crashed = disk.copy();
    disk.restart();
    assert_eq!(number(&log.read(LeafIndex::new(5_999)).unwrap()), 5_999);
    log.inclusion_proof(LeafIndex::new(5_000), checkpoint.size()).unwrap();
    drop(log.append(&small(6_000)).unwrap());
    log.checkpoint(&key(1)).unwrap();
    drop(log);
    assert_eq!(all_numbers(&disk.open().unwrap().0).len(), 6_001);
    disk.crash();
    disk.check().unwrap();
    // A crash in the meantime loses none of it either.
    crashed.crash();
    assert_eq!(all_numbers(&crashed.open().unwrap().0).len(), 6_000);
}

#[test]
fn a_sync_of_derived_files_that_failed_is_never_believed_again_and_poisons_nothing() {
    let disk = Disk::default();
    let log = disk.create();
    drop(log.append_batch(&numbers(0..5_000)).unwrap());
    disk.get().fail_settle = true;
    assert_eq!(log.checkpoint(&key(1)).unwrap().size().as_u64(), 5_000);
    disk.restart();
    drop(log.append_batch(&numbers(5_000..10_000)).unwrap());
    log.checkpoint(&key(1)).unwrap();
    // No mark says that they are there.
    assert!(!disk.get().files.contains_key(&StoredFile::Mark));
    // What cannot be made again must be durable before anything is removed.
    assert!(log.archive(LeafIndex::new(9_000), crate::support::time(0), &key(1)).is_ok());
    drop(log);
    disk.crash();
    let (log, _) = disk.open().unwrap();
    assert_eq!(all_numbers(&log).len(), 10_000);
    drop(log);
    let (log, _) = disk.open().unwrap();
    drop(log.append_batch(&numbers(10_000..15_000)).unwrap());
    log.checkpoint(&key(1)).unwrap();
    assert!(disk.get().files.contains_key(&StoredFile::Mark), "opened again, it settles");
}

#[test]
fn derived_files_that_can_never_be_written_end_in_an_error_and_bounded_memory() {
    let disk = Disk::default();
    let log = disk.create();
    disk.get().fail_offsets = true;
    let mut size = 0;
    let is_ended = (0..700).any(|_| {
        let appended = log.append_batch(&numbers(size..size + 1_000));
        size += 1_000;
        appended.is_err()
    });
    assert!(is_ended, "{size}");
}

const DIR: &str = "DATASPACE_DESCRIPTORS_TEST_DIR";

/// Not a test of its own: a process that has no file descriptors left.
#[test]
fn helper() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let log = SmallSegments::create(Path::new(&dir));
    drop(log.append_batch(&numbers(0..10)).unwrap());
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    let mut next = 10;
    // A new segment, a first tile, a checkpoint: files that were not open.
    while log.segments().unwrap().len() < 2 || next < 300 {
        drop(log.append_batch(&numbers(next..next + 40)).unwrap());
        next += 40;
        drop(taken.pop().filter(|_| log.segments().unwrap().len() > 1));
    }
    log.checkpoint(&key(1)).unwrap();
    drop(taken);
    drop(log.append_batch(&numbers(next..next + 5_000)).unwrap());
    log.checkpoint(&key(1)).unwrap();
    println!("came to the end");
}

#[test]
fn a_moment_without_file_descriptors_poisons_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "not_poisoned::helper", "--nocapture", "--test-threads", "1"])
        .env(DIR, &path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("came to the end"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    SmallSegments::check(&path).unwrap();
}
