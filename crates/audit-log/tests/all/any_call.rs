//! A storage that fails or panics at any of its calls, while threads and tasks append, read and
//! sign: nobody waits for ever, and nothing that was acknowledged is lost.

use std::collections::BTreeSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use dataspace_audit_log::{
    Log, Storage, append::AppendError, medium::StoredFile, reader::ReadError,
};
use dataspace_tlog::{LeafIndex, record::EncodedRecord};
use tokio::runtime::{Builder, Runtime};

use crate::support::{Disk, is_long, key, number, numbers, origin, small, time};

/// As long as nobody waits unless it is for ever.
const LONG: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Error,
    Panic,
}

/// So many calls succeed before the one that fails.
#[derive(Clone, Debug)]
struct Faulty(Disk, Arc<Mutex<Option<(usize, Kind)>>>);

impl Faulty {
    fn call(&self) -> io::Result<()> {
        let mut plan = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = match &mut *plan {
            Some((0, kind)) => *kind,
            Some((left, _)) => {
                *left -= 1;
                return Ok(());
            }
            None => return Ok(()),
        };
        *plan = None;
        assert!(kind == Kind::Error, "planned panic");
        Err(io::Error::other("planned failure"))
    }

    fn is_reached(&self) -> bool {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

impl Storage for Faulty {
    fn segments(&self) -> io::Result<Vec<LeafIndex>> {
        self.0.segments()
    }

    fn len(&self, file: StoredFile) -> io::Result<u64> {
        self.call()?;
        self.0.len(file)
    }

    fn read_at(&self, file: StoredFile, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.call()?;
        self.0.read_at(file, offset, buffer)
    }

    fn write_at(&self, file: StoredFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.call()?;
        self.0.write_at(file, offset, bytes)
    }

    fn reserve(&self, file: StoredFile, len: u64) -> io::Result<()> {
        self.call()?;
        self.0.reserve(file, len)
    }

    fn sync_data(&self, file: StoredFile) -> io::Result<()> {
        self.call()?;
        self.0.sync_data(file)
    }

    fn truncate(&self, file: StoredFile, len: u64) -> io::Result<()> {
        self.call()?;
        self.0.truncate(file, len)
    }

    fn remove(&self, file: StoredFile) -> io::Result<()> {
        self.call()?;
        self.0.remove(file)
    }

    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        self.0.read_checkpoint()
    }

    fn write_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        self.call()?;
        self.0.write_checkpoint(note)
    }

    fn nonce(&self) -> io::Result<[u8; 16]> {
        self.0.nonce()
    }

    fn segment_len_max(&self) -> u64 {
        let panics = matches!(
            *self.1.lock().unwrap_or_else(PoisonError::into_inner),
            Some((_, Kind::Panic))
        );
        // There is no error that it could return.
        if panics {
            let _ok_or_panics = self.call();
        }
        self.0.segment_len_max()
    }
}

/// What one who appends was told: numbers and indices; and whether the log was given up.
type Told = (Vec<(u64, u64)>, bool);

/// Appends some batches of so many records each.
fn append_batches(log: &Log, begin: u64, many: u64) -> Told {
    let mut told = Vec::new();
    for first in (begin..begin + 4 * many).step_by(usize::try_from(many).unwrap()) {
        match log.append_batch(&numbers(first..first + many)) {
            Ok(all) => {
                told.extend((first..).zip(all.iter().map(|one| one.index().as_u64())));
            }
            Err(AppendError::Poisoned { .. }) => return (told, true),
            Err(error) => panic!("{error:?}"),
        }
    }
    (told, false)
}

async fn append_some(log: Arc<Log>, begin: u64) -> Told {
    let mut told = Vec::new();
    for number in begin..begin + 4 {
        let record = EncodedRecord::try_from(&small(number)).unwrap();
        match log.append_async(&record).await {
            Ok(appended) => told.push((number, appended.index().as_u64())),
            Err(AppendError::Poisoned { .. }) => return (told, true),
            Err(error) => panic!("{error:?}"),
        }
        // Whoever was told finds the record.
        let found = catch_unwind(AssertUnwindSafe(|| log.size()));
        if let (Some((_, index)), Ok(Ok(size))) = (told.last(), found) {
            assert!(size.as_u64() > *index);
        }
    }
    (told, false)
}

/// Reads, signs and archives; errors are planned.
fn look(log: &Log) {
    for before in 0..4 {
        let _error = log.replay(|_, _| Ok::<(), ReadError>(()));
        let _error = log.checkpoint(&key(1));
        let _error = log.archive(LeafIndex::new(before), time(0), &key(1));
    }
}

fn spawn<T: Send + 'static>(done: &Sender<Option<T>>, act: impl FnOnce() -> T + Send + 'static) {
    let done = done.clone();
    thread::spawn(move || {
        // The panic may be in any thread that uses the storage.
        let outcome = catch_unwind(AssertUnwindSafe(act)).ok();
        done.send(outcome).unwrap();
    });
}

/// Whether the fault was reached.
fn assert_survives(runtime: &Runtime, after: usize, kind: Kind) -> bool {
    let disk = Disk::segmented(900);
    disk.get().reserves = true;
    disk.get().sync_time = Duration::from_micros(30);
    let storage = Faulty(disk.clone(), Arc::default());
    let log = Arc::new(Log::create_on(Box::new(storage.clone()), origin()).unwrap());
    *storage.1.lock().unwrap() = Some((after, kind));
    let (done, is_done) = channel();
    for many in 1..4 {
        let log = Arc::clone(&log);
        spawn(&done, move || append_batches(&log, 100 * many, many));
    }
    for task in 0..4 {
        let (append, done) = (append_some(Arc::clone(&log), 1_000 + 100 * task), done.clone());
        runtime.spawn(async move { done.send(Some(append.await)).unwrap() });
    }
    let looked = Arc::clone(&log);
    spawn(&done, move || {
        look(&looked);
        (vec![], false)
    });
    let (mut acknowledged, mut panicked) = (Vec::new(), 0);
    for _ in 0..8 {
        match is_done.recv_timeout(LONG).unwrap_or_else(|_| panic!("{kind:?}, {after}: waits")) {
            Some((told, is_given_up)) => {
                assert!(!is_given_up || storage.is_reached(), "{kind:?}, {after}");
                acknowledged.extend(told);
            }
            None => panicked += 1,
        }
    }
    let is_reached = storage.is_reached();
    assert!(panicked <= usize::from(is_reached && kind == Kind::Panic), "{kind:?}, {after}");
    // Who was told first of a panic has the log a moment longer.
    while Arc::strong_count(&log) > 1 {
        thread::yield_now();
    }
    drop(log);
    disk.crash();
    let (log, _) = disk.open().unwrap_or_else(|error| panic!("{kind:?}, {after}: {error:?}"));
    let indices: BTreeSet<_> = acknowledged.iter().map(|(_, index)| *index).collect();
    assert_eq!(indices.len(), acknowledged.len(), "{kind:?}, {after}: an index twice");
    for (appended, index) in acknowledged {
        match log.read(LeafIndex::new(index)) {
            Ok(bytes) => assert_eq!(number(&bytes), appended, "{kind:?}, {after}"),
            Err(ReadError::Archived { .. }) => {}
            Err(error) => panic!("{kind:?}, {after}: {appended} is lost: {error:?}"),
        }
    }
    is_reached
}

#[test]
fn a_storage_that_fails_or_panics_at_any_call_loses_nothing_and_leaves_nobody_waiting() {
    let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
    for kind in [Kind::Error, Kind::Panic] {
        // How many calls there are depends on who comes when.
        let (end, stride) = if is_long() { (300, 1) } else { (100, 2) };
        let all = (0..end).step_by(stride);
        let reached = all.filter(|after| assert_survives(&runtime, *after, kind));
        let reached = reached.count();
        assert!(reached > 8, "{kind:?}: {reached}");
    }
}
