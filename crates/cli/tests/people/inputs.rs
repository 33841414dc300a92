//! Files and names as people and strangers give them.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use crate::support::{code, dataspace, demo, files, run, said};

fn fifo(dir: &Path) {
    assert!(Command::new("mkfifo").arg(dir.join("fifo")).status().unwrap().success());
}

#[test]
fn pipes_and_devices_are_refused_at_once() {
    let dir = files();
    fifo(dir.path());
    let node = demo().join("demo/mill/node");
    let node = node.to_str().unwrap();
    for file in ["fifo", "/dev/zero", ".", "absent"] {
        for args in [
            &["verify", file, "--authority", "authority.did"][..],
            &["verify", "evidence.cbor", "--authority", file],
            &["verify-fork", file, "--log", "authority.did"],
            &["audit", "verify", node, "--log", file],
            &["audit", "verify", node, "--checkpoint", file],
            &["audit", "verify-proof", file],
            &["audit", "replay", node, "--authority", file],
            &["audit", "replay", node, "--authority", "authority.did", "--with", file],
            &["witness", "--key", file, "--state", "state", "--log", "authority.did"],
            &["demo", "--dir", "new", "--data", file],
        ] {
            let output = run(dir.path(), args);
            let text = said(&output);
            assert_eq!(code(&output), 2, "{args:?}: {text}");
            assert!(text.contains(file), "{args:?}: {text}");
        }
    }
    assert!(!dir.path().join("new").exists());
}

#[test]
fn names_in_files_may_have_a_mark_and_any_line_ends() {
    let dir = files();
    let did = fs::read_to_string(dir.path().join("authority.did")).unwrap();
    let did = did.trim();
    for text in [
        format!("\u{feff}{did}\n"),
        format!("{did}\r\n"),
        format!("{did}\r"),
        format!("  {did}\n\n"),
        did.to_owned(),
    ] {
        fs::write(dir.path().join("did"), &text).unwrap();
        let output = run(dir.path(), &["verify", "evidence.cbor", "--authority", "did"]);
        assert_eq!(code(&output), 0, "{text:?}: {}", said(&output));
    }
    for text in [format!("{did}\n{did}\n"), String::new(), "nobody\n".to_owned()] {
        fs::write(dir.path().join("did"), &text).unwrap();
        let output = run(dir.path(), &["verify", "evidence.cbor", "--authority", "did"]);
        assert_eq!(code(&output), 2, "{text:?}: {}", said(&output));
    }
}

#[test]
fn a_log_may_be_named_by_a_file() {
    let dir = files();
    let node = demo().join("demo/mill/node");
    let stored = fs::read_to_string(node.join("checkpoint")).unwrap();
    let origin = stored.lines().next().unwrap();
    fs::write(dir.path().join("log"), format!("{origin}\r\n")).unwrap();
    let node = node.to_str().unwrap();
    let output = run(dir.path(), &["audit", "verify", node, "--log", "log"]);
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(!said(&output).contains("that this is the log you mean"));
    // Of the authority, whose log this is not.
    let output = run(dir.path(), &["audit", "verify", node, "--log", "authority.did"]);
    assert_eq!(code(&output), 2, "{}", said(&output));
}

#[test]
fn names_that_are_no_text_or_steer_a_terminal_are_shown_and_work() {
    let dir = files();
    for bytes in [&b"\xff\xfe.cbor"[..], b"\x1b[2J\x1b[1;1Hpermitted", "\u{202e}robc".as_bytes()] {
        let name = OsStr::from_bytes(bytes);
        let verify = |name: &OsStr| {
            let mut command = dataspace(dir.path());
            let args =
                [OsStr::new("verify"), name, "--authority".as_ref(), "authority.did".as_ref()];
            command.args(args).output().unwrap()
        };
        let absent = verify(name);
        assert_eq!(code(&absent), 2, "{}", said(&absent));
        fs::copy(dir.path().join("evidence.cbor"), dir.path().join(name)).unwrap();
        let there = verify(name);
        assert_eq!(code(&there), 0, "{}", said(&there));

        let node = demo().join("demo/mill/node");
        let mut to = OsString::from("out-");
        to.push(name);
        let mut command = dataspace(dir.path());
        command.args(["audit", "export"]).arg(&node).arg("--csv").arg(&to);
        let output = command.output().unwrap();
        assert_eq!(code(&output), 0, "{}", said(&output));
        assert!(dir.path().join(&to).is_file());
    }
}

#[test]
fn a_demo_that_fails_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    // Fine at first sight, and nothing to share.
    fs::write(dir.path().join("bad.csv"), "a,b\n1,2\n3\n").unwrap();
    fs::create_dir(dir.path().join("mine")).unwrap();
    for args in [
        &["demo", "--data", "bad.csv"][..],
        &["demo", "--dir", "new/deep", "--data", "bad.csv"],
        &["demo", "--dir", "mine", "--data", "bad.csv"],
    ] {
        let output = run(dir.path(), args);
        assert_eq!(code(&output), 2, "{}", said(&output));
        assert!(said(&output).contains("bad.csv"));
    }
    let left: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(fs::read_dir(dir.path().join("mine")).unwrap().count(), 0);
}
