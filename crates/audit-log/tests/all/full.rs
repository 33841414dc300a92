//! A disk that is full when a log is opened: the log opens, or says what is wrong; nothing is lost.

use std::error::Error as _;
use std::io::ErrorKind;

use dataspace_audit_log::{Log, Recovery, Storage as _, medium::StoredFile, open::OpenError};
use dataspace_tlog::{Event, LeafIndex, Record};

use crate::disk::Fault;
use crate::support::{Disk, is_long, key, number, numbers, small, time};

/// A log as a crash or damage left it, and how many records it has.
struct Left {
    name: &'static str,
    disk: Disk,
    size: u64,
}

/// Some records in small segments.
fn small_log() -> (Disk, Log) {
    let disk = Disk::segmented(600);
    let log = disk.create();
    for n in 0..14 {
        let _one = log.append(&small(n)).unwrap();
    }
    log.checkpoint(&key(1)).unwrap();
    let _one = log.append(&small(14)).unwrap();
    (disk, log)
}

fn last(disk: &Disk) -> StoredFile {
    StoredFile::Segment(*disk.segments().unwrap().last().unwrap())
}

fn all_kinds() -> Vec<Left> {
    let mut all = Vec::new();
    let mut push = |name, disk: Disk, size| all.push(Left { name, disk, size });
    let (disk, log) = small_log();
    drop(log);
    push("an ended process", disk.copy(), 15);
    disk.crash();
    push("a crash", disk.copy(), 15);
    let torn = disk.copy();
    let file = last(&torn);
    torn.get().files.get_mut(&file).unwrap().cache.extend([7; 700]);
    push("a torn tail", torn, 15);
    let begun = disk.copy();
    let header = StoredFile::Segment(LeafIndex::new(15));
    begun.get().files.entry(header).or_default().cache.extend([0; 900]);
    push("a segment that was not begun", begun, 15);
    let (disk, log) = small_log();
    log.archive(LeafIndex::new(6), time(0), &key(1)).unwrap();
    drop(log);
    disk.crash();
    push("an archived log", disk.copy(), 16);
    disk.get().files.get_mut(&StoredFile::Mark).unwrap().cache.fill(0);
    push("an archived log with a torn mark", disk, 16);
    let disk = Disk::segmented(30_000);
    let log = disk.create();
    for first in (0..4_100).step_by(100) {
        log.append_batch(&numbers(first..first + 100)).unwrap();
    }
    log.checkpoint(&key(1)).unwrap();
    log.append_batch(&numbers(4_100..4_500)).unwrap();
    drop(log);
    disk.crash();
    push("a settled log", disk.copy(), 4_500);
    disk.get().files.remove(&StoredFile::Mark);
    push("a log whose mark is lost", disk, 4_500);
    all
}

/// Whether it holds all records and proves them.
fn assert_holds(log: &Log, recovery: &Recovery, size: u64, when: &str) {
    assert_eq!(recovery.size().as_u64(), size, "{when}");
    let first = log.first().unwrap().as_u64();
    for index in (first..size).filter(|index| size < 50 || index % 97 == 0 || index + 9 > size) {
        let bytes = log.read(LeafIndex::new(index)).unwrap();
        if !matches!(Record::from_bytes(&bytes).unwrap().event, Event::Archived { .. }) {
            assert_eq!(number(&bytes), index, "{when}");
        }
        log.inclusion_proof(LeafIndex::new(index), recovery.size()).unwrap();
    }
}

/// Opens a log while the disk is full from each step on, and when there is room again.
fn assert_survives(left: &Left, open: fn(&Disk) -> Result<(Log, Recovery), OpenError>) -> usize {
    let Left { name, disk, size } = left;
    let stride = if *size < 50 || is_long() { 1 } else { 13 };
    for after in (0..).step_by(stride) {
        for (keep, is_end) in [(0, true), (0, false), (30, false)] {
            let when = format!("{name}, full after {after} steps, {keep} bytes kept");
            let disk = disk.copy();
            let note = disk.get().checkpoint.clone();
            let kind = ErrorKind::StorageFull;
            disk.get().fault = Some(Fault { after, keep, is_end, kind });
            let opened = open(&disk);
            let is_reached = disk.get().fault.is_none_or(|fault| fault.after == 0);
            match opened {
                Ok((log, recovery)) => assert_holds(&log, &recovery, *size, &when),
                Err(OpenError::Full(_)) => assert!(is_reached, "{when}"),
                Err(error) => panic!("{when}: {error:?}"),
            }
            disk.get().fault = None;
            assert_eq!(disk.get().checkpoint, note, "{when}");
            for crashes in [false, true] {
                let later = disk.copy();
                if crashes {
                    later.crash();
                }
                match later.check() {
                    Ok(checked) => assert_eq!(checked.size().as_u64(), *size, "{when}"),
                    // Half a mark, which opening replaces.
                    Err(OpenError::Derived { file: StoredFile::Mark }) if keep > 0 => {}
                    Err(error) => panic!("{when}: {error:?}"),
                }
                let (log, recovery) =
                    later.open().unwrap_or_else(|error| panic!("{when}: {error:?}"));
                assert_holds(&log, &recovery, *size, &when);
                assert_eq!(log.append(&small(900)).unwrap().index().as_u64(), *size, "{when}");
                log.checkpoint(&key(1)).unwrap();
                drop(log);
                later.check().unwrap_or_else(|error| panic!("{when}: {error:?}"));
            }
            if !is_reached {
                return after;
            }
        }
    }
    0
}

#[test]
fn a_full_disk_at_every_step_of_opening_loses_nothing_and_is_named() {
    for left in all_kinds() {
        let steps = assert_survives(&left, Disk::open);
        assert!(steps > 2, "{}: {steps} steps", left.name);
    }
}

#[test]
fn a_full_disk_at_every_step_of_rebuilding_loses_nothing_and_is_named() {
    for left in all_kinds() {
        let steps = assert_survives(&left, Disk::rebuild);
        assert!(steps > 2, "{}: {steps} steps", left.name);
    }
}

#[test]
fn the_error_of_a_full_disk_says_what_to_do() {
    let (disk, log) = small_log();
    drop(log);
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
        disk.get().fault = Some(Fault { after: 0, keep: 0, is_end: false, kind });
        let error = disk.open().unwrap_err();
        let text = "the disk is full; nothing is lost: make room and open the log again";
        assert_eq!(error.to_string(), text);
        assert!(error.source().is_some());
    }
    drop(disk.open().unwrap());
}
