//! Links, pipes and second names in the directories of a log, a publisher and a witness.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use dataspace_audit_log::{FileStorage, Log};
use dataspace_tlog::{
    Directory,
    witness::{SeenDirectory, SeenStore},
};
use tempfile::TempDir;

use crate::support::{key, numbers, origin};

/// A log with all kinds of files, and a file outside that must not change.
fn written() -> (TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (path, outside) = (dir.path().join("log"), dir.path().join("outside"));
    let log = Log::create(&path, origin()).unwrap();
    for first in (0..5_000).step_by(500) {
        drop(log.append_batch(&numbers(first..first + 500)).unwrap());
    }
    log.checkpoint(&key(1)).unwrap();
    (dir, path, outside)
}

/// Everything that somebody does with a log who writes; errors are welcome.
fn write(path: &Path) {
    let rebuilt = FileStorage::open(path)
        .map(|storage| Log::rebuild_on(Box::new(storage), origin(), &|_| {}).map(drop));
    drop(rebuilt);
    if let Ok((log, _)) = Log::open(path, origin()) {
        for first in (5_000..10_000).step_by(500) {
            let _any = log.append_batch(&numbers(first..first + 500));
        }
        let _any = log.checkpoint(&key(1));
    }
}

/// Does it in a thread that must come to its end.
fn ends(act: impl FnOnce() + Send + 'static) {
    let (done, is_done) = channel();
    thread::spawn(move || {
        act();
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(60)).expect("waits for ever");
}

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// All files of a log, temporary ones and those of earlier versions too.
const NAMES: [&str; 8] = [
    "checkpoint",
    "checkpoint.tmp",
    "lock",
    "mark",
    "offsets",
    "hashes-0",
    "hashes-1",
    "segment-00000000000000000000",
];

#[test]
fn nothing_outside_changes_when_a_directory_that_somebody_made_is_rebuilt_and_written() {
    for name in NAMES {
        for is_hard in [false, true] {
            let (_dir, path, outside) = written();
            let file = path.join(name);
            // What a link leads to is as good as what was there.
            match fs::copy(&file, &outside) {
                Ok(_) => fs::remove_file(&file).unwrap(),
                Err(_) => fs::write(&outside, b"precious").unwrap(),
            }
            let before = fs::read(&outside).unwrap();
            if is_hard {
                fs::hard_link(&outside, &file).unwrap();
            } else {
                symlink(&outside, &file).unwrap();
            }
            write(&path);
            assert!(fs::read(&outside).unwrap() == before, "{name}, hard: {is_hard}");
        }
    }
}

#[test]
fn an_error_names_the_file_that_is_a_link_and_says_what_to_do() {
    let (_dir, path, outside) = written();
    fs::rename(path.join("offsets"), &outside).unwrap();
    fs::hard_link(&outside, path.join("offsets")).unwrap();
    let error = Log::open(&path, origin()).unwrap_err();
    let text = format!("{error:?}");
    assert!(text.contains("/log/offsets") && text.contains("copy"), "{text}");
}

#[test]
fn a_pipe_in_the_place_of_any_file_keeps_nobody_waiting() {
    for name in NAMES {
        let (dir, path, _) = written();
        let _absent = fs::remove_file(path.join(name));
        mkfifo(&path.join(name));
        ends(move || {
            write(&path);
            drop(dir);
        });
    }
}

#[test]
fn a_witness_keeps_what_it_saw_through_no_link() {
    for is_hard in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        fs::write(&outside, b"precious").unwrap();
        let path = dir.path().join("seen");
        let store = SeenDirectory::open(&path).unwrap();
        store.write(&origin(), b"a note").unwrap();
        store.write_fork(&origin(), b"a proof").unwrap();
        let names = Directory::open(&path).unwrap().names().unwrap();
        assert_eq!(names.len(), 2);
        for name in &names {
            for name in [name.to_string_lossy().into_owned(), format!("{}.tmp", name.display())] {
                let file = path.join(name);
                let _absent = fs::remove_file(&file);
                if is_hard {
                    fs::hard_link(&outside, &file).unwrap();
                } else {
                    symlink(&outside, &file).unwrap();
                }
            }
        }
        assert_eq!(store.read(&origin()).is_ok(), is_hard);
        // What had the name is replaced; what it led to is not.
        store.write(&origin(), b"another note").unwrap();
        store.write_fork(&origin(), b"another proof").unwrap();
        assert_eq!(store.read(&origin()).unwrap().unwrap(), b"another note");
        assert_eq!(fs::read(&outside).unwrap(), b"precious");
    }
    let dir = tempfile::tempdir().unwrap();
    let store = SeenDirectory::open(dir.path()).unwrap();
    store.write(&origin(), b"a note").unwrap();
    let name = Directory::open(dir.path()).unwrap().names().unwrap().remove(0);
    fs::remove_file(dir.path().join(&name)).unwrap();
    mkfifo(&dir.path().join(&name));
    ends(move || assert!(store.read(&origin()).is_err()));
}

#[test]
fn what_a_crash_left_of_temporary_files_is_removed() {
    let (_dir, path, outside) = written();
    fs::write(&outside, b"precious").unwrap();
    fs::write(path.join(".checkpoint.0123456789abcdef.tmp"), b"half").unwrap();
    symlink(&outside, path.join(".mark.0123456789abcdef.tmp")).unwrap();
    fs::write(path.join("notes.txt"), b"somebody's").unwrap();
    drop(Log::open(&path, origin()).unwrap());
    let names = Directory::open(&path).unwrap().names().unwrap();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains(".tmp")), "{names:?}");
    assert!(path.join("notes.txt").exists());
    assert_eq!(fs::read(&outside).unwrap(), b"precious");
}

/// A file with a hole says that it has more bytes than anybody can look at.
#[test]
fn files_with_holes_take_nobody_hours() {
    for name in NAMES {
        let (dir, path, _) = written();
        let file = fs::OpenOptions::new().append(true).create(true).open(path.join(name)).unwrap();
        if file.set_len(1 << 41).is_err() {
            continue;
        }
        ends(move || {
            let read = dataspace_audit_log::ReadOnlyStorage::open(&path);
            if let Ok(storage) = read {
                let _any = Log::check_on(&storage, &origin(), &|_| {});
            }
            write(&path);
            drop(dir);
        });
    }
}

#[test]
fn a_segment_whose_number_no_log_reaches_is_refused() {
    for first in [u64::MAX, 1 << 60, (1 << 48) + 1] {
        let (_dir, path, _) = written();
        fs::write(path.join(format!("segment-{first:020}")), b"dslogseg").unwrap();
        assert!(Log::open(&path, origin()).is_err());
        fs::remove_file(path.join("segment-00000000000000000000")).unwrap();
        assert!(Log::open(&path, origin()).is_err());
    }
}
