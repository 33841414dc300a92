//! A disk that fails, tears writes and forgets what was not synced.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dataspace_audit_log::{
    Log, Recovery, Storage,
    medium::{SEGMENT_LEN_MAX, StoredFile},
    open::OpenError,
};
use dataspace_tlog::LeafIndex;

use crate::support::origin;

/// Bytes that a power failure keeps or loses together.
const SECTOR: usize = 512;

/// One file: what reads return, and what a power failure leaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct DiskFile {
    /// The page cache.
    pub(crate) cache: Vec<u8>,
    pub(crate) durable: Vec<u8>,
    /// Writes since the last sync.
    dirty: Vec<(usize, Vec<u8>)>,
}

impl DiskFile {
    /// A file that is durable.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { cache: bytes.to_vec(), durable: bytes.to_vec(), dirty: vec![] }
    }

    /// The writes since the last sync, cut where sectors end.
    fn unsynced(&self) -> Vec<(usize, Vec<u8>)> {
        let mut sectors = Vec::new();
        for (offset, bytes) in &self.dirty {
            let (mut at, mut rest) = (*offset, bytes.as_slice());
            while !rest.is_empty() {
                let (here, after) = rest.split_at((SECTOR - at % SECTOR).min(rest.len()));
                sectors.push((at, here.to_vec()));
                (at, rest) = (at + here.len(), after);
            }
        }
        sectors
    }
}

/// Makes a call fail that changes something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// So many calls succeed before it.
    pub(crate) after: usize,
    /// So many bytes of a write are written all the same; [`usize::MAX`]: other calls are done too.
    pub(crate) keep: usize,
    /// Every later one fails too, and nothing is forgotten: the process has ended.
    pub(crate) is_end: bool,
    pub(crate) kind: io::ErrorKind,
}

impl Fault {
    pub(crate) fn end(after: usize, keep: usize) -> Self {
        Self { after, keep, is_end: true, kind: io::ErrorKind::Other }
    }

    fn error(self) -> io::Error {
        self.kind.into()
    }
}

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one failure that a test plans")]
pub(crate) struct State {
    pub(crate) files: BTreeMap<StoredFile, DiskFile>,
    pub(crate) checkpoint: Option<Vec<u8>>,
    /// Fails the write after so many more, keeping so many bytes of it.
    pub(crate) fail_write: Option<(usize, usize)>,
    /// Fails the sync after so many more.
    pub(crate) fail_sync: Option<usize>,
    pub(crate) fail_checkpoint: bool,
    pub(crate) fail_remove: bool,
    pub(crate) fail_reserve: bool,
    /// Takes room with zeros, as files do.
    pub(crate) reserves: bool,
    pub(crate) panic_in_write: bool,
    /// Fails the write of records' offsets, which comes after they are durable.
    pub(crate) fail_offsets: bool,
    /// Panics in that write.
    pub(crate) panic_in_offsets: bool,
    /// Panics when asked how long segments are.
    pub(crate) panic_in_segment_len: bool,
    /// The log is no longer where it was.
    pub(crate) moves: bool,
    /// Fails the syncs of what is made from the segments.
    pub(crate) fail_settle: bool,
    /// Bytes that all segments can have.
    pub(crate) capacity: Option<usize>,
    /// Bytes after which a new segment is begun.
    pub(crate) segment_len: Option<u64>,
    pub(crate) fault: Option<Fault>,
    /// Disks of different seeds draw different nonces.
    pub(crate) seed: u8,
    /// How long a sync takes.
    pub(crate) sync_time: Duration,
    /// Calls that change something.
    pub(crate) steps: usize,
    pub(crate) syncs: usize,
    pub(crate) writes: usize,
    /// How often a length was asked for.
    pub(crate) lens: usize,
    pub(crate) reads: usize,
    pub(crate) bytes_read: usize,
    pub(crate) largest_read: usize,
}

impl State {
    /// The first segment.
    pub(crate) fn segment(&mut self) -> &mut DiskFile {
        self.files.entry(StoredFile::Segment(LeafIndex::new(0))).or_default()
    }

    /// What reads return of each file.
    pub(crate) fn contents(&self) -> BTreeMap<StoredFile, Vec<u8>> {
        self.files.iter().map(|(name, file)| (*name, file.cache.clone())).collect()
    }

    /// Counts a call that changes something; the fault, if it is to fail.
    fn step(&mut self) -> Option<Fault> {
        self.steps += 1;
        let fault = self.fault.as_mut()?;
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        let now = *fault;
        if now.is_end {
            fault.keep = 0;
        } else {
            self.fault = None;
        }
        Some(now)
    }

    /// As [`step`](Self::step), for what is done whole or not at all; whether it is done.
    fn step_whole(&mut self, fails: bool) -> (bool, io::Result<()>) {
        match self.step() {
            Some(fault) => (fault.keep == usize::MAX, Err(fault.error())),
            None if fails => (false, Err(io::ErrorKind::StorageFull.into())),
            None => (true, Ok(())),
        }
    }
}

/// Clones share one disk, so that a test can look at it and open it again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

impl Disk {
    /// A disk with one segment, and nothing that was made from it.
    pub(crate) fn with(cache: &[u8], checkpoint: Option<&[u8]>) -> Self {
        let segment = (StoredFile::Segment(LeafIndex::new(0)), cache.to_vec());
        Self::of(&[segment].into(), checkpoint)
    }

    /// A disk with these files, all of them durable.
    pub(crate) fn of(files: &BTreeMap<StoredFile, Vec<u8>>, checkpoint: Option<&[u8]>) -> Self {
        let disk = Self::default();
        for (name, bytes) in files {
            disk.get().files.insert(*name, DiskFile::of(bytes));
        }
        disk.get().checkpoint = checkpoint.map(<[u8]>::to_vec);
        disk
    }

    /// A disk on which segments are this long.
    pub(crate) fn segmented(segment_len: u64) -> Self {
        let disk = Self::default();
        disk.get().segment_len = Some(segment_len);
        disk
    }

    /// Another disk with the same files, unsynced writes, and length of segments.
    pub(crate) fn copy(&self) -> Self {
        let state = self.get();
        let (files, checkpoint) = (state.files.clone(), state.checkpoint.clone());
        let (segment_len, reserves) = (state.segment_len, state.reserves);
        let state = State { files, checkpoint, reserves, segment_len, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn get(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn create(&self) -> Log {
        Log::create_on(Box::new(self.clone()), origin()).unwrap()
    }

    pub(crate) fn open(&self) -> Result<(Log, Recovery), OpenError> {
        Log::open_on(Box::new(self.clone()), origin())
    }

    pub(crate) fn check(&self) -> Result<Recovery, OpenError> {
        Log::check_on(self, &origin(), &|_| {})
    }

    pub(crate) fn rebuild(&self) -> Result<(Log, Recovery), OpenError> {
        Log::rebuild_on(Box::new(self.clone()), origin(), &|_| {})
    }

    /// Power fails: what was not synced is gone, and the failures planned too.
    pub(crate) fn crash(&self) {
        self.crash_keeping(|_| false);
    }

    /// Power fails: of what was not synced, those sectors are kept that `keeps` says, which is told
    /// how many came before.
    pub(crate) fn crash_keeping(&self, mut keeps: impl FnMut(usize) -> bool) {
        let mut state = self.get();
        let mut count = 0;
        for file in state.files.values_mut() {
            for (offset, bytes) in file.unsynced() {
                if keeps(count) {
                    put(&mut file.durable, offset, &bytes);
                }
                count += 1;
            }
            file.dirty.clear();
            file.cache.clone_from(&file.durable);
        }
        let (files, checkpoint) = (std::mem::take(&mut state.files), state.checkpoint.clone());
        let (segment_len, reserves) = (state.segment_len, state.reserves);
        *state = State { files, checkpoint, reserves, segment_len, ..State::default() };
    }

    /// Sectors that were written and not synced.
    pub(crate) fn unsynced(&self) -> usize {
        self.get().files.values().map(|file| file.unsynced().len()).sum()
    }

    /// Only the process dies: the page cache stays.
    pub(crate) fn restart(&self) {
        let mut state = self.get();
        (state.fail_write, state.fail_sync, state.capacity) = (None, None, None);
        (state.panic_in_write, state.panic_in_offsets) = (false, false);
        (state.fail_offsets, state.fail_checkpoint) = (false, false);
        (state.fail_remove, state.fail_reserve) = (false, false);
        (state.panic_in_segment_len, state.fail_settle) = (false, false);
        state.fault = None;
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
    if new.is_empty() {
        return;
    }
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
        let mut state = self.get();
        state.lens += 1;
        let len = state.files.get(&file).map_or(0, |file| file.cache.len());
        Ok(u64::try_from(len).unwrap())
    }

    fn read_at(&self, file: StoredFile, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut state = self.get();
        state.reads += 1;
        state.bytes_read += buffer.len();
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
        let is_planned = state.panic_in_offsets && file == StoredFile::Offsets;
        assert!(!state.panic_in_write && !is_planned, "planned panic");
        let fault = state.step();
        state.writes += 1;
        let offset = usize::try_from(offset).unwrap();
        let mut keep = fault.map_or(bytes.len(), |fault| fault.keep.min(bytes.len()));
        let mut error = fault.map(Fault::error);
        if state.fail_offsets && file == StoredFile::Offsets {
            (keep, error) = (0, Some(io::ErrorKind::StorageFull.into()));
        }
        match &mut state.fail_write {
            Some((0, kept)) => {
                (keep, error) = ((*kept).min(keep), Some(io::ErrorKind::StorageFull.into()));
            }
            Some((left, _)) => *left -= 1,
            None => {}
        }
        if let Some(capacity) = state.capacity
            && matches!(file, StoredFile::Segment(_))
            && offset + keep > capacity
        {
            keep = capacity.saturating_sub(offset);
            error = Some(io::ErrorKind::StorageFull.into());
        }
        if keep == 0 && error.is_some() {
            return error.map_or(Ok(()), Err);
        }
        let kept = bytes[..keep].to_vec();
        let file = state.files.entry(file).or_default();
        put(&mut file.cache, offset, &kept);
        file.dirty.push((offset, kept));
        error.map_or(Ok(()), Err)
    }

    fn reserve(&self, file: StoredFile, len: u64) -> io::Result<()> {
        let mut state = self.get();
        if state.fail_reserve {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if !state.reserves {
            return Ok(());
        }
        let fault = state.step();
        let file = state.files.entry(file).or_default();
        let zeros = usize::try_from(len).unwrap().saturating_sub(file.cache.len());
        let zeros = vec![0; fault.map_or(zeros, |fault| fault.keep.min(zeros))];
        let at = file.cache.len();
        put(&mut file.cache, at, &zeros);
        file.dirty.push((at, zeros));
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn sync_data(&self, file: StoredFile) -> io::Result<()> {
        let time = self.get().sync_time;
        std::thread::sleep(time);
        let mut state = self.get();
        let fault = state.step();
        if state.fail_settle && !matches!(file, StoredFile::Segment(_)) {
            return Err(io::Error::other("planned sync failure"));
        }
        if let Some(fault) = fault.filter(|fault| fault.is_end) {
            return Err(fault.error());
        }
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
        if let Some(fault) = fault {
            return Err(fault.error());
        }
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
        let (is_done, outcome) = state.step_whole(false);
        if is_done {
            let file = state.files.get_mut(&file).ok_or(io::ErrorKind::NotFound)?;
            file.cache.truncate(len);
            file.durable.truncate(len);
            for (offset, bytes) in &mut file.dirty {
                bytes.truncate(len.saturating_sub(*offset));
            }
        }
        outcome
    }

    fn remove(&self, file: StoredFile) -> io::Result<()> {
        let mut state = self.get();
        let fails = state.fail_remove;
        let (is_done, outcome) = state.step_whole(fails);
        if is_done {
            state.files.remove(&file);
        }
        outcome
    }

    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.get().checkpoint.clone())
    }

    fn check_place(&self, _: StoredFile) -> io::Result<()> {
        let moves = self.get().moves;
        if moves { Err(io::ErrorKind::StaleNetworkFileHandle.into()) } else { Ok(()) }
    }

    fn write_checkpoint(&self, note: &[u8]) -> io::Result<()> {
        let mut state = self.get();
        let fails = state.fail_checkpoint;
        let (is_done, outcome) = state.step_whole(fails);
        if is_done {
            state.checkpoint = Some(note.to_vec());
        }
        outcome
    }

    fn nonce(&self) -> io::Result<[u8; 16]> {
        let mut nonce = *b"nonce of a disk.";
        nonce[15] ^= self.get().seed;
        Ok(nonce)
    }

    fn segment_len_max(&self) -> u64 {
        let state = self.get();
        assert!(!state.panic_in_segment_len, "planned panic");
        state.segment_len.unwrap_or(SEGMENT_LEN_MAX)
    }
}

#[test]
fn the_disk_of_these_tests_does_all_that_a_storage_must_but_draw() {
    let storage = dataspace_audit_log::conformance::storage;
    let found = storage(&mut || Ok(Box::new(Disk::default()))).unwrap_err().to_string();
    assert_eq!(found, "each nonce is another one");
}
