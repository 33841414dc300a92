//! Damage to any byte of any file of a small settled log.

use std::collections::BTreeMap;

use dataspace_audit_log::{Log, medium::StoredFile, open::OpenError, reader::ReadError};
use dataspace_tlog::{LeafIndex, TreeSize, tree::leaf_hash};

use crate::disk::Fault;
use crate::support::{Disk, Random, is_long, key, numbers, small, time};

type Files = BTreeMap<StoredFile, Vec<u8>>;

/// The files of a log, and what they hold.
struct Sample {
    files: Files,
    checkpoint: Vec<u8>,
    records: Vec<Vec<u8>>,
    roots: Vec<dataspace_primitives::Digest>,
    first: u64,
    signed: u64,
}

impl Sample {
    fn of(disk: &Disk, log: &Log) -> Self {
        let size = log.size().unwrap().as_u64();
        let first = log.first().unwrap().as_u64();
        let record = |index| match log.read(LeafIndex::new(index)) {
            Ok(bytes) => bytes,
            Err(_) => small(index).to_bytes().unwrap(),
        };
        let root = |size| log.root_at(TreeSize::new(size)).unwrap();
        let checkpoint = disk.get().checkpoint.clone().unwrap();
        let mut files = disk.get().contents();
        // Nothing about the log rests on it.
        files.remove(&StoredFile::Signed);
        Self {
            records: (0..size).map(record).collect(),
            roots: (0..=size).map(root).collect(),
            signed: size,
            checkpoint,
            files,
            first,
        }
    }

    fn disk(&self, files: &Files) -> Disk {
        Disk::of(files, Some(&self.checkpoint))
    }

    /// Whether the log is refused; if it opens, it hands out nothing that was not written.
    fn is_refused(&self, files: &Files, when: &str) -> bool {
        let disk = self.disk(files);
        let (log, recovery) = match disk.open() {
            Ok(opened) => opened,
            Err(error) => {
                assert!(!matches!(error, OpenError::Io(_)), "{when}: {error:?}");
                assert_eq!(&disk.get().contents(), files, "a refused log must stay as it is");
                return true;
            }
        };
        let size = recovery.size().as_u64();
        assert!(size >= self.signed && size <= self.records.len() as u64, "{when}: {size}");
        let at = usize::try_from(size).unwrap();
        for index in self.sampled(size) {
            let (at, index) = (usize::try_from(index).unwrap(), LeafIndex::new(index));
            if let Ok(bytes) = log.read(index) {
                assert_eq!(bytes, self.records[at], "{when}: another record {index}");
            }
            for size in [recovery.size(), TreeSize::new(index.as_u64() + 1)] {
                let root = self.roots[usize::try_from(size.as_u64()).unwrap()];
                if let Ok(proof) = log.inclusion_proof(index, size) {
                    let leaf = leaf_hash(&self.records[at]);
                    assert!(proof.verify(&leaf, &root).is_ok(), "{when}: a wrong proof");
                }
                if let Ok(found) = log.root_at(size) {
                    assert_eq!(found, root, "{when}: another root");
                }
            }
            if let Ok(proof) = log.consistency_proof(TreeSize::new(index.as_u64()), recovery.size())
            {
                let (from, to) = (&self.roots[at], &self.roots[usize::try_from(size).unwrap()]);
                assert!(proof.verify(from, to).is_ok(), "{when}: a wrong proof");
            }
        }
        let mut next = usize::try_from(log.first().unwrap().as_u64()).unwrap();
        let replayed = log.replay_from(log.first().unwrap(), |_, bytes| {
            assert_eq!(bytes, self.records[next], "{when}: another record");
            next += 1;
            Ok::<(), ReadError>(())
        });
        assert!(replayed.is_err() || next == at, "{when}: a short replay");
        false
    }

    fn sampled(&self, size: u64) -> Vec<u64> {
        if size < 50 {
            return (0..size).step_by(if is_long() { 1 } else { 5 }).collect();
        }
        let mut all = vec![0, 255, 256, self.first, size / 2, size - 1];
        all.retain(|index| *index < size);
        all
    }

    /// The file that a check names; `None` if it finds nothing.
    fn named(&self, files: &Files, when: &str) -> Option<StoredFile> {
        let disk = self.disk(files);
        let checked = disk.check();
        assert_eq!(&disk.get().contents(), files, "a check changes nothing");
        match checked.err()? {
            OpenError::Corrupt { file, .. }
            | OpenError::Header { file }
            | OpenError::Version { file, .. }
            | OpenError::Derived { file } => Some(file),
            OpenError::Missing { first } => Some(StoredFile::Segment(first)),
            // The last segment is too short.
            OpenError::Truncated { .. } => {
                let segments = files.keys().filter(|file| matches!(file, StoredFile::Segment(_)));
                segments.copied().last()
            }
            other => panic!("{when}: {other:?}"),
        }
    }
}

/// Some segments, of which the first were archived, so that all of it is settled; nothing unsigned.
fn archived() -> Sample {
    let disk = Disk::segmented(600);
    let log = disk.create();
    for n in 0..14 {
        let _one = log.append(&small(n)).unwrap();
    }
    log.archive(LeafIndex::new(6), time(0), &key(1)).unwrap();
    Sample::of(&disk, &log)
}

/// As many records as are settled at once.
fn settled() -> Sample {
    let disk = Disk::segmented(30_000);
    let log = disk.create();
    for first in (0..4_100).step_by(100) {
        log.append_batch(&numbers(first..first + 100)).unwrap();
    }
    log.checkpoint(&key(1)).unwrap();
    Sample::of(&disk, &log)
}

/// Offsets of records that are elsewhere cannot be compared with anything.
fn is_unused(sample: &Sample, file: StoredFile, at: usize) -> bool {
    file == StoredFile::Offsets && (at as u64) < 8 * sample.first
}

fn assert_every_flip_is_found(sample: &Sample, places: impl Fn(StoredFile, usize) -> Vec<usize>) {
    let mut count = 0;
    assert_eq!(sample.named(&sample.files, "undamaged"), None);
    for (file, bytes) in &sample.files {
        for at in places(*file, bytes.len()) {
            let mut files = sample.files.clone();
            files.get_mut(file).unwrap()[at] ^= 1 << (at % 8);
            let when = format!("{file}, byte {at}");
            let is_refused = sample.is_refused(&files, &when);
            match sample.named(&files, &when) {
                Some(named) => assert_eq!(named, *file, "{when}"),
                None => assert!(is_unused(sample, *file, at) && !is_refused, "{when}: not found"),
            }
            count += 1;
        }
    }
    assert!(count > 150, "{count}");
}

#[test]
fn a_flip_in_any_byte_of_an_archived_log_is_found_and_named() {
    let sample = archived();
    let kinds: Vec<_> = sample.files.keys().map(ToString::to_string).collect();
    assert!(["hashes-0", "offsets", "mark"].iter().all(|kind| kinds.contains(&(*kind).to_owned())));
    assert_every_flip_is_found(&sample, |_, len| (0..len).collect());
}

#[test]
fn a_flip_in_any_file_of_a_settled_log_is_found_and_named() {
    let sample = settled();
    let mut random = Random(11);
    let mut places = BTreeMap::new();
    for (file, bytes) in &sample.files {
        let few = if is_long() { 400 } else { 10 };
        let some: Vec<_> = (0..few).map(|_| random.below(bytes.len())).collect();
        places.insert(*file, [some, vec![0, bytes.len() - 1]].concat());
    }
    assert_every_flip_is_found(&sample, |file, _| places.get(&file).cloned().unwrap());
}

#[test]
fn a_flip_in_any_byte_of_the_checkpoint_is_refused() {
    let sample = archived();
    for at in 0..sample.checkpoint.len() {
        let mut checkpoint = sample.checkpoint.clone();
        checkpoint[at] ^= 1 << (at % 7);
        let disk = Disk::of(&sample.files, Some(&checkpoint));
        assert!(matches!(disk.open(), Err(OpenError::Checkpoint(_))), "byte {at}");
        assert!(matches!(disk.check(), Err(OpenError::Checkpoint(_))), "byte {at}");
        assert_eq!(disk.get().contents(), sample.files);
    }
}

#[test]
fn any_file_of_an_archived_log_cut_at_any_byte_is_found_and_named() {
    let sample = archived();
    for (file, bytes) in &sample.files {
        for len in 0..bytes.len() {
            let mut files = sample.files.clone();
            files.get_mut(file).unwrap().truncate(len);
            let when = format!("{file} cut to {len} bytes");
            let is_refused = sample.is_refused(&files, &when);
            let named = sample.named(&files, &when);
            match (file, named) {
                (StoredFile::Segment(first), Some(StoredFile::Segment(next))) => {
                    // Cut between two groups, the next record is what is missing.
                    let after = sample.files.keys().find(|other| *other > file);
                    let is_before = Some(StoredFile::Segment(next)) < after.copied();
                    assert!(next >= *first && is_before || named == Some(*file), "{when}: {next}");
                }
                (StoredFile::Mark, None) => assert!(len == 0 && !is_refused, "{when}"),
                (_, named) => assert_eq!(named, Some(*file), "{when}"),
            }
        }
    }
}

#[test]
fn a_deleted_file_is_found_and_named_or_nothing_is_lost_with_it() {
    for sample in [archived(), settled()] {
        for file in sample.files.keys() {
            let mut files = sample.files.clone();
            files.remove(file);
            let when = format!("{file} deleted");
            let is_refused = sample.is_refused(&files, &when);
            let named = sample.named(&files, &when);
            match file {
                // It saves time and proves nothing.
                StoredFile::Mark => assert!(named.is_none() && !is_refused, "{when}"),
                StoredFile::Segment(first) if first.as_u64() == sample.first => {
                    let missing = StoredFile::Segment(LeafIndex::default());
                    assert_eq!(named, Some(missing), "{when}");
                }
                StoredFile::Segment(_) => assert!(named.is_some(), "{when}"),
                _ => assert_eq!(named, Some(*file), "{when}"),
            }
        }
    }
}

#[test]
fn what_was_made_from_the_records_is_made_anew() {
    let mut random = Random(12);
    for sample in [archived(), settled()] {
        for file in
            [StoredFile::Hashes(0), StoredFile::Hashes(1), StoredFile::Offsets, StoredFile::Mark]
        {
            let Some(bytes) = sample.files.get(&file) else { continue };
            let flip = |at: usize| {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1;
                Some(bytes)
            };
            let mut damaged = vec![None, Some(vec![]), Some(bytes[..bytes.len() / 2].to_vec())];
            // The last bytes are those at the mark.
            damaged.extend([flip(bytes.len() - 1), flip(random.below(bytes.len()))]);
            damaged.push(Some(vec![0; bytes.len()]));
            for damage in damaged {
                let mut files = sample.files.clone();
                files.remove(&file);
                damage.map(|bytes| files.insert(file, bytes));
                let disk = sample.disk(&files);
                let (log, recovery) = match disk.rebuild() {
                    Ok(rebuilt) => rebuilt,
                    // Hashes of archived records cannot be made anew without these.
                    Err(error) => {
                        assert!(sample.first > 0 && matches!(file, StoredFile::Hashes(_)));
                        assert!(!matches!(error, OpenError::Io(_)), "{error:?}");
                        continue;
                    }
                };
                assert_eq!(recovery.size().as_u64(), sample.records.len() as u64);
                assert_eq!(log.root_at(recovery.size()).unwrap(), *sample.roots.last().unwrap());
                drop(log);
                // It stays so, after a restart and a power failure.
                let when = format!("{file} rebuilt");
                let (log, _) = disk.open().unwrap();
                for index in sample.first..recovery.size().as_u64() {
                    let at = usize::try_from(index).unwrap();
                    if sample.first > 0 || at % 97 == 0 {
                        assert_eq!(log.read(LeafIndex::new(index)).unwrap(), sample.records[at]);
                    }
                }
                log.checkpoint(&key(1)).unwrap();
                drop(log);
                disk.check().unwrap_or_else(|error| panic!("{when}: {error:?}"));
                disk.crash();
                let files = disk.get().contents();
                assert!(!sample.is_refused(&files, &when) || file != StoredFile::Mark);
            }
        }
    }
}

/// A log of 4,500 records, of which so many are signed, without what was made from them.
fn unsettled(signed: u64) -> Disk {
    let disk = Disk::segmented(30_000);
    let log = disk.create();
    for first in (0..4_500).step_by(50) {
        log.append_batch(&numbers(first..first + 50)).unwrap();
        if first + 50 == signed {
            log.checkpoint(&key(1)).unwrap();
        }
    }
    drop(log);
    disk.crash();
    disk.get().files.retain(|file, _| matches!(file, StoredFile::Segment(_)));
    disk
}

/// Bytes that opening reads.
fn bytes_read(disk: &Disk) -> usize {
    let before = disk.get().bytes_read;
    let (log, recovery) = disk.open().unwrap();
    assert_eq!(recovery.size().as_u64(), 4_500);
    let read = disk.get().bytes_read - before;
    for index in [0, 255, 256, 4_399, 4_400, 4_499] {
        let bytes = log.read(LeafIndex::new(index)).unwrap();
        assert_eq!(bytes, small(index).to_bytes().unwrap());
    }
    read
}

#[test]
fn what_was_made_anew_is_settled_as_far_as_it_is_signed() {
    for is_rebuilt in [true, false] {
        for signed in [4_500, 4_400] {
            let disk = unsettled(signed);
            drop(if is_rebuilt { disk.rebuild() } else { disk.open() }.unwrap());
            disk.crash();
            let state = disk.get().contents();
            let mark = &state[&StoredFile::Mark];
            let [size, segment, end] =
                [8, 16, 24].map(|at| u64::from_be_bytes(mark[at..at + 8].try_into().unwrap()));
            assert_eq!(size, signed);
            disk.check().unwrap();
            let segments: usize = state.values().map(Vec::len).sum();
            let read = bytes_read(&disk);
            assert!(read < segments / 5, "{read} of {segments} bytes");
            assert_eq!(bytes_read(&disk), read);
            // It needs nothing that is not signed.
            let mut files = state.clone();
            let file = StoredFile::Segment(LeafIndex::new(segment));
            files.retain(|one, _| *one <= file || !matches!(one, StoredFile::Segment(_)));
            let last = files.get_mut(&file).unwrap();
            last.truncate(usize::try_from(end).unwrap());
            let checkpoint = disk.get().checkpoint.clone();
            let cut = Disk::of(&files, checkpoint.as_deref());
            assert_eq!(cut.open().unwrap().1.size().as_u64(), signed);
        }
    }
}

#[test]
fn a_log_that_is_not_signed_is_made_anew_without_a_mark() {
    let disk = unsettled(0);
    drop(disk.rebuild().unwrap());
    assert!(!disk.get().files.contains_key(&StoredFile::Mark));
    disk.check().unwrap();
}

#[test]
fn few_records_are_settled_by_rebuilding_alone() {
    let disk = Disk::default();
    let log = disk.create();
    log.append_batch(&numbers(0..20)).unwrap();
    log.checkpoint(&key(1)).unwrap();
    drop(log);
    let syncs = disk.get().syncs;
    drop(disk.open().unwrap());
    assert_eq!(disk.get().syncs, syncs + 1);
    assert!(!disk.get().files.contains_key(&StoredFile::Mark));
    drop(disk.rebuild().unwrap());
    assert!(disk.get().files.contains_key(&StoredFile::Mark));
    disk.crash();
    disk.check().unwrap();
    assert_eq!(disk.open().unwrap().1.size(), TreeSize::new(20));
}

#[test]
fn a_rebuilding_that_ends_at_any_step_loses_nothing() {
    let base = unsettled(4_400);
    for after in (0..).step_by(if is_long() { 1 } else { 11 }) {
        let disk = base.copy();
        disk.get().fault = Some(Fault::end(after, 90));
        let is_done = disk.rebuild().is_ok();
        let mut random = Random(13);
        for keeps in [0, 1, 2] {
            let left = disk.copy();
            left.crash_keeping(|_| keeps == 2 || keeps == 1 && random.coin());
            bytes_read(&left);
            left.crash();
            left.check().unwrap_or_else(|error| panic!("step {after}: {error:?}"));
        }
        if is_done {
            assert!(after > 50, "{after}");
            return;
        }
    }
}
