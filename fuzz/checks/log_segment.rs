//! A log opens as a beginning of what was written, or not at all.
//!
//! The first byte says whether the stored checkpoint is there and of how much; the rest is the
//! segment itself, what follows its header, or instructions to change one file of a good log: its
//! segment, or, of a log that was archived, hashes, offsets or mark.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::LazyLock;

use dataspace_audit_log::{Log, medium::StoredFile, open::OpenError, reader::ReadError};
use dataspace_identity::Origin;
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_tlog::{Event, LeafIndex, Record, record::RECORD_LEN_MAX};

use crate::changed::changed;
use crate::disk::Disk;

/// Groups are read whole; the largest has 4 MiB.
const READ_MAX: usize = 5 << 20;

const FIRST: StoredFile = StoredFile::Segment(LeafIndex::new(0));

type Files = BTreeMap<StoredFile, Vec<u8>>;

struct World {
    origin: Origin,
    header: Vec<u8>,
    segment: Vec<u8>,
    checkpoints: Vec<Vec<u8>>,
    signed: Vec<usize>,
    records: Vec<Vec<u8>>,
    /// Bytes of a log of the same operator with another name.
    other: Vec<u8>,
    settled: Settled,
}

/// A log of several segments, the first of which was archived, and so with a mark.
struct Settled {
    files: Files,
    checkpoint: Vec<u8>,
    first: LeafIndex,
    records: Vec<Vec<u8>>,
}

fn record(n: u64) -> Result<Record, Box<dyn Error>> {
    let (id, class) = (format!("product {n}").parse()?, "tests".parse()?);
    let descriptor = Digest::of(&n.to_be_bytes());
    let time = UnixMillis::new(n).ok_or("a time")?;
    Ok(Record::new(time, Event::Product { id, class, descriptor, forbids: Vec::new() }))
}

fn world() -> Result<World, Box<dyn Error>> {
    let operator = SecretKey::from_seed(&mut [1; 32])?;
    let origin = Origin::new(operator.did()).expect("an origin");
    let disk = Disk::default();
    let log = Log::create_on(Box::new(disk.clone()), origin.clone())?;
    let segment = || disk.get().files.get(&FIRST).cloned().unwrap_or_default();
    let header = segment();
    let (mut checkpoints, mut signed) = (Vec::new(), Vec::new());
    let mut records = Vec::new();
    for range in [0..1, 1..3, 3..6] {
        let batch = range.map(record).collect::<Result<Vec<_>, _>>()?;
        let _appended = log.append_batch(&batch)?;
        for record in &batch {
            records.push(record.to_bytes()?);
        }
        checkpoints.push(log.checkpoint(&operator)?.as_note().as_bytes().to_vec());
        signed.push(records.len());
    }
    let segment = segment();
    let other = Disk::default();
    let foreign = Log::create_on(Box::new(other.clone()), Origin::named(operator.did(), "b")?)?;
    let _appended = foreign.append(&record(7)?)?;
    let other = other.get().files.get(&FIRST).cloned().unwrap_or_default();
    let settled = settled(&operator, &origin)?;
    Ok(World { origin, header, segment, checkpoints, signed, records, other, settled })
}

fn settled(operator: &SecretKey, origin: &Origin) -> Result<Settled, Box<dyn Error>> {
    let disk = Disk::default();
    disk.get().segment_len = Some(600);
    let log = Log::create_on(Box::new(disk.clone()), origin.clone())?;
    for n in 0..12 {
        let _appended = log.append(&record(n)?)?;
    }
    let first = log.archive(LeafIndex::new(5), UnixMillis::new(12).ok_or("a time")?, operator)?;
    let mut records = Vec::new();
    let keep = |_, bytes: &[u8]| {
        records.push(bytes.to_vec());
        Ok::<(), ReadError>(())
    };
    log.replay_from(first, keep)?;
    let disk = disk.get();
    let checkpoint = disk.checkpoint.clone().ok_or("a checkpoint")?;
    Ok(Settled { files: disk.files.clone(), checkpoint, first, records })
}

static WORLD: LazyLock<World> = LazyLock::new(|| world().expect("a world with a good log"));

pub(crate) fn check(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let World { header, segment, checkpoints, other, .. } = &*WORLD;
    let signed = usize::from(first % 4).checked_sub(1);
    let note = signed.and_then(|n| checkpoints.get(n));
    assert_opens_as_a_beginning(rest, note, signed);
    assert_opens_as_a_beginning(&[header, rest].concat(), note, signed);
    assert_opens_as_a_beginning(&[segment, rest].concat(), note, signed);
    assert_opens_as_a_beginning(&changed(segment, other, rest), note, signed);
    // A checkpoint of anything, beside the good segment.
    assert_opens_as_a_beginning(segment, Some(&rest.to_vec()), None);
    // Any file of a log of several.
    let Settled { files, .. } = &WORLD.settled;
    let Some((name, good)) = files.iter().nth(usize::from(first / 4) % files.len()) else { return };
    for new in [rest.to_vec(), changed(good, other, rest)] {
        let mut files = files.clone();
        files.insert(*name, new);
        assert_gives_nothing_else(&files);
    }
}

/// Opens a log of these files; `None` if it is refused, and then nothing was changed.
fn open(disk: &Disk, files: &Files) -> Option<(Log, dataspace_audit_log::Recovery)> {
    disk.get().files.clone_from(files);
    let opened = Log::open_on(Box::new(disk.clone()), WORLD.origin.clone());
    let longest = files.values().map(Vec::len).max().unwrap_or(0);
    // A tile is read whole, and a record as long as it says, whatever the files have.
    let read_max = READ_MAX.min(longest.max(RECORD_LEN_MAX) + 64);
    assert!(disk.get().largest_read <= read_max, "an unbounded read");
    match opened {
        Ok(opened) => Some(opened),
        Err(error) => {
            assert_eq!(&disk.get().files, files, "a refused log must stay as it is");
            assert!(!matches!(error, OpenError::Io(_)), "the medium did not fail: {error:?}");
            None
        }
    }
}

fn assert_opens_as_a_beginning(bytes: &[u8], note: Option<&Vec<u8>>, signed: Option<usize>) {
    let World { signed: sizes, records, .. } = &*WORLD;
    let disk = Disk::default();
    disk.get().checkpoint = note.cloned();
    let files = Files::from([(FIRST, bytes.to_vec())]);
    let Some((log, recovery)) = open(&disk, &files) else { return };
    let mut found = Vec::new();
    log.replay(|_, bytes| {
        found.push(bytes.to_vec());
        Ok::<(), ReadError>(())
    })
    .expect("what was opened can be read");
    assert_eq!(recovery.size().as_u64(), found.len() as u64);
    assert!(records.starts_with(&found), "{} records that nobody wrote", found.len());
    if let Some(signed) = signed {
        assert!(found.len() >= sizes[signed], "records under the checkpoint are gone");
    }
    let kept = disk.get().files.get(&FIRST).cloned().unwrap_or_default();
    assert!(bytes.starts_with(&kept), "other bytes than those found");
    // Zeros behind the last group are left, as room that was taken.
    let cut = usize::try_from(recovery.bytes_cut()).expect("as many as there were");
    let rest = &bytes[kept.len()..];
    assert!(cut <= rest.len() && rest[cut..].iter().all(|byte| *byte == 0));
}

/// Whatever is done to one file, what is read and proved is what was written.
fn assert_gives_nothing_else(files: &Files) {
    let Settled { checkpoint, first, records, .. } = &WORLD.settled;
    let disk = Disk::default();
    disk.get().checkpoint = Some(checkpoint.clone());
    let Some((log, recovery)) = open(&disk, files) else { return };
    let size = recovery.size();
    assert_eq!(size.as_u64(), first.as_u64() + records.len() as u64, "all of it was signed");
    let root = recovery.checkpoint().expect("the stored one").root();
    for (index, record) in (first.as_u64()..).map(LeafIndex::new).zip(records) {
        match log.read(index) {
            Ok(bytes) => assert_eq!(&bytes, record),
            Err(error) => assert!(!matches!(error, ReadError::Io(_)), "{error:?}"),
        }
        if let Ok(proof) = log.inclusion_proof(index, size) {
            let leaf = dataspace_tlog::tree::leaf_hash(record);
            assert!(proof.verify(&leaf, &root).is_ok(), "a wrong proof");
        }
    }
    let mut at = 0;
    let _complete_or_refused = log.replay_from(*first, |_, bytes| {
        assert_eq!(bytes, records[at]);
        at += 1;
        Ok::<(), ReadError>(())
    });
}
