//! Key files: made once, for their owner alone, and never shown.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use dataspace_identity::SecretKey;

use crate::support::{code, run, said};

#[test]
fn a_new_key_is_a_file_for_its_owner_and_a_did_for_others() {
    let dir = tempfile::tempdir().unwrap();
    // Whatever mask the shell has.
    let script = "umask 000; exec \"$0\" key new my.key";
    let mut command = Command::new("sh");
    command.args(["-c", script, env!("CARGO_BIN_EXE_dataspace")]).current_dir(dir.path());
    let made = command.output().unwrap();
    assert_eq!(code(&made), 0, "{}", said(&made));
    let file = dir.path().join("my.key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read(&file).unwrap();
    let key = SecretKey::from_text(&text, None).unwrap();
    assert_eq!(made.stdout, format!("{}\n", key.did()).as_bytes());
    let secret = String::from_utf8(text).unwrap();
    assert!(!said(&made).contains(secret.trim()));
    let did = run(dir.path(), &["key", "did", "my.key"]);
    assert_eq!((code(&did), &did.stdout), (0, &made.stdout), "{}", said(&did));
    // No two are alike, and no other file is left.
    let other = run(dir.path(), &["key", "new", "other.key"]);
    assert!(code(&other) == 0 && other.stdout != made.stdout);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn no_key_is_ever_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("precious"), "precious").unwrap();
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    for file in ["precious", "dangling", "."] {
        let refused = run(dir.path(), &["key", "new", file]);
        assert_eq!(code(&refused), 2, "{}", said(&refused));
        assert!(refused.stdout.is_empty());
    }
    assert_eq!(fs::read_to_string(dir.path().join("precious")).unwrap(), "precious");
    assert!(!dir.path().join("nowhere").exists());
    let absent = run(dir.path(), &["key", "new", "no/dir/key"]);
    assert_eq!(code(&absent), 2);
}

#[test]
fn a_file_that_is_no_key_or_open_to_others_is_refused_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let digits = "ab".repeat(31);
    for (text, mode, part) in [
        (digits.clone(), 0o600, "64 hexadecimal digits"),
        (format!("{digits}zz"), 0o600, "64 hexadecimal digits"),
        (format!("{digits}cd"), 0o640, "chmod 600"),
    ] {
        fs::write(dir.path().join("key"), &text).unwrap();
        fs::set_permissions(dir.path().join("key"), fs::Permissions::from_mode(mode)).unwrap();
        let refused = run(dir.path(), &["key", "did", "key"]);
        let said = said(&refused);
        assert_eq!(code(&refused), 2, "{said}");
        assert!(said.contains(part) && said.contains("key") && !said.contains("abab"), "{said}");
    }
    let absent = run(dir.path(), &["key", "did", "absent"]);
    assert!(said(&absent).contains("dataspace key new FILE"), "{}", said(&absent));
}

#[test]
fn a_key_is_sealed_and_opened_with_the_passphrase_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    for (file, passphrase) in [("right", "correct horse\n"), ("wrong", "horse")] {
        fs::write(dir.path().join(file), passphrase).unwrap();
        fs::set_permissions(dir.path().join(file), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let sealed = |arguments: &[&str], passphrase: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dataspace"));
        command.args(arguments).current_dir(dir.path());
        command.env("DATASPACE_PASSPHRASE_FILE", passphrase).output().unwrap()
    };
    let made = sealed(&["key", "new", "my.key"], "right");
    assert_eq!(code(&made), 0, "{}", said(&made));
    let text = fs::read_to_string(dir.path().join("my.key")).unwrap();
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    let opened = sealed(&["key", "did", "my.key"], "right");
    assert_eq!((code(&opened), &opened.stdout), (0, &made.stdout), "{}", said(&opened));
    for refused in [
        sealed(&["key", "did", "my.key"], "wrong"),
        sealed(&["key", "did", "my.key"], "absent"),
        run(dir.path(), &["key", "did", "my.key"]),
    ] {
        assert_eq!(code(&refused), 2);
        assert!(said(&refused).contains("passphrase") || said(&refused).contains("PASSPHRASE"));
        assert!(!said(&refused).contains("horse"));
    }
}
