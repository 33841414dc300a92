//! How a node is founded and opened.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use dataspace_audit_log::{Log, Storage, error::CreateError, open::OpenError, reader::ReadError};
use dataspace_identity::{Did, Origin};
use dataspace_ledger::{
    Refusal, SpaceState,
    state::{Change, Releases, Taken},
    times::Times,
};
use dataspace_primitives::{Signed, UnixMillis};
use dataspace_tlog::{Event, LeafIndex, Record, TreeSize};
use dataspace_usage_contract::{ContractId, PublishedProfile, SpaceProfile, profile::ProfileError};
use parking_lot::Mutex;
use serde_bytes::{ByteArray, ByteBuf};
use thiserror::Error;

use crate::access::resumes::Resumes;
use crate::clock::{Clock, SteadyClock, SystemClock, TOLERANCE};
use crate::contracts::ActiveContracts;
use crate::error::WriteError;
use crate::gate::Gate;
use crate::index::error::Unusable;
use crate::index::rows::{Base, Row, Tail};
use crate::index::snapshots::{DirectorySnapshots, Snapshots};
use crate::index::{Index, IndexState};
use crate::kept::Kept;
use crate::keys::{Keys, NodeKeys};
use crate::node::{Inner, LastSigned, Limits, Opened};
use crate::observer::{Observer, Silence};
use crate::offers::Offers;
use crate::random::{self, RandomError, Randomness, SystemRandomness};
use crate::rivals::Rivals;
use crate::space::DataSpace;
use crate::stamps::StampKey;
use crate::state::State;
use crate::throttle::Throttle;

/// A checkpoint is signed after this many accesses at the latest, unless [`Setup::checkpoint_every`] says
/// otherwise.
const CHECKPOINT_EVERY: u64 = 1_024;

/// And this long after the last one, unless [`Setup::checkpoint_within`] says otherwise.
const CHECKPOINT_WITHIN: Duration = Duration::from_secs(10);

/// Releases that one contract may have open, unless [`Setup::open_releases_max`] says otherwise.
const OPEN_MAX: u32 = 16;

/// Contracts whose documents are in memory, unless [`Setup::contracts_in_memory`] says otherwise.
const CONTRACTS_MAX: usize = 8_192;

/// Options for founding or opening a node.
pub struct Setup {
    dir: PathBuf,
    keys: NodeKeys,
    authority: Did,
    clock: Box<dyn Clock>,
    randomness: Box<dyn Randomness>,
    observer: Box<dyn Observer>,
    storage: Option<Box<dyn Storage>>,
    snapshots: Box<dyn Snapshots>,
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
        /// The problem.
        source: Refusal,
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
    /// The node's directory, with what was kept of archived contracts, cannot be read.
    #[error("the node's directory cannot be read")]
    Directory(#[from] std::io::Error),
    /// The log is one of another key.
    #[error("the log `{log}` has another key than the one given for it; open it with its own keys")]
    LogKey {
        /// The log.
        log: Origin,
    },
    /// The profile is not acceptable.
    #[error("the space profile is refused")]
    Profile(#[from] ProfileError),
    /// There is nothing to set back: the clock is not behind the log.
    #[error(
        "the clock shows {now}, which is not behind {latest}, the latest time in the log; open the node as usual"
    )]
    ClockNotBehind {
        /// The clock's reading.
        now: UnixMillis,
        /// The latest time in the log.
        latest: UnixMillis,
    },
    /// The first record, or that of the opening, cannot be written and signed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Setup {
    /// A node in `dir` of the provider that holds `keys`, in the space of `authority`.
    pub fn new(dir: impl AsRef<Path>, keys: NodeKeys, authority: Did) -> Self {
        let (dir, clock) = (dir.as_ref().to_owned(), Box::new(SystemClock));
        let limits = Limits {
            checkpoint_every: CHECKPOINT_EVERY,
            checkpoint_within: CHECKPOINT_WITHIN,
            open_max: OPEN_MAX,
            contracts_max: CONTRACTS_MAX,
        };
        let snapshots = Box::new(DirectorySnapshots::new(&dir));
        let (randomness, observer) = (Box::new(SystemRandomness), Box::new(Silence));
        Self { dir, keys, authority, clock, randomness, observer, storage: None, snapshots, limits }
    }

    /// Keeps the log in `storage` instead of the directory, which then holds the index, if that is not
    /// [elsewhere](Self::snapshots), and the documents of archived contracts. The directory must exist, and no
    /// other node may use it or the storage.
    #[must_use]
    pub fn storage(mut self, storage: impl Storage + 'static) -> Self {
        self.storage = Some(Box::new(storage));
        self
    }

    /// Keeps the index in `snapshots` instead of a file in the directory.
    #[must_use]
    pub fn snapshots(mut self, snapshots: impl Snapshots + 'static) -> Self {
        self.snapshots = Box::new(snapshots);
        self
    }

    /// Keeps the documents of this many contracts in memory, the last used ones, instead of 8,192; 0 counts
    /// as 1. Each takes about 10 KiB. The documents of other contracts are read from the log and verified
    /// on use, in less than a millisecond.
    #[must_use]
    pub fn contracts_in_memory(mut self, contracts: usize) -> Self {
        self.limits.contracts_max = contracts.max(1);
        self
    }

    /// Takes the time from `clock` instead of the operating system.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Draws random numbers from `randomness` instead of the operating system.
    #[must_use]
    pub fn randomness(mut self, randomness: impl Randomness + 'static) -> Self {
        self.randomness = Box::new(randomness);
        self
    }

    /// Tells `observer` what the node does.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Box::new(observer);
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

    /// Signs a checkpoint with the first access recorded this long after the last one, instead of 10 seconds.
    /// If accesses may be rarer, call [`DataSpace::tend`].
    #[must_use]
    pub fn checkpoint_within(mut self, time: Duration) -> Self {
        self.limits.checkpoint_within = time;
        self
    }

    /// Keeps at most this many releases of one contract open at a time, instead of 16; 0 counts as 1.
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
        let (version, document) = (profile.profile().version, profile.signed().as_bytes());
        let event = Event::Profile { version, document: ByteBuf::from(document) };
        let NodeKeys { participant, log_key, .. } = &self.keys;
        let name = random::new_origin(&*self.randomness, participant, log_key)?;
        let keys = Keys::of_log(self.keys, &name)
            .ok_or_else(|| SetupError::LogKey { log: name.clone() })?;
        let log = match self.storage {
            None => Log::create(&self.dir, name),
            Some(storage) => Log::create_on(storage, name),
        }?;
        let appended = log.append(&Record::new(now, event)).map_err(WriteError::from)?;
        drop(appended);
        log.checkpoint(&keys.log).map_err(WriteError::from)?;
        let state = State::new(SpaceState::new(log.origin().clone(), profile));
        let index = Index::new(self.snapshots, Base::default());
        let owner = Owner { keys, limits: self.limits, observer: self.observer };
        owner.node(&self.dir, (log, state, index), clock, (None, 1))
    }

    /// Opens the log and rebuilds everything that was in force: memberships, contracts, uses,
    /// terminations. Products must be registered again, to attach their data.
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

    /// Opens a node whose log holds a wrong clock reading from the future, and restarts from what the clock
    /// shows now. Recorded and signed for everyone to see.
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
        let NodeKeys { participant, log_key, .. } = &self.keys;
        // A DID and a key always make one.
        let like = Origin::with_key(participant, log_key, None).map_err(|_| RandomError)?;
        let (log, recovery) = match self.storage.take() {
            None => Log::open_of(&self.dir, &like),
            Some(storage) => Log::open_of_on(storage, &like),
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
        let mut releases = Releases::after(LeafIndex::new(base.size));
        let mut tail = unusable.is_some().then(|| Tail::after(&base));
        log.replay_from(LeafIndex::new(base.size), |index, bytes| {
            let fail = |source| SetupError::Record { index, source };
            let record = Record::from_bytes(bytes).map_err(|error| fail(error.into()))?;
            times.take(&record).map_err(|error| fail(error.into()))?;
            replayed = replayed.saturating_add(1);
            if let Some(tail) = &mut tail {
                tail.take(index, &record, bytes);
            }
            let taken = self.take(&mut state, log.origin(), (index, record), Some(&mut releases));
            taken.map_err(fail)
        })?;
        // A creation that was cut short before its first record holds nothing yet.
        let Some(mut state) = state else {
            let part = "a first record; create the node again in an empty directory";
            return Err(ProfileError::Missing { part }.into());
        };
        let covered = TreeSize::new(base.size);
        let state_of_index = match unusable {
            None => IndexState::Used { size: covered, replayed },
            Some(why) => IndexState::Rebuilt { why, replayed },
        };
        let keys = Keys::of_log(self.keys, log.origin());
        let keys = keys.ok_or_else(|| SetupError::LogKey { log: log.origin().clone() })?;
        let index = Index::new(self.snapshots, base);
        if let Some(tail) = tail {
            // The next opening should not have to read all this again.
            let _reported = index.write(Some(tail), (&log, &state), &keys.log);
        }
        let mut high_water = times.latest();
        if sets_back {
            let (from, to) = (high_water, self.clock.now());
            if from.since(to) <= TOLERANCE {
                return Err(SetupError::ClockNotBehind { now: to, latest: from });
            }
            let change = Change::clock_set_back(from, to);
            let appended = log.append(&Record::new(to, change.to_event()));
            state.apply(change, appended.map_err(WriteError::from)?.index());
            high_water = to;
        }
        // WHY at the latest time in the log: a clock that is wrong while the node is opened, and is
        // not asked for anything, must not leave its time in the log.
        let opened = Event::Opened { epoch: ByteArray::new(random::nonce(&*self.randomness)?) };
        let opened = log.append(&Record::new(high_water, opened)).map_err(WriteError::from)?;
        log.checkpoint(&keys.log).map_err(WriteError::from)?;
        let size = opened.index().as_u64().saturating_add(1);
        let opened = Opened { recovery, index: state_of_index, size };
        let clock = SteadyClock::new(self.clock, high_water);
        let owner = Owner { keys, limits: self.limits, observer: self.observer };
        owner.node(&self.dir, (log, state, index), clock, (Some(opened), size))
    }

    /// The state that the index describes. Its changes are checked as when they were recorded; of
    /// contracts it has what they are known by, which the operator signed, and whose documents are
    /// checked when they are read.
    fn indexed(&self, log: &Log) -> Result<(State, Base), Unusable> {
        let (mut state, mut relations) = (None::<State>, Vec::new());
        // As many as there can be, however many the index says, and no more than a million at once: that it
        // is signed is known at its end.
        let records = log.size().map_err(Unusable::cause)?.as_u64();
        let refused = |source| Unusable::Rows { source: Box::new(source) };
        let base = Index::read(&*self.snapshots, log, &mut |row| {
            let taken = match (row, &mut state) {
                (Row::Change(index, bytes), state) => {
                    Record::from_bytes(bytes).map_err(Refusal::from).and_then(|record| {
                        match (state, &record.event) {
                            // Its row comes later; here is whom it keeps out.
                            (Some(state), Event::Concluded { .. }) => {
                                state.space.restore_exclusive(record)
                            }
                            // Its contract comes only later. The writer of the index verified it.
                            (Some(state), Event::Deleted { contract, .. }) => {
                                let contract = ContractId::from_digest(*contract);
                                state.space.restore_deleted(contract, index)
                            }
                            (state, _) => self.take(state, log.origin(), (index, record), None),
                        }
                    })
                }
                (_, None) => Err(Refusal::NoProfile),
                (Row::Relation(consumer, product), Some(state)) => {
                    relations.push(state.space.relation(consumer, product));
                    Ok(())
                }
                (Row::Contracts(contracts), Some(state)) => {
                    let contracts = usize::try_from(contracts.min(records).min(1 << 20));
                    state.space.reserve(contracts.unwrap_or_default());
                    Ok(())
                }
                (Row::Contract(place, relation, made), Some(state)) => {
                    let relation = relations.get(usize::try_from(relation).unwrap_or(usize::MAX));
                    let relation = relation.ok_or(Unusable::Digest)?;
                    state.space.restore(&place, relation, (made.permits, made.counts))
                }
                (Row::Terminated(termination), Some(state)) => {
                    state.space.restore_ended(termination)
                }
                (Row::Request(answered), Some(state)) => {
                    state.replays.restore(answered.request, answered.at);
                    Ok(())
                }
            };
            taken.map_err(refused)
        })?;
        Ok((state.ok_or(refused(Refusal::NoProfile))?, base))
    }

    fn take(
        &self,
        state: &mut Option<State>,
        log: &Origin,
        (index, record): (LeafIndex, Record),
        releases: Option<&mut Releases>,
    ) -> Result<(), Refusal> {
        let at = record.time;
        let (state, taken) = if let Some(state) = state {
            let taken = state.space.check(record)?;
            (state, taken)
        } else {
            let space = SpaceState::begin(record, &self.authority, log.clone())?;
            (state.insert(State::new(space)), Taken::Nothing)
        };
        if let Some(releases) = releases {
            releases.take(index, &taken, &state.space)?;
        }
        match taken {
            // Of reports, nothing that is in force depends on.
            Taken::Nothing | Taken::Denials(_) | Taken::Released(_) => {}
            Taken::Change(change) => state.apply(*change, index),
            Taken::Access(access) => {
                state.space.count(&access, at)?;
                state.replays.restore(access.request, at);
            }
        }
        Ok(())
    }
}

/// Parts that an owner hands over and a node keeps.
struct Owner {
    keys: Keys,
    limits: Limits,
    observer: Box<dyn Observer>,
}

impl Owner {
    /// A node in `dir` whose log has `size` records, all of them signed.
    fn node(
        self,
        dir: &Path,
        (log, state, index): (Log, State, Index),
        clock: SteadyClock,
        (opened, size): (Option<Opened>, u64),
    ) -> Result<DataSpace, SetupError> {
        let Self { keys, limits, observer } = self;
        let (kept, compiler) = (Kept::open(dir)?, state.space.compiler().clone());
        let inner = Inner {
            anchors: state.space.anchors().clone(),
            contracts: ActiveContracts::new(limits.contracts_max, compiler, kept),
            gate: Gate::new(state),
            keys,
            signed: LastSigned::new(size, clock.latest()),
            clock,
            log,
            opened,
            index,
            limits,
            throttle: Throttle::default(),
            resumes: Resumes::default(),
            rivals: Rivals::default(),
            offers: Offers::new(dir),
            archiving: Mutex::default(),
            observer,
            stamp_key: StampKey::default(),
            recorded: AtomicU64::new(size),
        };
        Ok(DataSpace { inner: Arc::new(inner) })
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("dir", &self.dir)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}
