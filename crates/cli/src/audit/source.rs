//! A log that is read, whichever form it has.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use dataspace_audit_log::{
    Checkpoint, ConsistencyProof, ExtendsError, History, InclusionProof, LeafIndex, Log,
    NOTE_LEN_MAX, OpenError, OpenStaticError, Origin, ProveError, ReadError, ReadOnlyStorage,
    Recovery, StaticLog, StaticLogError, StaticReadError, TreeSize,
};
use dataspace_primitives::Digest;
use thiserror::Error;

use crate::audit::http_error::HttpError;
use crate::audit::kind::Kind;
use crate::audit::place::{Place, PublishedFiles};
use crate::out::tell;
use crate::outcome::Damaged;
use crate::shell::{quoted, shown_path};
use crate::{files, paint};

/// A checkpoint that somebody kept, of the log `origin`.
pub(crate) fn kept_checkpoint(file: &Path, origin: &Origin) -> Result<Checkpoint> {
    let note = files::read_text(file, NOTE_LEN_MAX)?;
    let claimed = Checkpoint::claimed_origin(&note)
        .with_context(|| format!("{} is not a checkpoint", shown_path(file)))?;
    if claimed != *origin {
        bail!("{} is a checkpoint of the log {claimed}, not of {origin}", shown_path(file));
    }
    Checkpoint::verify(&note, origin)
        .with_context(|| format!("the checkpoint in {} proves nothing", shown_path(file)))
}

/// A log that is read, and not changed.
#[derive(Debug)]
pub(crate) enum Source {
    Node(Box<Log>, Recovery),
    Published(Box<StaticLog<PublishedFiles>>),
}

impl Source {
    /// Opens the log at `place`; every record and proof that comes out of it leads to its root.
    pub(crate) fn open(place: &Place, given: Option<&Origin>) -> Result<Self> {
        let kind = place.kind()?;
        let origin = place.origin(given)?;
        if let (Kind::Node, Some(dir)) = (kind, place.directory()) {
            let Reading { storage, is_running } = Reading::of(dir)?;
            if is_running {
                tell!("{} {}: {LEFT_OUT}", paint::title("note"), shown_path(dir));
            }
            let opened = Log::open_on(Box::new(storage), origin);
            let (log, recovery) = opened.map_err(|error| open_error(dir, error))?;
            return Ok(Self::Node(Box::new(log), recovery));
        }
        let opened = StaticLog::open(place.files(), &origin);
        let log = opened.map_err(|error| open_static_error(place, error))?;
        Ok(Self::Published(Box::new(log)))
    }

    pub(crate) fn origin(&self) -> &Origin {
        match self {
            Self::Node(log, _) => log.origin(),
            Self::Published(log) => log.checkpoint().origin(),
        }
    }

    /// The stored or published checkpoint.
    pub(crate) fn checkpoint(&self) -> Option<&Checkpoint> {
        match self {
            Self::Node(_, recovery) => recovery.checkpoint(),
            Self::Published(log) => Some(log.checkpoint()),
        }
    }

    /// The checkpoint, or what to do without one.
    pub(crate) fn signed(&self) -> Result<Checkpoint> {
        let without = "there is no stored checkpoint, so nothing can be proved; restore it from a \
                       copy, or let the node be opened by its operator, who signs a new one";
        self.checkpoint().cloned().ok_or_else(|| anyhow!(Damaged(without.to_owned())))
    }

    /// All records, also those that no checkpoint covers yet.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Node(_, recovery) => recovery.size().as_u64(),
            Self::Published(log) => log.size().as_u64(),
        }
    }

    /// The first record that is here; those before it were archived.
    pub(crate) fn first(&self) -> Result<u64> {
        match self {
            Self::Node(log, _) => Ok(log.first().map_err(read_error)?.as_u64()),
            Self::Published(_) => Ok(0),
        }
    }

    /// Hands the records of `range` to `visit`, in order.
    pub(crate) fn replay(
        &mut self,
        range: Range<u64>,
        mut visit: impl FnMut(LeafIndex, &[u8]) -> Result<()>,
    ) -> Result<()> {
        self.walk(range, &mut visit)
    }

    /// One piece of code for all visitors.
    fn walk(
        &mut self,
        range: Range<u64>,
        visit: &mut dyn FnMut(LeafIndex, &[u8]) -> Result<()>,
    ) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        match self {
            Self::Node(log, _) => {
                let walked = log.replay_from(LeafIndex::new(range.start), |index, bytes| {
                    if index.as_u64() >= range.end {
                        return Err(Walk::Done);
                    }
                    visit(index, bytes).map_err(Walk::Visit)
                });
                match walked {
                    Ok(()) | Err(Walk::Done) => Ok(()),
                    Err(Walk::Read(error)) => Err(read_error(error)),
                    Err(Walk::Visit(error)) => Err(error),
                }
            }
            Self::Published(log) => {
                let walked = log
                    .replay(range, |index, bytes| visit(index, bytes).map_err(StaticWalk::Visit));
                walked.map_err(|error| match error {
                    StaticWalk::Read(error) => static_error(error),
                    StaticWalk::Visit(error) => error,
                })
            }
        }
    }

    pub(crate) fn record(&mut self, index: LeafIndex) -> Result<Vec<u8>> {
        match self {
            Self::Node(log, _) => log.read(index).map_err(read_error),
            Self::Published(log) => log.entry(index).map_err(static_error),
        }
    }

    pub(crate) fn inclusion(&mut self, index: LeafIndex, size: TreeSize) -> Result<InclusionProof> {
        match self {
            Self::Node(log, _) => log.inclusion_proof(index, size).map_err(prove_error),
            Self::Published(log) => log.inclusion_proof(index, size).map_err(static_error),
        }
    }

    pub(crate) fn consistency(&mut self, from: TreeSize, to: TreeSize) -> Result<ConsistencyProof> {
        match self {
            Self::Node(log, _) => log.consistency_proof(from, to).map_err(prove_error),
            Self::Published(log) => log.consistency_proof(from, to).map_err(static_error),
        }
    }

    /// Holds the log against a checkpoint that somebody kept.
    pub(crate) fn extends(&mut self, kept: &Checkpoint) -> Result<()> {
        let (signed, found) = (kept.size(), self.size());
        let rolled_back = || {
            Damaged(format!(
                "the log was rolled back: the operator signed {signed} records, {found} are here"
            ))
        };
        let forked = || {
            Damaged(format!(
                "the log was forked or rewritten: its first {signed} records are not those that \
                 the operator signed"
            ))
        };
        match self {
            Self::Node(log, _) => log.verify_extends(kept).map_err(|error| match error {
                ExtendsError::RolledBack { .. } => anyhow!(rolled_back()),
                ExtendsError::Forked { .. } => anyhow!(forked()),
                ExtendsError::Read(error) => read_error(error),
                error => error.into(),
            }),
            Self::Published(log) => log.verify_extends(kept).map_err(|error| match error {
                StaticLogError::Tree(_) => anyhow!(rolled_back()),
                StaticLogError::Forked { .. } => anyhow!(forked()),
                error => static_error(error),
            }),
        }
    }
}

/// Why a log does not answer, for the library.
#[derive(Debug, Error)]
#[error("{0:#}")]
pub(crate) struct NotRead(pub(crate) anyhow::Error);

impl History for Source {
    type Error = NotRead;

    fn root_at(&mut self, size: TreeSize) -> Result<Digest, NotRead> {
        match self {
            Self::Node(log, _) => log.root_at(size).map_err(prove_error),
            Self::Published(log) => log.root_at(size).map_err(static_error),
        }
        .map_err(NotRead)
    }

    fn consistency_proof(
        &mut self,
        from: TreeSize,
        to: TreeSize,
    ) -> Result<ConsistencyProof, NotRead> {
        self.consistency(from, to).map_err(NotRead)
    }
}

enum Walk {
    Done,
    Read(ReadError),
    Visit(anyhow::Error),
}

impl From<ReadError> for Walk {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

enum StaticWalk {
    Read(StaticLogError),
    Visit(anyhow::Error),
}

impl From<StaticLogError> for StaticWalk {
    fn from(error: StaticLogError) -> Self {
        Self::Read(error)
    }
}

/// What is not seen of a log that a node has open.
pub(crate) const LEFT_OUT: &str =
    "a node has this log open; what it recorded after its last checkpoint is left out";

/// A node's directory that is read, and not changed.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) storage: ReadOnlyStorage,
    /// Whether a node has it open, so that its last checkpoint is all there is to see.
    pub(crate) is_running: bool,
}

impl Reading {
    pub(crate) fn of(dir: &Path) -> Result<Self> {
        let (opened, is_running) = match ReadOnlyStorage::open(dir) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                (ReadOnlyStorage::open_running(dir), true)
            }
            opened => (opened, false),
        };
        let storage = opened.map_err(|error| storage_error(dir, error))?;
        Ok(Self { storage, is_running })
    }
}

/// What to do about a directory that is not opened.
pub(crate) fn storage_error(dir: &Path, error: io::Error) -> anyhow::Error {
    let shown = shown_path(dir);
    let text = match error.kind() {
        io::ErrorKind::WouldBlock => {
            format!("{shown} is in use; stop the node first, or wait for it")
        }
        io::ErrorKind::InvalidData => {
            return anyhow!(error).context(Damaged(format!("the log in {shown} is damaged")));
        }
        _ => format!("cannot read the log in {shown}"),
    };
    anyhow!(error).context(text)
}

/// Whether the log is damaged, or just not to be had.
pub(crate) fn open_error(dir: &Path, error: OpenError) -> anyhow::Error {
    let shown = shown_path(dir);
    match error {
        OpenError::Io(error) => storage_error(dir, error),
        error @ OpenError::Full(_) => {
            anyhow!(error).context(format!("cannot open the log in {shown}"))
        }
        error @ OpenError::Version { .. } => anyhow!(error).context(Damaged(format!(
            "the log in {shown} is damaged, or another version of this program wrote it"
        ))),
        error @ OpenError::Origin { .. } => {
            anyhow!(error).context(Damaged(format!("the log in {shown} is another one")))
        }
        error @ OpenError::Derived { .. } => anyhow!(Damaged(format!(
            "the log in {shown} is damaged: its records are well, but {}; `dataspace audit fsck \
             {} --rebuild` makes it anew",
            error.to_string().split(';').next().unwrap_or_default(),
            quoted(dir)
        ))),
        error => anyhow!(error).context(Damaged(format!("the log in {shown} is damaged"))),
    }
}

pub(crate) fn open_static_error(at: impl fmt::Display, error: OpenStaticError) -> anyhow::Error {
    match error {
        OpenStaticError::Read(error) if failure(&error).is_some() => not_damaged(error),
        OpenStaticError::Checkpoint(error) => anyhow!(error)
            .context(Damaged(format!("the checkpoint published in {at} does not verify"))),
        error => anyhow!(error).context(Damaged(format!("the log in {at} is damaged"))),
    }
}

/// Why the file could not be had, where that says nothing about the log.
pub(crate) fn failure(error: &StaticReadError) -> Option<&HttpError> {
    let StaticReadError::Io { source, .. } = error else { return None };
    source.get_ref()?.downcast_ref()
}

fn not_damaged(error: StaticReadError) -> anyhow::Error {
    match failure(&error) {
        Some(failure) => anyhow!(failure.clone()),
        None => error.into(),
    }
}

pub(crate) fn read_error(error: ReadError) -> anyhow::Error {
    match error {
        ReadError::Corrupt { .. } | ReadError::Derived { .. } => {
            let text = "the log is damaged; `dataspace audit fsck` says where".to_owned();
            anyhow!(error).context(Damaged(text))
        }
        ReadError::Archived { .. } => anyhow!(error).context(
            "copy the archived segments back into a copy of the directory to look at them",
        ),
        error => error.into(),
    }
}

fn prove_error(error: ProveError) -> anyhow::Error {
    match error {
        ProveError::Read(error) => read_error(error),
        error => error.into(),
    }
}

fn static_error(error: StaticLogError) -> anyhow::Error {
    match error {
        StaticLogError::Tree(error) => error.into(),
        StaticLogError::Read(error) if failure(&error).is_some() => not_damaged(error),
        error => anyhow!(error).context(Damaged("the published log is damaged".to_owned())),
    }
}
