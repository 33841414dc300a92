//! A witness (C2SP tlog-witness): cosigns what extends everything that it has seen of a log.

pub(crate) mod add_checkpoint;
pub(crate) mod finding;
pub(crate) mod fork;
pub(crate) mod policy;
pub(crate) mod seen;
pub(crate) mod seen_store;

pub use self::add_checkpoint::{
    AddCheckpoint, REQUEST_LEN_MAX, REQUEST_PATH_LEN_MAX, RequestError,
};
pub use self::fork::{FORK_LEN_MAX, ForkError, VerifiedFork};
pub use self::policy::{
    Cosigners, QuorumError, WITNESSES_MAX, WitnessPolicy, WitnessPolicyError, WitnessedCheckpoint,
};
pub use self::seen::{FollowError, FoundFork, Refusal, TakeError, Taken};
pub use self::seen_store::{SeenDirectory, SeenStore, origin_hash};

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dataspace_identity::Origin;
use dataspace_primitives::{Signer, UnixMillis};
use thiserror::Error;

use crate::note::checkpoint::{Checkpoint, CheckpointError};
use crate::note::cosignature::{Cosignature, CosignatureError, WitnessKey};
use crate::note::signed_note::{Note, NoteError};

use crate::witness::seen::{AdvanceError, Seen};

/// A witness of some logs. It cosigns a checkpoint only after it has verified that it extends the
/// one before and has made it durable, so that after any crash it still knows all that it
/// cosigned.
///
/// It reads no clock: the time comes with each request. Of one log it must not go back, and it must
/// not go forward by more than [`CLOCK_JUMP_MAX`] after the latest cosignature of any log, so that a
/// clock that is wrong once does not keep the witness silent until that time has come. Where the
/// clock is right and the witness was silent for so long, [`trust_times_until`] says so; where it was
/// wrong and cosignatures bear its times, [`disregard_times_from`] does. Neither makes the witness
/// forget what it saw. C2SP tlog-cosignature asks for the time of the cosignature and for no order;
/// cosignatures with times of a wrong clock stay as false as they are, and verifiers may reject them.
///
/// Shared by reference between threads; requests for one log wait for each other.
///
/// [`trust_times_until`]: Witness::trust_times_until
/// [`disregard_times_from`]: Witness::disregard_times_from
pub struct Witness {
    key: WitnessKey,
    signer: Box<dyn Signer>,
    logs: Vec<Origin>,
    seen: Seen,
    /// The time of the latest cosignature of any log, in milliseconds; 0 if there is none.
    newest: AtomicU64,
    trusted_until: UnixMillis,
    disregarded_from: Option<UnixMillis>,
}

/// Farthest that the clock may go forward between two cosignatures: a year and a day.
pub const CLOCK_JUMP_MAX: Duration = Duration::from_secs(366 * 24 * 3_600);

/// Why a witness is not opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenWitnessError {
    /// What was seen of a log cannot be read.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// What was kept of a log is not under a cosignature of this witness.
    #[error("the state of `{origin}` is not cosigned by `{name}`: it is another witness's")]
    OtherWitness {
        /// The log.
        origin: Origin,
        /// The name of the witness.
        name: String,
    },
    /// A log's operator would be its own witness.
    #[error("the log `{origin}` has the witness's own key; an operator is no witness")]
    OwnLog {
        /// The log.
        origin: Origin,
    },
    /// The signer does not hold the witness's key.
    #[error("the signer does not hold the key of the witness `{name}`")]
    Signer {
        /// The name of the witness.
        name: String,
    },
}

/// Why a checkpoint is not cosigned. [`status`](Self::status) and [`body`](Self::body) are the
/// answer that C2SP tlog-witness asks for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AddCheckpointError {
    /// Not an `add-checkpoint` request: 400.
    #[error("malformed request")]
    Request(#[from] RequestError),
    /// The checkpoint is not a note, or not a checkpoint: 400.
    #[error("malformed checkpoint")]
    Form(#[source] CheckpointError),
    /// A log that this witness does not know: 404.
    #[error("unknown log")]
    UnknownLog,
    /// Not signed by the log, or not well: 403.
    #[error("not signed by the log's operator")]
    Unsigned(#[source] NoteError),
    /// It does not extend what the witness has cosigned: 400, 409 or 422.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: Refusal,
        /// The proof that the operator signed two histories, where this request shows it. The
        /// first one is kept in the store.
        fork: Option<Box<FoundFork>>,
    },
    /// The witness's clock shows an earlier time than its last cosignature of this log: 500.
    #[error("the witness's clock went back from {last} to {now}")]
    Clock {
        /// The last cosignature's time.
        last: UnixMillis,
        /// The time that was given.
        now: UnixMillis,
    },
    /// The witness's clock went forward by more than [`CLOCK_JUMP_MAX`]: 500.
    #[error(
        "the witness's clock went forward from {last} to {now}; its operator must say which is right"
    )]
    ClockJump {
        /// The latest cosignature's time.
        last: UnixMillis,
        /// The time that was given.
        now: UnixMillis,
    },
    /// The cosignature cannot be made: 500.
    #[error("the cosignature cannot be made")]
    Cosign(#[from] CosignatureError),
    /// The medium failed, so nothing is cosigned: 500.
    #[error("the checkpoint cannot be stored")]
    Io(#[from] io::Error),
    /// An earlier write failed, or a thread panicked; open the witness again: 500.
    #[error("the state of this log is not known until the witness is opened again")]
    Poisoned,
}

impl Witness {
    /// Opens the witness `key` of `logs`, with what it has seen of them. `signer` holds its key.
    ///
    /// # Errors
    /// [`OpenWitnessError`] if the key is another one, or what was seen cannot be read.
    pub fn open(
        key: WitnessKey,
        signer: Box<dyn Signer>,
        logs: &[Origin],
        store: Box<dyn SeenStore>,
    ) -> Result<Self, OpenWitnessError> {
        const TEST: &[u8] = b"dataspace: does this signer hold the witness's key?";
        if !signer.sign(TEST).is_ok_and(|signature| key.key().verifies(TEST, &signature)) {
            return Err(OpenWitnessError::Signer { name: key.name().to_owned() });
        }
        let seen = Seen::new(store);
        for origin in logs {
            if origin.key().as_ref() == Ok(key.key()) {
                return Err(OpenWitnessError::OwnLog { origin: origin.clone() });
            }
            seen.follow(origin)?;
            let other = || OpenWitnessError::OtherWitness {
                origin: origin.clone(),
                name: key.name().to_owned(),
            };
            if let Some(held) = seen.latest(origin).map_err(|_| FollowError::Poisoned)? {
                // WHY: the time of the last cosignature is the witness's memory of its clock.
                key.find(&held).ok().flatten().ok_or_else(other)?;
            }
        }
        let (newest, trusted_until) = (AtomicU64::new(0), UnixMillis::MIN);
        let logs = logs.to_vec();
        let this = Self { key, signer, logs, seen, newest, trusted_until, disregarded_from: None };
        this.find_newest();
        Ok(this)
    }

    /// Says that the clock is right up to this time, however long the witness was silent.
    #[must_use]
    pub fn trust_times_until(mut self, until: UnixMillis) -> Self {
        self.trusted_until = until;
        self
    }

    /// Says that the clock was wrong when it showed this time or a later one: cosignatures that bear
    /// such a time no longer keep the witness from cosigning at earlier ones.
    #[must_use]
    pub fn disregard_times_from(mut self, from: UnixMillis) -> Self {
        self.disregarded_from = Some(from);
        self.find_newest();
        self
    }

    /// The time of this witness's last cosignature under `held`, if it counts.
    fn last_time(&self, held: &Checkpoint) -> Result<Option<UnixMillis>, CosignatureError> {
        let last = self.key.find(held)?.map(|one| one.time());
        Ok(last.filter(|last| self.disregarded_from.is_none_or(|from| *last < from)))
    }

    fn find_newest(&self) {
        let held = self.logs.iter().filter_map(|origin| self.seen.latest(origin).ok().flatten());
        let times = held.filter_map(|held| self.last_time(&held).ok().flatten());
        let newest = times.map(UnixMillis::as_millis).max().unwrap_or(0);
        self.newest.store(newest, Ordering::Release);
    }

    fn check_clock(
        &self,
        held: Option<&Checkpoint>,
        now: UnixMillis,
    ) -> Result<(), AddCheckpointError> {
        let last = held.map(|held| self.last_time(held)).transpose()?.flatten();
        if let Some(last) = last.filter(|last| *last > now) {
            return Err(AddCheckpointError::Clock { last, now });
        }
        let newest = self.newest.load(Ordering::Acquire);
        let jump = u64::try_from(CLOCK_JUMP_MAX.as_millis()).unwrap_or(u64::MAX);
        let is_far = newest > 0 && now.as_millis().saturating_sub(newest) > jump;
        match UnixMillis::new(newest) {
            Some(last) if is_far && now > self.trusted_until => {
                Err(AddCheckpointError::ClockJump { last, now })
            }
            _ => Ok(()),
        }
    }

    /// The witness's key; its `Display` is the verifier key to give to others.
    #[must_use]
    pub fn key(&self) -> &WitnessKey {
        &self.key
    }

    /// The logs that are witnessed.
    #[must_use]
    pub fn logs(&self) -> &[Origin] {
        &self.logs
    }

    /// Answers one `add-checkpoint` request at the time `now`. On return, the checkpoint is
    /// durable as the latest of its log.
    ///
    /// # Errors
    /// [`AddCheckpointError`]; then nothing was cosigned.
    pub fn add_checkpoint(
        &self,
        body: &[u8],
        now: UnixMillis,
    ) -> Result<Cosignature, AddCheckpointError> {
        let request = AddCheckpoint::parse(body)?;
        let malformed = |error: NoteError| AddCheckpointError::Form(error.into());
        let origin = Note::read(request.note()).map_err(malformed)?.text.lines().next();
        let known = |log: &&Origin| Some(log.as_str()) == origin;
        let origin = self.logs.iter().find(known).ok_or(AddCheckpointError::UnknownLog)?;
        let checkpoint =
            Checkpoint::verify(request.note(), origin).map_err(|error| match error {
                CheckpointError::Note(
                    error @ (NoteError::Unsigned { .. } | NoteError::Signature { .. }),
                ) => AddCheckpointError::Unsigned(error),
                error => AddCheckpointError::Form(error),
            })?;
        // What others signed is none of the witness's business, and would fill its disk.
        let checkpoint = checkpoint.to_bare().map_err(AddCheckpointError::Form)?;
        let mut made = None;
        let advanced = self.seen.advance(&checkpoint, (request.old(), request.path()), |held| {
            self.check_clock(held, now)?;
            let cosignature = self.key.cosign(&checkpoint, now, &*self.signer)?;
            let keys = std::slice::from_ref(&self.key);
            let kept = checkpoint.with_cosignatures(cosignature.as_line(), keys)?;
            made = Some(cosignature);
            Ok(kept)
        });
        match advanced {
            // INVARIANT: what is kept was made together with the cosignature.
            Ok(()) => {
                self.newest.fetch_max(now.as_millis(), Ordering::AcqRel);
                made.ok_or(AddCheckpointError::Poisoned)
            }
            Err(AdvanceError::Unfollowed) => Err(AddCheckpointError::UnknownLog),
            Err(AdvanceError::Refused(reason, fork)) => {
                Err(AddCheckpointError::Refused { reason, fork })
            }
            Err(AdvanceError::Caller(error)) => Err(error),
            Err(AdvanceError::Io(error)) => Err(error.into()),
            Err(AdvanceError::Poisoned) => Err(AddCheckpointError::Poisoned),
        }
    }

    /// The latest checkpoint that this witness cosigned of the log whose origin has this
    /// [`origin_hash`], with both signatures: the `checkpoint` of C2SP tlog-witness's monitoring
    /// interface. `None` if there is none, or its state is not known.
    #[must_use]
    pub fn checkpoint(&self, hash: &str) -> Option<Checkpoint> {
        let origin = self.logs.iter().find(|log| origin_hash(log) == hash)?;
        self.seen.latest(origin).ok().flatten()
    }

    /// What was seen of the logs, and the proofs of forks.
    #[must_use]
    pub fn seen(&self) -> &Seen {
        &self.seen
    }
}

impl AddCheckpointError {
    /// The HTTP status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Request(_)
            | Self::Form(_)
            | Self::Refused { reason: Refusal::OldSize { .. }, .. } => 400,
            Self::Unsigned(_) => 403,
            Self::UnknownLog => 404,
            Self::Refused { reason: Refusal::Stale { .. }, .. } => 409,
            Self::Refused { reason: Refusal::EmptyRoot | Refusal::Inconsistent(_), .. } => 422,
            Self::Clock { .. }
            | Self::ClockJump { .. }
            | Self::Cosign(_)
            | Self::Io(_)
            | Self::Poisoned => 500,
        }
    }

    /// The content type of the answer.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self.status() {
            409 => "text/x.tlog.size",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// The body of the answer: for 409 the size that the witness cosigned last, else what is
    /// wrong. Failures of the witness itself are not told to strangers.
    #[must_use]
    pub fn body(&self) -> String {
        match self {
            Self::Refused { reason: Refusal::Stale { held, .. }, .. } => format!("{held}\n"),
            error if error.status() == 500 => "the witness cannot cosign now\n".to_owned(),
            Self::Request(error) => format!("{self}: {error}\n"),
            Self::Form(error) => format!("{self}: {error}\n"),
            Self::Unsigned(error) => format!("{self}: {error}\n"),
            error => format!("{error}\n"),
        }
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness")
            .field("key", &self.key)
            .field("logs", &self.logs)
            .finish_non_exhaustive()
    }
}
