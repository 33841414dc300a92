//! What an attacker or a bad disk does to the files.

use dataspace_audit_log::{Log, open::OpenError, reader::ReadError};
use dataspace_identity::Origin;
use dataspace_tlog::TreeSize;

use crate::support::{Disk, all_numbers, key, number, numbers, origin, small};

/// Segment, checkpoint, and where each group begins (the last entry is the end).
struct Sample {
    bytes: Vec<u8>,
    checkpoint: Vec<u8>,
    groups: Vec<usize>,
}

/// Four groups: records 0 | 1 2 | 3 | 4 5 6, with a checkpoint of `signed` groups.
fn sample(signed: usize) -> Sample {
    let disk = Disk::default();
    let log = disk.create();
    let mut groups = vec![disk.get().segment().durable.len()];
    let mut checkpoint = log.checkpoint(&key(1)).unwrap();
    for (n, range) in [0..1, 1..3, 3..4, 4..7].into_iter().enumerate() {
        log.append_batch(&numbers(range)).unwrap();
        groups.push(disk.get().segment().durable.len());
        if n < signed {
            checkpoint = log.checkpoint(&key(1)).unwrap();
        }
    }
    let bytes = disk.get().segment().durable.clone();
    Sample { bytes, checkpoint: checkpoint.as_note().as_bytes().to_vec(), groups }
}

fn open(bytes: &[u8], checkpoint: Option<&[u8]>) -> Result<(Vec<u64>, u64), OpenError> {
    let disk = Disk::with(bytes, checkpoint);
    let before = disk.get().segment().cache.clone();
    match disk.open() {
        Ok((log, recovery)) => {
            let cut = recovery.bytes_cut();
            let kept = u64::try_from(disk.get().segment().durable.len()).unwrap();
            assert!(kept + cut <= before.len() as u64);
            // What opens, goes on.
            let next = log.append(&small(99)).unwrap().index().as_u64();
            drop(log);
            let (log, again) = disk.open().unwrap();
            assert_eq!(again.bytes_cut(), 0);
            let mut found = all_numbers(&log);
            assert_eq!((found.len() as u64, found.pop()), (next + 1, Some(99)));
            Ok((found, cut))
        }
        Err(error) => {
            assert_eq!(disk.get().segment().cache, before, "a refused log must stay as it is");
            Err(error)
        }
    }
}

#[test]
fn a_tail_torn_at_every_byte_is_cut_to_the_last_whole_group() {
    let Sample { bytes, checkpoint, groups } = sample(3);
    let (start, end) = (groups[3], groups[4]);
    for len in start..end {
        let (found, cut) = open(&bytes[..len], Some(&checkpoint)).unwrap();
        assert_eq!(found, (0..4).collect::<Vec<_>>(), "cut at {len}");
        // Zeros at the end may as well have been reserved.
        let zeros = bytes[start..len].iter().rev().take_while(|byte| **byte == 0).count();
        assert!([len - start, len - start - zeros].contains(&usize::try_from(cut).unwrap()));
    }
    assert_eq!(open(&bytes, Some(&checkpoint)).unwrap(), ((0..7).collect(), 0));
}

#[test]
fn a_tail_whose_pages_were_not_all_written_is_cut() {
    // The file has its length, but any of the 16-byte blocks of the last group are still zero.
    let Sample { bytes, checkpoint, groups } = sample(3);
    let start = groups[3];
    let blocks: Vec<_> = (start..bytes.len()).step_by(16).collect();
    for (n, first) in blocks.iter().enumerate() {
        for last in &blocks[n..] {
            let mut torn = bytes.clone();
            let end = (last + 16).min(torn.len());
            torn[*first..end].fill(0);
            let (found, _) = open(&torn, Some(&checkpoint)).unwrap();
            assert_eq!(found, (0..4).collect::<Vec<_>>());
        }
    }
}

#[test]
fn bytes_of_rubbish_after_the_last_group_are_cut() {
    let Sample { bytes, checkpoint, .. } = sample(4);
    for rubbish in [&b"DSGR"[..], &[0; 100], &[0xff; 4096], b"DSGR DSGR DSGR DSGR DSGR DSGR DSGR"] {
        let longer = [&bytes, rubbish].concat();
        let found = open(&longer, Some(&checkpoint)).unwrap();
        let cut = rubbish.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        assert_eq!(found, ((0..7).collect(), cut as u64));
    }
}

#[test]
fn a_flip_of_any_bit_under_the_checkpoint_is_found() {
    let Sample { bytes, checkpoint, .. } = sample(4);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            assert!(open(&changed, Some(&checkpoint)).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn a_flip_of_any_bit_before_the_last_group_is_found_without_a_checkpoint() {
    let Sample { bytes, groups, .. } = sample(0);
    for at in 0..groups[3] {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let error = open(&changed, None).unwrap_err();
            if at < groups[0] {
                assert!(!matches!(error, OpenError::Corrupt { .. }), "byte {at}, bit {bit}");
            } else {
                let begin = *groups.iter().rfind(|start| **start <= at).unwrap() as u64;
                let is_here =
                    |error| matches!(error, OpenError::Corrupt { offset, .. } if offset == begin);
                assert!(is_here(error), "byte {at}, bit {bit}");
            }
        }
    }
}

#[test]
fn a_flip_in_the_unsigned_last_group_loses_that_group_alone() {
    let Sample { bytes, checkpoint, groups } = sample(3);
    for at in groups[3]..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let found = open(&changed, Some(&checkpoint)).unwrap();
        assert_eq!(found, ((0..4).collect(), (bytes.len() - groups[3]) as u64));
    }
}

#[test]
fn a_log_cut_below_its_checkpoint_is_refused_at_every_length() {
    let Sample { bytes, checkpoint, groups } = sample(4);
    for len in groups[0]..bytes.len() {
        let error = open(&bytes[..len], Some(&checkpoint)).unwrap_err();
        assert!(matches!(error, OpenError::Truncated { .. }), "{len}: {error}");
    }
    for len in 0..groups[0] {
        assert!(matches!(open(&bytes[..len], Some(&checkpoint)), Err(OpenError::Header { .. })));
    }
}

#[test]
fn a_log_written_anew_with_another_past_is_refused() {
    // Whoever rewrites the file can make all checksums right, but not the root.
    let Sample { checkpoint, .. } = sample(4);
    let disk = Disk::default();
    let log = disk.create();
    for n in [0, 1, 2, 3, 4, 66, 6, 7] {
        let _one = log.append(&small(n)).unwrap();
    }
    let error = open(&disk.get().segment().durable.clone(), Some(&checkpoint)).unwrap_err();
    assert!(matches!(error, OpenError::Tampered { signed } if signed == TreeSize::new(7)));
}

#[test]
fn swapped_records_are_refused() {
    let Sample { checkpoint, .. } = sample(4);
    let disk = Disk::default();
    let log = disk.create();
    for n in [0, 2, 1, 3, 4, 5, 6] {
        let _one = log.append(&small(n)).unwrap();
    }
    let error = open(&disk.get().segment().durable.clone(), Some(&checkpoint)).unwrap_err();
    assert!(matches!(error, OpenError::Tampered { .. }));
}

#[test]
fn the_same_records_in_other_groups_are_the_same_log() {
    let Sample { checkpoint, .. } = sample(4);
    let disk = Disk::default();
    let log = disk.create();
    log.append_batch(&numbers(0..7)).unwrap();
    let found = open(&disk.get().segment().durable.clone(), Some(&checkpoint)).unwrap();
    assert_eq!(found.0, (0..7).collect::<Vec<_>>());
}

#[test]
fn a_deleted_swapped_or_doubled_group_is_found_without_a_checkpoint() {
    let Sample { bytes, groups, .. } = sample(0);
    let head = &bytes[..groups[0]];
    let group = |n: usize| &bytes[groups[n]..groups[n + 1]];
    let arrange = |order: &[usize]| {
        let parts = order.iter().map(|n| group(*n));
        std::iter::once(head).chain(parts).collect::<Vec<_>>().concat()
    };
    assert!(open(&arrange(&[0, 1, 2, 3]), None).is_ok());
    for order in [
        &[1, 2, 3][..],
        &[0, 2, 3],
        &[0, 1, 3],
        &[3],
        &[1, 0, 2, 3],
        &[0, 2, 1, 3],
        &[0, 1, 3, 2],
        &[0, 0, 1, 2, 3],
        &[0, 1, 2, 3, 3],
        &[0, 1, 2, 2],
    ] {
        let error = open(&arrange(order), None).unwrap_err();
        assert!(matches!(error, OpenError::Corrupt { .. }), "{order:?}: {error}");
    }
}

#[test]
fn a_group_of_another_log_does_not_pass() {
    let Sample { bytes, groups, .. } = sample(0);
    let disk = Disk::default();
    let other = Origin::named(key(1).did(), "node-2").unwrap();
    let log = Log::create_on(Box::new(disk.clone()), other).unwrap();
    let header_len = disk.get().segment().durable.len();
    let _one = log.append(&small(7)).unwrap();
    let foreign = disk.get().segment().durable[header_len..].to_vec();
    // In the place of the first group it is damage with good groups after it.
    let replaced = [&bytes[..groups[0]], &foreign, &bytes[groups[1]..]].concat();
    assert!(matches!(open(&replaced, None), Err(OpenError::Corrupt { .. })));
    // At the end it is rubbish, and is cut.
    let longer = [&bytes, &foreign[..]].concat();
    assert_eq!(open(&longer, None).unwrap(), ((0..7).collect(), foreign.len() as u64));
}

#[test]
fn declared_lengths_do_not_allocate() {
    let Sample { bytes, groups, .. } = sample(0);
    for (at, width) in [(4, 4), (8, 4), (12, 8), (28, 4)] {
        for value in [u64::MAX, u64::MAX / 2, 1 << 31, 1 << 22, (1 << 22) + 1, 0] {
            for start in groups.iter().take(4) {
                let mut changed = bytes.clone();
                let place = start + at;
                changed[place..place + width].copy_from_slice(&value.to_be_bytes()[8 - width..]);
                let disk = Disk::with(&changed, None);
                let _refused_or_cut = disk.open();
                assert!(disk.get().largest_read < 100_000);
            }
        }
    }
}

#[test]
fn the_start_of_a_great_torn_group_is_cut_without_reading_it_at_once() {
    let Sample { bytes, checkpoint, .. } = sample(4);
    let longer = [&bytes[..], &vec![0; (3 << 20) - 1], &[1]].concat();
    let disk = Disk::with(&longer, Some(&checkpoint));
    assert_eq!(disk.open().unwrap().1.bytes_cut(), 3 << 20);
    assert!(disk.get().largest_read < 100_000);
}

#[test]
fn damage_with_good_groups_far_behind_it_is_not_cut() {
    // The next good header stands across the border of the windows that the search reads.
    let Sample { bytes, groups, .. } = sample(0);
    for gap in (65_536 - 40)..(65_536 + 40) {
        let hole = vec![0; gap];
        let damaged = [&bytes[..groups[1]], &hole, &bytes[groups[2]..]].concat();
        assert!(matches!(open(&damaged, None), Err(OpenError::Corrupt { .. })), "{gap}");
    }
}

#[test]
fn a_checkpoint_forged_with_another_key_is_refused() {
    let Sample { bytes, .. } = sample(4);
    let other = Origin::new(key(2).did()).unwrap();
    let log = Log::create_on(Box::new(Disk::default()), other.clone()).unwrap();
    log.append_batch(&numbers(0..7)).unwrap();
    let forged = log.checkpoint(&key(2)).unwrap().as_note().to_owned();
    let renamed = forged.replace(other.as_str(), origin().as_str());
    for note in [forged, renamed] {
        let error = open(&bytes, Some(note.as_bytes())).unwrap_err();
        assert!(matches!(error, OpenError::Checkpoint(_)), "{error}");
    }
}

#[test]
fn a_checkpoint_file_of_rubbish_is_refused() {
    let Sample { bytes, checkpoint, .. } = sample(4);
    for note in [&b""[..], b"\xff\xfe", b"x\n\n", &checkpoint[1..], &vec![b'x'; 100_000]] {
        assert!(matches!(open(&bytes, Some(note)), Err(OpenError::Checkpoint(_))));
    }
}

#[test]
fn an_endless_checkpoint_file_is_not_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    drop(Log::create(&path, origin()).unwrap());
    let file = std::fs::File::create(path.join("checkpoint")).unwrap();
    file.set_len(1 << 40).unwrap();
    assert!(matches!(Log::open(&path, origin()), Err(OpenError::Io(_))));
}

#[test]
fn what_changes_on_the_disk_behind_an_open_log_is_not_handed_out() {
    let disk = Disk::default();
    let log = disk.create();
    log.append_batch(&numbers(0..3)).unwrap();
    let bytes = disk.get().segment().cache.clone();
    let header_len = {
        let empty = Disk::default();
        drop(empty.create());
        empty.get().segment().cache.len()
    };
    for at in header_len..bytes.len() {
        disk.get().segment().cache[at] ^= 1;
        let mut replayed = Vec::new();
        let outcome = log.replay(|_, bytes| {
            replayed.push(number(bytes));
            Ok::<(), ReadError>(())
        });
        // What stands between the records is nothing that is handed out.
        match outcome {
            Ok(()) => assert_eq!(replayed, [0, 1, 2], "byte {at}"),
            Err(error) => assert!(matches!(error, ReadError::Corrupt { .. }), "byte {at}"),
        }
        for n in 0..3 {
            // One record or the other may still be whole; what comes is what was written.
            if let Ok(bytes) = log.read(dataspace_tlog::LeafIndex::new(n)) {
                assert_eq!(number(&bytes), n);
            }
        }
        disk.get().segment().cache[at] ^= 1;
    }
    disk.get().segment().cache.truncate(bytes.len() - 40);
    assert!(log.read(dataspace_tlog::LeafIndex::new(2)).is_err());
}
