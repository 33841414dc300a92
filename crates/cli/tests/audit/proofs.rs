//! Proofs travel alone, and prove nothing when changed.

use std::fs;

use crate::support::{append, audit, demo, origin};

#[test]
fn a_proof_of_each_record_verifies_elsewhere() {
    let dir = demo();
    let away = tempfile::tempdir().unwrap();
    for index in [0, 8, 18] {
        let (index, file) = (index.to_string(), format!("{index}.tlog-proof"));
        audit(dir.path(), &["prove", "demo/mill/node", &index, "-o", &file]).ends(0);
        fs::copy(dir.path().join(&file), away.path().join(&file)).unwrap();
        let ran = audit(away.path(), &["verify-proof", &file, "--json"]);
        ran.ends(0);
        let json = ran.json();
        assert_eq!((&json["valid"], &json["size"]), (&true.into(), &19.into()));
        assert_eq!(json["record"]["record"].to_string(), index);
        let log = json["log"].as_str().unwrap();
        let text = audit(away.path(), &["verify-proof", &file, "--log", log]).ends(0);
        assert!(text.contains("is one of them") && !text.contains("the log you mean"));
        let other = audit(away.path(), &["verify-proof", &file, "--log", origin().as_str()]);
        assert!(other.ends(2).contains("proves nothing about the log"));
    }
    let text = fs::read_to_string(away.path().join("8.tlog-proof")).unwrap();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "));
    assert!(text.contains("\nindex 8\n") && text.contains("\n\ndid:key:"));
}

#[test]
fn a_proof_from_a_published_log_is_the_same() {
    let dir = demo();
    audit(dir.path(), &["export", "demo/mill/node", "--to", "out"]).ends(0);
    audit(dir.path(), &["prove", "demo/mill/node", "9", "-o", "one"]).ends(0);
    audit(dir.path(), &["prove", "out", "9", "-o", "other"]).ends(0);
    let read = |file| fs::read(dir.path().join(file)).unwrap();
    assert_eq!(read("one"), read("other"));
}

#[test]
fn a_changed_proof_proves_nothing() {
    let dir = demo();
    audit(dir.path(), &["prove", "demo/mill/node", "8", "-o", "p"]).ends(0);
    let whole = fs::read(dir.path().join("p")).unwrap();
    for at in (0..whole.len()).step_by(29) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(dir.path().join("c"), &changed).unwrap();
        let said = audit(dir.path(), &["verify-proof", "c"]).ends(1);
        assert!(said.contains("proves nothing"), "byte {at}: {said}");
        fs::write(dir.path().join("c"), &whole[..at]).unwrap();
        audit(dir.path(), &["verify-proof", "c"]).ends(1);
    }
    fs::write(dir.path().join("c"), vec![b'\n'; 600_000]).unwrap();
    assert!(audit(dir.path(), &["verify-proof", "c"]).ends(2).contains("too long"));
}

#[test]
fn a_log_is_shown_to_extend_a_kept_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let (node, kept) = (dir.path().join("node"), dir.path().join("kept"));
    append(&node, 0..300);
    fs::copy(node.join("checkpoint"), &kept).unwrap();
    append(&node, 300..700);
    let args = ["prove", "node", "--consistency", "kept", "-o", "p"];
    assert!(audit(dir.path(), &args).ends(0).contains("that 700 records extend 300"));
    let text = audit(dir.path(), &["verify-proof", "p"]).ends(0);
    assert!(text.contains("signed 300 records, and 700, and the first 300 of these are the same"));
    let verified = audit(dir.path(), &["verify", "node", "--checkpoint", "kept"]).ends(0);
    assert!(verified.contains("still holds all 300 records"), "{verified}");

    let whole = fs::read(dir.path().join("p")).unwrap();
    for at in (0..whole.len()).step_by(31) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(dir.path().join("c"), &changed).unwrap();
        audit(dir.path(), &["verify-proof", "c"]).ends(1);
    }
}
