//! Each verb on a sound log.

use std::fs;
use std::path::Path;

use dataspace_audit_log::Log;
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_tlog::{
    AccessRecord, Checkpoint, Event, Record, TreeSize, Verdict, Witness,
    note::WitnessKey,
    tree::ConsistencyProof,
    witness::{AddCheckpoint, SeenDirectory},
};
use serde_json::Value;

use crate::support::{
    append, audit, demo, files, is_earlier_form, operator, origin, with_open_log,
};

#[test]
fn verify_says_what_is_proved_and_what_is_not() {
    let dir = demo();
    let before = files(dir.path());
    let ran = audit(dir.path(), &["verify", "demo/mill/node"]);
    let text = ran.ends(0);
    for part in [
        "a node's directory",
        "19 records, with the root sha256:",
        "each of these 19 is here",
        "3 admissions",
        "4 denials",
        "3 permits",
        "not proved that nothing was rolled back",
        "sound: the log is what its operator signed",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(files(dir.path()), before);

    let json = audit(dir.path(), &["verify", "demo/mill/node", "--json"]).json();
    assert_eq!((&json["sound"], &json["records"]), (&Value::Bool(true), &19.into()));
    assert_eq!((&json["kind"], &json["events"]["deny"]), (&"node".into(), &4.into()));
    assert!(json["damage"].is_null() && json["notProved"].as_array().unwrap().len() >= 5);
    let log = json["log"].as_str().unwrap();
    let named = audit(dir.path(), &["verify", "demo/mill/node", "--log", log]).ends(0);
    assert!(!named.contains("that this is the log you mean"));
    let other = audit(dir.path(), &["verify", "demo/mill/node", "--log", origin().as_str()]);
    assert!(other.ends(2).contains("holds the log"), "{}", other.err);
}

#[test]
fn a_published_log_is_recognised_and_verified_too() {
    let dir = demo();
    assert!(
        audit(dir.path(), &["export", "demo/mill/node", "--to", "out"]).ends(0).contains("19 new")
    );
    let again = audit(dir.path(), &["export", "demo/mill/node", "--to", "out"]).ends(0);
    assert!(again.contains("has all 19 records already"));
    assert!(audit(dir.path(), &["verify", "out"]).ends(0).contains("a published log"));
    assert_eq!(audit(dir.path(), &["verify", "out", "--json"]).json()["kind"], "published");
    // A published log can be published again, and says the same.
    audit(dir.path(), &["export", "out", "--to", "mirror"]).ends(0);
    let relative = |root: &str| {
        let root = dir.path().join(root);
        let all = files(&root).into_iter().filter(|(file, _)| !is_earlier_form(file));
        all.map(|(path, bytes)| (path.strip_prefix(&root).unwrap().to_owned(), bytes))
            .collect::<Vec<_>>()
    };
    assert_eq!(relative("out"), relative("mirror"));
    let shown = |dir: &Path, what| audit(dir, &["show", what]).ends(0);
    assert_eq!(shown(dir.path(), "out"), shown(dir.path(), "demo/mill/node"));
}

#[test]
fn publishing_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("node");
    let mut before = 0;
    for until in [1, 200, 256, 300, 5_000] {
        append(&node, before..until);
        let said = audit(dir.path(), &["export", "node", "--to", "out"]).ends(0);
        let number = dataspace_thousands(until - before);
        assert!(said.contains(&format!("published {number} new record")), "{said}");
        audit(dir.path(), &["verify", "out"]).ends(0);
        audit(dir.path(), &["verify", "node"]).ends(0);
        audit(dir.path(), &["fsck", "node"]).ends(0);
        before = until;
    }
}

fn dataspace_thousands(number: u64) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1_000, number % 1_000)
    }
}

#[test]
fn show_filters() {
    let dir = demo();
    let shown = |args: &[&str]| {
        let mut all = vec!["show", "demo/mill/node", "--json"];
        all.extend(args);
        let ran = audit(dir.path(), &all);
        ran.ends(0);
        let lines = ran.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.collect::<Vec<_>>()
    };
    let all = shown(&[]);
    assert_eq!(all.len(), 19);
    assert_eq!(shown(&["--verdict", "permit"]).len(), 3);
    assert_eq!(shown(&["--verdict", "deny"]).len(), 4);
    assert_eq!(shown(&["--event", "admission"]).len(), 3);
    let releases = shown(&["--event", "release"]);
    assert_eq!(releases.len(), 3);
    assert_eq!((&releases[0]["access"], &releases[0]["end"]), (&8.into(), &"whole".into()));
    assert_eq!((&releases[0]["rows"], &releases[0]["pieces"]), (&27.into(), &1.into()));
    assert_eq!(releases[0]["content"], releases[1]["content"], "the same rows left twice");
    assert_eq!(releases[0]["version"], releases[1]["version"]);
    assert_eq!(shown(&["--event", "access", "--limit", "2"])[1], all[18]);
    assert_eq!(shown(&["--limit", "0"]), Vec::<Value>::new());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let contract = text(&all[8]["contract"]);
    let by_contract = shown(&["--contract", &contract]);
    assert_eq!(by_contract.len(), 7, "contract, two permits with their reports, two denials");
    assert_eq!(shown(&["--contract", contract.get(7..15).unwrap()]), by_contract);
    let did = text(&all[15]["participants"][0]);
    let by_did = shown(&["--participant", &did]);
    assert_eq!(by_did.len(), 5, "admission, contract, permit, revocation, denial");
    let end = did.get(did.len() - 8..).unwrap();
    assert_eq!(shown(&["--participant", &format!("did:key:…{end}")]), by_did);
    let time = text(&all[12]["time"]);
    assert!(shown(&["--from", &time]).len() >= 4);
    assert_eq!(shown(&["--from", &time]).len() + shown(&["--until", &time]).len(), 19);
    let table = audit(dir.path(), &["show", "demo/mill/node", "--limit", "3"]).ends(0);
    assert!(table.contains("the last 3 of 19 that fit, of 19 records"), "{table}");
    let column = table.lines().next().unwrap().find("what").unwrap();
    for line in table.lines().skip(1).take(3) {
        let chars: Vec<char> = line.chars().collect();
        assert!(chars[column - 1] == ' ' && chars[column] != ' ', "{line}");
    }
    for bad in [
        &["--contract", "2a"][..],
        &["--participant", "abc"],
        &["--from", "yesterday"],
        &["--verdict", "maybe"],
        &["--event", "party"],
        &["--from", "2026-02-01T00:00:00Z", "--until", "2026-01-01T00:00:00Z"],
    ] {
        let ran = audit(dir.path(), &[&["show", "demo/mill/node"], bad].concat());
        assert!(!ran.ends(2).is_empty() && ran.out.is_empty());
    }
}

#[test]
fn records_are_written_as_csv_and_json_lines() {
    let dir = demo();
    let args = ["export", "demo/mill/node", "--csv", "r.csv", "--jsonl", "r.jsonl"];
    audit(dir.path(), &args).ends(0);
    let csv = fs::read_to_string(dir.path().join("r.csv")).unwrap();
    assert_eq!(csv.lines().count(), 20);
    assert!(csv.starts_with("record,time,event,verdict,"));
    let lines = fs::read_to_string(dir.path().join("r.jsonl")).unwrap();
    assert_eq!(lines, audit(dir.path(), &["show", "demo/mill/node", "--json"]).out);
    assert!(audit(dir.path(), &args).ends(2).contains("is there already"));
    assert!(audit(dir.path(), &["export", "demo/mill/node"]).ends(2).contains("--to"));
}

#[test]
fn what_a_record_says_does_not_steer_the_terminal_or_a_spreadsheet() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("node");
    append(&node, 0..1);
    let open = with_open_log();
    let log = Log::open(&node, origin()).unwrap().0;
    let fact = |text: &str| dataspace_tlog::Fact::Text(text.to_owned());
    let access = AccessRecord {
        contract: Digest::of(b"contract"),
        program: Digest::of(b"program"),
        profile: 1,
        request: Digest::of(b"request"),
        part: None,
        facts: [
            ("participant".to_owned(), fact("@SUM(A1)")),
            ("purpose".to_owned(), fact("=cmd|\"x\"\u{202e}\r\n4,5")),
        ]
        .into(),
        verdict: Verdict::Deny { reasons: vec!["\u{1b}[2Jgone\u{7}".to_owned()] },
    };
    let time = UnixMillis::new(1_790_000_000_000).unwrap();
    drop(log.append(&Record::new(time, Event::Access(access))).unwrap());
    log.checkpoint(&operator()).unwrap();
    drop((log, open));
    let shown = audit(dir.path(), &["show", "node"]).ends(0);
    assert!(shown.contains("\\u{1b}[2Jgone\\u{7}") && !shown.contains(['\u{202e}', '\u{1b}']));
    assert_eq!(shown.lines().count(), 4);
    audit(dir.path(), &["export", "node", "--csv", "r.csv"]).ends(0);
    let csv = fs::read_to_string(dir.path().join("r.csv")).unwrap();
    assert!(csv.contains(",'@SUM(A1),") && csv.contains(",\"'=cmd|\"\"x\"\""), "{csv}");
    assert_eq!(csv.lines().count(), 3);
}

#[test]
fn witnesses_count_if_they_cosigned() {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("node"), 0..20);
    let secret = SecretKey::from_seed(&mut [7; 32]).unwrap();
    let key = WitnessKey::new("witness.example/w1", secret.did().public_key().unwrap()).unwrap();
    let named = ["verify", "node", "--witness", &key.to_string()];
    let without = audit(dir.path(), &named).ends(1);
    assert!(without.contains("not witnessed enough: 0 of 1 witnesses cosigned"), "{without}");
    assert!(without.contains("sound") && !without.contains("damaged"), "{without}");
    let json = audit(dir.path(), &[&named[..], &["--json"]].concat()).json();
    assert_eq!((&json["sound"], &json["witnessed"]), (&true.into(), &false.into()));
    audit(dir.path(), &["prove", "node", "7", "-o", "p"]).ends(0);
    let named_proof = ["verify-proof", "p", "--witness", &key.to_string()];
    let proof = audit(dir.path(), &named_proof).ends(1);
    assert!(proof.contains("not witnessed enough: 0 of the witnesses cosigned"), "{proof}");
    let json = audit(dir.path(), &[&named_proof[..], &["--json"]].concat()).json();
    assert_eq!((&json["valid"], &json["witnessed"]), (&true.into(), &false.into()));

    let store = SeenDirectory::open(&dir.path().join("seen")).unwrap();
    let witness =
        Witness::open(key.clone(), Box::new(secret), &[origin()], Box::new(store)).unwrap();
    let note = fs::read_to_string(dir.path().join("node/checkpoint")).unwrap();
    let checkpoint = Checkpoint::verify(&note, &origin()).unwrap();
    let from_nothing =
        ConsistencyProof { from: TreeSize::EMPTY, to: checkpoint.size(), path: Vec::new() };
    let body = AddCheckpoint::body(&from_nothing, &checkpoint);
    let now = UnixMillis::new(1_790_000_100_000).unwrap();
    let lines = witness.add_checkpoint(body.as_bytes(), now).unwrap();
    let cosigned = checkpoint.with_cosignatures(lines.as_line(), &[key]).unwrap();
    fs::write(dir.path().join("kept"), cosigned.as_note()).unwrap();
    let with = audit(dir.path(), &[&named[..], &["--checkpoint", "kept"]].concat()).ends(0);
    assert!(with.contains("the witness witness.example/w1 said at 2026-"), "{with}");
    assert!(with.contains("1 cosigned, 1 are asked for"), "{with}");
    let asked = audit(dir.path(), &["verify", "node", "--quorum", "1"]);
    asked.ends(2);
}

#[test]
fn errors_say_what_to_do() {
    let dir = demo();
    let said = |args: &[&str], part: &str| {
        let text = audit(dir.path(), args).ends(2);
        assert!(text.contains(part), "{args:?}: {text}");
    };
    said(&["verify", "absent"], "cannot look into absent");
    said(&["verify", "demo"], "there are some in demo/institute/node, demo/mill/node");
    said(&["verify", "demo/authority.did"], "is not a directory");
    said(&["verify", "."], "there is no log in .");
    said(&["verify", "demo/mill/node", "--checkpoint", "absent"], "cannot read absent");
    said(&["verify", "demo/mill/node", "--checkpoint", "demo/authority.did"], "demo/authority.did");
    said(&["prove", "demo/mill/node", "99", "-o", "p"], "there is no record 99");
    said(&["prove", "demo/mill/node", "1", "-o", "demo/mill/node/checkpoint"], "is there already");
    said(&["prove", "demo/mill/node", "-o", "p"], "INDEX");
    said(&["export", "demo/mill/node", "--to", "demo/mill/node"], "is the log itself");
    said(&["export", "demo/mill/node", "--to", "a/b"], "its parent is not there");
    said(
        &["replay", "demo/mill/node", "--authority", "nobody"],
        "neither a DID nor a readable file",
    );
    said(&["archive", "demo/mill/node", "--before", "3", "--to", "a", "--key", "absent"], "--key");
    said(&["fsck", "demo"], "there are some in demo/institute/node, demo/mill/node");
    let help = audit(dir.path(), &["--help"]).ends(0);
    for verb in ["verify", "show", "prove", "verify-proof", "export", "replay", "fsck", "archive"] {
        assert!(help.contains(verb));
        let help = audit(dir.path(), &[verb, "--help"]).ends(0);
        assert!(help.contains("Example:\n  dataspace audit"), "{help}");
    }
}

#[test]
fn of_a_node_that_runs_what_its_last_checkpoint_covers_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("node"), 0..300);
    let opening = with_open_log();
    let log = Log::open(&dir.path().join("node"), origin()).unwrap().0;
    let denial = Event::Access(AccessRecord {
        contract: Digest::of(b"contract"),
        program: Digest::of(b"program"),
        profile: 3,
        request: Digest::of(b"request"),
        part: None,
        facts: [].into(),
        verdict: Verdict::Deny { reasons: vec!["test".to_owned()] },
    });
    drop(log.append(&Record::new(UnixMillis::new(1).unwrap(), denial)).unwrap());
    drop(opening);
    let before = files(dir.path());
    let said = audit(dir.path(), &["verify", "node"]).ends(0);
    for part in ["300 records, with the root", "not proved that this is all: a node has", "sound"] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let json = audit(dir.path(), &["verify", "node", "--json"]).json();
    assert_eq!((&json["running"], &json["records"]), (&true.into(), &300.into()));
    for args in [
        &["show", "node", "--verdict", "deny"][..],
        &["prove", "node", "7", "-o", "proof"],
        &["export", "node", "--to", "out"],
    ] {
        let ran = audit(dir.path(), args);
        assert!(ran.err.contains("note node: a node has this log open"), "{}", ran.err);
        ran.ends(0);
    }
    assert_eq!(audit(dir.path(), &["verify", "out", "--json"]).json()["records"], 300);
    assert!(audit(dir.path(), &["show", "node", "--verdict", "deny"]).out.lines().count() < 3);
    let said = audit(dir.path(), &["fsck", "node"]).ends(2);
    assert!(said.contains("is in use; stop the node first"), "{said}");
    for name in ["proof", "out"] {
        let made = dir.path().join(name);
        drop(fs::remove_file(&made).or_else(|_| fs::remove_dir_all(&made)));
    }
    assert_eq!(files(dir.path()), before);
    log.checkpoint(&operator()).unwrap();
    drop(log);
    assert_eq!(audit(dir.path(), &["verify", "node", "--json"]).json()["records"], 301);
}
