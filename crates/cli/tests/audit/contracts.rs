//! Contracts in plain words, from everything that holds them.

use std::fs;

use serde_json::Value;

use crate::archived_node::{access, contract, many_segments, name, register, setup};
use crate::support::{Ran, audit, dataspace, demo, with_open_log};

const AUTHORITY: [&str; 2] = ["--authority", "demo/authority.did"];
/// Somebody else.
const OTHER: &str = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";

fn read(dir: &std::path::Path, place: &str, more: &[&str]) -> Ran {
    dataspace(dir, &[&["contract", place], &AUTHORITY[..], more].concat())
}

/// The first contract of the demo, under which two uses were made.
fn first(found: &Value) -> &Value {
    &found["contracts"][0]
}

#[test]
fn all_contracts_of_a_log_are_listed_and_say_what_became_of_them() {
    let dir = demo();
    let said = read(dir.path(), "demo/mill/node", &[]).ends(0);
    assert!(
        said.contains("3 contracts in the log of demo/mill/node, space materials-demo"),
        "{said}"
    );
    let has = |parts: &[&str]| said.lines().any(|line| parts.iter().all(|one| line.contains(one)));
    assert!(has(&["Rolling Mill", "Institute of Metals", "in force, until"]), "{said}");
    assert!(has(&["Institute of Metals", "over: its time ended at"]), "{said}");
    assert!(has(&["Ore Traders", "suspended", "fees were not paid (record 17)"]), "{said}");
    let found = read(dir.path(), "demo/mill/node", &["--json"]).json();
    let states: Vec<_> =
        found["contracts"].as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["in-force", "over", "suspended"]);
    assert_eq!(found["contracts"][2]["ends"][0]["what"], "membership-revoked");
}

#[test]
fn a_contract_is_the_same_in_node_published_log_and_evidence() {
    let dir = demo();
    audit(dir.path(), &["export", "demo/mill/node", "--to", "out"]).ends(0);
    let node = read(dir.path(), "demo/mill/node", &["--json"]).json();
    let id = first(&node)["contract"].as_str().unwrap();
    let start: String = id.chars().skip("sha256:".len()).take(8).collect();
    for place in ["demo/mill/node", "out", "demo/evidence.cbor"] {
        let one = ["--contract", &start];
        let said = read(dir.path(), place, &[&one[..], &["--cedar"]].concat()).ends(0);
        for part in [
            id,
            "Rolling Mill, DE, with the role provider",
            "Institute of Metals, FR, with the role consumer",
            "shared-table, of the class computed-properties",
            "by record 5 of the provider's log",
            "attested   permission-1  the consumer may read",
            "legal      prohibition-1 the consumer must not train or share",
            "enforced   duty-1        only rows where S_p is at least",
            "2 times in all",
            "permit (",
            "What was checked",
            "not proved",
            "legal      binds the parties by law",
        ] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
        let found = read(dir.path(), place, &[&one[..], &["--json", "--cedar"]].concat()).json();
        for field in ["contract", "provider", "consumer", "from", "until", "concluded", "clauses"] {
            assert_eq!(first(&found)[field], first(&node)[field], "{place}: {field}");
        }
        let cedar = fs::read_to_string(dir.path().join("demo/contract.cedar")).unwrap();
        assert_eq!(first(&found)["cedar"], cedar);
        assert!(found["labels"]["enforced"].as_str().unwrap().contains("the provider's node"));
    }
    assert_eq!(first(&node)["accesses"]["permits"], 2);
    assert_eq!(first(&node)["cedar"], Value::Null);
    // Of evidence, nothing tells what happened afterwards.
    let said = read(dir.path(), "demo/evidence.cbor", &[]).ends(0);
    assert!(said.contains("whether something ended it is not in this file"), "{said}");
}

#[test]
fn what_ended_a_contract_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let old = many_segments(dir);
    let open = with_open_log();
    let space = setup(&dir.join("node")).open().unwrap();
    register(&space, dir);
    space.end_contract(old, name("the furnace is cold")).unwrap();
    let new = contract(&space);
    access(&space, new);
    drop((space, open));
    let read = |more: &[&str]| {
        let args = ["contract", "node", "--authority", "authority.did"];
        dataspace(dir, &[&args[..], more].concat())
    };
    let said = read(&["--contract", &old.to_string()]).ends(0);
    for part in
        ["state      ended", "A member ended it at", "the furnace is cold (record", "30 permitted"]
    {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let found = read(&["--json"]).json();
    assert_eq!(first(&found)["ends"][0]["reason"], "the furnace is cold");
    assert_eq!(found["contracts"][1]["state"], "in-force");
}

#[test]
fn a_wrong_question_about_contracts_says_what_to_ask() {
    let dir = demo();
    let dir = dir.path();
    for (place, args, part) in [
        ("demo/mill/node", &["--contract", "ab"][..], "at least 4 digits"),
        ("demo/mill/node", &["--contract", "0000000000"], "which `dataspace contract` lists"),
        ("demo/evidence.cbor", &["--contract", "0000000000"], "1 contract"),
        ("demo/mill/node", &["--cedar"], "name one contract of 3 contracts with --contract"),
        ("demo/mill/node", &["--log", OTHER], "not did:key:z6MkiTBz1"),
        ("demo/evidence.cbor", &["--log", OTHER], "not did:key:z6MkiTBz1"),
        ("absent", &[], "absent"),
        ("demo", &[], "there are some in demo/institute/node, demo/mill/node"),
        ("http://127.0.0.1:1/", &[], "127.0.0.1"),
    ] {
        let said = read(dir, place, args).ends(2);
        assert!(said.contains(part), "{place} {args:?}: {said}");
    }
    // Of another authority than the log's or the evidence's own.
    let did = fs::read_to_string(dir.join("demo/authority.did")).unwrap();
    for place in ["demo/mill/node", "demo/evidence.cbor"] {
        let said = dataspace(dir, &["contract", place, "--authority", OTHER]).ends(2);
        assert!(said.contains(did.trim()) && said.contains("--authority"), "{said}");
    }
}

#[test]
fn nothing_is_shown_of_what_does_not_verify() {
    let dir = demo();
    let file = dir.path().join("demo/evidence.cbor");
    let mut bytes = fs::read(&file).unwrap();
    bytes[600] ^= 1;
    fs::write(&file, bytes).unwrap();
    let ran = read(dir.path(), "demo/evidence.cbor", &[]);
    assert!(ran.ends(1).contains("proves nothing") && ran.out.is_empty());
    let segment = dir.path().join("demo/mill/node/segment-00000000000000000000");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[2_000] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let ran = read(dir.path(), "demo/mill/node", &[]);
    assert!(ran.ends(1).contains("damaged") && ran.out.is_empty());
}
