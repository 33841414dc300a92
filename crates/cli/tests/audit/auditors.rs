//! What an auditor asks besides: the key, two checkpoints, receipts, witnesses.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use dataspace_audit_log::Log;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_tlog::{
    AccessRecord, Event, Fact, Record, Verdict,
    note::{NoteKey, WitnessKey, note_key},
};

use crate::support::{append, audit, operator, origin, small, with_open_log, write_key};

/// A log that begins with the same `common` records and goes on otherwise.
fn fork(dir: &Path, common: u64, more: u64) {
    let _open = with_open_log();
    let log = Log::create(dir, origin()).unwrap();
    for number in (0..common).chain((0..more).map(|number| 1_000 + number)) {
        drop(log.append(&small(number)).unwrap());
    }
    log.checkpoint(&operator()).unwrap();
}

fn keep(dir: &Path, log: &str, name: &str) {
    fs::copy(dir.join(log).join("checkpoint"), dir.join(name)).unwrap();
}

#[test]
fn the_verifier_key_of_a_log_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("node"), 0..3);
    let ran = audit(dir.path(), &["key", "node", "--log", origin().as_str()]);
    ran.ends(0);
    let key: NoteKey = ran.out.trim_end().parse().unwrap();
    assert_eq!(key, note_key(&origin()).unwrap());
    assert_eq!(ran.err, "");
    assert!(audit(dir.path(), &["key", "node"]).ends(0).contains("--log"));
}

#[test]
fn two_checkpoints_are_compared() {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("node"), 0..5);
    keep(dir.path(), "node", "kept");
    append(&dir.path().join("node"), 5..9);
    let compare = |args: &[&str]| audit(dir.path(), &[&["compare"], args].concat());
    assert!(compare(&["kept", "kept"]).ends(0).contains("same"));
    assert!(compare(&["kept", "node"]).ends(0).contains("9 records of node begin with the 5"));
    assert!(compare(&["node", "kept"]).ends(0).contains("extends"));
    keep(dir.path(), "node", "newer");
    assert!(compare(&["newer", "kept"]).ends(2).contains("--history"));
    compare(&["newer", "kept", "--history", "node"]).ends(0);
    audit(dir.path(), &["export", "node", "--to", "public"]).ends(0);
    let found = compare(&["kept", "public", "--json"]);
    found.ends(0);
    assert_eq!(found.json()["verdict"], "extends");
    let other = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
    compare(&["kept", "node", "--log", other]).ends(2);
    let note = fs::read_to_string(dir.path().join("kept")).unwrap();
    fs::write(dir.path().join("changed"), note.replacen("\n5\n", "\n4\n", 1)).unwrap();
    assert!(compare(&["changed", "node"]).ends(1).contains("proves nothing"));
    assert!(!dir.path().join("fork.cbor").exists());
}

#[test]
fn two_histories_end_in_a_proof_for_everybody() {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("node"), 0..5);
    fork(&dir.path().join("same"), 3, 2);
    fork(&dir.path().join("longer"), 3, 7);
    // A tree of 2^n records, whose root no consistency proof holds.
    append(&dir.path().join("four"), 0..4);
    audit(dir.path(), &["export", "longer", "--to", "public"]).ends(0);
    for (one, other, proof) in [
        ("node", "same", "a.fork"),
        ("node", "longer", "b.fork"),
        ("four", "longer", "c.fork"),
        ("public", "four", "d.fork"),
    ] {
        let said = audit(dir.path(), &["compare", one, other, "-o", proof]).ends(1);
        assert!(said.contains("two histories"), "{said}");
        let mut command = Command::new(env!("CARGO_BIN_EXE_dataspace"));
        command.args(["verify-fork", proof, "--log", origin().as_str()]).current_dir(dir.path());
        assert!(command.output().unwrap().status.success());
        // What is there is not overwritten.
        audit(dir.path(), &["compare", one, other, "-o", proof]).ends(2);
    }
    // Another log than the larger checkpoint's shows nothing.
    keep(dir.path(), "longer", "longer.checkpoint");
    fork(&dir.path().join("third"), 2, 20);
    let args = ["compare", "node", "longer.checkpoint", "--history", "third"];
    assert!(audit(dir.path(), &args).ends(2).contains("shows nothing"));
}

#[test]
fn a_receipt_is_for_one_record() {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("node"), 0..5);
    write_key(dir.path());
    let args = ["receipt", "node", "3", "--key", "key", "-o", "receipt", "--record", "record"];
    let said = audit(dir.path(), &args).ends(0);
    assert!(said.contains("verify-receipt receipt --record record"), "{said}");
    let verify = |more: &[&str]| {
        audit(dir.path(), &[&["verify-receipt", "receipt", "--record", "record"], more].concat())
    };
    let found = verify(&["--log", origin().as_str(), "--json"]);
    found.ends(0);
    assert_eq!(found.json()["record"]["record"], 3);
    assert!(verify(&[]).ends(0).contains("that this is the log you mean"));
    let other = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
    verify(&["--log", other]).ends(2);
    let mut record = fs::read(dir.path().join("record")).unwrap();
    record[10] ^= 1;
    fs::write(dir.path().join("record"), record).unwrap();
    assert!(verify(&[]).ends(1).contains("proves nothing about this record"));
    audit(dir.path(), &["receipt", "node", "5", "--key", "key", "-o", "r"]).ends(2);
    assert!(!dir.path().join("r").exists());
}

/// Kills its process when dropped.
struct Witness {
    child: Child,
    url: String,
    key: WitnessKey,
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Witness {
    fn start(dir: &Path) -> Self {
        fs::write(dir.join("witness.key"), "15".repeat(32)).unwrap();
        fs::set_permissions(dir.join("witness.key"), fs::Permissions::from_mode(0o600)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dataspace"));
        command.args(["witness", "--listen", "127.0.0.1:0", "--key", "witness.key"]);
        command.args(["--state", "state", "--log", origin().as_str()]).current_dir(dir);
        command.stdout(Stdio::piped());
        let mut child = {
            let _open = with_open_log();
            command.spawn().unwrap()
        };
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut after = |label: &str| {
            let line = lines.find(|line| line.contains(label)).expect("the witness has ended");
            line.split_whitespace().last().unwrap().to_owned()
        };
        let key = after("verifier key").parse().unwrap();
        Self { child, url: after("listening on"), key }
    }
}

#[test]
fn witnesses_are_asked_and_their_cosignatures_published() {
    let dir = tempfile::tempdir().unwrap();
    let witness = Witness::start(dir.path());
    let at = format!("{}={}", witness.key, witness.url);
    let nobody = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
    let nobody = format!("{nobody}=http://127.0.0.1:1/");
    for size in [5, 9] {
        append(&dir.path().join("node"), if size == 5 { 0..5 } else { 5..9 });
        audit(dir.path(), &["export", "node", "--to", "public"]).ends(0);
        let said = audit(dir.path(), &["cosign", "public", "--witness", &at]).ends(0);
        assert!(said.contains("1 of 1 witnesses have cosigned"), "{said}");
        // Once more changes nothing; so does a witness that is not there.
        audit(dir.path(), &["cosign", "public", "--witness", &at]).ends(0);
        let both = ["cosign", "public", "--witness", &at, "--witness", &nobody];
        assert!(audit(dir.path(), &both).ends(1).contains("missing"));
        // One key counts once.
        let twice = ["cosign", "public", "--witness", &at, "--witness", &at, "--quorum", "2"];
        audit(dir.path(), &twice).ends(2);
        audit(dir.path(), &[&both[..], &["--quorum", "1"]].concat()).ends(0);
        let key = witness.key.to_string();
        audit(dir.path(), &["verify", "public", "--witness", &key]).ends(0);
    }
    fork(&dir.path().join("other"), 4, 9);
    audit(dir.path(), &["export", "other", "--to", "forked"]).ends(0);
    let said = audit(dir.path(), &["cosign", "forked", "--witness", &at]).ends(1);
    assert!(said.contains("another history"), "{said}");
}

#[test]
fn a_node_is_copied_while_it_runs_and_the_copy_is_good() {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("node"), 0..5);
    let open = {
        let _open = with_open_log();
        Log::open(&dir.path().join("node"), origin()).unwrap().0
    };
    let said = audit(dir.path(), &["backup", "node", "--to", "a copy"]).ends(0);
    assert!(said.contains("dataspace audit verify 'a copy'"), "{said}");
    drop(open);
    audit(dir.path(), &["verify", "a copy"]).ends(0);
    audit(dir.path(), &["compare", "node", "a copy"]).ends(0);
    // Nothing is overwritten, and what is no node is not copied.
    audit(dir.path(), &["backup", "node", "--to", "a copy"]).ends(2);
    audit(dir.path(), &["export", "node", "--to", "public"]).ends(0);
    audit(dir.path(), &["backup", "public", "--to", "b"]).ends(2);
    let help = audit(dir.path(), &["backup", "--help"]).ends(0);
    assert!(help.contains("To restore: stop the node"), "{help}");
}

#[test]
fn other_files_in_a_published_log_are_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("node"), 0..5);
    audit(dir.path(), &["export", "node", "--to", "public"]).ends(0);
    for name in ["segment-notes.txt", "README", "index", "mark"] {
        fs::write(dir.path().join("public").join(name), "notes").unwrap();
    }
    assert!(audit(dir.path(), &["verify", "public"]).ends(0).contains("a published log"));
}

#[test]
fn a_denial_stays_a_denial_in_a_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let reasons = vec![
        "the fees\u{1b}[2K\u{1b}[1Gpermitted as use 1\u{1b}[8m".to_owned(),
        "\u{202e}dettimrep\u{2066}\u{9b}2J\u{200b}".to_owned(),
        "at most 2 uses are permitted to שלום 3 were made".to_owned(),
    ];
    {
        let _open = with_open_log();
        let log = Log::create(&dir.path().join("node"), origin()).unwrap();
        let access = AccessRecord {
            contract: Digest::of(b"contract"),
            program: Digest::of(b"program"),
            profile: 1,
            request: Digest::of(b"request"),
            part: None,
            facts: [("purpose".to_owned(), Fact::Text("\u{1b}c".to_owned()))].into(),
            verdict: Verdict::Deny { reasons },
        };
        drop(log.append(&Record::new(UnixMillis::MIN, Event::Access(access))).unwrap());
        log.checkpoint(&operator()).unwrap();
    }
    for more in [&[][..], &["--json"]] {
        let said = audit(dir.path(), &[&["show", "node"], more].concat()).ends(0);
        let is_bad = |c: char| {
            c.is_control() && c != '\n' || matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}')
        };
        assert!(said.contains("deny") && !said.contains(is_bad), "{said:?}");
        let moves = said.contains("ש") && !said.contains("\u{2068}");
        assert!(!moves, "{said:?}");
    }
    audit(dir.path(), &["export", "node", "--csv", "csv", "--jsonl", "jsonl"]).ends(0);
    for file in ["csv", "jsonl"] {
        let text = fs::read_to_string(dir.path().join(file)).unwrap();
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{text:?}");
    }
}
