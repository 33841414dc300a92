//! What goes on while others wait for the disk.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use dataspace_audit_log::{FileStorage, Storage, append::AppendError, medium::StoredFile};
use dataspace_policy::Constraint;
use dataspace_runtime::{Access, AccessError, Applied, ChangeError, DataSpace, error::WriteError};
use dataspace_tlog::{Event, LeafIndex};

use crate::support::{
    Files, Node, at, authority, codes, consumer, counted, denied, name, newcomer, permitted,
    provider, read_only, released, revocation, rival, rows, signed_credential, signed_profile,
    table, terms,
};

/// A disk whose syncs stand still, take their time, or fail.
#[derive(Debug, Default)]
pub(crate) struct Dial {
    pub(crate) stands: AtomicBool,
    pub(crate) fails: AtomicBool,
    micros: AtomicU64,
    /// Whether the next look into a segment takes long.
    pub(crate) reads_late: AtomicBool,
    /// Syncs of records that have begun.
    pub(crate) begun: AtomicU64,
}

#[derive(Debug)]
struct SlowDisk(FileStorage, Arc<Dial>);

impl Storage for SlowDisk {
    fn segments(&self) -> io::Result<Vec<LeafIndex>> {
        self.0.segments()
    }

    fn len(&self, file: StoredFile) -> io::Result<u64> {
        self.0.len(file)
    }

    fn read_at(&self, file: StoredFile, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let is_segment = matches!(file, StoredFile::Segment(_));
        if is_segment && self.1.reads_late.swap(false, Ordering::AcqRel) {
            thread::sleep(Duration::from_millis(500));
        }
        self.0.read_at(file, offset, buffer)
    }

    fn write_at(&self, file: StoredFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(file, offset, bytes)
    }

    fn reserve(&self, file: StoredFile, len: u64) -> io::Result<()> {
        self.0.reserve(file, len)
    }

    fn sync_data(&self, file: StoredFile) -> io::Result<()> {
        let dial = &self.1;
        if matches!(file, StoredFile::Segment(_)) {
            dial.begun.fetch_add(1, Ordering::AcqRel);
        }
        thread::sleep(Duration::from_micros(dial.micros.load(Ordering::Acquire)));
        while dial.stands.load(Ordering::Acquire) {
            thread::sleep(Duration::from_micros(100));
        }
        if dial.fails.load(Ordering::Acquire) {
            return Err(io::Error::other("the disk is gone"));
        }
        self.0.sync_data(file)
    }

    fn truncate(&self, file: StoredFile, len: u64) -> io::Result<()> {
        self.0.truncate(file, len)
    }

    fn remove(&self, file: StoredFile) -> io::Result<()> {
        self.0.remove(file)
    }

    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        self.0.read_checkpoint()
    }

    fn write_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        self.0.write_checkpoint(note)
    }

    fn nonce(&self) -> io::Result<[u8; 16]> {
        self.0.nonce()
    }
}

/// A node on such a disk.
pub(crate) fn node() -> (Node, Arc<Dial>) {
    let (files, dial) = (Files::new(), Arc::new(Dial::default()));
    let disk = SlowDisk(FileStorage::create(&files.path()).unwrap(), Arc::clone(&dial));
    let setup = files.setup(provider()).storage(disk);
    let space = setup.create(signed_profile(|_| {})).unwrap();
    for member in [provider(), consumer(), rival()] {
        space.admit(signed_credential(&member, |_| {})).unwrap();
    }
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    (Node { space, files }, dial)
}

/// Waits until a sync begins that stands still.
pub(crate) fn until_it_stands(dial: &Dial, before: u64) {
    while dial.begun.load(Ordering::Acquire) == before {
        thread::yield_now();
    }
}

/// Longer than anything here takes; then it hangs.
const HANGS: Duration = Duration::from_secs(60);

/// Does `work` beside, and fails if that waits for something that does not come.
pub(crate) fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || done.send(work()));
    is_done.recv_timeout(HANGS).expect("it hangs")
}

#[test]
fn whoever_reads_or_decides_does_not_wait_for_a_change_on_the_disk() {
    let (node, dial) = node();
    let contract = node.contract(counted(5));
    let mut release = node.released(contract);
    let begun = dial.begun.load(Ordering::Acquire);
    dial.stands.store(true, Ordering::Release);
    let space = node.space.clone();
    let change = thread::spawn(move || space.revoke(revocation(rival().did(), at(1))));
    until_it_stands(&dial, begun);
    let node = in_time(move || {
        assert_eq!(node.space.uses(contract), Some((1, Some(5))));
        drop(node.offer(terms()));
        assert_eq!(release.next().unwrap().unwrap().num_rows(), 10);
        // All of an access but the wait; more than one at a time.
        let requests = [node.verified(contract), node.verified(contract)];
        let monitor = node.space.enter();
        for request in requests {
            let decision = monitor.receive(request).unwrap().decide().unwrap();
            let dataspace_runtime::access::Decision::Permit(permit) = decision else {
                panic!("denied")
            };
            drop(permit.submit().unwrap());
        }
        drop(monitor);
        node
    });
    assert!(!change.is_finished(), "a change is acknowledged before it is durable");
    // Nor a second change for the first.
    let space = node.space.clone();
    let second = thread::spawn(move || space.end_contract(contract, name("over")));
    thread::sleep(Duration::from_millis(100));
    assert!(!second.is_finished());
    dial.stands.store(false, Ordering::Release);
    assert_eq!(change.join().unwrap().unwrap(), Applied::Now);
    second.join().unwrap().unwrap();
    assert_eq!(node.decisions().iter().filter_map(permitted).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn nothing_is_released_on_a_change_whose_sync_fails() {
    let (node, dial) = node();
    let offer = node.offer(terms());
    let begun = dial.begun.load(Ordering::Acquire);
    dial.stands.store(true, Ordering::Release);
    let (space, acceptance) = (node.space.clone(), node.accept(&offer, &consumer()));
    let change = thread::spawn(move || space.conclude(offer, acceptance));
    until_it_stands(&dial, begun);
    // The contract is there for whoever decides, and the decision stands behind it in the log.
    let contract = loop {
        if let Some(contract) = node.space.contracts().first() {
            break *contract;
        }
        thread::yield_now();
    };
    let (space, request) = (node.space.clone(), node.request(contract));
    let access = thread::spawn(move || space.access(request));
    let (space, late) = (node.space.clone(), node.request(contract));
    let mut polled = pin!(space.access_async(late));
    assert!(polled.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    dial.fails.store(true, Ordering::Release);
    dial.stands.store(false, Ordering::Release);
    let poisoned = |error: &AppendError| matches!(error, AppendError::Poisoned { .. });
    let change = change.join().unwrap();
    assert!(
        matches!(&change, Err(ChangeError::Write(WriteError::Append(error))) if poisoned(error)),
        "{change:?}"
    );
    let access = access.join().unwrap();
    assert!(matches!(&access, Err(AccessError::Append(error)) if poisoned(error)), "{access:?}");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let access = runtime.block_on(polled);
    assert!(matches!(&access, Err(AccessError::Append(error)) if poisoned(error)), "{access:?}");
    // The same change once more is not told to be in force, which nobody knows.
    let credential = signed_credential(&consumer(), |_| {});
    assert!(matches!(node.space.admit(credential), Err(ChangeError::Write(_))));
}

#[test]
fn a_change_that_is_in_force_and_not_durable_yet_is_waited_for_by_whoever_repeats_it() {
    let (node, dial) = node();
    let begun = dial.begun.load(Ordering::Acquire);
    dial.stands.store(true, Ordering::Release);
    let revoke = |space: DataSpace| {
        thread::spawn(move || space.revoke(revocation(rival().did(), at(1))).unwrap())
    };
    let first = revoke(node.space.clone());
    until_it_stands(&dial, begun);
    let second = revoke(node.space.clone());
    thread::sleep(Duration::from_millis(100));
    assert!(!second.is_finished(), "it is not durable yet");
    dial.stands.store(false, Ordering::Release);
    assert_eq!(
        (first.join().unwrap(), second.join().unwrap()),
        (Applied::Now, Applied::AlreadyInForce)
    );
}

#[test]
fn tasks_of_any_executor_have_access() {
    let node = Node::new();
    let contract = node.contract(counted(20));
    let files = node.close();
    let space = files.setup(provider()).open_releases_max(30).open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    let node = Node { space, files };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let (space, request) = (node.space.clone(), node.request(contract));
        let access = async move {
            match space.access_async(request).await.unwrap() {
                Access::Released(release) => rows(release),
                Access::Denied(denied) => {
                    assert_eq!(codes(&denied), ["unmet"]);
                    0
                }
            }
        };
        tasks.spawn_on(access, runtime.handle());
    }
    let rows = runtime.block_on(tasks.join_all());
    assert_eq!(rows.iter().sum::<usize>(), 200);
    let uses: Vec<_> = node.decisions().iter().filter_map(permitted).collect();
    assert_eq!(uses, (1..=20).collect::<Vec<_>>());
}

#[test]
fn uses_stand_in_the_log_in_their_order_and_denials_behind_what_they_rest_on() {
    let node = Node::new();
    let contracts: [_; 2] = [40, 50].map(|count| node.contract(counted(count)));
    let shared = node
        .contract(crate::support::terms().permit(read_only().when(Constraint::ConsumerCount(100))));
    thread::scope(|scope| {
        for turn in 0..16 {
            let (node, contract) = (&node, [contracts[0], contracts[1], shared][turn % 3]);
            scope.spawn(move || {
                for _ in 0..15 {
                    let _decided = node.space.access(node.request(contract)).unwrap();
                }
            });
        }
    });
    for contract in contracts {
        let all = node.decisions();
        let of_it = all.iter().filter(|one| one.contract == *contract.as_digest());
        let uses: Vec<_> = of_it.filter_map(permitted).collect();
        assert!(uses.is_sorted() && uses.len() as u64 == *uses.last().unwrap(), "{uses:?}");
    }
    let replayed =
        dataspace_runtime::replay_decisions(node.space.log(), authority().did(), None).unwrap();
    assert!(replayed.is_sound(), "{:#?}", replayed.first);
}

#[test]
fn accesses_and_changes_share_the_syncs_of_a_slow_disk() {
    let (node, dial) = node();
    let contract = node.contract(terms());
    dial.micros.store(5_000, Ordering::Release);
    let begun = dial.begun.load(Ordering::Acquire);
    thread::scope(|scope| {
        for thread in 0..8 {
            let node = &node;
            scope.spawn(move || {
                for made in 0..25 {
                    let member = newcomer(100 * thread + made);
                    node.space.admit(signed_credential(&member, |_| {})).unwrap();
                }
            });
            scope.spawn(move || {
                for _ in 0..25 {
                    drop(node.released(contract));
                }
            });
        }
    });
    // Of 400, each change alone with a sync would be more than 200; and those of checkpoints.
    let syncs = dial.begun.load(Ordering::Acquire) - begun;
    assert!(syncs < 200, "{syncs} syncs");
    assert_eq!(node.space.uses(contract), Some((200, None)));
}

#[test]
fn close_says_what_is_signed() {
    let node = Node::new();
    let contract = node.contract(terms());
    for _ in 0..50 {
        drop(node.released(contract));
    }
    let _denied = denied(
        node.space
            .access(node.request_for(contract, dataspace_policy::Action::Read, "none"))
            .unwrap(),
    );
    let (len, Node { space, files }) = (node.len(), node);
    let checkpoint = space.close().unwrap();
    assert_eq!(checkpoint.size().as_u64(), len);
    let node = files.reopen();
    assert_eq!(node.space.index_state().unwrap().replayed(), 0);
    let opened = node.records().into_iter().filter(|one| matches!(one.event, Event::Opened { .. }));
    assert_eq!(opened.count(), 1);
    drop(released(node.space.access(node.request(contract)).unwrap()));
}

#[test]
fn checkpoints_come_by_number_and_by_time_and_by_the_owner() {
    let node = Node::new();
    let contract = node.contract(terms());
    let files = node.close();
    let setup = files.setup(provider()).checkpoint_every(1_000);
    let space = setup.checkpoint_within(Duration::from_secs(30)).open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    let node = Node { space, files };
    let under_checkpoint = || {
        let text = std::fs::read_to_string(node.files.path().join("checkpoint")).unwrap();
        dataspace_tlog::Checkpoint::verify(&text, node.space.log().origin())
            .unwrap()
            .size()
            .as_u64()
    };
    let first = under_checkpoint();
    for _ in 0..5 {
        drop(node.released(contract));
    }
    assert_eq!(under_checkpoint(), first, "neither many nor late");
    node.advance(30);
    drop(node.released(contract));
    assert_eq!(under_checkpoint(), node.len());
    drop(node.released(contract));
    assert!(under_checkpoint() < node.len());
    node.space.tend().unwrap();
    assert_eq!(under_checkpoint(), node.len());
}

#[test]
fn a_log_can_be_kept_where_the_owner_says() {
    let (node, _dial) = node();
    let contract = node.contract(counted(3));
    drop(node.released(contract));
    let Node { space, files } = node;
    drop(space);
    let disk = |path: &Path| SlowDisk(FileStorage::open(path).unwrap(), Arc::default());
    let space = files.setup(provider()).storage(disk(&files.path())).open().unwrap();
    assert_eq!(space.uses(contract), Some((1, Some(3))));
}
