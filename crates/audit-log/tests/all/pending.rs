//! Records that are submitted, and waited for later or never.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use dataspace_audit_log::{
    Log, Pending,
    append::{AppendError, QUEUE_RECORDS_MAX},
};
use dataspace_tlog::record::EncodedRecord;

use crate::support::{Disk, all_numbers, small};

fn encoded(number: u64) -> EncodedRecord {
    EncodedRecord::try_from(&small(number)).unwrap()
}

fn submit(log: &Log, number: u64) -> Pending {
    log.submit(&encoded(number)).unwrap()
}

#[test]
fn a_record_has_its_place_at_once_and_is_durable_when_the_answer_says_so() {
    let disk = Disk::default();
    let log = disk.create();
    let before = disk.get().syncs;
    let pending: Vec<_> = (0..5).map(|number| submit(&log, number)).collect();
    assert_eq!(pending.iter().map(|one| one.index().as_u64()).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert_eq!((log.size().unwrap().as_u64(), disk.get().syncs), (0, before));
    // The last one brings all before it.
    for (number, one) in pending.into_iter().enumerate().rev() {
        assert_eq!(one.wait().unwrap().index().as_u64(), number as u64);
        assert_eq!((log.size().unwrap().as_u64(), disk.get().syncs), (5, before + 1));
    }
    assert_eq!(all_numbers(&log), [0, 1, 2, 3, 4]);
}

#[test]
fn what_nobody_waits_for_is_written_with_the_next_one_or_when_the_log_is_dropped() {
    let disk = Disk::default();
    let log = disk.create();
    drop(submit(&log, 0));
    drop(log.append(&small(1)).unwrap());
    assert_eq!(all_numbers(&log), [0, 1]);
    drop(submit(&log, 2));
    let kept = submit(&log, 3);
    drop(log);
    // Its log is gone, and has told it.
    assert_eq!(kept.wait().unwrap().index().as_u64(), 3);
    assert_eq!(all_numbers(&disk.open().unwrap().0), [0, 1, 2, 3]);
}

#[test]
fn more_than_can_wait_is_written_by_whoever_wants_room() {
    let disk = Disk::default();
    let log = disk.create();
    let many = QUEUE_RECORDS_MAX as u64 + 1_000;
    let pending: Vec<_> = (0..many).map(|number| submit(&log, number)).collect();
    // More rooms at a time than there is room for, each given back in the end.
    for _ in 0..2 * QUEUE_RECORDS_MAX {
        drop(log.room().unwrap());
    }
    for one in pending {
        drop(one.wait().unwrap());
    }
    assert_eq!(all_numbers(&log), (0..many).collect::<Vec<_>>());
}

#[test]
fn who_submits_under_a_lock_and_waits_outside_keeps_the_order_of_the_lock() {
    let disk = Disk::default();
    disk.get().sync_time = Duration::from_millis(1);
    let (log, next) = (disk.create(), Mutex::new(0));
    thread::scope(|scope| {
        for thread in 0..16 {
            let (log, next) = (&log, &next);
            scope.spawn(move || {
                for turn in 0..50 {
                    let room = log.room().unwrap();
                    let pending = {
                        let mut next = next.lock().unwrap();
                        let pending = room.submit(&encoded(*next)).unwrap();
                        assert_eq!(pending.index().as_u64(), *next);
                        *next += 1;
                        pending
                    };
                    // Some never wait.
                    if (thread + turn) % 5 != 0 {
                        let index = pending.index();
                        assert_eq!(pending.wait().unwrap().index(), index);
                    }
                }
            });
        }
    });
    drop(log);
    assert_eq!(all_numbers(&disk.open().unwrap().0), (0..800).collect::<Vec<_>>());
}

#[test]
fn an_executor_polls_what_a_thread_submitted_and_the_other_way_round() {
    let disk = Disk::default();
    let log = Arc::new(disk.create());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (first, second) = (submit(&log, 0), submit(&log, 1));
    assert_eq!(runtime.block_on(second).unwrap().index().as_u64(), 1);
    assert_eq!(first.wait().unwrap().index().as_u64(), 0);
    // The log's own thread is there now, and threads wait for it.
    assert_eq!(submit(&log, 2).wait().unwrap().index().as_u64(), 2);
    let room = runtime.block_on(log.room_async()).unwrap();
    let third = room.submit(&encoded(3)).unwrap();
    let (of_log, beside) = (Arc::clone(&log), thread::spawn(move || third.wait().unwrap().index()));
    assert_eq!(beside.join().unwrap().as_u64(), 3);
    drop(of_log);
    assert_eq!(all_numbers(&log), [0, 1, 2, 3]);
}

#[test]
fn a_pending_record_does_not_keep_the_log_or_its_thread() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = Log::create(&path, crate::support::origin()).unwrap();
    let (mut one, two) = (Box::pin(submit(&log, 0)), submit(&log, 1));
    let polled = one.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(log);
    // The directory is free, and both know that they are in it.
    let (log, _) = Log::open(&path, crate::support::origin()).unwrap();
    assert_eq!(all_numbers(&log), [0, 1]);
    if polled.is_pending() {
        let again = one.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(again, Poll::Ready(Ok(_))));
    }
    drop(two.wait().unwrap());
}

#[test]
fn a_sync_that_fails_fails_all_that_were_submitted_and_later_ones() {
    let disk = Disk::default();
    let log = disk.create();
    drop(log.append(&small(0)).unwrap());
    let pending: Vec<_> = (1..10).map(|number| submit(&log, number)).collect();
    disk.get().fail_sync = Some(0);
    for one in pending {
        assert!(matches!(one.wait(), Err(AppendError::Poisoned { .. })));
    }
    assert!(matches!(log.room(), Err(AppendError::Poisoned { .. })));
    let mut room = pin!(log.room_async());
    let polled = room.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(Err(AppendError::Poisoned { .. }))));
}
