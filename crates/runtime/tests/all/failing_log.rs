//! A disk that is full.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use dataspace_audit_log::append::AppendError;
use dataspace_runtime::{Access, AccessError, ChangeError, ManualClock, Setup, error::WriteError};
use dataspace_usage_contract::contract_id;

use crate::support::{
    Node, TestClock, at, authority, consumer, keys, name, permitted, provider, table, terms,
};

const DIR: &str = "DATASPACE_FULL_DISK_TEST_DIR";

/// Not a test of its own: a node whose files may not grow beyond a limit.
#[test]
fn helper() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let clock = TestClock(Arc::new(ManualClock::new(at(0))));
    let setup = Setup::new(PathBuf::from(dir), keys(provider()), authority().did().clone());
    let space = setup.clock(clock.clone()).open().unwrap();
    space.register(name("alloys"), name("test-results"), table(10)).unwrap();
    let agreement = space.agreement(space.contracts()[0]).unwrap();
    let access = || {
        let read = dataspace_policy::Action::Read;
        let purpose = name("research");
        space.access(
            dataspace_runtime::request_access(&consumer(), &agreement, read, purpose, &clock)
                .unwrap(),
        )
    };
    let poisoned =
        |error: &AccessError| matches!(error, AccessError::Append(AppendError::Poisoned { .. }));
    let first = loop {
        match access() {
            Ok(Access::Released(release)) => println!("released {}.", release.uses()),
            Ok(Access::Denied(denied)) => panic!("{denied}"),
            Err(error) => break error,
        }
    };
    assert!(poisoned(&first), "{first:?}");
    assert!((0..3).all(|_| access().is_err_and(|error| poisoned(&error))));
    let change = space.end_contract(contract_id(&agreement), name("over"));
    let refused = matches!(change, Err(ChangeError::Write(WriteError::Append(_))));
    assert!(refused && space.checkpoint().is_err());
    println!("poisoned.");
}

#[test]
fn on_a_full_disk_nothing_is_released_and_nothing_is_lost() {
    let node = Node::new();
    let contract = node.contract(terms());
    let files = node.close();
    let kib = std::fs::metadata(files.segment()).unwrap().len() / 1024 + 16;
    let script = "trap '' XFSZ; ulimit -f \"$1\"; shift; exec \"$@\"";
    let mut child = Command::new("bash")
        .args(["-c", script, "bash", &kib.to_string()])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "failing_log::helper", "--nocapture"])
        .env(DIR, files.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines: Vec<_> = lines.map(Result::unwrap).collect();
    assert!(child.wait().unwrap().success(), "{lines:?}");
    assert!(lines.iter().any(|line| line.ends_with("poisoned.")), "{lines:?}");
    let released = lines.iter().filter(|line| line.contains("released ")).count();
    assert!(released > 5, "{lines:?}");

    let node = files.reopen();
    let uses = node.space.uses(contract).unwrap().0;
    assert_eq!(uses, u64::try_from(released).unwrap());
    assert_eq!(node.decisions().iter().filter_map(permitted).count(), released);
    assert_eq!(node.released(contract).uses(), uses + 1);
}
