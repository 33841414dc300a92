//! Somebody or something changes the index: it is not used, and the node is the same.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use dataspace_runtime::{
    Access, ManualClock, Setup,
    index::{IndexError, IndexState, Snapshots, Unusable},
};
use dataspace_usage_contract::ContractId;

use crate::index::why;
use crate::support::{
    Files, Node, TestClock, at, authority, codes, consumer, counted, keys, name, provider, rival,
    signed_credential, signed_profile, table, terms,
};

/// The parts of an index, by the description of its format.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) changes: Vec<(u64, Vec<u8>)>,
    relations: Vec<(Vec<u8>, Vec<u8>)>,
    /// Identifier, offer, program; place, time, limit, permits, uses, day, its uses, month, its uses;
    /// version of the compiler, number of the relation; nothing that it counts beside its uses.
    contracts: Vec<[u8; 177]>,
    terminations: Vec<Vec<u8>>,
    pub(crate) requests: Vec<[u8; 40]>,
    statement: Vec<u8>,
}

const MAGIC: &[u8] = b"dataspace-index2";

impl Parts {
    pub(crate) fn read(files: &Files) -> Self {
        let bytes = fs::read(files.path().join("index")).unwrap();
        let mut rest = bytes.strip_prefix(MAGIC).unwrap();
        let mut take = |len: usize| {
            let (first, after) = rest.split_at(len);
            rest = after;
            first.to_vec()
        };
        let number = |bytes: Vec<u8>| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let changes = number(take(8));
        let long = |digits: usize, take: &mut dyn FnMut(usize) -> Vec<u8>| {
            let len = number(take(digits));
            take(usize::try_from(len).unwrap())
        };
        let changes = (0..changes).map(|_| (number(take(8)), long(4, &mut take))).collect();
        let relations = number(take(8));
        let relations = (0..relations).map(|_| (long(2, &mut take), long(2, &mut take))).collect();
        let contracts = number(take(8));
        let contracts = (0..contracts).map(|_| take(177).try_into().unwrap()).collect();
        let terminations = number(take(8));
        let terminations = (0..terminations).map(|_| long(4, &mut take)).collect();
        let requests = number(take(8));
        let requests = (0..requests).map(|_| take(40).try_into().unwrap()).collect();
        let statement = long(4, &mut take);
        assert!(rest.is_empty());
        Self { changes, relations, contracts, terminations, requests, statement }
    }

    fn write(&self, files: &Files) {
        let mut bytes = MAGIC.to_vec();
        let long = |bytes: &mut Vec<u8>, digits: usize, part: &[u8]| {
            bytes.extend(&(part.len() as u64).to_be_bytes()[8 - digits..]);
            bytes.extend(part);
        };
        bytes.extend((self.changes.len() as u64).to_be_bytes());
        for (place, record) in &self.changes {
            bytes.extend(place.to_be_bytes());
            long(&mut bytes, 4, record);
        }
        bytes.extend((self.relations.len() as u64).to_be_bytes());
        for (consumer, product) in &self.relations {
            long(&mut bytes, 2, consumer);
            long(&mut bytes, 2, product);
        }
        bytes.extend((self.contracts.len() as u64).to_be_bytes());
        bytes.extend(self.contracts.as_flattened());
        bytes.extend((self.terminations.len() as u64).to_be_bytes());
        for termination in &self.terminations {
            long(&mut bytes, 4, termination);
        }
        bytes.extend((self.requests.len() as u64).to_be_bytes());
        bytes.extend(self.requests.as_flattened());
        long(&mut bytes, 4, &self.statement);
        fs::write(files.path().join("index"), bytes).unwrap();
    }
}

/// A closed node: two contracts, one of them ended, three uses of the other.
fn written() -> (Files, ContractId, ContractId) {
    let node = Node::new();
    let (contract, ended) = (node.contract(counted(3)), node.contract(terms()));
    for _ in 0..3 {
        drop(node.released(contract));
    }
    node.space.end_contract(ended, name("over")).unwrap();
    (node.close(), contract, ended)
}

/// The node of [`written`], whatever the index says; and why that was not used.
fn assert_same(files: Files, contract: ContractId, ended: ContractId) -> String {
    let node = files.reopen();
    assert_eq!(node.space.uses(contract), Some((3, Some(3))));
    assert_eq!(codes(&node.denied(contract)), ["unmet"]);
    assert_eq!(codes(&node.denied(ended)), ["contract-terminated"]);
    match node.space.index_state().unwrap() {
        IndexState::Used { .. } => "used".to_owned(),
        IndexState::Rebuilt { why, replayed } => {
            // All but the opening and the two denials.
            assert_eq!(*replayed, node.len() - 3);
            format!("{why:?}")
        }
    }
}

/// What somebody does to the parts.
type Edit = fn(&mut Parts);

/// Adds to one of the numbers of 8 bytes in a contract's row.
fn add(row: &mut [u8; 177], field: usize, more: i64) {
    let at = 96 + 8 * field;
    let number = i64::from_be_bytes(row[at..at + 8].try_into().unwrap());
    row[at..at + 8].copy_from_slice(&(number + more).to_be_bytes());
}

const EDITS: [(&str, Edit); 14] = [
    ("a use is given back", |parts| add(&mut parts.contracts[0], 4, -1)),
    ("all uses are given back", |parts| {
        for field in [3, 4, 6, 8] {
            add(&mut parts.contracts[0], field, -3);
        }
    }),
    ("uses are permitted", |parts| add(&mut parts.contracts[0], 2, 1)),
    ("an embargo is over", |parts| add(&mut parts.contracts[0], 1, -86_400_000)),
    ("another program", |parts| parts.contracts[0][64] ^= 1),
    ("a contract is moved", |parts| add(&mut parts.contracts[0], 0, 1)),
    ("a contract is forgotten", |parts| _ = parts.contracts.remove(0)),
    ("a contract is put twice", |parts| parts.contracts.push(parts.contracts[0])),
    ("the termination is taken back", |parts| drop(parts.terminations.pop())),
    ("a record is moved", |parts| parts.changes.last_mut().unwrap().0 += 1),
    ("a request is forgotten", |parts| _ = parts.requests.pop()),
    ("a request is put twice", |parts| parts.requests.push(parts.requests[0])),
    ("no statement", |parts| parts.statement.clear()),
    ("another consumer", |parts| {
        let rival = rival().did().to_string().into_bytes();
        parts.relations[0].0 = rival;
    }),
];

fn edit(files: &Files, change: Edit) {
    let mut parts = Parts::read(files);
    change(&mut parts);
    parts.write(files);
}

#[test]
fn rows_that_were_changed_are_not_believed() {
    let (files, contract, ended) = written();
    for (what, change) in EDITS {
        let files = files.copy();
        edit(&files, change);
        let why = assert_same(files, contract, ended);
        let is_found = ["Digest", "Statement", "Unreadable", "Rows"];
        assert!(is_found.iter().any(|one| why.starts_with(one)), "{what}: {why}");
    }
    // The test's own reading and writing is right.
    edit(&files, |_| {});
    assert_eq!(assert_same(files, contract, ended), "used");
}

#[test]
fn an_index_that_was_brought_back_is_caught_up_with() {
    let node = Node::new();
    let (contract, ended) = (node.contract(counted(3)), node.contract(terms()));
    node.space.write_index().unwrap();
    let old = fs::read(node.files.path().join("index")).unwrap();
    for _ in 0..3 {
        drop(node.released(contract));
    }
    node.space.end_contract(ended, name("over")).unwrap();
    let files = node.close();
    fs::write(files.path().join("index"), old).unwrap();
    let space = files.open().unwrap();
    assert_eq!(space.index_state().unwrap().replayed(), 7);
    drop(space);
    assert_eq!(assert_same(files, contract, ended), "used");
}

#[test]
fn an_index_of_another_node_or_another_log_is_not_used() {
    let (files, contract, ended) = written();
    let (same_key, _, _) = written();
    let another = Files::new();
    let space = another.setup(rival()).create(signed_profile(|_| {})).unwrap();
    space.admit(signed_credential(&provider(), |_| {})).unwrap();
    drop(space);
    // Two copies of the same log, which went on by themselves.
    let (longer, shorter) = (files.copy().reopen(), files.copy().reopen());
    for count in 21..=29 {
        longer.contract(counted(count));
    }
    shorter.contract(counted(40));
    let (longer, shorter) = (longer.close(), shorter.close());
    for (theirs, ours, expected) in [
        (&same_key, &files, "OtherLog"),
        (&another, &files, "Statement"),
        (&shorter, &longer, "OtherHistory"),
    ] {
        let files = ours.copy();
        fs::copy(theirs.path().join("index"), files.path().join("index")).unwrap();
        let why = assert_same(files, contract, ended);
        assert!(why.starts_with(expected), "{why}");
    }
}

#[test]
fn whatever_stands_in_the_file_the_node_opens() {
    let (files, contract, ended) = written();
    let whole = fs::read(files.path().join("index")).unwrap();
    let mut seen = std::collections::BTreeMap::<String, u32>::new();
    let mut try_bytes = |bytes: &[u8]| {
        let files = files.copy();
        fs::write(files.path().join("index"), bytes).unwrap();
        let why = assert_same(files, contract, ended);
        let kind = why.split([' ', '{', '(']).next().unwrap_or_default();
        *seen.entry(kind.to_owned()).or_default() += 1;
    };
    for len in [0, 1, 9, 16, 24, 64, 320, whole.len() / 2, whole.len() - 1] {
        try_bytes(&whole[..len]);
    }
    try_bytes(b"an index, or not");
    try_bytes(&vec![0xff; whole.len()]);
    try_bytes(&[MAGIC, &[0xff; 64]].concat());
    try_bytes(&[MAGIC, &[0; 44]].concat());
    try_bytes(&[&whole[..], b"more"].concat());
    // The beginning is where most can go wrong.
    let offsets = (0..96).step_by(5).chain((96..whole.len()).step_by(whole.len() / 40));
    for at in offsets {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x41;
        try_bytes(&bytes);
    }
    println!("{seen:?}");
    assert!(seen.contains_key("Unreadable"));
}

#[test]
fn rows_that_are_changed_under_a_running_node_are_not_signed_again() {
    let node = Node::new();
    let contract = node.contract(counted(3));
    drop(node.released(contract));
    node.space.write_index().unwrap();
    edit(&node.files, EDITS[0].1);
    drop(node.released(contract));
    let error = node.space.write_index().unwrap_err();
    assert!(matches!(*error, IndexError::Changed), "{error:?}");
    drop(node.released(contract));
    let files = node.close();
    let space = files.open().unwrap();
    assert!(matches!(why(&space), Unusable::Digest));
    assert_eq!(space.uses(contract), Some((3, Some(3))));
}

#[test]
fn a_link_in_place_of_the_index_harms_no_other_file() {
    let (files, contract, ended) = written();
    let other = files.dir.path().join("other");
    for content in ["", "precious"] {
        for (file, is_hard) in [("index", false), ("index", true), ("index.new", false)] {
            let files = files.copy();
            fs::write(&other, content).unwrap();
            let _no_index_to_use = fs::remove_file(files.path().join("index"));
            if is_hard {
                fs::hard_link(&other, files.path().join(file)).unwrap();
            } else {
                std::os::unix::fs::symlink(&other, files.path().join(file)).unwrap();
            }
            let why = assert_same(files, contract, ended);
            assert!(why.starts_with("Unreadable") || why == "Missing", "{why}");
            assert_eq!(fs::read_to_string(&other).unwrap(), content);
        }
    }
}

#[test]
fn the_index_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (files, _, _) = written();
    let mode = fs::metadata(files.path().join("index")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for entry in fs::read_dir(files.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.contains(".tmp"), "{name}");
    }
    assert!(Parts::read(&files).changes.len() > 3);
}

const DIR: &str = "DATASPACE_INDEX_TEST_DIR";

/// Not a test of its own: a node that writes its index after each use, and prints the uses.
#[test]
fn helper() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let clock = TestClock(Arc::new(ManualClock::new(at(0))));
    let setup = Setup::new(PathBuf::from(dir), keys(provider()), authority().did().clone());
    let space = setup.clock(clock.clone()).open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    let agreement = space.agreement(space.contracts()[0]).unwrap();
    println!("ready");
    loop {
        let read = dataspace_policy::Action::Read;
        let purpose = name("research");
        let request =
            dataspace_runtime::request_access(&consumer(), &agreement, read, purpose, &clock);
        let Access::Released(release) = space.access(request.unwrap()).unwrap() else { break };
        println!("released {}.", release.uses());
        space.write_index().unwrap();
    }
}

fn run(files: &Files, script: &str) -> std::process::Child {
    let mut command = Command::new("bash");
    command
        .args(["-c", script, "bash"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "index_files::helper", "--nocapture"])
        .env(DIR, files.path())
        .stdout(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn a_node_that_is_killed_while_it_writes_its_index_forgets_nothing() {
    let node = Node::new();
    let contract = node.contract(terms());
    let mut files = node.close();
    for round in 0..10 {
        let mut child = run(&files, "exec \"$@\"");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.by_ref().any(|line| line.unwrap().ends_with("ready")));
        std::thread::sleep(Duration::from_millis(20 + (round * 37) % 101));
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        let printed = lines.map_while(Result::ok).filter_map(|line| {
            line.split_once("released ")?.1.strip_suffix('.')?.parse::<u64>().ok()
        });
        let printed = printed.max().unwrap_or(0);
        let node = files.reopen();
        let state = node.space.index_state().unwrap();
        assert!(matches!(state, IndexState::Used { .. }), "round {round}: {state:?}");
        // Two openings in each round, if it is killed before it writes the index for the first time.
        assert!(state.replayed() <= 4 + 2 * round, "round {round}: {state:?}");
        let uses = node.space.uses(contract).unwrap().0;
        assert!(uses >= printed && node.decisions().len() as u64 == uses);
        files = node.close();
    }
}

/// Has room for some bytes.
struct Full(usize);

impl Snapshots for Full {
    fn load(&self) -> io::Result<Option<Box<dyn Read>>> {
        Ok(None)
    }

    fn store(&self, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        write(&mut &mut vec![0; self.0][..])
    }
}

#[test]
fn where_the_index_has_no_room_accesses_go_on_without_it() {
    let node = Node::new();
    let contract = node.contract(counted(9));
    let files = node.close();
    for room in [0, 20, 500] {
        let files = files.copy();
        let space = files.setup(provider()).snapshots(Full(room)).open().unwrap();
        space.register(name("alloys"), name("test-results"), table(10)).unwrap();
        let node = Node { space, files };
        let before = node.space.uses(contract).unwrap().0;
        assert_eq!(node.released(contract).uses(), before + 1);
        assert!(node.space.write_index().is_err());
        assert!(node.space.index_error().is_some());
        assert_eq!(node.released(contract).uses(), before + 2);
    }
}
