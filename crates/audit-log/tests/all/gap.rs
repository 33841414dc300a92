//! A segment that is missing between others is found when the log is opened.

use dataspace_audit_log::{
    Log, Storage as _, medium::StoredFile, open::OpenError, reader::ReadError,
};
use dataspace_tlog::LeafIndex;

use crate::disk::DiskFile;
use crate::support::{Disk, key, number, numbers, small, time};

/// A log whose mark is at so many records, with some after it.
fn settled(records: u64) -> (Disk, Log) {
    let disk = Disk::segmented(30_000);
    let log = disk.create();
    for n in (0..records).step_by(50) {
        log.append_batch(&numbers(n..n + 50)).unwrap();
    }
    log.checkpoint(&key(1)).unwrap();
    for n in records..records + 20 {
        let _one = log.append(&small(n)).unwrap();
    }
    log.checkpoint(&key(1)).unwrap();
    (disk, log)
}

fn segments(disk: &Disk) -> Vec<LeafIndex> {
    disk.segments().unwrap()
}

fn take(disk: &Disk, first: LeafIndex) -> DiskFile {
    disk.get().files.remove(&StoredFile::Segment(first)).unwrap()
}

fn assert_missing(disk: &Disk, first: LeafIndex) {
    let before = disk.get().contents();
    let opened = disk.open().unwrap_err();
    assert!(matches!(opened, OpenError::Missing { first: found } if found == first), "{opened}");
    assert_eq!(disk.get().contents(), before, "a refused log must stay as it is");
}

#[test]
fn every_segment_that_is_missing_between_others_is_named() {
    let (disk, log) = settled(4_200);
    drop(log);
    let all = segments(&disk);
    assert!(all.len() > 15, "{}", all.len());
    // The last one that was settled, and the one before it, are looked for otherwise.
    for (place, first) in all.iter().enumerate().take(all.len() - 1).skip(1) {
        for count in [1, 2, 5] {
            let disk = disk.copy();
            for first in all[..all.len() - 1].iter().skip(place).take(count) {
                take(&disk, *first);
            }
            assert_missing(&disk, *first);
        }
    }
}

#[test]
fn what_was_archived_may_be_put_back_but_not_with_a_gap() {
    let (disk, log) = settled(4_200);
    let whole = disk.copy();
    let all = segments(&disk);
    log.archive(all[6], time(0), &key(1)).unwrap();
    drop(log);
    let put_back = |disk: &Disk, places: &[usize]| {
        for place in places {
            let file = StoredFile::Segment(all[*place]);
            let copy = whole.get().files.get(&file).cloned().unwrap();
            disk.get().files.insert(file, copy);
        }
    };
    for (places, missing) in [(&[0, 1, 2, 3, 4][..], 5), (&[0, 2, 3, 4, 5], 1), (&[3], 4)] {
        let disk = disk.copy();
        put_back(&disk, places);
        assert_missing(&disk, all[missing]);
    }
    for places in [&[][..], &[5], &[3, 4, 5], &[0, 1, 2, 3, 4, 5]] {
        let disk = disk.copy();
        put_back(&disk, places);
        let (log, _) = disk.open().unwrap();
        let first = log.first().unwrap();
        assert_eq!(first, all[places.first().copied().unwrap_or(6)]);
        let mut next = first.as_u64();
        log.replay_from(first, |_, bytes| {
            assert!(next >= 4_220 || number(bytes) == next);
            next += 1;
            Ok::<(), ReadError>(())
        })
        .unwrap();
        drop(log);
        // And one of those that stay.
        take(&disk, all[8]);
        assert_missing(&disk, all[8]);
    }
}

#[test]
fn a_damaged_record_is_no_missing_segment() {
    let (disk, log) = settled(4_200);
    let all = segments(&disk);
    log.archive(all[3], time(0), &key(1)).unwrap();
    drop(log);
    // The last record before a segment, and all of that segment.
    for from in [all[8].as_u64() - 1, all[7].as_u64()] {
        let disk = disk.copy();
        let file = StoredFile::Segment(all[7]);
        for at in from..all[8].as_u64() {
            let bytes = small(at).to_bytes().unwrap();
            let mut state = disk.get();
            let cache = &mut state.files.get_mut(&file).unwrap().cache;
            let found = cache.windows(bytes.len()).position(|found| found == bytes).unwrap();
            cache[found + 20] ^= 1;
        }
        let (log, _) = disk.open().unwrap();
        let error = log.read(LeafIndex::new(all[8].as_u64() - 1)).unwrap_err();
        assert!(matches!(error, ReadError::Corrupt { .. }), "{error}");
    }
    // Offsets and hashes before the mark, which are no records.
    for file in [StoredFile::Offsets, StoredFile::Hashes(0)] {
        let disk = disk.copy();
        disk.get().files.get_mut(&file).unwrap().cache[..4_000 * 8].fill(7);
        drop(disk.open().unwrap());
    }
}

/// Reads of opening.
fn reads(disk: &Disk) -> usize {
    let before = disk.get().reads;
    drop(disk.open().unwrap());
    disk.get().reads - before
}

#[test]
fn where_no_segment_came_or_went_none_is_looked_at() {
    let (few, many) = (settled(4_200), settled(12_000));
    let more = segments(&many.0).len() - segments(&few.0).len();
    assert!(more > 20, "{more}");
    drop((few.1, many.1));
    let (few, many) = (reads(&few.0), reads(&many.0));
    assert!(many < few + 20, "{few} reads, and {many}");
}

#[test]
fn after_archiving_each_segment_is_asked_for_one_record() {
    let (disk, log) = settled(12_000);
    let before = reads_after(&disk, log, 0);
    let (disk, log) = settled(12_000);
    let count = segments(&disk).len();
    let after = reads_after(&disk, log, 300);
    assert!(after - before < 5 * count, "{before} reads, and {after}");
}

/// Reads of opening after everything before a record was archived.
fn reads_after(disk: &Disk, log: Log, before: u64) -> usize {
    log.archive(LeafIndex::new(before), time(0), &key(1)).unwrap();
    drop(log);
    reads(disk)
}
