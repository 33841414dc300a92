//! 0 is good, 1 is not what was signed, 2 is not looked at.

use std::fs;

use crate::support::{code, demo, files, run, said};

/// A public witness, which has never seen this log.
const WITNESS: &str = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
/// Somebody else.
const OTHER: &str = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";

#[test]
fn a_quorum_that_is_not_met_is_not_good() {
    let dir = files();
    let args = ["verify", "evidence.cbor", "--authority", "authority.did", "--witness", WITNESS];
    for more in [&[][..], &["--json"], &["--quorum", "1"]] {
        let output = run(dir.path(), &[&args[..], more].concat());
        let said = said(&output);
        assert_eq!(code(&output), 1, "{said}");
        let words = if more == ["--json"] {
            "\"witnessed\": false"
        } else {
            "not witnessed enough: 0 of 1"
        };
        assert!(said.contains(words) && !said.contains("damaged"), "{said}");
    }
}

#[test]
fn a_wrong_question_is_not_damage() {
    let dir = files();
    let node = demo().join("demo/mill/node");
    let node = node.to_str().unwrap();
    for args in [
        &["audit", "verify", node, "--log", OTHER][..],
        &["audit", "show", node, "--log", OTHER],
        &["audit", "verify", "absent"],
        &["audit", "verify", "http://127.0.0.1:1/"],
        &["audit", "verify", "ftp://example.org/"],
        &["audit", "nothing"],
        &["verify", "evidence.cbor", "--authority", "absent"],
        &["verify", "absent", "--authority", "authority.did"],
        &["demo", "--data", "absent.csv"],
        &["demo", "--dir", "."],
    ] {
        let output = run(dir.path(), args);
        assert_eq!(code(&output), 2, "{args:?}: {}", said(&output));
    }
}

#[test]
fn another_authority_is_a_wrong_question_and_the_right_one_is_named() {
    let dir = files();
    let (node, evidence) = (demo().join("demo/mill/node"), "evidence.cbor");
    let node = node.to_str().unwrap();
    let did = fs::read_to_string(dir.path().join("authority.did")).unwrap();
    for args in [
        &["verify", evidence][..],
        &["verify", evidence, "--witness", WITNESS],
        &["contract", evidence],
        &["contract", node],
        &["audit", "replay", node],
    ] {
        let output = run(dir.path(), &[args, &["--authority", OTHER]].concat());
        let said = said(&output);
        assert_eq!(code(&output), 2, "{args:?}: {said}");
        assert!(said.contains(did.trim()) && said.contains("--authority"), "{args:?}: {said}");
    }
    // What was changed is damage, whoever is asked for.
    let mut bytes = fs::read(dir.path().join(evidence)).unwrap();
    bytes[600] ^= 1;
    fs::write(dir.path().join(evidence), bytes).unwrap();
    let output = run(dir.path(), &["verify", evidence, "--authority", OTHER]);
    assert_eq!(code(&output), 1, "{}", said(&output));
}

#[test]
fn damage_is_1_and_is_told() {
    let dir = files();
    fs::write(dir.path().join("evidence.cbor"), "nothing").unwrap();
    let output = run(dir.path(), &["verify", "evidence.cbor", "--authority", "authority.did"]);
    assert_eq!(code(&output), 1);
    assert!(said(&output).contains("proves nothing"));
}

#[test]
fn the_codes_are_in_the_help() {
    for args in [&["--help"][..], &["audit", "--help"]] {
        let output = run(demo(), args);
        let text = said(&output);
        assert!(text.contains("Exit codes") && text.contains("1 "), "{text}");
    }
}

#[test]
fn a_program_gets_an_answer_whatever_goes_wrong() {
    let dir = files();
    let node = demo().join("demo/mill/node");
    let node = node.to_str().unwrap();
    fs::write(dir.path().join("bad"), "nothing").unwrap();
    for (args, exit) in [
        (&["verify", "bad", "--authority", "authority.did"][..], 1),
        (&["verify", "absent", "--authority", "authority.did"], 2),
        (&["verify", "evidence.cbor", "--authority", "absent"], 2),
        (&["verify", "evidence.cbor"], 2),
        (&["contract", "bad", "--authority", "authority.did"], 1),
        (&["contract", "absent", "--authority", "authority.did"], 2),
        (&["audit", "replay", node, "--authority", "absent"], 2),
        (&["audit", "replay", "absent", "--authority", "authority.did"], 2),
        (&["audit", "replay", node], 2),
        (&["audit", "verify", "absent"], 2),
        (&["audit", "verify", node, "--log", OTHER], 2),
        (&["audit", "verify-proof", "bad"], 1),
        (&["audit", "verify-proof", "absent"], 2),
        (&["audit", "verify-proof"], 2),
        (&["audit", "verify-receipt", "bad", "--record", "bad"], 1),
        (&["audit", "compare", "bad", "bad"], 2),
        (&["audit", "fsck", "absent"], 2),
        (&["audit", "show", node, "--contract", "1"], 2),
        (&["audit", "show", node, "--verdict", "maybe"], 2),
    ] {
        let output = run(dir.path(), &[args, &["--json"]].concat());
        let told = said(&output);
        assert_eq!(code(&output), exit, "{args:?}: {told}");
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{args:?}: {error}: {told}"));
        assert_eq!(answer["exitCode"], exit, "{args:?}");
        assert!(answer["error"].as_str().unwrap().len() > 5, "{args:?}: {told}");
        // People see it as well, and programs that did not ask get no JSON.
        assert!(!output.stderr.is_empty(), "{args:?}");
        let plain = run(dir.path(), args);
        assert!(code(&plain) == exit && plain.stdout.is_empty(), "{args:?}: {}", said(&plain));
    }
}
