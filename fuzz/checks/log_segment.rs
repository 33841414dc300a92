//! A log opens as a beginning of what was written, or not at all.
//!
//! The first byte says whether the stored checkpoint is there and of how much; the rest is the
//! segment itself, what follows its header, or instructions to change a good one.

use std::error::Error;
use std::sync::LazyLock;

use dataspace_audit_log::{Event, Log, OpenError, Origin, ReadError, Record};
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};

use crate::changed::changed;
use crate::disk::Disk;

/// Groups are read whole; the largest has 4 MiB.
const READ_MAX: usize = 5 << 20;

struct World {
    origin: Origin,
    header: Vec<u8>,
    segment: Vec<u8>,
    checkpoints: Vec<Vec<u8>>,
    signed: Vec<usize>,
    records: Vec<Vec<u8>>,
    /// Bytes of a log of the same operator with another name.
    other: Vec<u8>,
}

fn record(n: u64) -> Result<Record, Box<dyn Error>> {
    let (id, class) = (format!("product {n}").parse()?, "tests".parse()?);
    let descriptor = Digest::of(&n.to_be_bytes());
    let time = UnixMillis::new(n).ok_or("a time")?;
    Ok(Record::new(time, Event::Product { id, class, descriptor }))
}

fn world() -> Result<World, Box<dyn Error>> {
    let operator = SecretKey::from_seed(&mut [1; 32])?;
    let origin = Origin::new(operator.did());
    let disk = Disk::default();
    let log = Log::create_on(Box::new(disk.clone()), origin.clone())?;
    let header = disk.get().segment.clone();
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
    let segment = disk.get().segment.clone();
    let other = Disk::default();
    let foreign = Log::create_on(Box::new(other.clone()), Origin::named(operator.did(), "b")?)?;
    let _appended = foreign.append(&record(7)?)?;
    let other = other.get().segment.clone();
    Ok(World { origin, header, segment, checkpoints, signed, records, other })
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
}

fn assert_opens_as_a_beginning(bytes: &[u8], note: Option<&Vec<u8>>, signed: Option<usize>) {
    let World { origin, signed: sizes, records, .. } = &*WORLD;
    let disk = Disk::default();
    disk.get().segment = bytes.to_vec();
    disk.get().checkpoint = note.cloned();
    let opened = Log::open_on(Box::new(disk.clone()), origin.clone());
    assert!(disk.get().largest_read <= READ_MAX.min(bytes.len() + 64), "an unbounded read");
    let (log, recovery) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            assert_eq!(disk.get().segment, bytes, "a refused log must stay as it is");
            assert!(!matches!(error, OpenError::Io(_)), "the medium did not fail: {error:?}");
            return;
        }
    };
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
    let kept = disk.get().segment.len() as u64;
    assert_eq!(kept + recovery.bytes_cut(), bytes.len() as u64);
    assert!(bytes.starts_with(&disk.get().segment), "other bytes than those found");
}
