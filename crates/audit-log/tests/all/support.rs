//! Keys, records, and a disk that tears writes and forgets what was not synced.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dataspace_audit_log::{
    AccessRecord, Checkpoint, Event, Fact, LeafIndex, Log, Origin, Record, SEGMENT_LEN_MAX,
    SeenStore, Storage, StoredFile, Tree, TreeSize, Verdict, leaf_hash, note_key,
};
use dataspace_identity::SecretKey;
use dataspace_primitives::{Digest, UnixMillis};

pub(crate) fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&mut [seed; 32]).unwrap()
}

pub(crate) fn origin() -> Origin {
    Origin::new(key(1).did())
}

pub(crate) fn time(millis: u64) -> UnixMillis {
    UnixMillis::new(1_790_000_000_000 + millis).unwrap()
}

/// A small record; another one for each number.
pub(crate) fn small(number: u64) -> Record {
    let id = format!("product {number}").parse().unwrap();
    let (class, descriptor) = ("tests".parse().unwrap(), Digest::of(&number.to_be_bytes()));
    Record::new(time(number), Event::Product { id, class, descriptor })
}

pub(crate) fn numbers(range: std::ops::Range<u64>) -> Vec<Record> {
    range.map(small).collect()
}

/// The number of a small record.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    match Record::from_bytes(bytes).unwrap().event {
        Event::Product { id, .. } => id.as_str().strip_prefix("product ").unwrap().parse().unwrap(),
        other => panic!("not a small record: {other:?}"),
    }
}

pub(crate) fn access(verdict: Verdict) -> AccessRecord {
    AccessRecord {
        contract: Digest::of(b"contract"),
        program: Digest::of(b"program"),
        profile: 3,
        request: Digest::of(b"request"),
        facts: [
            ("purpose".to_owned(), Fact::Text("research".to_owned())),
            ("uses".to_owned(), Fact::Number(7)),
            ("roles".to_owned(), Fact::Texts(["consumer".to_owned(), "lab".to_owned()].into())),
        ]
        .into(),
        verdict,
    }
}

pub(crate) fn all_numbers(log: &Log) -> Vec<u64> {
    let mut found = Vec::new();
    log.replay(|index, bytes| {
        assert_eq!(index.as_u64(), u64::try_from(found.len()).unwrap());
        assert_eq!(log.read(index)?, bytes);
        found.push(number(bytes));
        Ok::<(), dataspace_audit_log::ReadError>(())
    })
    .unwrap();
    assert!(log.read(LeafIndex::new(u64::try_from(found.len()).unwrap())).is_err());
    found
}

/// One file: what reads return, and what a power failure leaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct DiskFile {
    /// The page cache.
    pub(crate) cache: Vec<u8>,
    pub(crate) durable: Vec<u8>,
    /// Writes since the last sync.
    dirty: Vec<(usize, Vec<u8>)>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) files: BTreeMap<StoredFile, DiskFile>,
    pub(crate) checkpoint: Option<Vec<u8>>,
    /// Fails the write after so many more, keeping so many bytes of it.
    pub(crate) fail_write: Option<(usize, usize)>,
    /// Fails the sync after so many more.
    pub(crate) fail_sync: Option<usize>,
    pub(crate) fail_checkpoint: bool,
    pub(crate) panic_in_write: bool,
    /// Bytes that all segments can have.
    pub(crate) capacity: Option<usize>,
    /// Bytes after which a new segment is begun.
    pub(crate) segment_len: Option<u64>,
    /// Every call that changes something fails from this one on, as if the process had ended.
    pub(crate) ends_after: Option<usize>,
    /// How long a sync takes.
    pub(crate) sync_time: Duration,
    pub(crate) syncs: usize,
    pub(crate) writes: usize,
    pub(crate) reads: usize,
    pub(crate) largest_read: usize,
}

impl State {
    /// The first segment.
    pub(crate) fn segment(&mut self) -> &mut DiskFile {
        self.files.entry(StoredFile::Segment(LeafIndex::new(0))).or_default()
    }

    /// Counts a call that changes something; an error if the process has ended.
    fn step(&mut self) -> io::Result<()> {
        match &mut self.ends_after {
            Some(0) => Err(io::Error::other("planned end")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// Clones share one disk, so that a test can look at it and open it again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

impl Disk {
    /// A disk with one segment, and nothing that was made from it.
    pub(crate) fn with(cache: &[u8], checkpoint: Option<&[u8]>) -> Self {
        let disk = Self::default();
        disk.get().segment().cache = cache.to_vec();
        disk.get().segment().durable = cache.to_vec();
        disk.get().checkpoint = checkpoint.map(<[u8]>::to_vec);
        disk
    }

    /// Another disk with the same files and segments of this length.
    pub(crate) fn copy(&self) -> Self {
        let state = self.get();
        let (files, checkpoint) = (state.files.clone(), state.checkpoint.clone());
        let segment_len = state.segment_len;
        Self(Arc::new(Mutex::new(State { files, checkpoint, segment_len, ..State::default() })))
    }

    pub(crate) fn get(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn create(&self) -> Log {
        Log::create_on(Box::new(self.clone()), origin()).unwrap()
    }

    pub(crate) fn open(
        &self,
    ) -> Result<(Log, dataspace_audit_log::Recovery), dataspace_audit_log::OpenError> {
        Log::open_on(Box::new(self.clone()), origin())
    }

    /// Power fails: what was not synced is gone, and the failures planned too.
    pub(crate) fn crash(&self) {
        let mut state = self.get();
        for file in state.files.values_mut() {
            file.cache.clone_from(&file.durable);
            file.dirty.clear();
        }
        let (files, checkpoint) = (std::mem::take(&mut state.files), state.checkpoint.clone());
        let segment_len = state.segment_len;
        *state = State { files, checkpoint, segment_len, ..State::default() };
    }

    /// Only the process dies: the page cache stays.
    pub(crate) fn restart(&self) {
        let mut state = self.get();
        (state.fail_write, state.fail_sync, state.capacity) = (None, None, None);
        (state.panic_in_write, state.fail_checkpoint) = (false, false);
        state.ends_after = None;
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
    if bytes.len() < offset + new.len() {
        bytes.resize(offset + new.len(), 0);
    }
    bytes[offset..offset + new.len()].copy_from_slice(new);
}

impl Storage for Disk {
    fn segments(&self) -> io::Result<Vec<LeafIndex>> {
        let state = self.get();
        let segments = state.files.keys().filter_map(|file| match file {
            StoredFile::Segment(first) => Some(*first),
            _ => None,
        });
        Ok(segments.collect())
    }

    fn len(&self, file: StoredFile) -> io::Result<u64> {
        let len = self.get().files.get(&file).map_or(0, |file| file.cache.len());
        Ok(u64::try_from(len).unwrap())
    }

    fn read_at(&self, file: StoredFile, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut state = self.get();
        state.reads += 1;
        state.largest_read = state.largest_read.max(buffer.len());
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let file = state.files.get(&file).ok_or(io::ErrorKind::NotFound)?;
        let end = offset.checked_add(buffer.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        let found = file.cache.get(offset..end);
        buffer.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, file: StoredFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.get();
        assert!(!state.panic_in_write, "planned panic");
        state.step()?;
        state.writes += 1;
        let offset = usize::try_from(offset).unwrap();
        let mut keep = bytes.len();
        let mut failed = false;
        match &mut state.fail_write {
            Some((0, kept)) => (keep, failed) = ((*kept).min(keep), true),
            Some((left, _)) => *left -= 1,
            None => {}
        }
        if let Some(capacity) = state.capacity
            && matches!(file, StoredFile::Segment(_))
            && offset + keep > capacity
        {
            (keep, failed) = (capacity.saturating_sub(offset), true);
        }
        let kept = bytes[..keep].to_vec();
        let file = state.files.entry(file).or_default();
        put(&mut file.cache, offset, &kept);
        file.dirty.push((offset, kept));
        if failed { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync_data(&self, file: StoredFile) -> io::Result<()> {
        let time = self.get().sync_time;
        std::thread::sleep(time);
        let mut state = self.get();
        state.step()?;
        state.syncs += 1;
        let fails = match &mut state.fail_sync {
            // As Linux does: the pages are marked clean, and the next sync succeeds.
            Some(0) => {
                state.fail_sync = None;
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        };
        let file = state.files.get_mut(&file).ok_or(io::ErrorKind::NotFound)?;
        let dirty = std::mem::take(&mut file.dirty);
        if fails {
            return Err(io::Error::other("planned sync failure"));
        }
        for (offset, bytes) in dirty {
            put(&mut file.durable, offset, &bytes);
        }
        Ok(())
    }

    fn truncate(&self, file: StoredFile, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).unwrap();
        let mut state = self.get();
        state.step()?;
        let file = state.files.get_mut(&file).ok_or(io::ErrorKind::NotFound)?;
        file.cache.truncate(len);
        file.durable.truncate(len);
        for (offset, bytes) in &mut file.dirty {
            bytes.truncate(len.saturating_sub(*offset));
        }
        Ok(())
    }

    fn remove(&self, file: StoredFile) -> io::Result<()> {
        let mut state = self.get();
        state.step()?;
        state.files.remove(&file);
        Ok(())
    }

    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get().checkpoint.clone())
    }

    fn write_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        let mut state = self.get();
        state.step()?;
        if state.fail_checkpoint {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.checkpoint = Some(note.to_vec());
        Ok(())
    }

    fn segment_len_max(&self) -> u64 {
        self.get().segment_len.unwrap_or(SEGMENT_LEN_MAX)
    }
}

/// One history of the log `origin`: records in common with the other branches, and then its own.
pub(crate) struct Branch(Log, Tree);

impl Branch {
    /// 20 records, the first `common` of them the same for every `branch`.
    pub(crate) fn new(common: u64, branch: u64) -> Self {
        let log = Disk::default().create();
        let own = (common..20).map(|n| n + branch * 1000);
        let records: Vec<_> = (0..common).chain(own).map(small).collect();
        log.append_batch(&records).unwrap();
        let mut tree = Tree::new();
        for one in &records {
            tree.push(leaf_hash(&one.to_bytes().unwrap()));
        }
        Self(log, tree)
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.1
    }

    pub(crate) fn root(&self, size: u64) -> Digest {
        self.1.root_at(TreeSize::new(size)).unwrap()
    }

    /// The operator's checkpoint of the first `size` records.
    pub(crate) fn checkpoint(&self, size: u64) -> Checkpoint {
        let root = STANDARD.encode(self.root(size).as_bytes());
        let text = format!("{}\n{size}\n{root}\n", origin());
        let note = note_key(&origin()).unwrap().sign(&text, &key(1)).unwrap();
        Checkpoint::verify(&note, &origin()).unwrap()
    }

    /// The path of the consistency proof; empty if there is none.
    pub(crate) fn path(&self, from: u64, to: u64) -> Vec<Digest> {
        let proof = self.0.consistency_proof(TreeSize::new(from), TreeSize::new(to));
        proof.map(|proof| proof.path).unwrap_or_default()
    }
}

#[derive(Debug, Default)]
pub(crate) struct VaultState {
    pub(crate) note: Option<Vec<u8>>,
    pub(crate) fork: Option<Vec<u8>>,
    /// Sizes of the checkpoints written, in their order.
    pub(crate) sizes: Vec<u64>,
    /// Fails writes, before or after they are durable.
    pub(crate) fail_before: bool,
    pub(crate) fail_after: bool,
    pub(crate) panic: bool,
}

/// What a witness keeps of the log `origin`, with planned failures. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vault(Arc<Mutex<VaultState>>);

impl Vault {
    pub(crate) fn get(&self) -> MutexGuard<'_, VaultState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn restart(&self) {
        let mut state = self.get();
        (state.fail_before, state.fail_after, state.panic) = (false, false, false);
    }

    fn write_with(&self, write: impl FnOnce(&mut VaultState)) -> io::Result<()> {
        let mut state = self.get();
        assert!(!state.panic, "planned panic");
        let planned = || io::Error::other("planned failure");
        if state.fail_before {
            return Err(planned());
        }
        write(&mut state);
        if state.fail_after { Err(planned()) } else { Ok(()) }
    }
}

impl SeenStore for Vault {
    fn read(&self, _: &Origin) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get().note.clone())
    }

    fn write(&self, _: &Origin, note: &[u8]) -> io::Result<()> {
        let size = str::from_utf8(note).unwrap().lines().nth(1).unwrap().parse().unwrap();
        self.write_with(|state| {
            state.note = Some(note.to_vec());
            state.sizes.push(size);
        })
    }

    fn read_fork(&self, _: &Origin) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get().fork.clone())
    }

    fn write_fork(&self, _: &Origin, proof: &[u8]) -> io::Result<()> {
        self.write_with(|state| state.fork = Some(proof.to_vec()))
    }
}
