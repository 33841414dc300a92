//! From files that somebody else serves a reader gets the truth or an error, and verification
//! finds every change.
//!
//! The input is instructions, ten bytes each: which file, what is done to it, how it is changed.

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use dataspace_audit_log::Log;
use dataspace_identity::Origin;
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};
use dataspace_tlog::{
    Event, LeafIndex, Record, StaticLog, TreeSize,
    published::{Depth, FnFiles, verify_static},
    tree::{BundleId, TILE_LEVEL_MAX, TileId},
};

use crate::changed::changed;
use crate::disk::Disk;

const SIZE: usize = 270;
/// An earlier size, whose partial files stand there too.
const EARLIER: usize = 260;

/// A place in memory.
fn at(index: u64) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

type Files = BTreeMap<String, Vec<u8>>;

struct World {
    origin: Origin,
    log: Log,
    files: Files,
    entries: Vec<Vec<u8>>,
    /// The checkpoints of the earlier size, and of another log.
    notes: [Vec<u8>; 2],
}

fn record(n: u64) -> Result<Record, Box<dyn Error>> {
    let (id, class) = (format!("product {n}").parse()?, "tests".parse()?);
    let time = UnixMillis::new(n).ok_or("a time")?;
    Ok(Record::new(
        time,
        Event::Product { id, class, descriptor: Digest::of(b""), forbids: Vec::new() },
    ))
}

/// The files of the first entries, plainly from their definition.
fn publish(entries: &[Vec<u8>], files: &mut Files) {
    let size = TreeSize::new(entries.len() as u64);
    let leaf = |entry: &Vec<u8>| Digest::of(&[&[0], &entry[..]].concat());
    let mut levels = vec![entries.iter().map(leaf).collect::<Vec<_>>()];
    for level in 0..usize::from(TILE_LEVEL_MAX) {
        let full = levels[level].chunks_exact(256).map(|tile| {
            let mut row = tile.to_vec();
            while row.len() > 1 {
                let pair = |pair: &[Digest]| {
                    Digest::of(&[&[1], &pair[0].as_bytes()[..], pair[1].as_bytes()].concat())
                };
                row = row.chunks_exact(2).map(pair).collect();
            }
            row[0]
        });
        let full = full.collect();
        levels.push(full);
    }
    for tile in TileId::all(size) {
        let start = at(tile.index()) * 256;
        let hashes = &levels[usize::from(tile.level())][start..start + usize::from(tile.width())];
        let bytes = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
        files.insert(tile.to_string(), bytes);
    }
    for bundle in BundleId::all(size) {
        let range = at(bundle.leaves().start)..at(bundle.leaves().end);
        let bytes = entries[range].iter().flat_map(|entry| {
            [&u16::try_from(entry.len()).expect("a short entry").to_be_bytes()[..], entry].concat()
        });
        files.insert(bundle.to_string(), bytes.collect());
    }
}

fn world() -> Result<World, Box<dyn Error>> {
    let operator = SecretKey::from_seed(&mut [1; 32])?;
    let origin = Origin::new(operator.did()).expect("an origin");
    let log = Log::create_on(Box::new(Disk::default()), origin.clone())?;
    let mut notes = Vec::new();
    for range in [0..EARLIER, EARLIER..SIZE] {
        let records = range.map(|n| record(n as u64)).collect::<Result<Vec<_>, _>>()?;
        let _appended = log.append_batch(&records)?;
        notes.push(log.checkpoint(&operator)?.as_note().as_bytes().to_vec());
    }
    let mut entries = Vec::new();
    for index in 0..SIZE as u64 {
        entries.push(log.read(LeafIndex::new(index))?);
    }
    let mut files = Files::new();
    publish(&entries[..EARLIER], &mut files);
    publish(&entries, &mut files);
    files.insert("checkpoint".to_owned(), notes.pop().ok_or("a checkpoint")?);
    let named = Origin::named(operator.did(), "b")?;
    let other = Log::create_on(Box::new(Disk::default()), named)?;
    let foreign = other.checkpoint(&operator)?.as_note().as_bytes().to_vec();
    let notes = [notes.pop().ok_or("a checkpoint")?, foreign];
    Ok(World { origin, log, files, entries, notes })
}

static WORLD: LazyLock<World> = LazyLock::new(|| world().expect("a world with a good log"));

pub(crate) fn check(bytes: &[u8]) {
    let World { origin, files: good, notes, .. } = &*WORLD;
    let mut files = good.clone();
    let names: Vec<_> = good.keys().collect();
    let name = |byte: u8| names[usize::from(byte) % names.len()].clone();
    for step in bytes.chunks(10).take(8) {
        let [which, operation, steps @ ..] = step else { continue };
        let (path, other) = (name(*which), name(operation / 8));
        match operation % 8 {
            0 => drop(files.remove(&path)),
            1 => {
                let (a, b) = (good[&path].clone(), good[&other].clone());
                files.insert(path, b);
                files.insert(other, a);
            }
            2 => drop(files.insert("checkpoint".to_owned(), notes[usize::from(which % 2)].clone())),
            // A file of its own, whose bytes are those of the input.
            3 => drop(files.insert(path, steps.to_vec())),
            _ => drop(files.insert(path.clone(), changed(&good[&path], &good[&other], steps))),
        }
    }
    let get = FnFiles(|path: &str, _: usize| Ok(files.get(path).cloned()));
    let Ok(log) = StaticLog::open(&get, origin) else {
        assert_sound_or_found(&files, false);
        return;
    };
    assert_truth(&log);
    assert_sound_or_found(&files, true);
}

/// Whether the files lead to the signed root or not: verification says that all is sound exactly
/// if all that the checkpoint names is as it was.
fn assert_sound_or_found(files: &Files, opens: bool) {
    let World { origin, files: good, .. } = &*WORLD;
    let get = FnFiles(|path: &str, _: usize| Ok(files.get(path).cloned()));
    let Ok(report) =
        verify_static(&get, origin, Depth::Records, &mut |_| ControlFlow::Continue(()))
    else {
        assert!(!opens);
        return;
    };
    let size = report.checkpoint().size();
    let tiles = TileId::all(size).map(|tile| tile.to_string());
    let mut paths = tiles.chain(BundleId::all(size).map(|bundle| bundle.to_string()));
    let is_good = paths.all(|path| files.get(&path) == good.get(&path));
    assert_eq!(report.is_sound(), is_good, "{:?}", report.first());
    assert!(opens || !is_good);
    assert_eq!(report.is_sound(), report.first().is_none());
}

fn assert_truth<F: dataspace_tlog::StaticFiles>(log: &StaticLog<F>) {
    let World { log: good, entries, .. } = &*WORLD;
    let size = log.size();
    assert_eq!(log.checkpoint().root(), good.root_at(size).expect("a size that was signed"));
    for index in [0, 1, 255, 256, 258, 259, 265, 269, 270, u64::MAX].map(LeafIndex::new) {
        if let Ok(entry) = log.entry(index) {
            assert!(size.contains(index));
            assert_eq!(Some(&entry), entries.get(at(index.as_u64())));
        }
        if let Ok(proof) = log.inclusion_proof(index, size) {
            assert_eq!(Some(proof), good.inclusion_proof(index, size).ok());
        }
        let from = TreeSize::new(index.as_u64());
        if let Ok(proof) = log.consistency_proof(from, size) {
            assert_eq!(Some(proof), good.consistency_proof(from, size).ok());
        }
        if let Ok(root) = log.root_at(from) {
            assert_eq!(Some(root), good.root_at(from).ok());
        }
    }
}
