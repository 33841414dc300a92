//! Somebody else's directory is read and never changed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;

use dataspace_audit_log::{
    Log, ReadOnlyStorage, Storage, append::AppendError, error::SignCheckpointError,
    medium::StoredFile, open::OpenError,
};
use dataspace_tlog::LeafIndex;
use tempfile::TempDir;

use crate::support::{all_numbers, key, numbers, origin, small};

/// A log of so many records, all of them but the last five under the checkpoint.
fn written(records: u64) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::create(dir.path(), origin()).unwrap();
    drop(log.append_batch(&numbers(0..records - 5)).unwrap());
    log.checkpoint(&key(1)).unwrap();
    drop(log.append_batch(&numbers(records - 5..records)).unwrap());
    dir
}

fn bytes(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(dir).unwrap().map(Result::unwrap);
    files
        .map(|file| {
            (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap_or_default())
        })
        .collect()
}

fn open(dir: &Path) -> Log {
    let storage = ReadOnlyStorage::open(dir).unwrap();
    Log::open_on(Box::new(storage), origin()).unwrap().0
}

#[test]
fn a_log_is_read_and_proved_and_no_byte_of_its_directory_changes() {
    for records in [20, 5_000] {
        let dir = written(records);
        let before = bytes(dir.path());
        let log = open(dir.path());
        assert_eq!(all_numbers(&log), (0..records).collect::<Vec<_>>());
        let size = log.size().unwrap();
        for index in [0, 7, records - 1].map(LeafIndex::new) {
            log.inclusion_proof(index, size).unwrap();
        }
        drop(log);
        assert_eq!(bytes(dir.path()), before);
    }
}

#[test]
fn a_torn_tail_is_cut_in_memory_alone() {
    let dir = written(20);
    let segment = dir.path().join(StoredFile::Segment(LeafIndex::new(0)).to_string());
    let whole = fs::read(&segment).unwrap();
    let end = whole.iter().rposition(|byte| *byte != 0).unwrap();
    fs::write(&segment, &whole[..end - 3]).unwrap();
    let before = bytes(dir.path());
    let storage = ReadOnlyStorage::open(dir.path()).unwrap();
    let (log, recovery) = Log::open_on(Box::new(storage), origin()).unwrap();
    assert!(recovery.bytes_cut() > 0 && recovery.size().as_u64() == 15);
    assert_eq!(all_numbers(&log), (0..15).collect::<Vec<_>>());
    drop(log);
    assert_eq!(bytes(dir.path()), before);
}

#[test]
fn nobody_is_told_that_a_record_is_durable() {
    let dir = written(20);
    let before = bytes(dir.path());
    let log = open(dir.path());
    assert!(matches!(log.checkpoint(&key(1)), Err(SignCheckpointError::Io(_))));
    assert!(matches!(log.append(&small(20)), Err(AppendError::Poisoned { .. })));
    drop(log);
    assert_eq!(bytes(dir.path()), before);
}

#[test]
fn readers_keep_nobody_out_and_see_what_there_was() {
    let dir = written(20);
    let (one, other) = (open(dir.path()), open(dir.path()));
    let (writer, _) = Log::open(dir.path(), origin()).unwrap();
    let error = ReadOnlyStorage::open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    for first in (20..9_000).step_by(500) {
        drop(writer.append_batch(&numbers(first..first + 500)).unwrap());
        writer.checkpoint(&key(1)).unwrap();
    }
    for reader in [one, other] {
        assert_eq!(all_numbers(&reader), (0..20).collect::<Vec<_>>());
        assert_eq!(reader.size().unwrap().as_u64(), 20);
    }
    drop(writer);
    assert_eq!(open(dir.path()).size().unwrap().as_u64(), 9_020);
}

#[test]
fn links_pipes_and_directories_are_not_opened() {
    let not_a_file = |change: &dyn Fn(&Path)| {
        let dir = written(20);
        let segment = dir.path().join("segment-00000000000000000000");
        fs::rename(&segment, dir.path().join("moved")).unwrap();
        change(&segment);
        let error = ReadOnlyStorage::open(dir.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let error = ReadOnlyStorage::open_running(dir.path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        match Log::open(dir.path(), origin()) {
            Err(OpenError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::InvalidData),
            other => panic!("{other:?}"),
        }
    };
    not_a_file(&|segment| std::os::unix::fs::symlink("moved", segment).unwrap());
    not_a_file(&|segment| fs::create_dir(segment).unwrap());
    not_a_file(&|segment| assert!(Command::new("mkfifo").arg(segment).status().unwrap().success()));
    let empty = tempfile::tempdir().unwrap();
    let error = ReadOnlyStorage::open(empty.path()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

/// What was written over a file reads as if it had been written to it.
#[test]
fn what_is_written_reads_back_as_from_a_file() {
    let dir = written(20);
    let storage = ReadOnlyStorage::open(dir.path()).unwrap();
    let file = StoredFile::Offsets;
    let mut model = fs::read(dir.path().join("offsets")).unwrap_or_default();
    let mut random = crate::support::Random(7);
    for turn in 0..2_000_u32 {
        if turn % 97 == 0 {
            let len = random.below(model.len() + 1);
            storage.truncate(file, len as u64).unwrap();
            model.truncate(len);
        } else {
            let (at, len) = (random.below(model.len() + 9), random.below(40) + 1);
            let mut new = Vec::new();
            for _ in 0..len {
                new.push(random.next().to_be_bytes()[0]);
            }
            storage.write_at(file, at as u64, &new).unwrap();
            model.resize(model.len().max(at + len), 0);
            (&mut model[at..]).write_all(&new).unwrap();
        }
        assert_eq!(storage.len(file).unwrap(), model.len() as u64);
        let mut read = vec![1; model.len()];
        storage.read_at(file, 0, &mut read).unwrap();
        assert!(read == model, "turn {turn}");
        let from = random.below(model.len() + 1);
        let mut part = vec![1; random.below(model.len() - from + 1)];
        storage.read_at(file, from as u64, &mut part).unwrap();
        assert_eq!(part, model[from..from + part.len()]);
    }
    assert!(storage.read_at(file, 0, &mut vec![0; model.len() + 1]).is_err());
}

#[test]
fn what_was_written_behind_a_file_may_be_cut_in_the_middle() {
    let dir = written(20);
    let storage = ReadOnlyStorage::open(dir.path()).unwrap();
    let file = StoredFile::Offsets;
    let before = storage.len(file).unwrap();
    storage.write_at(file, before, &[7; 40]).unwrap();
    storage.truncate(file, before + 10).unwrap();
    assert_eq!(storage.len(file).unwrap(), before + 10);
    let (mut last, mut all) = ([0; 10], vec![0; usize::try_from(before + 10).unwrap()]);
    storage.read_at(file, before, &mut last).unwrap();
    storage.read_at(file, 0, &mut all).unwrap();
    assert_eq!((last, all.last()), ([7; 10], Some(&7)));
    assert!(storage.read_at(file, before + 1, &mut last).is_err());
}
