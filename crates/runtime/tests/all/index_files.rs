//! Somebody or something changes the index: it is not used, and the node is the same.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use dataspace_runtime::{Access, IndexError, IndexState, ManualClock, Setup, Unusable};
use dataspace_usage_contract::ContractId;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _};
use redb::{TableDefinition, backends::FileBackend};

use crate::index::why;
use crate::support::{
    Files, Node, TestClock, at, authority, codes, consumer, counted, name, provider, rival,
    signed_credential, signed_profile, table, terms,
};

const CHANGES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("changes");
const MADE: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("made");
const REQUESTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("requests");
const STATEMENT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("statement");

/// How many rows there are.
pub(crate) struct Rows {
    pub(crate) changes: u64,
    pub(crate) requests: u64,
}

fn database(files: &Files) -> Database {
    Database::open(files.path().join("index")).unwrap()
}

pub(crate) fn rows(files: &Files) -> Rows {
    let database = database(files);
    let rows = database.begin_read().unwrap();
    Rows {
        changes: rows.open_table(CHANGES).unwrap().len().unwrap(),
        requests: rows.open_table(REQUESTS).unwrap().len().unwrap(),
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

/// What somebody does to the rows, by the data base's own means.
type Edit = fn(&redb::WriteTransaction);

fn last_key(rows: &redb::WriteTransaction, table: TableDefinition<'_, u64, &[u8]>) -> u64 {
    rows.open_table(table).unwrap().last().unwrap().unwrap().0.value()
}

const EDITS: [(&str, Edit); 8] = [
    ("a use is given back", |rows| {
        let mut table = rows.open_table(MADE).unwrap();
        let (contract, mut made) = {
            let row = table.first().unwrap().unwrap();
            (row.0.value(), row.1.value().to_vec())
        };
        let used = made.windows(5).position(|part| part == b"\x64used").unwrap() + 5;
        made[used] -= 1;
        table.insert(contract, made.as_slice()).unwrap();
    }),
    ("all uses are given back", |rows| {
        rows.open_table(MADE).unwrap().retain(|_, _| false).unwrap();
    }),
    ("the termination is taken back", |rows| {
        let last = last_key(rows, CHANGES);
        rows.open_table(CHANGES).unwrap().remove(last).unwrap();
    }),
    ("a record is moved", |rows| {
        let last = last_key(rows, CHANGES);
        let mut table = rows.open_table(CHANGES).unwrap();
        let record = table.remove(last).unwrap().unwrap().value().to_vec();
        table.insert(last + 1, record.as_slice()).unwrap();
    }),
    ("a request is forgotten", |rows| {
        let last = last_key(rows, REQUESTS);
        rows.open_table(REQUESTS).unwrap().remove(last).unwrap();
    }),
    ("a request is put twice", |rows| {
        let last = last_key(rows, REQUESTS);
        let mut table = rows.open_table(REQUESTS).unwrap();
        let row = table.get(last).unwrap().unwrap().value().to_vec();
        table.insert(last + 1, row.as_slice()).unwrap();
    }),
    ("no statement", |rows| {
        rows.open_table(STATEMENT).unwrap().remove(0).unwrap();
    }),
    ("a table is gone", |rows| {
        rows.delete_table(REQUESTS).unwrap();
    }),
];

fn edit(files: &Files, change: Edit) {
    let database = database(files);
    let rows = database.begin_write().unwrap();
    change(&rows);
    rows.commit().unwrap();
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
    assert_eq!(space.index_state().unwrap().replayed(), 4);
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
    for len in [0, 1, 9, 64, 320, 4_096, 8_191, whole.len() / 2, whole.len() - 1] {
        try_bytes(&whole[..len]);
    }
    try_bytes(b"redb, or not");
    try_bytes(&vec![0xff; whole.len()]);
    // The header is where most can go wrong, then the pages that are in use.
    let offsets = (0..320).step_by(9).chain((4_096..whole.len()).step_by(whole.len() / 30));
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
    assert!(rows(&files).changes > 5);
    let file = fs::File::open(files.path().join("index")).unwrap();
    drop(FileBackend::new(file).unwrap());
}

const DIR: &str = "DATASPACE_INDEX_TEST_DIR";
const MODE: &str = "DATASPACE_INDEX_TEST_MODE";

/// Not a test of its own: a node that writes its index after each use, and prints the uses.
#[test]
fn helper() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let is_full = std::env::var_os(MODE).is_some();
    let clock = TestClock(Arc::new(ManualClock::new(at(0))));
    let setup = Setup::new(PathBuf::from(dir), provider(), authority().did().clone());
    let space = setup.clock(clock.clone()).open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    let agreement = space.agreement(space.contracts()[0]).unwrap();
    println!("ready");
    for turn in 0.. {
        let read = dataspace_policy::Action::Read;
        let purpose = name("research");
        let request =
            dataspace_runtime::request_access(&consumer(), &agreement, read, purpose, &clock);
        let Access::Released(release) = space.access(request.unwrap()).unwrap() else { break };
        println!("released {}.", release.uses());
        let written = space.write_index();
        assert_eq!(written.is_err(), is_full, "{written:?}");
        if is_full && turn == 20 {
            assert!(space.index_error().is_some());
            println!("done.");
            break;
        }
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
    if script.contains("ulimit") {
        command.env(MODE, "full");
    }
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

#[test]
fn on_a_full_disk_accesses_go_on_without_an_index() {
    let node = Node::new();
    let contract = node.contract(terms());
    let files = node.close();
    let before = fs::read(files.path().join("index")).unwrap();
    // Room in the segment is taken in advance, so 48 KiB are enough for the log, not for the index.
    let child = run(&files, "trap '' XFSZ; ulimit -f 48; exec \"$@\"");
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("done."), "{text}");
    assert!(before.len() > 48 << 10);
    let space = files.open().unwrap();
    assert_eq!(space.uses(contract).unwrap().0, 21);
}
