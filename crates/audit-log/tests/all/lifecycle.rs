use std::path::Path;

use dataspace_audit_log::{
    Log,
    append::{AppendError, BATCH_LEN_MAX},
    error::{CreateError, SignCheckpointError},
    open::OpenError,
    reader::{ProveError, ReadError},
};
use dataspace_identity::Origin;
use dataspace_primitives::Digest;
use dataspace_tlog::{Checkpoint, Event, LeafIndex, Record, TreeSize, log_reader::ExtendsError};
use serde_bytes::ByteBuf;

use crate::support::{Disk, all_numbers, key, numbers, origin, small, time};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn what_was_appended_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = Log::create(&path, origin()).unwrap();
    for n in 0..20 {
        assert_eq!(log.append(&small(n)).unwrap().index(), LeafIndex::new(n));
    }
    let root = log.root_at(TreeSize::new(20)).unwrap();
    drop(log);
    let (log, recovery) = Log::open(&path, origin()).unwrap();
    assert_eq!((recovery.size(), recovery.bytes_cut()), (TreeSize::new(20), 0));
    assert_eq!(log.root_at(TreeSize::new(20)).unwrap(), root);
    assert_eq!(log.append(&small(20)).unwrap().index(), LeafIndex::new(20));
    assert_eq!(all_numbers(&log), (0..21).collect::<Vec<_>>());
}

#[test]
fn an_empty_log_opens_again() {
    let disk = Disk::default();
    drop(disk.create());
    disk.crash();
    let (log, recovery) = disk.open().unwrap();
    assert_eq!(log.size().unwrap(), TreeSize::EMPTY);
    assert!(!recovery.needs_attention());
    assert!(all_numbers(&log).is_empty());
}

#[test]
fn an_acknowledged_record_survives_a_power_failure() {
    let disk = Disk::default();
    let log = disk.create();
    for n in 0..10 {
        let _durable = log.append(&small(n)).unwrap();
        disk.crash();
        let copy = Disk::with(&disk.get().segment().durable, None);
        assert_eq!(all_numbers(&copy.open().unwrap().0), (0..=n).collect::<Vec<_>>());
    }
}

#[test]
fn a_batch_stands_together_and_an_empty_one_costs_nothing() {
    let disk = Disk::default();
    let log = disk.create();
    let syncs = disk.get().syncs;
    assert_eq!(log.append_batch(&[]).unwrap(), vec![]);
    assert_eq!(disk.get().syncs, syncs);
    let appended = log.append_batch(&numbers(0..300)).unwrap();
    assert_eq!(disk.get().syncs, syncs + 1);
    let indices: Vec<_> = appended.iter().map(|one| one.index().as_u64()).collect();
    assert_eq!(indices, (0..300).collect::<Vec<_>>());
}

#[test]
fn a_batch_that_is_too_long_is_refused_and_harms_nobody() {
    let log = Disk::default().create();
    let event = Event::Admission { document: ByteBuf::from(vec![0; 60_000]) };
    let batch = vec![Record::new(time(0), event); BATCH_LEN_MAX / 60_000 + 1];
    assert!(matches!(log.append_batch(&batch), Err(AppendError::BatchLen { .. })));
    let mut bad = small(0);
    bad.v = 9;
    assert!(matches!(log.append_batch(&[small(0), bad]), Err(AppendError::Record(_))));
    assert_eq!(log.append(&small(0)).unwrap().index(), LeafIndex::new(0));
}

#[test]
fn the_stored_bytes_of_a_log_do_not_change() {
    let disk = Disk::default();
    let log = disk.create();
    let _one = log.append(&small(0)).unwrap();
    log.append_batch(&numbers(1..4)).unwrap();
    let digest = Digest::of(&disk.get().segment().durable).to_string();
    assert_eq!(digest, "sha256:7fea06ed469231ea2c475ea61792d784cfe558f5cb247e3bab70aaa3059f9c96");
}

#[test]
fn a_log_is_not_created_over_another() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = Log::create(&path, origin()).unwrap();
    let _one = log.append(&small(0)).unwrap();
    drop(log);
    assert!(matches!(Log::create(&path, origin()), Err(CreateError::Exists)));
    // Nor where only the checkpoint of a lost log is left.
    let disk = Disk::with(&[], Some(b"anything"));
    let created = Log::create_on(Box::new(disk), origin());
    assert!(matches!(created, Err(CreateError::Exists)));
}

#[test]
fn a_creation_that_a_crash_cut_short_is_begun_again() {
    let disk = Disk::default();
    drop(disk.create());
    let header = disk.get().segment().durable.clone();
    for len in 0..header.len() {
        for cut in [header[..len].to_vec(), vec![0; len]] {
            let disk = Disk::with(&cut, None);
            assert!(matches!(disk.open(), Err(OpenError::Unfinished)), "{len}");
            let _one = disk.create().append(&small(0)).unwrap();
            assert_eq!(disk.open().unwrap().1.size(), TreeSize::new(1));
        }
    }
}

#[test]
fn a_log_that_is_not_there_is_an_error_and_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Log::open(dir.path(), origin()), Err(OpenError::Io(_))));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_second_opener_is_refused_until_the_first_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = Log::create(&path, origin()).unwrap();
    let Err(OpenError::Io(error)) = Log::open(&path, origin()) else { panic!("not refused") };
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    assert!(matches!(Log::create(&path, origin()), Err(CreateError::Io(_))));
    drop(log);
    Log::open(&path, origin()).unwrap();
}

#[test]
fn the_log_of_another_origin_is_not_opened() {
    let disk = Disk::default();
    drop(disk.create());
    let other = Origin::new(key(2).did()).unwrap();
    let Err(OpenError::Origin { expected, found }) = Log::open_on(Box::new(disk), other.clone())
    else {
        panic!("not refused")
    };
    assert_eq!((expected, found), (other, origin()));
}

#[test]
fn reading_past_the_end_is_an_error() {
    let log = Disk::default().create();
    let _one = log.append(&small(0)).unwrap();
    for index in [1, 2, u64::MAX] {
        let index = LeafIndex::new(index);
        assert!(matches!(log.read(index), Err(ReadError::Index { .. })));
        let size = TreeSize::new(1);
        assert!(matches!(log.inclusion_proof(index, size), Err(ProveError::Tree(_))));
    }
}

#[test]
fn an_error_of_the_visitor_ends_the_replay() {
    #[derive(Debug)]
    struct Stop;
    impl From<ReadError> for Stop {
        fn from(error: ReadError) -> Self {
            panic!("{error}")
        }
    }
    let log = Disk::default().create();
    log.append_batch(&numbers(0..10)).unwrap();
    let mut seen = 0;
    let outcome = log.replay(|_, _| {
        seen += 1;
        if seen == 4 { Err(Stop) } else { Ok(()) }
    });
    assert!(outcome.is_err());
    assert_eq!(seen, 4);
}

#[test]
fn a_checkpoint_is_three_lines_and_a_signature() {
    let log = Disk::default().create();
    log.append_batch(&numbers(0..5)).unwrap();
    let checkpoint = log.checkpoint(&key(1)).unwrap();
    let lines: Vec<_> = checkpoint.as_note().split('\n').collect();
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[0], origin().as_str());
    assert_eq!(lines[1], "5");
    assert_eq!(lines[3], "");
    assert!(lines[4].starts_with(&format!("\u{2014} {} ", origin())));
    assert_eq!(checkpoint.size(), TreeSize::new(5));
    assert_eq!(Checkpoint::verify(checkpoint.as_note(), &origin()).unwrap(), checkpoint);
    assert_eq!(Checkpoint::claimed_origin(checkpoint.as_note()).unwrap(), origin());
}

#[test]
fn a_signer_who_is_not_the_operator_is_refused_and_nothing_is_stored() {
    let disk = Disk::default();
    let log = disk.create();
    assert!(matches!(log.checkpoint(&key(2)), Err(SignCheckpointError::Sign(_))));
    assert_eq!(disk.get().checkpoint, None);
}

#[test]
fn a_checkpoint_shows_its_log_and_nothing_that_came_before_is_lost() {
    let disk = Disk::default();
    let log = disk.create();
    let mut checkpoints = Vec::new();
    for n in 0..12 {
        let _one = log.append(&small(n)).unwrap();
        checkpoints.push(log.checkpoint(&key(1)).unwrap());
    }
    drop(log);
    let (log, recovery) = disk.open().unwrap();
    assert_eq!(recovery.checkpoint(), checkpoints.last());
    assert_eq!(recovery.unsigned(), 0);
    for (n, earlier) in checkpoints.iter().enumerate() {
        log.verify_extends(earlier).unwrap();
        for later in &checkpoints[n..] {
            let proof = log.consistency_proof(earlier.size(), later.size()).unwrap();
            proof.verify(&earlier.root(), &later.root()).unwrap();
        }
    }
}

#[test]
fn a_log_without_a_checkpoint_opens_and_says_so() {
    let disk = Disk::default();
    let _one = disk.create().append(&small(0)).unwrap();
    let (log, recovery) = disk.open().unwrap();
    assert!(recovery.needs_attention());
    assert_eq!((recovery.checkpoint(), recovery.unsigned()), (None, 1));
    assert_eq!(recovery.to_string(), "1 records, no stored checkpoint to check them against");
    log.checkpoint(&key(1)).unwrap();
    drop(log);
    assert!(!disk.open().unwrap().1.needs_attention());
}

#[test]
fn a_checkpoint_that_cannot_be_stored_is_an_error_and_the_old_one_stays() {
    let disk = Disk::default();
    let log = disk.create();
    let _one = log.append(&small(0)).unwrap();
    let old = log.checkpoint(&key(1)).unwrap();
    let _two = log.append(&small(1)).unwrap();
    disk.get().fail_checkpoint = true;
    assert!(matches!(log.checkpoint(&key(1)), Err(SignCheckpointError::Io(_))));
    drop(log);
    disk.restart();
    assert_eq!(disk.open().unwrap().1.checkpoint(), Some(&old));
}

#[test]
fn a_rolled_back_directory_is_found_only_with_an_outside_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = (dir.path().join("log"), dir.path().join("old"));
    let log = Log::create(&path, origin()).unwrap();
    log.append_batch(&numbers(0..5)).unwrap();
    log.checkpoint(&key(1)).unwrap();
    copy(&path, &old);
    log.append_batch(&numbers(5..9)).unwrap();
    let outside = log.checkpoint(&key(1)).unwrap();
    log.verify_extends(&outside).unwrap();
    drop(log);
    // The old copy is a perfect log by itself …
    let (log, recovery) = Log::open(&old, origin()).unwrap();
    assert!(!recovery.needs_attention());
    // … and only who kept the later checkpoint knows better.
    let Err(ExtendsError::RolledBack { signed, found }) = log.verify_extends(&outside) else {
        panic!("not found")
    };
    assert_eq!((signed, found), (TreeSize::new(9), TreeSize::new(5)));
    // Growing again to the same size does not help.
    log.append_batch(&numbers(15..19)).unwrap();
    log.checkpoint(&key(1)).unwrap();
    assert!(matches!(log.verify_extends(&outside), Err(ExtendsError::Forked { .. })));
}

#[test]
fn an_outside_checkpoint_of_another_log_says_nothing() {
    let log = Disk::default().create();
    let other = Origin::named(key(1).did(), "other").unwrap();
    let other = Log::create_on(Box::new(Disk::default()), other).unwrap();
    let outside = other.checkpoint(&key(1)).unwrap();
    assert!(matches!(log.verify_extends(&outside), Err(ExtendsError::Origin { .. })));
}

#[test]
fn the_files_can_be_read_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = Log::create(&path, origin()).unwrap();
    log.checkpoint(&key(1)).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o077;
    assert_eq!(mode(&path), 0);
    for entry in std::fs::read_dir(&path).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0);
    }
}

#[test]
fn nobody_asks_for_a_length_at_each_append() {
    // On some file systems every sync would write more for it.
    let disk = Disk::default();
    let log = disk.create();
    let _first = log.append(&small(0)).unwrap();
    let before = disk.get().lens;
    for number in 1..100 {
        let _durable = log.append(&small(number)).unwrap();
    }
    assert_eq!(disk.get().lens, before);
}
