//! How a node is founded and opened.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use dataspace_audit_log::{
    CreateError, Event, LeafIndex, Log, OpenError, ReadError, Record, Storage, TreeSize,
};
use dataspace_identity::{Did, Origin, SecretKey};
use dataspace_primitives::{Signed, UnixMillis};
use dataspace_usage_contract::{ProfileError, PublishedProfile, SpaceProfile};
use serde_bytes::ByteArray;
use thiserror::Error;

use crate::clock::{Clock, SteadyClock, SystemClock, TOLERANCE};
use crate::gate::Gate;
use crate::index::error::Unusable;
use crate::index::file::Row;
use crate::index::rows::{Base, Tail};
use crate::index::{Index, IndexState};
use crate::node::{Inner, LastSigned, Limits, Opened};
use crate::random::{self, RandomError};
use crate::space::DataSpace;
use crate::state::change::{Change, document, signed};
use crate::state::error::{ChangeError, WriteError};
use crate::state::in_force::State;
use crate::times::Times;

/// A checkpoint is signed after so many accesses at the latest, unless [`Setup::checkpoint_every`]
/// says otherwise.
const CHECKPOINT_EVERY: u64 = 1_024;

/// And so long after the last one, unless [`Setup::checkpoint_within`] says otherwise.
const CHECKPOINT_WITHIN: Duration = Duration::from_secs(10);

/// Releases that one contract may have open, unless [`Setup::open_releases_max`] says otherwise.
const OPEN_MAX: u32 = 16;

/// How to found or open a node.
pub struct Setup {
    dir: PathBuf,
    key: SecretKey,
    authority: Did,
    clock: Box<dyn Clock>,
    storage: Option<Box<dyn Storage>>,
    limits: Limits,
}

/// Why a data space is not founded or opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetupError {
    /// Neither a name for the log nor the number of an opening can be drawn.
    #[error("no random number can be drawn for the log")]
    Random(#[from] RandomError),
    /// There is a log already, or the directory cannot be used.
    #[error("the log cannot be created")]
    Create(#[from] CreateError),
    /// The log is damaged, shortened, rewritten, locked or another one.
    #[error("the log cannot be opened")]
    Open(#[from] OpenError),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Read(#[from] ReadError),
    /// Every change is followed by a checkpoint, and no crash takes one away.
    #[error("the log has {size} records and no checkpoint; somebody removed it")]
    NoCheckpoint {
        /// Records in the log.
        size: TreeSize,
    },
    /// A record of the log is not one that this monitor would have written.
    #[error("record {index} of the log is not acceptable")]
    Record {
        /// Its place.
        index: LeafIndex,
        /// What is wrong with it.
        source: ChangeError,
    },
    /// The beginning of the log was archived, and the index cannot stand for it.
    #[error(
        "the records before {first} were archived, and the index cannot stand for them; restore the archived segments"
    )]
    Archived {
        /// The first record that is here.
        first: LeafIndex,
        /// Why the index is not used; `None` if it is good, and ends before that record.
        #[source]
        why: Option<Unusable>,
    },
    /// The profile is not acceptable.
    #[error("the space profile is refused")]
    Profile(#[from] ProfileError),
    /// There is nothing to set back: the clock is not behind the log.
    #[error(
        "the clock shows {now}, which is not behind {latest}, the latest time in the log; open the node as usual"
    )]
    ClockNotBehind {
        /// What the clock shows.
        now: UnixMillis,
        /// The latest time in the log.
        latest: UnixMillis,
    },
    /// The first record, or that of the opening, cannot be written and signed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Setup {
    /// A node in `dir` of the provider that holds `key`, in the space of `authority`.
    pub fn new(dir: impl AsRef<Path>, key: SecretKey, authority: Did) -> Self {
        let (dir, clock) = (dir.as_ref().to_owned(), Box::new(SystemClock));
        let limits = Limits {
            checkpoint_every: CHECKPOINT_EVERY,
            checkpoint_within: CHECKPOINT_WITHIN,
            open_max: OPEN_MAX,
        };
        Self { dir, key, authority, clock, storage: None, limits }
    }

    /// Keeps the log in `storage` instead of the directory, which then holds the index alone and must
    /// be there. Whoever hands it over sees to it that no other node uses either.
    #[must_use]
    pub fn storage(mut self, storage: impl Storage + 'static) -> Self {
        self.storage = Some(Box::new(storage));
        self
    }

    /// Takes the time from `clock` instead of the operating system.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Signs a checkpoint after every `accesses` accesses instead of 1,024; 0 counts as 1. Changes
    /// are always followed by one. Accesses after the last checkpoint are protected by the
    /// directory's access rights alone, if the node does not close cleanly; each checkpoint costs a
    /// signature and two syncs.
    #[must_use]
    pub fn checkpoint_every(mut self, accesses: u64) -> Self {
        self.limits.checkpoint_every = accesses.max(1);
        self
    }

    /// Signs a checkpoint with an access that is recorded so long after the last one, instead of 10
    /// seconds. Where no access may come for longer, call [`DataSpace::tend`].
    #[must_use]
    pub fn checkpoint_within(mut self, time: Duration) -> Self {
        self.limits.checkpoint_within = time;
        self
    }

    /// Keeps at most so many releases of one contract open at a time, instead of 16; 0 counts as 1.
    /// Each of them holds a file and some batches until it is read or dropped. One more access is
    /// denied, and costs no use.
    #[must_use]
    pub fn open_releases_max(mut self, releases: u32) -> Self {
        self.limits.open_max = releases.max(1);
        self
    }

    /// Begins a new log with the authority's profile. The log gets a name of its own, drawn at random,
    /// which every contract of this node will name.
    ///
    /// # Errors
    /// [`SetupError`] if the profile is refused or there is a log in the directory already.
    pub fn create(self, profile: Signed<SpaceProfile>) -> Result<DataSpace, SetupError> {
        let clock = SteadyClock::new(self.clock, UnixMillis::MIN);
        let now = clock.now().map_err(WriteError::from)?;
        let profile = PublishedProfile::publish(profile, &self.authority, now)?;
        let (version, document) = (profile.profile().version, document(profile.signed()));
        let event = Event::Profile { version, document };
        let name = random::log_name(&self.key)?;
        let log = match self.storage {
            None => Log::create(&self.dir, name),
            Some(storage) => Log::create_on(storage, name),
        }?;
        let appended = log.append(&Record::new(now, event)).map_err(WriteError::from)?;
        drop(appended);
        log.checkpoint(&self.key).map_err(WriteError::from)?;
        let state = State::new(log.origin().clone(), profile);
        let inner = Inner {
            anchors: state.anchors.clone(),
            gate: Gate::new(state),
            key: self.key,
            clock,
            log,
            opened: None,
            index: Index::new(&self.dir, Base::default()),
            limits: self.limits,
            signed: LastSigned::new(1, now),
            recorded: AtomicU64::new(1),
            is_tended: AtomicBool::new(false),
        };
        Ok(DataSpace { inner: Arc::new(inner) })
    }

    /// Opens the log and builds everything that was in force again: memberships, contracts, uses,
    /// terminations. Products have to be registered again, to attach their tables.
    ///
    /// What the index covers is taken from it, if it is the operator's index of this log
    /// ([`DataSpace::index_state`] tells); the rest is read from the log.
    ///
    /// Opening is recorded with a number drawn at random, and signed: if two copies of one directory
    /// are both opened, no checkpoint that one signs from then on agrees with one of the other.
    ///
    /// # Errors
    /// [`SetupError`] if the log is damaged, or holds what this node would not have written.
    pub fn open(self) -> Result<DataSpace, SetupError> {
        self.open_at(false)
    }

    /// Opens a node whose log holds the time of a wrong reading, ahead of the present, and begins anew
    /// at what the clock shows. Recorded and signed for everybody to see.
    ///
    /// **All contracts end**, since their times are of a wrong clock: the parties conclude new ones.
    /// So does every membership that would have been over by the wrong time; a newer credential
    /// readmits. What the log once called over stays so, and uses that were made are not given back.
    ///
    /// # Errors
    /// [`SetupError::ClockNotBehind`] if the clock is not behind the log; else as [`Setup::open`].
    pub fn set_clock_back(self) -> Result<DataSpace, SetupError> {
        self.open_at(true)
    }

    fn open_at(mut self, sets_back: bool) -> Result<DataSpace, SetupError> {
        let (log, recovery) = match self.storage.take() {
            None => Log::open_of(&self.dir, self.key.did()),
            Some(storage) => Log::open_of_on(storage, self.key.did()),
        }?;
        // A creation that was cut short leaves at most the first record without a checkpoint.
        if recovery.checkpoint().is_none() && recovery.size().as_u64() > 1 {
            return Err(SetupError::NoCheckpoint { size: recovery.size() });
        }
        let (mut state, base, unusable) = match self.indexed(&log) {
            Ok((state, base)) => (Some(state), base, None),
            Err(why) => (None, Base::default(), Some(why)),
        };
        let first = log.first()?;
        if first.as_u64() > base.size {
            return Err(SetupError::Archived { first, why: unusable });
        }
        let (mut times, mut replayed) = (Times::after(base.high_water), 0_u64);
        let mut tail = unusable.is_some().then(|| Tail::after(&base));
        log.replay_from(LeafIndex::new(base.size), |index, bytes| {
            let fail = |source| SetupError::Record { index, source };
            let record = Record::from_bytes(bytes).map_err(|error| fail(error.into()))?;
            times.take(&record).map_err(|error| fail(error.into()))?;
            replayed = replayed.saturating_add(1);
            if let Some(tail) = &mut tail {
                tail.take(index, &record, bytes);
            }
            self.take(&mut state, log.origin(), (index, record)).map_err(fail)
        })?;
        // A creation that was cut short before its first record holds nothing yet.
        let Some(mut state) = state else {
            let part = "a first record; found the node anew in an empty directory";
            return Err(ProfileError::Missing { part }.into());
        };
        let covered = TreeSize::new(base.size);
        let state_of_index = match unusable {
            None => IndexState::Used { size: covered, replayed },
            Some(why) => IndexState::Rebuilt { why, replayed },
        };
        let index = Index::new(&self.dir, base);
        if let Some(tail) = tail {
            // Whoever opens the node next should not have to read all this again.
            let _reported = index.write(Some(tail), &log, &self.key);
        }
        let mut high_water = times.latest();
        if sets_back {
            let (from, to) = (high_water, self.clock.now());
            if from.since(to) <= TOLERANCE {
                return Err(SetupError::ClockNotBehind { now: to, latest: from });
            }
            let change = Change::ClockSetBack { from, to };
            let appended = log.append(&Record::new(to, change.to_event()));
            state.apply(change, appended.map_err(WriteError::from)?.index());
            high_water = to;
        }
        // WHY at the latest time in the log: a clock that is wrong while the node is opened, and is
        // not asked for anything, must not leave its time in the log.
        let opened = Event::Opened { epoch: ByteArray::new(random::nonce()?) };
        let opened = log.append(&Record::new(high_water, opened)).map_err(WriteError::from)?;
        log.checkpoint(&self.key).map_err(WriteError::from)?;
        let size = opened.index().as_u64().saturating_add(1);
        let inner = Inner {
            anchors: state.anchors.clone(),
            gate: Gate::new(state),
            key: self.key,
            clock: SteadyClock::new(self.clock, high_water),
            log,
            opened: Some(Opened { recovery, index: state_of_index, size }),
            index,
            limits: self.limits,
            signed: LastSigned::new(size, high_water),
            recorded: AtomicU64::new(size),
            is_tended: AtomicBool::new(false),
        };
        Ok(DataSpace { inner: Arc::new(inner) })
    }

    /// The state of which the index is, with every check made again that was made when it was
    /// recorded: an index whose signature is good can still be of an older version's mistakes.
    fn indexed(&self, log: &Log) -> Result<(State, Base), Unusable> {
        let mut state = None;
        let refused = |source| Unusable::Rows { source: Box::new(source) };
        let base = Index::read(&self.dir, log, &mut |row| {
            match row {
                Row::Change(index, bytes) => {
                    let record = Record::from_bytes(bytes).map_err(ChangeError::from);
                    let taken =
                        record.and_then(|one| self.take(&mut state, log.origin(), (index, one)));
                    taken.map_err(refused)?;
                }
                Row::Made(contract, made) => {
                    let known = state.as_ref().is_some_and(|state| {
                        state.restore_made(contract, made.permits, made.counts)
                    });
                    if !known {
                        return Err(refused(ChangeError::UnknownContract { contract }));
                    }
                }
                Row::Request(answered) => {
                    if let Some(state) = &mut state {
                        state.replays.restore(answered.request, answered.at);
                    }
                }
            }
            Ok(())
        })?;
        Ok((state.ok_or(refused(ChangeError::Unknown))?, base))
    }

    fn take(
        &self,
        state: &mut Option<State>,
        log: &Origin,
        (index, record): (LeafIndex, Record),
    ) -> Result<(), ChangeError> {
        match state {
            None => *state = Some(self.first(log, record)?),
            Some(state) => state.replay(index, record)?,
        }
        Ok(())
    }

    /// The first record must be the profile under which the node was founded.
    fn first(&self, log: &Origin, record: Record) -> Result<State, ChangeError> {
        let Event::Profile { version, document } = record.event else {
            return Err(ChangeError::Unknown);
        };
        let profile = PublishedProfile::publish(signed(document)?, &self.authority, record.time)?;
        if profile.profile().version != version {
            return Err(ChangeError::Mismatch);
        }
        Ok(State::new(log.clone(), profile))
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("dir", &self.dir)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
