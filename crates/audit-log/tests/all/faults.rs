//! Disks that fail, fill up, tear and forget.

use std::error::Error as _;
use std::sync::{Arc, Barrier};

use dataspace_audit_log::{
    append::{AppendError, PoisonCause},
    error::SignCheckpointError,
    medium::StoredFile,
    reader::ReadError,
};
use dataspace_tlog::{LeafIndex, TreeSize};

use crate::support::{Disk, all_numbers, key, numbers, small};

fn cause(error: AppendError) -> Arc<PoisonCause> {
    match error {
        AppendError::Poisoned { cause } => cause,
        other => panic!("not poisoned: {other}"),
    }
}

#[test]
fn a_failed_sync_poisons_the_log_and_it_stays_poisoned() {
    let disk = Disk::default();
    let log = disk.create();
    let _one = log.append(&small(0)).unwrap();
    disk.get().fail_sync = Some(0);
    let first = cause(log.append(&small(1)).unwrap_err());
    assert!(matches!(*first, PoisonCause::Sync(_)));
    // One guard at a time: two in one statement would wait for each other.
    let count = || {
        let state = disk.get();
        (state.syncs, state.writes)
    };
    let before = count();
    // The disk would work again; the log does not ask it.
    for n in 2..5 {
        let again = cause(log.append(&small(n)).unwrap_err());
        assert!(Arc::ptr_eq(&first, &again));
        cause(log.append_batch(&[]).unwrap_err());
    }
    assert!(matches!(log.checkpoint(&key(1)), Err(SignCheckpointError::Poisoned { .. })));
    assert_eq!(count(), before);
    // What was acknowledged can still be read.
    assert_eq!(all_numbers(&log), [0]);
}

#[test]
fn a_poisoned_log_names_the_first_cause() {
    let disk = Disk::default();
    let log = disk.create();
    disk.get().fail_write = Some((0, 3));
    let error = log.append(&small(0)).unwrap_err();
    assert_eq!(error.to_string(), "the log is poisoned until it is opened again");
    let cause = error.source().unwrap();
    assert_eq!(cause.to_string(), "a write failed");
    assert!(cause.source().is_some());
}

#[test]
fn a_failed_sync_whose_pages_are_lost_is_repaired_by_reopening() {
    // Linux marks pages clean when their sync fails: they are still read, the next sync succeeds,
    // and after a power failure they are gone. Opening must not believe them as they are.
    let disk = Disk::default();
    let log = disk.create();
    let _one = log.append(&small(0)).unwrap();
    disk.get().fail_sync = Some(0);
    cause(log.append_batch(&numbers(1..4)).unwrap_err());
    drop(log);
    disk.restart();
    let (log, recovery) = disk.open().unwrap();
    assert_eq!(recovery.size(), TreeSize::new(4));
    log.checkpoint(&key(1)).unwrap();
    drop(log);
    disk.crash();
    assert_eq!(all_numbers(&disk.open().unwrap().0), [0, 1, 2, 3]);
}

#[test]
fn a_process_killed_before_its_sync_loses_nothing_that_reopening_reported() {
    let disk = Disk::default();
    let log = disk.create();
    let _one = log.append(&small(0)).unwrap();
    // Written, never synced.
    disk.get().fail_sync = Some(0);
    cause(log.append(&small(1)).unwrap_err());
    drop(log);
    disk.restart();
    drop(disk.open().unwrap());
    disk.crash();
    assert_eq!(all_numbers(&disk.open().unwrap().0), [0, 1]);
}

#[test]
fn an_open_whose_sync_fails_is_refused() {
    let disk = Disk::default();
    let _one = disk.create().append(&small(0)).unwrap();
    disk.get().fail_sync = Some(0);
    assert!(disk.open().is_err());
    assert!(disk.open().is_ok());
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let probe = Disk::default();
    drop(probe.create());
    let header_len = probe.get().segment().cache.len();
    for capacity in (header_len..header_len + 700).step_by(7) {
        let disk = Disk::default();
        disk.get().capacity = Some(capacity);
        let log = disk.create();
        let mut acknowledged = Vec::new();
        let error = loop {
            let n = acknowledged.len() as u64;
            match log.append(&small(n)) {
                Ok(appended) => acknowledged.push(appended.index().as_u64()),
                Err(error) => break error,
            }
        };
        assert!(matches!(*cause(error), PoisonCause::Write(_)));
        drop(log);
        disk.restart();
        let (log, recovery) = disk.open().unwrap();
        assert_eq!(all_numbers(&log), acknowledged);
        assert_eq!(recovery.size().as_u64(), acknowledged.len() as u64);
        // And it goes on where it was.
        assert_eq!(
            log.append(&small(50)).unwrap().index(),
            LeafIndex::new(acknowledged.len() as u64)
        );
    }
}

#[test]
fn a_full_disk_on_which_no_room_can_be_taken_loses_nothing() {
    let disk = Disk::segmented(600);
    disk.get().reserves = true;
    let log = disk.create();
    for n in 0..9 {
        let _one = log.append(&small(n)).unwrap();
    }
    disk.get().fail_reserve = true;
    // What still fits into the room that was taken is written.
    let mut count = 9;
    let error = loop {
        match log.append(&small(count)) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert!(count > 9, "the segment had room left");
    assert!(matches!(*cause(error), PoisonCause::Write(_)));
    drop(log);
    disk.crash();
    // It opens although the disk is full, and goes on when it no longer is.
    disk.get().fail_reserve = true;
    let (log, recovery) = disk.open().unwrap();
    assert_eq!(recovery.size().as_u64(), count);
    cause(log.append(&small(count)).unwrap_err());
    drop(log);
    disk.restart();
    let (log, _) = disk.open().unwrap();
    let _next = log.append(&small(count)).unwrap();
    assert_eq!(all_numbers(&log), (0..=count).collect::<Vec<_>>());
}

#[test]
fn room_that_was_taken_is_used_after_reopening_on_a_full_disk() {
    for crashes in [false, true] {
        let disk = Disk::segmented(60_000);
        disk.get().reserves = true;
        let log = disk.create();
        let _one = log.append(&small(0)).unwrap();
        drop(log);
        if crashes {
            disk.crash();
        }
        disk.get().fail_reserve = true;
        let (log, recovery) = disk.open().unwrap();
        assert_eq!(recovery.size().as_u64(), 1);
        for number in 1..100 {
            assert_eq!(log.append(&small(number)).unwrap().index().as_u64(), number);
        }
        drop(log);
        disk.crash();
        assert_eq!(all_numbers(&disk.open().unwrap().0), (0..100).collect::<Vec<_>>());
    }
}

#[test]
fn a_sync_that_fails_when_a_segment_is_begun_loses_nothing_that_reopening_reported() {
    // The header of a segment and its first group are one write, and go the same way.
    let disk = Disk::segmented(600);
    let log = disk.create();
    let mut count = 0;
    while disk.get().files.keys().filter(|file| matches!(file, StoredFile::Segment(_))).count() < 3
    {
        disk.get().fail_sync = None;
        let before = disk.copy();
        let _one = log.append(&small(count)).unwrap();
        count += 1;
        // The same record once more, with a sync that fails.
        before.get().fail_sync = Some(1);
        let (again, _) = before.open().unwrap();
        cause(again.append(&small(count - 1)).unwrap_err());
        drop(again);
        before.restart();
        let (again, recovery) = before.open().unwrap();
        assert_eq!(recovery.size().as_u64(), count);
        drop(again);
        before.crash();
        assert_eq!(all_numbers(&before.open().unwrap().0), (0..count).collect::<Vec<_>>());
    }
}

#[test]
fn a_write_torn_at_every_byte_loses_nothing_that_was_acknowledged() {
    for keep in 0..400 {
        let disk = Disk::default();
        let log = disk.create();
        log.append_batch(&numbers(0..2)).unwrap();
        disk.get().fail_write = Some((0, keep));
        let whole = match log.append_batch(&numbers(2..4)) {
            Err(error) => matches!(*cause(error), PoisonCause::Write(_)),
            Ok(_) => panic!("a failed write was acknowledged"),
        };
        assert!(whole);
        drop(log);
        disk.restart();
        let found = all_numbers(&disk.open().unwrap().0);
        // All of the batch or none of it.
        assert!(found == [0, 1] || found == [0, 1, 2, 3], "{keep}: {found:?}");
        disk.crash();
        assert_eq!(all_numbers(&disk.open().unwrap().0), found);
    }
}

#[test]
fn all_who_wait_are_told_when_a_sync_fails() {
    for round in 0..20 {
        let disk = Disk::default();
        let log = disk.create();
        disk.get().fail_sync = Some(round % 4);
        let barrier = Barrier::new(16);
        let acknowledged: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16)
                .map(|n| {
                    let (log, barrier) = (&log, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        let mut mine = Vec::new();
                        for k in 0..50 {
                            match log.append(&small(n * 100 + k)) {
                                Ok(_) => mine.push(n * 100 + k),
                                Err(error) => {
                                    assert!(matches!(*cause(error), PoisonCause::Sync(_)));
                                    return mine;
                                }
                            }
                        }
                        panic!("a thread was never told");
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        drop(log);
        disk.crash();
        let found = all_numbers(&disk.open().unwrap().0);
        for number in &acknowledged {
            assert!(found.contains(number), "{number} was acknowledged and is lost");
        }
    }
}

#[test]
fn a_leader_that_panics_leaves_nobody_waiting() {
    for _ in 0..20 {
        let disk = Disk::default();
        let log = disk.create();
        let _one = log.append(&small(0)).unwrap();
        disk.get().panic_in_write = true;
        let barrier = Barrier::new(8);
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|n| {
                    let (log, barrier) = (&log, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        log.append(&small(n))
                    })
                })
                .collect();
            threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
        });
        let panicked = outcomes.iter().filter(|one| one.is_err()).count();
        assert_eq!(panicked, 1);
        for outcome in outcomes.into_iter().flatten() {
            assert!(matches!(*cause(outcome.unwrap_err()), PoisonCause::Panic));
        }
        cause(log.append(&small(9)).unwrap_err());
        drop(log);
        disk.restart();
        assert_eq!(all_numbers(&disk.open().unwrap().0), [0]);
    }
}

#[test]
fn a_visitor_that_panics_does_not_harm_the_log() {
    let log = Disk::default().create();
    let _one = log.append(&small(0)).unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        log.replay(|_, _| -> Result<(), ReadError> { panic!("planned panic") })
    }));
    assert!(panicked.is_err());
    let _two = log.append(&small(1)).unwrap();
    assert_eq!(all_numbers(&log), [0, 1]);
}
