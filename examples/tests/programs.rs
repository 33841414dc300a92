//! Each program does what its first lines say.
#![cfg(test)]

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// The program's success, and its output.
fn run(program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn succeed(program: &str, arguments: &[&str]) -> String {
    let (is_good, text) = run(program, arguments);
    assert!(is_good, "{text}");
    text
}

/// A directory that is not there yet.
fn new_dir(parent: &TempDir) -> String {
    parent.path().join("new").to_str().unwrap().to_owned()
}

#[test]
fn a_provider_releases_and_denies_and_an_auditor_sees_why() {
    let parent = tempfile::tempdir().unwrap();
    let told = succeed(env!("CARGO_BIN_EXE_embed"), &[&new_dir(&parent)]);
    assert!(
        told.contains(
            "permission-1  the consumer may read, for research, 2 times in all (attested)"
        ),
        "{told}"
    );
    assert!(told.contains("released 55 rows; record 5\n"), "{told}");
    assert!(told.contains("denied: permission-1: the purpose must be research"), "{told}");
    let next = told.lines().last().unwrap().strip_prefix("auditor ").unwrap();
    let (dir, authority) = next.rsplit_once(' ').unwrap();

    let auditor = env!("CARGO_BIN_EXE_auditor");
    let found = succeed(auditor, &[dir, authority]);
    assert!(found.contains("record 5: permit, use 1 of contract"), "{found}");
    assert!(found.contains("record 6: deny, contract"), "{found}");
    assert!(found.ends_with("no discrepancy: 2 decisions made again\n"), "{found}");

    // The authority of another space signed nothing in there.
    let stranger = dataspace_runtime::generate_key().unwrap();
    let (is_good, found) = run(auditor, &[dir, stranger.did().as_str()]);
    assert!(!is_good && !found.contains("no discrepancy"), "{found}");

    // One byte of one record.
    let bundle = Path::new(dir).join("tile/entries/000.p/7");
    let mut bytes = std::fs::read(&bundle).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let (is_good, found) = run(auditor, &[dir, authority]);
    assert!(!is_good && found.contains("is not what its operator signed"), "{found}");
}

#[test]
fn a_witness_cosigns_what_extends_and_proves_a_fork() {
    let parent = tempfile::tempdir().unwrap();
    let told = succeed(env!("CARGO_BIN_EXE_witness"), &[&new_dir(&parent)]);
    for words in ["cosigned 3 records", "cosigned 5 records", "refused 6 records", "\nproved: "] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn a_program_without_arguments_says_what_it_needs() {
    for program in
        [env!("CARGO_BIN_EXE_embed"), env!("CARGO_BIN_EXE_auditor"), env!("CARGO_BIN_EXE_witness")]
    {
        let (is_good, told) = run(program, &[]);
        assert!(!is_good && told.contains("usage: "), "{told}");
    }
}
