//! Random changes to the files of a log, older copies of them, and forks.

use std::collections::BTreeMap;

use dataspace_audit_log::{Log, medium::StoredFile, open::OpenError};
use dataspace_tlog::{Checkpoint, LeafIndex, log_reader::ExtendsError};

use crate::support::{Disk, Random, is_long, key, number, numbers, origin, small};

type Files = BTreeMap<StoredFile, Vec<u8>>;

/// One log at two times, both of them settled and signed to the end, and another one that went
/// another way in between.
struct Sample {
    old: (Files, Vec<u8>),
    new: (Files, Vec<u8>),
    fork: (Files, Vec<u8>),
    outside: Checkpoint,
}

fn grow(log: &Log, end: u64, other: u64) {
    let mut next = log.size().unwrap().as_u64();
    while next < end {
        let batch: Vec<_> = (next..(next + 90).min(end)).map(|n| small(n + other)).collect();
        log.append_batch(&batch).unwrap();
        next += 90;
    }
}

fn snapshot(disk: &Disk) -> (Files, Vec<u8>) {
    let state = disk.get();
    let mut files = state.contents();
    // Nothing about the log rests on it.
    files.remove(&StoredFile::Signed);
    (files, state.checkpoint.clone().unwrap())
}

fn sample() -> Sample {
    let disk = Disk::segmented(60_000);
    let log = disk.create();
    grow(&log, 4_200, 0);
    log.checkpoint(&key(1)).unwrap();
    let (old, forked) = (snapshot(&disk), disk.copy());
    grow(&log, 8_400, 0);
    let outside = log.checkpoint(&key(1)).unwrap();
    let other = forked.open().unwrap().0;
    grow(&other, 8_400, 100_000);
    other.checkpoint(&key(1)).unwrap();
    Sample { old, new: snapshot(&disk), fork: snapshot(&forked), outside }
}

/// Makes one change to the files; says which.
fn change(sample: &Sample, files: &mut Files, random: &mut Random) -> String {
    let names: Vec<_> = files.keys().copied().filter(|file| *file != StoredFile::Mark).collect();
    let file = names[random.below(names.len())];
    let other = names[random.below(names.len())];
    let bytes = files.get_mut(&file).unwrap();
    let (at, len) = (random.below(bytes.len()), 1 + random.below(300));
    let end = (at + len).min(bytes.len());
    let what = match random.below(8) {
        0 => {
            bytes[at] ^= 1 << random.below(8);
            "a bit flipped"
        }
        1 => {
            bytes[at..end]
                .iter_mut()
                .for_each(|byte| *byte = u8::try_from(random.below(256)).unwrap());
            "bytes overwritten"
        }
        2 => {
            bytes[at..end].fill(0);
            "bytes zeroed"
        }
        3 => {
            bytes.drain(at..end);
            "bytes cut out"
        }
        4 => {
            bytes.truncate(at);
            "cut"
        }
        5 => {
            files.remove(&file);
            "deleted"
        }
        6 => {
            let taken = files[&other].clone();
            let left = files.insert(file, taken).unwrap();
            files.insert(other, left);
            "swapped"
        }
        _ => {
            let from = if random.coin() { &sample.old.0 } else { &sample.fork.0 };
            match from.get(&file) {
                Some(copy) => files.insert(file, copy.clone()),
                None => files.remove(&file),
            };
            "taken from an older or another copy"
        }
    };
    format!("{file}: {what}, {at}, {end}, with {other}")
}

#[test]
fn random_changes_to_the_files_are_found() {
    let sample = sample();
    let (mut random, mut found, mut refused) = (Random(13), 0, 0);
    let many = if is_long() { 1_000 } else { 120 };
    while found < many {
        let mut files = sample.new.0.clone();
        let when = change(&sample, &mut files, &mut random);
        if files == sample.new.0 {
            continue;
        }
        let disk = Disk::of(&files, Some(&sample.new.1));
        let Err(error) = disk.check() else { panic!("not found: {when}") };
        assert!(!matches!(error, OpenError::Io(_)), "{when}: {error:?}");
        found += 1;
        match disk.open() {
            Ok((log, _)) => {
                for _ in 0..8 {
                    let index = LeafIndex::new(random.next() % 8_400);
                    if let Ok(bytes) = log.read(index) {
                        assert_eq!(number(&bytes), index.as_u64(), "{when}");
                    }
                }
                if let Err(error) = log.verify_extends(&sample.outside) {
                    assert!(matches!(error, ExtendsError::Read(_)), "{when}: {error:?}");
                }
            }
            Err(error) => {
                assert!(!matches!(error, OpenError::Io(_)), "{when}: {error:?}");
                assert_eq!(disk.get().contents(), files, "{when}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "{refused} of {found} refused at once");
}

#[test]
fn an_older_copy_or_a_fork_of_everything_is_found_with_an_outside_checkpoint_alone() {
    let sample = sample();
    for (files, note) in [&sample.old, &sample.fork] {
        let disk = Disk::of(files, Some(note));
        disk.check().unwrap();
        let (log, recovery) = disk.open().unwrap();
        assert!(!recovery.needs_attention());
        let is_found = matches!(
            log.verify_extends(&sample.outside),
            Err(ExtendsError::RolledBack { .. } | ExtendsError::Forked { .. })
        );
        assert!(is_found);
    }
    let (files, note) = &sample.new;
    let (log, _) = Disk::of(files, Some(note)).open().unwrap();
    log.verify_extends(&sample.outside).unwrap();
}

#[test]
fn an_older_or_lost_checkpoint_beside_a_newer_log_is_found_by_a_check() {
    let sample = sample();
    for note in [None, Some(sample.old.1.as_slice())] {
        let disk = Disk::of(&sample.new.0, note);
        let error = disk.check().unwrap_err();
        assert!(matches!(error, OpenError::Derived { file: StoredFile::Mark }), "{error:?}");
        // Nothing is lost by it, so the log opens.
        let (log, recovery) = disk.open().unwrap();
        assert_eq!(recovery.size().as_u64(), 8_400);
        assert!(recovery.unsigned() > 0);
        log.verify_extends(&sample.outside).unwrap();
    }
}

#[test]
fn an_older_copy_or_fork_of_the_records_alone_is_refused() {
    let sample = sample();
    for from in [&sample.old.0, &sample.fork.0] {
        let mut files = sample.new.0.clone();
        files.retain(|file, _| !matches!(file, StoredFile::Segment(_)));
        let segments = from.iter().filter(|(file, _)| matches!(file, StoredFile::Segment(_)));
        files.extend(segments.map(|(file, bytes)| (*file, bytes.clone())));
        let disk = Disk::of(&files, Some(&sample.new.1));
        assert!(disk.check().is_err());
        // Hashes, offsets and mark, and so all that is read at once, are those of the new one.
        if let Ok((log, _)) = disk.open() {
            for n in numbers(4_200..4_300).iter().enumerate().map(|(n, _)| n as u64 + 4_200) {
                if let Ok(bytes) = log.read(LeafIndex::new(n)) {
                    assert_eq!(number(&bytes), n);
                }
            }
        }
        let anew = Log::rebuild_on(Box::new(disk), origin(), &|_| {});
        assert!(anew.is_err());
    }
}

#[test]
fn a_newer_mark_beside_an_older_log_leads_nowhere() {
    // Someone puts back records and checkpoint, and leaves what was made of newer records.
    let sample = sample();
    let (mut files, note) = sample.old.clone();
    let made = sample.new.0.iter().filter(|(file, _)| !matches!(file, StoredFile::Segment(_)));
    files.extend(made.map(|(file, bytes)| (*file, bytes.clone())));
    let disk = Disk::of(&files, Some(&note));
    disk.get().segment_len = Some(60_000);
    let (log, recovery) = disk.open().unwrap();
    assert_eq!(recovery.size().as_u64(), 4_200);
    // The other way, beyond the mark, and opened again.
    grow(&log, 4_300, 100_000);
    drop(log);
    let (log, _) = disk.open().unwrap();
    grow(&log, 8_500, 100_000);
    log.checkpoint(&key(1)).unwrap();
    drop(log);
    disk.crash();
    disk.check().unwrap();
    let (log, _) = disk.open().unwrap();
    for n in [0, 4_199, 4_200, 4_300, 8_399, 8_499] {
        let other = if n < 4_200 { 0 } else { 100_000 };
        assert_eq!(number(&log.read(LeafIndex::new(n)).unwrap()), n + other);
    }
}
