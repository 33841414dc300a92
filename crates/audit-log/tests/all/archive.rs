//! Segments that were archived: what stays of them, and what a log without its beginning must show.

use dataspace_audit_log::{
    Log, Storage as _, medium::StoredFile, open::OpenError, reader::ReadError,
};
use dataspace_tlog::{Event, LeafIndex, Record, TreeSize, tree::leaf_hash};

use crate::disk::DiskFile;
use crate::support::{Disk, key, number, small, time};

const MARK: StoredFile = StoredFile::Mark;

/// A log of 30 records in small segments.
fn sample() -> (Disk, Log) {
    let disk = Disk::segmented(600);
    let log = disk.create();
    for n in 0..30 {
        let _one = log.append(&small(n)).unwrap();
    }
    log.checkpoint(&key(1)).unwrap();
    (disk, log)
}

fn archive(log: &Log, before: u64) -> LeafIndex {
    log.archive(LeafIndex::new(before), time(0), &key(1)).unwrap()
}

fn segments(disk: &Disk) -> Vec<LeafIndex> {
    disk.segments().unwrap()
}

fn assert_kept(log: &Log, first: LeafIndex, small_end: u64) {
    assert_eq!(log.first().unwrap(), first);
    assert_eq!(log.segments().unwrap().first(), Some(&first));
    let size = log.size().unwrap();
    let root = log.root_at(size).unwrap();
    for n in 0..small_end {
        let index = LeafIndex::new(n);
        let leaf = leaf_hash(&small(n).to_bytes().unwrap());
        log.inclusion_proof(index, size).unwrap().verify(&leaf, &root).unwrap();
        match log.read(index) {
            Ok(bytes) => assert_eq!(number(&bytes), n),
            Err(error) => {
                assert!(index < first && matches!(error, ReadError::Archived { .. }), "{error}");
            }
        }
    }
    for n in 0..=size.as_u64() {
        let from = TreeSize::new(n);
        let proof = log.consistency_proof(from, size).unwrap();
        proof.verify(&log.root_at(from).unwrap(), &root).unwrap();
    }
    let replayed = log.replay(|_, _| Ok::<(), ReadError>(()));
    assert!(matches!(replayed, Err(ReadError::Archived { index }) if index.as_u64() == 0));
    log.replay_from(first, |_, _| Ok::<(), ReadError>(())).unwrap();
}

#[test]
fn what_was_archived_is_still_proved() {
    let (disk, log) = sample();
    let before = log.checkpoint(&key(1)).unwrap();
    let all = segments(&disk);
    let first = archive(&log, 10);
    assert!(first.as_u64() <= 10 && first.as_u64() > 4, "{first}");
    assert!(segments(&disk).len() < all.len());
    assert_kept(&log, first, 30);
    drop(log);
    disk.crash();
    disk.check().unwrap();
    let (log, recovery) = disk.open().unwrap();
    assert_eq!(recovery.unsigned(), 0);
    assert_kept(&log, first, 30);
    log.verify_extends(&before).unwrap();
    let note = Record::from_bytes(&log.read(LeafIndex::new(30)).unwrap()).unwrap();
    assert_eq!(note.event, Event::Archived { before: first });
}

#[test]
fn archiving_again_and_again_leaves_a_log_that_opens() {
    let (disk, mut log) = sample();
    let mut first = LeafIndex::default();
    // Less than before, the same, and more.
    for before in [3, 10, 10, 2, 0, 9, 20, 5, 30] {
        let after = archive(&log, before);
        assert!(after >= first, "{after} after {first}");
        first = after;
        assert_kept(&log, first, 30);
        drop(log);
        disk.crash();
        disk.check().unwrap();
        log = disk.open().unwrap().0;
        assert_kept(&log, first, 30);
    }
}

#[test]
fn archiving_what_was_archived_writes_nothing() {
    let (disk, log) = sample();
    let first = archive(&log, 20);
    let steps = disk.get().steps;
    for before in [0, 4, 19, 20] {
        assert_eq!(archive(&log, before), first);
    }
    assert_eq!(disk.get().steps, steps);
}

#[test]
fn archiving_more_than_there_is_is_refused() {
    let (_, log) = sample();
    for before in [30, 31, u64::MAX] {
        assert!(log.archive(LeafIndex::new(before), time(0), &key(1)).is_err());
    }
    assert_eq!(log.first().unwrap(), LeafIndex::default());
}

#[test]
fn a_segment_that_cannot_be_removed_is_removed_by_the_next_call() {
    for reopened in [false, true] {
        let (disk, mut log) = sample();
        disk.get().fail_remove = true;
        assert!(log.archive(LeafIndex::new(10), time(0), &key(1)).is_err());
        assert_eq!(segments(&disk).first(), Some(&LeafIndex::default()));
        disk.get().fail_remove = false;
        // What is still there can still be read.
        assert_eq!(number(&log.read(LeafIndex::default()).unwrap()), 0);
        if reopened {
            drop(log);
            log = disk.open().unwrap().0;
        }
        let first = archive(&log, 10);
        assert!(first.as_u64() > 0);
        assert_eq!(segments(&disk).first(), Some(&first));
        drop(log);
        disk.open().unwrap();
    }
}

#[test]
fn a_log_without_its_beginning_is_refused_unless_that_was_recorded() {
    let (disk, log) = sample();
    drop(log);
    let settled = {
        let (disk, log) = sample();
        archive(&log, 10);
        drop(log);
        disk
    };
    // One segment more than was archived is one too many.
    for (disk, lost) in [(&disk, 1), (&disk, 3), (&disk, 7), (&settled, 1), (&settled, 2)] {
        let disk = disk.copy();
        for first in segments(&disk).into_iter().take(lost) {
            disk.get().files.remove(&StoredFile::Segment(first));
        }
        for has_mark in [true, false] {
            if !has_mark {
                disk.get().files.remove(&MARK);
            }
            let before = disk.get().contents();
            let (opened, checked) = (disk.open().unwrap_err(), disk.check().unwrap_err());
            for error in [opened, checked] {
                let is_first =
                    |error| matches!(error, OpenError::Missing { first } if first.as_u64() == 0);
                assert!(is_first(error), "{lost} lost");
            }
            assert_eq!(disk.get().contents(), before, "a refused log must stay as it is");
        }
    }
}

#[test]
fn a_lost_damaged_or_older_mark_of_an_archived_log_costs_a_search() {
    let (disk, log) = sample();
    archive(&log, 10);
    let older = disk.get().files.get(&MARK).cloned().unwrap();
    let first = archive(&log, 20);
    for n in 0..20 {
        let _one = log.append(&small(n)).unwrap();
    }
    log.checkpoint(&key(1)).unwrap();
    drop(log);
    let torn = DiskFile::of(&older.cache[..30]);
    for mark in [None, Some(torn), Some(older)] {
        let disk = disk.copy();
        disk.get().files.remove(&MARK);
        mark.map(|mark| disk.get().files.insert(MARK, mark));
        for _ in 0..2 {
            let (log, _) = disk.open().unwrap();
            assert_kept(&log, first, 30);
            drop(log);
            disk.crash();
            disk.check().unwrap();
        }
    }
}

#[test]
fn archived_segments_that_are_put_back_can_be_read_again() {
    let (disk, log) = sample();
    let copies = disk.copy();
    archive(&log, 10);
    archive(&log, 20);
    drop(log);
    for first in segments(&copies) {
        let file = StoredFile::Segment(first);
        let copy = copies.get().files.get(&file).cloned().unwrap();
        disk.get().files.entry(file).or_insert(copy);
    }
    disk.check().unwrap();
    let (log, _) = disk.open().unwrap();
    for n in 0..30 {
        assert_eq!(number(&log.read(LeafIndex::new(n)).unwrap()), n);
    }
    let mut count = 0;
    log.replay(|_, _| {
        count += 1;
        Ok::<(), ReadError>(())
    })
    .unwrap();
    assert_eq!(count, 32);
    assert_eq!(segments(&disk).first(), Some(&LeafIndex::default()));
}

#[test]
fn threads_that_archive_at_the_same_time_leave_a_log_that_opens() {
    for _ in 0..10 {
        let (disk, log) = sample();
        std::thread::scope(|scope| {
            for before in [6, 12, 18, 24] {
                let log = &log;
                scope.spawn(move || archive(log, before));
            }
        });
        let first = log.first().unwrap();
        drop(log);
        disk.crash();
        disk.check().unwrap();
        assert_kept(&disk.open().unwrap().0, first, 30);
    }
}

#[test]
fn a_replay_that_meets_an_archived_segment_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let of_files = crate::small_segments::SmallSegments::create(&path);
    for n in 0..120 {
        let _one = of_files.append(&small(n)).unwrap();
    }
    for (log, before) in [(sample().1, 20), (of_files, 110)] {
        for index in [0, 1] {
            let first = log.first().unwrap();
            let mut archived = None;
            let replayed = log.replay_from(first, |at, _| {
                if at.as_u64() == first.as_u64() + index && archived.is_none() {
                    archived = Some(archive(&log, before));
                }
                Ok::<(), ReadError>(())
            });
            if archived == Some(first) {
                // There was nothing left to archive.
                replayed.unwrap();
                continue;
            }
            let Err(ReadError::Archived { index }) = replayed else { panic!("{replayed:?}") };
            assert!(first < index && Some(index) < archived, "{index} of {archived:?}");
        }
        log.replay_from(log.first().unwrap(), |_, _| Ok::<(), ReadError>(())).unwrap();
    }
}

#[test]
fn a_segment_that_is_gone_without_being_archived_is_not_called_archived() {
    let (disk, log) = sample();
    archive(&log, 10);
    let lost = segments(&disk)[1];
    disk.get().files.remove(&StoredFile::Segment(lost));
    let replayed = log.replay_from(log.first().unwrap(), |_, _| Ok::<(), ReadError>(()));
    let Err(ReadError::Io(error)) = replayed else { panic!("{replayed:?}") };
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_newer_mark_beside_older_records_is_forgotten_when_they_are_opened() {
    let (disk, log) = sample();
    archive(&log, 10);
    let old = disk.copy();
    for n in 31..40 {
        let _one = log.append(&small(n)).unwrap();
    }
    archive(&log, 20);
    drop(log);
    // Someone puts back records and checkpoint, and leaves what was made of newer records.
    let made = disk.get().files.clone();
    let made = made.into_iter().filter(|(file, _)| !matches!(file, StoredFile::Segment(_)));
    old.get().files.extend(made);
    let (log, _) = old.open().unwrap();
    for n in 131..151 {
        let _one = log.append(&small(n)).unwrap();
    }
    // Now the checkpoint is beyond what the mark says, and the records are others.
    log.checkpoint(&key(1)).unwrap();
    drop(log);
    old.check().unwrap();
    let (log, recovery) = old.open().unwrap();
    assert_eq!(number(&log.read(LeafIndex::new(31)).unwrap()), 131);
    assert_eq!(recovery.size(), TreeSize::new(51));
}
