//! Segments that are archived, and what can still be shown of a log without them.

use std::fs;

use crate::support::{append, audit, copy, files, in_segments, write_key};

const ARGS: [&str; 8] = ["archive", "node", "--before", "30", "--to", "old", "--key", "key"];

#[test]
fn archived_segments_are_copied_and_the_rest_is_sound() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("node");
    in_segments(&node);
    write_key(dir.path());
    copy(&node, &dir.path().join("whole"));
    audit(dir.path(), &["prove", "node", "59", "-o", "before"]).ends(0);
    let said = audit(dir.path(), &ARGS).ends(0);
    assert!(said.contains("archived"), "{said}");
    let old = files(&dir.path().join("old"));
    assert!(old.len() >= 2, "{}", old.len());
    for (path, bytes) in &old {
        let name = path.file_name().unwrap();
        assert_eq!(&fs::read(dir.path().join("whole").join(name)).unwrap(), bytes);
        assert!(!node.join(name).exists());
    }
    let verified = audit(dir.path(), &["verify", "node"]).ends(0);
    assert!(verified.contains("which were archived, the hashes are here"), "{verified}");
    audit(dir.path(), &["fsck", "node"]).ends(0);
    audit(dir.path(), &["fsck", "node", "--rebuild"]).ends(0);
    audit(dir.path(), &["prove", "node", "59", "-o", "after"]).ends(0);
    audit(dir.path(), &["verify-proof", "after"]).ends(0);
    let shown = audit(dir.path(), &["show", "node"]).ends(0);
    assert!(shown.contains("were archived") && shown.contains("archive "), "{shown}");
    for args in [
        &["prove", "node", "0", "-o", "p"][..],
        &["export", "node", "--to", "out"],
        &[
            "replay",
            "node",
            "--authority",
            "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
        ],
    ] {
        let said = audit(dir.path(), args).ends(2);
        assert!(said.contains("copy the archived segments back"), "{said}");
    }
    // And so it is, with the segments back.
    copy(&dir.path().join("old"), &node);
    audit(dir.path(), &["verify", "node"]).ends(0);
    audit(dir.path(), &["export", "node", "--to", "out"]).ends(0);
    audit(dir.path(), &["verify", "out"]).ends(0);
}

#[test]
fn nothing_is_archived_without_the_key_or_over_other_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let node = dir.path().join("node");
    in_segments(&node);
    write_key(dir.path());
    let before = files(&node);
    let refused = |args: &[&str], part: &str| {
        let said = audit(dir.path(), args).ends(2);
        assert!(said.contains(part), "{said}");
        let after = files(&node);
        // Opening the log may write what is made from the records.
        let of = |files: &[(std::path::PathBuf, Vec<u8>)]| {
            let segments =
                files.iter().filter(|(path, _)| path.to_string_lossy().contains("segment-"));
            segments.cloned().collect::<Vec<_>>()
        };
        assert_eq!(of(&after), of(&before));
    };
    fs::write(dir.path().join("other"), "22".repeat(32)).unwrap();
    refused(&["archive", "node", "--before", "30", "--to", "old", "--key", "other"], "chmod 600");
    let mut key = fs::metadata(dir.path().join("other")).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut key, 0o600);
    fs::set_permissions(dir.path().join("other"), key).unwrap();
    refused(&["archive", "node", "--before", "30", "--to", "old", "--key", "other"], "operator is");
    refused(&["archive", "node", "--before", "99", "--to", "old", "--key", "key"], "no record 99");
    refused(
        &["archive", "node", "--before", "30", "--to", "node", "--key", "key"],
        "own directory",
    );
    refused(
        &["archive", "node", "--before", "30", "--to", "a/b", "--key", "key"],
        "cannot make a/b",
    );
    fs::create_dir(dir.path().join("old")).unwrap();
    fs::write(dir.path().join("old/segment-00000000000000000000"), "mine").unwrap();
    refused(&ARGS, "is something else");
    assert_eq!(fs::read(dir.path().join("old/segment-00000000000000000000")).unwrap(), b"mine");
}

#[test]
fn a_log_of_one_segment_has_nothing_to_archive() {
    let dir = tempfile::tempdir().unwrap();
    append(&dir.path().join("node"), 0..40);
    write_key(dir.path());
    assert!(audit(dir.path(), &ARGS).ends(0).contains("nothing to archive"));
    assert!(!dir.path().join("old").exists());
}
