//! A crash tears a group, and one of its records holds what looks like the header of a later group:
//! bytes that somebody had put there on purpose. The log must open all the same.

use std::collections::BTreeMap;

use dataspace_audit_log::{Log, Storage as _, medium::StoredFile, open::OpenError};
use dataspace_primitives::Digest;
use dataspace_tlog::{Event, LeafIndex, Record, TreeSize};
use serde_bytes::ByteBuf;

use crate::disk::Fault;
use crate::support::{Disk, key, origin, small, time};

/// The header of a group that begins with record 1,000, made by somebody who knows a segment's own
/// header.
fn forge(segment_header: &[u8]) -> Vec<u8> {
    let salt = segment_header.last_chunk::<32>().unwrap();
    let fields =
        [&b"DSGR"[..], &100_u32.to_be_bytes(), &1_u32.to_be_bytes(), &1_000_u64.to_be_bytes()];
    let fields = fields.concat();
    let check = Digest::of_parts(&[salt, &fields]);
    [&fields, &check.as_bytes()[..8]].concat()
}

/// A record of some sectors that is nothing but these bytes.
fn record(bytes: &[u8]) -> Record {
    let document = ByteBuf::from(bytes.repeat(60));
    Record::new(time(0), Event::Admission { document })
}

/// Records of which the first few are signed, on segments that are this long.
fn filled(seed: u8, segment_len: u64, records: u64) -> (Disk, Log) {
    let disk = Disk::segmented(segment_len);
    disk.get().seed = seed;
    let log = disk.create();
    for n in 0..records {
        let _one = log.append(&small(n)).unwrap();
        if n == 1 {
            log.checkpoint(&key(1)).unwrap();
        }
    }
    (disk, log)
}

fn header_len() -> usize {
    let disk = Disk::default();
    drop(disk.create());
    disk.get().segment().cache.len()
}

fn last_segment(disk: &Disk) -> StoredFile {
    StoredFile::Segment(*disk.segments().unwrap().last().unwrap())
}

fn last_header(disk: &Disk) -> Vec<u8> {
    let last = last_segment(disk);
    disk.get().contents()[&last][..header_len()].to_vec()
}

/// The header of the segment to which the next record goes, on another disk with the same records:
/// what anybody can make from everything that is public.
fn public_header(segment_len: u64, records: u64) -> Vec<u8> {
    let (disk, log) = filled(1, segment_len, records);
    let _one = log.append(&record(&[7; 28])).unwrap();
    last_header(&disk)
}

/// Opens all that a crash can leave of the write of one more record; how often that was refused.
fn refused(segment_len: u64, records: u64, record: &Record) -> usize {
    let (disk, log) = filled(0, segment_len, records);
    let before: BTreeMap<_, _> = disk.get().contents();
    // The write is done, and then the machine ends.
    disk.get().fault = Some(Fault::end(1, 0));
    log.append(record).unwrap_err();
    drop(log);
    disk.get().fault = None;
    let (file, checkpoint) = (last_segment(&disk), disk.get().checkpoint.clone());
    let written = disk.get().contents();
    let start = before.get(&file).map_or(0, Vec::len);
    let mut left = Vec::new();
    // Any of its sectors; what was made from the segments is lost.
    for subset in 0..1_usize << 6 {
        let crashed = disk.copy();
        crashed.crash_keeping(|at| at < 6 && subset >> at & 1 == 1);
        left.push(crashed);
    }
    // All before or after any byte.
    let end = written[&file].len();
    assert!(end - start > 1_600);
    for at in start..end {
        // A header stands in one sector, which is there from its beginning or not at all.
        let is_header_cut = start == 0 && at < 512;
        let before = if is_header_cut { 0..512 } else { start..at };
        for range in [before, at..end] {
            let mut files = written.clone();
            files.get_mut(&file).unwrap()[range].fill(0);
            left.push(Disk::of(&files, checkpoint.as_deref()));
        }
    }
    let opened = left.iter().map(|disk| match disk.open() {
        Ok((log, recovery)) => {
            let whole = TreeSize::new(records + 1);
            assert!([TreeSize::new(records), whole].contains(&recovery.size()));
            let next = log.append(&small(9)).unwrap().index();
            assert_eq!(next, LeafIndex::new(recovery.size().as_u64()));
            false
        }
        Err(OpenError::Corrupt { .. } | OpenError::Header { .. }) => true,
        Err(error) => panic!("{error:?}"),
    });
    opened.filter(|is_refused| *is_refused).count()
}

#[test]
fn a_forged_group_in_a_torn_record_does_not_keep_the_log_from_opening() {
    for records in [3, 4] {
        let forged = forge(&public_header(1 << 20, records));
        assert_eq!(refused(1 << 20, records, &record(&forged)), 0);
    }
}

#[test]
fn a_forged_group_in_the_first_record_of_a_torn_segment_does_not_keep_the_log_from_opening() {
    let forged = forge(&public_header(900, 4));
    assert_eq!(refused(900, 4, &record(&forged)), 0);
}

#[test]
fn only_who_knows_the_nonce_of_a_log_can_forge_its_groups() {
    for segment_len in [1 << 20, 900] {
        let (disk, log) = filled(0, segment_len, 4);
        let _one = log.append(&record(&[7; 28])).unwrap();
        let forged = forge(&last_header(&disk));
        assert!(refused(segment_len, 4, &record(&forged)) > 0);
    }
}

#[test]
fn each_log_has_its_own_nonce_and_all_of_its_segments_have_the_same() {
    let nonce = |header: &[u8]| header[header.len() - 48..header.len() - 32].to_vec();
    let (disk, _log) = filled(0, 600, 9);
    let segments = disk.segments().unwrap();
    assert!(segments.len() > 2);
    let mut nonces = Vec::new();
    for first in segments {
        nonces.push(nonce(&disk.get().contents()[&StoredFile::Segment(first)][..header_len()]));
    }
    nonces.dedup();
    assert_eq!(nonces, [b"nonce of a disk."]);
    let dir = tempfile::tempdir().unwrap();
    let drawn: Vec<_> = ["a", "b"]
        .map(|name| dir.path().join(name))
        .into_iter()
        .map(|path| {
            drop(Log::create(&path, origin()).unwrap());
            nonce(&std::fs::read(path.join("segment-00000000000000000000")).unwrap())
        })
        .collect();
    assert_ne!(drawn[0], drawn[1]);
}

#[test]
fn a_segment_of_another_log_of_the_same_name_is_refused() {
    let (disk, log) = filled(0, 600, 9);
    let (other, _other) = filled(1, 600, 9);
    drop(log);
    let last = last_segment(&disk);
    assert_eq!(last, last_segment(&other));
    let mut files = disk.get().contents();
    let checkpoint = disk.get().checkpoint.clone();
    files.insert(last, other.get().contents()[&last].clone());
    let mixed = Disk::of(&files, checkpoint.as_deref());
    assert!(matches!(mixed.open(), Err(OpenError::Header { file }) if file == last));
}

#[test]
fn a_log_in_another_version_of_the_format_is_named_as_such() {
    let (disk, log) = filled(0, 1 << 20, 3);
    drop(log);
    disk.get().segment().cache[11] = 2;
    let before = disk.get().contents();
    for opened in [disk.open().map(|_| ()), disk.check().map(|_| ())] {
        let error = opened.unwrap_err();
        assert!(matches!(error, OpenError::Version { found: 2, .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "`segment-00000000000000000000` has version 2 of the format, which this program does \
             not know"
        );
    }
    let created = Log::create_on(Box::new(disk.clone()), origin());
    assert!(created.is_err());
    assert_eq!(disk.get().contents(), before);
}

#[test]
fn a_log_whose_first_header_was_lost_is_not_created_over() {
    let (disk, log) = filled(0, 1 << 20, 9);
    drop(log);
    disk.get().checkpoint = None;
    // A sector of it.
    disk.get().segment().cache[..512].fill(0);
    let before = disk.get().contents();
    assert!(matches!(disk.open(), Err(OpenError::Header { .. })));
    assert!(Log::create_on(Box::new(disk.clone()), origin()).is_err());
    assert_eq!(disk.get().contents(), before);
}
