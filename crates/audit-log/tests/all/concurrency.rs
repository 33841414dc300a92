use std::collections::BTreeSet;
use std::sync::{Barrier, Mutex};

use dataspace_audit_log::{Log, append::QUEUE_BYTES_MAX};
use dataspace_tlog::{Event, Record, TreeSize};
use serde_bytes::ByteBuf;

use crate::support::{Disk, all_numbers, key, number, numbers, origin, small, time};

/// Each of `threads` appends `each` records; returns pairs of number and index.
fn hammer(log: &Log, threads: u64, each: u64) -> Vec<(u64, u64)> {
    let barrier = Barrier::new(usize::try_from(threads).unwrap());
    let acknowledged = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (barrier, acknowledged) = (&barrier, &acknowledged);
            scope.spawn(move || {
                barrier.wait();
                for n in thread * each..(thread + 1) * each {
                    let index = log.append(&small(n)).unwrap().index().as_u64();
                    acknowledged.lock().unwrap().push((n, index));
                }
            });
        }
    });
    acknowledged.into_inner().unwrap()
}

fn check(log: &Log, acknowledged: &[(u64, u64)]) {
    let found = all_numbers(log);
    assert_eq!(found.len(), acknowledged.len());
    let indices: BTreeSet<_> = acknowledged.iter().map(|(_, index)| index).collect();
    assert_eq!(indices.len(), acknowledged.len(), "an index was given twice");
    for (number, index) in acknowledged {
        assert_eq!(found[usize::try_from(*index).unwrap()], *number);
    }
}

#[test]
fn sixteen_threads_lose_nothing_and_share_syncs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = Log::create(&path, origin()).unwrap();
    let acknowledged = hammer(&log, 16, 25);
    check(&log, &acknowledged);
    drop(log);
    check(&Log::open(&path, origin()).unwrap().0, &acknowledged);
}

#[test]
fn sixty_four_threads_lose_nothing_and_share_syncs() {
    let disk = Disk::default();
    // As slow as a disk, so that others have the time to queue.
    disk.get().sync_time = std::time::Duration::from_millis(1);
    let log = disk.create();
    let before = disk.get().syncs;
    let acknowledged = hammer(&log, 64, 50);
    let syncs = disk.get().syncs - before;
    assert!(syncs * 4 < acknowledged.len(), "{syncs} syncs for {} appends", acknowledged.len());
    check(&log, &acknowledged);
    disk.crash();
    check(&disk.open().unwrap().0, &acknowledged);
}

#[test]
fn one_thread_keeps_its_own_order() {
    let log = Disk::default().create();
    let acknowledged = hammer(&log, 8, 100);
    for thread in 0..8 {
        let mine = acknowledged.iter().filter(|(number, _)| number / 100 == thread);
        let mine: Vec<_> = mine.copied().collect();
        assert!(mine.is_sorted_by_key(|(_, index)| *index));
    }
}

#[test]
fn batches_of_many_threads_do_not_mix() {
    let log = Disk::default().create();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let log = &log;
            scope.spawn(move || {
                for k in 0..20 {
                    let first = thread * 1000 + k * 10;
                    let appended = log.append_batch(&numbers(first..first + 10)).unwrap();
                    let start = appended[0].index().as_u64();
                    for (n, one) in appended.iter().enumerate() {
                        assert_eq!(one.index().as_u64(), start + n as u64);
                        assert_eq!(number(&log.read(one.index()).unwrap()), first + n as u64);
                    }
                }
            });
        }
    });
    for ten in all_numbers(&log).chunks(10) {
        assert_eq!(ten, (ten[0]..ten[0] + 10).collect::<Vec<_>>());
    }
}

#[test]
fn a_full_queue_makes_callers_wait_and_then_go_on() {
    let log = Disk::default().create();
    let event = Event::Admission { document: ByteBuf::from(vec![7; 60_000]) };
    let batch = vec![Record::new(time(0), event); 60];
    let threads = 2 * QUEUE_BYTES_MAX / (60 * 60_000);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| log.append_batch(&batch).unwrap());
        }
    });
    assert_eq!(log.size().unwrap(), TreeSize::new(60 * threads as u64));
}

#[test]
fn checkpoints_taken_meanwhile_are_all_of_one_log() {
    let disk = Disk::default();
    let log = disk.create();
    let checkpoints = std::thread::scope(|scope| {
        let writing = scope.spawn(|| hammer(&log, 4, 100));
        let mut checkpoints = vec![log.checkpoint(&key(1)).unwrap()];
        while !writing.is_finished() {
            checkpoints.push(log.checkpoint(&key(1)).unwrap());
        }
        checkpoints
    });
    assert!(checkpoints.is_sorted_by_key(dataspace_tlog::Checkpoint::size));
    for checkpoint in &checkpoints {
        log.verify_extends(checkpoint).unwrap();
    }
    disk.crash();
    let (log, recovery) = disk.open().unwrap();
    assert_eq!(recovery.checkpoint(), checkpoints.last());
    assert_eq!(log.size().unwrap(), TreeSize::new(400));
}
