//! How a consumer's node is made and opened.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dataspace_audit_log::{Log, Recovery, error::CreateError, open::OpenError, reader::ReadError};
use dataspace_identity::{Did, Origin};
use dataspace_ledger::{ConsumerState, Refusal, consumer::ConsumerReplayer};
use dataspace_primitives::{Signed, UnixMillis};
use dataspace_tlog::{
    Directory, Event, LeafIndex, Record, Seen, TreeSize, record::ConsumerEvent,
    witness::SeenDirectory,
};
use dataspace_usage_contract::{PublishedProfile, SpaceProfile, profile::ProfileError};
use parking_lot::Mutex;
use serde_bytes::{ByteArray, ByteBuf};
use thiserror::Error;

use crate::clock::{Clock, SteadyClock, SystemClock};
use crate::consumer::reading::BeingRead;
use crate::consumer::{ConsumerNode, Inner};
use crate::error::WriteError;
use crate::keys::{Keys, NodeKeys};
use crate::random::{self, RandomError, SystemRandomness};

/// What a log lacks whose creation was cut short.
const FIRST: &str = "a first record; create the node again in an empty directory";
pub(crate) const SEEN: &str = "seen";
pub(crate) const EVIDENCE: &str = "evidence";

/// Options for making or opening a consumer's node.
pub struct ConsumerSetup {
    dir: PathBuf,
    keys: NodeKeys,
    authority: Did,
    clock: Box<dyn Clock>,
}

/// Why a consumer's node is not made or opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConsumerSetupError {
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
    /// The log has records that no checkpoint ever covered.
    #[error("the log has {size} records and no checkpoint; somebody removed it")]
    NoCheckpoint {
        /// Records in the log.
        size: TreeSize,
    },
    /// A record of the log is not one that a consumer's node would have written.
    #[error("record {index} of the log is not acceptable")]
    Record {
        /// Its place.
        index: LeafIndex,
        /// The problem.
        source: Refusal,
    },
    /// The directory cannot be used.
    #[error("the node's directory cannot be used")]
    Directory(#[from] io::Error),
    /// The log is one of another key.
    #[error("the log `{log}` has another key than the one given for it; open it with its own keys")]
    LogKey {
        /// The log.
        log: Origin,
    },
    /// The profile is not acceptable.
    #[error("the space profile is refused")]
    Profile(#[from] ProfileError),
    /// The first record, or that of the opening, cannot be written and signed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl ConsumerSetup {
    /// A node in `dir` of the consumer that holds `keys`, in the space of `authority`.
    pub fn new(dir: impl AsRef<Path>, keys: NodeKeys, authority: Did) -> Self {
        let (dir, clock) = (dir.as_ref().to_owned(), Box::new(SystemClock));
        Self { dir, keys, authority, clock }
    }

    /// Takes the time from `clock` instead of the operating system.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Begins a new log with the authority's profile, which any provider's catalogue has
    /// ([`fetch_profile`](crate::consumer::fetch_profile)).
    ///
    /// # Errors
    /// [`ConsumerSetupError`] if the profile is refused or there is a log in the directory already.
    pub fn create(self, profile: Signed<SpaceProfile>) -> Result<ConsumerNode, ConsumerSetupError> {
        let clock = SteadyClock::new(self.clock, UnixMillis::MIN);
        let now = clock.now().map_err(WriteError::from)?;
        let published = PublishedProfile::publish(profile, &self.authority, now)?;
        let (version, document) = (published.profile().version, published.signed().as_bytes());
        let record =
            Record::new(now, Event::Profile { version, document: ByteBuf::from(document) });
        let NodeKeys { participant, log_key, .. } = &self.keys;
        let name = random::new_origin(&SystemRandomness, participant, log_key)?;
        let keys = keys_of(self.keys, &name)?;
        let log = Log::create(&self.dir, name)?;
        let begun = Record::new(now, Event::Consumer(ConsumerEvent::Begun));
        let mut replayer = ConsumerReplayer::new(self.authority.clone(), log.origin().clone());
        for (index, record) in (0..).map(LeafIndex::new).zip([&record, &begun]) {
            let taken = replayer.take(index, record.clone());
            taken.map_err(|source| ConsumerSetupError::Record { index, source })?;
        }
        let _first = log.append_batch(&[record, begun]).map_err(WriteError::from)?;
        let (state, _) = replayer.finish().ok_or(ProfileError::Missing { part: FIRST })?;
        let size = log.checkpoint(&keys.log).map_err(WriteError::from)?.size();
        node((&self.dir, self.authority), (keys, clock), (log, None, size), state)
    }

    /// Opens the log and rebuilds everything from it: reads all of it, in about a tenth of a second for a
    /// thousand contracts. The opening is recorded with a number drawn at random, so that two copies of
    /// one directory never agree again.
    ///
    /// # Errors
    /// [`ConsumerSetupError`] if the log is damaged, or holds what this node would not have written.
    pub fn open(self) -> Result<ConsumerNode, ConsumerSetupError> {
        let NodeKeys { participant, log_key, .. } = &self.keys;
        // A DID and a key always make one.
        let like = Origin::with_key(participant, log_key, None).map_err(|_| RandomError)?;
        let (log, recovery) = Log::open_of(&self.dir, &like)?;
        if recovery.checkpoint().is_none() && recovery.size().as_u64() > 1 {
            return Err(ConsumerSetupError::NoCheckpoint { size: recovery.size() });
        }
        let mut replayer = ConsumerReplayer::new(self.authority.clone(), log.origin().clone());
        log.replay(|index, bytes| {
            let fail = |source| ConsumerSetupError::Record { index, source };
            let record = Record::from_bytes(bytes).map_err(|error| fail(error.into()))?;
            replayer.take(index, record).map_err(fail)
        })?;
        let Some((state, latest)) = replayer.finish() else {
            return Err(ProfileError::Missing { part: FIRST }.into());
        };
        let keys = keys_of(self.keys, log.origin())?;
        // WHY at the latest time in the log: as for a provider's node.
        let epoch = ByteArray::new(random::nonce(&SystemRandomness)?);
        let opened = Record::new(latest, Event::Opened { epoch });
        let _opened = log.append(&opened).map_err(WriteError::from)?;
        let size = log.checkpoint(&keys.log).map_err(WriteError::from)?.size();
        let clock = SteadyClock::new(self.clock, latest);
        node((&self.dir, self.authority), (keys, clock), (log, Some(recovery), size), state)
    }
}

fn keys_of(keys: NodeKeys, log: &Origin) -> Result<Keys, ConsumerSetupError> {
    Keys::of_log(keys, log).ok_or_else(|| ConsumerSetupError::LogKey { log: log.clone() })
}

fn node(
    (dir, authority): (&Path, Did),
    (keys, clock): (Keys, SteadyClock),
    (log, recovery, size): (Log, Option<Recovery>, TreeSize),
    state: ConsumerState,
) -> Result<ConsumerNode, ConsumerSetupError> {
    let seen = Seen::new(Box::new(SeenDirectory::open(&dir.join(SEEN))?));
    let evidence = Directory::make(&dir.join(EVIDENCE))?;
    evidence.remove_temporary()?;
    #[cfg(feature = "sealed")]
    let sealed = crate::consumer::sealed::kept::Kept::open(dir, &state)?;
    let inner = Inner {
        keys,
        authority,
        clock,
        log,
        recovery,
        state: Mutex::new(state),
        agreements: Mutex::default(),
        unproved: Mutex::default(),
        reading: BeingRead::default(),
        seen,
        evidence,
        signed: Mutex::new(size.as_u64()),
        #[cfg(feature = "sealed")]
        sealed,
    };
    Ok(ConsumerNode { inner: Arc::new(inner) })
}

impl fmt::Debug for ConsumerSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerSetup")
            .field("dir", &self.dir)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}
