//! Nobody waits for ever, whatever wakers do and whoever fails.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use dataspace_audit_log::{
    Appended, FileStorage, Log, Storage as _,
    append::{AppendError, PoisonCause},
    medium::StoredFile,
};
use dataspace_tlog::{Event, LeafIndex, Record, TreeSize, record::EncodedRecord};
use serde_bytes::ByteBuf;

use crate::support::{Disk, all_numbers, key, numbers, small, time};

/// As long as nobody waits unless it is for ever.
const LONG: Duration = Duration::from_secs(20);

/// What a test has to do while others wait.
const SYNC_TIME: Duration = Duration::from_millis(200);

type Append = Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send>>;

fn append(log: &Arc<Log>, number: u64) -> Append {
    append_record(log, &small(number))
}

fn append_record(log: &Arc<Log>, record: &Record) -> Append {
    let (log, record) = (Arc::clone(log), EncodedRecord::try_from(record).unwrap());
    Box::pin(async move { log.append_async(&record).await })
}

fn poll(future: &mut Append, waker: &Waker) -> Poll<Result<Appended, AppendError>> {
    future.as_mut().poll(&mut Context::from_waker(waker))
}

/// A waker that does this.
fn waker(wake: impl Fn() + Send + Sync + 'static) -> Waker {
    struct Act<F>(F);
    impl<F: Fn() + Send + Sync> Wake for Act<F> {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }
    Waker::from(Arc::new(Act(wake)))
}

fn panicking() -> Waker {
    waker(|| panic!("planned panic"))
}

fn telling(told: &Sender<()>) -> Waker {
    let told = told.clone();
    waker(move || told.send(()).unwrap())
}

/// A log that is writing a first record, for a while.
fn busy(disk: &Disk) -> (Arc<Log>, Append) {
    disk.get().sync_time = SYNC_TIME;
    let log = Arc::new(disk.create());
    let mut first = append(&log, 0);
    assert!(poll(&mut first, Waker::noop()).is_pending());
    thread::sleep(SYNC_TIME / 4);
    (log, first)
}

#[test]
fn a_waker_that_panics_harms_no_other_task() {
    let (log, _first) = busy(&Disk::default());
    let (told, is_told) = channel();
    let (mut one, mut other) = (append(&log, 1), append(&log, 2));
    assert!(poll(&mut one, &panicking()).is_pending());
    assert!(poll(&mut other, &telling(&told)).is_pending());
    is_told.recv_timeout(LONG).unwrap();
    for (future, index) in [(&mut one, 1), (&mut other, 2)] {
        let Poll::Ready(appended) = poll(future, Waker::noop()) else { panic!("not told") };
        assert_eq!(appended.unwrap().index().as_u64(), index);
    }
    assert_eq!(log.append(&small(3)).unwrap().index().as_u64(), 3);
    assert_eq!(all_numbers(&log), [0, 1, 2, 3]);
}

#[test]
fn a_task_that_never_runs_keeps_no_other_waiting() {
    for idle in 0..3 {
        let (log, _first) = busy(&Disk::default());
        let (told, is_told) = channel();
        let mut futures: Vec<_> = (1..4).map(|number| append(&log, number)).collect();
        for (at, future) in futures.iter_mut().enumerate() {
            let waker = if at == idle { Waker::noop().clone() } else { telling(&told) };
            assert!(poll(future, &waker).is_pending());
        }
        // Of those who are told, none runs either.
        for _ in 0..2 {
            is_told.recv_timeout(LONG).unwrap();
        }
        for future in &mut futures {
            assert!(poll(future, Waker::noop()).is_ready());
        }
        assert!(is_told.try_recv().is_err(), "nobody is told twice");
    }
}

#[test]
fn a_waker_that_panics_when_the_log_is_given_up_leaves_nobody_waiting() {
    let disk = Disk::default();
    let (log, _first) = busy(&disk);
    disk.get().fail_sync = Some(0);
    let event = Event::Admission { document: ByteBuf::from(vec![7; 60_000]) };
    let large = Record::new(time(0), event);
    let mut one = append_record(&log, &large);
    assert!(poll(&mut one, &panicking()).is_pending());
    // Too much for the group that waits.
    let batch = vec![large; 69];
    let (told, is_told) = channel();
    let waiting = Arc::clone(&log);
    thread::spawn(move || told.send(waiting.append_batch(&batch).is_err()));
    assert!(is_told.recv_timeout(LONG).unwrap());
    assert!(matches!(poll(&mut one, Waker::noop()), Poll::Ready(Err(_))));
}

#[test]
fn the_last_task_that_has_the_log_may_end_while_it_is_woken() {
    /// A task whose executor is gone.
    struct Task(Mutex<Option<Append>>, Sender<()>);
    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            drop(self.0.lock().unwrap().take());
            self.1.send(()).unwrap();
        }
    }
    let disk = Disk::default();
    let (log, first) = busy(&disk);
    drop(first);
    let (told, is_told) = channel();
    let task = Arc::new(Task(Mutex::new(Some(append(&log, 1))), told));
    drop(log);
    let waker = Waker::from(Arc::clone(&task));
    assert!(poll(task.0.lock().unwrap().as_mut().unwrap(), &waker).is_pending());
    is_told.recv_timeout(LONG).unwrap();
    assert_eq!(all_numbers(&disk.open().unwrap().0), [0, 1]);
}

#[test]
fn what_is_durable_is_acknowledged_even_if_a_panic_keeps_it_from_being_entered() {
    let disk = Disk::default();
    let (log, mut first) = busy(&disk);
    disk.get().panic_in_offsets = true;
    let (told, is_told) = channel();
    let mut second = append(&log, 1);
    let asked = Arc::clone(&log);
    let asking = waker(move || told.send(asked.size().is_ok()).unwrap());
    assert!(poll(&mut second, &asking).is_pending());
    assert!(!is_told.recv_timeout(LONG).unwrap(), "a size without the first record");
    let Poll::Ready(outcome) = poll(&mut first, Waker::noop()) else { panic!("not told") };
    assert_eq!(outcome.unwrap().index().as_u64(), 0);
    let Poll::Ready(outcome) = poll(&mut second, Waker::noop()) else { panic!("not told") };
    let Err(AppendError::Poisoned { cause }) = outcome else { panic!("acknowledged") };
    assert!(matches!(*cause, PoisonCause::Panic));
    assert!(log.append(&small(2)).is_err());
    disk.restart();
    assert!(log.size().is_err() && log.read(LeafIndex::new(0)).is_err());
    assert!(log.append(&small(2)).is_err());
    drop(log);
    assert_eq!(all_numbers(&disk.open().unwrap().0), [0]);
}

#[test]
fn who_is_told_of_a_panic_while_the_tree_was_extended_may_look_at_the_log() {
    let disk = Disk::default();
    disk.get().sync_time = SYNC_TIME;
    let log = Arc::new(disk.create());
    // Looks first, so that the panic is in a reader, which the thread of the log finds.
    let looked = Arc::clone(&log);
    let looking = waker(move || assert!(looked.read(LeafIndex::new(0)).is_ok()));
    let mut first = append(&log, 0);
    assert!(poll(&mut first, &looking).is_pending());
    thread::sleep(SYNC_TIME / 4);
    let (told, is_told) = channel();
    let asked = Arc::clone(&log);
    let asking = waker(move || told.send(asked.size().is_ok()).unwrap());
    let mut second = append(&log, 1);
    assert!(poll(&mut second, &asking).is_pending());
    disk.get().panic_in_offsets = true;
    assert!(!is_told.recv_timeout(LONG).unwrap(), "a size without the first record");
    assert!(matches!(poll(&mut first, Waker::noop()), Poll::Ready(Ok(_))));
    let Poll::Ready(outcome) = poll(&mut second, Waker::noop()) else { panic!("not told") };
    let Err(AppendError::Poisoned { cause }) = outcome else { panic!("acknowledged") };
    assert!(matches!(*cause, PoisonCause::Panic));
    drop((first, second, log));
    disk.restart();
    assert_eq!(all_numbers(&disk.open().unwrap().0), [0]);
}

#[test]
fn who_is_told_of_a_panic_before_the_write_may_look_at_the_log_while_others_change_it() {
    let disk = Disk::default();
    let log = Arc::new(disk.create());
    // So many that a checkpoint writes a mark, and then changes the state.
    log.append_batch(&numbers(0..4_096)).unwrap();
    disk.get().sync_time = SYNC_TIME;
    let syncs = disk.get().syncs;
    let signing = Arc::clone(&log);
    let checkpoint = thread::spawn(move || signing.checkpoint(&key(1)).is_ok());
    while disk.get().syncs == syncs {
        thread::yield_now();
    }
    let mut first = append(&log, 4_096);
    assert!(poll(&mut first, Waker::noop()).is_pending());
    thread::sleep(SYNC_TIME / 4);
    let (told, is_told) = channel();
    let (asked, marked) = (Arc::clone(&log), disk.clone());
    let asking = waker(move || {
        let is_marked = || {
            marked.get().files.get(&StoredFile::Mark).is_some_and(|mark| !mark.durable.is_empty())
        };
        while !is_marked() {
            thread::sleep(SYNC_TIME / 20);
        }
        thread::sleep(SYNC_TIME / 4);
        told.send(asked.size().ok()).unwrap();
    });
    let mut second = append(&log, 4_097);
    assert!(poll(&mut second, &asking).is_pending());
    disk.get().panic_in_segment_len = true;
    assert_eq!(is_told.recv_timeout(LONG).unwrap(), Some(TreeSize::new(4_097)));
    assert!(checkpoint.join().unwrap());
    assert!(matches!(poll(&mut first, Waker::noop()), Poll::Ready(Ok(_))));
    assert!(matches!(poll(&mut second, Waker::noop()), Poll::Ready(Err(_))));
}

#[test]
fn whoever_is_told_finds_its_record_in_the_log() {
    let disk = Disk::default();
    let (log, _first) = busy(&disk);
    for number in 1..20 {
        let (told, is_told) = channel();
        let mut one = append(&log, number);
        let asked = Arc::clone(&log);
        let ask = move || {
            let size = asked.size().unwrap();
            told.send((size, asked.read(LeafIndex::new(number)).unwrap())).unwrap();
        };
        let asking = waker(ask);
        // It may be durable before it is asked for.
        if poll(&mut one, &asking).is_ready() {
            asking.wake_by_ref();
        }
        let (size, record) = is_told.recv_timeout(LONG).unwrap();
        assert_eq!(size.as_u64(), number + 1);
        assert_eq!(record, small(number).to_bytes().unwrap());
        disk.get().sync_time = Duration::from_micros(number);
    }
}

#[test]
fn a_storage_that_panics_before_it_is_written_to_leaves_nobody_waiting() {
    let disk = Disk::default();
    disk.get().sync_time = SYNC_TIME;
    let log = Arc::new(disk.create());
    let (told, is_told) = channel();
    for number in 0..4 {
        let (log, told) = (Arc::clone(&log), told.clone());
        thread::spawn(move || {
            let appended = thread::spawn(move || log.append(&small(number)).is_ok());
            told.send(appended.join()).unwrap();
        });
        thread::sleep(SYNC_TIME / 8);
    }
    disk.get().panic_in_segment_len = true;
    let outcomes: Vec<_> = (0..4).map(|_| is_told.recv_timeout(LONG).unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|one| one.is_err()).count(), 1);
    assert_eq!(outcomes.iter().flatten().filter(|is_ok| **is_ok).count(), 1);
    assert!(log.append(&small(9)).is_err());
}

#[test]
fn who_is_called_when_a_checkpoint_gives_up_the_log_does_not_wait_for_ever() {
    let (told, is_told) = channel();
    for _ in 0..500 {
        let disk = Disk::segmented(600);
        let log = Arc::new(disk.create());
        for number in 0..10 {
            let _early = log.append(&small(number)).unwrap();
        }
        disk.get().moves = true;
        let begin = Arc::new(Barrier::new(4));
        for thread in 0..3 {
            let (log, told, begin) = (Arc::clone(&log), told.clone(), Arc::clone(&begin));
            thread::spawn(move || {
                begin.wait();
                while log.append(&small(thread)).is_ok() {}
                told.send(()).unwrap();
            });
        }
        begin.wait();
        assert!(log.archive(LeafIndex::new(9), time(0), &key(1)).is_err());
        for _ in 0..3 {
            is_told.recv_timeout(LONG).unwrap();
        }
    }
}

#[test]
fn a_file_may_be_made_by_two_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let storage = FileStorage::create(dir.path()).unwrap();
    let begin = Barrier::new(2);
    let write = || {
        let mut written = Vec::new();
        for level in 0..200 {
            begin.wait();
            written.push(storage.write_at(StoredFile::Hashes(level), 0, b"the same"));
        }
        written.into_iter().collect::<Result<Vec<_>, _>>()
    };
    thread::scope(|scope| {
        let other = scope.spawn(write);
        write().unwrap();
        other.join().unwrap().unwrap();
    });
}
