//! Output that cannot be written, that nobody reads, and that is shown in a terminal.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use crate::support::{code, dataspace, demo, files, run, said};

const VERIFY: [&str; 4] = ["verify", "demo/evidence.cbor", "--authority", "demo/authority.did"];
const LOUD: [&[&str]; 6] = [
    &VERIFY,
    &["contract", "demo/mill/node", "--authority", "demo/authority.did"],
    &["audit", "verify", "demo/mill/node"],
    &["audit", "show", "demo/mill/node"],
    &["audit", "replay", "demo/mill/node", "--authority", "demo/authority.did"],
    &["audit", "fsck", "demo/mill/node", "--json"],
];

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

#[test]
fn a_full_output_ends_with_2_and_the_reason() {
    for args in LOUD {
        let output = dataspace(demo()).args(args).stdout(full()).output().unwrap();
        assert_eq!(code(&output), 2, "{args:?}");
        assert!(said(&output).contains("cannot write the output"), "{args:?}");
        // Nobody can be told, and still nothing panics.
        let output = dataspace(demo()).args(args).stdout(full()).stderr(full()).output().unwrap();
        assert_eq!(code(&output), 2, "{args:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let demo = dataspace(dir.path()).stdout(full()).output().unwrap();
    assert_eq!(code(&demo), 2, "{}", said(&demo));
}

#[test]
fn what_was_found_counts_more_than_a_full_output() {
    let dir = files();
    let mut bytes = fs::read(dir.path().join("evidence.cbor")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(dir.path().join("changed"), bytes).unwrap();
    let args = ["verify", "changed", "--authority", "authority.did"];
    let output = dataspace(dir.path()).args(args).stdout(full()).stderr(full()).output().unwrap();
    assert_eq!(code(&output), 1);
}

#[test]
fn a_reader_who_has_seen_enough_changes_nothing() {
    for args in LOUD {
        let mut command = dataspace(demo());
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Closed before, or after, a first byte.
        drop(child.stdout.take());
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{args:?}: {told}");
        assert_eq!(told, "", "{args:?}");
    }
}

#[test]
fn closed_outputs_harm_nothing() {
    for args in LOUD {
        let script = format!("exec \"$0\" {} >&- 2>&-", args.join(" "));
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_dataspace")]).current_dir(demo());
        assert_eq!(command.status().unwrap().code(), Some(0), "{args:?}");
    }
}

#[test]
fn a_dumb_terminal_and_no_colour_get_plain_text() {
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let output = dataspace(demo()).args(VERIFY).env(name, value).output().unwrap();
        assert!(said(&output).contains("What this proves"));
    }
}

#[test]
fn output_files_are_never_written_through_links() {
    let dir = tempfile::tempdir().unwrap();
    let node = demo().join("demo/mill/node");
    let node = node.to_str().unwrap();
    fs::write(dir.path().join("precious"), "precious").unwrap();
    symlink("precious", dir.path().join("link")).unwrap();
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    for to in ["precious", "link", "dangling"] {
        for args in [
            &["audit", "export", node, "--csv", to][..],
            &["audit", "export", node, "--jsonl", to],
            &["audit", "prove", node, "1", "-o", to],
        ] {
            let output = run(dir.path(), args);
            assert_eq!(code(&output), 2, "{args:?}");
            assert!(said(&output).contains("is there already"), "{args:?}");
        }
    }
    assert_eq!(fs::read_to_string(dir.path().join("precious")).unwrap(), "precious");
    assert!(!dir.path().join("nowhere").exists());
}

#[test]
fn a_denial_is_shown_as_a_denial() {
    let args = ["verify", "demo/denial.cbor", "--authority", "demo/authority.did"];
    let output = run(demo(), &args);
    let text = said(&output);
    assert_eq!(code(&output), 0, "{text}");
    for part in [
        "denied unmet: permission-1: the purpose must be alloy-design or research",
        "a denial, as record",
        "this reason to deny follows: permission-1",
        "concluded by record",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("permitted as use") && !text.contains("a permit"), "{text}");
    let output = run(demo(), &[&args[..], &["--json"]].concat());
    assert!(said(&output).contains(r#""decision": "deny""#));
}

#[test]
fn an_output_file_is_whole_or_not_there_and_a_retry_works() {
    let dir = tempfile::tempdir().unwrap();
    let node = demo().join("demo/mill/node");
    let node = node.to_str().unwrap();
    // The process may write files of 512 bytes.
    let script = "ulimit -f 1; exec \"$0\" audit export \"$1\" --csv records.csv";
    let mut command = std::process::Command::new("bash");
    command.args(["-c", script, env!("CARGO_BIN_EXE_dataspace"), node]).current_dir(dir.path());
    let output = command.output().unwrap();
    assert!(!output.status.success());
    assert!(!dir.path().join("records.csv").exists());
    let again = run(dir.path(), &["audit", "export", node, "--csv", "records.csv"]);
    assert_eq!(code(&again), 0, "{}", said(&again));
    let lines = fs::read_to_string(dir.path().join("records.csv")).unwrap();
    assert!(lines.lines().count() > 15 && lines.ends_with("\r\n"));
}

#[test]
fn printed_commands_run_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["-a demo's $(dir)", "plain"] {
        let output = run(dir.path(), &["demo", &format!("--dir={name}")]);
        let text = said(&output);
        assert_eq!(code(&output), 0, "{text}");
        let joined = text.replace(" \\\n", "");
        let commands: Vec<_> = joined
            .lines()
            .filter_map(|line| line.trim().strip_prefix("cargo run --release -- "))
            .collect();
        assert_eq!(commands.len(), 6, "{text}");
        for command in commands.iter().filter(|command| !command.contains("FILE")) {
            let script = format!("{} {command}", env!("CARGO_BIN_EXE_dataspace"));
            let mut shell = std::process::Command::new("sh");
            let output = shell.args(["-c", &script]).current_dir(dir.path()).output().unwrap();
            assert!(output.status.success(), "{script}: {}", said(&output));
        }
    }
}
