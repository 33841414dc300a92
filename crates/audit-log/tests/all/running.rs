//! A log that grows is read up to its last checkpoint.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use dataspace_audit_log::{
    Log, ReadOnlyStorage, Recovery, Storage as _, medium::StoredFile, open::OpenError,
    reader::ReadError,
};
use dataspace_tlog::{Checkpoint, LeafIndex};
use tempfile::TempDir;

use crate::small_segments::SmallSegments;
use crate::support::{all_numbers, key, number, numbers, origin, small, time};

/// A log that is open, with so many records under its checkpoint and five after it.
fn running(signed: u64) -> (TempDir, Log) {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::create(dir.path(), origin()).unwrap();
    for first in (0..signed).step_by(700) {
        drop(log.append_batch(&numbers(first..signed.min(first + 700))).unwrap());
    }
    log.checkpoint(&key(1)).unwrap();
    drop(log.append_batch(&numbers(signed..signed + 5)).unwrap());
    (dir, log)
}

/// Read one after the other, which takes less than to read and prove each.
fn numbers_of(log: &Log) -> Vec<u64> {
    let mut found = Vec::new();
    let visited = log.replay(|_, bytes| {
        found.push(number(bytes));
        Ok::<_, ReadError>(())
    });
    visited.unwrap();
    found
}

fn checked(dir: &Path) -> Result<(Recovery, Log), OpenError> {
    let storage = ReadOnlyStorage::open_running(dir).map_err(OpenError::Io)?;
    let recovery = Log::check_on(&storage, &origin(), &|_| {})?;
    let (log, _) = Log::open_on(Box::new(storage), origin())?;
    Ok((recovery, log))
}

#[test]
fn what_the_last_checkpoint_covers_is_shown_and_proved() {
    for signed in [1, 20, 5_000, 10_000] {
        let (dir, log) = running(signed);
        assert!(ReadOnlyStorage::open(dir.path()).is_err());
        let (recovery, shown) = checked(dir.path()).unwrap();
        assert_eq!((recovery.size().as_u64(), recovery.bytes_cut()), (signed, 0));
        assert_eq!(recovery.unsigned(), 0);
        assert_eq!(all_numbers(&shown), (0..signed).collect::<Vec<_>>());
        let size = shown.size().unwrap();
        for index in [0, signed / 2, signed - 1].map(LeafIndex::new) {
            shown.inclusion_proof(index, size).unwrap();
        }
        // Meanwhile the log goes on, and what was opened stays as it is.
        drop(log.append_batch(&numbers(signed + 5..signed + 900)).unwrap());
        log.checkpoint(&key(1)).unwrap();
        assert_eq!(shown.size().unwrap(), size);
        assert_eq!(all_numbers(&shown).len() as u64, signed);
        assert!(shown.append(&small(0)).is_err());
        assert_eq!(checked(dir.path()).unwrap().0.size().as_u64(), signed + 900);
        drop((shown, log));
        assert_eq!(checked(dir.path()).unwrap().0.size().as_u64(), signed + 900);
    }
}

/// Says so when dropped.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_log_that_is_written_all_the_time_is_always_sound() {
    let (dir, log) = running(3);
    let (ends, signed) = (AtomicBool::new(false), AtomicU64::new(3));
    thread::scope(|scope| {
        let write = scope.spawn(|| {
            let mut next = 8;
            for turn in 0.. {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                // A few large batches, for settling; else as fast as a reader can follow.
                let count = if turn % 100 == 0 { 1_000 } else { 1 + turn % 3 };
                drop(log.append_batch(&numbers(next..next + count)).unwrap());
                next += count;
                thread::sleep(Duration::from_micros(500));
                if turn % 5 == 0 {
                    log.checkpoint(&key(1)).unwrap();
                    signed.store(next, Ordering::Release);
                }
            }
        });
        // Also if a check fails.
        let ends = Ends(&ends);
        let mut last = 0;
        for round in 0.. {
            if round >= 30 && last > 2_000 {
                break;
            }
            let before = signed.load(Ordering::Acquire);
            let (recovery, shown) = checked(dir.path()).unwrap();
            let size = recovery.size().as_u64();
            assert!(size >= before.max(last), "{size} of {before} after {last}");
            assert_eq!(recovery.checkpoint().map(Checkpoint::size), Some(recovery.size()));
            assert_eq!(numbers_of(&shown), (0..size).collect::<Vec<_>>());
            last = size;
        }
        drop(ends);
        write.join().unwrap();
    });
}

#[test]
fn what_is_not_signed_or_not_there_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let open = |dir: &Path| ReadOnlyStorage::open_running(dir).unwrap_err().kind();
    assert_eq!(open(dir.path()), io::ErrorKind::NotFound);
    let log = Log::create(dir.path(), origin()).unwrap();
    assert_eq!(open(dir.path()), io::ErrorKind::WouldBlock);
    log.checkpoint(&key(1)).unwrap();
    assert_eq!(open(dir.path()), io::ErrorKind::WouldBlock, "no record is signed");
    drop(log.append(&small(0)).unwrap());
    assert_eq!(open(dir.path()), io::ErrorKind::WouldBlock);
    log.checkpoint(&key(1)).unwrap();
    assert_eq!(checked(dir.path()).unwrap().0.size().as_u64(), 1);
}

#[test]
fn damage_is_found_while_a_log_is_open() {
    let change = |file: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let (dir, log) = running(5_000);
        assert!(checked(dir.path()).is_ok());
        let path = dir.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let found = checked(dir.path()).map(|(recovery, _)| recovery);
        drop(log);
        found.unwrap_err()
    };
    let segment = StoredFile::Segment(LeafIndex::new(0)).to_string();
    let flip = |at: usize| move |bytes: &mut Vec<u8>| bytes[at] ^= 1;
    let corrupt = change(&segment, &flip(2_000));
    assert!(matches!(corrupt, OpenError::Corrupt { .. }), "{corrupt}");
    let derived = change("hashes-0", &flip(2_000));
    assert!(matches!(derived, OpenError::Derived { .. }), "{derived}");
    // Where the last record begins.
    for byte in 4_999 * 8..5_000 * 8 {
        change("offsets", &flip(byte));
    }
    change("offsets", &|bytes| bytes.truncate(4_999 * 8));
    change("checkpoint", &flip(200));
    change("checkpoint", &|bytes| bytes.clear());
    let gone = change(&segment, &|bytes| bytes.truncate(9_000));
    assert!(!matches!(gone, OpenError::Unfinished), "{gone}");
}

#[test]
fn an_older_checkpoint_shows_less_and_a_newer_one_is_missed() {
    let (dir, log) = running(20);
    let checkpoint = dir.path().join("checkpoint");
    let older = fs::read(&checkpoint).unwrap();
    log.checkpoint(&key(1)).unwrap();
    let newer = fs::read(&checkpoint).unwrap();
    fs::write(&checkpoint, older).unwrap();
    let shown = checked(dir.path()).unwrap().1;
    assert_eq!(all_numbers(&shown), (0..20).collect::<Vec<_>>());
    let newer = Checkpoint::verify(std::str::from_utf8(&newer).unwrap(), &origin()).unwrap();
    assert!(shown.verify_extends(&newer).is_err());
    let storage = ReadOnlyStorage::open_running(dir.path()).unwrap();
    assert_eq!(storage.segments().unwrap().len(), 1);
}

#[test]
fn a_log_of_many_segments_is_shown_up_to_its_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let log = SmallSegments::create(dir.path());
    for number in 0..300 {
        drop(log.append(&small(number)).unwrap());
        if number % 7 != 0 {
            continue;
        }
        log.checkpoint(&key(1)).unwrap();
        let (recovery, shown) = checked(dir.path()).unwrap();
        assert_eq!(recovery.size().as_u64(), number + 1);
        assert_eq!(numbers_of(&shown), (0..=number).collect::<Vec<_>>());
    }
    assert!(log.segments().unwrap().len() > 5);
    let kept = log.archive(LeafIndex::new(150), time(0), &key(1)).unwrap();
    let (recovery, shown) = checked(dir.path()).unwrap();
    assert_eq!((recovery.size().as_u64(), shown.first().unwrap()), (301, kept));
    shown.inclusion_proof(LeafIndex::new(0), recovery.size()).unwrap();
    assert!(shown.read(LeafIndex::new(0)).is_err() && shown.read(kept).is_ok());
}
