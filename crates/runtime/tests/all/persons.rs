//! Persons of a calendar year, counted over contracts, releases and restarts.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use dataspace_data_plane::{Table, errors::RunError};
use dataspace_policy::{
    Action, ColumnMask, Duty, MaskMethod, Operator, Persons, RowFilter, Rule, Scalar, Terms,
};
use dataspace_primitives::Part;
use dataspace_runtime::access::ReleaseError;
use dataspace_runtime::registers::{DirectoryRegisters, MemoryRegisters, RegisterError};
use dataspace_runtime::{NewRequest, Observer, backup_node, request_access_to};
use dataspace_tlog::record::ReleaseEnd;
use dataspace_usage_contract::ContractId;

use crate::reports::report;
#[cfg(feature = "sealed")]
use crate::reports::reports;
use crate::support::consumer::{concluded, data, direct, reading};
use crate::support::{
    Files, Node, TestClock, authority, consumer, name, provider, released, rival,
    signed_credential, signed_profile,
};

/// Forty persons with two rows each, the first ten of group 0, and so on; and rows of nobody.
pub(crate) fn people() -> Table {
    let who: StringArray =
        (0..90).map(|row| (row < 80).then(|| format!("person {:02}", row / 2))).collect();
    let group = Int64Array::from_iter_values((0..90).map(|row| row / 20));
    let number = Int64Array::from_iter_values(0..90);
    let columns: Vec<(&str, ArrayRef)> =
        vec![("alloy", Arc::new(who)), ("group", Arc::new(group)), ("n", Arc::new(number))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    Table::from_batches(&batch.schema(), vec![batch]).unwrap()
}

fn duty(at_most: u32, register: &str) -> Duty {
    let (column, zone, register) = (name("alloy"), name("Asia/Shanghai"), name(register));
    Duty::Persons(Persons { column, at_most, zone, register })
}

/// Reading one group of ten persons, or all.
pub(crate) fn counted(group: Option<u32>, at_most: u32) -> Terms {
    let read = Rule::new([Action::Read]);
    let terms = Terms::new().permit(read).duty(duty(at_most, "export"));
    match group {
        None => terms,
        Some(group) => {
            let values = vec![Scalar::Number(group.to_string().parse().unwrap())];
            let (column, operator) = (name("group"), Operator::Eq);
            terms.duty(Duty::Filter(RowFilter { column, operator, values }))
        }
    }
}

fn node() -> Node {
    Node::with_table(people())
}

/// The different persons who leave, or why they do not.
pub(crate) fn left(node: &Node, contract: ContractId) -> Result<usize, ReleaseError> {
    let mut all = BTreeSet::new();
    for batch in node.released(contract) {
        let batch = batch?;
        all.extend(batch.column(0).as_string::<i32>().iter().map(|who| who.unwrap().to_owned()));
    }
    Ok(all.len())
}

pub(crate) fn is_refused(left: &Result<usize, ReleaseError>) -> bool {
    matches!(left, Err(ReleaseError::TooManyPersons))
}

pub(crate) fn count(node: &Node, year: u16) -> u64 {
    node.space.persons(&name("export"), year).unwrap()
}

/// The one file of registers.
fn file(node: &Path) -> PathBuf {
    let mut all = fs::read_dir(node.join("persons")).unwrap();
    let one = all.next().unwrap().unwrap().path();
    assert!(all.next().is_none());
    one
}

/// Reopens a node with its people.
fn reopened(files: Files) -> Node {
    let space = files.open().unwrap();
    space.register(name("alloys"), name("test-results"), people()).unwrap();
    Node { space, files }
}

#[test]
fn persons_are_counted_once_over_all_contracts_of_a_register() {
    let node = node();
    let first = node.contract(counted(Some(0), 25));
    assert_eq!((left(&node, first).unwrap(), count(&node, 2026)), (10, 10));
    // Again, and under another contract of somebody else.
    let same = node.conclude(&node.offer(counted(Some(0), 25)), &rival()).unwrap();
    for contract in [first, same] {
        assert_eq!((left(&node, contract).unwrap(), count(&node, 2026)), (10, 10));
    }
    let second = node.contract(counted(Some(1), 25));
    assert_eq!((left(&node, second).unwrap(), count(&node, 2026)), (10, 20));
    let third = node.contract(counted(Some(2), 25));
    for _ in 0..2 {
        let refused = left(&node, third);
        assert!(is_refused(&refused), "{refused:?}");
        assert_eq!(count(&node, 2026), 20, "none of them is counted");
    }
    // Five of them do; so a part of ten rows leaves.
    let part = Part::rows(None, Some(10)).unwrap();
    let request = NewRequest { part: Some(part), ..reading() };
    let clock = TestClock(Arc::clone(&node.files.clock));
    let agreement = node.space.agreement(third).unwrap();
    let request = request_access_to(&consumer(), &agreement, request, &clock).unwrap();
    let release = released(node.space.access(request).unwrap());
    let rows: usize = release.map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!((rows, count(&node, 2026)), (10, 25));
    // Another register knows nothing of it.
    let other = Terms::new().permit(Rule::new([Action::Read])).duty(duty(40, "another"));
    let other = node.contract(other);
    assert_eq!(left(&node, other).unwrap(), 40);
    assert_eq!(count(&node, 2026), 25);
}

#[test]
fn a_refused_release_is_recorded_as_failed_and_has_cost_a_use() {
    let node = node();
    let contract = node.contract(counted(None, 39));
    let mut release = node.released(contract);
    let refused = release.next();
    let Some(Err(error @ ReleaseError::TooManyPersons)) = &refused else { panic!("{refused:?}") };
    assert!(!error.to_string().contains(|c: char| c.is_ascii_digit()), "{error}");
    assert!(release.next().is_none());
    let failed = report(&node, &release);
    assert_eq!((failed.end, failed.pieces, failed.bytes), (ReleaseEnd::Failed, 0, 0));
    assert_eq!(failed.subjects, Some(0));
    assert_eq!(node.space.uses(contract), Some((1, None)));
    assert_eq!(count(&node, 2026), 0);
    let whole = node.contract(counted(None, 40));
    let mut release = node.released(whole);
    for batch in release.by_ref() {
        assert_eq!(batch.unwrap().num_rows(), 80, "without the rows of nobody");
    }
    assert_eq!(report(&node, &release).subjects, Some(40));
}

#[test]
fn a_consumer_is_told_why_and_no_more() {
    // The alloys of the table are its persons.
    let terms = Terms::new().permit(Rule::new([Action::Read])).duty(duty(9, "export"));
    let (node, _half, consumer, contract) = concluded(terms);
    let way = direct(&node.space);
    let mut incoming = data(consumer.access(&way, contract, reading()).unwrap());
    assert!(incoming.next_piece().is_none());
    let arrival = incoming.finish().unwrap();
    let why = "more persons would leave in this calendar year than were agreed";
    assert_eq!(arrival.stopped.as_deref(), Some(why));
    assert_eq!(arrival.complaints, []);
    let shown = consumer.evidence_at(arrival.index).unwrap().unwrap();
    let shown = shown.verify(authority().did()).unwrap();
    let report = shown.report().unwrap();
    assert_eq!((report.end, report.subjects), (ReleaseEnd::Failed, Some(0)));
}

#[cfg(feature = "sealed")]
#[test]
fn a_sealed_file_is_of_persons_too() {
    use dataspace_runtime::access::SealToError;
    use dataspace_runtime::request::request_sealed;
    let secret = dataspace_sealed::RecipientSecret::from_seed(&mut [3; 32]).unwrap();
    let node = node();
    for (at_most, is_good) in [(9, false), (10, true)] {
        let contract = node.contract(counted(Some(0), at_most));
        let clock = TestClock(Arc::clone(&node.files.clock));
        let agreement = node.space.agreement(contract).unwrap();
        let request = (reading(), secret.recipient());
        let request = request_sealed(&consumer(), &agreement, request, &clock).unwrap();
        let release = released(node.space.access(request).unwrap());
        let mut file = Vec::new();
        let sealed = release.seal_to(&mut file);
        if is_good {
            let delivered = sealed.unwrap();
            let (index, report) = reports(&node).pop().unwrap();
            assert_eq!((delivered.report, report.subjects), (Some(index), Some(10)));
        } else {
            let refused = sealed.unwrap_err();
            let is_too_many = matches!(refused, SealToError::Release(ReleaseError::TooManyPersons));
            assert!(is_too_many, "{refused:?}");
            assert!(file.is_empty());
        }
        assert_eq!(count(&node, 2026), if is_good { 10 } else { 0 });
    }
}

#[test]
fn the_count_survives_restarts_copies_and_kills() {
    let node = node();
    let (first, second) =
        (node.contract(counted(Some(0), 15)), node.contract(counted(Some(1), 15)));
    assert_eq!(left(&node, first).unwrap(), 10);
    // As a kill at this moment leaves it: not even the report is on the disk.
    let killed = node.files.copy();
    fs::create_dir(killed.path().join("persons")).unwrap();
    let from = file(&node.files.path());
    fs::copy(&from, killed.path().join("persons").join(from.file_name().unwrap())).unwrap();
    let copy = node.files.dir.path().join("copy");
    node.space.backup(&copy).unwrap();
    let outside = node.files.dir.path().join("outside");
    let restarted = reopened(node.close());
    backup_node(&restarted.files.path(), &outside).unwrap();
    let restored = |path: &Path| {
        let files = Files { clock: restarted.files.clock.clone(), ..Files::new() };
        fs::rename(path, files.path()).unwrap();
        reopened(files)
    };
    for node in [restored(&copy), restored(&outside), reopened(killed), restarted] {
        assert_eq!(count(&node, 2026), 10);
        assert!(is_refused(&left(&node, second)));
        assert_eq!(left(&node, first).unwrap(), 10);
    }
}

#[test]
fn a_release_that_breaks_off_has_counted_its_persons() {
    let node = node();
    let contract = node.contract(counted(Some(0), 10));
    // Nothing is counted before it is asked for.
    drop(node.released(contract));
    assert_eq!(count(&node, 2026), 0);
    let mut release = node.released(contract);
    let _left = release.next().unwrap().unwrap();
    drop(release);
    assert_eq!(count(&node, 2026), 10);
    // Of one that is stopped at its first piece, too: more are counted than left, never fewer.
    let other = node.contract(counted(Some(1), 30));
    let mut release = node.released(other);
    node.space.end_contract(other, name("over")).unwrap();
    assert!(matches!(release.next(), Some(Err(ReleaseError::Stopped { .. }))));
    assert_eq!(count(&node, 2026), 10, "it was stopped before they were counted");
}

#[test]
fn two_nodes_of_one_provider_do_not_share_a_register() {
    let shared = tempfile::tempdir().unwrap();
    let told = Told::default();
    let new = || {
        let files = Files::new();
        let registers = DirectoryRegisters::new(shared.path());
        let setup = files.setup(provider()).registers(registers).observer(told.clone());
        let space = setup.create(signed_profile(|_| {})).unwrap();
        for member in [provider(), consumer()] {
            space.admit(signed_credential(&member, |_| {})).unwrap();
        }
        space.register(name("alloys"), name("test-results"), people()).unwrap();
        Node { space, files }
    };
    let (one, two) = (new(), new());
    let (of_one, of_two) = (one.contract(counted(Some(0), 15)), two.contract(counted(Some(1), 15)));
    assert_eq!(left(&one, of_one).unwrap(), 10);
    let refused = left(&two, of_two);
    assert!(matches!(refused, Err(ReleaseError::Run(RunError::Register(_)))), "{refused:?}");
    assert_eq!(told.0.lock().unwrap().len(), 1);
    // After it, the other one sees whom it counted.
    drop(one.close());
    assert!(is_refused(&left(&two, of_two)));
    assert_eq!(count(&two, 2026), 10);
}

#[test]
fn releases_at_the_same_time_do_not_slip_in_together() {
    for _ in 0..5 {
        let node = node();
        let contracts: Vec<_> =
            (0..4).map(|group| node.contract(counted(Some(group), 25))).collect();
        let done: Vec<bool> = thread::scope(|scope| {
            let all: Vec<_> = contracts
                .iter()
                .map(|contract| scope.spawn(|| left(&node, *contract).is_ok()))
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(done.iter().filter(|done| **done).count(), 2);
        assert_eq!(count(&node, 2026), 20);
    }
}

/// Remembers what it is told of registers.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Observer for Told {
    fn register(&self, error: &RegisterError) {
        self.0.lock().unwrap().push(error.to_string());
    }
}

#[test]
fn with_a_register_that_is_damaged_nothing_leaves_and_its_operator_is_told_where() {
    let node = node();
    let contract = node.contract(counted(Some(0), 10));
    let other = node.contract(Terms::new().permit(Rule::new([Action::Read])));
    assert_eq!(left(&node, contract).unwrap(), 10);
    let files = node.close();
    let path = file(&files.path());
    let good = fs::read(&path).unwrap();
    let told = Told::default();
    for damage in [&good[..good.len() - 16], &good[..700], b""] {
        fs::write(&path, damage).unwrap();
        let setup = files.setup(provider()).observer(told.clone());
        let space = setup.open().unwrap();
        space.register(name("alloys"), name("test-results"), people()).unwrap();
        let files = Files { dir: Arc::clone(&files.dir), clock: Arc::clone(&files.clock) };
        let node = Node { space, files };
        let mut release = node.released(contract);
        let refused = release.next().unwrap().unwrap_err();
        let ReleaseError::Run(RunError::Register(_)) = &refused else { panic!("{refused:?}") };
        assert!(!refused.to_string().contains("persons/"), "{refused}");
        assert_eq!(report(&node, &release).end, ReleaseEnd::Failed);
        assert!(node.space.persons(&name("export"), 2026).is_err());
        let last = told.0.lock().unwrap().pop().unwrap();
        assert!(last.contains(&path.display().to_string()), "{last}");
        // Contracts without persons go on.
        assert_eq!(node.released(other).map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 90);
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(left(&reopened(files), contract).unwrap(), 10);
}

#[test]
fn a_register_of_another_node_is_refused() {
    let (one, other) = (node(), Files::new());
    let contract = one.contract(counted(Some(0), 10));
    assert_eq!(left(&one, contract).unwrap(), 10);
    let from = file(&one.files.path());
    let files = one.close();
    // The same provider, with another root.
    let mut root = [8; 32];
    let root = dataspace_identity::RootSecret::from_bytes(&mut root);
    let node_keys = dataspace_runtime::NodeKeys::new(provider(), root).unwrap();
    let setup = dataspace_runtime::Setup::new(other.path(), node_keys, authority().did().clone());
    let setup = setup.clock(TestClock(Arc::clone(&files.clock)));
    let space = setup.create(signed_profile(|_| {})).unwrap();
    fs::create_dir(other.path().join("persons")).unwrap();
    fs::copy(&from, other.path().join("persons").join(from.file_name().unwrap())).unwrap();
    let refused = space.persons(&name("export"), 2026).unwrap_err();
    assert!(matches!(refused, RegisterError::Damaged { .. }), "{refused:?}");
}

#[test]
fn an_embedder_counts_elsewhere() {
    let files = Files::new();
    let registers = MemoryRegisters::default();
    let setup = files.setup(provider()).registers(registers.clone());
    let space = setup.create(signed_profile(|_| {})).unwrap();
    for member in [provider(), consumer()] {
        space.admit(signed_credential(&member, |_| {})).unwrap();
    }
    space.register(name("alloys"), name("test-results"), people()).unwrap();
    let node = Node { space, files };
    let contract = node.contract(counted(Some(0), 10));
    assert_eq!((left(&node, contract).unwrap(), count(&node, 2026)), (10, 10));
    assert!(!node.files.path().join("persons").exists());
}

#[test]
fn who_hides_the_persons_counts_them_all_the_same() {
    let node = node();
    let hash = ColumnMask { column: name("alloy"), method: MaskMethod::Hash };
    let drop = ColumnMask { column: name("alloy"), method: MaskMethod::Drop };
    for (number, mask) in [hash, drop].into_iter().enumerate() {
        let terms = counted(Some(0), 10).duty(Duty::Mask(mask));
        let contract = node.contract(terms);
        let rows: usize = node.released(contract).map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!((rows, count(&node, 2026)), (20, 10), "{number}");
    }
    let more = node.contract(counted(Some(1), 10));
    assert!(is_refused(&left(&node, more)));
}

#[test]
fn a_zone_that_is_none_and_a_number_that_is_none_cannot_be_signed() {
    let node = node();
    let with = |zone: &str, at_most| {
        let (column, register) = (name("alloy"), name("export"));
        let duty = Duty::Persons(Persons { column, at_most, zone: name(zone), register });
        let terms = Terms::new().permit(Rule::new([Action::Read]));
        node.space.offer(Node::new_offer(terms.duty(duty)))
    };
    assert!(with("Asia/Shanghai", 4_000_000).is_ok());
    for (zone, at_most) in
        [("Asia/Peking", 1), ("asia/shanghai", 1), ("UTC+8", 1), ("UTC", 0), ("UTC", 4_000_001)]
    {
        assert!(with(zone, at_most).is_err(), "{zone} {at_most}");
    }
    let twice = counted(None, 5).duty(duty(5, "another"));
    assert!(node.space.offer(Node::new_offer(twice)).is_err());
}
