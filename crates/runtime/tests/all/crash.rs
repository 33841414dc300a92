//! `kill -9` at any time.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use dataspace_primitives::Signed;
use dataspace_runtime::{Access, AccessError, ManualClock, Setup, replay_decisions};
use dataspace_usage_contract::AccessRequest;

use crate::support::{
    Node, TestClock, at, authority, consumer, counted, keys, name, permitted, provider, table,
};

const DIR: &str = "DATASPACE_CRASH_TEST_DIR";
const LIMIT: u32 = 250;

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> =
        text.chars().map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
}

/// Not a test of its own: the process that is killed. Prints each use that it released.
#[test]
fn helper() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let clock = TestClock(Arc::new(ManualClock::new(at(0))));
    let setup = Setup::new(PathBuf::from(dir), keys(provider()), authority().did().clone());
    let space = setup.clock(clock.clone()).open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    let agreement = space.agreement(space.contracts()[0]).unwrap();
    println!("ready");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let read = dataspace_policy::Action::Read;
                    let request = dataspace_runtime::request_access(
                        &consumer(),
                        &agreement,
                        read,
                        name("research"),
                        &clock,
                    );
                    let request = request.unwrap();
                    let text = hex(request.as_bytes());
                    match space.access(request).unwrap() {
                        Access::Released(release) => {
                            let uses = release.uses();
                            println!("released {uses} {text}.");
                        }
                        Access::Denied(_) => break,
                    }
                }
            });
        }
    });
}

#[test]
fn a_killed_node_forgets_no_use_and_exceeds_no_count() {
    let node = Node::new();
    let contract = node.contract(counted(LIMIT));
    let mut files = node.close();
    let mut printed = Vec::new();
    let mut requests = Vec::new();
    for round in 0..8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::helper", "--nocapture"])
            .env(DIR, files.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.by_ref().any(|line| line.unwrap().ends_with("ready")));
        std::thread::sleep(Duration::from_millis((round * 23) % 61));
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            // A line that was cut short lacks the full stop.
            let released =
                line.split_once("released ").and_then(|(_, rest)| rest.strip_suffix('.'));
            let Some((uses, request)) = released.and_then(|rest| rest.split_once(' ')) else {
                continue;
            };
            printed.push(uses.parse::<u64>().unwrap());
            requests.push(Signed::<AccessRequest>::from_bytes(unhex(request)).unwrap());
        }

        let node = files.reopen();
        assert_eq!(node.space.contracts(), [contract]);
        let (uses, limit) = node.space.uses(contract).unwrap();
        assert!(uses >= printed.iter().max().copied().unwrap_or(0), "round {round}");
        assert_eq!(limit, Some(u64::from(LIMIT)));
        let mut recorded: Vec<_> = node.decisions().iter().filter_map(permitted).collect();
        recorded.sort_unstable();
        assert!(recorded.iter().all(|one| *one <= u64::from(LIMIT)));
        assert!(recorded.windows(2).all(|pair| pair[0] < pair[1]), "a use was made twice");
        assert!(printed.iter().all(|one| recorded.binary_search(one).is_ok()));
        // What was cut off has no report, and nobody is accused of it.
        let replayed = replay_decisions(node.space.log(), authority().did(), None).unwrap();
        assert!(replayed.is_sound(), "round {round}: {:?}", replayed.first);
        assert_eq!(replayed.unreported, replayed.permits - replayed.reports, "round {round}");
        for request in requests.iter().rev().take(20) {
            let error = node.space.access(request.clone()).unwrap_err();
            assert!(matches!(error, AccessError::Replayed), "{error:?}");
        }
        files = node.close();
    }
    assert!(!printed.is_empty());
    let count = printed.len();
    printed.sort_unstable();
    printed.dedup();
    assert_eq!(printed.len(), count, "two releases for one use");
    assert!(count <= LIMIT as usize);
}
