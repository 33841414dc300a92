//! Directories that are moved, replaced or emptied while a log is open, and locks.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use dataspace_audit_log::{
    Log,
    append::{AppendError, PoisonCause},
    error::SignCheckpointError,
    open::OpenError,
};
use dataspace_tlog::witness::{SeenDirectory, SeenStore};

use crate::small_segments::SmallSegments;
use crate::support::{key, numbers, origin, small};

fn is_held(dir: &Path) -> bool {
    match Log::open(dir, origin()) {
        Err(OpenError::Io(error)) => error.kind() == io::ErrorKind::WouldBlock,
        Ok(_) => false,
        Err(error) => panic!("{error:?}"),
    }
}

fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}

#[test]
fn no_file_that_is_removed_lets_a_second_writer_in() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::create(dir.path(), origin()).unwrap();
    drop(log.append_batch(&numbers(0..5_000)).unwrap());
    log.checkpoint(&key(1)).unwrap();
    assert!(is_held(dir.path()));
    for entry in fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.starts_with("segment") && name != "checkpoint" {
            fs::remove_file(&path).unwrap();
            assert!(is_held(dir.path()), "{name}");
        }
    }
}

fn assert_moved(error: &AppendError) {
    let AppendError::Poisoned { cause } = error else { panic!("{error:?}") };
    let PoisonCause::Moved(error) = &**cause else { panic!("{cause:?}") };
    assert!(error.to_string().contains("moved, removed or replaced"), "{error}");
}

#[test]
fn a_directory_that_was_replaced_is_noticed_at_the_next_checkpoint() {
    for replaces in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("log"), dir.path().join("moved"));
        let log = Log::create(&path, origin()).unwrap();
        drop(log.append_batch(&numbers(0..20)).unwrap());
        log.checkpoint(&key(1)).unwrap();
        fs::rename(&path, &moved).unwrap();
        if replaces {
            copy(&moved, &path);
            // The copy is another directory, with its own lock.
            let (twin, _) = Log::open(&path, origin()).unwrap();
            drop(twin.append(&small(50)).unwrap());
            twin.checkpoint(&key(1)).unwrap();
        }
        let error = log.checkpoint(&key(1)).unwrap_err();
        assert!(matches!(error, SignCheckpointError::Poisoned { .. }), "{error:?}");
        assert_moved(&log.append(&small(20)).unwrap_err());
        drop(log);
        // Where it is now, it opens, with all that was acknowledged.
        assert_eq!(Log::open(&moved, origin()).unwrap().1.size().as_u64(), 20);
    }
}

#[test]
fn a_directory_that_was_replaced_is_noticed_at_the_next_segment() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("log"), dir.path().join("moved"));
    let log = SmallSegments::create(&path);
    drop(log.append(&small(0)).unwrap());
    fs::rename(&path, &moved).unwrap();
    copy(&moved, &path);
    let mut count = 1;
    let error = loop {
        match log.append(&small(count)) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
        assert!(count < 100, "nobody noticed");
    };
    assert_moved(&error);
    assert_eq!(fs::read_dir(&moved).unwrap().count(), fs::read_dir(&path).unwrap().count());
}

#[test]
fn a_segment_that_was_removed_or_replaced_is_noticed() {
    for replaces in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let log = Log::create(dir.path(), origin()).unwrap();
        drop(log.append(&small(0)).unwrap());
        let segment = dir.path().join("segment-00000000000000000000");
        let moved = dir.path().join("moved");
        fs::rename(&segment, &moved).unwrap();
        if replaces {
            fs::copy(&moved, &segment).unwrap();
        }
        assert!(matches!(log.checkpoint(&key(1)), Err(SignCheckpointError::Poisoned { .. })));
        assert!(log.append(&small(1)).is_err());
    }
}

#[test]
fn a_witness_whose_directory_was_replaced_keeps_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let (path, moved) = (dir.path().join("seen"), dir.path().join("moved"));
    let store = SeenDirectory::open(&path).unwrap();
    store.write(&origin(), b"one").unwrap();
    let _absent = fs::remove_file(path.join("lock"));
    assert_eq!(SeenDirectory::open(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    fs::rename(&path, &moved).unwrap();
    copy(&moved, &path);
    let twin = SeenDirectory::open(&path).unwrap();
    twin.write(&origin(), b"two").unwrap();
    assert!(store.write(&origin(), b"three").is_err());
    assert!(store.write_fork(&origin(), b"three").is_err());
    assert_eq!(twin.read(&origin()).unwrap().unwrap(), b"two");
}
