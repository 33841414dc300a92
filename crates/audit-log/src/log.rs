use std::future::poll_fn;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLockReadGuard};

use dataspace_identity::Origin;
use dataspace_primitives::{Digest, Signer, UnixMillis};
use dataspace_tlog::{
    Checkpoint, Event, LeafIndex, LogReader, Record, TreeSize,
    log_reader::ExtendsError,
    record::EncodedRecord,
    tree::{ConsistencyProof, InclusionProof, empty_root},
};

use crate::append::batch::Batch;
use crate::append::error::AppendError;
use crate::append::outcome::Wait;
use crate::append::pending::{Appended, Pending, Room};
use crate::append::writer::Writer;
use crate::append::writer_thread::WriterThread;
use crate::error::{ArchiveError, CreateError};
use crate::medium::file_storage::FileStorage;
use crate::medium::hashes::Edge;
use crate::medium::mark::Mark;
use crate::medium::segment::{HeaderRead, SegmentHeader};
use crate::medium::storage::{Storage, StoredFile};
use crate::open::check;
use crate::open::claimed::claimed_origin;
use crate::open::opening::{self, Open};
use crate::open::recovery::{OpenError, Recovery};
use crate::reader::{self, ProveError, ReadError};
use crate::state::{State, Unwritten};

/// An append-only log of [`Record`]s. Shared by reference between threads.
#[derive(Debug)]
pub struct Log {
    pub(crate) writer: Arc<Writer>,
    /// Writes once there are tasks that append.
    thread: Arc<WriterThread>,
    /// Keeps a checkpoint from replacing a later one.
    pub(crate) checkpointing: Mutex<()>,
    /// Keeps the record of one archiving from standing for another that went further.
    pub(crate) archiving: Mutex<()>,
}

impl Log {
    /// Creates an empty log in `dir`, which is made if it is not there; a creation that a crash
    /// cut short is begun again.
    ///
    /// # Errors
    /// [`CreateError`] if there is a log already, or the file system refuses.
    pub fn create(dir: &Path, origin: Origin) -> Result<Self, CreateError> {
        Self::create_on(Box::new(FileStorage::create(dir)?), origin)
    }

    /// Creates an empty log on any storage.
    ///
    /// # Errors
    /// [`CreateError`] if there is a log already, or the storage fails.
    pub fn create_on(storage: Box<dyn Storage>, origin: Origin) -> Result<Self, CreateError> {
        let (first, root) = (LeafIndex::default(), empty_root());
        let known = storage.segments()?;
        let is_free = match known.as_slice() {
            [] => true,
            // What a crash left of a creation.
            [only] if *only == first => {
                let begun = SegmentHeader::with_stored_nonce(&*storage, &origin, first, &root)?;
                match begun.compare(&*storage)? {
                    HeaderRead::Unfinished => begun.is_alone(&*storage)?,
                    // Under another name that was drawn at random.
                    _ => begun.is_cut_short(&*storage, origin.operator())?,
                }
            }
            _ => false,
        };
        if !is_free || storage.read_checkpoint()?.is_some() {
            return Err(CreateError::Exists);
        }
        let segment = SegmentHeader::new(&origin, first, &root, storage.nonce()?);
        for file in [segment.file(), StoredFile::Mark] {
            storage.remove(file)?;
        }
        storage.write_at(segment.file(), 0, &segment.bytes)?;
        storage.sync_data(segment.file())?;
        let end = segment.len();
        let state = State {
            edge: Edge::default(),
            root,
            segments: vec![segment.first],
            segment,
            end,
            room: end,
            mark: Mark::default(),
            behind: None,
            unwritten: Unwritten::default(),
        };
        Ok(Self::new(storage, state, origin))
    }

    /// Opens the log in `dir`: reads what came after the last checkpoints, checks it against the
    /// stored one, and cuts off what a crash left of a last write. How long that takes does not
    /// depend on how long the log is.
    ///
    /// # Errors
    /// [`OpenError`] if the log is damaged, shortened or rewritten, is another one, or the disk is
    /// full.
    pub fn open(dir: &Path, origin: Origin) -> Result<(Self, Recovery), OpenError> {
        Self::open_on(Box::new(FileStorage::open(dir)?), origin)
    }

    /// Opens the log in `dir`, as [`open`](Self::open): any log of the operator and the key of `like`. Its
    /// files tell its name, and are checked against that key's signature as always.
    ///
    /// # Errors
    /// [`OpenError`] as for [`open`](Self::open), also if it is a log of somebody else.
    pub fn open_of(dir: &Path, like: &Origin) -> Result<(Self, Recovery), OpenError> {
        Self::open_of_on(Box::new(FileStorage::open(dir)?), like)
    }

    /// As [`open_of`](Self::open_of), on any storage.
    ///
    /// # Errors
    /// [`OpenError`] as there.
    pub fn open_of_on(
        storage: Box<dyn Storage>,
        like: &Origin,
    ) -> Result<(Self, Recovery), OpenError> {
        let origin = match claimed_origin(&*storage)? {
            Some(found) if found.operator() != like.operator() || found.key() != like.key() => {
                return Err(OpenError::Origin { expected: like.clone(), found });
            }
            // Without a name to find, opening says what is wrong.
            found => found.unwrap_or_else(|| like.clone()),
        };
        Self::open_on(storage, origin)
    }

    /// Opens the log on any storage.
    ///
    /// # Errors
    /// [`OpenError`] if the log is damaged, shortened or rewritten, or is another one.
    pub fn open_on(
        storage: Box<dyn Storage>,
        origin: Origin,
    ) -> Result<(Self, Recovery), OpenError> {
        let (state, recovery) = opening::recover(&*storage, &origin, Open::AtMark, &|_| {})?;
        Ok((Self::new(storage, state, origin), recovery))
    }

    /// As [`open`](Self::open), but reads every record, rebuilds hashes and offsets, and makes them
    /// durable, so that the next opening reads only what the stored checkpoint does not cover. Tells
    /// `progress` how many records were read.
    ///
    /// # Errors
    /// [`OpenError`] if the records are damaged, shortened or rewritten, or of another log.
    pub fn rebuild_on(
        storage: Box<dyn Storage>,
        origin: Origin,
        progress: &dyn Fn(TreeSize),
    ) -> Result<(Self, Recovery), OpenError> {
        let (state, recovery) = opening::recover(&*storage, &origin, Open::Rebuild, progress)?;
        Ok((Self::new(storage, state, origin), recovery))
    }

    /// Reads every record of a log that nobody has open, checks them against the stored checkpoint, and
    /// checks every file that derives from them. Changes nothing. Tells `progress` how
    /// many records were read.
    ///
    /// # Errors
    /// [`OpenError`] names the first place that is not as it was written.
    pub fn check_on(
        storage: &dyn Storage,
        origin: &Origin,
        progress: &dyn Fn(TreeSize),
    ) -> Result<Recovery, OpenError> {
        check::check(storage, origin, progress)
    }

    fn new(storage: Box<dyn Storage>, state: State, origin: Origin) -> Self {
        let writer = Arc::new(Writer::new(storage, origin, state));
        Self {
            thread: Arc::new(WriterThread::new(&writer)),
            writer,
            checkpointing: Mutex::default(),
            archiving: Mutex::default(),
        }
    }

    /// Which log this is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.writer.origin
    }

    /// Takes room for one record; waits for it. Take it before any lock under which the record is
    /// submitted: many callers may wait for each other here.
    ///
    /// # Errors
    /// [`AppendError::Poisoned`].
    pub fn room(&self) -> Result<Room<'_>, AppendError> {
        self.writer.take_room()?;
        Ok(Room::new(&self.writer, &self.thread))
    }

    /// As [`room`](Self::room), for a task of any executor.
    ///
    /// # Errors
    /// [`AppendError`].
    pub async fn room_async(&self) -> Result<Room<'_>, AppendError> {
        self.thread.start().map_err(AppendError::Thread)?;
        let mut wait = Wait::default();
        poll_fn(|context| self.writer.queue.poll_room(context, &mut wait)).await?;
        Ok(Room::new(&self.writer, &self.thread))
    }

    /// Gives `record` its place in the log: behind all that were submitted before, and before all that
    /// come later. It is durable when the answer says so.
    ///
    /// # Errors
    /// [`AppendError`]; the record is not in the log.
    pub fn submit(&self, record: &EncodedRecord) -> Result<Pending, AppendError> {
        self.room()?.submit(record)
    }

    /// As [`submit`](Self::submit), without waiting for room: for callers who hold what others need to go
    /// on. Their number must be bounded, since the queue then is not.
    ///
    /// # Errors
    /// [`AppendError`]; the record is not in the log.
    pub fn submit_at_once(&self, record: &EncodedRecord) -> Result<Pending, AppendError> {
        let batch = Batch::new(std::slice::from_ref(record))?;
        let push = |batch| self.writer.queue.push_at_once(batch);
        Pending::of(&self.writer, &self.thread, batch, push)
    }

    /// Appends `record` and waits until it is durable. Threads that wait at the same time share
    /// one write and one sync; the order of the log is the order in which they came.
    ///
    /// # Errors
    /// [`AppendError`]. After [`AppendError::Poisoned`], every later call fails too.
    pub fn append(&self, record: &Record) -> Result<Appended, AppendError> {
        self.append_encoded(&EncodedRecord::try_from(record)?)
    }

    /// As [`append`](Self::append), of a record that is encoded already.
    ///
    /// # Errors
    /// [`AppendError`]. After [`AppendError::Poisoned`], every later call fails too.
    pub fn append_encoded(&self, record: &EncodedRecord) -> Result<Appended, AppendError> {
        self.submit(record)?.wait()
    }

    /// As [`append_encoded`](Self::append_encoded), for a task of any executor, which meanwhile runs
    /// others: waking a task costs much less than waking a thread. See [`Pending`].
    ///
    /// # Errors
    /// [`AppendError`]. After [`AppendError::Poisoned`], every later call fails too.
    pub async fn append_async(&self, record: &EncodedRecord) -> Result<Appended, AppendError> {
        self.room_async().await?.submit(record)?.await
    }

    /// Appends all of `records`, next to each other; after a crash either all of them are in the
    /// log or none.
    ///
    /// # Errors
    /// [`AppendError`]. After [`AppendError::Poisoned`], every later call fails too.
    pub fn append_batch(&self, records: &[Record]) -> Result<Vec<Appended>, AppendError> {
        let records = records.iter().map(EncodedRecord::try_from).collect::<Result<Vec<_>, _>>()?;
        self.append_encoded_batch(&records)
    }

    /// As [`append_batch`](Self::append_batch), of records that are encoded already.
    ///
    /// # Errors
    /// [`AppendError`]. After [`AppendError::Poisoned`], every later call fails too.
    pub fn append_encoded_batch(
        &self,
        records: &[EncodedRecord],
    ) -> Result<Vec<Appended>, AppendError> {
        let batch = Batch::new(records)?;
        if batch.leaves.is_empty() {
            self.check()?;
            return Ok(Vec::new());
        }
        let leaves = batch.leaves.clone();
        let queued = self.writer.push(batch)?;
        self.writer.wait(&queued.outcome)?;
        let appended = (queued.first..).map(LeafIndex::new).zip(leaves);
        Ok(appended.map(|(index, leaf)| Appended { index, leaf }).collect())
    }

    /// Waits until all records that were submitted are durable.
    ///
    /// # Errors
    /// [`AppendError::Poisoned`].
    pub fn flush(&self) -> Result<(), AppendError> {
        match self.writer.queue.last()? {
            Some(last) => self.writer.wait(&last),
            None => Ok(()),
        }
    }

    /// Checks that the log still takes records.
    ///
    /// # Errors
    /// [`AppendError::Poisoned`] with the first cause, if it does not.
    pub fn check(&self) -> Result<(), AppendError> {
        self.writer.queue.check()
    }

    /// Durable records in the log.
    ///
    /// # Errors
    /// [`ReadError::Poisoned`].
    pub fn size(&self) -> Result<TreeSize, ReadError> {
        Ok(self.state()?.edge.size())
    }

    /// The first record that is still here; those before it were archived.
    ///
    /// # Errors
    /// [`ReadError::Poisoned`].
    pub fn first(&self) -> Result<LeafIndex, ReadError> {
        Ok(self.state()?.segments.first().copied().unwrap_or_default())
    }

    /// The first records of the segments that are here, in ascending order.
    ///
    /// # Errors
    /// [`ReadError::Poisoned`].
    pub fn segments(&self) -> Result<Vec<LeafIndex>, ReadError> {
        Ok(self.state()?.segments.clone())
    }

    /// The root over the first `size` records.
    ///
    /// # Errors
    /// [`ProveError`] if there are fewer records, or the hashes on the medium are damaged.
    pub fn root_at(&self, size: TreeSize) -> Result<Digest, ProveError> {
        self.tree(|tree| tree.root_at(size))
    }

    /// The proof that the record at `index` is among the first `size`. Made from the hashes on the
    /// medium, and verified before it is handed out.
    ///
    /// # Errors
    /// [`ProveError`] if it is not, or the hashes on the medium are damaged.
    pub fn inclusion_proof(
        &self,
        index: LeafIndex,
        size: TreeSize,
    ) -> Result<InclusionProof, ProveError> {
        self.tree(|tree| tree.inclusion_proof(index, size))
    }

    /// The proof that the log of `to` records extends the one of `from`. Verified before it is
    /// handed out.
    ///
    /// # Errors
    /// [`ProveError`] if there are fewer records, `from` is larger than `to`, or the hashes on the
    /// medium are damaged.
    pub fn consistency_proof(
        &self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, ProveError> {
        self.tree(|tree| tree.consistency_proof(from, to))
    }

    /// The bytes of the record at `index`, checked against the tree.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read(&self, index: LeafIndex) -> Result<Vec<u8>, ReadError> {
        let state = self.writer.readable()?;
        reader::record(&state, &*self.writer.storage, index)
    }

    /// Hands every record to `visit`, in order; records appended meanwhile are left out. Each is
    /// checked against the tree.
    ///
    /// # Errors
    /// The first error of `visit`, or [`ReadError`] made into one.
    pub fn replay<E: From<ReadError>>(
        &self,
        visit: impl FnMut(LeafIndex, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.replay_from(LeafIndex::default(), visit)
    }

    /// As [`replay`](Self::replay), from the record at `first` on.
    ///
    /// # Errors
    /// The first error of `visit`, or [`ReadError`] made into one: [`ReadError::Archived`] also
    /// where a segment is archived before it was read.
    pub fn replay_from<E: From<ReadError>>(
        &self,
        first: LeafIndex,
        visit: impl FnMut(LeafIndex, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.replay_range((first, TreeSize::new(u64::MAX)), visit)
    }

    /// As [`replay_from`](Self::replay_from), of records among the first so many alone.
    pub(crate) fn replay_range<E: From<ReadError>>(
        &self,
        range: (LeafIndex, TreeSize),
        visit: impl FnMut(LeafIndex, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let records = {
            let state = self.writer.readable()?;
            reader::Records::of(&state, &*self.writer.storage)
        };
        let is_archived = |index| self.first().is_ok_and(|first| index < first);
        records.visit(range, is_archived, visit)
    }

    /// Removes every segment that lies entirely before `before`. The hashes of its records stay, and with
    /// them the proofs of all others; copies of the segments, kept elsewhere, can still be read and proved.
    /// The removal is itself a record of the log: a log that lacks its beginning is not opened without it.
    /// Returns the first record that stays.
    ///
    /// # Errors
    /// [`ArchiveError`]. Segments that could not be removed are the first thing the next call
    /// removes.
    pub fn archive(
        &self,
        before: LeafIndex,
        now: UnixMillis,
        signer: &dyn Signer,
    ) -> Result<LeafIndex, ArchiveError> {
        let _one_at_a_time = self.archiving.lock().map_err(|_| ReadError::Poisoned)?;
        let (first, kept, size) = {
            let state = self.state()?;
            let first = state.segments.first().copied().unwrap_or_default();
            // The segment that grows stays.
            let kept = state.segment_of(before).unwrap_or(first);
            (first, kept, state.edge.size())
        };
        if !size.contains(before) {
            return Err(ReadError::Index { index: before, size }.into());
        }
        if kept <= first {
            return Ok(first);
        }
        let record = Record::new(now, Event::Archived { before: kept });
        let archived = self.append(&record)?;
        self.sign(signer, Some(archived.index()))?;
        loop {
            // Nobody may read a segment while it is removed.
            let mut state = self.writer.state.write().map_err(|_| ReadError::Poisoned)?;
            let Some(first) = state.segments.first().copied().filter(|first| *first < kept) else {
                return Ok(kept);
            };
            self.writer.storage.remove(StoredFile::Segment(first)).map_err(ReadError::Io)?;
            state.segments.remove(0);
        }
    }

    /// Checks that this log still holds all that the operator signed in `outside`, a checkpoint
    /// that somebody else has kept. This, and nothing inside the log's own directory, finds a
    /// rollback of the whole directory.
    ///
    /// # Errors
    /// [`ExtendsError`] if it does not.
    pub fn verify_extends(&self, outside: &Checkpoint) -> Result<(), ExtendsError> {
        LogReader::verify_extends(self, outside)
    }

    /// What the tree answers, if the hashes that it is made of lead to the root.
    fn tree<T>(
        &self,
        ask: impl FnOnce(&reader::Verified<'_>) -> Result<T, ProveError>,
    ) -> Result<T, ProveError> {
        let state = self.writer.readable()?;
        ask(&reader::Verified { tree: state.tree(&*self.writer.storage), root: &state.root })
    }

    pub(crate) fn state(&self) -> Result<RwLockReadGuard<'_, State>, ReadError> {
        self.writer.state()
    }
}

/// Writes what nobody waited for.
impl Drop for Log {
    fn drop(&mut self) {
        self.writer.queue.close();
        self.writer.finish();
    }
}
