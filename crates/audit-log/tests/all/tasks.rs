//! Tasks that append: what holds for threads holds for them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use dataspace_audit_log::{
    Log,
    append::{AppendError, PoisonCause, QUEUE_BYTES_MAX, QUEUE_RECORDS_MAX},
};
use dataspace_tlog::{Event, Record, record::EncodedRecord};
use serde_bytes::ByteBuf;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::support::{Disk, all_numbers, origin, small, time};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

fn encoded(number: u64) -> EncodedRecord {
    EncodedRecord::try_from(&small(number)).unwrap()
}

/// Each of `tasks` appends `each` records; returns what each was told, in the end.
fn hammer(
    runtime: &Runtime,
    log: &Arc<Log>,
    tasks: u64,
    each: u64,
) -> Vec<Result<Vec<(u64, u64)>, AppendError>> {
    let mut all = JoinSet::new();
    for task in 0..tasks {
        let log = Arc::clone(log);
        let work = async move {
            let mut acknowledged = Vec::new();
            for number in task * each..(task + 1) * each {
                let appended = log.append_async(&encoded(number)).await?;
                acknowledged.push((number, appended.index().as_u64()));
            }
            Ok(acknowledged)
        };
        all.spawn_on(work, runtime.handle());
    }
    runtime.block_on(all.join_all())
}

#[test]
fn tasks_and_threads_lose_nothing_and_share_syncs() {
    let disk = Disk::default();
    disk.get().sync_time = Duration::from_millis(1);
    let (runtime, log) = (runtime(), Arc::new(disk.create()));
    let before = disk.get().syncs;
    let threaded = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let log = &log;
                scope.spawn(move || {
                    (0..20)
                        .map(|n| 1_000_000 + thread * 100 + n)
                        .map(|number| {
                            (number, log.append(&small(number)).unwrap().index().as_u64())
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let tasks: Vec<_> =
            hammer(&runtime, &log, 64, 20).into_iter().map(Result::unwrap).collect();
        let threads = threads.into_iter().map(|thread| thread.join().unwrap());
        threads.chain(tasks).flatten().collect::<Vec<_>>()
    });
    assert_eq!(threaded.len(), 64 * 20 + 8 * 20);
    let syncs = disk.get().syncs - before;
    assert!(syncs * 4 < threaded.len(), "{syncs} syncs for {} appends", threaded.len());
    for log in [Arc::into_inner(log).unwrap(), {
        disk.crash();
        disk.open().unwrap().0
    }] {
        let found = all_numbers(&log);
        assert_eq!(found.len(), threaded.len());
        for (number, index) in &threaded {
            assert_eq!(found[usize::try_from(*index).unwrap()], *number);
        }
    }
}

#[test]
fn tasks_wait_for_room_and_then_go_on() {
    let (runtime, log) = (runtime(), Arc::new(Disk::default().create()));
    let event = Event::Admission { document: ByteBuf::from(vec![7; 60_000]) };
    let large = EncodedRecord::try_from(&Record::new(time(0), event)).unwrap();
    let tasks = 3 * QUEUE_BYTES_MAX / 60_000;
    let mut all = JoinSet::new();
    for _ in 0..tasks {
        let (log, large) = (Arc::clone(&log), large.clone());
        all.spawn_on(async move { log.append_async(&large).await.map(drop) }, runtime.handle());
    }
    assert!(runtime.block_on(all.join_all()).into_iter().all(|one| one.is_ok()));
    assert_eq!(usize::try_from(log.size().unwrap().as_u64()).unwrap(), tasks);
    // The other cap.
    let many = QUEUE_RECORDS_MAX as u64 + 1_000;
    assert!(hammer(&runtime, &log, many, 1).into_iter().all(|one| one.is_ok()));
    assert_eq!(log.size().unwrap().as_u64(), tasks as u64 + many);
}

#[test]
fn all_tasks_are_told_when_a_sync_fails() {
    for round in 0..20 {
        let disk = Disk::default();
        let (runtime, log) = (runtime(), Arc::new(disk.create()));
        disk.get().fail_sync = Some(round % 4);
        let mut acknowledged = Vec::new();
        let mut failed = 0;
        for outcome in hammer(&runtime, &log, 100, 1) {
            match outcome {
                Ok(mine) => acknowledged.extend(mine),
                Err(AppendError::Poisoned { cause }) => {
                    assert!(matches!(*cause, PoisonCause::Sync(_)), "{cause}");
                    failed += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
        // Few syncs are enough for all of them.
        let again = runtime.block_on(log.append_async(&encoded(0)));
        assert!(failed == 0 || matches!(again, Err(AppendError::Poisoned { .. })));
        drop(log);
        disk.crash();
        let found = all_numbers(&disk.open().unwrap().0);
        for (number, index) in &acknowledged {
            assert_eq!(found[usize::try_from(*index).unwrap()], *number);
        }
    }
}

#[test]
fn a_panic_of_the_writing_thread_leaves_nobody_waiting() {
    let disk = Disk::default();
    let (runtime, log) = (runtime(), Arc::new(disk.create()));
    let _first = runtime.block_on(log.append_async(&encoded(0))).unwrap();
    disk.get().panic_in_write = true;
    for outcome in hammer(&runtime, &log, 64, 1) {
        let Err(AppendError::Poisoned { cause }) = outcome else { panic!("acknowledged") };
        assert!(matches!(*cause, PoisonCause::Panic));
    }
    assert!(log.append(&small(1)).is_err());
    drop(log);
    disk.restart();
    assert_eq!(all_numbers(&disk.open().unwrap().0), [0]);
}

#[test]
fn a_future_that_is_not_awaited_to_its_end_harms_nobody() {
    let disk = Disk::default();
    let log = disk.create();
    drop(log.append_async(&encoded(7)));
    assert_eq!(log.size().unwrap().as_u64(), 0, "nobody asked for it");
    let mut context = Context::from_waker(Waker::noop());
    let is_ready = {
        let begun = encoded(1);
        let future = pin!(log.append_async(&begun));
        future.poll(&mut context).is_ready()
    };
    let after = runtime().block_on(log.append_async(&encoded(2))).unwrap();
    assert_eq!(after.index().as_u64(), 1, "what was queued before comes before");
    assert_eq!(all_numbers(&log), [1, 2], "written, told or not ({is_ready})");
}

#[test]
fn what_tasks_queued_is_written_before_the_log_is_gone() {
    let disk = Disk::default();
    disk.get().sync_time = Duration::from_millis(5);
    let log = disk.create();
    let mut context = Context::from_waker(Waker::noop());
    for number in 0..50 {
        let record = encoded(number);
        let _pending = pin!(log.append_async(&record)).poll(&mut context).is_pending();
    }
    drop(log);
    disk.crash();
    assert_eq!(all_numbers(&disk.open().unwrap().0), (0..50).collect::<Vec<_>>());
}

#[test]
fn the_directory_is_free_when_the_log_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let (runtime, mut log) = (runtime(), Log::create(&path, origin()).unwrap());
    for number in 0..20 {
        let appended = runtime.block_on(log.append_async(&encoded(number))).unwrap();
        assert_eq!(appended.index().as_u64(), number);
        drop(log);
        log = Log::open(&path, origin()).unwrap().0;
    }
    assert_eq!(all_numbers(&log), (0..20).collect::<Vec<_>>());
}
