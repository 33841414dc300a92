//! Decisions are made again from the directory alone.

use std::fs;

use crate::support::{append, audit, demo};

const ARGS: [&str; 4] = ["replay", "demo/mill/node", "--authority", "demo/authority.did"];

#[test]
fn every_decision_of_the_demo_comes_out_the_same() {
    let dir = demo();
    let text = audit(dir.path(), &ARGS).ends(0);
    assert!(text.contains("no discrepancy: 7 decisions made again"), "{text}");
    let json = audit(dir.path(), &[&ARGS[..], &["--json"]].concat()).json();
    assert_eq!((&json["permits"], &json["denials"]), (&3.into(), &4.into()));
    assert_eq!((&json["sound"], &json["simulation"]), (&true.into(), &serde_json::Value::Null));
    audit(dir.path(), &["export", "demo/mill/node", "--to", "out"]).ends(0);
    audit(dir.path(), &["replay", "out", "--authority", "demo/authority.did"]).ends(0);
}

#[test]
fn changed_policies_show_what_would_have_been_decided_otherwise() {
    let dir = demo();
    let embargo = "@id(\"embargo\") forbid (principal, action, resource)
        when { principal.region == \"FR\" };";
    fs::write(dir.path().join("embargo.cedar"), embargo).unwrap();
    let with = |file: &str, more: &[&str]| {
        audit(dir.path(), &[&ARGS[..], &["--with", file], more].concat())
    };
    let text = with("embargo.cedar", &[]).ends(0);
    assert!(text.contains("of 7 accesses, 2 would be denied that were permitted"), "{text}");
    assert!(text.contains("forbids it by its policy embargo"), "{text}");
    let json = with("embargo.cedar", &["--json"]).json();
    assert_eq!(json["simulation"]["newlyDenied"], 2);
    assert_eq!(json["simulation"]["differences"][0]["record"], 8);
    for bad in ["permit (principal, action, resource);", "forbid", "\u{fffd}"] {
        fs::write(dir.path().join("bad.cedar"), bad).unwrap();
        assert!(with("bad.cedar", &[]).ends(2).contains("bad.cedar cannot be the policies"));
    }
}

#[test]
fn under_another_authority_and_in_another_log_nothing_follows() {
    let dir = demo();
    let other = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
    let said = audit(dir.path(), &["replay", "demo/mill/node", "--authority", other]).ends(2);
    assert!(said.contains("demo/mill/node holds a log of a space of the authority"), "{said}");
    append(&dir.path().join("products"), 0..3);
    let said = audit(dir.path(), &["replay", "products", "--authority", other]).ends(1);
    assert!(said.contains("does not begin with a profile"), "{said}");
}

#[test]
fn a_consumers_log_is_replayed_as_one() {
    let dir = demo();
    let args = ["replay", "demo/institute/node", "--authority", "demo/authority.did"];
    let said = audit(dir.path(), &args).ends(0);
    assert!(said.contains("2 contracts, 2 offers"), "{said}");
    assert!(said.contains("2 releases, 3 denied, 0 without a decision, 0 unknown"), "{said}");
    assert!(said.contains("no complaint"), "{said}");
    let json = audit(dir.path(), &[&args[..], &["--json"]].concat()).json();
    assert_eq!((&json["half"], &json["released"]), (&"consumer".into(), &2.into()));
    let kinds = audit(dir.path(), &["show", "demo/institute/node", "--json"]).out;
    for kind in ["offer", "acceptance", "request", "answer"] {
        assert!(kinds.contains(&format!("\"event\":\"{kind}\"")), "{kind}: {kinds}");
    }
    // Of another half, `contract` says where to look.
    let args = ["contract", "demo/institute/node", "--authority", "demo/authority.did"];
    let said = crate::support::dataspace(dir.path(), &args).ends(2);
    assert!(said.contains("the log of a consumer"), "{said}");
    // A backup has the evidence, and one without it is damaged.
    audit(dir.path(), &["backup", "demo/institute/node", "--to", "copy"]).ends(0);
    let args = ["replay", "copy", "--authority", "demo/authority.did"];
    assert!(audit(dir.path(), &args).ends(0).contains("5 files as recorded"));
    let evidence = std::fs::read_dir(dir.path().join("copy/evidence")).unwrap();
    std::fs::remove_file(evidence.last().unwrap().unwrap().path()).unwrap();
    let said = audit(dir.path(), &args).ends(1);
    assert!(said.contains("4 files as recorded") && said.contains("cannot be read"), "{said}");
    // A document that does not verify is no record of an honest consumer.
    let other = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
    let args = ["replay", "demo/institute/node", "--authority", other];
    audit(dir.path(), &args).ends(2);
}
