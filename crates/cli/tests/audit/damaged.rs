//! What somebody does to a directory is found, and said, and nothing panics.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::{
    append, audit, copy, demo, files, in_segments, is_earlier_form, origin, output,
};

/// Every verb that only reads; none may panic, whatever it finds.
fn all_verbs(dir: &Path, log: &str) {
    let authority = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
    for (number, args) in [
        &["verify", log, "--json"][..],
        &["show", log],
        &["prove", log, "3", "-o", "p"],
        &["export", log, "--to", "o", "--csv", "c", "--jsonl", "j"],
        &["replay", log, "--authority", authority],
        &["fsck", log, "--json"],
    ]
    .iter()
    .enumerate()
    {
        let ran = audit(dir, args);
        assert!(matches!(ran.code, 0..=2), "verb {number}: {}", ran.err);
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        for made in ["p", "c", "j"] {
            let _gone = fs::remove_file(dir.join(made));
        }
        let _gone = fs::remove_dir_all(dir.join("o"));
    }
}

#[test]
fn a_flipped_byte_in_any_file_of_a_node_is_found() {
    let dir = demo();
    let node = dir.path().join("demo/mill/node");
    let segment = node.join("segment-00000000000000000000");
    let end = fs::read(&segment).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    let signed = fs::read(node.join("checkpoint")).unwrap().len();
    for (file, len) in [(segment, end), (node.join("checkpoint"), signed)] {
        let whole = fs::read(&file).unwrap();
        for at in [0, 9, len / 5, len / 3, len / 2, len * 2 / 3, len - 2] {
            let mut changed = whole.clone();
            changed[at] ^= 0x11;
            fs::write(&file, &changed).unwrap();
            let said = audit(dir.path(), &["verify", "demo/mill/node"]).ends(1);
            // A byte of a DID may become another DID.
            let named = ["damaged", "not a checkpoint", "is another one"];
            assert!(named.iter().any(|text| said.contains(text)), "{at}: {said}");
            let ran = audit(dir.path(), &["verify", "demo/mill/node", "--json"]);
            ran.ends(1);
            assert_eq!(ran.json()["sound"], false);
            assert!(ran.json()["damage"].as_str().is_some_and(|text| text.len() > 20));
            all_verbs(dir.path(), "demo/mill/node");
        }
        fs::write(&file, &whole).unwrap();
    }
    audit(dir.path(), &["verify", "demo/mill/node"]).ends(0);
}

#[test]
fn hashes_offsets_and_mark_are_checked_and_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("node");
    append(&node, 0..5_000);
    let made: Vec<_> = files(&node)
        .into_iter()
        .filter(|(path, bytes)| {
            let name = path.file_name().unwrap().to_string_lossy();
            !bytes.is_empty() && (name.starts_with("hashes-") || name == "offsets")
        })
        .collect();
    assert!(made.len() >= 3, "{made:?}", made = made.len());
    copy(&node, &dir.path().join("whole"));
    for (file, whole) in made {
        let places = [0, whole.len() / 2, whole.len() - 1].map(Some);
        for at in places.into_iter().chain([None]) {
            fs::remove_dir_all(&node).unwrap();
            copy(&dir.path().join("whole"), &node);
            match at {
                None => fs::remove_file(&file).unwrap(),
                Some(at) => {
                    let mut changed = whole.clone();
                    changed[at] ^= 1;
                    fs::write(&file, &changed).unwrap();
                }
            }
            let said = audit(dir.path(), &["fsck", "node"]).ends(1);
            assert!(
                said.contains("its records are intact") && said.contains("--rebuild"),
                "{said}"
            );
            assert_eq!(audit(dir.path(), &["fsck", "node", "--json"]).json()["sound"], false);
            audit(dir.path(), &["verify", "node"]).ends(1);
            let said = audit(dir.path(), &["fsck", "node", "--rebuild"]).ends(0);
            assert!(said.contains("rebuilt"), "{said}");
            audit(dir.path(), &["fsck", "node"]).ends(0);
            audit(dir.path(), &["verify", "node"]).ends(0);
        }
        // The node goes on, and settles again.
        append(&node, 5_000..5_001);
        audit(dir.path(), &["fsck", "node"]).ends(0);
        assert!(node.join("mark").exists());
    }
}

#[test]
fn records_cannot_be_rebuilt() {
    let dir = demo();
    let segment = dir.path().join("demo/mill/node/segment-00000000000000000000");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[2_000] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let before = files(dir.path());
    audit(dir.path(), &["fsck", "demo/mill/node", "--rebuild"]).ends(1);
    assert_eq!(files(dir.path()), before);
}

#[test]
fn files_that_are_cut_or_gone_are_found() {
    for published in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        in_segments(&dir.path().join("node"));
        audit(dir.path(), &["export", "node", "--to", "out"]).ends(0);
        let log = if published { "out" } else { "node" };
        for (file, whole) in files(&dir.path().join(log)) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let is_made = name == "offsets" || name.starts_with("hashes-") || name == "signed";
            if is_made || is_earlier_form(&file) {
                continue;
            }
            fs::write(&file, &whole[..whole.len() / 2]).unwrap();
            audit(dir.path(), &["verify", log]).ends(1);
            all_verbs(dir.path(), log);
            fs::remove_file(&file).unwrap();
            let said = audit(dir.path(), &["verify", log]).ends(1);
            assert!(said.len() > 30, "{said}");
            all_verbs(dir.path(), log);
            fs::write(&file, &whole).unwrap();
        }
        audit(dir.path(), &["verify", log]).ends(0);
    }
}

#[test]
fn a_flipped_byte_in_any_published_file_is_found() {
    let dir = demo();
    audit(dir.path(), &["export", "demo/mill/node", "--to", "out"]).ends(0);
    for (file, whole) in files(&dir.path().join("out")) {
        if is_earlier_form(&file) {
            continue;
        }
        for at in [0, whole.len() / 3, whole.len() / 2, whole.len().saturating_sub(3)] {
            let mut changed = whole.clone();
            let Some(byte) = changed.get_mut(at) else { continue };
            *byte ^= 0x11;
            fs::write(&file, &changed).unwrap();
            let ran = audit(dir.path(), &["verify", "out", "--json"]);
            ran.ends(1);
            assert_eq!(ran.json()["sound"], false, "{} {at}", file.display());
            audit(dir.path(), &["verify", "out"]).ends(1);
            all_verbs(dir.path(), "out");
        }
        fs::write(&file, &whole).unwrap();
    }
}

#[test]
fn without_its_checkpoint_a_node_shows_its_records_and_proves_nothing() {
    let dir = demo();
    let note = fs::read_to_string(dir.path().join("demo/mill/node/checkpoint")).unwrap();
    let log = note.lines().next().unwrap();
    fs::remove_file(dir.path().join("demo/mill/node/checkpoint")).unwrap();
    let said = audit(dir.path(), &["verify", "demo/mill/node"]).ends(1);
    assert!(said.contains("restore it from a copy"), "{said}");
    let said = audit(dir.path(), &["verify", "demo/mill/node", "--log", log]).ends(1);
    assert!(said.contains("there is no checkpoint"), "{said}");
    assert!(
        audit(dir.path(), &["show", "demo/mill/node", "--log", log]).ends(0).contains("19 of 19")
    );
    audit(dir.path(), &["prove", "demo/mill/node", "1", "--log", log, "-o", "p"]).ends(1);
    audit(dir.path(), &["fsck", "demo/mill/node", "--log", log]).ends(1);
}

#[test]
fn a_kept_checkpoint_finds_a_rollback_and_a_fork() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    append(&path("node"), 0..20);
    copy(&path("node"), &path("old"));
    copy(&path("node"), &path("fork"));
    append(&path("node"), 20..40);
    append(&path("fork"), 100..140);
    fs::copy(path("node/checkpoint"), path("kept")).unwrap();
    for (log, part) in [("old", "rolled back"), ("fork", "forked or rewritten")] {
        audit(dir.path(), &["verify", log]).ends(0);
        let said = audit(dir.path(), &["verify", log, "--checkpoint", "kept"]).ends(1);
        assert!(said.contains(part) && said.contains("it is evidence"), "{said}");
        let json = audit(dir.path(), &["verify", log, "--checkpoint", "kept", "--json"]).json();
        assert!(json["sound"] == false && json["damage"].as_str().unwrap().contains(part));
        let published = format!("{log}-out");
        audit(dir.path(), &["export", log, "--to", &published]).ends(0);
        let said = audit(dir.path(), &["verify", &published, "--checkpoint", "kept"]).ends(1);
        assert!(said.contains(part), "{said}");
        audit(dir.path(), &["prove", log, "--consistency", "kept", "-o", "p"]).ends(1);
    }
    // What others have seen is not taken back, and not overwritten.
    audit(dir.path(), &["export", "node", "--to", "out"]).ends(0);
    let before = files(&path("out"));
    for log in ["old", "fork"] {
        audit(dir.path(), &["export", log, "--to", "out"]).ends(1);
    }
    assert_eq!(files(&path("out")), before);
    let other = demo();
    let node = other.path().join("demo/mill/node");
    let said = audit(dir.path(), &["verify", node.to_str().unwrap(), "--checkpoint", "kept"]);
    assert!(said.ends(2).contains("is a checkpoint of the log"), "{}", said.err);
}

#[test]
fn hostile_directories_neither_stop_nor_mislead() {
    let dir = demo();
    let node = dir.path().join("demo/mill/node");
    let (segment, checkpoint) =
        (node.join("segment-00000000000000000000"), node.join("checkpoint"));
    let pipe = |at: &Path| assert!(output(Command::new("mkfifo").arg(at)).status.success());
    for file in [&segment, &checkpoint] {
        fs::rename(file, dir.path().join("moved")).unwrap();
        pipe(file);
        assert_ne!(audit(dir.path(), &["verify", "demo/mill/node"]).code, 0);
        all_verbs(dir.path(), "demo/mill/node");
        fs::remove_file(file).unwrap();
        fs::create_dir(file).unwrap();
        assert_ne!(audit(dir.path(), &["verify", "demo/mill/node"]).code, 0);
        all_verbs(dir.path(), "demo/mill/node");
        fs::remove_dir(file).unwrap();
        symlink("/dev/zero", file).unwrap();
        assert_ne!(audit(dir.path(), &["verify", "demo/mill/node"]).code, 0);
        all_verbs(dir.path(), "demo/mill/node");
        fs::remove_file(file).unwrap();
        fs::rename(dir.path().join("moved"), file).unwrap();
    }
    // Segments from nowhere, names that are none, a mark of nonsense.
    for name in
        ["segment-00000000000000000099", "segment-18446744073709551615", "segment-x", "mark"]
    {
        fs::write(node.join(name), b"dslgmark nonsense").unwrap();
        all_verbs(dir.path(), "demo/mill/node");
        fs::remove_file(node.join(name)).unwrap();
    }
    for text in ["", "\u{1b}[2J\n", "did:key:z\n1\n", origin().as_str()] {
        let empty = dir.path().join("empty");
        fs::create_dir_all(empty.join("tile")).unwrap();
        fs::write(empty.join("checkpoint"), text).unwrap();
        let said = audit(dir.path(), &["verify", "empty"]).ends(1);
        assert!(!said.contains('\u{1b}'));
        all_verbs(dir.path(), "empty");
    }
}
