use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use dataspace_primitives::Digest;
use dataspace_tlog::engine::to_u64;
use dataspace_tlog::{Checkpoint, Directory, LeafIndex, note::NOTE_LEN_MAX};

use crate::medium::file_storage::{CHECKPOINT_FILE, OPEN_MAX, open_log, segments};
use crate::medium::hashes::offset_at;
use crate::medium::mark::Mark;
use crate::medium::segment::{RECORD_PREFIX_LEN, segment_len_bound, segment_of};
use crate::medium::storage::{SEGMENT_LEN_MAX, Storage, StoredFile};

/// Bytes of a file that is read whole.
const SMALL_LEN_MAX: u64 = 4_096;
/// How often such a file is read until it is twice the same.
const READS_MAX: usize = 8;

/// A log's directory that somebody else may have written: read, and never changed. What a
/// [`Log`](crate::Log) writes when it is opened (a torn tail that it cuts, hashes that it makes
/// again) stays in memory; records and checkpoints are refused.
///
/// It holds no lock, and keeps nobody from opening the log for writing: the end of the log, which
/// alone changes then, is copied into memory. If a log that may write is open already,
/// [`open_running`](Self::open_running) shows what its last checkpoint covers. Nothing but regular
/// files is opened; a directory without write access, or on a read-only medium, will do.
#[derive(Debug)]
pub struct ReadOnlyStorage {
    dir: Directory,
    changes: RwLock<Changes>,
    note: Option<Vec<u8>>,
    segments: Vec<LeafIndex>,
}

#[derive(Debug, Default)]
struct Changes {
    open: HashMap<StoredFile, Arc<File>>,
    files: HashMap<StoredFile, Overlay>,
}

/// What was written over a file.
#[derive(Debug, Default)]
struct Overlay {
    /// Bytes of the file that still count; `None`: all of them.
    kept: Option<u64>,
    /// Written bytes by their offset; no two of them overlap.
    chunks: BTreeMap<u64, Vec<u8>>,
}

impl ReadOnlyStorage {
    /// The log in `dir`. Of one that is opened for writing afterwards, this shows what there was.
    /// Segments that are archived while they are read look as if they were missing.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is none, [`io::ErrorKind::WouldBlock`] if a log that
    /// may write has it open; whatever else the file system says.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let mut this = Self::unseen(open_log(dir)?);
        let looking = this.dir.look("a running node holds this directory")?;
        this.segments = segments(&this.dir)?;
        this.note = this.dir.read_all(CHECKPOINT_FILE, NOTE_LEN_MAX)?;
        this.keep_mark()?;
        // What is not durable at the mark may be written again.
        let mark = Mark::read(&this)?.unwrap_or_default();
        if let Some(last) = this.segments.last().copied() {
            this.keep_tail(last, if mark.segment == last.as_u64() { mark.end } else { 0 })?;
        }
        drop(looking);
        Ok(this)
    }

    fn unseen(dir: Directory) -> Self {
        Self { dir, changes: RwLock::default(), note: None, segments: Vec::new() }
    }

    /// Keeps the mark as it is now.
    fn keep_mark(&self) -> io::Result<()> {
        let mark = self.whole(StoredFile::Mark)?;
        self.truncate(StoredFile::Mark, 0)?;
        self.write_at(StoredFile::Mark, 0, &mark)
    }

    /// Keeps the end of a segment as it is now.
    fn keep_tail(&self, segment: LeafIndex, from: u64) -> io::Result<()> {
        let file = StoredFile::Segment(segment);
        let len = self.len(file)?;
        let bound = segment_len_bound(SEGMENT_LEN_MAX);
        if len > bound {
            let text = format!("`{file}` has {len} bytes; no log writes more than {bound}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        if from >= len {
            return Ok(());
        }
        let mut tail = vec![0; to_usize(len - from)];
        self.read_at(file, from, &mut tail)?;
        self.truncate(file, from)?;
        self.changes_mut().files.entry(file).or_default().write(from, &tail);
        Ok(())
    }

    /// The log in `dir` up to its last checkpoint, whether or not a log that may write has it open:
    /// what comes after the checkpoint is left out. Segments that are archived while they are read
    /// look as if they were missing.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is no log, [`io::ErrorKind::WouldBlock`] if there is no
    /// checkpoint of any record yet, [`io::ErrorKind::InvalidData`] if there is less than it covers;
    /// whatever else the file system says.
    pub fn open_running(dir: &Path) -> io::Result<Self> {
        let mut this = Self::unseen(open_log(dir)?);
        // WHY first: a mark covers no more than the checkpoint that was stored before it, and that
        // may be replaced at any time.
        this.keep_mark()?;
        let unsigned = "a running node holds this directory, and has signed no record in it yet";
        let unsigned = || io::Error::new(io::ErrorKind::WouldBlock, unsigned);
        let note = this.dir.read_all(CHECKPOINT_FILE, NOTE_LEN_MAX)?.ok_or_else(unsigned)?;
        // Opening the log finds one that does not verify.
        let size = signed_size(&note);
        this.note = Some(note);
        this.segments = segments(&this.dir)?;
        let Some(size) = size else { return Ok(this) };
        this.segments.retain(|first| first.as_u64() < size);
        let last = size.checked_sub(1).map(LeafIndex::new).ok_or_else(unsigned)?;
        if let Some(segment) = segment_of(&this.segments, last).map(StoredFile::Segment) {
            let end = end_of_group(&this, segment, last).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    let text = format!("there is less than the {size} records of the checkpoint");
                    io::Error::new(io::ErrorKind::InvalidData, text)
                }
                _ => error,
            })?;
            this.truncate(segment, end)?;
        }
        Ok(this)
    }

    /// All bytes of a small file that may just be written; none if it is not there.
    fn whole(&self, file: StoredFile) -> io::Result<Vec<u8>> {
        let read = || {
            let mut bytes = vec![0; to_usize(self.len(file)?.min(SMALL_LEN_MAX))];
            self.read_at(file, 0, &mut bytes)?;
            io::Result::Ok(bytes)
        };
        let mut bytes = read()?;
        for _ in 0..READS_MAX {
            let again = read()?;
            if again == bytes {
                break;
            }
            bytes = again;
        }
        Ok(bytes)
    }

    // What was written is whole at every moment, as far as anybody relies on it.
    fn changes(&self) -> RwLockReadGuard<'_, Changes> {
        self.changes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn changes_mut(&self) -> RwLockWriteGuard<'_, Changes> {
        self.changes.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file on the medium, if it is there.
    fn file(&self, file: StoredFile) -> io::Result<Option<Arc<File>>> {
        if let Some(known) = self.changes().open.get(&file) {
            return Ok(Some(Arc::clone(known)));
        }
        let opened = match self.dir.read(file.to_string()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => Arc::new(opened?),
        };
        let mut changes = self.changes_mut();
        if changes.open.len() >= OPEN_MAX {
            changes.open.clear();
        }
        changes.open.insert(file, Arc::clone(&opened));
        Ok(Some(opened))
    }

    /// The file on the medium, and how many bytes of it still count.
    fn kept(&self, file: StoredFile) -> io::Result<Option<(Arc<File>, u64)>> {
        let Some(opened) = self.file(file)? else { return Ok(None) };
        let kept = self.changes().files.get(&file).and_then(|overlay| overlay.kept);
        let kept = match kept {
            Some(kept) => kept,
            None => opened.metadata()?.len(),
        };
        Ok(Some((opened, kept)))
    }
}

/// End offset of the group with this last record.
pub(crate) fn end_of_group(
    storage: &dyn Storage,
    segment: StoredFile,
    last: LeafIndex,
) -> io::Result<u64> {
    let (mut start, mut len) = ([0; 8], [0; RECORD_PREFIX_LEN]);
    storage.read_at(StoredFile::Offsets, offset_at(last.as_u64()), &mut start)?;
    let start = u64::from_be_bytes(start);
    storage.read_at(segment, start, &mut len)?;
    let behind = RECORD_PREFIX_LEN + Digest::LEN;
    Ok(start.saturating_add(u64::from(u32::from_be_bytes(len))).saturating_add(to_u64(behind)))
}

/// Records that a checkpoint covers, if its operator signed it.
fn signed_size(note: &[u8]) -> Option<u64> {
    let note = std::str::from_utf8(note).ok()?;
    let origin = Checkpoint::claimed_origin(note).ok()?;
    Some(Checkpoint::verify(note, &origin).ok()?.size().as_u64())
}

impl Overlay {
    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset.saturating_add(to_u64(bytes.len()));
        // What is overwritten goes; what stands behind it stays.
        let covered: Vec<u64> = self.chunks.range(offset..end).map(|(start, _)| *start).collect();
        for start in covered {
            let Some(old) = self.chunks.remove(&start) else { continue };
            let rest = old.get(to_usize(end - start)..).unwrap_or_default();
            if !rest.is_empty() {
                self.chunks.insert(end, rest.to_vec());
            }
        }
        if let Some((start, before)) = self.chunks.range_mut(..offset).next_back() {
            let at = to_usize(offset - start);
            if at <= before.len() {
                let after = before.get(at.saturating_add(bytes.len())..).unwrap_or_default();
                let after = after.to_vec();
                before.truncate(at);
                before.extend_from_slice(bytes);
                before.extend_from_slice(&after);
                return;
            }
        }
        self.chunks.insert(offset, bytes.to_vec());
    }

    fn end(&self) -> u64 {
        let last = self.chunks.last_key_value();
        last.map_or(0, |(start, bytes)| start.saturating_add(to_u64(bytes.len())))
    }

    /// `kept`: bytes of the file that counted until now.
    fn cut(&mut self, len: u64, kept: u64) {
        self.kept = Some(kept.min(len));
        drop(self.chunks.split_off(&len));
        if let Some((start, last)) = self.chunks.iter_mut().next_back() {
            last.truncate(to_usize(len - start));
        }
    }

    /// Puts what was written over what the medium gave.
    fn lay_over(&self, offset: u64, buffer: &mut [u8]) {
        let end = offset.saturating_add(to_u64(buffer.len()));
        for (start, bytes) in self.chunks.range(..end) {
            let skip = to_usize(offset.saturating_sub(*start));
            let at = to_usize(start.saturating_sub(offset));
            let from = bytes.get(skip..).unwrap_or_default();
            let into = buffer.get_mut(at..).unwrap_or_default();
            into.iter_mut().zip(from).for_each(|(into, from)| *into = *from);
        }
    }
}

fn to_usize(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

impl Storage for ReadOnlyStorage {
    fn segments(&self) -> io::Result<Vec<LeafIndex>> {
        let mut found = self.segments.clone();
        let changes = self.changes();
        found.retain(|first| {
            let overlay = changes.files.get(&StoredFile::Segment(*first));
            overlay.is_none_or(|one| one.kept != Some(0) || one.end() > 0)
        });
        Ok(found)
    }

    fn len(&self, file: StoredFile) -> io::Result<u64> {
        let kept = self.kept(file)?.map_or(0, |(_, kept)| kept);
        Ok(kept.max(self.changes().files.get(&file).map_or(0, Overlay::end)))
    }

    fn read_at(&self, file: StoredFile, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if !self.changes().files.contains_key(&file) {
            return match self.file(file)? {
                Some(opened) => opened.read_exact_at(buffer, offset),
                None if buffer.is_empty() => Ok(()),
                None => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        let end = offset.checked_add(to_u64(buffer.len()));
        if end.is_none_or(|end| self.len(file).is_ok_and(|len| end > len)) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.fill(0);
        if let Some((opened, kept)) = self.kept(file)? {
            let there = to_usize(kept.saturating_sub(offset)).min(buffer.len());
            opened.read_exact_at(buffer.get_mut(..there).unwrap_or_default(), offset)?;
        }
        if let Some(overlay) = self.changes().files.get(&file) {
            overlay.lay_over(offset, buffer);
        }
        Ok(())
    }

    fn write_at(&self, file: StoredFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if let StoredFile::Segment(_) = file {
            // WHY: an appender must not be told that a record is durable. Opening a log writes
            // no other bytes to a segment than those that stand there.
            let mut there = vec![0; bytes.len()];
            let is_same = self.read_at(file, offset, &mut there).is_ok() && there == bytes;
            return if is_same { Ok(()) } else { Err(io::ErrorKind::ReadOnlyFilesystem.into()) };
        }
        self.changes_mut().files.entry(file).or_default().write(offset, bytes);
        Ok(())
    }

    fn sync_data(&self, _file: StoredFile) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, file: StoredFile, len: u64) -> io::Result<()> {
        // Asked for now, so that no read has to ask: a node that writes the file pays for that, too.
        let kept = self.kept(file)?.map_or(0, |(_, kept)| kept);
        self.changes_mut().files.entry(file).or_default().cut(len, kept);
        Ok(())
    }

    fn remove(&self, file: StoredFile) -> io::Result<()> {
        self.truncate(file, 0)
    }

    fn read_checkpoint(&self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.note.clone())
    }

    fn write_checkpoint(&self, _note: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn nonce(&self) -> io::Result<[u8; 16]> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}
